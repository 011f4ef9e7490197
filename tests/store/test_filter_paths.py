"""Keys that end in a path or a name, against a plain walk over the same JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.model.flow import Capture, Flow
from inspector.model.headers import Headers
from inspector.store import filter_paths
from inspector.store.filter_fields import Known, TextField, field_of, named_field
from inspector.store.filter_residual import earliest_moment, residual
from inspector.store.filters import complete, parse
from inspector.store.transcripts import Transcripts
from inspector.wire.json_path import Pattern, parse_path, parse_pattern, values_at
from tests.handmade import chat_chunks, chat_flow, done_chat, finish, respond, stream


def asking(body: object, **changes: object) -> Flow:
    """A flow with a body of its own."""
    flow = chat_flow(**changes)  # type: ignore[arg-type]
    flow.request.body = Capture(body if isinstance(body, bytes) else orjson.dumps(body))
    return flow


def values(key: str, flow: Flow, known: Known | None = None) -> list[str | None]:
    """What a key gives."""
    field = named_field(key)
    assert isinstance(field, TextField)
    return list(field.values(flow, known or Transcripts()))


BODY = {
    "max_tokens": 4096,
    "temperature": 0.5,
    "stream": True,
    "stop": None,
    "messages": [{"role": "user", "content": "one"}, {"role": "assistant", "content": [{"type": "text"}]}],
    "tools": [{"name": "Bash"}, {"name": "Read"}],
    "metadata": {"odd key": "x", "length": "own", "0": "zero", "a.b": {"c": 1}},
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("max_tokens", ["4096"]),
        ("temperature", ["0.5"]),
        ("stream", ["true"]),
        ("stop", ["null"]),
        ("messages[-1].role", ["assistant"]),
        ("messages.0.role", ["user"]),
        ("messages[*].role", ["user", "assistant"]),
        ("messages[2].role", []),
        ("messages[-3]", []),
        ("messages.length", ["2"]),
        ("tools.length", ["2"]),
        ("tools[0].name", ["Bash"]),
        ("tools[*].name.length", ["4", "4"]),
        ('metadata["odd key"]', ["x"]),
        ("metadata['a.b'].c", ["1"]),
        ("metadata.length", ["own"]),
        ("metadata.0", ["zero"]),
        ("metadata[0]", []),
        ("messages[1].content", ['[{"type":"text"}]']),
        ("max_tokens.length", []),
        ("nothing.at.all", []),
    ],
)
def test_a_path_leads_into_the_body_as_it_was_sent(path: str, expected: list[str]) -> None:
    assert values(f"request.{path}", asking(BODY)) == expected


Step = str | int | None
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text("ab é", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('a."[]é 0', max_size=2), inner, max_size=3),
    max_leaves=12,
)


def written(steps: list[Step]) -> str:
    """A path in brackets only."""
    return "".join(
        "[*]" if step is None else f"[{step}]" if isinstance(step, int) else f"[{json.dumps(step)}]" for step in steps
    )


def walked(value: object, steps: list[Step]) -> list[object]:
    """What stands there, by the plainest means."""
    if not steps:
        return [value]
    step, rest = steps[0], steps[1:]
    if step is None:
        inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
        return [found for each in inner for found in walked(each, rest)]
    if isinstance(value, dict):
        return walked(value[step], rest) if step in value else []
    index = 0 if step == "0" else step
    if isinstance(value, list) and isinstance(index, int) and -len(value) <= index < len(value):
        return walked(value[index], rest)
    return []


@st.composite
def paths(draw: st.DrawFn, value: object) -> list[Step]:
    """Steps that mostly lead somewhere in a value."""
    steps: list[Step] = []
    while draw(st.booleans()) or not steps:
        options: list[Step] = [None, draw(st.integers(-3, 3)), draw(st.sampled_from(["a", "0", "é"]))]
        if isinstance(value, Mapping):
            options += list(value)
        step = draw(st.sampled_from(options))
        steps.append(step)
        found = walked(value, [step])
        value = found[0] if found else None
    return steps


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_path_gives_what_a_plain_walk_gives(data: st.DataObject) -> None:
    document = {"top": data.draw(documents)}
    steps: list[Step] = ["top", *data.draw(paths(document["top"]))]
    key = f"request.{written(steps)}"
    expected = walked(document, steps)
    flow, known = asking(document), Transcripts()
    texts = [each if isinstance(each, str) else orjson.dumps(each).decode() for each in expected]
    assert values(key, flow, known) == texts
    assert values(key, flow, known) == texts
    assert values(f"response.{written(steps)}", answered(document)) == texts


def answered(*documents: object) -> Flow:
    """A flow whose answer is a document, or a stream of several."""
    flow = asking({})
    if len(documents) == 1:
        respond(flow, content_type="application/json")
        return finish(stream(flow, [orjson.dumps(documents[0])]))
    return finish(stream(respond(flow), [b"data: " + orjson.dumps(each) + b"\n\n" for each in documents]))


def test_a_pattern_is_a_path_with_every_entry() -> None:
    pattern: Pattern = ("a", None, -1, "b c")
    assert parse_pattern('a[*][-1]["b c"]') == pattern
    assert values_at({"a": [[{"b c": 1}], [], [0, {"b c": 2}]]}, pattern) == [1, 2]
    with pytest.raises(ValueError, match="several"):
        parse_path("a[*]")


def test_of_a_stream_the_last_event_that_has_the_path_counts() -> None:
    flow = answered({"n": 1, "usage": {"out": 1}}, {"usage": {"out": 7}}, {"usage": None}, {"n": 2})
    assert values("response.usage.out", flow) == ["7"]
    assert values("response.n", flow) == ["2"]
    assert values("response.usage", flow) == ["null"]
    escaped = finish(stream(respond(asking({})), [b'data: {"\\u006eame":1}\n\n']))
    assert values("response.name", escaped) == ["1"]


def counted(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Everything that is parsed from now on."""
    parsed: list[bytes] = []

    def parse_counted(data: bytes) -> object:
        parsed.append(data)
        return orjson.loads(data)

    monkeypatch.setattr(filter_paths, "_parsed", parse_counted)
    return parsed


def test_a_document_has_its_values_as_soon_as_it_is_whole() -> None:
    flow, known = respond(asking({}), content_type="application/json"), Transcripts()
    assert values("response.a", flow, known) == []
    stream(flow, [b'{"a":'])
    assert values("response.a", flow, known) == []
    stream(flow, [b"5} "], start=600.0)
    assert values("response.a", flow, known) == ["5"]
    assert values("response.a", finish(flow), known) == ["5"]


def test_a_live_stream_is_read_on_and_no_event_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = counted(monkeypatch)
    flow, known = respond(asking({})), Transcripts()
    for number in range(5):
        stream(flow, [b'data: {"n":%d}\n\n' % number], start=500.0 + number)
        assert values("response.n", flow, known) == [str(number)]
    finish(flow)
    assert values("response.n", flow, known) == values("response.n", flow, known) == ["4"]
    assert len(parsed) == 5


def test_a_body_is_parsed_once_for_all_keys_and_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = counted(monkeypatch)
    flow, known = asking(BODY), Transcripts()
    for _ in range(3):
        assert values("request.max_tokens", flow, known) == ["4096"]
        assert values("request.messages.length", flow, known) == ["2"]
    assert len(parsed) == 1
    flow.forwarded = flow.request.with_body(b'{"max_tokens":5}')
    assert values("request.max_tokens", flow, known) == ["5"]


@pytest.mark.parametrize("body", [b"", b"no JSON", b'{"a":', b"\xff\xfe", b"[" * 100_000, b'"a"', b"7"])
def test_what_is_no_json_has_no_values(body: bytes) -> None:
    assert values("request.a", asking(body)) == []
    assert values("response.a", finish(stream(respond(chat_flow()), [b"data: ", body, b"\n\n"]))) == []


def test_what_orjson_refuses_is_read_as_the_dialects_read_it() -> None:
    assert values("request.n", asking(b'{"n":1,"x":NaN,"s":"\\ud800"}')) == ["1"]


def test_a_request_that_is_still_coming_has_no_values() -> None:
    flow = asking(BODY)
    flow.timing.received = None
    assert values("request.max_tokens", flow) == []


def test_usage_is_the_providers_own() -> None:
    flow = done_chat()
    assert values("usage.prompt_tokens_details.cached_tokens", flow) == ["80"]
    assert values("usage.cache_read_input_tokens", flow) == []
    assert values("usage.prompt_tokens", chat_flow()) == []


def test_headers_are_masked_where_they_are_secret() -> None:
    flow = done_chat()
    assert values("header.authorization", flow) == ["Bearer sk-p...ghij"]
    assert values("header.Content-TYPE", flow) == ["application/json"]
    assert values("response-header.content-type", flow) == ["text/event-stream; charset=utf-8"]
    assert values("response-header.content-type", chat_flow()) == []
    flow.forwarded = replace(flow.request, headers=Headers([("x", "1"), ("X", "2")]))
    assert values("header.x", flow) == ["1", "2"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("request.max_tokens>1000", True),
        ("request.max_tokens:>=4096", True),
        ("request.max_tokens<1k", False),
        ("request.max_tokens:4096", True),
        ("request.tools[*].name:=Read", True),
        ("request.tools[*].name:=rea", False),
        ('request.metadata["odd key"]:x', True),
        ('request.metadata["a.b"].c:1', True),
        ("REQUEST.stop:*", True),
        ("request.Stop:*", False),
        ("-request.nothing:*", True),
        ("request.messages[-1].role~^assist", True),
        ("header.content-type:json", True),
        ("(request.stream:true or agent:x)", True),
        ("request.max_tokens/request.temperature:>8000", True),
        ("request.max_tokens", False),
    ],
)
def test_filters_ask_by_paths(text: str, expected: bool) -> None:
    found = parse(text)
    assert found.errors == ()
    assert found.matches(asking(BODY), Transcripts()) is expected


@pytest.mark.parametrize(
    ("text", "wrong", "words"),
    [
        ("request.:x", "request.", "as in request.max_tokens"),
        ("agent:a request.a[x]:1", "request.a[x]", "is not understood"),
        ("request.a..b:1", "request.a..b", "is not understood"),
        ("request.a[1:5", "request.a[1", "is not understood"),
        ("response.:x", "response.", "as in response."),
        ("header.a@b:x", "header.a@b", "no header's name"),
        ("request.a:>x", "x", "not a number"),
        ("request.a:", "request.a:", "wants a value"),
    ],
)
def test_a_bad_path_is_told_where_it_is_typed(text: str, wrong: str, words: str) -> None:
    errors = parse(text).errors
    assert [text[error.start : error.end] for error in errors] == [wrong]
    assert words in errors[0].message


def test_what_stands_in_the_request_is_settled_with_it() -> None:
    flow, known = respond(asking(BODY)), Transcripts()
    for text, settled in (
        ("request.max_tokens>1000", True),
        ("request.max_tokens>9000", False),
        ("header.content-type:json", True),
        ("response-header.content-type:event-stream", True),
    ):
        assert residual(parse(text).term, flow, known) is settled
    for text in ("response.usage.total:>1", "usage.prompt_tokens:>1"):
        assert residual(parse(text).term, flow, known) == parse(text).term
    moments = [earliest_moment(parse(text).term) for text in ("request.a:1", "response-header.a:1", "response.a:1")]
    assert moments == ["request", "head", "event"]


def test_what_was_seen_is_offered() -> None:
    seen = {"request.": ["max_tokens", "thinking.budget"], "header.": ["user-agent"]}
    for text, offered in (
        ("request.", ["request.max_tokens:", "request.thinking.budget:"]),
        ("x request.TH", ["request.thinking.budget:"]),
        ("header.u", ["header.user-agent:"]),
        ("reques", ["request."]),
        ("usage.a", []),
    ):
        assert [choice.text for choice in complete(text, len(text), seen)] == offered


def test_there_is_no_field_for_other_keys() -> None:
    assert field_of("nothing.at.all") is None
    assert field_of("request.a[") is None
    assert field_of("request.a") is field_of("request.a")


def test_chunks_may_be_cut_anywhere() -> None:
    whole = b"".join(chat_chunks())
    for cut in range(1, len(whole), 7):
        flow, known = respond(chat_flow()), Transcripts()
        stream(flow, [whole[:cut]])
        values("response.usage.prompt_tokens", flow, known)
        stream(flow, [whole[cut:]], start=600.0)
        assert values("response.usage.prompt_tokens", flow, known) == ["100"]
