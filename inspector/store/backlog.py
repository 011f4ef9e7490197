"""Flows that wait to be looked at, in slices short enough that nothing else has to wait for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import inf
from time import perf_counter

from inspector.model.flow import Flow


def always(flow: Flow) -> bool:
    """Any flow is ready."""
    return True


class Backlog:
    """Each flow at most once, the last that came first."""

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._flows: dict[str, Flow] = {}

    def add(self, flows: Iterable[Flow]) -> None:
        """Put flows at the head; one that waits already is moved there."""
        for flow in flows:
            self._flows.pop(flow.id, None)
            self._flows[flow.id] = flow

    def clear(self) -> None:
        """Forget all."""
        self._flows.clear()

    def take(self, budget_ms: float = inf, ready: Callable[[Flow], bool] = always) -> Iterator[Flow]:
        """Hand out flows until `budget_ms` are spent, or one is not `ready`; else at least one where any waits."""
        until = self._clock() + budget_ms / 1000
        while self._flows:
            key, flow = self._flows.popitem()
            if not ready(flow):
                self._flows[key] = flow
                return
            yield flow
            if self._clock() >= until:
                return

    def __len__(self) -> int:
        return len(self._flows)
