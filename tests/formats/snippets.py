"""Requests to be copied, and a server that remembers what arrives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Receive, Scope, Send

from inspector.demo.server import DemoApp
from inspector.dialects import detect
from inspector.model.flow import Capture, End, Flow, Reason, Request, Timing
from inspector.model.headers import Headers
from inspector.proxy.embedded import EmbeddedServer

SECRET = "sk-proj-0123456789abcdefghij"
KEYS = {
    "ANTHROPIC_API_KEY": "their-key",
    "OPENAI_API_KEY": "their-key",
    "INSPECTOR_UPSTREAM_API_KEY": "their-key",
}
"""What the environment has, where a snippet runs."""


def flow_to(url: str, body: bytes, headers: Iterable[tuple[str, str]] = (), method: str = "POST") -> Flow:
    """A flow that has ended without an answer."""
    pairs = [("Content-Type", "application/json"), *headers]
    request = Request(method, url, Headers(pairs), Capture(body))
    flow = Flow("f", request, 1_763_712_000.0, seq=42, dialect=detect(request).name, timing=Timing(received=1.0))
    flow.end = End(Reason.DONE, "upstream")
    return flow


@dataclass(frozen=True, slots=True)
class Arrived:
    """A request as the server got it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Recorder:
    """An app before another one that remembers every request."""

    app: ASGIApp
    arrived: list[Arrived] = field(default_factory=list)
    url: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the request, and pass it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        query = scope["query_string"].decode()
        target = scope["raw_path"].decode() + (f"?{query}" if query else "")
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self.arrived.append(Arrived(scope["method"], target, headers, body))
        given = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def again() -> dict[str, object]:
            return next(given, None) or dict(await receive())

        await self.app(scope, again, send)


@asynccontextmanager
async def recording_demo() -> AsyncIterator[Recorder]:
    """The demo's model server on a loopback port, with a recorder before it."""
    recorder = Recorder(DemoApp().app())
    async with EmbeddedServer(recorder, host="127.0.0.1", port=0) as server:
        recorder.url = server.url
        yield recorder
