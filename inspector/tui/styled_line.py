"""One line of styled runs, with something at its right end: the heads and rules of editors and dialogs."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from inspector.tui.spans import Line, cut, width_of


class StyledLine(Widget):
    """One line whose runs are of the styles below; draws only where it is new."""

    STYLES: ClassVar[tuple[str, ...]] = (
        *("chip", "bold", "muted", "faint", "key", "ok", "warning", "error", "edited", "active"),
    )
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"line--{name}" for name in STYLES}
    DEFAULT_CSS = """
    StyledLine {
        height: 1; background: $background;
        & > .line--chip { background: $accent; color: $background; text-style: bold; }
        & > .line--bold { color: $foreground; text-style: bold; }
        & > .line--muted { color: $foreground-muted; }
        & > .line--faint { color: $foreground-muted 60%; }
        & > .line--key { color: $secondary; }
        & > .line--ok { color: $success; }
        & > .line--warning { color: $warning; }
        & > .line--error { color: $error; }
        & > .line--edited { color: $accent; text-style: bold; }
        & > .line--active { background: $background; color: $foreground; text-style: bold; }
    }
    """

    def __init__(self, left: Line | None = None, right: Line | None = None, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._left: Line = left or []
        self._right: Line = right or []

    def set(self, left: Line, right: Line | None = None) -> None:
        """Show these runs; what stands at the right is seen before what stands at the left."""
        if (left, right or []) != (self._left, self._right):
            self._left, self._right = left, right or []
            self.refresh()

    def spans(self, width: int) -> Line:
        """The whole line."""
        right = cut(self._right, width)
        left = cut(self._left, max(0, width - width_of(right) - bool(right)))
        return [*left, *self.between(width - width_of(left) - width_of(right)), *right]

    def between(self, room: int) -> Line:
        """What fills the room in the middle."""
        return [("", " " * room)]

    def render_line(self, y: int) -> Strip:
        """Textual's Line API."""
        width = self.size.width
        segments = [
            Segment(text, self.get_component_rich_style(f"line--{name}", partial=True) if name else None)
            for name, text in self.spans(width)
        ]
        return Strip(segments).apply_style(self.rich_style).adjust_cell_length(width, self.rich_style)


class RuleLine(StyledLine):
    """A heading in a rule, with something at its right end."""

    def spans(self, width: int) -> Line:
        """The whole line."""
        end: Line = [("faint", " ─")] if self._right else []
        return [("faint", "─ "), *super().spans(max(0, width - 2 - width_of(end))), *end]

    def between(self, room: int) -> Line:
        """The rule."""
        rule = "─" * max(0, room - 2)
        return [("faint", f" {rule}{' ' if self._right else '─'}"[:room])]
