"""Chat Completions of the demo server, read by OpenAI's SDK."""

from __future__ import annotations

import json
import math

import openai as sdk
import pytest
from openai.types.chat import ChatCompletionChunk, ChatCompletionToolParam

from inspector.demo.session import DemoServer
from tests.demo.clients import openai

pytestmark = pytest.mark.anyio
MODEL = "demo-small"
WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
            "required": ["city", "unit"],
        },
    },
}


async def test_an_answer_at_once() -> None:
    async with DemoServer() as demo, openai(demo) as client:
        answer = await client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": "Tell me about the harbour."}]
        )
    choice = answer.choices[0]
    assert choice.finish_reason == "stop"
    assert choice.message.content
    assert choice.logprobs is None
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.completion_tokens > 5


async def test_a_stream_says_the_same_as_an_answer_at_once() -> None:
    """The same seed gives the same tokens, whichever way they are sent."""
    async with DemoServer() as demo, openai(demo) as client:
        whole = await client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": "And the clocks?"}], seed=7
        )
        stream = await client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "And the clocks?"}],
            seed=7,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
    assert "".join(_words(chunk) for chunk in chunks) == whole.choices[0].message.content
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage is not None and whole.usage is not None
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
    assert {chunk.id for chunk in chunks} == {chunks[0].id}


def _words(chunk: ChatCompletionChunk) -> str:
    return (chunk.choices[0].delta.content or "") if chunk.choices else ""


async def test_log_probabilities_are_told_for_every_token() -> None:
    async with DemoServer() as demo, openai(demo) as client:
        answer = await client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "Tell me about the harbour."}],
            logprobs=True,
            top_logprobs=4,
            seed=5,
        )
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None and logprobs.content and answer.usage is not None
    assert len(logprobs.content) == answer.usage.completion_tokens
    told = b"".join(bytes(entry.bytes or []) for entry in logprobs.content)
    assert told.decode("utf-8", "replace") == answer.choices[0].message.content
    for entry in logprobs.content:
        tops = [math.exp(top.logprob) for top in entry.top_logprobs]
        assert len(tops) == 4
        assert tops == sorted(tops, reverse=True)
        assert sum(tops) <= 1.0 + 1e-9
        assert math.exp(entry.logprob) <= tops[0] + 1e-9


async def test_tool_calls_come_in_pieces() -> None:
    async with DemoServer() as demo, openai(demo) as client:
        stream = await client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "How is the weather in Marseille, in celsius?"}],
            tools=[WEATHER],
            stream=True,
        )
        chunks = [chunk async for chunk in stream]
    calls = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or []]
    assert calls[0].function is not None and calls[0].function.name == "get_weather"
    assert calls[0].id
    assert len(calls) > 3
    arguments = "".join(call.function.arguments or "" for call in calls if call.function)
    assert json.loads(arguments) == {"city": "Marseille", "unit": "celsius"}
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


async def test_after_its_result_a_tool_is_not_called_again() -> None:
    call_id = "call_1"
    async with DemoServer() as demo, openai(demo) as client:
        answer = await client.chat.completions.create(
            model=MODEL,
            messages=[
                {"role": "user", "content": "How is the weather?"},
                {
                    "role": "assistant",
                    "tool_calls": [
                        {"id": call_id, "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
                    ],
                },
                {"role": "tool", "tool_call_id": call_id, "content": "rain"},
            ],
            tools=[WEATHER],
        )
    assert answer.choices[0].message.tool_calls is None
    assert answer.choices[0].finish_reason == "stop"


async def test_a_named_tool_must_be_called_and_none_may_be() -> None:
    async with DemoServer() as demo, openai(demo) as client:
        forced = await client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "Good morning."}],
            tools=[WEATHER],
            tool_choice={"type": "function", "function": {"name": "get_weather"}},
        )
        free = await client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "Good morning."}],
            tools=[WEATHER],
            tool_choice="none",
        )
    calls = forced.choices[0].message.tool_calls
    assert calls is not None and calls[0].type == "function"
    assert calls[0].function.name == "get_weather"
    assert free.choices[0].message.tool_calls is None


async def test_thoughts_cost_tokens_and_stand_apart() -> None:
    async with DemoServer() as demo, openai(demo) as client:
        answer = await client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": "Think."}], reasoning_effort="low"
        )
    assert answer.choices[0].message.model_extra is not None
    assert answer.choices[0].message.model_extra["reasoning_content"]
    assert answer.usage is not None and answer.usage.completion_tokens_details is not None
    assert 0 < (answer.usage.completion_tokens_details.reasoning_tokens or 0) < answer.usage.completion_tokens


async def test_the_limit_and_stop_sequences_end_an_answer() -> None:
    async with DemoServer() as demo, openai(demo) as client:
        short = await client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": "Talk."}], max_completion_tokens=5
        )
        stopped = await client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": "Tell me about the harbour."}], stop=[" the"]
        )
    assert short.choices[0].finish_reason == "length"
    assert short.usage is not None and short.usage.completion_tokens == 5
    assert stopped.choices[0].finish_reason == "stop"
    assert " the" not in (stopped.choices[0].message.content or "")


async def test_the_second_turn_finds_the_first_in_the_cache() -> None:
    system = "You are the guide of a small harbour town, and you speak of it gladly. " * 10
    async with DemoServer() as demo, openai(demo) as client:
        cached = []
        for question in ("And the boats?", "And the gulls?"):
            answer = await client.chat.completions.create(
                model=MODEL, messages=[{"role": "system", "content": system}, {"role": "user", "content": question}]
            )
            assert answer.usage is not None and answer.usage.prompt_tokens_details is not None
            cached.append(answer.usage.prompt_tokens_details.cached_tokens)
    assert cached[0] == 0
    assert (cached[1] or 0) > 100


async def test_an_error_in_mid_stream() -> None:
    async with DemoServer() as demo, openai(demo) as client:
        stream = await client.chat.completions.create(
            model=f"{MODEL}-error", messages=[{"role": "user", "content": "Tell me of the harbour."}], stream=True
        )
        with pytest.raises(sdk.APIError, match="overloaded"):
            async for _ in stream:
                continue


async def test_what_cannot_be_done_is_refused() -> None:
    async with DemoServer() as demo, openai(demo) as client:
        with pytest.raises(sdk.BadRequestError, match="one choice"):
            await client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Hi"}], n=2)
