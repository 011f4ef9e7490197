"""Sending a flow again: as it was or changed, once or many times. Each replay is a flow of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx

from inspector.model.flow import Flow, Mutation, Request
from inspector.store.flows import FlowStore


@dataclass(slots=True, eq=False)
class Batch:
    """Several replays of one request."""

    original: Flow
    times: int
    flows: list[Flow] = field(default_factory=list)
    """Those begun so far; each is in the store and grows there."""
    stopped: bool = False

    @property
    def done(self) -> int:
        """How many have ended."""
        return sum(flow.end is not None for flow in self.flows)

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen."""
        return self.done == len(self.flows) and (self.stopped or len(self.flows) == self.times)

    def stop(self) -> None:
        """Begin no more, and break off those that are on their way."""
        self.stopped = True


class Replayer:
    """Sends flows again, as children of the original."""

    def __init__(self, store: FlowStore, transport: httpx.AsyncBaseTransport) -> None:
        self.store = store
        self.transport = transport

    def send(self, original: Flow, request: Request | None = None, mutations: Sequence[Mutation] = ()) -> Flow:
        """Send `request` (the original's own where None is given) once; the child is in the store, and grows there."""
        return self.many(original, request, mutations).flows[0]

    def many(
        self,
        original: Flow,
        request: Request | None = None,
        mutations: Sequence[Mutation] = (),
        *,
        times: int = 1,
        at_once: int = 4,
    ) -> Batch:
        """Send a request `times` times, at most `at_once` of them together; the first are on their way at once."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Break off all that is on its way."""
