"""Every recorded answer of the Responses API, against a plain reading and against OpenAI's SDK."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import openai
import pytest

from inspector.dialects.openai_responses import OpenAIResponses
from inspector.model.message import (
    Message,
    Reasoning,
    Refusal,
    Text,
    Transcript,
)
from tests.dialects.recorded import Recorded, answer_of, parameters, payloads, read, recorded

Json = dict[str, Any]

DIALECT = OpenAIResponses()
ALL = recorded("openai-responses")
STREAMS = [recording for recording in ALL if recording.stream]


@pytest.mark.parametrize("recording", parameters(ALL))
def test_a_recorded_answer_is_what_a_plain_reading_finds(recording: Recorded) -> None:
    transcript = read(DIALECT, [recording.response], recording.content_type)
    assert DIALECT.matches(recording.asked)
    assert transcript.notes == []
    assert transcript.answer.complete
    if recording.row["status"] >= 400:
        body = json.loads(recording.response)
        assert (transcript.answer.error or "").endswith(body.get("error") or body["detail"])
        return
    response, output = oracle(recording)
    if response["object"] == "chat.completion":
        assert answer_of(transcript).text() == response["choices"][0]["message"]["content"]
        return
    _compare(transcript, response, output)
    if recording.stream:
        assert answer_of(transcript).text() == _deltas(recording)


def oracle(recording: Recorded) -> tuple[Json, list[Json]]:
    """The last response object of an answer, and its items; those that were done where that object has none."""
    if not recording.stream:
        response: Json = json.loads(recording.response)
        return response, response.get("output") or []
    events = payloads(recording.response)
    response = [event["response"] for event in events if "response" in event][-1]
    items = {event["output_index"]: event["item"] for event in events if event["type"] == "response.output_item.done"}
    return response, response["output"] or [items[index] for index in sorted(items)]


def _deltas(recording: Recorded) -> str:
    """All words of a stream by its deltas alone, in the order of their place."""
    words: dict[tuple[int, int], str] = {}
    for step in payloads(recording.response):
        if step["type"] in ("response.output_text.delta", "response.refusal.delta"):
            place = step["output_index"], step["content_index"]
            words[place] = words.get(place, "") + step["delta"]
    return "".join(words[place] for place in sorted(words))


def _compare(transcript: Transcript, response: Json, output: list[Json]) -> None:
    ours = answer_of(transcript)
    assert (transcript.answer.id, transcript.answer.model) == (response["id"], response["model"])
    assert ours.finish_reason == ((response["incomplete_details"] or {}).get("reason") or response["status"])
    content = [part for item in output if item["type"] == "message" for part in item["content"]]
    assert [_content(part) for part in content] == [
        _ours(part) for part in ours.parts if isinstance(part, Text | Refusal)
    ]
    assert [_thought(item) for item in output if item["type"] == "reasoning"] == _thoughts(ours, output)
    assert [_call(item) for item in output if "call" in item["type"] and "output" not in item["type"]] == [
        (call.kind, call.id, call.name) for call in ours.tool_calls()
    ]
    exact = {"function_call": "arguments", "custom_tool_call": "input", "mcp_call": "arguments"}
    assert [item[exact[item["type"]]] for item in output if item["type"] in exact] == [
        str(call.arguments) for call in ours.tool_calls() if call.kind in ("function", "custom", "mcp_call")
    ]
    assert all(call.done for call in ours.tool_calls())
    _compare_usage(transcript, response["usage"])
    error = response["error"]
    assert transcript.answer.error == (f"{error['code']}: {error['message']}" if error else None)


def _content(part: Json) -> object:
    if part["type"] == "refusal":
        return "refusal", part["refusal"]
    return "text", part["text"], part.get("annotations") or []


def _ours(part: Text | Refusal) -> object:
    if isinstance(part, Refusal):
        return "refusal", str(part.content)
    return "text", str(part.content), part.citations


def _thought(item: Json) -> tuple[str, str]:
    words = [part["text"] for part in [*(item.get("content") or []), *item["summary"]]]
    return "".join(words), item.get("encrypted_content") or ""


def _thoughts(ours: Message, output: list[Json]) -> list[tuple[str, str]]:
    """Our reasoning parts, put together again by the number of parts in each item."""
    found = iter([part for part in ours.parts if isinstance(part, Reasoning)])
    items = [item for item in output if item["type"] == "reasoning"]
    result = []
    for item in items:
        group = [next(found) for _ in range(max(1, len(item["summary"]) + len(item.get("content") or [])))]
        result.append(("".join(str(part.content) for part in group), group[0].encrypted))
    assert next(found, None) is None
    return result


def _call(item: Json) -> tuple[str, str, str]:
    kind = {"function_call": "function", "custom_tool_call": "custom"}.get(item["type"], item["type"])
    name = item.get("name") or item["type"].removesuffix("_call")
    return str(kind), str(item.get("call_id") or item.get("id") or ""), str(name)


def _compare_usage(transcript: Transcript, usage: Json | None) -> None:
    ours = transcript.answer.usage
    if usage is None:
        assert ours is None
        return
    assert ours is not None
    assert (ours.input_tokens, ours.output_tokens) == (usage["input_tokens"], usage["output_tokens"])
    assert ours.cache_read_input_tokens == usage["input_tokens_details"]["cached_tokens"]
    assert ours.reasoning_output_tokens == usage["output_tokens_details"]["reasoning_tokens"]


@pytest.mark.skipif(not ALL, reason="no recorded traffic")
def test_openais_own_sdk_reads_the_same_responses() -> None:
    compared = 0
    for recording in ALL:
        if recording.row["status"] != 200 or recording.row["features"]["stream_error"]:
            continue  # the SDK raises, and shows no response
        theirs = _sdk(recording)
        if theirs.get("output"):
            _compare(read(DIALECT, [recording.response], recording.content_type), theirs, theirs["output"])
            compared += 1
    assert compared >= 0.85 * len(ALL) > 0


@pytest.mark.skipif(not ALL, reason="no recorded traffic")
def test_openais_accumulating_helper_comes_to_the_same() -> None:
    compared = 0
    for recording in STREAMS:
        try:
            with _client(recording) as client, client.responses.stream(model="m", input="x") as stream:
                theirs: Json = stream.get_final_response().model_dump()
        except (RuntimeError, IndexError, openai.APIError):
            continue  # changing ids, missing parts, a resumed stream and errors are beyond the helper
        ours = answer_of(read(DIALECT, [recording.response], recording.content_type))
        content = [part for item in theirs["output"] if item["type"] == "message" for part in item["content"]]
        assert ours.text() == "".join(part.get("text") or part.get("refusal") or "" for part in content)
        assert [(call.id, str(call.arguments)) for call in ours.tool_calls() if call.kind == "function"] == [
            (item["call_id"], item["arguments"]) for item in theirs["output"] if item["type"] == "function_call"
        ]
        compared += 1
    assert compared >= 0.85 * len(STREAMS) > 0


def _sdk(recording: Recorded) -> Json:
    """The final response as OpenAI's SDK parses it."""
    response: Json = {}
    with _client(recording) as client:
        if recording.stream:
            for step in client.responses.create(model="m", input="x", stream=True):
                response = step.to_dict().get("response") or response  # type: ignore[assignment]
        else:
            response = client.responses.create(model="m", input="x").to_dict()
    return response


def _client(recording: Recorded) -> openai.OpenAI:
    headers = {"content-type": recording.content_type}
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, headers=headers, content=recording.response))
    return openai.OpenAI(api_key="k", http_client=httpx2.Client(transport=transport), max_retries=0)
