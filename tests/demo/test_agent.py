"""The demo's agent, straight against the demo's server, and against servers that it did not expect."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from inspector.demo.agent import USER_AGENT, run
from inspector.demo.server import DemoApp
from inspector.demo.session import DemoServer
from inspector.proxy.embedded import EmbeddedServer

pytestmark = pytest.mark.anyio


class Watched:
    """A demo server that writes down who asked for what, and what status they got."""

    def __init__(self) -> None:
        self.seen: Counter[tuple[str, int]] = Counter()
        self.agents: set[str] = set()
        self._app = DemoApp().app()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to the demo server."""
        self.agents.add(dict(scope["headers"])[b"user-agent"].decode())

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.seen[scope["path"], message["status"]] += 1
            await send(message)

        await self._app(scope, receive, watch)


async def test_a_whole_round() -> None:
    app = Watched()
    async with EmbeddedServer(app) as server:
        report = await run(server.url, pace=0.0)
    assert report.turns == 23
    assert report.tool_calls == 13
    assert app.agents == {USER_AGENT}
    assert app.seen["/v1/models", 200] == 1
    assert app.seen["/v1/messages/count_tokens", 200] == 1
    assert app.seen["/v1/messages", 529] == 1
    assert app.seen["/v1/chat/completions", 429] == 1
    assert all(app.seen[path, 200] > 3 for path in ("/v1/messages", "/v1/chat/completions", "/v1/responses"))


async def test_what_went_wrong_stands_in_the_report() -> None:
    async with DemoServer() as demo:
        report = await run(demo.url, pace=0.0, stop=asyncio.Event())
    assert len(report.errors) == 4
    for word in ("overloaded", "rate_limit", "without sending complete message body"):
        assert any(word in error for error in report.errors), word


async def test_rounds_are_repeated() -> None:
    async with DemoServer() as demo:
        once, twice = await run(demo.url, pace=0.0), await run(demo.url, pace=0.0, rounds=2)
    assert twice.turns == 2 * once.turns
    assert len(twice.errors) == 2 * len(once.errors)


async def test_it_stops_when_told_to() -> None:
    """Without rounds it would go on for ever."""
    stop = asyncio.Event()
    async with DemoServer() as demo:
        asyncio.get_running_loop().call_later(0.05, stop.set)
        report = await run(demo.url, rounds=None, stop=stop)
    assert report.turns < 23


async def test_nobody_there() -> None:
    async with DemoServer() as demo:
        url = demo.url
    report = await run(url, pace=0.0)
    assert report.turns == 0
    assert any("ConnectError" in error for error in report.errors)
    assert sum("gave no answer" in error for error in report.errors) == 3


@pytest.mark.parametrize("status", [200, 404, 502])
async def test_a_server_of_another_kind(status: int) -> None:
    async def answer(request: Request) -> Response:
        return PlainTextResponse("<html>not what you think</html>", status)

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
    async with EmbeddedServer(app) as server:
        report = await run(server.url, pace=0.0)
    assert report.turns == 0
    assert sum("gave no answer" in error for error in report.errors) == 3
