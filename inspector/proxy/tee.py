"""The straight way of an answer: every piece goes to the client, then its bytes and its time are kept."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable

from inspector.dialects._logprobs import Strip
from inspector.model.flow import Capture, Flow
from inspector.proxy.outlet import Outlet
from inspector.store.flows import FlowStore


class Tee:
    """Takes the pieces of an answer as they come. `count` is told when a piece came (in seconds) that is written."""

    __slots__ = ("_body", "_count", "_flow", "_left", "_outlet", "_store", "_strip", "_write", "stopped")

    def __init__(
        self,
        flow: Flow,
        store: FlowStore,
        outlet: Outlet,
        write: Callable[[bytes], bool],
        count: Callable[[float], None],
    ) -> None:
        assert flow.response is not None
        self._flow = flow
        self._store = store
        self._outlet = outlet
        self._write = write
        self._count = count
        self._body: Capture = flow.response.body
        self._strip: Strip | None = outlet.strip
        self._left = b""
        self.stopped = False
        """Somebody wants to see every piece before the client gets it."""

    def take(self, chunk: bytes) -> bool:
        """Pass a piece on. False where it cannot go now: it was stopped, or the client reads too slowly."""
        if self.stopped:
            self._left = chunk
            return False
        came = time.perf_counter()
        strip = self._strip
        given = chunk if strip is None else strip.feed(chunk)
        written = not given or self._write(given)
        flow = self._flow
        self._body.append((came - flow.clock) * 1000, chunk)
        self._store.touch(flow)
        if written:
            self._count(came)
        else:
            self._outlet.owe(given)
        return written

    async def rest(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The piece that was left behind when it was stopped, and what comes after."""
        if self._left:
            yield self._left
        async for chunk in chunks:
            yield chunk
