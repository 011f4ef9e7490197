"""The demo server's manners: failures on request, models, pace and what is wrong with a request."""

from __future__ import annotations

import json
from typing import Any

import anthropic as anthropic_sdk
import httpx
import openai as openai_sdk
import pytest
from anthropic.types import Message, RawMessageStreamEvent
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from inspector.demo.behaviour import LONG_ANSWER
from inspector.demo.session import DemoServer
from tests.demo.clients import anthropic, openai

pytestmark = pytest.mark.anyio
HARBOUR = {"model": "demo-small", "messages": [{"role": "user", "content": "Tell me about the harbour."}]}
NO_REQUESTS = (
    b"",
    b"no json",
    b"[]",
    b"{}",
    b'{"messages": []}',
    b'{"model": "m", "input": []}',
    b'{"model": "\\ud800", "messages": [{"role": "user", "content": "Hi"}], "input": "Hi"}',
)
PATHS = ("/v1/chat/completions", "/v1/messages", "/v1/responses")


def _body(path: str, **more: object) -> dict[str, object]:
    """A small request for the API at `path`."""
    if path == "/v1/responses":
        return {"model": "demo-small", "input": "Tell me about the harbour.", **more}
    return {**HARBOUR, "max_tokens": 200, **more}


async def _post(demo: DemoServer, path: str, behaviour: str = "", **more: object) -> httpx.Response:
    async with httpx.AsyncClient(base_url=demo.url, trust_env=False) as client:
        return await client.post(path, json=_body(path, **more), headers={"x-demo-behaviour": behaviour})


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("status", [429, 500, 529])
async def test_failures_on_request(path: str, status: int) -> None:
    async with DemoServer() as demo:
        response = await _post(demo, path, str(status))
    assert response.status_code == status
    assert response.json()["error"]["message"]
    assert ("retry-after" in response.headers) == (status == 429)
    if path == "/v1/messages":
        assert response.json()["type"] == "error"
        assert response.json()["request_id"] == response.headers["request-id"]


async def test_the_sdks_know_the_failures() -> None:
    async with DemoServer() as demo, openai(demo) as client, anthropic(demo) as claude:
        with pytest.raises(openai_sdk.RateLimitError):
            await client.responses.create(model="demo-429", input="Hi")
        with pytest.raises(openai_sdk.InternalServerError):
            await client.chat.completions.create(model="demo-500", messages=[{"role": "user", "content": "Hi"}])
        with pytest.raises(anthropic_sdk.APIStatusError, match="overloaded_error"):
            await claude.messages.create(model="demo-529", max_tokens=9, messages=[{"role": "user", "content": "Hi"}])


async def test_once_means_that_a_retry_succeeds() -> None:
    async with DemoServer() as demo:
        statuses = [(await _post(demo, PATHS[0], "529 once")).status_code for _ in range(3)]
        other = await _post(demo, PATHS[0], "529 once", max_tokens=7)
    assert statuses == [529, 200, 529]
    assert other.status_code == 529


async def test_an_sdk_gets_over_it_by_itself() -> None:
    async with DemoServer() as demo, anthropic(demo) as claude:
        message = await claude.with_options(max_retries=1).messages.create(
            model="demo-small", max_tokens=9, messages=[{"role": "user", "content": "Hi [demo: 500 once]"}]
        )
    assert message.usage.output_tokens > 0


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("stream", [True, False])
async def test_cut_breaks_the_connection_in_mid_body(path: str, stream: bool) -> None:
    received = b""
    async with DemoServer() as demo, httpx.AsyncClient(base_url=demo.url, trust_env=False) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            async with client.stream(
                "POST", path, json=_body(path, stream=stream), headers={"x-demo-behaviour": "cut"}
            ) as response:
                assert response.status_code == 200
                async for chunk in response.aiter_raw():
                    received += chunk
    assert received
    assert b"[DONE]" not in received and b"message_stop" not in received and b"response.completed" not in received


async def test_an_error_without_a_stream_is_a_status() -> None:
    async with DemoServer() as demo:
        assert [(await _post(demo, path, "error")).status_code for path in PATHS] == [529, 529, 529]


async def test_long_answers() -> None:
    async with DemoServer() as demo:
        response = await _post(demo, PATHS[0], "long")
    choice = response.json()["choices"][0]
    assert response.json()["usage"]["completion_tokens"] == LONG_ANSWER
    assert choice["finish_reason"] == "length"


@pytest.mark.parametrize("path", [*PATHS, "/v1/messages/count_tokens"])
@pytest.mark.parametrize(
    "body",
    [b"", b"no json", b"[]", b"{}", b'{"messages": []}', b'{"model": "m", "input": []}', b'{"model": "\\ud800"}'],
)
async def test_a_request_that_is_none(path: str, body: bytes) -> None:
    async with DemoServer() as demo, httpx.AsyncClient(base_url=demo.url, trust_env=False) as client:
        response = await client.post(path, content=body)
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


async def test_other_paths_and_methods() -> None:
    async with DemoServer() as demo, httpx.AsyncClient(base_url=demo.url, trust_env=False) as client:
        assert (await client.get("/v1/elsewhere")).status_code == 404
        assert (await client.get("/v1/messages")).status_code == 405
        models = (await client.get("/v1/models")).json()
    assert models["object"] == "list"
    assert "demo-large" in {model["id"] for model in models["data"]}


_TOOL = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
_EVERYTHING: dict[str, dict[str, object]] = {
    "/v1/chat/completions": {
        "tools": [{"type": "function", "function": {"name": "read", "parameters": _TOOL}}],
        "reasoning_effort": "low",
        "logprobs": True,
        "top_logprobs": 2,
        "stream_options": {"include_usage": True},
    },
    "/v1/messages": {
        "tools": [{"name": "read", "input_schema": _TOOL}],
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    },
    "/v1/responses": {
        "tools": [{"type": "function", "name": "read", "parameters": _TOOL}],
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["message.output_text.logprobs", "reasoning.encrypted_content"],
        "top_logprobs": 2,
    },
}
_SHAPES: dict[str, tuple[TypeAdapter[Any], TypeAdapter[Any]]] = {
    "/v1/chat/completions": (TypeAdapter(ChatCompletionChunk), TypeAdapter(ChatCompletion)),
    "/v1/messages": (TypeAdapter(RawMessageStreamEvent), TypeAdapter(Message)),
    "/v1/responses": (TypeAdapter(ResponseStreamEvent), TypeAdapter(Response)),
}


@pytest.mark.parametrize("path", PATHS)
async def test_whatever_is_sent_has_the_shape_that_the_sdk_declares(path: str) -> None:
    """The SDKs themselves read without checking; here every event and every document is checked by their types."""
    event, document = _SHAPES[path]
    async with DemoServer() as demo:
        for more in ({}, _EVERYTHING[path], {"max_tokens": 4, "max_output_tokens": 4}):
            streamed = await _post(demo, path, "", **more, stream=True)
            unary = {key: value for key, value in more.items() if key != "stream_options"}
            whole = await _post(demo, path, "", **unary)
            events = [json.loads(data) for data in _data(streamed.text) if data not in ("[DONE]", '{"type":"ping"}')]
            assert len(events) > 4
            for each in events:
                event.validate_python(each)
            document.validate_python(whole.json())


def _data(text: str) -> list[str]:
    """The payloads of a stream of events."""
    return [line.removeprefix("data: ") for line in text.split("\n") if line.startswith("data: ")]


async def test_two_servers_of_one_seed_say_the_same() -> None:
    said = []
    for _ in range(2):
        async with DemoServer(seed=3) as demo:
            said.append([(await _post(demo, path, stream=True)).text for path in PATHS])
    assert [_stripped(text) for text in said[0]] == [_stripped(text) for text in said[1]]


def _stripped(text: str) -> list[str]:
    """The events without the times in them."""
    times = ("created", "created_at")
    events = [json.loads(data) for data in _data(text) if data != "[DONE]"]
    return [
        json.dumps({**event, "response": {**event.get("response", {}), **dict.fromkeys(times)}, **dict.fromkeys(times)})
        for event in events
    ]
