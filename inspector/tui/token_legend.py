"""The line below the tokens that says what their colours mean."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from inspector.tui.spans import Line, cut
from inspector.tui.token_colours import STEPS, palette_of

_SHORT = 130
"""Cells below which the words are fewer."""


class TokenLegend(Widget):
    """The scale, and the limit of doubt."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"legend--muted", "legend--under"}
    DEFAULT_CSS = """
    TokenLegend {
        height: 1; background: $background;
        & > .legend--muted { color: $foreground-muted; }
        & > .legend--under { color: $foreground; text-style: underline; }
    }
    """

    def __init__(self, below: float) -> None:
        super().__init__()
        self.below = below
        """The probability below which a token is doubtful."""

    def render_line(self, y: int) -> Strip:
        """Textual's Line API."""
        width = self.size.width
        short = width < _SHORT
        cells = STEPS // 2 if short else STEPS
        palette = palette_of(self.app)
        sign = "━" if palette.sixteen else " "
        scale = [Segment(sign, palette.of(cell / (cells - 1))) for cell in range(cells)]
        words: Line = [("muted", "  0 → 1   "), ("muted", "" if short else "also shown as "), ("under", "underline")]
        words.append(("muted", f" below {self.below:.2f}{'' if short else ', so that it reads without colour'}"))
        line = [*self._segments([("muted", "  p  ")]), *scale, *self._segments(cut(words, max(0, width - 5 - cells)))]
        return Strip(line).apply_style(self.rich_style).adjust_cell_length(width, self.rich_style)

    def _segments(self, line: Line) -> list[Segment]:
        return [Segment(text, self.get_component_rich_style(f"legend--{name}", partial=True)) for name, text in line]
