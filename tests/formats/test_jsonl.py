"""JSONL: what is written is read as it was, and what is broken is named."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.formats.jsonl import FORMAT, BrokenLine, Jsonl, flow_to_line, read
from inspector.model.flow import Capture, End, Flow, Mutation, Reason, Request, Response, State, Timing
from inspector.model.headers import Headers
from inspector.store.transcripts import Transcripts
from tests.captures import capture_flows
from tests.formats.traces import chunk, entry, events
from tests.handmade import STARTED, chat_chunks, chat_flow, done_chat, finish, respond, stream


def line_of(flow: Flow) -> bytes:
    """A flow's line."""
    return flow_to_line(flow, Transcripts().of(flow))


def flow_of(line: bytes) -> Flow:
    """The one flow of a line."""
    (flow,) = read(io.BytesIO(line))
    assert isinstance(flow, Flow)
    return flow


def broken_of(*lines: bytes) -> list[str]:
    """What is said of the broken lines of a file."""
    return [str(item) for item in read(io.BytesIO(b"".join(lines))) if isinstance(item, BrokenLine)]


def test_a_line_has_the_keys_of_the_format() -> None:
    flow = done_chat("f1", agent="codex", chunks=chat_chunks(("Hi",), tool=("Bash", '{"command":"ls"}')))
    flow.seq = 7
    flow.mutations.append(Mutation("headers", "hook", "x: 1", "x: 2"))
    flow.forwarded = flow.request.copy(method="PUT")
    data = orjson.loads(line_of(flow))
    assert list(data) == [
        *("format", "id", "seq", "source", "agent", "dialect", "provider", "parent", "started", "request", "forwarded"),
        *("mutations", "response", "input", "output", "usage", "cost", "timing", "notes", "error", "end"),
    ]
    assert data["format"] == FORMAT
    assert data["started"] == "2025-11-21T08:00:00.250000Z"
    assert list(data["request"]) == ["method", "url", "headers", "body"]
    assert data["request"]["headers"][1] == ["Authorization", "Bearer sk-p...ghij"]
    assert list(data["response"]) == ["status", "reason", "headers", "body", "chunks"]
    assert data["response"]["chunks"][:2] == [
        [500.0, len(chat_chunks(("Hi",))[0])],
        [510.0, data["response"]["chunks"][1][1]],
    ]
    assert data["input"] == [{"role": "user", "parts": [{"type": "text", "content": "Say hello"}]}]
    assert data["output"]["parts"] == [
        {"type": "text", "content": "Hi"},
        {"type": "tool_call", "id": "call_1", "name": "Bash", "arguments": {"command": "ls"}},
    ]
    assert (data["output"]["role"], data["output"]["finish_reason"]) == ("assistant", "stop")
    assert data["usage"] == {"input_tokens": 100, "output_tokens": 20, "cache_read.input_tokens": 80}
    assert data["timing"] == {
        "received": 1.0,
        "forwarded": 1.5,
        "head": 400.0,
        "time_to_first_token": 500.0,
        "ended": 1000.0,
        "held": 0.0,
    }
    assert data["mutations"] == [{"name": "headers", "by": "hook", "before": "x: 1", "after": "x: 2"}]
    assert data["end"] == {"reason": "done", "by": "upstream"}


def test_what_a_flow_cost_and_who_says_so() -> None:
    cost = orjson.loads(line_of(done_chat()))["cost"]
    assert cost == {"usd": pytest.approx(0.000047), "source": "genai-prices"}
    named = b'data: {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 1, "cost": 0.25}}\n\n'
    assert orjson.loads(line_of(done_chat(chunks=[named])))["cost"] == {"usd": 0.25, "source": "provider"}
    assert orjson.loads(line_of(done_chat(chunks=chat_chunks(usage=None))))["cost"] is None


def test_several_choices_are_all_there() -> None:
    chunks = [
        b'data: {"choices": [{"index": 0, "delta": {"content": "a"}}, {"index": 1, "delta": {"content": "b"}}]}\n\n',
        b"data: [DONE]\n\n",
    ]
    data = orjson.loads(line_of(done_chat(chunks=chunks)))
    assert [choice["parts"][0]["content"] for choice in data["choices"]] == ["a", "b"]
    assert data["output"] == data["choices"][0]


LOGPROBS = [
    chunk({"content": "Hi"}, [entry("Hi", -0.5, token_id=4)]),
    chunk(
        {"content": " 👍"},
        [entry(" \ufffd", -1.0) | {"bytes": [32, 240, 159]}, entry("\ufffd", -1.5) | {"bytes": [145, 141]}],
    ),
    chunk({}, None, "stop"),
]


def test_how_sure_the_model_was() -> None:
    flow = done_chat(chunks=events(*LOGPROBS))
    certainty = orjson.loads(line_of(flow))["certainty"]
    assert list(certainty) == ["tokens", "mean_logprob", "mean_probability", "perplexity", "mean_entropy"]
    assert (certainty["tokens"], certainty["mean_logprob"]) == (3, -1.0)
    assert certainty["perplexity"] == pytest.approx(math.e)
    assert certainty["mean_probability"] == pytest.approx((math.exp(-0.5) + math.exp(-1) + math.exp(-1.5)) / 3)
    assert line_of(flow_of(line_of(flow))) == line_of(flow)
    assert "certainty" not in orjson.loads(line_of(done_chat()))


def test_tokens_are_there_where_they_are_asked_for() -> None:
    flow = done_chat(chunks=events(*LOGPROBS))
    line = Jsonl().lines([flow], Transcripts(), tokens=True)(flow)
    data = orjson.loads(line)
    first, second, third = data["tokens"]
    place = {"channel": "content", "choice": 0}
    top = [{"text": "Hi", "logprob": -0.5, "id": None}, {"text": "~", "logprob": -3.5, "id": None}]
    assert first == {"text": "Hi", "logprob": -0.5, "id": 4, **place, "top": top}
    assert (second["text"], second["bytes"]) == (" \ufffd", [32, 240, 159])
    assert (third["bytes"], third["logprob"]) == ([145, 141], -1.5)
    assert line_of(flow_of(line)) == line_of(flow)
    none = done_chat()
    assert orjson.loads(Jsonl().lines([none], Transcripts(), tokens=True)(none))["tokens"] == []


def test_the_tokens_of_a_call_say_which() -> None:
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    flow = done_chat(chunks=events(chunk({"tool_calls": [call]}, [entry("f"), entry("{}")], "tool_calls")))
    tokens = orjson.loads(Jsonl().lines([flow], Transcripts(), tokens=True)(flow))["tokens"]
    assert [(token["channel"], token["call"]) for token in tokens] == [("tool_name", 0), ("tool_arguments", 0)]


def test_what_was_injected_comes_back() -> None:
    flow = done_chat()
    assert "injected" not in orjson.loads(line_of(flow))
    flow.injected = ("logprobs", "top_logprobs")
    back = flow_of(line_of(flow))
    assert back.injected == flow.injected
    assert line_of(back) == line_of(flow)


def test_bytes_that_are_no_text_are_base64() -> None:
    flow = done_chat(chunks=[b"\xff\xfe", b"\x00"])
    data = orjson.loads(line_of(flow))
    assert "body" not in data["response"]
    assert data["response"]["body_base64"] == "//4A"
    back = flow_of(line_of(flow))
    assert back.response is not None
    assert [back.response.body.chunk(index) for index in range(2)] == [b"\xff\xfe", b"\x00"]


def test_secrets_are_masked_and_stay_masked() -> None:
    flow = chat_flow()
    headers = [("X-Api-Key", "0123456789"), ("Cookie", "session=abcdefghijklmnop; b=c"), ("X-Goog-Api-Key", "abc")]
    flow.request = flow.request.copy(headers=Headers(headers), url="https://h/v1?alt=sse&key=AIza0123456789abcdefgh#x")
    flow.mutations.append(Mutation("target", "hook", "POST https://h/?api_key=0123456789", ""))
    line = line_of(flow)
    data = orjson.loads(line)
    assert data["request"]["headers"] == [
        ["X-Api-Key", "01...89"],
        ["Cookie", "sess... b=c"],
        ["X-Goog-Api-Key", "..."],
    ]
    assert data["request"]["url"] == "https://h/v1?alt=sse&key=AIza...efgh#x"
    assert data["mutations"][0]["before"] == "POST https://h/?api_key=01...89"
    back = flow_of(line)
    back.end = None
    assert line_of(back) == line


def test_a_live_flow_comes_back_interrupted() -> None:
    flow = stream(respond(chat_flow()), chat_chunks()[:1])
    line = line_of(flow)
    assert orjson.loads(line)["end"] is None
    back = flow_of(line)
    assert back.end == End(Reason.INTERRUPTED, "file")
    assert back.state is State.FAILED
    assert Transcripts().of(back).answer.choices[0].text() == "Hel"


def test_text_that_json_can_hardly_hold() -> None:
    body = b'{"model": "m", "messages": [{"role": "user", "content": "\\ud800 \\u2028 \\u0000"}]}'
    flow = chat_flow()
    flow.request = flow.request.copy(body=Capture(body))
    line = line_of(finish(flow))
    assert line.count(b"\n") == 1
    assert json.loads(line)["input"][0]["parts"][0]["content"] == "\ud800 \u2028 \u0000"
    assert line_of(flow_of(line)) == line


def test_arguments_nested_beyond_measure_are_left_to_the_body() -> None:
    deep = "[" * 990 + "]" * 990
    flow = done_chat(chunks=chat_chunks((), tool=("Bash", deep)))
    line = line_of(flow)
    back = flow_of(line)
    assert line_of(back) == line
    assert str(Transcripts().of(back).answer.choices[0].tool_calls()[0].arguments) == deep


def test_files_are_read_by_path(tmp_path: Path) -> None:
    path = tmp_path / "flows.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + line_of(done_chat("a")) + b"\r\n" + line_of(done_chat("b")).rstrip())
    for source in (path, str(path)):
        assert [flow.id for flow in read(source) if isinstance(flow, Flow)] == ["a", "b"]
    with pytest.raises(FileNotFoundError):
        list(read(tmp_path / "none"))


def test_broken_lines_are_named_and_passed_over() -> None:
    good = line_of(done_chat())
    cut = good[: len(good) // 2]
    items = list(read(io.BytesIO(good + b"{]\n" + b"\n" + good + b"[1]\n" + cut)))
    assert [type(item) for item in items] == [Flow, BrokenLine, Flow, BrokenLine, BrokenLine]
    assert [item.number for item in items if isinstance(item, BrokenLine)] == [2, 5, 6]
    assert "still being written" in str(items[-1])
    assert "found list" in str(items[3])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"SQLite format 3\0...", "an SQLite database"),
        (gzip.compress(b"{}", mtime=0), "compressed by gzip"),
        (b'{"log": {"entries": []}}\n', "a HAR file"),
        (b'{"request": {}, "response": {}, "logged_at": ""}\n', "claude-trace"),
        (b'{"messages": []}\n', "fine-tuning"),
        (b'{"a": 1}\n', "another format"),
        (b'{"format": "inspector/2"}\n', "'inspector/2'"),
        (b'{"format": {}}\n', "the format is {}"),
        (b"\xff\xff\n", "not a JSON object"),
        (b"[" * 100_000 + b"\n", "not a JSON object"),
    ],
)
def test_other_formats_are_named(line: bytes, words: str) -> None:
    (said,) = broken_of(line)
    assert said.startswith("line 1: ")
    assert words in said


def set_at(data: dict[str, object], path: str, value: object) -> None:
    """Put a value where a dotted path leads."""
    *parents, last = path.split(".")
    here = data
    for key in parents:
        inner = here[key]
        assert isinstance(inner, dict)
        here = inner
    here[last] = value


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("id", None, '"id" is missing'),
        ("id", 5, '"id" should be a string, not int'),
        ("seq", True, '"seq" should be an integer'),
        ("started", "yesterday", "RFC 3339"),
        ("started", "2025-11-21T08:00:00", "time zone"),
        ("request", None, '"request" is missing'),
        ("request.headers", [["a"]], '"request"."headers"'),
        ("request.body_base64", "!", '"request"."body_base64"'),
        ("response.status", "200", '"status" should be an integer'),
        ("response.chunks", [5], "[milliseconds, bytes]"),
        ("response.chunks", [[1, 10**9]], "does not fit"),
        ("response.chunks", [[1, -1]], "does not fit"),
        ("mutations", ["x"], '"mutations"'),
        ("injected", "logprobs", '"injected" should be a list'),
        ("end.reason", "bored", "'bored' is no reason"),
        ("timing.head", "soon", '"timing"."head"'),
        ("timing.connected", True, '"timing"."connected"'),
    ],
)
def test_wrong_values_are_named(path: str, value: object, words: str) -> None:
    data = orjson.loads(line_of(done_chat()))
    set_at(data, path, value)
    (said,) = broken_of(orjson.dumps(data))
    assert words in said


def test_what_is_missing_or_unknown_is_tolerated() -> None:
    request = {"method": "GET", "url": "http://h/", "new": 1}
    data = {"format": FORMAT, "id": "x", "request": request, "started": "2025-11-21T09:00:00+01:00", "colour": "blue"}
    flow = flow_of(orjson.dumps(data))
    assert (flow.source, flow.dialect, flow.started) == ("file", "raw", STARTED - 0.25)
    assert flow.response is None

    response = {"status": 200, "body": "abcdef", "chunks": [[5, 2]]}
    flow = flow_of(orjson.dumps({**data, "response": response}))
    assert flow.response is not None
    assert [flow.response.body.chunk(index) for index in range(2)] == [b"ab", b"cdef"]
    assert list(flow.response.body.times) == [5.0, 5.0]


def test_every_capture_comes_back_as_it_was() -> None:
    count = 0
    for flow in capture_flows():
        line = line_of(flow)
        assert line_of(flow_of(line)) == line
        count += 1
    assert count > 300


texts = st.text(max_size=12)
latin = st.text(st.characters(max_codepoint=255), max_size=12)
times = st.floats(0, 1e7, allow_nan=False)
names = latin | st.sampled_from(["Authorization", "x-api-key", "Content-Type", "content-encoding", "Set-Cookie"])
headers = st.lists(st.tuples(names, latin), max_size=5).map(Headers)
bodies = st.binary(max_size=60) | st.sampled_from([b"".join(chat_chunks()), b'{"model": "m", "messages": []}'])


@st.composite
def captures(draw: st.DrawFn) -> Capture:
    """A body in chunks, some of them empty."""
    data = draw(bodies)
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=5)))
    body = Capture()
    moments = sorted(draw(st.lists(times, min_size=len(cuts) + 1, max_size=len(cuts) + 1)))
    for at, (start, end) in zip(moments, itertools.pairwise([0, *cuts, len(data)]), strict=True):
        body.append(at, data[start:end])
    return body


urls = texts.map(lambda path: f"https://host/{path}") | st.just("https://host/v1?x=%2F&key=abcdefghijklmnopqrstuvwxyz")
requests = st.builds(Request, st.sampled_from(["GET", "POST"]), urls, headers, bodies.map(Capture))
responses = st.builds(Response, st.integers(100, 599), headers, latin, captures())
moments = st.none() | times
flows = st.builds(
    Flow,
    id=texts,
    request=requests,
    started=st.floats(0, 4e9),
    seq=st.integers(0, 10**6),
    source=st.sampled_from(["net", "file", "hook"]),
    agent=texts,
    dialect=st.sampled_from(["raw", "openai-chat", "openai-responses", "anthropic", "of-the-future"]),
    provider=texts,
    parent=st.none() | texts,
    session=texts,
    label=texts,
    comment=texts,
    forwarded=st.none() | requests,
    response=st.none() | responses,
    delivered=st.none() | responses,
    mutations=st.lists(st.builds(Mutation, texts, texts, texts, texts), max_size=2),
    notes=st.lists(texts, max_size=2),
    error=st.none() | texts,
    end=st.builds(End, st.sampled_from(Reason), texts),
    timing=st.builds(Timing, *[moments] * 4, times, *[moments] * 5, st.none() | st.booleans(), moments, moments),
)


def plain(flow: Flow) -> Iterator[object]:
    """All that must come back, times as they are written."""
    yield (flow.id, flow.seq, flow.source, flow.agent, flow.dialect, flow.provider, flow.parent, flow.error, flow.end)
    yield (
        flow.label,
        flow.comment,
        {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(flow.timing).items()},
    )
    yield flow.mutations
    yield flow.notes
    yield [(one.method, bytes(one.body), len(one.headers)) for one in (flow.request, flow.forwarded) if one is not None]
    for response in (flow.response, flow.delivered):
        if response is None:
            yield None
            continue
        body = response.body
        yield (response.status, response.reason, bytes(body), list(body.ends))
        yield [round(time, 3) for time in body.times]


@settings(max_examples=150, deadline=None)
@given(flows)
def test_any_flow_comes_back(flow: Flow) -> None:
    line = line_of(flow)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    back = flow_of(line)
    assert list(plain(back)) == list(plain(flow))
    assert abs(back.started - flow.started) < 1e-5
    assert line_of(back) == line


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 2000), st.integers(0, 2000))
def test_any_damage_is_survived(noise: bytes, start: int, length: int) -> None:
    good = line_of(done_chat())
    damaged = good[:start] + noise + good[start + length :]
    assert all(isinstance(item, Flow | BrokenLine) for item in read(io.BytesIO(damaged + b"\n" + good)))


def test_what_is_known_of_the_connection_comes_back_and_is_unknown_in_older_files() -> None:
    flow = done_chat()
    plain_line = line_of(flow)
    known = {field.name for field in fields(Timing)} - {"received", "forwarded", "head", "ended", "held"}
    assert not known & orjson.loads(plain_line)["timing"].keys()
    assert {getattr(flow_of(plain_line).timing, name) for name in known} == {None}
    for number, name in enumerate(sorted(known - {"reused"})):
        setattr(flow.timing, name, 2.0 + number)
    flow.timing.reused = False
    assert flow_of(line_of(flow)).timing == flow.timing


def test_a_mark_comes_back() -> None:
    flow = Flow("a", Request("GET", "http://h/", Headers()), 0.0, marked=True)
    assert flow_of(line_of(flow)).marked


def test_a_flow_without_a_comment_is_written_as_before_there_were_any() -> None:
    flow = done_chat()
    assert "comment" not in orjson.loads(line_of(flow)) and flow_of(line_of(flow)).comment == ""
    flow.comment = "twice?"
    assert orjson.loads(line_of(flow))["comment"] == flow_of(line_of(flow)).comment == "twice?"
