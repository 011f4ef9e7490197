"""What came of a response, and when: gaps, bursts and stalls, read in slices and as it grows."""

from __future__ import annotations

import time
from array import array
from bisect import bisect_right
from dataclasses import dataclass
from heapq import heappush, heappushpop
from math import ceil, log

from inspector.dialects import ARRAYS
from inspector.model.flow import Flow, Response
from inspector.wire.body import BodyReader
from inspector.wire.event import Event

EDGES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0)
"""Where the ranges of the histogram part, in ms."""
TOGETHER = 1.0
"""The gap, in ms, below which chunks belong to one burst."""
STALLS = 5
"""The longest gaps, of which is known where they were."""

_LEAST = 0.01
_FACTOR = 1.02
_LOG = log(_FACTOR)
_CELLS = 1100
"""Cells of a growth of 2 %: they reach from 0.01 ms to several hours."""
_STEP = 16 * 1024
"""Bytes that are read between two looks at the clock."""
_UNFRAMED = 1 << 20
"""Bytes without an event after which none is looked for."""


class Gaps:
    """Spans of time in ms, counted by their length."""

    def __init__(self) -> None:
        self.count = 0
        self.longest = 0.0
        self.histogram = array("Q", [0] * (len(EDGES) + 1))
        """How many are below each of `EDGES`, and at least as long as the edge before; the last are longer than all."""
        self._cells = array("Q", [0] * _CELLS)

    def add(self, gap: float) -> None:
        """Take one in."""
        self.count += 1
        self.longest = max(self.longest, gap)
        self.histogram[bisect_right(EDGES, gap)] += 1
        self._cells[min(_CELLS - 1, int(log(gap / _LEAST) / _LOG) + 1) if gap > _LEAST else 0] += 1

    def quantile(self, share: float) -> float | None:
        """The length that `share` of them do not exceed, within 2 %; None where there are none."""
        rank, seen = max(1, ceil(share * self.count)), 0
        for cell, number in enumerate(self._cells):
            seen += number
            if number and seen >= rank:
                return min(self.longest, _LEAST * _FACTOR**cell)
        return None


@dataclass(frozen=True, slots=True, order=True)
class Stall:
    """A long gap, in ms."""

    gap: float
    at: float
    """When it ended, in ms since the flow's start."""
    number: int
    """The event, or the chunk of a body without events, that ended it, from 1."""


class Arrivals:
    """Reads a response's chunks and counts their events. A burst is what came with gaps of less than a millisecond."""

    def __init__(self, flow: Flow, response: Response) -> None:
        self.gaps = Gaps()
        """Between chunks."""
        self.chunks = 0
        self.events = 0
        """0 where the body has none."""
        self.starts = array("d")
        """When each burst began; a single chunk is one, too."""
        self.ends = array("d")
        self.totals = array("Q")
        """Events, or chunks of a body without them, up to each burst's end."""
        self.bursts = 0
        """Those of several events at once."""
        self.largest = (0, 0.0)
        """Events of the largest burst, and when it began."""
        self._several = False
        self._body = response.body
        self._reader: BodyReader | None = BodyReader(response.headers, arrays=flow.dialect in ARRAYS)
        self._offset = 0
        self._stalls: list[Stall] = []

    @property
    def busy(self) -> bool:
        """Whether there is more to read."""
        return self.chunks < self._body.chunks

    @property
    def units(self) -> int:
        """Events, or chunks of a body without them."""
        return self.events or self.chunks

    @property
    def stalls(self) -> list[Stall]:
        """The longest gaps, by their time."""
        return sorted(self._stalls, key=lambda stall: stall.at)

    def advance(self, seconds: float) -> bool:
        """Read on for about that long; gives whether anything was read."""
        until, before = time.perf_counter() + seconds, self.chunks
        while self.busy and time.perf_counter() < until:
            self._step()
        return self.chunks > before

    def _step(self) -> None:
        """Read a part of the next chunk."""
        body, index = self._body, self.chunks
        start, end, at = self._offset, body.ends[index], body.times[index]
        if start == (body.ends[index - 1] if index else 0):
            self._arrive(at)
        self._offset = min(start + _STEP, end)
        if self._reader is not None:
            self._count(self._reader.feed(bytes(body.data[start : self._offset]), at))
        if self._offset == end:
            self.chunks += 1
            self._grown()

    def _arrive(self, at: float) -> None:
        """A chunk begins."""
        gap = at - self.ends[-1] if self.ends else None
        if gap is not None:
            gap = max(0.0, gap)
            self.gaps.add(gap)
            stall = Stall(gap, at, self.units + 1)
            if len(self._stalls) < STALLS:
                heappush(self._stalls, stall)
            elif gap > self._stalls[0].gap:
                heappushpop(self._stalls, stall)
        if gap is None or gap >= TOGETHER:
            self.starts.append(at)
            self.ends.append(at)
            self.totals.append(self.units)
            self._several = False
        self.ends[-1] = max(self.ends[-1], at)

    def _grown(self) -> None:
        """The last burst has another chunk."""
        self.totals[-1] = self.units
        size = self.units - (self.totals[-2] if len(self.totals) > 1 else 0)
        if size > 1 and not self._several:
            self._several = True
            self.bursts += 1
        if size > self.largest[0]:
            self.largest = size, self.starts[-1]

    def _count(self, events: list[Event]) -> None:
        number = sum(event.kind != "document" for event in events)
        if number and not self.events:
            # What came before the first event was no unit of its own.
            self.totals = array("Q", [0] * len(self.totals))
            self.bursts, self.largest, self._several = 0, (0, 0.0), False
        self.events += number
        if not self.events and self._offset >= _UNFRAMED:
            self._reader = None
