"""Every recorded answer of the Gemini API, against a plain reading and against Google's SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from inspector.dialects import by_name, detect
from inspector.model.message import Reasoning, Text, ToolCall
from inspector.store.transcripts import Transcripts
from tests.captures import capture_flows
from tests.dialects.gemini_sdk import DIALECT, Google, by_program, by_sdk, google
from tests.dialects.recorded import Recorded, parameters, payloads, pieces, read, recorded

Json = dict[str, Any]

ALL = [*recorded("gemini-stream"), *recorded("gemini-unary")]
GOOD = [each for each in ALL if each.row["status"] == 200]


@pytest.fixture(scope="module")
def server() -> Iterator[Google]:
    """One server for all recordings."""
    with google() as running:
        yield running


def camel(value: Any) -> Any:
    """The same with names in `camelCase`; what a call is given stays."""
    if isinstance(value, list):
        return [camel(each) for each in value]
    if not isinstance(value, dict):
        return value
    names = {name: (head := name.split("_"))[0] + "".join(word.title() for word in head[1:]) for name in value}
    return {new: value[old] if new == "args" else camel(value[old]) for old, new in names.items()}


def bodies(recording: Recorded) -> list[Json]:
    """The pieces of an answer, found without the program's own framing."""
    if recording.stream:
        return [camel(each) for each in payloads(recording.response.replace(b"\r\n", b"\n"))]
    body = json.loads(recording.response)
    return [camel(each) for each in (body if isinstance(body, list) else [body])]


@pytest.mark.parametrize("recording", parameters(GOOD))
def test_a_recorded_answer_is_what_a_plain_reading_finds(recording: Recorded) -> None:
    transcript = read(DIALECT, [recording.response], recording.content_type)
    assert detect(recording.asked) is by_name("gemini")
    assert transcript.notes == []
    assert transcript.answer.complete
    assert transcript.answer.error is None
    message, usage = transcript.answer.choices[0], transcript.answer.usage
    candidates = [each for body in bodies(recording) for each in body.get("candidates", [])]
    parts = [part for each in candidates for part in (each.get("content") or {}).get("parts", [])]
    assert message.text() == "".join(part.get("text", "") for part in parts if not part.get("thought"))
    thoughts = "".join(str(part.content) for part in message.parts if isinstance(part, Reasoning))
    assert thoughts == "".join(part["text"] for part in parts if part.get("thought"))
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    ours = [call for call in message.tool_calls() if not call.server_side]
    assert [(call.name, json.loads(str(call.arguments)), call.done) for call in ours] == [
        (call["name"], call.get("args", {}), True) for call in calls
    ]
    reasons = [each["finishReason"] for each in candidates if "finishReason" in each]
    assert message.finish_reason == ({1: "STOP"}.get(reasons[-1], reasons[-1]) if reasons else None)
    seals = [part["thoughtSignature"] for part in parts if "thoughtSignature" in part]
    kept = [part.signature or part.encrypted for part in message.parts if isinstance(part, Reasoning)]
    assert [seal for seal in kept if seal] == seals
    last: Json = {}
    for body in bodies(recording):
        last |= body.get("usageMetadata") or {}
    if "promptTokenCount" in last:
        assert usage is not None and usage.input_tokens is not None
        assert usage.input_tokens == last["promptTokenCount"] + last.get("toolUsePromptTokenCount", 0)
        assert usage.output_tokens == last.get("candidatesTokenCount", 0) + last.get("thoughtsTokenCount", 0)
        assert usage.input_tokens + (usage.output_tokens or 0) == last["totalTokenCount"]
        assert usage.cache_read_input_tokens == last.get("cachedContentTokenCount")


@pytest.mark.parametrize("recording", parameters(GOOD))
def test_googles_own_sdk_reads_the_same(recording: Recorded, server: Google) -> None:
    spelled = [json.dumps(_spelled(body)).encode() for body in bodies(recording)]
    stream = len(spelled) > 1 or recording.stream
    # The SDK knows words only where these recordings have numbers, and one spelling of names.
    body = b"".join(b"data: %b\r\n\r\n" % each for each in spelled) if stream else spelled[0]
    assert by_program(body, stream=stream) == by_sdk(server, body, stream=stream)
    assert server.asked[-1].startswith("/v1") and detect(recording.asked) is by_name("gemini")


def _spelled(value: Any) -> Any:
    """Finish reasons in words; the rest of what is numbered says nothing here."""
    if isinstance(value, list):
        return [_spelled(each) for each in value]
    if not isinstance(value, dict):
        return value
    left = {name: each for name, each in value.items() if name not in ("safetyRatings", "sdkHttpResponse")}
    words = {"finishReason": {1: "STOP"}, "modality": {1: "TEXT", 2: "IMAGE"}, "trafficType": {1: "ON_DEMAND"}}
    return {
        name: words[name].get(each, each) if name in words and isinstance(each, int) else _spelled(each)
        for name, each in left.items()
    }


@pytest.mark.parametrize("recording", parameters(GOOD))
def test_wherever_it_is_split_it_says_the_same(recording: Recorded) -> None:
    body = recording.response
    whole = read(DIALECT, [body], recording.content_type)
    size = max(len(body) // 200, 1)
    cut = read(DIALECT, pieces(body, range(0, len(body), size)), recording.content_type)
    assert cut == whole


@pytest.mark.skipif(not ALL, reason="no recorded traffic")
def test_an_array_is_read_member_by_member_as_it_comes() -> None:
    flows = [flow for flow in capture_flows() if flow.dialect == "gemini" and flow.response]
    arrays = [flow for flow in flows if flow.response and bytes(flow.response.body).startswith(b"[")]
    assert len(arrays) == 3
    for flow in arrays:
        assert flow.response is not None
        flow.response.headers = flow.response.headers.without("content-encoding")
        body = bytes(flow.response.body)
        end, flow.end = flow.end, None
        flow.response.body = type(flow.response.body)()
        transcripts, met = Transcripts(), []
        for start in range(0, len(body), 100):
            flow.response.body.append(float(start), body[start : start + 100])
            answer = transcripts.of(flow).answer
            met.append(bool(answer.usage))
        flow.end = end
        transcript = transcripts.of(flow)
        assert met.index(True) < len(met) // 2 + 1
        assert transcript.answer == read(DIALECT, [body], "application/json").answer
        assert transcript.notes == []
        assert transcript.answer.complete


@pytest.mark.skipif(not ALL, reason="no recorded traffic")
def test_requests_are_read() -> None:
    flows = [flow for flow in capture_flows() if flow.dialect == "gemini" and flow.request.body]
    transcripts = Transcripts()
    assert len(flows) > 30
    for flow in flows:
        body = json.loads(bytes(flow.request.body))
        prompt = transcripts.of(flow).prompt
        assert not [note for note in transcripts.of(flow).notes if note.startswith("request")]
        assert prompt.model and prompt.model in flow.request.url
        assert prompt.stream == ("streamGenerateContent" in flow.request.url)
        parts = [part for content in body["contents"] for part in content["parts"]]
        said = [part for message in prompt.messages if message.role != "system" for part in message.parts]
        words = [part["text"] for part in parts if part.get("text") and not part.get("thought")]
        assert [str(part.content) for part in said if isinstance(part, Text)] == words
        calls = [call for call in said if isinstance(call, ToolCall)]
        assert [call.name for call in calls] == [p["functionCall"]["name"] for p in parts if "functionCall" in p]
        results = [part for message in prompt.messages if message.role == "tool" for part in message.parts]
        assert len(results) == sum("functionResponse" in part for part in parts)
        assert {part.id for part in results} <= {call.id for call in calls} - {""}  # type: ignore[union-attr]
