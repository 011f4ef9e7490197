"""The amber line above the detail of a flow that stands still."""

from __future__ import annotations

import time
from typing import ClassVar

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from inspector.model.flow import Flow
from inspector.tui.hold_words import OVER, hold_line
from inspector.tui.spans import Line, cut


class HoldLine(Widget):
    """One line about one hold; there is none where nothing is held."""

    STYLES: ClassVar[tuple[str, ...]] = ("chip", "text", "why", "muted", "late")
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"hold--{name}" for name in STYLES}
    DEFAULT_CSS = """
    HoldLine {
        height: 1; display: none; background: $warning 18%;
        &.-held { display: block; }
        & > .hold--chip { background: $warning; color: $background; text-style: bold; }
        & > .hold--text { color: $foreground; text-style: bold; }
        & > .hold--why { color: $warning; text-style: bold; }
        & > .hold--muted { color: $foreground-muted; }
        & > .hold--late { color: $error; text-style: bold; }
    }
    """

    def __init__(self, *, needed: bool = False, id: str | None = None) -> None:
        """`needed`: what stands below it is for a hold, and of no use without one."""
        super().__init__(id=id)
        self._needed = needed
        self._flow: Flow | None = None
        self._line: Line = []
        self._where = ""

    def show(self, flow: Flow | None, where: str = "") -> None:
        """Tell of this flow's hold as it is now; draws only what is new. `where` is better known than the moment."""
        self._flow, self._where = flow, where
        hold = flow.hold if flow is not None else None
        self.set_class(hold is not None or self._needed, "-held")
        line = OVER if self._needed else []
        if flow is not None and hold is not None:
            line = hold_line(hold, now_of(flow), self.size.width, where)
        if line != self._line:
            self._line = line
            self.refresh()

    def on_resize(self) -> None:
        """With more room there are more words."""
        self.show(self._flow, self._where)

    def render_line(self, y: int) -> Strip:
        """Textual's Line API."""
        width = self.size.width
        segments = [
            Segment(text, self.get_component_rich_style(f"hold--{name}", partial=True) if name else None)
            for name, text in cut(self._line, width)
        ]
        return Strip(segments).apply_style(self.rich_style).adjust_cell_length(width, self.rich_style)


def now_of(flow: Flow) -> float:
    """This moment, in ms since the flow's start."""
    return (time.perf_counter() - flow.clock) * 1000
