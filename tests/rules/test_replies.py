"""Answers in the upstream's place, and faults, as the providers' own SDKs take them."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import httpx
import openai
import pytest

from inspector.model.flow import Reason
from inspector.model.message import Growing, Media, Part, Reasoning, Text, ToolCall
from inspector.proxy.hooks import Context, Hooks
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.rules.replies import Reply, build, spoil
from inspector.rules.spoiling import Fault
from inspector.store.flows import FlowStore
from tests.handmade import chat_chunks, chat_flow
from tests.upstreams import ended, plain, response, upstream

pytestmark = pytest.mark.anyio

PARTS: tuple[Part, ...] = (
    Text(Growing("Let me look, 👩‍👩‍👧.")),
    ToolCall(name="Bash", arguments=Growing('{"command": "ls"}'), done=True),
    ToolCall(name="Edit", arguments=Growing('{"path": "a"}'), done=True),
)
ASKED: dict[str, Any] = {"model": "m-1", "messages": [{"role": "user", "content": "hi"}]}


class Replying(Hooks):
    """Answers every request, or spoils its answer."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply

    async def request(self, context: Context) -> httpx.Response | None:
        """The reply, or the upstream's own with the fault in it."""
        if self.reply.answers:
            return build(context.flow, self.reply)
        return spoil(await context.send(context.request()), self.reply)


@contextlib.asynccontextmanager
async def replying(reply: Reply, to: str = "http://127.0.0.1:9") -> AsyncIterator[ProxyServer]:
    """A proxy that gives everybody this reply."""
    async with ProxyServer(ProxyConfig(port=0, upstream=to), FlowStore(), hooks=Replying(reply)) as server:
        yield server


@contextlib.asynccontextmanager
async def of_openai(server: ProxyServer) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0, timeout=10) as client:
        yield client


@contextlib.asynccontextmanager
async def of_anthropic(server: ProxyServer) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=server.url, api_key="none", max_retries=0, timeout=10) as client:
        yield client


async def ask_anthropic(client: anthropic.AsyncAnthropic, stream: bool) -> Any:
    if not stream:
        return await client.messages.create(max_tokens=9, **ASKED)
    async with client.messages.stream(max_tokens=9, **ASKED) as streaming:
        return await streaming.get_final_message()


async def ask_openai(client: openai.AsyncOpenAI, stream: bool) -> Any:
    if not stream:
        return await client.chat.completions.create(**ASKED)
    async with client.chat.completions.stream(**ASKED) as streaming:
        return await streaming.get_final_completion()


@pytest.mark.parametrize("stream", [False, True])
async def test_anthropics_sdk_takes_an_answer(stream: bool) -> None:
    async with replying(Reply(PARTS)) as server, of_anthropic(server) as client:
        message = await ask_anthropic(client, stream)
        (flow,) = await ended(server)
    text, *calls = message.content
    assert text.type == "text" and text.text == "Let me look, 👩‍👩‍👧."
    assert [(call.name, call.input) for call in calls if call.type == "tool_use"] == [
        ("Bash", {"command": "ls"}),
        ("Edit", {"path": "a"}),
    ]
    assert (message.stop_reason, message.model) == ("tool_use", "m-1")
    assert message.usage.output_tokens > 0
    assert flow.end is not None and (flow.end.reason, flow.end.by) == (Reason.DONE, "mock")
    assert [mutation.by for mutation in flow.mutations] == ["mock"]


@pytest.mark.parametrize("stream", [False, True])
async def test_openais_sdk_takes_an_answer(stream: bool) -> None:
    async with replying(Reply(PARTS)) as server, of_openai(server) as client:
        (choice,) = (await ask_openai(client, stream)).choices
        answer = await client.responses.create(model="m-1", input="hi")
    assert choice.message.content == "Let me look, 👩‍👩‍👧."
    assert [call.function.arguments for call in choice.message.tool_calls] == ['{"command": "ls"}', '{"path": "a"}']
    assert choice.finish_reason == "tool_calls"
    assert answer.output_text == "Let me look, 👩‍👩‍👧."
    assert [item.type for item in answer.output] == ["message", "function_call", "function_call"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("status", "words"), [(429, "Rate limit"), (529, "Overloaded"), (500, "Internal Server Error")]
)
async def test_an_error_is_the_sdks_own(status: int, words: str, stream: bool) -> None:
    async with replying(Reply(status=status, retry_after=3)) as server:
        async with of_anthropic(server) as client:
            with pytest.raises(anthropic.APIStatusError, match=words) as raised:
                await ask_anthropic(client, stream)
        async with of_openai(server) as other:
            with pytest.raises(openai.APIStatusError, match=words) as also:
                await ask_openai(other, stream)
    for heard in (raised.value.response, also.value.response):
        assert (heard.status_code, heard.headers["retry-after"]) == (status, "3")
        assert heard.headers["request-id"].startswith("req_")
    assert (status == 429) is isinstance(also.value, openai.RateLimitError)


async def test_an_error_says_what_it_is_told() -> None:
    async with replying(Reply(status=418, message="no coffee")) as server, of_anthropic(server) as client:
        with pytest.raises(anthropic.APIStatusError, match="no coffee"):
            await ask_anthropic(client, stream=False)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_malformed_answer_is_no_json(stream: bool) -> None:
    async with replying(Reply(PARTS, fault=Fault(malformed=True))) as server:
        async with of_anthropic(server) as client:
            with pytest.raises((json.JSONDecodeError, anthropic.APIError)):
                await ask_anthropic(client, stream)
        async with of_openai(server) as other:
            with pytest.raises((json.JSONDecodeError, openai.APIError)):
                await ask_openai(other, stream)


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_breaks_off_where_it_is_told(stream: bool) -> None:
    async with replying(Reply(PARTS, fault=Fault(cut_after=4))) as server, of_anthropic(server) as client:
        with pytest.raises(Exception, match=r"(?i)incomplete chunked read|complete message body|connection error"):
            await ask_anthropic(client, stream)
        (flow,) = await ended(server)
    assert flow.end is not None and (flow.end.reason, flow.end.by) == (Reason.FAULT, "mock")
    assert flow.response is not None
    assert flow.response.body.chunks == 4
    assert flow.error == "broken off after 4 tokens, as told"


@pytest.mark.parametrize("fault", [Fault(silence=True), Fault(silence=True, cut_after=2)])
async def test_silence_lasts_until_the_client_leaves(fault: Fault) -> None:
    async with replying(Reply(PARTS, fault=fault)) as server:
        async with httpx.AsyncClient(timeout=10) as client:
            body = {**ASKED, "stream": True}
            async with client.stream("POST", f"{server.url}/v1/messages", json=body) as answer:
                got = answer.aiter_raw()
                for _ in range(fault.cut_after or 0):
                    assert await anext(got)
                assert next(iter(server.store)).live
        (flow,) = await ended(server)
    assert flow.end is not None and flow.end.reason is Reason.CLIENT_GONE
    assert flow.response is not None
    assert flow.response.body.chunks == (fault.cut_after or 0)


async def test_a_pace_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, slept = asyncio.get_running_loop(), []
    now = loop.time()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(loop, "time", lambda: now)
    reply = Reply((Text(Growing("a b c")),), fault=Fault(tokens_per_second=4))
    pieces = [piece async for piece in build(chat_flow(), reply).aiter_raw()]
    assert slept == [0.25 * (number + 1) for number in range(len(pieces))]


CHUNKS = chat_chunks(("Hel", "lo", "!"))


def streaming(*, compressed: bool = False) -> bytes:
    """An upstream's answer that streams."""
    body = b"".join(CHUNKS)
    kind = "Content-Type: text/event-stream"
    return response(gzip.compress(body), kind, "Content-Encoding: gzip") if compressed else response(body, kind)


async def through(answer: bytes, fault: Fault) -> tuple[list[bytes], str]:
    """What a client gets of an upstream's answer with this fault in it, and why the flow ended."""
    got: list[bytes] = []
    async with upstream(plain(answer)) as up, replying(Reply(fault=fault), up.url) as server:
        async with httpx.AsyncClient(timeout=10) as client:
            with contextlib.suppress(httpx.RemoteProtocolError, httpx.ReadError):
                async with client.stream("POST", f"{server.url}/v1/chat/completions", json=ASKED) as answered:
                    assert "content-encoding" not in answered.headers
                    pieces = answered.aiter_raw()
                    while piece := await anext(pieces, b""):
                        got.append(piece)
        (flow,) = await ended(server)
    assert flow.end is not None
    return got, flow.end.reason


@pytest.mark.parametrize("compressed", [False, True])
async def test_the_upstreams_own_stream_breaks_off_at_an_event(compressed: bool) -> None:
    got, reason = await through(streaming(compressed=compressed), Fault(cut_after=2))
    assert b"".join(got) == b"".join(CHUNKS[:2])
    assert reason is Reason.FAULT


async def test_the_upstreams_own_stream_is_spoiled_at_an_event() -> None:
    got, reason = await through(streaming(), Fault(malformed=True, cut_after=1))
    first, second, *_ = b"".join(got).split(b"\n\n")
    assert json.loads(first[5:])["model"]
    with pytest.raises(json.JSONDecodeError):
        json.loads(second[5:])
    assert reason is Reason.DONE


@pytest.mark.parametrize("encoding", ["", "gzip"])
async def test_the_upstreams_own_document_is_spoiled(encoding: str) -> None:
    body = json.dumps({"choices": [], "model": "a long name"}).encode()
    sent = gzip.compress(body) if encoding else body
    answer = response(sent, "Content-Type: application/json", *(["Content-Encoding: gzip"] if encoding else []))
    got, _ = await through(answer, Fault(cut_after=3))
    assert b"".join(got) == body[:12]
    got, _ = await through(answer, Fault(malformed=True, tokens_per_second=1e6))
    with pytest.raises(json.JSONDecodeError):
        json.loads(b"".join(got))
    got, reason = await through(answer, Fault(tokens_per_second=1e6))
    assert (b"".join(got), reason) == (body, Reason.DONE)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(PARTS), True),
        (Reply(status=204), True),
        (Reply(fault=Fault(silence=True)), True),
        (Reply(fault=Fault(malformed=True)), True),
        (Reply(fault=Fault(silence=True, cut_after=0)), False),
        (Reply(fault=Fault(tokens_per_second=3)), False),
        (Reply(fault=Fault(cut_after=3)), False),
    ],
)
async def test_a_reply_answers_or_spoils(reply: Reply, expected: bool) -> None:
    assert reply.answers is expected


async def test_what_nobody_can_write_is_plain() -> None:
    flow = chat_flow()
    flow.dialect = "raw"
    for text, kind in (("hello ✓", "text/plain; charset=utf-8"), ('{"a": 1}', "application/json")):
        answer = build(flow, Reply((Text(Growing(text)),)))
        assert (await answer.aread()).decode() == text
        assert answer.headers["content-type"] == kind
        assert answer.headers["content-length"] == str(len(text.encode()))
    failed = build(flow, Reply(status=503))
    assert json.loads(await failed.aread())["error"]["message"] == "Service Unavailable"
    with pytest.raises(ValueError, match="nothing but text"):
        build(flow, Reply(PARTS))


async def test_what_a_dialect_cannot_say_is_refused() -> None:
    flow = chat_flow()
    flow.dialect = "openai-responses"
    with pytest.raises(ValueError, match="cannot be written"):
        build(flow, Reply((Media("image"),)))


async def test_a_request_that_cannot_be_read_is_answered_all_the_same() -> None:
    flow = chat_flow()
    flow.request.body.data[:] = b"\xff no JSON"
    answer = build(flow, Reply((Reasoning(Growing("hm")), Text(Growing("yes")))))
    assert json.loads(await answer.aread())["choices"][0]["message"]["content"] == "yes"
