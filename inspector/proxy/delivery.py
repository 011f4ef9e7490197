"""How an answer gets to the client: straight (tee), by event (gate), or whole (a document that somebody may hold)."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx

from inspector.dialects._logprobs import Strip
from inspector.model.flow import Flow, Mutation, Response
from inspector.model.headers import Headers
from inspector.proxy.gate import Gate
from inspector.proxy.gate_document import DocumentGate
from inspector.proxy.guarded import GuardedWatch
from inspector.proxy.held import Holds, Step
from inspector.proxy.intake import Intake, is_json, is_stream, named, unnamed
from inspector.proxy.outlet import Outlet
from inspector.proxy.pushing import Pushing
from inspector.proxy.rewriting import delivered_headers
from inspector.proxy.tee import Tee
from inspector.store.flows import FlowStore
from inspector.wire.body import decoded
from inspector.wire.encodings import DecodeError, Decoder, decoder_for


@dataclass(slots=True)
class DecodedStrip:
    """A strip for a body that comes encoded. The client gets it decoded."""

    decoder: Decoder
    strip: Strip

    def feed(self, data: bytes) -> bytes:
        """The next bytes as they came. httpx.ReadError where they are not in the encoding that they claim."""
        try:
            return self.strip.feed(self.decoder.feed(data))
        except DecodeError as error:
            raise httpx.ReadError(str(error)) from error

    def close(self) -> bytes:
        """The end of the body, whole or not."""
        with contextlib.suppress(DecodeError):
            return self.strip.feed(self.decoder.close()) + self.strip.close()
        return self.strip.close()

    def document(self, body: bytes) -> bytes:
        """A whole document, decoded already."""
        return self.strip.document(body)


_SAMPLED = 0.005
"""Seconds from one chunk whose cost is looked at to the next."""


class Cost:
    """What the relay costs the client."""

    def __init__(self) -> None:
        self.added_ms = 0.0
        """What relaying a chunk took lately, from its reading to the kernel's having it: a moving average."""
        self._written = 0
        self._came = 0.0
        self._passed = 0
        self._due = 0.0

    def relayed(self, came: float) -> None:
        """A chunk that was read at `came` (in seconds) is written. The loop may send it only at the end of its turn."""
        self._passed += 1
        if self._written:
            self._written += 1
            self._came += came
        elif came >= self._due:  # to look once more costs a turn of the loop: where much passes, a part is looked at
            self._written, self._came, self._due = 1, came, came + _SAMPLED
            asyncio.get_running_loop().call_soon(self._sent)

    def _sent(self) -> None:
        took = (time.perf_counter() - self._came / self._written) * 1000
        self.added_ms += (took - self.added_ms) * self._passed / (self._passed + 63)
        self._written, self._came, self._passed = 0, 0.0, 0


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
        self._straight_on: Tee | None = None
        self._gate: Gate | None = None
        self._document: DocumentGate | None = None
        self._asked = ""
        self._strip: Strip | None = None
        self._cut: Callable[[], Awaitable[None]] | None = None
        self.started = False
        """The client has the head."""

    async def run(self, response: httpx.Response, watch: GuardedWatch | None, strip: Strip | None = None) -> None:
        """Deliver an answer whose head has come. Raises httpx.TransportError where it breaks off, Dropped."""
        headers, timing = self.head(response), self._flow.timing
        timing.held_head = timing.held - (timing.held_request or 0.0)
        self._strip, self._cut = strip, response.aclose
        try:
            stopped = watch is not None or bool(self._asked)
            if stopped and is_stream(named(self._flow, headers)):
                await self._through_gate(headers, response, watch)
            elif stopped or (strip is not None and is_json(headers) and not unnamed(self._flow, headers)):
                await self._whole(response, watch)
            else:
                await self._straight(headers, response)
        except httpx.TransportError:
            await self._outlet.finish()
            raise
        finally:
            self._over = True
            if self._gate is not None:
                await self._gate.close()
        await self.finish()

    async def finish(self) -> None:
        """End the answer: nothing more goes to the client."""
        await self._outlet.finish()
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
            if self._straight_on is not None:
                self._straight_on.stopped = True
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

    async def _straight(self, headers: Headers, response: httpx.Response) -> None:
        """Deliver what nobody stops."""
        if self._strip is not None:
            headers = self._strip_chunks(headers)
        await self._send_head(headers, response)
        if self._asked:
            self.hold(self._asked)
        await self._tee(response)

    def _strip_chunks(self, headers: Headers) -> Headers:
        """Have what goes by chunks stripped, and decoded for it; gives the head that fits it."""
        assert self._strip is not None
        try:
            decoder = decoder_for(",".join(headers.all("content-encoding")))
        except DecodeError as error:
            self._flow.note(f"{', '.join(self._flow.injected)}: not taken out of the answer: {error}")
            return headers
        self._outlet.strip = self._strip if decoder is None else DecodedStrip(decoder, self._strip)
        if decoder is not None:
            self._note_decoded(headers)
        return delivered_headers(headers)

    def _note_decoded(self, headers: Headers) -> None:
        encoding = headers.get("content-encoding")
        self._flow.mutations.append(Mutation("content-encoding", "proxy", encoding, "identity"))

    async def _tee(self, response: httpx.Response) -> None:
        """Pass on what comes, until it is over or somebody wants to see it first."""
        self._straight_on = tee = Tee(self._flow, self._store, self._outlet, self._write, self._count)
        tee.stopped = self._gate is not None
        chunks = _chunks(response)
        push = _push(response, chunks)
        try:
            while not tee.stopped and await push(tee.take):
                await self._outlet.settle()  # a client that reads slowly is not of our adding
            chunks = tee.rest(chunks)
        except httpx.TransportError as error:
            if self._gate is None:
                raise
            chunks = _broken(error)
        if self._gate is not None:
            await self._gate.run(self._counted(chunks))

    def _count(self, came: float) -> None:
        """A chunk that was read at that time, in seconds, is written."""
        self._cost.relayed(came)
        timing, took = self._flow.timing, (time.perf_counter() - came) * 1000
        timing.added = (timing.added or 0.0) + took
        if timing.added_most is None or took > timing.added_most:
            timing.added_most = took

    async def _counted(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Chunks for the gate. What it takes to decide on one is of our adding; what somebody holds is not."""
        async for chunk in chunks:
            came, waits = time.perf_counter(), self._outlet.waits
            yield chunk
            if self._flow.hold is None and self._outlet.waits == waits:
                self._count(came)

    async def _through_gate(self, headers: Headers, response: httpx.Response, watch: GuardedWatch | None) -> None:
        try:
            intake = Intake(named(self._flow, headers))
        except DecodeError as error:
            self._flow.note(f"it could not be stopped: {error}")
            await self._straight(headers, response)
            return
        if intake.encoded:
            self._note_decoded(headers)
            headers = delivered_headers(headers)
        self._outlet.strip = self._strip
        await self._send_head(headers.without("content-length"), response)
        self._gate = gate = self._open_gate(intake, watch)
        if self._asked:
            gate.hold(self._asked)
        await gate.run(self._counted(_chunks(response)))

    def _open_gate_midway(self) -> Gate:
        assert self._flow.response is not None
        headers, passed = self._flow.response.headers, bytes(self._flow.response.body)
        intake, fixed = Intake(named(self._flow, headers), passed), ""
        if not intake.framed:
            fixed = "this answer can be held and let go, not edited: it is not read by event"
        elif "content-length" in headers:
            fixed = "this answer can be held and let go, not edited: the client was told its length"
        return self._open_gate(intake, None, len(passed), fixed)

    def _open_gate(self, intake: Intake, watch: GuardedWatch | None, passed: int = 0, fixed: str = "") -> Gate:
        assert self._task is not None
        gate = Gate(self._flow, self._store, self._holds, self._outlet, intake, watch, self._task, passed, fixed)
        gate.cut = self._cut
        return gate

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
        if self._strip is not None:
            plain, _ = decoded(headers, body)
            if (stripped := self._strip.document(plain)) != plain:
                headers, body = delivered_headers(headers), stripped
        assert self._flow.response is not None
        if "content-length" not in headers and headers is not self._flow.response.headers:
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


_Push = Callable[[Callable[[bytes], bool]], Awaitable[bool]]


def _push(response: httpx.Response, chunks: AsyncIterator[bytes]) -> _Push:
    """How the pieces of a body come to whoever takes them (see `Pushing.push`)."""
    if isinstance(response.stream, Pushing) and not response.is_stream_consumed:
        return response.stream.push
    return partial(_pulled, chunks)


async def _pulled(chunks: AsyncIterator[bytes], take: Callable[[bytes], bool]) -> bool:
    async for chunk in chunks:
        if not take(chunk):
            return True
    return False


async def _once(content: bytes) -> AsyncIterator[bytes]:
    if content:
        yield content


async def _broken(error: httpx.TransportError) -> AsyncIterator[bytes]:
    """The rest of a body that broke off."""
    raise error
    yield b""
