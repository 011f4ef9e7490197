"""Bodies read into events: encodings, framings found out, and nothing raised whatever comes."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from itertools import pairwise

import brotli  # type: ignore[import-untyped]
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.model.headers import Headers
from inspector.wire.body import BodyReader, decoded
from inspector.wire.event import Event

STREAM = b'data: {"a": 1}\n\n: keep-alive\n\ndata: [DONE]\n\n'
SSE_HEADERS = Headers([("Content-Type", "text/event-stream; charset=utf-8")])
JSON_HEADERS = Headers([("Content-Type", "application/json")])


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gzip": gzip.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}


def encoded(encoding: str, headers: Headers = SSE_HEADERS) -> Headers:
    return headers.set("Content-Encoding", encoding)


def read(headers: Headers, *pieces: bytes, limit: int = 1 << 24) -> tuple[list[Event], list[str]]:
    reader = BodyReader(headers, limit)
    events = [event for at, piece in enumerate(pieces) for event in reader.feed(piece, float(at))]
    return events + reader.close(99.0), reader.notes


def places(events: list[Event]) -> list[tuple[str, bytes, int, int, str]]:
    """Everything about events but their times."""
    return [(event.kind, event.data, event.start, event.end, event.note) for event in events]


def singles(body: bytes) -> list[bytes]:
    return [body[index : index + 1] for index in range(len(body))]


def shape(events: list[Event]) -> list[tuple[str, bytes]]:
    return [(event.kind, event.data) for event in events]


STREAM_SHAPE = [("data", b'{"a": 1}'), ("comment", b"keep-alive"), ("data", b"[DONE]")]


def test_a_stream() -> None:
    events, notes = read(SSE_HEADERS, *singles(STREAM))
    assert shape(events) == STREAM_SHAPE
    assert notes == []


def test_events_have_the_time_of_their_last_byte() -> None:
    reader = BodyReader(SSE_HEADERS)
    assert reader.feed(b"data: 1\n", 10.0) == []
    assert [event.at for event in reader.feed(b"\ndata: 2\n\ndata: 3", 20.0)] == [20.0, 20.0]
    assert [event.at for event in reader.close(30.0)] == [20.0]


def test_a_document() -> None:
    body = b'{"id": 1}'
    [event], notes = read(JSON_HEADERS, *singles(body))
    assert (event.kind, event.data, event.start, event.end, event.at) == ("document", body, 0, len(body), 8.0)
    assert notes == []


@pytest.mark.parametrize("body", [b"", b"\n \r\n"])
@pytest.mark.parametrize("headers", [SSE_HEADERS, JSON_HEADERS, Headers()])
def test_an_empty_body_has_no_events(headers: Headers, body: bytes) -> None:
    assert read(headers, body) == ([], [])


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\r\n", b": hi\n\n", b"event: x\n"])
@pytest.mark.parametrize("headers", [SSE_HEADERS, JSON_HEADERS, Headers(), Headers([("content-type", "text/plain")])])
def test_a_stream_however_it_is_labelled(headers: Headers, before: bytes) -> None:
    events, notes = read(headers, before + STREAM)
    assert shape(events)[-3:] == STREAM_SHAPE
    assert notes == []
    assert places(read(headers, *singles(before + STREAM))[0]) == places(events)


@pytest.mark.parametrize("body", [b'{"error": {}}', b' \n[{"error": {}}]', b"<html>data: x\n\n</html>"])
def test_a_document_that_is_labelled_as_a_stream(body: bytes) -> None:
    for pieces in ([body], singles(body)):
        events, notes = read(SSE_HEADERS, *pieces)
        assert shape(events) == [("document", body)]
        assert notes == []


@pytest.mark.parametrize("body", [b"dat", b"data", b"evening", b"Bad gateway", b"\x00\x01", b"data of ours"])
def test_what_is_no_stream_is_a_document(body: bytes) -> None:
    for pieces in ([body], singles(body)):
        assert shape(read(Headers(), *pieces)[0]) == [("document", body)]


def test_what_is_odd_about_an_event_is_noted_once() -> None:
    _, notes = read(SSE_HEADERS, b" data: 1\n\n data: 2\n\ndata: 3")
    assert notes == ["event blank before a field", "event unterminated"]


def test_a_document_is_bounded() -> None:
    for pieces in ([b"{" * 101], singles(b"{" * 101)):
        [event], notes = read(JSON_HEADERS, *pieces, limit=100)
        assert (event.data, event.end) == (b"", 101)
        assert notes == ["document too long: skipped"]


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(STREAM[:20], mtime=0) + gzip.compress(STREAM[20:], mtime=0)),
        ("br", brotli.compress(STREAM)),
        ("zstd", zstandard.compress(STREAM)),
        ("gzip, br", brotli.compress(gzip.compress(STREAM, mtime=0))),
    ],
)
def test_encoded_streams(encoding: str, body: bytes) -> None:
    for pieces in ([body], singles(body)):
        events, notes = read(encoded(encoding), *pieces)
        assert shape(events) == STREAM_SHAPE
        assert notes == []
    assert decoded(encoded(encoding), body) == (STREAM, None)


def test_encodings_of_two_header_lines_stack() -> None:
    headers = Headers([*encoded("gzip"), ("content-encoding", "br")])
    assert decoded(headers, brotli.compress(gzip.compress(STREAM, mtime=0))) == (STREAM, None)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "utf-8"])
def test_plain_text_that_is_labelled_as_encoded_is_read(encoding: str) -> None:
    for body in (STREAM, b"data: 1\n\n"):
        for pieces in ([body], singles(body)):
            events, [note] = read(encoded(encoding), *pieces)
            assert shape(events) == shape(read(SSE_HEADERS, body)[0])
            assert note.endswith("read as plain text")
        data, remark = decoded(encoded(encoding), body)
        assert data == body
        assert remark


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "lzma"])
def test_noise_becomes_a_note_and_no_events(encoding: str) -> None:
    body = bytes([3, 255, 0, 254]) * 100
    for pieces in ([body], singles(body), [body[:2]]):
        events, notes = read(encoded(encoding), *pieces)
        assert events == []
        assert len(notes) == 1
    assert decoded(encoded(encoding), body)[0] == body


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_cut_body_is_read_as_far_as_it_came(encoding: str) -> None:
    stream = b"".join(b"data: %d\n\n" % number for number in range(100_000))
    body = ENCODERS[encoding](stream)[:-9]
    events, notes = read(encoded(encoding), *(body[start : start + 100] for start in range(0, len(body), 100)))
    assert [event.data for event in events[:-1]] == [b"%d" % number for number in range(len(events) - 1)]
    assert len(events) > 50_000
    assert f"{encoding}: the body is cut" in notes
    data, remark = decoded(encoded(encoding), body)
    assert stream.startswith(data)
    assert len(data) > len(stream) // 2
    assert remark == f"{encoding}: the body is cut"


def test_a_bomb_ends_the_reading() -> None:
    body = gzip.compress(b"{" + bytes(3_000_000))
    events, notes = read(
        encoded("gzip"), *(body[start : start + 64] for start in range(0, len(body), 64)), limit=1_000_000
    )
    assert notes == ["gzip: decodes to more than 1000000 bytes"]
    assert all(event.end <= 1_000_000 for event in events)


def test_a_plain_body_is_given_as_it_is() -> None:
    assert decoded(JSON_HEADERS, b"{}") == (b"{}", None)


LABELS = st.tuples(
    st.sampled_from(["", "text/event-stream", "application/json", "image/png"]),
    st.sampled_from(["", "gzip", "deflate", "br", "zstd", "identity", "x, y"]),
)


@settings(max_examples=200, deadline=None)
@given(
    LABELS,
    st.lists(st.binary(max_size=80) | st.sampled_from([STREAM, b"{", gzip.compress(STREAM, mtime=0)]), max_size=6),
)
def test_nothing_raises(label: tuple[str, str], pieces: list[bytes]) -> None:
    headers = Headers([("content-type", label[0]), ("content-encoding", label[1])])
    events, notes = read(headers, *pieces)
    assert all(event.data or event.note or event.kind != "document" for event in events)
    assert len(set(notes)) == len(notes)
    decoded(headers, b"".join(pieces))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(ENCODERS)), st.lists(st.integers(0, 300), max_size=6))
def test_no_split_matters(encoding: str, cuts: list[int]) -> None:
    body = ENCODERS[encoding](b" \r\n" + STREAM + b'{"error": 1}')
    edges = [0, *sorted(min(place, len(body)) for place in cuts), len(body)]
    events, _ = read(encoded(encoding), *(body[start:end] for start, end in pairwise(edges)))
    assert shape(events) == [*STREAM_SHAPE, ("document", b'{"error": 1}')]
    assert places(events) == places(read(encoded(encoding), body)[0])
