"""How an answer gets to the client: straight (tee), by event (gate), or whole (a document that somebody may hold)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx

from inspector.model.flow import Flow, Mutation, Response
from inspector.model.headers import Headers
from inspector.proxy.gate import Gate
from inspector.proxy.gate_document import DocumentGate
from inspector.proxy.guarded import GuardedWatch
from inspector.proxy.held import Holds, Step
from inspector.proxy.intake import Intake, is_stream
from inspector.proxy.outlet import Outlet
from inspector.proxy.rewriting import delivered_headers
from inspector.store.flows import FlowStore
from inspector.wire.body import decoded
from inspector.wire.encodings import DecodeError


@dataclass(slots=True)
class Cost:
    """What the relay costs the client."""

    added_ms: float = 0.0
    """What relaying a chunk took lately, from its arrival to its departure: a moving average."""


class Delivery:
    """One answer's way to its client."""

    def __init__(
        self,
        flow: Flow,
        store: FlowStore,
        holds: Holds,
        cost: Cost,
        write: Callable[[bytes], bool],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        self._flow = flow
        self._store = store
        self._holds = holds
        self._cost = cost
        self._write = write
        self._send = send
        self._outlet = Outlet(flow, write, send)
        self._task: asyncio.Task[Any] | None = None
        self._headed: httpx.Response | None = None
        self._over = False
        self._gate: Gate | None = None
        self._document: DocumentGate | None = None
        self._asked = ""
        self.started = False
        """The client has the head."""

    async def run(self, response: httpx.Response, watch: GuardedWatch | None) -> None:
        """Deliver an answer whose head has come. Raises httpx.TransportError where it breaks off, Dropped."""
        headers = self.head(response)
        try:
            if watch is None and not self._asked:
                await self._send_head(headers, response)
                if self._asked:
                    self.hold(self._asked)
                await self._tee(_chunks(response))
            elif is_stream(headers):
                await self._through_gate(headers, response, watch)
            else:
                await self._whole(response, watch)
        finally:
            self._over = True
            if self._gate is not None:
                await self._gate.close()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def hold(self, by: str) -> None:
        """Stop the answer: at once where it streams, when it is whole where it is a document."""
        if self._over:
            return
        if self._document is not None:
            self._document.hold(by)
        elif self._gate is not None:
            self._gate.hold(by)
        elif self.started:
            self._gate = self._open_gate_midway()
            self._gate.hold(by)
        else:
            self._asked = by

    @property
    def over(self) -> bool:
        """Whether there is nothing more to be stopped."""
        return self._over or (self._document is not None and self.started)

    @property
    def given(self) -> bytes:
        """What the client has of the answer, decoded."""
        if self._gate is not None:
            return self._gate.given
        if not self.started or self._flow.response is None:
            return b""
        return decoded(self._flow.response.headers, bytes(self._flow.response.body))[0]

    @property
    def outcome(self) -> Step | None:
        """How the person ended the answer, if so."""
        return self._gate.outcome if self._gate is not None else None

    def head(self, response: httpx.Response) -> Headers:
        """Put an answer's head on the flow, once."""
        flow = self._flow
        if self._headed is response and flow.response is not None:
            return flow.response.headers
        self._headed, self._task = response, asyncio.current_task()
        headers = Headers.from_raw(response.headers.raw)
        flow.response = Response(response.status_code, headers, response.reason_phrase)
        flow.timing.head = self._now()
        self._store.touch(flow)
        return headers

    async def _send_head(self, headers: Headers, response: httpx.Response) -> None:
        reason = response.extensions.get("reason_phrase")
        reason = reason if reason is not None else response.reason_phrase.encode()
        start = {"type": "http.response.start", "status": response.status_code, "reason": reason}
        await self._send(start | {"headers": headers.end_to_end().raw()})
        self.started = True

    async def _tee(self, chunks: AsyncIterator[bytes]) -> None:
        flow, store, cost, write, clock = self._flow, self._store, self._cost, self._write, time.perf_counter
        assert flow.response is not None
        body, zero = flow.response.body, flow.clock
        try:
            async for chunk in chunks:
                if self._gate is not None:
                    await self._gate.take(chunk)
                    break
                came = clock()
                written = write(chunk)
                body.append((came - zero) * 1000, chunk)
                store.touch(flow)
                if not written:
                    await self._outlet.wait(chunk)
                cost.added_ms += ((clock() - came) * 1000 - cost.added_ms) / 64
        except httpx.TransportError as error:
            if self._gate is None:
                raise
            chunks = _broken(error)
        if self._gate is not None:
            await self._gate.run(chunks)

    async def _through_gate(self, headers: Headers, response: httpx.Response, watch: GuardedWatch | None) -> None:
        try:
            intake = Intake(headers)
        except DecodeError as error:
            self._flow.note(f"it could not be stopped: {error}")
            await self._send_head(headers, response)
            await self._tee(_chunks(response))
            return
        if intake.encoded:
            encoding = headers.get("content-encoding")
            self._flow.mutations.append(Mutation("content-encoding", "proxy", encoding, "identity"))
            headers = delivered_headers(headers)
        await self._send_head(headers.without("content-length"), response)
        self._gate = gate = self._open_gate(intake, watch)
        if self._asked:
            gate.hold(self._asked)
        await gate.run(_chunks(response))

    def _open_gate_midway(self) -> Gate:
        assert self._flow.response is not None
        headers, passed = self._flow.response.headers, bytes(self._flow.response.body)
        intake, fixed = Intake(headers, passed), ""
        if not intake.framed:
            fixed = "this answer can be held and let go, not edited: it is not read by event"
        elif "content-length" in headers:
            fixed = "this answer can be held and let go, not edited: the client was told its length"
        return self._open_gate(intake, None, len(passed), fixed)

    def _open_gate(self, intake: Intake, watch: GuardedWatch | None, passed: int = 0, fixed: str = "") -> Gate:
        assert self._task is not None
        return Gate(self._flow, self._store, self._holds, self._outlet, intake, watch, self._task, passed, fixed)

    async def _whole(self, response: httpx.Response, watch: GuardedWatch | None) -> None:
        self._document = DocumentGate(self._flow, self._store, self._holds, watch)
        if self._asked:
            self._document.hold(self._asked)
        try:
            delivered, body = await self._document.run(_chunks(response))
        except httpx.TransportError:
            await self._send_head(self.head(response), response)
            assert self._flow.response is not None
            await self._outlet.put(bytes(self._flow.response.body))
            raise
        headers = delivered.headers
        if "content-length" not in headers and delivered is not self._flow.response:
            headers = Headers([*headers, ("content-length", str(len(body)))])
        await self._send_head(headers, response)
        await self._send({"type": "http.response.body", "body": body, "more_body": True})

    def _now(self) -> float:
        return (time.perf_counter() - self._flow.clock) * 1000


def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    """A response's body as it comes, still encoded. (httpx's own `aiter_raw` wraps it in three more iterators.)"""
    if response.is_stream_consumed:
        return _once(response.content)
    assert isinstance(response.stream, httpx.AsyncByteStream)
    return aiter(response.stream)


async def _once(content: bytes) -> AsyncIterator[bytes]:
    if content:
        yield content


async def _broken(error: httpx.TransportError) -> AsyncIterator[bytes]:
    """The rest of a body that broke off."""
    raise error
    yield b""
