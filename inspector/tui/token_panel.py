"""The panel beside the tokens: the one under the cursor, what else might have stood there, and the answer's course."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from inspector.model.token import Alternative, margin, probability, surprisal
from inspector.store.token_reading import TokenReading
from inspector.tui.bar import bar
from inspector.tui.line_view import LineView
from inspector.tui.spans import Line, cut, width_of
from inspector.tui.token_course import Course
from inspector.tui.token_words import bytes_of, chosen_of, decimals, figure, spelled

AIRY = 12
"""Lines of height from which on the first is an empty one."""
USUAL = 5
"""Alternatives that are shown as long as the person does not ask for all."""
_RISING = " ▁▂▃▄▅▆▇█"
_FIGURE = 8
_WIDEST_NAME = 24
_HALF = 34
"""Cells that a column of alternatives needs at least."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the panel tells of."""

    reading: TokenReading
    index: int
    alternatives: tuple[Alternative, ...]
    course: Course
    below: float
    all: bool
    """Whether every alternative is shown."""
    asked: int | None
    """How many alternatives the request asked for: a token beyond them was added because it was chosen."""
    delivered: bool | None = None
    """Whether the agent has it already; None where nothing holds the answer."""


def panel_lines(shown: Shown, width: int, height: int, beside: bool) -> list[Line]:
    """The panel's lines; where it is low, what matters less is left out."""
    head = _head(shown, width, beside)
    if not beside:
        return _low(shown, head, width, height)
    lines: list[Line] = [[]] if height >= AIRY else []
    lines += [*head, [], *_alternatives(shown, width)]
    keys, course = [[], *_keys(shown)], [[], *_course(shown, width, 2 if height >= 20 else 1)]
    if len(lines) + len(keys) + len(course) <= height or shown.all:
        return lines + keys + course
    return lines + course if len(lines) + len(course) <= height else lines


def _low(shown: Shown, head: list[Line], width: int, height: int) -> list[Line]:
    columns = max(1, width // _HALF) if width >= 2 * _HALF else 1
    column = width // columns
    rows = _alternatives(shown, column - 2)
    each = -(-len(rows) // columns)
    lines = list(head)
    for row in range(each):
        line: Line = []
        for place, part in enumerate(rows[row::each][:columns]):
            line += [("", " " * (place * column - width_of(line))), *part]
        lines.append(line)
    course: Line = [("muted", "along  "), *_course(shown, width - 7, 1)[-1]]
    return [*lines, course] if len(lines) < height or shown.all else lines


def _head(shown: Shown, width: int, beside: bool) -> list[Line]:
    reading, token = shown.reading, shown.reading.tokens[shown.index]
    first: Line = [("bold", f"token {shown.index + 1:,} of {len(reading.tokens):,}")]
    if token.id is not None:
        first.append(("faint", f"   id {token.id}"))
    if shown.delivered is not None:
        words = "already with the agent" if shown.delivered else "not yet with the agent"
        first.append(("faint" if shown.delivered else "amber", f"   {words}"))
    figures: list[Line] = []
    if token.probability is not None:
        bits = surprisal(token.logprob)
        figures += [_named("p", figure(token.probability)), _named("surprisal", f"{decimals(bits)} bits")]
        if token.entropy is not None:
            figures.append(_named("entropy", decimals(token.entropy)))
        lead = margin(shown.alternatives)
        if lead is not None:
            figures.append(_named("margin", decimals(lead)))
        figures.append(_named("perplexity so far", decimals(reading.perplexity(shown.index))))
    if raw := bytes_of(token):
        figures.append([("muted", "bytes "), ("key", raw)])
    return [first, *_flowed(figures, width, 3)] if beside else _flowed([first, *figures], width, 2)


def _named(name: str, value: str) -> Line:
    return [("muted", f"{name} "), ("", value)]


def _flowed(items: list[Line], width: int, gap: int) -> list[Line]:
    """Items one after the other, in as many lines as they need."""
    lines: list[Line] = []
    for item in items:
        if lines and width_of(lines[-1]) + gap + width_of(item) <= width:
            lines[-1] += [("", " " * gap), *item]
        else:
            lines.append(list(item))
    return lines


def _alternatives(shown: Shown, width: int) -> list[Line]:
    """A line with a bar for each alternative, the chosen one marked."""
    token, every = shown.reading.tokens[shown.index], shown.alternatives
    chosen = chosen_of(every, token)
    if not every:
        if token.logprob is None:
            return [[("muted", "nothing is known of its probability")]]
        every, chosen = (Alternative(token.data, token.logprob, token.id),), 0
    kept = list(range(len(every)))
    if not shown.all and len(kept) > USUAL + 1:
        kept = [place for place in kept if place < USUAL or place == chosen]
    names = [spelled(every[place].data) for place in kept]
    room = min(max(map(width_of, names)), _WIDEST_NAME, width // 2)
    lines: list[Line] = []
    for place, name in zip(kept, names, strict=True):
        if place == chosen and (place > kept.index(place) or (shown.asked and place >= shown.asked)):
            lines.append([("faint", "  ⋮")])
        lines.append(_bar_line(every[place], name, room, width, place == chosen))
    if len(kept) < len(every):
        lines.append([("faint", f"  {len(every) - len(kept)} more, "), ("accent", "a"), ("faint", " shows all")])
    elif len(every) == 1:
        lines.append([("faint", "  no alternatives came with it")])
    return lines


def _bar_line(alternative: Alternative, name: Line, room: int, width: int, chosen: bool) -> Line:
    line: Line = [("amber", "▸ ") if chosen else ("", "  ")]
    line += [("chosen" if chosen and style == "" else style, text) for style, text in cut(name, room)]
    line.append(("", " " * (room + 2 - width_of(line) + 2)))
    p = probability(alternative.logprob)
    if p is None:
        return [*line, ("faint", "not known")]
    cells = max(0, width - width_of(line) - _FIGURE)
    return [*line, ("amber" if chosen else "bar", bar(p, cells)), ("chosen" if chosen else "muted", f" {figure(p)}")]


def _keys(shown: Shown) -> list[Line]:
    keys = {
        "enter": "go on from here with another token",
        "t": "type another text",
        "n": f"next doubtful token (p < {shown.below:.2f})",
    }
    return [[("accent", f"{key:>5}"), ("muted", f" {words}")] for key, words in keys.items()]


def _course(shown: Shown, width: int, rows: int) -> list[Line]:
    """The mean probability along the answer as bars, the cursor's column marked."""
    each, means = shown.course.columns(width)
    heading: Line = [
        ("bold", "along the answer"),
        ("faint", f"   p, 1 column = {each:,} token{'' if each == 1 else 's'}"),
    ]
    here = shown.index // each
    levels = [0 if mean is None else max(1, round(mean * 8 * rows)) for mean in means]
    lines: list[Line] = []
    for row in reversed(range(rows)):
        signs = [_RISING[min(8, max(0, level - 8 * row))] for level in levels]
        spans = [("amber" if place == here else "bar", sign) for place, sign in enumerate(signs)]
        grouped = groupby(spans, key=lambda span: span[0])
        lines.append([(style, "".join(text for _, text in part)) for style, part in grouped])
    return [heading, *lines]


class TokenPanel(LineView, can_focus=False):
    """Shows those lines; scrolls where there are more of them than fit."""

    STYLES: ClassVar[tuple[str, ...]] = ("bold", "muted", "faint", "key", "accent", "amber", "chosen", "bar")
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"panel--{name}" for name in STYLES}
    DEFAULT_CSS = """
    TokenPanel {
        overflow-y: auto;
        & > .panel--bold { color: $foreground; text-style: bold; }
        & > .panel--muted { color: $foreground-muted; }
        & > .panel--faint { color: $foreground-muted 75%; }
        & > .panel--key { color: $secondary; }
        & > .panel--accent { color: $primary; text-style: bold; }
        & > .panel--amber { color: $warning; }
        & > .panel--chosen { color: $foreground; text-style: bold; }
        & > .panel--bar { color: $secondary; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.shown: Shown | None = None
        self.beside = False
        """Whether it stands beside the tokens, and not below them."""
        self._lines: list[Line] = []

    def show(self, shown: Shown | None) -> None:
        """Show another token, or None."""
        other = self.shown is None or shown is None or shown.index != self.shown.index
        self.shown = shown
        self._lay_out()
        if other:
            self.scroll_to(y=0, animate=False, force=True)

    def line_count(self) -> int:
        """How many lines there are."""
        return len(self._lines)

    def draw_line(self, index: int, width: int) -> Strip:
        """One of them."""
        return Strip([Segment(text, self._colour(name)) for name, text in cut(self._lines[index], width)])

    def on_resize(self) -> None:
        """Everything is laid out for its room."""
        self._lay_out()
        super().on_resize()

    def _lay_out(self) -> None:
        wide = self.width > 0 and self.shown is not None
        lines = panel_lines(self.shown, self.width, self.size.height, self.beside) if wide and self.shown else []
        if lines != self._lines:
            self._lines = lines
            self.lines_changed()

    def _colour(self, name: str) -> Style | None:
        return self.get_component_rich_style(f"panel--{name}", partial=True) if name else None
