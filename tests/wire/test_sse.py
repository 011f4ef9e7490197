"""SSE framing: the rules of the standard, the liberties servers take, and that no split of the bytes matters."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.wire.event import Event
from inspector.wire.sse import LEADING_BLANK, SSE, TOO_LONG, UNTERMINATED


def cut(*pieces: bytes, limit: int = 1 << 20) -> list[Event]:
    framing = SSE(limit)
    events = [event for piece in pieces for event in framing.feed(piece)]
    return events + framing.close()


def every_way(body: bytes, limit: int = 1 << 20) -> list[Event]:
    """The events of a body, after it was tried whole, in two at every place, and byte by byte."""
    whole = cut(body, limit=limit)
    for place in range(len(body) + 1):
        assert cut(body[:place], body[place:], limit=limit) == whole
    assert cut(*(body[index : index + 1] for index in range(len(body))), limit=limit) == whole
    return whole


def payloads(events: list[Event]) -> list[bytes]:
    return [event.data for event in events if event.kind == "data"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_any_line_end_closes_an_event(end: bytes) -> None:
    events = every_way(end.join([b"data: one", b"", b"data: two", b"", b""]))
    assert payloads(events) == [b"one", b"two"]
    assert [event.note for event in events] == ["", ""]


def test_an_event_comes_as_soon_as_its_blank_line_does() -> None:
    framing = SSE()
    assert framing.feed(b"data: one\n") == []
    assert payloads(framing.feed(b"\n")) == [b"one"]
    assert payloads(framing.feed(b"data: two\r\r")) == [b"two"]
    assert framing.feed(b"\n") == []
    assert payloads(framing.feed(b"data: three\r\n\r\n")) == [b"three"]
    assert framing.close() == []


def test_fields() -> None:
    [event] = every_way(b"id: 7\nevent: message_start\ndata:{}\nretry: 100\nx: y\n\n")
    assert (event.data, event.name, event.id) == (b"{}", "message_start", "7")


def test_a_name_and_an_id_are_of_one_event_only() -> None:
    first, second = every_way(b"event: a\nid: 1\ndata: 1\n\ndata: 2\n\n")
    assert (first.name, first.id) == ("a", "1")
    assert (second.name, second.id) == ("", "")


def test_data_lines_are_joined_and_one_space_is_framing() -> None:
    assert payloads(every_way(b"data: a\ndata:b\ndata:  c\ndata:\ndata\n\n")) == [b"a\nb\n c\n\n"]


def test_a_byte_order_mark_is_passed_over() -> None:
    [event] = every_way(b"\xef\xbb\xbfdata: x\n\n")
    assert (event.data, event.start, event.note) == (b"x", 0, "")


def test_only_cr_and_lf_end_a_line() -> None:
    text = "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg".encode() + b"\x85"
    assert payloads(every_way(b"data: " + text + b"\n\n")) == [text]


def test_comments_are_told_apart_and_at_once() -> None:
    events = every_way(b": OPENROUTER PROCESSING\n\n:\r\n\r\ndata: x\n: inside\ndata: y\n\n")
    assert [(event.kind, event.data) for event in events] == [
        ("comment", b"OPENROUTER PROCESSING"),
        ("comment", b""),
        ("data", b"x\ny"),
    ]
    assert [event.kind for event in SSE().feed(b": keep-alive\n")] == ["comment"]


def test_blocks_without_data_yield_nothing() -> None:
    assert every_way(b"retry: 3000\n\nevent: x\n\n\n\n\r\r") == []


def test_offsets_cover_the_body() -> None:
    body = b"retry: 1\n\n: hi\n\ndata: a\r\n\r\ndata: b\r\rid: 3\ndata: c\n\n"
    events = every_way(body)
    assert [body[event.start : event.end] for event in events] == [
        b"retry: 1\n\n: hi\n",
        b"\ndata: a\r\n\r\n",
        b"data: b\r\r",
        b"id: 3\ndata: c\n\n",
    ]


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\r"])
def test_an_event_that_the_end_cuts_is_given_with_a_note(end: bytes) -> None:
    events = every_way(b"data: a\n\ndata: [DONE]" + end)
    assert [(event.data, event.note) for event in events] == [(b"a", ""), (b"[DONE]", UNTERMINATED)]


def test_blanks_before_a_field_are_tolerated_and_flagged() -> None:
    events = every_way(b" data: a\n\n\t: b\n  \ndata: c\n\n")
    assert [(event.data, event.note) for event in events] == [(b"a", LEADING_BLANK), (b"b", LEADING_BLANK), (b"c", "")]


def test_a_bare_object_is_collected_to_the_end() -> None:
    error = b'{\r\n  "error": {\r\n\r\n    "code": 500\r\n  }\r\n}\r\ndata: not an event'
    first, second = every_way(b'data: {"a": 1}\r\n\r\n' + error)
    assert (first.kind, first.data) == ("data", b'{"a": 1}')
    assert (second.kind, second.data, second.note) == ("document", error, "")
    assert (second.start, second.end) == (first.end, len(b'data: {"a": 1}\r\n\r\n' + error))


def test_too_long_an_event_is_skipped_whole() -> None:
    long = b"data: " + b"x" * 40
    smuggled = b"\ndata: smuggled\n\n"
    events = every_way(b"data: a\n\n" + long + smuggled + b"data: b\n\n", limit=30)
    assert [(event.data, event.note) for event in events] == [(b"a", ""), (b"", TOO_LONG), (b"b", "")]
    assert events[1].end - events[1].start == len(long + smuggled)


@pytest.mark.parametrize(
    "body", [b'{"a":' + b"1" * 40, b'{"a":\n' + b"1\n" * 20, b"data: " + b"1" * 40, b"?\n" * 40, b"{" + b"\n" * 40]
)
def test_too_long_a_rest_is_skipped(body: bytes) -> None:
    [event] = every_way(body, limit=30)
    assert (event.data, event.note) == (b"", TOO_LONG)


def test_the_limit_is_of_an_event_and_not_of_what_stands_between() -> None:
    body = b"\n" * 50 + b"data: " + b"x" * 24 + b"\r\n\r\n" + b": " + b"y" * 28 + b"\n" + b"data: z\n\n"
    assert [event.note for event in every_way(body, limit=30)] == ["", "", ""]


def test_a_large_event_in_small_pieces() -> None:
    payload = b'{"text": "' + b"x" * 5_000_000 + b'"}'
    body = b"data: " + payload + b"\n\n"
    framing = SSE()
    events = [event for at in range(0, len(body), 100) for event in framing.feed(body[at : at + 100])]
    assert [event.data for event in events] == [payload]


LINE_END = st.sampled_from([b"\n", b"\r\n", b"\r"])
LINE = st.sampled_from(
    [
        b"",
        b"",
        b"data: x",
        b"data:y",
        b"data",
        b"data: ",
        b": c",
        b"event: e",
        b"id: 1",
        b"retry: 2",
        b"junk",
        b"data: \xe2\x80\xa8",
    ]
)
BODY = st.lists(st.tuples(LINE, LINE_END).map(b"".join), max_size=20).map(b"".join)
ANYTHING = st.lists(
    st.sampled_from(
        [b"\n", b"\r", b"\xef\xbb\xbf", b"data:", b" ", b"\t", b":", b"{", b"x", b"event:e", b"id:", b"long long"]
    ),
    max_size=30,
).map(b"".join)


def _reference(body: bytes) -> list[tuple[bytes, str]]:
    """Data and name of each event, by the standard's own algorithm over a whole body."""
    events: list[tuple[bytes, str]] = []
    data: list[bytes] = []
    name = ""
    for line in re.split(rb"\r\n|\n|\r", body)[:-1]:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if not line:
            if data:
                events.append((b"\n".join(data), name))
            data, name = [], ""
        elif field == b"data":
            data.append(value)
        elif field == b"event":
            name = value.decode()
    return events


@settings(max_examples=200, deadline=None)
@given(BODY)
def test_events_are_those_of_the_standard(body: bytes) -> None:
    events = [event for event in cut(body) if event.kind == "data" and not event.note]
    assert [(event.data, event.name) for event in events] == _reference(body)


@settings(max_examples=300, deadline=None)
@given(ANYTHING, st.lists(st.integers(0, 200), max_size=8), st.sampled_from([8, 1 << 20]))
def test_no_split_matters(body: bytes, cuts: list[int], limit: int) -> None:
    edges = [0, *sorted(min(place, len(body)) for place in cuts), len(body)]
    assert cut(*(body[start:end] for start, end in pairwise(edges)), limit=limit) == cut(body, limit=limit)


@settings(max_examples=200, deadline=None)
@given(ANYTHING, st.sampled_from([8, 1 << 20]))
def test_offsets_are_contiguous(body: bytes, limit: int) -> None:
    events = cut(body, limit=limit)
    assert all(before.end == after.start for before, after in pairwise(events))
    assert all(event.start < event.end <= len(body) for event in events)


PIECE = st.sampled_from(
    [
        b"data: x\n\n",
        b"event: e\ndata: y\n\n",
        b"data: \n\n",
        b"data: a\ndata: b\n\n",
        b"data: longer than eight\n\n",
        b"data: \r\n\n",
        b"\xef\xbb\xbfdata: x\n\n",
        b"event: e\n",
        b"data: cut",
        b"id: 1\n",
        b": c\n",
        b"{\n",
        b"\n",
        b"\r",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECE, max_size=8), st.sampled_from([8, 1 << 20]))
def test_events_that_come_alone_are_those_of_the_whole_body(pieces: list[bytes], limit: int) -> None:
    assert cut(*pieces, limit=limit) == cut(b"".join(pieces), limit=limit)
