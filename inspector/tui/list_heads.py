"""The line above the list: the columns' headings, and whether the list follows the newest flow."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from inspector.store.view import Sort
from inspector.tui import rows
from inspector.tui.columns import Column
from inspector.tui.flow_list import FlowList


class ListHeads(Widget):
    """Shows the headings of the columns that the list shows: a click on one sorts by it.

    At the right end it says whether the list follows the newest flow; a click there goes to it.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"heads--following", "heads--newer", "heads--sorted"}
    DEFAULT_CSS = """
    ListHeads { height: 1; & > .heads--sorted { color: $secondary; text-style: bold; } }
    """

    def __init__(self, flow_list: FlowList, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._list = flow_list
        self._said = ""
        self._columns: tuple[Column, ...] = ()
        self._sort: Sort | None = None

    def pull(self) -> None:
        """Say how things stand with the list; drawn only if that changed."""
        said = "↓ follows " if self._list.following else f"{self._list.newer} newer ↓ " if self._list.newer else ""
        if (said, self._list.columns, self._list.sort) != (self._said, self._columns, self._sort):
            self._said, self._columns, self._sort = said, self._list.columns, self._list.sort
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Textual's Line API: the headings, and the remark at the right end."""
        width = self.size.width
        if y:
            return Strip.blank(width, self.rich_style)
        ordered = self.get_component_rich_style("heads--sorted", partial=True)
        room, at = width - cell_len(self._said), 0
        segments: list[Segment] = []
        for column, start, text in self._titles():
            if start + cell_len(text) >= room and column.key == "words":
                break
            segments.append(Segment(" " * (start - at)))
            segments.append(Segment(text, ordered if text != column.title and self._sorts(column) else None))
            at = start + cell_len(text)
        left = Strip(segments).adjust_cell_length(max(0, room), self.rich_style)
        name = "heads--following" if self._list.following else "heads--newer"
        said = Segment(self._said, self.get_component_rich_style(name, partial=True))
        return Strip([*left, said]).adjust_cell_length(width, self.rich_style).apply_style(self.rich_style)

    def on_click(self, event: events.Click) -> None:
        """Sort by a column, or follow the newest flow."""
        titles = self._titles()
        if event.x >= self.size.width - cell_len(self._said):
            self._list.action_follow()
            return
        ends = [start for _, start, _ in titles[1:]]
        for (column, start, text), following in zip(titles, [*ends, self.size.width], strict=True):
            begin = start + cell_len(text) - column.width if column.right else start
            if begin <= event.x < max(begin + column.width, min(following, start + cell_len(text))):
                self._list.sort_by(column)

    def _titles(self) -> list[tuple[Column, int, str]]:
        return rows.heads(self._columns or self._list.columns, self._list.width or self.size.width, self._list.sort)

    def _sorts(self, column: Column) -> bool:
        return self._sort is not None and self._sort.key == column.sort
