"""Sums over all flows of a session, kept up to date without reading them again."""

from __future__ import annotations

from dataclasses import dataclass

from inspector.store import price_list
from inspector.store.backlog import Backlog
from inspector.store.flows import FlowStore
from inspector.store.summary import Summary
from inspector.store.transcripts import Transcripts

SLICE_MS = 4.0
"""Milliseconds that one update may take, about."""
_SLACK = 5000
"""Flows that left the store, and are remembered until so many are to be forgotten at once."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What the header shows of the whole session."""

    flows: int = 0
    live: int = 0
    input_tokens: int = 0
    """Of flows that have ended, as the providers counted; so are the next three."""
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cacheable_tokens: int = 0
    """Input tokens of the flows whose provider says how many came from its cache."""
    cost: float | None = None
    """US dollars, over those flows whose cost is known; None where there are none."""

    @property
    def cache(self) -> float | None:
        """Share of the input that came from caches, 0 to 1; None where no provider said."""
        return self.cache_read_tokens / self.cacheable_tokens if self.cacheable_tokens else None


class Ledger:
    """Adds flows up as they end. A puller: it has a cursor of its own into the store."""

    def __init__(self, store: FlowStore, transcripts: Transcripts) -> None:
        self._store = store
        self._transcripts = transcripts
        self._cursor = 0
        self._live: set[str] = set()
        self._ended = Backlog()
        self._counted: dict[str, _Entry] = {}
        self._sum = _Entry()
        self._priced = False

    @property
    def pending(self) -> int:
        """Flows that ended and are not added up yet."""
        return len(self._ended)

    def update(self, budget_ms: float = SLICE_MS) -> Totals:
        """The totals as of now. Long arrears, as after opening a file, are worked off over several calls."""
        if not self._priced and price_list.ready():
            self._priced, self._cursor = True, 0
        self._cursor, changed = self._store.changes_since(self._cursor)
        if len(self._counted) > len(self._store) + _SLACK:
            for flow_id in self._counted.keys() - self._store.ids:
                del self._counted[flow_id]
        for flow in changed:
            if flow.live:
                self._live.add(flow.id)
            else:
                self._live.discard(flow.id)
        self._ended.add(flow for flow in changed if not flow.live)
        for flow in self._ended.take(budget_ms, self._transcripts.ready):
            before = self._counted.get(flow.id, _Entry())
            entry = self._counted[flow.id] = _entry(self._transcripts.summary(flow))
            self._sum = self._sum.plus(entry).plus(before, -1)
        total = self._sum
        return Totals(
            flows=len(self._store) + self._store.left,
            live=len(self._live),
            input_tokens=total.given,
            output_tokens=total.answered,
            cache_read_tokens=total.read,
            cacheable_tokens=total.cacheable,
            cost=total.cost if total.with_cost else None,
        )


@dataclass(frozen=True, slots=True)
class _Entry:
    """What one flow adds, or all of them together."""

    given: int = 0
    answered: int = 0
    read: int = 0
    cacheable: int = 0
    cost: float = 0.0
    with_cost: int = 0

    def plus(self, other: _Entry, sign: int = 1) -> _Entry:
        return _Entry(
            self.given + sign * other.given,
            self.answered + sign * other.answered,
            self.read + sign * other.read,
            self.cacheable + sign * other.cacheable,
            self.cost + sign * other.cost,
            self.with_cost + sign * other.with_cost,
        )


def _entry(summary: Summary) -> _Entry:
    given = summary.input_tokens or 0
    answered = 0 if summary.output_estimated else summary.output_tokens or 0
    read, cacheable = (0, 0) if summary.cache_read_tokens is None else (summary.cache_read_tokens, given)
    return _Entry(given, answered, read, cacheable, summary.billed or 0.0, summary.billed is not None)
