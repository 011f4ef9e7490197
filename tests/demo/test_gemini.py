"""The Gemini API of the demo server, read by Google's SDK."""

from __future__ import annotations

import contextlib
import math
from collections.abc import AsyncIterator

import httpx
import pytest
from google import genai
from google.genai import errors, types
from google.genai.models import AsyncModels

from inspector.demo.session import DemoServer

pytestmark = pytest.mark.anyio
MODEL = "demo-small"
HARBOUR = "Tell me about the harbour."
GREP = types.FunctionDeclaration(
    name="Grep",
    description="Find lines.",
    parameters_json_schema={
        "type": "object",
        "properties": {"pattern": {"type": "string"}},
        "required": ["pattern"],
    },
)


@contextlib.asynccontextmanager
async def gemini(demo: DemoServer) -> AsyncIterator[AsyncModels]:
    """Google's SDK."""
    async with httpx.AsyncClient() as http:
        options = types.HttpOptions(base_url=demo.url, httpx_async_client=http)
        yield genai.Client(api_key="none", http_options=options).aio.models


def settings(**given: object) -> types.GenerateContentConfig:
    """Settings of a request, with one tool at hand."""
    off = types.AutomaticFunctionCallingConfig(disable=True)
    return types.GenerateContentConfig.model_validate({"automatic_function_calling": off, **given})


async def test_an_answer_at_once_and_its_tokens() -> None:
    async with DemoServer() as demo, gemini(demo) as client:
        answer = await client.generate_content(
            model=MODEL, contents=HARBOUR, config=settings(seed=1, response_logprobs=True, logprobs=2)
        )
    assert answer.candidates and answer.candidates[0].logprobs_result and answer.usage_metadata
    chosen = answer.candidates[0].logprobs_result.chosen_candidates or []
    others = answer.candidates[0].logprobs_result.top_candidates or []
    assert "".join(token.token or "" for token in chosen) == answer.text
    assert len(chosen) == len(others) == answer.usage_metadata.candidates_token_count
    assert all(len(each.candidates or []) <= 2 for each in others)
    assert all(0 < math.exp(token.log_probability or 0) <= 1 for token in chosen)


async def test_a_stream_of_thoughts_words_and_a_call() -> None:
    config = settings(
        tools=[types.Tool(function_declarations=[GREP])],
        thinking_config=types.ThinkingConfig(include_thoughts=True),
        max_output_tokens=2000,
    )
    async with DemoServer() as demo, gemini(demo) as client:
        stream = await client.generate_content_stream(
            model=MODEL, contents="Please find the tests of the parser.", config=config
        )
        chunks = [chunk async for chunk in stream]
    parts = [
        part for chunk in chunks for each in chunk.candidates or [] if each.content for part in each.content.parts or []
    ]
    assert parts[0].thought
    (call,) = [part.function_call for part in parts if part.function_call]
    assert (call.name, call.args) == ("Grep", {"pattern": "parser"})
    last = chunks[-1]
    assert last.candidates and last.candidates[0].finish_reason == types.FinishReason.STOP
    assert last.usage_metadata and last.usage_metadata.thoughts_token_count


async def test_the_limit_and_tools_that_may_not_be_called() -> None:
    tools = [types.Tool(function_declarations=[GREP])]
    never = types.ToolConfig(function_calling_config=types.FunctionCallingConfig.model_validate({"mode": "NONE"}))
    async with DemoServer() as demo, gemini(demo) as client:
        short = await client.generate_content(model=MODEL, contents=HARBOUR, config=settings(max_output_tokens=3))
        silent = await client.generate_content(
            model=MODEL, contents="Please find the tests.", config=settings(tools=tools, tool_config=never)
        )
    assert short.candidates and short.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS
    assert silent.text and not silent.function_calls


async def test_counting_and_errors() -> None:
    async with DemoServer() as demo, gemini(demo) as client:
        count = await client.count_tokens(model=MODEL, contents=HARBOUR)
        assert count.total_tokens and count.total_tokens > 3
        with pytest.raises(errors.ClientError) as limited:
            await client.generate_content(model=MODEL, contents="[demo:429] Hi")
        assert (limited.value.code, limited.value.status) == (429, "RESOURCE_EXHAUSTED")
        for body in (b"", b"{}", b'{"contents": []}', b'{"contents": "Hi", "generationConfig": {"candidateCount": 2}}'):
            url = f"{demo.url}/v1beta/models/{MODEL}:generateContent"
            async with httpx.AsyncClient() as http:
                answer = await http.post(url, content=body)
            assert answer.status_code == 400 and answer.json()["error"]["status"] == "INVALID_ARGUMENT"
