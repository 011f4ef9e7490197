"""The first line: where we listen, what is going on, what it came to, and what we ourselves cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from inspector.tui import format
from inspector.tui.text import clip, printable


class Listener(Protocol):
    """The proxy, as far as the header tells of it."""

    @property
    def address(self) -> str:
        """Where it listens, e.g. `127.0.0.1:7077`."""

    @property
    def added_ms(self) -> float | None:
        """What the relay added to the latest chunks, in ms; None before the first."""

    @property
    def lag_ms(self) -> float:
        """The longest that the event loop came late in the last second, in ms."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What the header shows at one moment."""

    place: str
    """Where we listen, or the file that is shown."""
    listening: bool
    profile: str
    live: int = 0
    flows: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache: float | None = None
    """Share of all input tokens that came from a cache, 0 to 1."""
    cost: float | None = None
    """US dollars that all flows came to, as far as they are known."""
    added_ms: float | None = None
    lag_ms: float = 0.0
    """How late the event loop came lately, at worst, in ms."""
    unread: int = 0
    """Log lines that nobody looked at."""
    held: int = 0
    """Flows that stand still."""
    hold_requests: bool = False
    """Whether every next request is held."""
    kept: str = ""
    """The name of the session that is kept; empty where none is."""
    stopped: str = ""
    """What the disk refuses, and since when; empty while it takes everything."""
    why: str = ""
    """What it says."""
    leaving: str = ""
    """What is waited for before the program ends."""


_WHY = 26
"""Cells for why recording stopped, on eighty columns."""

_NAMED = 160
"""Cells from which on the header names the session, too."""

Piece = tuple[str, str]
"""A text and the name of its tone."""


class HeaderLine(Widget):
    """Shows figures on one line. What there is no room for is left out, the least needed first."""

    TONES: ClassVar[tuple[str, ...]] = ("name", "text", "muted", "live", "held", "late", "failed")
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"header--{tone}" for tone in TONES}
    DEFAULT_CSS = "HeaderLine { height: 1; }"

    def __init__(self, figures: Figures, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._figures = figures

    def show(self, figures: Figures) -> None:
        """Take new figures; drawn only if they differ from those shown."""
        if figures != self._figures:
            self._figures = figures
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Textual's Line API: the one line."""
        width = self.size.width
        if y:
            return Strip.blank(width, self.rich_style)
        styles = {tone: self.get_component_rich_style(f"header--{tone}", partial=True) for tone in self.TONES}
        segments = [Segment(text, styles[tone]) for text, tone in arrange(self._figures, width)]
        return Strip(segments).adjust_cell_length(width).apply_style(self.rich_style)


def arrange(figures: Figures, width: int) -> list[Piece]:
    """The pieces of the header for a width: the name and place at the left, the flows between, our own cost right."""
    parts = _parts(figures, width)
    shown: set[int] = set()
    for index in sorted(range(len(parts)), key=lambda index: parts[index][0]):
        if not shown or _width(parts, shown | {index}) <= width:
            shown.add(index)
    sides: list[list[Piece]] = [
        [piece for index, (_, at, pieces) in enumerate(parts) if at == side and index in shown for piece in pieces]
        for side in range(3)
    ]
    left, middle, right = sides
    spare = max(0, width - sum(_cells(side) for side in sides))
    before = max(0, min(spare, (width - _cells(middle)) // 2 - _cells(left))) if middle else 0
    return [*left, (" " * before, "text"), *middle, (" " * (spare - before), "text"), *right]


def _parts(figures: Figures, width: int) -> list[tuple[int, int, Sequence[Piece]]]:
    """All parts in their order: how soon each gives way, the side it stands on, its pieces."""
    return [
        *((rank, 0, pieces) for rank, pieces in _left(figures, width)),
        *((rank, 1, pieces) for rank, pieces in _middle(figures)),
        *((rank, 2, pieces) for rank, pieces in _right(figures)),
    ]


_Ranked = Iterator[tuple[int, Sequence[Piece]]]


def _left(figures: Figures, width: int) -> _Ranked:
    """Where we are, and in what condition."""
    yield 0, [(" inspector ", "name")]
    mark: Piece = (" ● ", "live") if figures.listening else (" ▤ ", "muted")
    yield 1, [mark, (clip(printable(figures.place), 40), "text")]
    if figures.leaving:
        yield 1, [(f"  {figures.leaving}", "held")]
    if figures.hold_requests:
        yield 2, [("  ‖ next requests", "held")]
    if figures.stopped:
        yield 1, [(f"  ⚠ {printable(figures.stopped)}", "failed")]
        yield 2, [(clip(f" · {printable(figures.why)}", max(_WHY, width - 80)), "failed")]
    elif figures.kept:
        yield 5, [(f"  ● rec {clip(printable(figures.kept), 40)}" if width >= _NAMED else "  ● rec", "muted")]
    if figures.profile:
        yield 7, [(f"  {printable(figures.profile)}", "muted")]


def _middle(figures: Figures) -> _Ranked:
    """What is going on."""
    if figures.listening:
        yield 2, [(f"  {figures.live} live", "live" if figures.live else "muted")]
    if figures.held:
        yield 1, [(f"  {figures.held} held", "held")]
    yield 3, [(f"  {format.count(figures.flows)} flow{'' if figures.flows == 1 else 's'}", "text")]
    if figures.unread:
        yield 3, [(f"  ! {figures.unread} in the log", "late")]


def _right(figures: Figures) -> _Ranked:
    """What it came to, and what we cost."""
    yield 6, [(f"  ↑{format.count(figures.input_tokens)} ↓{format.count(figures.output_tokens)}", "text")]
    if figures.cache is not None:
        yield 8, [(f"   cache {format.share(figures.cache)}", "text")]
    if figures.cost is not None:
        yield 5, [(f"  {format.money(figures.cost)}", "text")]
    if figures.listening:
        yield 5, [(f"  +{format.milliseconds(figures.added_ms)}", "muted")]
    yield 4, [(f"  ⟳ {format.milliseconds(figures.lag_ms)} ", "late" if figures.lag_ms >= 50 else "muted")]


def _width(parts: Sequence[tuple[int, int, Sequence[Piece]]], shown: set[int]) -> int:
    return sum(_cells(parts[index][2]) for index in shown)


def _cells(pieces: Sequence[Piece]) -> int:
    return sum(cell_len(text) for text, _ in pieces)
