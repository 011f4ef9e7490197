"""How much memory flows may take that are kept nowhere: the oldest leave for good.

They may lie in files to which they were appended; from there nothing comes back to the screen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from inspector.model.flow import Flow
from inspector.store.flows import FlowStore
from inspector.store.memory import FLOW, FLOWS, READ, MemoryBudget
from inspector.store.transcripts import Transcripts

_AT_ONCE = 10
"""One of so many parts goes at once: whoever keeps something of each flow looks through it then."""


class Passing(MemoryBudget):
    """Keeps the flows of a store within `limit` bytes, where they have no shelf. A puller, as its base.

    Live, held and marked flows stay, and those that one of `written` says are still to be written.
    """

    def __init__(
        self,
        store: FlowStore,
        written: Sequence[Callable[[Flow], bool]],
        limit: int,
        transcripts: Transcripts,
        *,
        flows: int = FLOWS,
    ) -> None:
        super().__init__(store, None, limit, flows=flows, transcripts=transcripts)
        self._written = written
        self._before = 0
        """The revision of the store at the last pull but one: whoever looks at flows as they end has seen it."""
        self._last = 0

    def pull(self) -> None:
        """Take in what changed, and let go of what is too much."""
        self._before, self._last = self._last, self._store.revision
        super().pull()

    def _taken(self) -> int:
        weight = self._transcripts.weight if self._transcripts is not None else 0
        return self.used + len(self._store) * FLOW + weight * READ

    def _may_go(self, flow: Flow) -> bool:
        stays = flow.live or flow.hold is not None or flow.marked or flow is self.open or flow.revision > self._before
        return not stays and all(has(flow) for has in self._written)

    def _let_go(self, but: Flow | None = None) -> None:
        """Nothing goes in parts."""

    def _let_leave(self) -> None:
        taken, number = self._taken(), len(self._store)
        if taken <= self._limit and number <= self._flows:
            return
        much, many = taken - self._limit * (_AT_ONCE - 1) // _AT_ONCE, number - self._flows * (_AT_ONCE - 1) // _AT_ONCE
        leaving = list(self._oldest(much, many))
        self._store.leave(leaving)
        for flow in leaving:
            self.used -= self._here.pop(flow, 0)
            if self._transcripts is not None:
                self._transcripts.forget(flow)

    def _oldest(self, much: int, many: int) -> Iterator[Flow]:
        """The oldest flows that may go, until so many bytes, and so many flows, are free."""
        for flow in islice(self._store, len(self._store)):
            if much <= 0 and many <= 0:
                return
            if self._may_go(flow):
                yield flow
                much -= self._here.get(flow, 0) + FLOW
                many -= 1
