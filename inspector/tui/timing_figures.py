"""What the Timing tab tells of an answer's course: gaps, pace, bursts, stalls, and signs of a buffer on the way."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from inspector.store.arrivals import EDGES, Arrivals
from inspector.store.buffering import AtOnce, InBatches
from inspector.tui import format
from inspector.tui.bar import bar
from inspector.tui.spans import Line, cut, width_of
from inspector.tui.timing_words import about, exact, fact, label, tick_label

_LEVELS = " ▁▂▃▄▅▆▇█"
_STALL = 250.0
_TIMES = 4
"""A stall is at least so many ms, and so many times the median gap."""
_SHOWN = 3


def gap_lines(arrivals: Arrivals, width: int) -> list[Line]:
    """The distribution of the gaps between chunks."""
    gaps = arrivals.gaps
    lines: list[Line] = [_title("gaps", f"{about(gaps.count, 'gap')} between {about(arrivals.chunks, 'chunk')}")]
    if not gaps.count:
        return lines
    quantiles = [(f"p{round(share * 100)}", gaps.quantile(share) or 0.0) for share in (0.5, 0.9, 0.99)]
    lines += fact("", [[("muted", f"{name} "), ("key", exact(value))] for name, value in quantiles], width)
    lines[-1] += [("faint", " · "), ("muted", "longest "), ("key", exact(gaps.longest))]
    used = [index for index, number in enumerate(gaps.histogram) if number]
    most = max(gaps.histogram)
    cells = max(4, min(60, width - 28))
    for index in range(used[0], used[-1] + 1):
        number = gaps.histogram[index]
        line: Line = [("muted", f"{_range(index):>12} "), ("key", bar(number / most, cells).ljust(cells))]
        style = "" if number else "faint"
        lines.append([*line, (style, f" {number:>7,}"), ("muted", f" {format.share(number / gaps.count):>4}")])
    return [cut(line, width) for line in lines]


def _range(index: int) -> str:
    if index == 0:
        return f"< {tick_label(EDGES[0])}"
    if index == len(EDGES):
        return f"≥ {tick_label(EDGES[-1])}"
    first, last = tick_label(EDGES[index - 1]), tick_label(EDGES[index])
    unit = last[last.index(" ") :]
    return f"{first.removesuffix(unit)} – {last}"


def pace_lines(rates: Sequence[float], start: float, end: float, rows: int) -> list[Line]:
    """Tokens a second over time, as an area of several rows."""
    lines: list[Line] = [_title("pace", "tokens a second from the first token on, spread as the bytes came")]
    top = max(rates, default=0.0)
    if top <= 0:
        return lines
    heights = [round(rate / top * rows * 8) or (1 if rate > 0 else 0) for rate in rates]
    for row in range(rows - 1, -1, -1):
        text = "".join(_LEVELS[max(0, min(8, height - row * 8))] for height in heights)
        mark = format.rate(top) if row == rows - 1 else "0" if row == 0 else ""
        lines.append([("muted", f" {mark:>11} {'┤' if mark else '│'}"), ("ok", text)])
    first, last = exact(start), exact(end)
    blank = " " * max(1, len(rates) - len(first) - len(last))
    return [*lines, [label(""), ("faint", f" {first}{blank}{last}")]]


def beside_each_other(left: list[Line], right: list[Line], width: int) -> list[Line]:
    """Two columns of lines, the left one `width` cells wide."""
    lines: list[Line] = []
    for one, other in zip_longest(left, right, fillvalue=None):
        fitted = cut(one or [], width - 2)
        lines.append([*fitted, ("", " " * (width - width_of(fitted))), *(other or [])])
    return lines


def course_facts(arrivals: Arrivals, width: int) -> list[Line]:
    """Bursts and stalls."""
    unit = "event" if arrivals.events else "chunk"
    return [*fact("arrivals", _bursts(arrivals, unit), width), *fact("stalls", _stalls(arrivals, unit), width)]


def buffer_lines(found: AtOnce | InBatches, width: int) -> list[Line]:
    """That something on the way collects the stream, and what says so."""
    words, evidence = _buffering(found)
    return fact("! buffered", [[("warning", words)], [("", evidence)]], width)


def _bursts(arrivals: Arrivals, unit: str) -> list[Line]:
    pieces: list[Line] = [[("", about(arrivals.units, unit))], [("", f"in {about(arrivals.chunks, 'chunk')}")]]
    if arrivals.bursts:
        size, at = arrivals.largest
        pieces.append([("", f"{about(arrivals.bursts, 'burst')} of several at once")])
        pieces.append([("muted", f"the largest of {size:,} at {exact(at)}")])
    return pieces


def _stalls(arrivals: Arrivals, unit: str) -> list[Line]:
    least = max(_STALL, _TIMES * (arrivals.gaps.quantile(0.5) or 0.0))
    long = sorted((stall for stall in arrivals.stalls if stall.gap >= least), reverse=True)[:_SHOWN]
    if not long:
        return [[("muted", "none that stands out")]]
    return [
        [("warning", exact(stall.gap)), ("", f" before {unit} {stall.number:,}, until {exact(stall.at)}")]
        for stall in long
    ]


def _buffering(found: AtOnce | InBatches) -> tuple[str, str]:
    if isinstance(found, AtOnce):
        share = format.share(found.events / found.of)
        return (
            "something on the way seems to collect the stream",
            f"{share} of {about(found.of, 'event')} came within {exact(found.within)}, after {exact(found.waited)}",
        )
    return (
        "something on the way seems to collect the stream in batches",
        f"{found.batches:,} of about {found.events:.0f} events, one every {exact(found.every)}",
    )


def _title(name: str, words: str) -> Line:
    return [("bold", f" {name:12}"), ("muted", words)]
