"""Cohere's Chat API: whose requests are its own, what they ask, and what its answers say."""

from __future__ import annotations

import json
from typing import Any

import cohere
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector import dialects
from inspector.dialects.cohere import Cohere
from inspector.model.flow import Request
from inspector.model.headers import Headers
from inspector.model.message import Growing, Media, Message, Reasoning, Text, Tool, ToolCall, ToolResult, Usage
from tests.dialects.cohere_streams import (
    ASKED,
    CITATION,
    framed,
    joined,
    message_of,
    plain_stream,
    sdk_client,
    sdk_events,
    shape,
)
from tests.dialects.recorded import Json, Recorded, events_of, parameters, payloads, pieces, read, recorded, sse

DIALECT = Cohere()
RECORDED = recorded("cohere-chat")
LINES = "application/stream+json"
OLD: list[Json] = [
    {"is_finished": False, "event_type": "stream-start", "generation_id": "g-1"},
    {"is_finished": False, "event_type": "search-results", "documents": []},
    {"is_finished": False, "event_type": "tool-calls-chunk", "tool_call_delta": {"text": "I will"}},
    {"is_finished": False, "event_type": "tool-calls-chunk", "tool_call_delta": {"index": 0, "name": "sum"}},
    {"is_finished": False, "event_type": "tool-calls-chunk", "tool_call_delta": {"index": 0, "parameters": '{"a":'}},
    {"is_finished": False, "event_type": "text-generation", "text": "Hi"},
    {"is_finished": False, "event_type": "text-generation", "text": " you"},
    {"is_finished": False, "event_type": "citation-generation", "citations": [{"start": 0, "end": 2, "text": "Hi"}]},
    {
        "is_finished": True,
        "event_type": "stream-end",
        "finish_reason": "COMPLETE",
        "response": {
            "response_id": "r-1",
            "generation_id": "g-1",
            "text": "Hi you",
            "tool_calls": [{"name": "sum", "parameters": {"a": 1}}],
            "citations": [{"start": 0, "end": 2, "text": "Hi"}],
            "finish_reason": "COMPLETE",
            "meta": {"billed_units": {"input_tokens": 3, "output_tokens": 2}},
        },
    },
]


def asked(url: str, method: str = "POST") -> Request:
    """A request to that address."""
    return Request(method, url, Headers([]))


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        ("https://api.cohere.com/v2/chat", True),
        ("https://api.cohere.ai/v1/chat?x=1", True),
        ("http://127.0.0.1:8/cohere//v2/chat/", True),
        ("https://api.cohere.com/v1/chat/completions", False),
        ("https://api.cohere.com/compatibility/v1/chat/completions", False),
        ("http://127.0.0.1:8/api/chat", False),
        ("https://api.cohere.com/v2/chat/x", False),
    ],
)
def test_whose_requests_these_are(url: str, ours: bool) -> None:
    assert DIALECT.matches(asked(url)) is ours
    assert not DIALECT.matches(asked(url, "GET"))
    assert (dialects.detect(asked(url)).name == "cohere-chat") is ours


@pytest.mark.parametrize("recording", parameters(RECORDED))
def test_recordings_are_read_as_the_sdk_reads_them(recording: Recorded) -> None:
    assert dialects.detect(recording.asked).name == "cohere-chat"
    assert recording.request is not None
    prompt = DIALECT.prompt(recording.asked, recording.request)
    body = json.loads(recording.request)
    assert (prompt.model, prompt.stream, len(prompt.tools)) == (body["model"], True, len(body.get("tools", [])))
    assert len(prompt.messages) == len(body["messages"])
    transcript = read(DIALECT, [recording.response], recording.content_type)
    assert (transcript.notes, transcript.answer.complete, transcript.answer.error) == ([], True, None)
    theirs, reason, usage = sdk_events(recording.response)
    message = message_of(transcript)
    assert [shape(part) for part in message.parts] == theirs
    assert message.finish_reason == reason
    assert transcript.answer.usage is not None
    assert transcript.answer.usage.input_tokens == usage.tokens.input_tokens
    assert transcript.answer.usage.output_tokens == usage.tokens.output_tokens
    assert transcript.answer.usage.cache_read_input_tokens == usage.cached_tokens
    size = len(recording.response)
    for cuts in ([1], [size // 3, size // 2], range(0, size, 7)):
        assert read(DIALECT, pieces(recording.response, cuts)) == transcript


def test_thoughts_and_their_tokens_in_a_recording() -> None:
    thinking = [recording for recording in RECORDED if recording.row["features"]["reasoning"]]
    if not thinking:
        pytest.skip("no recorded traffic")
    transcript = read(DIALECT, [thinking[0].response])
    thoughts, call = message_of(transcript).parts
    assert isinstance(thoughts, Reasoning)
    assert str(thoughts.content).startswith("Okay, let's see.")
    assert isinstance(call, ToolCall)
    assert (call.name, json.loads(str(call.arguments)), call.done) == ("subtract", {"x": 2, "y": 5}, True)
    assert transcript.answer.usage is not None
    assert transcript.answer.usage.reasoning_output_tokens == 304


def test_a_request() -> None:
    body: Json = {
        "model": "command-x",
        "stream": True,
        "temperature": 0.3,
        "documents": [{"data": {"text": "d"}}],
        "messages": [
            {"role": "system", "content": "Be brief"},
            {
                "role": "user",
                "content": [{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {"url": "https://x/y"}}],
            },
            {
                "role": "assistant",
                "tool_plan": "I will look",
                "tool_calls": [{"id": "f_1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}],
            },
            {
                "role": "tool",
                "tool_call_id": "f_1",
                "content": [{"type": "document", "document": {"data": {"r": 2}}}, {"type": "text", "text": "and"}],
            },
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "Two"}]},
        ],
        "tools": [
            {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}
        ],
    }
    prompt = DIALECT.prompt(asked("http://x/v2/chat"), json.dumps(body).encode())
    assert prompt.messages == [
        Message("system", [Text(Growing("Be brief"))]),
        Message("user", [Text(Growing("Hi")), Media("image", uri="https://x/y")]),
        Message("assistant", [Reasoning(Growing("I will look")), ToolCall("f_1", "f", Growing('{"a":1}'), done=True)]),
        Message("tool", [ToolResult("f_1", '{"r":2}\nand', name="f")]),
        Message("assistant", [Reasoning(Growing("Hm")), Text(Growing("Two"))]),
    ]
    assert prompt.tools == [Tool("f", "d", {"type": "object"})]
    assert (prompt.model, prompt.stream) == ("command-x", True)
    assert prompt.parameters == {"temperature": 0.3, "documents": [{"data": {"text": "d"}}]}
    for wrong in (b"[]", b"{}", b'{"messages": 1}'):
        with pytest.raises(ValueError, match=r"object|message"):
            DIALECT.prompt(asked("http://x/v2/chat"), wrong)


def test_a_whole_answer() -> None:
    said = {
        "role": "assistant",
        "tool_plan": "I plan",
        "content": [
            {"type": "thinking", "thinking": "Hm"},
            {"type": "text", "text": "ab"},
            {"type": "text", "text": "c"},
        ],
        "tool_calls": [{"id": "f_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        "citations": [{**CITATION, "content_index": 1}, {**CITATION, "type": "PLAN"}, CITATION],
    }
    usage = {"billed_units": {"input_tokens": 1.0, "output_tokens": 2.0}}
    body = json.dumps({"id": "a-1", "message": said, "finish_reason": "TOOL_CALL", "usage": usage}).encode()
    transcript = read(DIALECT, [body], "application/json")
    assert (transcript.notes, transcript.answer.complete, transcript.answer.id) == ([], True, "a-1")
    assert message_of(transcript).parts == [
        Reasoning(Growing("I plan")),
        Reasoning(Growing("Hm")),
        Text(Growing("ab"), [{**CITATION, "content_index": 1}]),
        Text(Growing("c"), [CITATION]),
        ToolCall("f_1", "f", Growing("{}"), done=True),
    ]
    assert transcript.answer.usage == Usage(1, 2, raw=usage)
    theirs = sdk_client(body, streamed=False).chat(**ASKED)
    assert theirs.message.content is not None
    assert [block.type for block in theirs.message.content] == ["thinking", "text", "text"]


@pytest.mark.parametrize(
    ("body", "kind", "error"),
    [
        (b'{"message":"invalid api token","id":"e"}', "application/json", "invalid api token"),
        (b'{"error":{"type":"x","message":"y"}}', "application/json", "x: y"),
        (b'data: {"message":"overloaded"}\n\n', "text/event-stream", "overloaded"),
        (
            sse({"type": "message-end", "delta": {"error": "gone", "finish_reason": "ERROR"}}),
            "text/event-stream",
            "gone",
        ),
        (json.dumps({"event_type": "stream-end", "finish_reason": "ERROR", "error": "gone"}).encode(), LINES, "gone"),
    ],
)
def test_errors(body: bytes, kind: str, error: str) -> None:
    transcript = read(DIALECT, [body], kind)
    assert (transcript.answer.error, transcript.notes) == (error, [])


def test_what_is_odd_is_noted_or_passed_over() -> None:
    events = plain_stream([Text(Growing("Hi"))], "COMPLETE")
    del events[1]
    body = b"".join([*framed(events), sse({"type": "debug", "prompt": "p"}), sse({"type": "new-kind"}), b"data: 7\n\n"])
    transcript = read(DIALECT, [body])
    assert message_of(transcript).text() == "Hi"
    assert transcript.notes == ["unknown event: new-kind", "event: expected a JSON object, got int"]
    assert read(DIALECT, [b'{"x": 1}'], "application/json").notes == ["the body is neither a message nor an error"]


def test_a_call_without_arguments_and_one_that_was_cut() -> None:
    start = {"tool_calls": {"id": "f_1", "type": "function", "function": {"name": "f"}}}
    begun: Json = {"type": "tool-call-start", "index": 0, "delta": {"message": start}}
    whole = read(DIALECT, [sse(begun, {"type": "tool-call-end", "index": 0})])
    assert message_of(whole).parts == [ToolCall("f_1", "f", Growing("{}"), done=True)]
    cut = read(DIALECT, [sse(begun)])
    assert message_of(cut).parts == [ToolCall("f_1", "f")]
    assert not cut.answer.complete


@pytest.mark.parametrize("framing", ["lines", "lines called events", "events"])
def test_the_first_version_of_the_api(framing: str) -> None:
    if framing == "events":
        body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in OLD)
    else:
        body = b"".join(json.dumps(event).encode() + b"\n" for event in OLD)
    transcript = read(
        DIALECT, pieces(body, range(0, len(body), 11)), LINES if framing == "lines" else "text/event-stream"
    )
    answer = transcript.answer
    assert (transcript.notes, answer.complete, answer.id) == ([], True, "g-1")
    assert message_of(transcript).finish_reason == "COMPLETE"
    assert message_of(transcript).parts == [
        Reasoning(Growing("I will")),
        Text(Growing("Hi you"), [{"start": 0, "end": 2, "text": "Hi"}]),
        ToolCall("", "sum", Growing('{"a":1}'), done=True),
    ]
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (3, 2)
    whole = read(DIALECT, [json.dumps(OLD[-1]["response"]).encode()], "application/json")
    assert whole.answer.complete
    assert message_of(whole).parts == message_of(transcript).parts[1:]
    assert message_of(whole).text() == "Hi you"


def test_a_request_of_the_first_version() -> None:
    body: Json = {
        "message": "And now?",
        "model": "command-r",
        "preamble": "Be brief",
        "chat_history": [
            {"role": "USER", "message": "Hi"},
            {"role": "CHATBOT", "message": "Yes?", "tool_calls": [{"name": "sum", "parameters": {"a": 1}}]},
            {"role": "TOOL", "tool_results": [{"call": {"name": "sum"}, "outputs": [{"r": 2}]}]},
        ],
        "tools": [{"name": "sum", "description": "adds", "parameter_definitions": {"a": {"type": "int"}}}],
        "temperature": 0,
    }
    prompt = DIALECT.prompt(asked("http://x/v1/chat"), json.dumps(body).encode())
    assert [message.role for message in prompt.messages] == ["system", "user", "assistant", "tool", "user"]
    assert prompt.messages[2].parts == [Text(Growing("Yes?")), ToolCall("", "sum", Growing('{"a":1}'), done=True)]
    assert prompt.messages[3].parts == [ToolResult(name="sum", content='[{"r":2}]')]
    assert prompt.tools == [Tool("sum", "adds", {"a": {"type": "int"}})]
    assert (prompt.model, prompt.parameters) == ("command-r", {"temperature": 0})


WORDS = (
    "content-start",
    "content-delta",
    "content-end",
    "tool-call-start",
    "tool-call-delta",
    "citation-start",
    "message-end",
)
KEYS = (
    "index delta message content tool_calls function arguments citations type text thinking usage tokens logprobs error"
)


@given(st.lists(events_of(*WORDS, "message-start", "tool-plan-delta", "tool-call-end", "x", keys=KEYS), max_size=6))
@settings(max_examples=50, deadline=None)
def test_nothing_raises_on_events_of_any_shape(events: list[Json]) -> None:
    transcript = read(DIALECT, [sse(*events)])
    assert all(note.startswith(("unknown event", "event: expected")) for note in transcript.notes)
    for event in events:
        read(DIALECT, [json.dumps(event).encode()], "application/json")


def test_the_sdk_reads_the_old_stream_alike() -> None:
    body = b"".join(json.dumps(event).encode() + b"\n" for event in OLD)
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
    client: Any = cohere.Client("k", base_url="http://x", httpx_client=httpx.Client(transport=transport))
    events = list(client.chat_stream(message="x"))
    assert events[-1].response.text == message_of(read(DIALECT, [body], LINES)).text()
    assert joined([]) == ([], None, None)
    assert payloads(b"") == []
