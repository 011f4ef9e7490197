"""Signs that something on the way collects a stream before it passes it on. Nothing is said where it is not clear."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from inspector.store.arrivals import Arrivals

_EVENTS = 20
"""Events below which nothing is clear."""
_EACH = 4
"""Events that a burst must have in the mean."""
_SHARE, _OF_TIME = 0.8, 0.05
_LONG = 1000.0
"""Milliseconds that an answer must have taken to be one that was kept back."""
_PER_MS = 5.0
"""Events in a millisecond that no model writes."""
_BATCHES = 6
_EVERY = 100.0
"""Milliseconds between batches below which nobody notices them."""
_REGULAR = 0.25
"""How far from the median a distance may be to be as regular as that of a timer."""
_LOOKED_AT = 5000
"""Bursts that are looked at."""


@dataclass(frozen=True, slots=True)
class AtOnce:
    """Most of a stream came in no time, after a long silence."""

    events: int
    of: int
    within: float
    """In ms."""
    waited: float
    """Milliseconds from the request's departure until then."""


@dataclass(frozen=True, slots=True)
class InBatches:
    """A stream came in batches, as regular as a clock."""

    batches: int
    events: float
    """Of a batch, in the mean."""
    every: float
    """In ms."""


def buffering(arrivals: Arrivals, sent: float, over: bool) -> AtOnce | InBatches | None:
    """Whether something collects a stream. `sent` is when its request went out, in ms; `over`: no more comes."""
    bursts = len(arrivals.starts)
    if arrivals.events < _EVENTS or arrivals.events < _EACH * bursts:
        return None
    return (_at_once(arrivals, sent) if over else None) or _in_batches(arrivals)


def _at_once(arrivals: Arrivals, sent: float) -> AtOnce | None:
    starts, ends, totals = arrivals.starts, arrivals.ends, arrivals.totals
    total = ends[-1] - sent
    needed = _SHARE * arrivals.events
    best: AtOnce | None = None
    first = 0
    for last in range(min(len(starts), _LOOKED_AT)):
        while first < last and totals[last] - totals[first] >= needed:
            first += 1
        events = totals[last] - (totals[first - 1] if first else 0)
        within = ends[last] - starts[first]
        if events >= needed and (best is None or within < best.within):
            best = AtOnce(events, arrivals.events, within, starts[first] - sent)
    if best is None or total < _LONG or best.within > _OF_TIME * total:
        return None
    return best if best.events >= _PER_MS * best.within else None


def _in_batches(arrivals: Arrivals) -> InBatches | None:
    starts, ends = arrivals.starts[:_LOOKED_AT], arrivals.ends[:_LOOKED_AT]
    if len(starts) < _BATCHES:
        return None
    gaps = [after - before for before, after in pairwise(starts)]
    every = median(gaps)
    regular = sum(abs(gap - every) <= _REGULAR * every for gap in gaps)
    short = sum(end - start <= 0.1 * every for start, end in zip(starts, ends, strict=True))
    if every < _EVERY or regular < _SHARE * len(gaps) or short < _SHARE * len(starts):
        return None
    return InBatches(len(starts), arrivals.totals[len(starts) - 1] / len(starts), every)
