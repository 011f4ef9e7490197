"""Responses of the demo server, read by OpenAI's SDK."""

from __future__ import annotations

import json

import openai as sdk
import pytest
from openai.types.responses import FunctionToolParam, Response, ResponseStreamEvent

from inspector.demo.session import DemoServer
from tests.demo.clients import openai

pytestmark = pytest.mark.anyio
MODEL = "demo-small"
READ: FunctionToolParam = {
    "type": "function",
    "name": "read_file",
    "description": "Read a file.",
    "parameters": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
    "strict": False,
}


async def test_an_answer_at_once() -> None:
    async with DemoServer() as demo, openai(demo) as client:
        response = await client.responses.create(model=MODEL, input="Tell me about the harbour.")
    assert response.status == "completed"
    assert response.output_text
    assert response.usage is not None and response.usage.output_tokens > 5


async def test_a_stream_is_accumulated_to_its_last_event() -> None:
    """The SDK builds a snapshot from the events; it equals what the server says at the end."""
    async with (
        DemoServer() as demo,
        openai(demo) as client,
        client.responses.stream(
            model=MODEL,
            input="Please read parser.py and think about it.",
            tools=[READ],
            reasoning={"effort": "low", "summary": "auto"},
        ) as stream,
    ):
        events = [event async for event in stream]
        final = await stream.get_final_response()
    kinds = [event.type for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] == "response.completed"
    assert [item.type for item in final.output] == ["reasoning", "message", "function_call"]
    call = final.output[2]
    assert call.type == "function_call" and json.loads(call.arguments) == {"path": "parser.py"}
    assert kinds.count("response.output_item.added") == kinds.count("response.output_item.done") == 3


async def _events(client: sdk.AsyncOpenAI, **options: str) -> list[ResponseStreamEvent]:
    stream = await client.responses.create(
        model=options.get("model", MODEL), input="Tell me about the harbour.", stream=True, reasoning={"effort": "low"}
    )
    return [event async for event in stream]


async def test_events_are_numbered_and_deltas_make_the_whole() -> None:
    async with DemoServer() as demo, openai(demo) as client:
        events = await _events(client)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    said = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert said == _final(events).output_text


def _final(events: list[ResponseStreamEvent]) -> Response:
    last = events[-1]
    assert last.type in ("response.completed", "response.incomplete", "response.failed")
    return last.response


async def test_thoughts_that_nobody_asked_to_see_are_counted_only() -> None:
    async with DemoServer() as demo, openai(demo) as client:
        events = await _events(client)
    thoughts = _final(events).output[0]
    assert thoughts.type == "reasoning" and thoughts.summary == []
    assert not [event for event in events if "reasoning_summary" in event.type]
    usage = _final(events).usage
    assert usage is not None and 0 < usage.output_tokens_details.reasoning_tokens < usage.output_tokens


async def test_sealed_thoughts() -> None:
    async with DemoServer() as demo, openai(demo) as client:
        response = await client.responses.create(
            model=MODEL, input="Think.", reasoning={"effort": "low"}, include=["reasoning.encrypted_content"]
        )
    assert response.output[0].type == "reasoning" and response.output[0].encrypted_content


async def test_log_probabilities() -> None:
    async with DemoServer() as demo, openai(demo) as client:
        stream = await client.responses.create(
            model=MODEL,
            input="Tell me about the harbour.",
            include=["message.output_text.logprobs"],
            top_logprobs=3,
            stream=True,
        )
        events = [event async for event in stream]
    told = [entry for event in events if event.type == "response.output_text.delta" for entry in event.logprobs]
    final = _final(events)
    message = final.output[0]
    assert message.type == "message" and message.content[0].type == "output_text"
    whole = message.content[0].logprobs
    assert whole is not None and final.usage is not None
    assert [entry.logprob for entry in whole] == [entry.logprob for entry in told]
    assert len(whole) == final.usage.output_tokens
    assert {len(entry.top_logprobs) for entry in whole} == {3}


async def test_the_limit_leaves_it_incomplete() -> None:
    async with DemoServer() as demo, openai(demo) as client:
        response = await client.responses.create(model=MODEL, input="Talk.", max_output_tokens=4)
    assert response.status == "incomplete"
    assert response.incomplete_details is not None and response.incomplete_details.reason == "max_output_tokens"
    assert response.output[-1].type == "message" and response.output[-1].status == "incomplete"


async def test_an_error_in_mid_stream_fails_the_response() -> None:
    async with DemoServer() as demo, openai(demo) as client:
        events = await _events(client, model=f"{MODEL}-error")
    assert [event.type for event in events[-2:]] == ["error", "response.failed"]
    error = _final(events).error
    assert error is not None and "overloaded" in error.message


async def test_earlier_responses_are_not_kept() -> None:
    async with DemoServer() as demo, openai(demo) as client:
        with pytest.raises(sdk.BadRequestError, match="keeps no conversations"):
            await client.responses.create(model=MODEL, input="And?", previous_response_id="resp_1")
