"""One line of styled text at the bottom of a tab."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from inspector.tui.spans import Line, cut


class StatusLine(Widget):
    """Shows one line; draws only where it is new."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"status--muted", "status--key", "status--warning"}
    DEFAULT_CSS = """
    StatusLine {
        height: 1; background: $surface; padding: 0 1;
        & > .status--muted { color: $foreground-muted; }
        & > .status--key { color: $secondary; }
        & > .status--warning { color: $warning; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._line: Line = []

    def set(self, line: Line) -> None:
        """Show this line, of the styles `muted`, `key`, `warning` or none."""
        if line != self._line:
            self._line = line
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Textual's Line API."""
        width = self.size.width
        segments = [
            Segment(text, self.get_component_rich_style(f"status--{name}", partial=True) if name else None)
            for name, text in cut(self._line, width)
        ]
        return Strip(segments).apply_style(self.rich_style).adjust_cell_length(width, self.rich_style)
