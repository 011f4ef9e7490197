"""Anthropic Messages of the demo server, read by Anthropic's SDK."""

from __future__ import annotations

import anthropic as sdk
import pytest
from anthropic.types import ToolParam

from inspector.demo.session import DemoServer
from tests.demo.clients import anthropic

pytestmark = pytest.mark.anyio
MODEL = "demo-small"
GREP: ToolParam = {
    "name": "Grep",
    "description": "Find lines.",
    "input_schema": {"type": "object", "properties": {"pattern": {"type": "string"}}, "required": ["pattern"]},
}
GLOB: ToolParam = {
    "name": "Glob",
    "description": "List files.",
    "input_schema": {"type": "object", "properties": {"glob": {"type": "string"}}, "required": ["glob"]},
}


async def test_an_answer_at_once() -> None:
    async with DemoServer() as demo, anthropic(demo) as client:
        message = await client.messages.create(
            model=MODEL, max_tokens=400, messages=[{"role": "user", "content": "Tell me about the harbour."}]
        )
    assert message.stop_reason == "end_turn"
    assert [block.type for block in message.content] == ["text"]
    assert message.usage.cache_read_input_tokens == 0
    assert message.usage.output_tokens > 5


async def test_a_stream_of_thoughts_words_and_calls() -> None:
    async with (
        DemoServer() as demo,
        anthropic(demo) as client,
        client.messages.stream(
            model=MODEL,
            max_tokens=2000,
            messages=[{"role": "user", "content": "Please find the tests of the parser."}],
            tools=[GREP, GLOB],
            thinking={"type": "enabled", "budget_tokens": 1024},
        ) as stream,
    ):
        kinds = [event.type async for event in stream]
        message = await stream.get_final_message()
    assert kinds[0] == "message_start"
    assert kinds[-1] == "message_stop"
    assert [block.type for block in message.content] == ["thinking", "text", "tool_use", "tool_use"]
    assert message.content[0].type == "thinking" and message.content[0].signature
    calls = {block.name: block.input for block in message.content if block.type == "tool_use"}
    assert calls == {"Grep": {"pattern": "parser"}, "Glob": {"glob": "**/*"}}
    assert message.stop_reason == "tool_use"
    assert kinds.count("content_block_start") == kinds.count("content_block_stop") == 4


async def test_one_tool_at_a_time_where_that_is_asked_for() -> None:
    async with DemoServer() as demo, anthropic(demo) as client:
        message = await client.messages.create(
            model=MODEL,
            max_tokens=400,
            messages=[{"role": "user", "content": "Please find the tests."}],
            tools=[GREP, GLOB],
            tool_choice={"type": "any", "disable_parallel_tool_use": True},
        )
    assert [block.type for block in message.content] == ["text", "tool_use"]


async def test_stop_sequences_and_the_limit() -> None:
    async with DemoServer() as demo, anthropic(demo) as client:
        stopped = await client.messages.create(
            model=MODEL, max_tokens=400, messages=[{"role": "user", "content": "Harbour?"}], stop_sequences=[" the"]
        )
        short = await client.messages.create(
            model=MODEL, max_tokens=3, messages=[{"role": "user", "content": "Harbour?"}]
        )
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", " the")
    assert short.stop_reason == "max_tokens"
    assert short.usage.output_tokens == 3


async def test_cache_breakpoints_make_a_cache() -> None:
    """The three input counts are disjoint; what was written by the first request is read by the second."""
    system = "You are the guide of a small harbour town, and you speak of it gladly. " * 10
    usages = []
    async with DemoServer() as demo, anthropic(demo) as client:
        for question in ("And the boats?", "And the gulls?"):
            message = await client.messages.create(
                model=MODEL,
                max_tokens=50,
                system=[{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}],
                messages=[{"role": "user", "content": question}],
            )
            usages.append(message.usage)
        counted = await client.messages.count_tokens(
            model=MODEL, system=system, messages=[{"role": "user", "content": "And the gulls?"}]
        )
    first, second = usages
    assert first.cache_read_input_tokens == 0
    assert (second.cache_read_input_tokens or 0) > 100
    parts = (second.input_tokens, second.cache_read_input_tokens or 0, second.cache_creation_input_tokens or 0)
    assert sum(parts) == counted.input_tokens


async def test_models() -> None:
    async with DemoServer() as demo, anthropic(demo) as client:
        models = [model.id async for model in client.models.list()]
    assert MODEL in models


async def test_an_error_in_mid_stream() -> None:
    async with DemoServer() as demo, anthropic(demo) as client:
        with pytest.raises(sdk.APIStatusError, match="overloaded"):
            async with client.messages.stream(
                model=MODEL,
                max_tokens=400,
                messages=[{"role": "user", "content": "Tell me about the harbour. [demo: error]"}],
            ) as stream:
                await stream.get_final_message()
