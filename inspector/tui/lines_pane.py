"""A pane whose lines are made beforehand."""

from __future__ import annotations

from inspector.tui.line_pane import LinePane
from inspector.tui.spans import Line


class LinesPane(LinePane):
    """Shows the lines that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[Line] = []

    def line_count(self) -> int:
        """How many lines there are."""
        return len(self.lines)

    def line(self, index: int, width: int) -> Line:
        """One line."""
        return self.lines[index]
