"""Every recorded stream of Bedrock, against what botocore makes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from inspector.dialects import detect
from inspector.dialects._base import Dialect
from inspector.dialects.bedrock_converse import BedrockConverse
from inspector.dialects.bedrock_invoke import BedrockInvoke
from inspector.model.message import Reasoning
from tests.dialects.bedrock_streams import FRAMES, block_shape, sdk_events, sdk_message, shapes
from tests.dialects.recorded import Recorded, answer_of, parameters, read, recorded

CONVERSE, INVOKE = BedrockConverse(), BedrockInvoke()
STREAMS = recorded("bedrock-converse-stream")
INVOKED = recorded("bedrock-invoke-stream")
LOGGED = [recording for recording in STREAMS if recording.row["response_file"].endswith(".jsonl")]
FRAMED = [recording for recording in STREAMS if recording not in LOGGED]


def once_and_bytewise(dialect: Dialect, recording: Recorded) -> Any:
    whole = read(dialect, [recording.response], FRAMES)
    body = recording.response
    assert read(dialect, [body[at : at + 1] for at in range(len(body))], FRAMES) == whole
    assert read(dialect, [body], recording.row["content_type"] or "") == whole
    return whole


@pytest.mark.parametrize("recording", parameters(FRAMED))
def test_a_recorded_converse_stream_is_what_botocore_makes_of_it(recording: Recorded) -> None:
    transcript = once_and_bytewise(CONVERSE, recording)
    assert detect(recording.asked).name == CONVERSE.name
    assert transcript.notes == [] and transcript.answer.complete and transcript.answer.error is None
    theirs, message = sdk_message(recording.response), answer_of(transcript)
    assert shapes(message) == [block_shape(block) for block in theirs["blocks"]]
    assert message.finish_reason == theirs["reason"]
    counts, usage = theirs["usage"], transcript.answer.usage
    cached = counts.get("cacheReadInputTokens"), counts.get("cacheWriteInputTokens")
    assert (usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == cached
    assert usage.input_tokens == counts["inputTokens"] + sum(count or 0 for count in cached)
    assert usage.input_tokens + usage.output_tokens == counts["totalTokens"]
    assert any(mark in recording.response for mark in CONVERSE.terminal)
    assert any(mark in recording.response for mark in CONVERSE.call_marks) == bool(message.tool_calls())


@pytest.mark.parametrize("recording", parameters(LOGGED))
def test_a_log_of_payloads_reads_like_a_stream(recording: Recorded) -> None:
    transcript = read(CONVERSE, [recording.response], FRAMES)
    events = [json.loads(line) for line in recording.response.splitlines()]
    deltas = [event["contentBlockDelta"]["delta"] for event in events if "contentBlockDelta" in event]
    assert transcript.notes == [] and transcript.answer.complete
    assert answer_of(transcript).text() == "".join(delta.get("text", "") for delta in deltas)


@pytest.mark.parametrize("recording", parameters(INVOKED))
def test_a_recorded_invocation_says_what_its_chunks_say(recording: Recorded) -> None:
    transcript = once_and_bytewise(INVOKE, recording)
    assert detect(recording.asked).name == INVOKE.name
    assert transcript.notes == [] and transcript.answer.complete and transcript.answer.error is None
    chunks = [json.loads(event["chunk"]["bytes"]) for event in sdk_events(recording.response, "ResponseStream")]
    message, usage = answer_of(transcript), transcript.answer.usage
    assert message.text() == "".join(_found(chunks, "text", "outputText", "completion"))
    assert "".join(str(part.content) for part in message.parts if isinstance(part, Reasoning)) == "".join(
        _found(chunks, "thinking")
    )
    assert "".join(str(call.arguments) for call in message.tool_calls()) == "".join(_found(chunks, "partial_json"))
    assert [message.finish_reason] == list(_found(chunks, "stop_reason", "stopReason", "completionReason"))[-1:]
    metrics = chunks[-1]["amazon-bedrock-invocationMetrics"]
    cached = metrics.get("cacheReadInputTokenCount", 0) + metrics.get("cacheWriteInputTokenCount", 0)
    assert usage.input_tokens == metrics["inputTokenCount"] + cached
    assert usage.output_tokens in (metrics["outputTokenCount"], *_counted(chunks))
    assert any(mark in recording.response for mark in INVOKE.terminal)
    assert any(mark in recording.response for mark in INVOKE.call_marks) == bool(message.tool_calls())


def _found(value: object, *names: str) -> Any:
    """The strings under these names, wherever they stand."""
    if isinstance(value, list):
        for item in value:
            yield from _found(item, *names)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name in names and isinstance(inner, str):
                yield inner
            else:
                yield from _found(inner, *names)


def _counted(chunks: list[Any]) -> list[int]:
    return [chunk["usage"]["output_tokens"] for chunk in chunks if "usage" in chunk]


@pytest.mark.parametrize("recording", parameters([each for each in STREAMS + INVOKED if each.request]))
def test_a_recorded_request_is_read(recording: Recorded) -> None:
    assert recording.request is not None
    dialect, body = detect(recording.asked), json.loads(recording.request)
    prompt = dialect.prompt(recording.asked, recording.request)
    assert prompt.stream
    assert prompt.model in recording.row["url"].replace("%3A", ":")
    said = "".join(message.text() for message in prompt.messages)
    asked = [*_found(body.get("system", []), "text"), *_found(body.get("messages", []), "text")]
    plain = [each["content"] for each in body.get("messages", []) if isinstance(each["content"], str)]
    assert said == "".join([*asked, *plain, *(body[name] for name in ("prompt", "inputText") if name in body)])
    tools = body.get("toolConfig", {}).get("tools") or body.get("tools") or []
    assert [tool.name for tool in prompt.tools] == [tool.get("toolSpec", tool)["name"] for tool in tools]
