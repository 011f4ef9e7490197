"""What clients get through the capture profile is what they get from an upstream that was never asked."""

from __future__ import annotations

import contextlib
import gzip
import json
import random
from asyncio import StreamWriter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import openai
import pytest

from inspector.model.flow import Flow
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.rules.capture import CAPTURE, CaptureProfile
from inspector.rules.control import Control
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from inspector.wire.body import decoded
from tests.upstreams import Received, ended, response, upstream

pytestmark = pytest.mark.anyio

Json = dict[str, Any]

WORDS = ["Sure", ", I", " say “", "lo", "gprobs", '": {', " 👩‍👩‍👧 ", "\\u0041\n", '"logprobs":null', " and end."]
ARGUMENTS = ['{"logprobs"', ': [{"token": 1}', "]}"]
CHAT: Json = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Say it"}]}
RESPONSES: Json = {"model": "gpt-4.1-mini", "input": "Say it"}
STYLES = ["openai", "vllm", "llama.cpp"]


def entry(word: str, top: int) -> Json:
    """What a provider tells of a token."""
    others = [
        {"token": other, "logprob": -1.5, "bytes": [*other.encode()]} for other in ["]}", '"', "x", "y", "z"][:top]
    ]
    return {"token": word, "logprob": -0.25, "bytes": [*word.encode()], "top_logprobs": others}


@dataclass
class Provider:
    """Answers like some server, with log-probabilities for whoever asks for them."""

    style: str = "openai"
    cuts: random.Random = field(default_factory=lambda: random.Random(0))
    """Where streams are split."""
    spaced: bool = False
    """JSON as Python writes it."""
    zipped: bool = False
    asked: list[Json] = field(default_factory=list)

    async def __call__(self, received: Received, writer: StreamWriter) -> None:
        """Answer one request."""
        body = json.loads(received.body)
        self.asked.append(body)
        chat = "/chat/" in received.line
        if body.get("stream"):
            await self._stream(writer, "".join(self._chat(body) if chat else self._responses(body)).encode())
            return
        document = self._whole_chat(body) if chat else self._response(body, WORDS)
        data, headers = self._json(document).encode(), ["Content-Type: application/json"]
        if self.zipped:
            data, headers = gzip.compress(data, mtime=0), [*headers, "Content-Encoding: gzip"]
        writer.write(response(data, *headers))
        await writer.drain()

    async def _stream(self, writer: StreamWriter, data: bytes) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        while data:
            size = self.cuts.choice([1, 2, 7, 60, 600, 4000])
            piece, data = data[:size], data[size:]
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    def _json(self, value: Json) -> str:
        return json.dumps(value) if self.spaced else json.dumps(value, separators=(",", ":"), ensure_ascii=False)

    # Chat Completions

    def _chat(self, asked: Json) -> list[str]:
        head = self._head("chat.completion.chunk")
        first = {"prompt_token_ids": [1, 2] if asked.get("return_token_ids") else None} if self.style == "vllm" else {}
        chunks: list[Json] = [
            {**head, "choices": [self._choice({"role": "assistant", "content": ""}, [], asked)], **first}
        ]
        chunks += [{**head, "choices": [self._choice({"content": word}, [word], asked)]} for word in WORDS]
        call: Json = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "log", "arguments": ""}}
        chunks.append({**head, "choices": [self._choice({"tool_calls": [call]}, [], asked)]})
        for piece in ARGUMENTS:
            delta = {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
            chunks.append({**head, "choices": [self._choice(delta, [], asked)]})
        chunks.append({**head, "choices": [{**self._choice({}, [], asked), "finish_reason": "tool_calls"}]})
        if asked.get("stream_options"):
            chunks.append({**head, "choices": [], "usage": self._usage()})
        return [*(f"data: {self._json(chunk)}\n\n" for chunk in chunks), "data: [DONE]\n\n"]

    def _whole_chat(self, asked: Json) -> Json:
        function = {"name": "log", "arguments": "".join(ARGUMENTS)}
        calls = [{"id": "call_1", "type": "function", "function": function}]
        message = {"role": "assistant", "content": "".join(WORDS), "refusal": None, "tool_calls": calls}
        choice = self._choice({}, WORDS, asked)
        del choice["delta"]
        choice |= {"message": message, "finish_reason": "tool_calls"}
        more = {"prompt_token_ids": [1, 2] if asked.get("return_token_ids") else None} if self.style == "vllm" else {}
        return {**self._head("chat.completion"), "choices": [choice], "usage": self._usage(), **more}

    def _head(self, kind: str) -> Json:
        fingerprint = "b5000-abc123" if self.style == "llama.cpp" else "fp_1"
        head = {"id": "chatcmpl-1", "object": kind, "created": 1_763_712_000, "model": "gpt-4.1-mini"}
        return {**head, "system_fingerprint": fingerprint}

    def _choice(self, delta: Json, tokens: Sequence[str], asked: Json) -> Json:
        """A choice; what it says of tokens, and where it says nothing, is the server's way."""
        top = asked.get("top_logprobs") or 0
        told = {"content": [entry(word, top) for word in tokens], "refusal": None}
        known: Json = {"logprobs": told if asked.get("logprobs") and tokens else None}
        if self.style == "llama.cpp" and known["logprobs"] is None:
            known = {}
        if self.style == "vllm":
            known["token_ids"] = [7 for _ in tokens] if asked.get("return_token_ids") else None
        return {"index": 0, "delta": delta, **known, "finish_reason": None}

    def _usage(self) -> Json:
        return {"prompt_tokens": 3, "completion_tokens": 9, "total_tokens": 12}

    # Responses

    def _responses(self, asked: Json) -> list[str]:
        begun = {**self._response(asked, []), "status": "in_progress", "output": [], "usage": None}
        place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
        item = self._item(asked, WORDS)
        (part,) = item["content"]
        empty = {**part, "text": "", "logprobs": []}
        events: list[Json] = [
            {"type": "response.created", "response": begun},
            {"type": "response.in_progress", "response": begun},
            {
                "type": "response.output_item.added",
                "output_index": 0,
                "item": {**item, "status": "in_progress", "content": []},
            },
            {"type": "response.content_part.added", **place, "part": empty},
        ]
        for word in WORDS:
            told = self._logprobs(asked, [word])
            events.append({"type": "response.output_text.delta", **place, "delta": word, "logprobs": told})
        events += [
            {"type": "response.output_text.done", **place, "text": part["text"], "logprobs": part["logprobs"]},
            {"type": "response.content_part.done", **place, "part": part},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": self._response(asked, WORDS)},
        ]
        numbered = [{**event, "sequence_number": number} for number, event in enumerate(events)]
        return [f"event: {event['type']}\ndata: {self._json(event)}\n\n" for event in numbered]

    def _response(self, asked: Json, words: list[str]) -> Json:
        usage = {"input_tokens": 3, "output_tokens": 9, "total_tokens": 12}
        details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
        return {
            "id": "resp_1",
            "object": "response",
            "created_at": 1_763_712_000,
            "status": "completed",
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "model": "gpt-4.1-mini",
            "output": [self._item(asked, words)],
            "parallel_tool_calls": True,
            "temperature": 1.0,
            "text": {"format": {"type": "text"}},
            "tool_choice": "auto",
            "tools": [],
            "top_logprobs": asked.get("top_logprobs") or 0,
            "top_p": 1.0,
            "usage": {**usage, **details},
            "metadata": {},
        }

    def _item(self, asked: Json, words: list[str]) -> Json:
        told = self._logprobs(asked, words)
        part = {"type": "output_text", "annotations": [], "logprobs": told, "text": "".join(words)}
        return {"id": "msg_1", "type": "message", "status": "completed", "content": [part], "role": "assistant"}

    def _logprobs(self, asked: Json, words: list[str]) -> list[Json]:
        if "message.output_text.logprobs" not in (asked.get("include") or []):
            return []
        return [entry(word, asked.get("top_logprobs") or 0) for word in words]


@dataclass
class Sides:
    """The same provider twice: as it is, and behind the capturing proxy."""

    direct: str
    captured: str
    server: ProxyServer
    provider: Provider

    async def flow(self) -> Flow:
        """The one flow that was captured."""
        (flow,) = await ended(self.server)
        return flow


@contextlib.asynccontextmanager
async def sides(provider: Provider) -> AsyncIterator[Sides]:
    store = FlowStore()
    control = Control(store, Transcripts(), profile=CaptureProfile(CAPTURE))
    async with upstream(replace(provider, asked=[])) as direct, upstream(provider) as behind:
        config = ProxyConfig(port=0, upstream=behind.url)
        async with ProxyServer(config, store, hooks=control, holds=control.holds) as server:
            yield Sides(direct.url, server.url, server, provider)


def upstreams_own(flow: Flow) -> bytes:
    """What the upstream sent, decoded."""
    assert flow.response is not None
    return decoded(flow.response.headers, bytes(flow.response.body))[0]


def check_captured(flow: Flow, provider: Provider) -> None:
    """That the upstream was asked, and what it told is kept."""
    (asked,) = provider.asked
    assert asked["top_logprobs"] == 5
    assert set(flow.injected) <= {"logprobs", "top_logprobs", "return_token_ids", "include"}
    assert len(flow.injected) == (2 if "input" in asked else 3)
    kept = upstreams_own(flow)
    spoken = kept.count(b'"logprob":-1.5') + kept.count(b'"logprob": -1.5')
    assert spoken >= 5 * len(WORDS)


@pytest.mark.parametrize("spaced", [False, True])
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("stream", [False, True])
async def test_the_bytes_of_chat_are_the_same(style: str, stream: bool, spaced: bool) -> None:
    for seed in range(4 if stream else 1):
        body = {**CHAT, "stream": stream, **({"stream_options": {"include_usage": True}} if seed % 2 else {})}
        await check_bytes("/v1/chat/completions", body, Provider(style, random.Random(seed), spaced))


@pytest.mark.parametrize("spaced", [False, True])
@pytest.mark.parametrize("stream", [False, True])
async def test_the_bytes_of_responses_are_the_same(stream: bool, spaced: bool) -> None:
    for seed in range(4 if stream else 1):
        await check_bytes(
            "/v1/responses", {**RESPONSES, "stream": stream}, Provider("openai", random.Random(seed), spaced)
        )


@pytest.mark.parametrize(("path", "body"), [("/v1/chat/completions", CHAT), ("/v1/responses", RESPONSES)])
async def test_what_was_zipped_is_the_same(path: str, body: Json) -> None:
    await check_bytes(path, body, Provider(zipped=True))


async def check_bytes(path: str, body: Json, provider: Provider) -> None:
    async with sides(provider) as both, httpx.AsyncClient(timeout=20) as client:
        direct = await client.post(both.direct + path, json=body)
        captured = await client.post(both.captured + path, json=body)
        assert captured.status_code == direct.status_code == 200
        assert captured.content == direct.content
        assert captured.headers["content-type"] == direct.headers["content-type"]
        if not provider.zipped:
            assert captured.headers.get("content-length") == direct.headers.get("content-length")
        flow = await both.flow()
        check_captured(flow, provider)
        assert upstreams_own(flow) != captured.content


Ask = Callable[[openai.AsyncOpenAI], Any]


async def chat_whole(client: openai.AsyncOpenAI) -> list[Any]:
    return [await client.chat.completions.create(**CHAT)]


async def chat_chunks(client: openai.AsyncOpenAI) -> list[Any]:
    return [chunk async for chunk in await client.chat.completions.create(**CHAT, stream=True)]


async def chat_helper(client: openai.AsyncOpenAI) -> list[Any]:
    async with client.chat.completions.stream(**CHAT) as streaming:
        events = [event async for event in streaming]
        return [*events, await streaming.get_final_completion()]


async def responses_whole(client: openai.AsyncOpenAI) -> list[Any]:
    return [await client.responses.create(**RESPONSES)]


async def responses_events(client: openai.AsyncOpenAI) -> list[Any]:
    return [event async for event in await client.responses.create(**RESPONSES, stream=True)]


async def responses_helper(client: openai.AsyncOpenAI) -> list[Any]:
    async with client.responses.stream(**RESPONSES) as streaming:
        events = [event async for event in streaming]
        return [*events, await streaming.get_final_response()]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    "ask", [chat_whole, chat_chunks, chat_helper, responses_whole, responses_events, responses_helper]
)
async def test_the_sdk_reads_the_same(ask: Ask, seed: int) -> None:
    provider = Provider(cuts=random.Random(seed))
    async with sides(provider) as both:
        direct, captured = [await with_sdk(url, ask) for url in (both.direct, both.captured)]
        check_captured(await both.flow(), provider)
    assert [one.model_dump(warnings=False) for one in captured] == [one.model_dump(warnings=False) for one in direct]
    assert "-0.25" not in str(captured)


async def with_sdk(url: str, ask: Ask) -> list[Any]:
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0, timeout=20) as client:
        found: list[Any] = await ask(client)
        return found


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("path", "body", "own"),
    [
        ("/v1/chat/completions", CHAT, {"logprobs": True, "top_logprobs": 2}),
        ("/v1/chat/completions", CHAT, {"logprobs": True}),
        ("/v1/chat/completions", CHAT, {"logprobs": True, "return_token_ids": True}),
        ("/v1/responses", RESPONSES, {"include": ["message.output_text.logprobs"], "top_logprobs": 2}),
        ("/v1/responses", RESPONSES, {"include": ["message.output_text.logprobs"]}),
    ],
)
async def test_what_a_client_asked_for_itself_it_gets(path: str, body: Json, own: Json, stream: bool) -> None:
    provider = Provider("vllm")
    async with sides(provider) as both, httpx.AsyncClient(timeout=20) as client:
        asked = {**body, **own, "stream": stream}
        direct = await client.post(both.direct + path, json=asked)
        captured = await client.post(both.captured + path, json=asked)
        assert captured.content == direct.content
        assert b"-0.25" in captured.content
        flow = await both.flow()
        assert not set(flow.injected) & set(own)
