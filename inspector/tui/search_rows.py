"""What a search found, as lines: the flows with hits, and below each its hits. Knows no widget."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from rich.cells import cell_len

from inspector.store.search import FlowHits, Hit
from inspector.store.summary import Summary
from inspector.tui import format
from inspector.tui.spans import Line, cut, width_of
from inspector.tui.text import clip, lines, one_line, printable

WIDE = 110
"""Cells of width from which on the places stand in full."""
_BLANK = re.compile(r"\s+")
_STYLES = {"answer": "ok", "model": "ok", "user": "key", "error": "error", "note": "warning"}
_TOOLS = ("call", "result", "tool")


class HitRows:
    """The rows. One is a flow, a hit, or the word that there are more."""

    def __init__(self) -> None:
        self._groups: Sequence[FlowHits] = ()
        self._ends: list[int] = []

    def set(self, groups: Sequence[FlowHits]) -> None:
        """Take what was found so far."""
        self._groups = groups
        self._ends = list(accumulate(1 + len(group.hits) + (group.count > len(group.hits)) for group in groups))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def at(self, row: int) -> tuple[FlowHits, int]:
        """The flow that a row belongs to, and its number there: 0 is the flow itself, 1 its first hit."""
        place = bisect_right(self._ends, row)
        return self._groups[place], row - (self._ends[place - 1] if place else 0)

    def hit(self, row: int) -> tuple[FlowHits, Hit | None]:
        """What to open for a row: for a flow its first hit, for the word that there are more its last."""
        group, number = self.at(row)
        hits = group.hits
        return group, hits[max(0, min(number, len(hits)) - 1)] if hits else None

    def row_of(self, flow_id: str, number: int) -> int | None:
        """Where a row stands now, by its flow and its number there; None where that flow has no hits."""
        for place, group in enumerate(self._groups):
            if group.flow.id == flow_id:
                start = self._ends[place - 1] if place else 0
                return min(start + number, self._ends[place] - 1)
        return None

    def next_flow(self, row: int, step: int) -> int:
        """The row of the next flow, or of this one and then of the one before where `step` is negative."""
        place = bisect_right(self._ends, row)
        start = self._ends[place - 1] if place else 0
        if step < 0 and row > start:
            return start
        place = max(0, min(place + step, len(self._groups) - 1))
        return self._ends[place - 1] if place else 0


def flow_line(group: FlowHits, summary: Summary, width: int) -> Line:
    """One flow: its number, agent and model, the end of what was said, and how many hits it has."""
    count: Line = [("number", f"  {group.count:,} hit{'' if group.count == 1 else 's'} ")]
    agent = clip(one_line(group.flow.agent or group.flow.source), 14)
    model = clip(one_line(format.short_model(summary.model)), 22)
    line: Line = [("bold", f" #{one_line(group.flow.number)}"), ("", f"  {agent}"), ("muted", f"  {model}")]
    words = one_line(summary.words)
    line += [("faint", f"  {words}")] if words else []
    line = cut(line, max(0, width - width_of(count)))
    return [*line, ("", " " * (width - width_of(line) - width_of(count))), *count]


def hit_line(hit: Hit, later: int, width: int) -> Line:
    """One hit: its place, and the match between what stands around it."""
    cells = 24 if width >= WIDE else min(17, width // 4)
    where = clip(one_line(hit.where.words), cells)
    line: Line = [("faint", "   │ "), (_style(hit.where.words), where), ("", " " * (cells + 1 - cell_len(where)))]
    tail: Line = [("faint", f"  +{later} turn{'' if later == 1 else 's'} ")] if later else [("", " ")]
    room = max(8, width - width_of(line) - width_of(tail))
    found = clip(_flat(hit.excerpt.found), max(8, room * 2 // 3))
    before = _end_of(_flat(hit.excerpt.before), min(room // 3, max(0, room - cell_len(found))))
    text = cut([("", before), ("match", found), ("", _flat(hit.excerpt.after))], room)
    return [*line, *text, ("", " " * (room - width_of(text))), *tail]


def more_line(group: FlowHits) -> Line:
    """That a flow has more hits than are shown."""
    return [("faint", "   │ "), ("muted", f"… {group.count - len(group.hits):,} more: search in the flow itself")]


def _style(words: str) -> str:
    kind = words.partition(" ")[0]
    return "accent" if kind in _TOOLS else _STYLES.get(kind, "muted")


def _flat(text: str) -> str:
    return printable(_BLANK.sub(" ", text))


def _end_of(text: str, width: int) -> str:
    """The end of a text in `width` cells."""
    if cell_len(text) <= width:
        return text
    while text and cell_len(text) > width - 1:
        text = text[1:]
    return f"…{text}" if width > 0 else ""


_HINTS: tuple[Line, ...] = (
    [],
    [("", "   Prompts, answers, reasoning, calls and their results, headers and bodies.")],
    [],
    [("key", "   words    "), ("muted", "as they stand; all lower case finds capitals, too")],
    [("key", "   /regex/  "), ("muted", "Python's; of a long text it sees a part at a time")],
    [],
    [("muted", "   What every turn of a conversation sends again is one hit: +3 turns.")],
)


def hints(text: str, error: str, width: int) -> Sequence[Line]:
    """What stands in the place of hits: before anything is typed, and what is wrong with it."""
    if error:
        return [[], *([("error", f"   {line}")] for line in lines(error, max(8, width - 6)))]
    return () if text else _HINTS
