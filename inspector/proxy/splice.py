"""Another answer, put behind what a client has of a first one: the agent reads one answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import httpx

from inspector.dialects._writing import Splicer
from inspector.model.flow import Flow, Mutation, Reason
from inspector.model.message import Answer, Text, Transcript, Usage
from inspector.proxy.continuation import Continuation
from inspector.proxy.outlet import Outlet
from inspector.store.token_reading import TokenReading
from inspector.wire.body import BodyReader
from inspector.wire.event import Event


class Splice:
    """One continuation on its way to the client of the first answer."""

    def __init__(
        self, splicer: Splicer, source: Continuation, outlet: Outlet, moved: Callable[[], None], ahead: int = 0
    ) -> None:
        self._splicer = splicer
        self._source = source
        self._outlet = outlet
        self._moved = moved
        self.ahead = ahead
        """Events of the first answer that go to the client before: its thoughts."""
        self._first = b""

    @property
    def flow(self) -> Flow:
        """The continuation."""
        return self._source.flow

    def mutation(self, before: str, by: str) -> Mutation:
        """What the flow says of it."""
        return Mutation("answer", by, "", f"goes on behind “{before[-60:]}” with #{self.flow.number}")

    async def ready(self) -> str:
        """Wait until there is something to go on with; why there is not, empty where there is."""
        self._first = await anext(self._source.chunks, b"")
        flow = self._source.flow
        if flow.response is None:
            return flow.error or "no answer came"
        if flow.response.status >= 400:
            async for chunk in self._source.chunks:
                self._first += chunk
            return f"{flow.response.status} {self._first[:400].decode('utf-8', 'replace')}".strip()
        return "" if self._first else "the answer is empty"

    async def run(self) -> None:
        """Give the client the continuation, to its end. httpx.ReadError where it breaks off before that."""
        flow = self._source.flow
        assert flow.response is not None
        reader = BodyReader(flow.response.headers)
        await self._give(self._splicer.open())
        await self._events(reader.feed(self._first, self._now()))
        async for chunk in self._source.chunks:
            await self._events(reader.feed(chunk, self._now()))
        await self._events(reader.close(self._now()))
        await self._give(self._splicer.close())
        if flow.end is not None and flow.end.reason is not Reason.DONE:
            raise httpx.ReadError(f"the continuation broke off: {flow.error or flow.end.reason}")

    async def close(self) -> None:
        """Read no more of it."""
        await self._source.chunks.aclose()

    async def _events(self, events: list[Event]) -> None:
        for event in events:
            await self._give(self._splicer.feed(event))

    async def _give(self, pieces: list[bytes]) -> None:
        await self._outlet.put(b"".join(pieces))
        self._moved()

    def _now(self) -> float:
        flow = self._source.flow
        return (time.perf_counter() - flow.clock) * 1000


def words_at(answer: Answer) -> int:
    """The index of the part in which the words of an answer stand, or would stand: behind all thoughts."""
    parts = answer.message.parts if answer.message is not None else []
    return next((index for index, part in enumerate(parts) if isinstance(part, Text)), len(parts))


def spent_on(flow: Flow, before: str, arrived: Transcript) -> Usage | None:
    """What is known of the usage of an answer up to the end of `before`; its tokens are counted where they were sent.

    Where they were not, `output_tokens` is None: what the provider said was about another answer than the client's.
    """
    usage, reading = arrived.answer.usage, TokenReading(flow)
    while reading.pull(1.0):
        pass
    room, count = len(before.encode()), 0
    for token in reading.tokens:
        if token.choice == 0 and token.channel == "content":
            room -= len(token.data)
        if room < 0:
            break
        count += token.choice == 0
    if usage is None:
        return Usage(output_tokens=count) if count else None
    return replace(usage, output_tokens=count or None)
