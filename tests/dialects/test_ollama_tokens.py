"""Tokens of Ollama's API: asked for, read to where they belong, and taken out without a trace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.dialects._line_strip import LineStrip
from inspector.dialects._logprobs import Wish
from inspector.dialects._ollama_logprobs import OllamaLogprobs
from inspector.wire.event import Event
from tests.dialects.ollama_streams import (
    DIALECT,
    LINES,
    Loopback,
    call_entry,
    done,
    entry,
    events_of,
    generated,
    lines,
    loopback,
    said,
)
from tests.dialects.recorded import Recorded, parameters, pieces, read, recorded

Json = dict[str, Any]

TOKENS = OllamaLogprobs()


@pytest.fixture(scope="module")
def served() -> Iterator[Loopback]:
    with loopback() as running:
        yield running


@pytest.mark.parametrize(
    ("body", "wish", "added"),
    [
        ({}, Wish(5), {"logprobs": True, "top_logprobs": 5}),
        ({}, Wish(50, token_ids=True), {"logprobs": True, "top_logprobs": 20}),
        ({}, Wish(0), {"logprobs": True}),
        ({}, Wish(None), {}),
        ({"logprobs": True}, Wish(5), {"top_logprobs": 5}),
        ({"logprobs": False}, Wish(5), {}),
        ({"logprobs": True, "top_logprobs": 0}, Wish(5), {}),
        ({"logprobs": None, "top_logprobs": 2}, Wish(5), {"logprobs": True}),
    ],
)
def test_what_is_asked_for(body: Json, wish: Wish, added: Json) -> None:
    given_body = json.dumps({"model": "m", **body}).encode()
    asked, names = TOKENS.ask(given_body, wish)
    assert (json.loads(asked), names) == ({"model": "m", **body, **added}, tuple(added))
    assert names or asked == given_body
    with pytest.raises(ValueError, match="object"):
        TOKENS.ask(b"[]", wish)


BARE = [
    said(thinking="Hm"),
    said("Hel"),
    said("lo\u2028"),
    said(tool_calls=[call_entry("add", {"logprobs": [1]})]),
    done(),
]
TOLD = [
    said(logprobs=[entry("<think>", -0.1)]),
    {**BARE[0], "logprobs": [entry("Hm", -0.2, Hm=-0.2, Oh=-2.0)]},
    {**BARE[1], "logprobs": [entry("Hel", -0.3)]},
    {**BARE[2], "logprobs": [entry("lo", -0.4), entry("\u2028", -0.4)]},
    said(logprobs=[entry('{"name": "', -0.5)]),
    said(logprobs=[entry("add", -0.6)]),
    {**BARE[3], "logprobs": [entry('", "arguments": ', -0.7), entry('{"logprobs":[1]}', -0.8)]},
    {**BARE[4], "logprobs": [entry("", -0.9)]},
]
SPACED = b"".join(json.dumps(body, indent=None).encode() + b"\r\n" for body in TOLD)
BARE_SPACED = b"".join(json.dumps(body, indent=None).encode() + b"\r\n" for body in BARE)


@pytest.mark.parametrize(("told", "bare"), [(lines(*TOLD), lines(*BARE)), (SPACED, BARE_SPACED)])
@given(cuts=st.lists(st.integers(0, 1 << 12), max_size=6), whole=st.booleans())
def test_what_was_asked_for_leaves_no_trace(told: bytes, bare: bytes, cuts: list[int], whole: bool) -> None:
    told, bare = (told[:-1], bare[:-1]) if whole else (told, bare)
    strip = TOKENS.strip(("logprobs", "top_logprobs"))
    assert b"".join([*map(strip.feed, pieces(told, cuts)), strip.close()]) == bare
    assert TOKENS.strip(("logprobs",)).document(told) == bare
    strip = TOKENS.strip(())
    assert b"".join([*map(strip.feed, pieces(told, cuts)), strip.close()]) == told


def test_alternatives_alone_are_taken_out() -> None:
    strip = TOKENS.strip(("top_logprobs",))
    bare = [json.loads(json.dumps(body)) for body in TOLD]
    del bare[1]["logprobs"][0]["top_logprobs"]
    assert strip.feed(lines(*TOLD)) == lines(*bare)


@pytest.mark.parametrize("indent", [None, 2])
def test_a_document_is_stripped(indent: int | None) -> None:
    whole = {**done(), "message": {"role": "assistant", "content": "Hi"}}
    body = json.dumps({**whole, "logprobs": [entry("Hi", -1.0, Hi=-1.0)]}, indent=indent).encode()
    assert TOKENS.strip(("logprobs",)).document(body) == json.dumps(whole, indent=indent).encode()
    nothing = json.dumps({"error": "x"}, indent=indent).encode() + b"\n"
    assert TOKENS.strip(("logprobs",)).document(nothing) == nothing


def test_what_cannot_be_read_passes() -> None:
    body = (
        b'\n{"logprobs": [\n nonsense "logprobs":\n[{"logprobs": 1}]\r\n{"message": {"logprobs": [1]}, "done": false}\n'
    )
    assert TOKENS.strip(("logprobs",)).feed(body) == body
    assert TOKENS.strip(("logprobs",)).document(b"") == b""


def test_a_line_that_is_too_long_passes_untouched() -> None:
    strip = LineStrip(lambda line: [(0, 1, b"")], limit=5)
    for cuts in ([], [2], [3, 5, 9], [*range(20)]):
        got = b"".join([*map(strip.feed, pieces(b"abc\nabcdefgh\nabcd\nxy", cuts)), strip.close()])
        assert got == b"bc\nabcdefgh\nbcd\ny"


@pytest.mark.parametrize("recording", parameters(recorded("ollama")))
def test_what_has_no_tokens_is_not_touched(recording: Recorded) -> None:
    strip = TOKENS.strip(("logprobs", "top_logprobs"))
    assert strip.feed(recording.response) + strip.close() == recording.response
    assert strip.document(recording.response) == recording.response


def tokens_of(body: bytes, kind: str = "data") -> list[tuple[str, str, int]]:
    reader = TOKENS.reader()
    events = [event for event, _ in events_of(body)] if kind == "data" else [Event(body, "document")]
    found = [token for event in events for token in reader.event(event)]
    return [(token.text, token.channel, token.call) for token in found]


def test_where_tokens_belong() -> None:
    assert tokens_of(lines(*TOLD)) == [
        ("<think>", "content", -1),
        ("Hm", "reasoning", -1),
        ("Hel", "content", -1),
        ("lo", "content", -1),
        ("\u2028", "content", -1),
        ('{"name": "', "tool_arguments", 0),
        ("add", "tool_name", 0),
        ('", "arguments": ', "tool_arguments", 0),
        ('{"logprobs":[1]}', "tool_arguments", 0),
        ("", "content", -1),
    ]


def test_tokens_of_a_document() -> None:
    said_first = {"role": "assistant", "thinking": "Hm", "content": "So", "tool_calls": [call_entry("add", {})]}
    told = [entry(token) for token in ("<t>", "Hm", "</t>", "So", "[", "add", "{}")]
    body = json.dumps({**done(), "message": said_first, "logprobs": told}).encode()
    assert [(token, channel) for token, channel, _ in tokens_of(body, "document")] == [
        ("<t>", "reasoning"),
        ("Hm", "reasoning"),
        ("</t>", "reasoning"),
        ("So", "content"),
        ("[", "tool_arguments"),
        ("add", "tool_name"),
        ("{}", "tool_arguments"),
    ]
    assert tokens_of(lines(*TOLD), "document") == tokens_of(lines(*TOLD))


def test_what_else_might_have_stood_there() -> None:
    reader = TOKENS.reader()
    body = lines(generated("Hm", logprobs=[entry("H", -1.0), entry("m", -0.5, m=-0.5, n=-1.5)]))
    [(event, _)] = events_of(body)
    first, second = reader.event(event)
    assert (first.place, first.logprob, first.entropy, second.place) == (0, -1.0, None, 1)
    assert second.entropy is not None
    assert [(other.text, other.logprob) for other in reader.alternatives(event, 1)] == [("m", -0.5), ("n", -1.5)]
    assert reader.alternatives(event, 0) == reader.alternatives(event, 7) == ()
    assert reader.event(Event(b"", "comment")) == []
    with pytest.raises(ValueError, match="object"):
        reader.event(Event(b"[1]"))


def test_the_sums_of_reader_and_tokens_agree_and_the_sdk_reads_them(served: Loopback) -> None:
    certainty = read(DIALECT, [lines(*TOLD)], LINES).answer.certainty
    found = [each for line in served.chat(SPACED) for each in line.logprobs or []]
    assert (certainty.tokens, certainty.entropies) == (len(found), 1) == (10, 1)
    assert certainty.logprob_sum == pytest.approx(sum(each.logprob for each in found))
