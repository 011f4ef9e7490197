"""JSON one object a line: cut at line feeds only, wherever it is split, and found out where no content type tells."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.model.headers import Headers
from inspector.wire.body import BodyReader
from inspector.wire.event import Event
from inspector.wire.ndjson import NDJSON
from inspector.wire.sse import TOO_LONG, UNTERMINATED
from tests.dialects.recorded import pieces
from tests.wire.test_body import JSON_HEADERS, SSE_HEADERS, places, read, shape, singles

LINES_HEADERS = Headers([("Content-Type", "application/x-ndjson; charset=utf-8")])
ANY_HEADERS = [LINES_HEADERS, JSON_HEADERS, SSE_HEADERS, Headers(), Headers([("content-type", "text/plain")])]
FIRST, SECOND = b'{"a": "\xe2\x80\xa8\xc2\x85"}', b'{"b": 2}'


def cut(body: bytes, at: list[int] | None = None, limit: int = 1 << 20) -> list[Event]:
    framing = NDJSON(limit)
    given = [event for piece in pieces(body, at or []) for event in framing.feed(piece)]
    return given + framing.close()


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n\n", b" \r\n \n"])
@pytest.mark.parametrize("last", [b"", b"\n"])
@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\n", b"\x1e"])
def test_each_line_is_an_event(end: bytes, last: bytes, before: bytes) -> None:
    body = before + FIRST + end + SECOND + last
    first, second = events = cut(body)
    assert [event.data for event in events] == [FIRST, SECOND]
    assert (first.start, second.end) == (0, len(body))
    assert body[: first.end] == before + FIRST + end[: end.index(b"\n") + 1]
    assert second.start == first.end
    assert [event.note for event in events] == ["", ""]


def test_only_a_line_feed_ends_a_line() -> None:
    body = b'{"a":\r1}\x0b\x0c{"\xe2\x80\xa9"}\n'
    assert [event.data for event in cut(body)] == [body[:-1]]


def test_a_line_that_breaks_off_says_so() -> None:
    assert [(event.data, event.note) for event in cut(b'{"a": 1}\n{"b"')] == [
        (b'{"a": 1}', ""),
        (b'{"b"', UNTERMINATED),
    ]
    assert cut(b"") == cut(b" \n\r\n") == []


def test_a_line_is_bounded() -> None:
    body = b'{"a": 1}\n' + b"x" * 21 + b"\n" + b"y" * 20 + b"\n" + b"z" * 99
    whole = cut(body, limit=20)
    assert [(event.data[:2], event.note) for event in whole] == [
        (b'{"', ""),
        (b"", TOO_LONG),
        (b"yy", ""),
        (b"", TOO_LONG),
    ]
    assert places(cut(body, [*range(len(body))], limit=20)) == places(whole)


SOME = st.sampled_from(
    [FIRST, SECOND, b"{}", b"{", b'"a": {', b"}", b"[1]", b"", b" ", b"\x1e{}", b"nonsense", b"\xff"]
)
BODIES = st.lists(st.tuples(SOME, st.sampled_from([b"\n", b"\r\n", b"\r", b""])), max_size=8).map(
    lambda given: b"".join(line + end for line, end in given)
)


@given(BODIES, st.lists(st.integers(0, 200), max_size=8), st.sampled_from([10, 1 << 20]))
def test_it_does_not_matter_where_lines_are_split(body: bytes, at: list[int], limit: int) -> None:
    assert places(cut(body, at, limit)) == places(cut(body, limit=limit))
    ends = [0, *(event.end for event in cut(body))]
    assert [event.start for event in cut(body)] == ends[:-1]


@given(st.sampled_from(ANY_HEADERS), BODIES, st.lists(st.integers(0, 200), max_size=8), st.sampled_from([12, 1 << 24]))
def test_it_does_not_matter_where_a_body_is_split(headers: Headers, body: bytes, at: list[int], limit: int) -> None:
    events, notes = read(headers, *pieces(body, at), limit=limit)
    whole, whole_notes = read(headers, body, limit=limit)
    assert (places(events), notes) == (places(whole), whole_notes)


@pytest.mark.parametrize("headers", ANY_HEADERS)
@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\n \r\n"])
def test_lines_are_found_out_however_they_are_labelled(headers: Headers, before: bytes) -> None:
    body = before + b"\n".join([FIRST, SECOND, SECOND, b""])
    for split in ([body], singles(body)):
        events, notes = read(headers, *split)
        assert shape(events) == [("data", FIRST), ("data", SECOND), ("data", SECOND)]
        assert notes == []


@pytest.mark.parametrize("headers", ANY_HEADERS)
@pytest.mark.parametrize(
    "body",
    [
        FIRST,
        json.dumps({"error": {"message": "no"}}, indent=2).encode() + b"\n",
        b'{"a": {"b": 1}\n}\n',
        b'{\n"a": 1}\n{"b": 2}',
        b"[\n{},\n{}\n]",
        b"<html>\n</html>",
    ],
)
def test_a_document_stays_one(headers: Headers, body: bytes) -> None:
    for split in ([body], singles(body)):
        assert shape(read(headers, *split)[0]) == [("document", body)]


def test_one_line_is_a_document_unless_its_type_says_otherwise() -> None:
    assert shape(read(JSON_HEADERS, FIRST + b"\n\n")[0]) == [("document", FIRST + b"\n\n")]
    assert shape(read(JSON_HEADERS, FIRST + b"\nnonsense")[0]) == [("document", FIRST + b"\nnonsense")]
    assert shape(read(LINES_HEADERS, FIRST + b"\n\n")[0]) == [("data", FIRST)]


def test_a_line_comes_as_soon_as_its_end_where_the_type_says_what_it_is() -> None:
    reader = BodyReader(LINES_HEADERS)
    assert reader.feed(FIRST, 1.0) == []
    assert [(event.data, event.at) for event in reader.feed(b"\n", 2.0)] == [(FIRST, 2.0)]
    assert [(event.data, event.at) for event in reader.feed(SECOND + b"\n", 3.0)] == [(SECOND, 3.0)]


@pytest.mark.parametrize(
    "kind", ["application/ndjson", "application/jsonl", "application/x-jsonlines", "application/json-seq"]
)
def test_its_other_names(kind: str) -> None:
    reader = BodyReader(Headers([("content-type", kind)]))
    assert [event.data for event in reader.feed(b"\x1e" + FIRST + b"\n\x1e" + SECOND + b"\n", 0.0)] == [FIRST, SECOND]


def test_a_stream_of_events_that_is_labelled_as_lines() -> None:
    body = b'data: {"a": 1}\n\n: hi\n\n'
    for split in ([body], singles(body)):
        assert shape(read(LINES_HEADERS, *split)[0]) == [("data", b'{"a": 1}'), ("comment", b"hi")]
