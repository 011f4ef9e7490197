"""MCP through the real proxy, between the SDK's own client and server: what passes is exact, and is read rightly."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from mcp import Client, MCPError
from mcp.server.mcpserver import Context, MCPServer
from mcp_types import ElicitResult, TextContent
from pydantic import BaseModel
from starlette.types import Message, Receive, Scope, Send

from inspector.model.flow import Flow
from inspector.model.message import Message as Said
from inspector.model.message import ToolCall, ToolResult
from inspector.proxy.embedded import EmbeddedServer
from inspector.proxy.server import ProxyServer
from inspector.store.transcripts import Transcripts
from tests.upstreams import proxy

pytestmark = pytest.mark.anyio


class Age(BaseModel):
    """What the tool asks for."""

    age: int


def adder() -> MCPServer[Any]:
    """A small server: a tool that adds, one that fails, one that reports and asks."""
    server: MCPServer[Any] = MCPServer("adder", version="1.5", instructions="Add things.")

    @server.tool()
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    @server.tool()
    def fail() -> str:
        """Never works."""
        raise ValueError("broken")

    @server.tool()
    async def ask(ctx: Context[Any, Any]) -> str:
        """Report, and ask the person."""
        await ctx.report_progress(1, 2, "half way")
        given = await ctx.elicit("How old?", Age)
        return f"{given.action} {getattr(given, 'data', None)}"

    @server.resource("note://one")
    def one() -> str:
        """A note."""
        return "first note"

    return server


@dataclass
class Sent:
    """What the server took and gave in one exchange."""

    body: bytes = b""
    answer: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)


class Watched:
    """The server's app, with a record of every byte."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.sent: list[Sent] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        sent = Sent()
        self.sent.append(sent)

        async def taken() -> Message:
            message = await receive()
            sent.body += message.get("body", b"")
            return message

        async def given(message: Message) -> None:
            sent.answer += message.get("body", b"")
            sent.headers += [(name.decode(), value.decode()) for name, value in message.get("headers", [])]
            await send(message)

        await self.app(scope, taken, given)


@contextlib.asynccontextmanager
async def between(json_response: bool) -> AsyncIterator[tuple[ProxyServer, Watched]]:
    """A proxy in front of the server."""
    app = adder().streamable_http_app(json_response=json_response)
    watched = Watched(app)
    async with app.router.lifespan_context(app), EmbeddedServer(watched) as server, proxy(server.url) as through:
        yield through, watched


async def over(through: ProxyServer) -> list[Flow]:
    """The flows, once all have ended."""
    async with asyncio.timeout(10):
        while any(flow.end is None for flow in through.store):
            await asyncio.sleep(0.005)
    return list(through.store)


async def grown_up(context: Any, params: Any) -> ElicitResult:
    """The person's answer."""
    return ElicitResult(action="accept", content={"age": 33})


def of_method(flows: list[Flow], method: str) -> Flow:
    """The only flow that posted this method."""
    (found,) = [flow for flow in flows if json.loads(bytes(flow.request.body) or b"{}").get("method") == method]
    return found


def last_part(said: list[Said]) -> Any:
    """The last part of the only message."""
    (message,) = said
    return message.parts[-1]


@pytest.mark.parametrize("json_response", [False, True])
@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_session(mode: Literal["legacy", "auto"], json_response: bool) -> None:
    async with between(json_response) as (through, watched):
        async with Client(through.url + "/mcp", mode=mode) as client:
            listed = await client.list_tools()
            added = await client.call_tool("add", {"a": 40, "b": 2})
            failed = await client.call_tool("fail", {})
            note = await client.read_resource("note://one")
        flows = await over(through)
    assert {flow.dialect for flow in flows} == {"mcp"}
    assert sorted(bytes(flow.request.body) for flow in flows) == sorted(sent.body for sent in watched.sent)
    assert sorted(bytes(flow.response.body) for flow in flows if flow.response) == sorted(
        s.answer for s in watched.sent
    )
    transcripts = Transcripts()
    read = {flow.id: transcripts.of(flow) for flow in flows}
    assert [transcript.notes for transcript in read.values() if transcript.notes] == []
    hello = read[of_method(flows, "initialize" if mode == "legacy" else "server/discover").id]
    assert hello.answer.model == "adder"
    assert hello.answer.choices[0].text().endswith("Add things.")
    listing = read[of_method(flows, "tools/list").id]
    assert (
        [tool.name for tool in listing.prompt.tools] == [tool.name for tool in listed.tools] == ["add", "fail", "ask"]
    )
    assert [tool.schema for tool in listing.prompt.tools] == [tool.input_schema for tool in listed.tools]
    calls = [flow for flow in flows if b'"tools/call"' in bytes(flow.request.body)]
    for flow, theirs, name in zip(calls, (added, failed), ("add", "fail"), strict=True):
        call, result = last_part(read[flow.id].prompt.messages), last_part(read[flow.id].answer.choices)
        assert isinstance(call, ToolCall)
        assert isinstance(result, ToolResult)
        assert isinstance(theirs.content[0], TextContent)
        assert (call.name, result.name, result.content, result.is_error) == (
            name,
            name,
            theirs.content[0].text,
            bool(theirs.is_error),
        )
        assert read[flow.id].answer.complete
        summary = transcripts.summary(flow)
        assert (summary.tools, summary.words, summary.output_tokens) == ((name,), result.content, None)
    reading = read[of_method(flows, "resources/read").id]
    assert str(last_part(reading.answer.choices).content) == note.contents[0].text  # type: ignore[union-attr]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_server_that_reports_and_asks(mode: Literal["legacy", "auto"]) -> None:
    reported: list[str | None] = []

    async def said(progress: float, total: float | None, message: str | None) -> None:
        reported.append(message)

    asking = contextlib.nullcontext() if mode == "legacy" else pytest.raises(MCPError, match="no back-channel")
    async with between(json_response=False) as (through, _):
        async with Client(through.url + "/mcp", mode=mode, elicitation_callback=grown_up) as client:
            with asking:
                await client.call_tool("ask", {}, progress_callback=said)
        flows = await over(through)
    assert reported == ["half way"]
    transcripts = Transcripts()
    answer = transcripts.of(of_method(flows, "tools/call")).answer
    assert answer.complete
    parts = answer.choices[0].parts
    assert str(getattr(parts[0], "content", "")) == "notifications/progress 1/2 half way"
    if mode == "auto":
        assert answer.error is not None
        assert "no back-channel" in answer.error
        return
    assert str(getattr(parts[1], "content", "")) == "elicitation/create How old?"
    assert parts[-1] == ToolResult("2", "accept age=33", name="ask")
    (replied,) = [flow for flow in flows if b'"action"' in bytes(flow.request.body)]
    reply = transcripts.of(replied)
    assert last_part(reply.prompt.messages).data == {"action": "accept", "content": {"age": 33}}
    assert reply.answer.complete
