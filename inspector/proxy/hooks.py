"""The seam where others may step in: the relay knows this, and not who is behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import lru_cache
from typing import Protocol

import httpx

from inspector.dialects._logprobs import Strip
from inspector.model.flow import Capture, Flow, Moment, Mutation, Request
from inspector.model.headers import Headers, masked
from inspector.proxy.held import BY, Dropped, Holds, Step
from inspector.wire.event import Event

_Snapshot = tuple[str, str, list[tuple[bytes, bytes]], bytes]
"""Method, URL, headers and body of a request."""


@dataclass(slots=True)
class Context:
    """What a handler is told of the request in its hands, and its way to the upstream."""

    flow: Flow
    transport: httpx.AsyncBaseTransport
    holds: Holds
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the client is gone; the handler is cancelled right after."""
    upstream: httpx.Response | None = None
    """What the upstream answered, once `send` was called."""
    _built: _Snapshot | None = None
    _answered: tuple[int, list[tuple[bytes, bytes]]] | None = None

    def request(self) -> httpx.Request:
        """The flow's request as httpx has it: end-to-end headers only, the target as the client spelled it."""
        request = to_httpx(self.flow.sent)
        self._built = _snapshot(request)
        return request

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request upstream; the body of its response is still to be read. Raises httpx.TransportError.

        Where it differs from the request as received, the flow says so.
        """
        if self._built is not None and self._built != _snapshot(request):
            self._note_request(self._built, _snapshot(request))
        self.upstream = await self.transport.handle_async_request(request)
        self._answered = self.upstream.status_code, list(self.upstream.headers.raw)
        return self.upstream

    async def hold(self, moment: Moment, by: str) -> httpx.Response | None:
        """Hold the flow until the person lets it go; gives the answer where they wrote one. Raises Dropped."""
        held = self.holds.begin(self.flow, moment, by)
        try:
            while (step := await self.holds.wait(held)) is None:
                pass
        finally:
            self.holds.end(held)
        if step is Step.DROP:
            raise Dropped
        return held.reply

    def note_response(self, response: httpx.Response) -> None:
        """Say on the flow where a response is not the upstream's own."""
        if response is self.upstream and self._answered == (response.status_code, response.headers.raw):
            return
        before = f"{self._answered[0]} from upstream" if self._answered else ""
        by = by_of(response)
        self.flow.mutations.append(Mutation("response", by, before, f"{response.status_code} by {by}"))

    def _note_request(self, built: _Snapshot, sent: _Snapshot) -> None:
        self.flow.mutations.extend(_changes(built, sent))
        same_target = built[:2] == sent[:2]
        self.flow.forwarded = Request(
            sent[0],
            self.flow.sent.url if same_target else sent[1],
            Headers.from_raw(sent[2]).without("host"),
            Capture(sent[3]),
        )


def by_of(response: httpx.Response) -> str:
    """Who made a response that is not the upstream's: `hand`, `mock`, `recording`, or a hook."""
    return str(response.extensions.get(BY, "hook"))


class Verdict(Enum):
    """What becomes of an event."""

    PASS = auto()
    """It goes on as it came, with everything that was kept back before it."""
    WITHHOLD = auto()
    """It is kept back until a later event passes, or the answer ends."""


@dataclass(frozen=True, slots=True)
class Halt:
    """The answer is held before this event, and before everything that was kept back."""

    by: str
    """Who stops it, as the person reads it."""


@dataclass(frozen=True, slots=True)
class Instead:
    """Other bytes go on in the place of the event, framing included; none take it out."""

    pieces: tuple[bytes, ...]
    by: str
    then: Verdict | Halt = Verdict.PASS
    """Whether they go on at once."""


Decision = Verdict | Halt | Instead


class Watch(Protocol):
    """Reads one answer's events before the client does. Whatever it raises is noted, and the answer passes."""

    def head(self) -> str:
        """Who stops the answer at its head; empty for nobody. Asked once, first."""

    def event(self, event: Event) -> Decision | Awaitable[Decision]:
        """Decide on the next event, as soon as the upstream sent it. A whole document is one event."""

    def end(self) -> str:
        """Who stops the answer now that it is whole; empty for nobody. Asked once, last."""


class Hooks:
    """What the relay asks on a request's way. This one lets everything pass."""

    async def request(self, context: Context) -> httpx.Response | None:
        """The request has come whole. It may be changed (`flow.forwarded`), held, or answered in the upstream's place.

        What it raises is noted on the flow, and the request goes on.
        """
        return None

    async def response(self, context: Context, response: httpx.Response) -> httpx.Response:
        """The upstream's answer has begun; the same, or another in its place. What it raises is noted, but a Refusal is
        what the client gets.
        """
        return response

    def watch(self, context: Context, response: httpx.Response) -> Watch | None:
        """The answer's head has come. None lets its bytes through untouched, which costs nothing."""
        return None

    def strip(self, flow: Flow) -> Strip | None:
        """What takes out of a flow's answer what the client never asked for; None leaves its bytes alone."""
        return None

    def done(self, flow: Flow) -> None:
        """The flow has ended."""


class RequestHandler:
    """Override `send_request` to change requests, change responses, or answer without an upstream.

    An instance that overrides nothing passes everything through unchanged.
    """

    async def send_request(self, request: httpx.Request, context: Context) -> httpx.Response:
        """Bring the answer to a request. What it raises becomes a 502 with the exception's text."""
        return await context.send(request)


def to_httpx(request: Request) -> httpx.Request:
    """A request as httpx has it. httpx escapes and shortens URLs: the target as it was goes along beside the URL."""
    start = request.url.find("/", request.url.find("://") + 3)
    headers, length = request.headers.end_to_end(), len(request.body)
    if headers.get("content-length", "0") != str(length):
        headers = headers.set("Content-Length", str(length)) if length else headers.without("Content-Length")
    url = _url(request.url)
    stream = httpx.ByteStream(bytes(request.body))
    built = httpx.Request(request.method, url, headers=[(b"Host", url.netloc), *headers.raw()], stream=stream)
    built.read()
    built.extensions["target"] = (built.url, request.url[start:].encode("latin-1", "replace"))
    return built


@lru_cache(maxsize=256)
def _url(url: str) -> httpx.URL:
    return httpx.URL(url)


def _snapshot(request: httpx.Request) -> _Snapshot:
    return request.method, str(request.url), request.headers.raw, request.content


def _changes(before: _Snapshot, after: _Snapshot) -> Iterator[Mutation]:
    if before[:2] != after[:2]:
        yield Mutation("target", "hook", " ".join(before[:2]), " ".join(after[:2]))
    if before[2] != after[2]:
        yield Mutation("headers", "hook", _lines(before[2], after[2]), _lines(after[2], before[2]))
    if before[3] != after[3]:
        yield Mutation("body", "hook", f"{len(before[3])} bytes", f"{len(after[3])} bytes")


def _lines(these: list[tuple[bytes, bytes]], those: list[tuple[bytes, bytes]]) -> str:
    changed = Headers.from_raw(pair for pair in these if pair not in those)
    return "\n".join(f"{name}: {value}" for name, value in masked(changed))
