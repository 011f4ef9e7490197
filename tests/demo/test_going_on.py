"""The demo's model goes on from the beginning of an answer, as vLLM and Anthropic do it."""

from __future__ import annotations

import json
from typing import Any

import anthropic as anthropic_sdk
import httpx
import openai as openai_sdk
import pytest
from anthropic.types import TextBlock

from inspector.demo.session import DemoServer
from tests.demo.clients import anthropic, openai

pytestmark = pytest.mark.anyio
ASK = {"role": "user", "content": "Tell me about the harbour."}
LOGPROBS = {"logprobs": True, "top_logprobs": 3}
GO_ON = {"continue_final_message": True, "add_generation_prompt": False}


async def _chat(client: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    body = {"model": "demo-small", "messages": [ASK], "max_tokens": 30, "temperature": 0, **LOGPROBS, **more}
    response = await client.post("/v1/chat/completions", json=body)
    assert response.status_code == 200, response.text
    choice: dict[str, Any] = response.json()["choices"][0]
    return choice


def _client(demo: DemoServer) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=demo.url, trust_env=False)


def _begun(text: str) -> dict[str, Any]:
    return {"messages": [ASK, {"role": "assistant", "content": text}], **GO_ON}


async def test_at_temperature_0_every_beginning_leads_to_the_same_answer() -> None:
    async with DemoServer() as demo, _client(demo) as client:
        whole = await _chat(client, max_tokens=30)
        entries = whole["logprobs"]["content"]
        assert len(entries) == 30
        beginning = ""
        for place, entry in enumerate(entries[:-1]):
            beginning += bytes(entry["bytes"]).decode()
            rest = await _chat(client, max_tokens=29 - place, **_begun(beginning))
            assert beginning + rest["message"]["content"] == whole["message"]["content"]
            assert rest["logprobs"]["content"] == entries[place + 1 :]


async def test_an_alternative_leads_elsewhere_with_the_probabilities_of_its_place() -> None:
    async with DemoServer() as demo, _client(demo) as client:
        entries = (await _chat(client, seed=4, temperature=1))["logprobs"]["content"]
        place = next(place for place, entry in enumerate(entries) if entry["top_logprobs"][1]["logprob"] > -2)
        chosen, second = entries[place]["token"], entries[place]["top_logprobs"][1]["token"]
        other = second if second != chosen else entries[place]["top_logprobs"][0]["token"]
        beginning = "".join(entry["token"] for entry in entries[:place]) + other
        said = [await _chat(client, seed=9, temperature=1, **_begun(beginning)) for _ in range(2)]
    assert said[0] == said[1]
    assert said[0]["message"]["content"] and not said[0]["message"]["content"].startswith(beginning)


async def test_the_sdk_reads_a_stream_that_goes_on() -> None:
    async with DemoServer() as demo, openai(demo) as client, _client(demo) as http:
        stream = await client.chat.completions.create(
            model="demo-small",
            messages=[{"role": "user", "content": ASK["content"]}, {"role": "assistant", "content": "The boats"}],
            max_tokens=30,
            temperature=0,
            stream=True,
            reasoning_effort="low",
            extra_body=GO_ON,
        )
        said = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
        whole = await _chat(http, **_begun("The boats"))
    assert said and said == whole["message"]["content"]


async def test_anthropic_goes_on_from_a_last_message() -> None:
    async with DemoServer() as demo, anthropic(demo) as client, _client(demo) as http:
        for beginning in ("The boats", "The boats wait until the"):
            answer = await client.messages.create(
                model="demo-small",
                max_tokens=30,
                extra_body={"temperature": 0},
                messages=[{"role": "user", "content": ASK["content"]}, {"role": "assistant", "content": beginning}],
            )
            (block,) = answer.content
            assert isinstance(block, TextBlock)
            assert block.text == (await _chat(http, **_begun(beginning)))["message"]["content"]


async def test_what_servers_refuse_is_refused() -> None:
    async with DemoServer() as demo, anthropic(demo) as claude, openai(demo) as client:
        for begun, words in (
            ({"continue_final_message": True}, "add_generation_prompt"),
            (GO_ON, "not the assistant's"),
        ):
            with pytest.raises(openai_sdk.BadRequestError, match=words):
                last: Any = [ASK] if begun is GO_ON else [ASK, {"role": "assistant", "content": "The"}]
                await client.chat.completions.create(model="demo-small", messages=last, extra_body=begun)
        last = [ASK, {"role": "assistant", "content": "The "}]
        with pytest.raises(anthropic_sdk.BadRequestError, match="trailing whitespace"):
            await claude.messages.create(model="demo-small", max_tokens=9, messages=last)
        with pytest.raises(anthropic_sdk.BadRequestError, match="thinking"):
            await claude.messages.create(
                model="demo-small",
                max_tokens=2000,
                messages=last,
                thinking={"type": "enabled", "budget_tokens": 1024},
            )


TOOL = {"type": "object", "properties": {"path": {"type": "string"}, "lines": {"type": "integer"}}}
READ = {"type": "function", "function": {"name": "read_file", "parameters": {**TOOL, "required": ["path", "lines"]}}}
EVERYTHING = {"tools": [READ], "reasoning_effort": "low"}
ASKED = {"logprobs": True, "top_logprobs": 4, "return_token_ids": True}


async def _stream(client: httpx.AsyncClient, **more: Any) -> list[dict[str, Any]]:
    body = {"model": "demo-small", "messages": [ASK], "seed": 3, "stream": True, **EVERYTHING, **more}
    text = (await client.post("/v1/chat/completions", json=body)).text
    lines = [line.removeprefix("data: ") for line in text.split("\n") if line.startswith("data: {")]
    return [json.loads(line) for line in lines]


async def test_thoughts_words_and_calls_tell_their_tokens() -> None:
    async with DemoServer() as demo, _client(demo) as client:
        chunks = await _stream(client, **ASKED)
        whole = await _chat(client, seed=3, temperature=1, max_tokens=400, **EVERYTHING, **ASKED)
    choices = [chunk["choices"][0] for chunk in chunks]
    told: dict[str, list[Any]] = {"content": [], "reasoning_content": []}
    for choice in choices[1:-1]:
        (channel,) = [key for key in told if (choice["logprobs"] or {}).get(key)]
        assert (channel == "reasoning_content") == ("reasoning_content" in choice["delta"])
        told[channel] += choice["logprobs"][channel]
        text = b"".join(bytes(entry["bytes"]) for entry in choice["logprobs"][channel]).decode()
        assert text == _said(choice["delta"])
        assert len(choice["token_ids"]) == len(choice["logprobs"][channel])
    assert choices[0]["logprobs"] is None and choices[-1]["logprobs"] is None
    assert told["content"] == whole["logprobs"]["content"]
    assert told["reasoning_content"] == whole["logprobs"]["reasoning_content"]
    assert [number for choice in choices for number in choice.get("token_ids", [])] == whole["token_ids"]
    assert any(entry["logprob"] < -1 for entry in told["content"])


def _said(delta: dict[str, Any]) -> str:
    """The text that a chunk brings; the first of a call brings its name."""
    for call in delta.get("tool_calls", ()):
        function = call["function"]
        return str(function.get("name", "") or function["arguments"])
    return str(delta.get("content") or delta.get("reasoning_content"))


async def test_whether_tokens_are_asked_for_changes_nothing_else() -> None:
    async with DemoServer() as demo, _client(demo) as client:
        never, asked = await _stream(client), await _stream(client, **ASKED)
    for chunk in asked:
        choice = chunk["choices"][0]
        assert choice.pop("token_ids", []) or choice["finish_reason"] or choice["delta"]["role"]
        choice["logprobs"] = None
        chunk.pop("prompt_token_ids", None)
    assert [_timeless(chunk) for chunk in asked] == [_timeless(chunk) for chunk in never]
    assert "token_ids" not in json.dumps(never)


def _timeless(chunk: dict[str, Any]) -> dict[str, Any]:
    return {**chunk, "created": None}


async def test_token_ids_are_the_same_for_the_same_token() -> None:
    async with DemoServer() as demo, _client(demo) as client:
        first, second = await _stream(client, **ASKED), await _stream(client, **ASKED, seed=8)
        named: dict[int, bytes] = {}
        for chunk in (*first[1:-1], *second[1:-1]):
            choice = chunk["choices"][0]
            entries = choice["logprobs"].get("reasoning_content") or choice["logprobs"]["content"]
            for number, entry in zip(choice["token_ids"], entries, strict=True):
                assert named.setdefault(number, bytes(entry["bytes"])) == bytes(entry["bytes"])
    assert len(named) > 40 and len(set(named.values())) == len(named)
    assert first[0]["prompt_token_ids"] == second[0]["prompt_token_ids"] != []
    assert all("prompt_token_ids" not in chunk for chunk in first[1:])
