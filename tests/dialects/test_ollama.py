"""Ollama's API read: requests, answers line by line and whole, and every recording as Ollama's SDK reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import ollama
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector import dialects
from inspector.model.flow import Request
from inspector.model.headers import Headers
from inspector.model.message import (
    Growing,
    Media,
    Message,
    Prompt,
    Reasoning,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Transcript,
    Usage,
)
from inspector.model.token import Certainty
from inspector.wire.event import Event
from tests.dialects.ollama_streams import (
    COUNTS,
    DIALECT,
    LINES,
    Loopback,
    call_entry,
    done,
    entry,
    generated,
    lines,
    loopback,
    message_of,
    said,
    said_by,
)
from tests.dialects.recorded import Recorded, answer_of, parameters, pieces, read, recorded

Json = dict[str, Any]

ALL = recorded("ollama")


def asked(url: str, method: str = "POST") -> Request:
    return Request(method, url, Headers())


@pytest.mark.parametrize(
    "path",
    ["/api/chat", "/api/generate", "/ollama/api/chat", "/api/chat/", "//api//generate?x=1", "/v1/proxy/api/chat#a"],
)
def test_conversations_are_its_own(path: str) -> None:
    assert dialects.detect(asked(f"http://host{path}")).name == "ollama"


@pytest.mark.parametrize(
    "path",
    ["/api/tags", "/api/embed", "/api/show", "/api/pull", "/v1/chat", "/api/chat/x", "/?u=/api/chat", "/api/chats"],
)
def test_other_paths_are_not(path: str) -> None:
    assert not DIALECT.matches(asked(f"http://host{path}"))
    assert not DIALECT.matches(asked("http://host/api/chat", "GET"))


def prompt(body: Json, path: str = "/api/chat") -> Prompt:
    return DIALECT.prompt(asked(f"http://host{path}"), json.dumps(body).encode())


def test_a_chat() -> None:
    first = call_entry("add", {"a": 1, "b": [2.5]}, identity="call_a")
    got = prompt(
        {
            "model": "qwen3",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "What is it?", "images": ["AAAA", "AAAAAA=="]},
                {"role": "assistant", "content": "", "thinking": "Hm.", "tool_calls": [first, call_entry("sub", {})]},
                {"role": "tool", "content": "3", "tool_name": "sub"},
                {"role": "tool", "content": "4"},
                {"role": "nobody", "content": None},
            ],
            "tools": [
                {"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": {"a": 1}}}
            ],
            "options": {"num_predict": 5},
            "think": "low",
        }
    )
    assert got == Prompt(
        "qwen3",
        [
            Message("system", [Text(Growing("Be brief."))]),
            Message("user", [Text(Growing("What is it?")), Media("image", size=3), Media("image", size=4)]),
            Message(
                "assistant",
                [
                    Reasoning(Growing("Hm.")),
                    ToolCall("call_a", "add", Growing('{"a":1,"b":[2.5]}'), done=True),
                    ToolCall("", "sub", Growing("{}"), done=True),
                ],
            ),
            Message("tool", [ToolResult("", "3", name="sub")]),
            Message("tool", [ToolResult("", "4", name="add")]),
            Message("user"),
        ],
        [Tool("add", "Adds.", {"a": 1})],
        True,
        {"options": {"num_predict": 5}, "think": "low"},
    )


def test_a_generation() -> None:
    body = {
        "model": "m",
        "prompt": "Why?",
        "system": "S",
        "images": ["AAAA"],
        "suffix": "x",
        "context": [1],
        "stream": False,
    }
    got = prompt(body, "/api/generate")
    assert got.messages == [
        Message("system", [Text(Growing("S"))]),
        Message("user", [Text(Growing("Why?")), Media("image", size=3)]),
    ]
    assert (got.stream, got.parameters) == (False, {"suffix": "x", "context": [1]})


@pytest.mark.parametrize("body", [{"model": "m"}, {"model": "m", "messages": []}, {"model": "m", "prompt": ""}])
def test_a_request_that_only_loads_the_model(body: Json) -> None:
    assert prompt(body).messages == []


@pytest.mark.parametrize("body", [{"messages": "x"}, {"prompt": ["x"]}, {"messages": {}}])
def test_what_is_of_another_api(body: Json) -> None:
    with pytest.raises(ValueError, match="Ollama"):
        prompt(body)


STREAM = lines(
    said(thinking="I th"),
    said(thinking="ink"),
    said("Hel"),
    said("lo", tool_calls=[call_entry("add", {"b": 1, "a": "é"}, identity="call_a")]),
    said(tool_calls=[call_entry("add", {"b": 1, "a": "é"}, 1), call_entry("sub", {}, 2)]),
    done(),
)


def test_a_stream() -> None:
    transcript = read(DIALECT, [STREAM], LINES)
    answer = transcript.answer
    assert (answer.model, answer.complete, answer.error, transcript.notes) == ("m", True, None, [])
    assert answer.usage == Usage(7, 3, raw=COUNTS)
    assert answer_of(transcript) == Message(
        "assistant",
        [
            Reasoning(Growing("I think")),
            Text(Growing("Hello")),
            ToolCall("call_a", "add", Growing('{"b":1,"a":"é"}'), done=True),
            ToolCall("", "add", Growing('{"b":1,"a":"é"}'), done=True),
            ToolCall("", "sub", Growing("{}"), done=True),
        ],
        "stop",
    )


@given(st.lists(st.integers(0, len(STREAM)), max_size=6), st.sampled_from([LINES, "application/json", ""]))
def test_it_does_not_matter_where_it_is_split(cuts: list[int], kind: str) -> None:
    assert read(DIALECT, pieces(STREAM, cuts), kind) == read(DIALECT, [STREAM], LINES)


def test_a_generated_stream() -> None:
    calls = [call_entry("add", {})]
    body = lines(
        generated("Hel", thinking="Hm"), generated("lo"), generated("", tool_calls=calls, done=True, context=[1])
    )
    assert said_by(message_of(body).parts) == ("Hm", "Hello", [("add", {})])


@pytest.mark.parametrize("whole", [STREAM.replace(b"\n", b"\r\n\r\n"), STREAM[:-1], b"\xef\xbb\xbf\n" + STREAM])
def test_odd_line_ends(whole: bytes) -> None:
    assert read(DIALECT, [whole], LINES) == read(DIALECT, [STREAM], LINES)


def test_lines_that_came_as_one_document() -> None:
    transcript = Transcript()
    DIALECT.reader(transcript).event(Event(STREAM, "document"))
    assert transcript == read(DIALECT, [STREAM], LINES)


def test_documents() -> None:
    body = json.dumps({**done("length"), "message": {"role": "assistant", "content": "Hi", "thinking": "Hm"}}).encode()
    transcript = read(DIALECT, [body], "application/json")
    assert (transcript.answer.complete, transcript.answer.usage, transcript.notes) == (
        True,
        Usage(7, 3, raw=COUNTS),
        [],
    )
    assert answer_of(transcript) == Message("assistant", [Reasoning(Growing("Hm")), Text(Growing("Hi"))], "length")
    image = read(DIALECT, [json.dumps(generated(image="AAAA", done=True)).encode()], "application/json")
    assert answer_of(image).parts == [Media("image", size=3)]


def test_a_stream_that_breaks_off_is_not_complete() -> None:
    for body in (lines(said("Hel"), said("lo")), lines(said("Hello"))):
        for kind in (LINES, "application/json"):
            transcript = read(DIALECT, [body], kind)
            assert (answer_of(transcript).text(), transcript.answer.complete) == ("Hello", False)


def test_errors() -> None:
    for kind in (LINES, "application/json"):
        transcript = read(DIALECT, [lines(said("Hel"), {"error": "out of memory", "status": 500})], kind)
        assert (transcript.answer.error, transcript.answer.complete) == ("out of memory", False)
    answer = read(DIALECT, [b'{"error":"model not found"}'], "application/json").answer
    assert (answer.error, answer.complete, answer.choices) == ("model not found", True, [])


def test_counts_that_are_missing_are_not_zero() -> None:
    answer = read(DIALECT, [lines({**said(), "done": True, "eval_count": 3, "total_duration": 5})], LINES).answer
    assert answer.usage == Usage(None, 3, raw={"eval_count": 3, "total_duration": 5})
    assert read(DIALECT, [lines({**said(), "done": True})], LINES).answer.usage is None


def test_certainty_is_summed() -> None:
    body = lines(said("a", logprobs=[entry("a", -1.0)]), said("b", logprobs=[entry("b", -3.0)]), done(logprobs=None))
    assert read(DIALECT, [body], LINES).answer.certainty.mean_logprob == -2.0
    assert read(DIALECT, [STREAM], LINES).answer.certainty == Certainty()


ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
_NAMES = (
    "model message content thinking tool_calls function name arguments index response done done_reason error logprobs"
    " token images image eval_count status"
)
NAMES = st.sampled_from(_NAMES.split(" "))
NEARLY: st.SearchStrategy[Json] = st.recursive(
    st.dictionaries(NAMES, ANY, max_size=6),
    lambda inner: st.dictionaries(NAMES, inner | st.lists(inner, max_size=2) | ANY, max_size=6),
    max_leaves=8,
)


@given(st.lists(NEARLY, max_size=5))
@settings(max_examples=100)
def test_nothing_raises(bodies: list[Json]) -> None:
    transcript = read(DIALECT, [lines(*bodies)], LINES)
    assert not [note for note in transcript.notes if note.startswith("event")]


@given(NEARLY)
@settings(max_examples=100)
def test_a_request_is_read_or_refused_in_words(body: Json) -> None:
    try:
        assert isinstance(prompt(body).messages, list)
    except ValueError as error:
        assert "Ollama" in str(error)


@pytest.fixture(scope="module")
def served() -> Iterator[Loopback]:
    with loopback() as running:
        yield running


def sdk(served: Loopback, recording: Recorded) -> list[Any]:
    """The lines of a recorded answer as the SDK has them, or its one document."""
    body, request = recording.response, json.loads(recording.request or b"{}")
    client: Any = served.serve(body)
    stream = request.get("stream") is not False
    if recording.row["url"].endswith("/api/generate"):
        got = client.generate("m", "x", stream=stream)
    else:
        got = client.chat("m", messages=[], stream=stream)
    return list(got) if stream else [got]


@pytest.mark.parametrize("recording", parameters(ALL))
def test_a_recorded_answer_is_what_the_sdk_reads(recording: Recorded, served: Loopback) -> None:
    transcript = read(DIALECT, [recording.response], recording.row["content_type"] or "")
    answer = transcript.answer
    assert (DIALECT.matches(recording.asked), transcript.notes, answer.complete) == (True, [], True)
    if recording.row["status"] >= 400:
        served.serve(recording.response, recording.row["status"])
        with pytest.raises(ollama.ResponseError) as raised:
            served.client.chat("m", messages=[])
        assert (answer.error, answer.choices) == (raised.value.error, [])
        return
    found = sdk(served, recording)
    spoken = [getattr(each, "message", each) for each in found]
    message = answer_of(transcript)
    assert said_by(message.parts) == (
        "".join(each.thinking or "" for each in spoken),
        "".join((each.content if hasattr(each, "content") else each.response) or "" for each in spoken),
        [
            (call.function.name, call.function.arguments)
            for each in spoken
            for call in getattr(each, "tool_calls", None) or []
        ],
    )
    last = found[-1]
    assert (message.finish_reason, answer.model) == (last.done_reason, last.model)
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (last.prompt_eval_count, last.eval_count)


@pytest.mark.parametrize("recording", parameters(ALL))
def test_a_recorded_request(recording: Recorded) -> None:
    body = json.loads(recording.request or b"{}")
    got = DIALECT.prompt(recording.asked, recording.request or b"{}")
    assert (got.model, got.stream, len(got.tools)) == (
        body["model"],
        body.get("stream", True),
        len(body.get("tools") or []),
    )
    assert [message.text() for message in got.messages] == [
        *([body["prompt"]] if "prompt" in body else []),
        *(message["content"] for message in body.get("messages", [])),
    ]


@pytest.mark.parametrize("recording", parameters(ALL))
@settings(max_examples=3, deadline=None)
@given(cuts=st.lists(st.integers(0, 1 << 20), max_size=8))
def test_a_recorded_answer_may_come_in_any_pieces(recording: Recorded, cuts: list[int]) -> None:
    kind = recording.row["content_type"] or ""
    assert read(DIALECT, pieces(recording.response, cuts), kind) == read(DIALECT, [recording.response], kind)


def test_the_sdk_takes_no_empty_line(served: Loopback) -> None:
    """This is why a held stream gets no sign of life."""
    for sign in (b"\n", b" \n"):
        with pytest.raises(json.JSONDecodeError):
            served.chat(lines(said("Hel")) + sign + lines(done()))


def test_an_image_that_the_model_drew() -> None:
    body = lines(said("x", images=["AAAA"]), done())
    assert message_of(body).parts == [Text(Growing("x")), Media("image", size=3)]
