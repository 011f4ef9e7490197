"""Spans of time, scales and facts as the Timing tab writes them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.tui import format
from inspector.tui.spans import Line, cut, width_of

LABEL = 13
"""Cells of the names at the left."""


def exact(ms: float) -> str:
    """A span with its unit apart, to three figures or so: `0.04 ms`, `3.4 ms`, `820 ms`, `1.23 s`, `4m05`."""
    if ms < 999.5:
        return format.milliseconds(ms) if ms else "0 ms"
    if ms < 9_995:
        return f"{ms / 1000:.2f} s"
    return f"{ms / 1000:.1f} s" if ms < 99_950 else format.duration(ms)


def about(count: int, one: str) -> str:
    """Some things with their number: `1 chunk`, `12 chunks`."""
    return f"{count:,} {one}{'' if count == 1 else 's'}"


def ticks(total: float, most: int) -> list[float]:
    """At most so many round places on a scale from 0 to `total` ms, 0 among them."""
    least, step = total / max(1, most - 1), 0.001
    while step < least:
        step = next((step * nice for nice in (2, 5) if step * nice >= least), step * 10)
    return [step * number for number in range(int(total / step) + 1)] if total > 0 else [0.0]


def tick_label(ms: float) -> str:
    """A place on the scale: `0`, `5 ms`, `1.5 s`, `3 min`."""
    if not ms:
        return "0"
    if ms < 1000:
        return f"{ms:.6g} ms"
    return f"{ms / 1000:.6g} s" if ms < 120_000 else f"{ms / 60_000:.4g} min"


def label(text: str) -> tuple[str, str]:
    """The name at the left of a line."""
    return "muted", f" {text:{LABEL - 1}}"


def fact(name: str, pieces: Sequence[Line], width: int) -> list[Line]:
    """A name and what there is to say, as many pieces on a line as there is room for."""
    lines: list[Line] = []
    line: Line = [label(name)]
    for index, piece in enumerate(pieces):
        if index and width_of(line) + 3 + width_of(piece) > width:
            lines.append(line)
            line = [label(""), *piece]
        else:
            line += [("faint", " · "), *piece] if index else piece
    return [cut(each, width) for each in [*lines, line]]
