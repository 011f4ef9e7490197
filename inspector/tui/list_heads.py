"""The line above the list: the columns' headings, and whether the list follows the newest flow."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from inspector.tui import rows
from inspector.tui.columns import COLUMNS, fit
from inspector.tui.flow_list import FlowList


class ListHeads(Widget):
    """Shows the headings of the columns that the list shows. A click goes to the newest flow."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"heads--following", "heads--newer"}
    DEFAULT_CSS = "ListHeads { height: 1; }"

    def __init__(self, flow_list: FlowList, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._list = flow_list
        self._said = ""
        self._of_tokens = False

    def pull(self) -> None:
        """Say how things stand with the list; drawn only if that changed."""
        said = "↓ follows " if self._list.following else f"{self._list.newer} newer ↓ " if self._list.newer else ""
        if (said, self._list.of_tokens) != (self._said, self._of_tokens):
            self._said, self._of_tokens = said, self._list.of_tokens
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Textual's Line API: the headings, and the remark at the right end."""
        width, shown = self.size.width, self._list.width or self.size.width
        if y:
            return Strip.blank(width, self.rich_style)
        name = "heads--following" if self._list.following else "heads--newer"
        text = rows.heads(fit(shown, self._of_tokens), shown)
        room = width - cell_len(self._said)
        if len(text.rstrip()) >= room:
            text = text[: text.rfind(COLUMNS[-1].title)]
        segments = [Segment(text[:room].ljust(room), self.rich_style)]
        segments.append(Segment(self._said, self.get_component_rich_style(name, partial=True)))
        return Strip(segments).adjust_cell_length(width, self.rich_style).apply_style(self.rich_style)

    def on_click(self) -> None:
        """Follow the newest flow."""
        self._list.action_follow()
