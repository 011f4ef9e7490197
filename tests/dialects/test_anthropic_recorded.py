"""Every recorded answer of the Anthropic API, against a plain reading and against Anthropic's SDK."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import httpx2
import jiter
import pytest

from inspector.dialects.anthropic import Anthropic
from inspector.model.message import (
    Message,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Transcript,
)
from tests.dialects.recorded import Recorded, answer_of, parameters, payloads, read, recorded

Json = dict[str, Any]

DIALECT = Anthropic()
ALL = recorded("anthropic-messages")


@pytest.mark.parametrize("recording", parameters(ALL))
def test_a_recorded_answer_is_what_a_plain_reading_finds(recording: Recorded) -> None:
    transcript = read(DIALECT, [recording.response], recording.content_type)
    assert DIALECT.matches(recording.asked)
    assert transcript.notes == []
    assert transcript.answer.complete
    if recording.row["status"] >= 400:
        error = json.loads(recording.response)["error"]
        assert transcript.answer.error == f"{error['type']}: {error['message']}"
        return
    message = oracle(recording)
    ours = answer_of(transcript)
    blocks: list[Json] = message["content"]
    assert (transcript.answer.id, transcript.answer.model) == (message["id"], message["model"])
    assert ours.finish_reason == message["stop_reason"]
    assert ours.text() == "".join(block["text"] for block in blocks if block["type"] == "text")
    assert _thoughts(ours) == [
        (block["thinking"], block["signature"]) for block in blocks if block["type"] == "thinking"
    ]
    assert [(call.id, call.name, str(call.arguments)) for call in ours.tool_calls()] == [
        (block["id"], block["name"], block["arguments"]) for block in blocks if "arguments" in block
    ]
    assert [len(part.citations) for part in ours.parts if isinstance(part, Text)] == [
        len(block.get("citations") or []) for block in blocks if block["type"] == "text"
    ]
    assert len(ours.parts) == len(blocks)
    _compare_usage(transcript, message["usage"])


def oracle(recording: Recorded) -> Json:
    """The message, put together the plain way: exact text of every call's input in `arguments`."""
    if not recording.stream:
        message: Json = json.loads(recording.response)
        for block in message["content"]:
            if "input" in block:
                block["arguments"] = json.dumps(block["input"], ensure_ascii=False, separators=(",", ":"))
            if block["type"] == "thinking":
                block.setdefault("signature", "")
        return message
    events = payloads(recording.response)
    message = next(event["message"] for event in events if event["type"] == "message_start")
    for event in events:
        if event["type"] == "content_block_start":
            message["content"].append(event["content_block"])
            assert event["index"] == len(message["content"]) - 1
            message["model"] = event["content_block"].get("to", message)["model"]
        elif event["type"] == "content_block_delta":
            _apply(message["content"][event["index"]], event["delta"])
        elif event["type"] == "message_delta":
            message["stop_reason"] = event["delta"]["stop_reason"]
            message["usage"].update(event["usage"])
    for block in message["content"]:
        if "input" in block:
            block["arguments"] = block.get("arguments") or json.dumps(block["input"], separators=(",", ":"))
    return message


def _apply(block: Json, change: Json) -> None:
    if change["type"] == "text_delta":
        block["text"] += change["text"]
    elif change["type"] == "thinking_delta":
        block["thinking"] += change["thinking"]
    elif change["type"] == "signature_delta":
        block["signature"] = change["signature"]
    elif change["type"] == "input_json_delta":
        block["arguments"] = block.get("arguments", "") + change["partial_json"]
    else:
        assert change["type"] == "citations_delta"
        block["citations"] = [*(block.get("citations") or []), change["citation"]]


def _thoughts(message: Message) -> list[tuple[str, str]]:
    return [(str(part.content), part.signature) for part in message.parts if isinstance(part, Reasoning)]


def _compare_usage(transcript: Transcript, usage: Json) -> None:
    ours = transcript.answer.usage
    assert ours is not None
    cached, written = usage.get("cache_read_input_tokens"), usage.get("cache_creation_input_tokens")
    assert ours.input_tokens == usage["input_tokens"] + (cached or 0) + (written or 0)
    assert ours.output_tokens == usage["output_tokens"]
    assert ours.cache_read_input_tokens == cached
    assert ours.cache_creation_input_tokens == written
    assert ours.reasoning_output_tokens == (usage.get("output_tokens_details") or {}).get("thinking_tokens")


@pytest.mark.skipif(not ALL, reason="no recorded traffic")
def test_anthropics_own_sdk_reads_the_same_messages() -> None:
    good = [recording for recording in ALL if recording.row["status"] == 200]
    for recording in good:
        theirs = _sdk(recording)
        transcript = read(DIALECT, [recording.response], recording.content_type)
        ours = answer_of(transcript)
        assert (transcript.answer.id, transcript.answer.model) == (theirs["id"], theirs["model"])
        assert ours.finish_reason == theirs["stop_reason"]
        assert [_ours(part) for part in ours.parts] == [_theirs(block) for block in theirs["content"]]
        _compare_usage(transcript, theirs["usage"])
    assert len(good) >= 0.9 * len(ALL) > 0


def _sdk(recording: Recorded) -> Json:
    """The final message as Anthropic's SDK accumulates or parses it."""
    headers = {"content-type": recording.content_type}
    body = recording.response.replace(b"data: [DONE]", b"")  # which some gateways add, and the SDK does not know
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, headers=headers, content=body))
    arguments: Any = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "x"}]}
    with anthropic.Anthropic(api_key="k", http_client=httpx2.Client(transport=transport), max_retries=0) as client:
        if recording.stream:
            with client.beta.messages.stream(**arguments) as stream:
                message: Json = stream.get_final_message().model_dump(by_alias=True)
        else:
            message = client.beta.messages.create(**arguments).model_dump(by_alias=True)
        return message


def _ours(part: object) -> object:
    match part:
        case Text():
            return "text", str(part.content), len(part.citations)
        case Reasoning():
            return "thinking", str(part.content), part.signature
        case ToolCall():
            arguments = str(part.arguments).encode()
            return "call", part.id, part.name, jiter.from_json(arguments, partial_mode=True)
        case ToolResult():
            return "result", part.id
        case _:
            return "other"


def _theirs(block: Json) -> object:
    kind = block["type"]
    if kind == "text":
        return "text", block["text"], len(block["citations"] or [])
    if kind == "thinking":
        return "thinking", block["thinking"], block["signature"] or ""
    if kind.endswith("tool_use"):
        return "call", block["id"], block["name"], block["input"]
    return ("result", block["tool_use_id"]) if kind.endswith("tool_result") else "other"
