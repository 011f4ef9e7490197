"""Completions through the capture profile: the SDK gets what it gets of an upstream that was never asked."""

from __future__ import annotations

import json
from asyncio import StreamWriter
from typing import Any

import httpx
import openai
import pytest

from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.rules.capture import CAPTURE, CaptureProfile
from inspector.rules.control import Control
from inspector.store.flows import FlowStore
from inspector.store.token_reading import TokenReading
from inspector.store.transcripts import Transcripts
from tests.dialects.completions_streams import HEAD, chunk, native, parallel, stream
from tests.upstreams import Received, ended, response, upstream

pytestmark = pytest.mark.anyio

Json = dict[str, Any]

WORDS = ["Once", " upon", ' "logprobs":null', " 👩‍👧"]


class Provider:
    """Answers as vLLM, or as llama.cpp's own API, with log-probabilities for whoever asks for them."""

    def __init__(self) -> None:
        self.asked: list[Json] = []

    async def __call__(self, received: Received, writer: StreamWriter) -> None:
        """Answer one request."""
        asked = json.loads(received.body)
        self.asked.append(asked)
        if "/completions" in received.line:
            events = [self._chunk(asked, word) for word in WORDS] + [chunk("", "stop")]
            whole: Json = {**HEAD, "choices": [{**chunk("".join(WORDS), "stop")["choices"][0]}]}
        else:
            events, whole = [self._native(asked, word) for word in WORDS] + [native("", stop=True)], {}
        streamed = bool(asked.get("stream"))
        kind = "text/event-stream" if streamed else "application/json"
        body = stream(*events) if streamed else json.dumps(whole).encode()
        writer.write(response(body, f"Content-Type: {kind}"))
        await writer.drain()

    def _chunk(self, asked: Json, word: str) -> Json:
        told = asked.get("logprobs")
        return chunk(word, logprobs=None if told is None else parallel((word, -0.5), top=told))

    def _native(self, asked: Json, word: str) -> Json:
        entry = {"token": word, "logprob": -0.5, "bytes": [*word.encode()], "top_logprobs": []}
        return native(word, **({"completion_probabilities": [entry]} if asked.get("n_probs") else {}))


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("/v1/completions", {"model": "m", "max_tokens": 99_999}, "logprobs"),
        ("/completion", {"n_predict": 99_999}, "n_probs"),
    ],
)
async def test_the_client_notices_nothing(path: str, body: Json, name: str) -> None:
    provider, store = Provider(), FlowStore()
    control = Control(store, Transcripts(), profile=CaptureProfile(CAPTURE))
    async with upstream(provider) as behind:
        config = ProxyConfig(port=0, upstream=behind.url)
        async with ProxyServer(config, store, hooks=control, holds=control.holds) as server:
            asking = {**body, "prompt": "x", "stream": True}
            got = [await _raw(url + path, asking) for url in (behind.url, server.url)]
            (flow,) = await ended(server)
    assert got[0] == got[1]
    asked = provider.asked[1]
    assert (asked[name], flow.injected[0]) == (5, name)
    assert asked.get("max_tokens", asked.get("n_predict")) == CAPTURE.max_tokens_cap
    reading = TokenReading(flow)
    assert not reading.pull(5.0)
    assert [token.text for token in reading.tokens if token.logprob == -0.5] == WORDS
    assert reading.certainty.tokens == len(WORDS)


async def test_the_sdk_reads_it() -> None:
    provider, store = Provider(), FlowStore()
    control = Control(store, Transcripts(), profile=CaptureProfile(CAPTURE))
    async with upstream(provider) as behind:
        config = ProxyConfig(port=0, upstream=behind.url)
        async with ProxyServer(config, store, hooks=control, holds=control.holds) as server:
            async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="k", max_retries=0) as client:
                streamed = await client.completions.create(model="m", prompt="x", stream=True)
                chunks = [one async for one in streamed]
                whole = await client.completions.create(model="m", prompt="x")
            await ended(server, 2)
    assert "".join(choice.text for one in chunks for choice in one.choices) == "".join(WORDS) == whole.choices[0].text
    assert {choice.logprobs for one in chunks for choice in one.choices} == {None}
    assert all(asked["logprobs"] == 5 for asked in provider.asked)


async def _raw(url: str, body: Json) -> bytes:
    async with httpx.AsyncClient(timeout=20) as client:
        return (await client.post(url, json=body)).content
