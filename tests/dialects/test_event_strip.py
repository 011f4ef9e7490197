"""Cutting events of a stream: whatever its framing, wherever it is split, without keeping anything back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.dialects._event_strip import EventStrip
from inspector.dialects._json_members import Cut
from tests.dialects.recorded import pieces
from tests.dialects.responses_answers import events_of


def without_x(payload: bytes) -> list[Cut]:
    """Each `x` of a payload becomes a `yy`; `q` goes."""
    changes = {0x78: b"yy", 0x71: b""}
    return [(at, at + 1, changes[byte]) for at, byte in enumerate(payload) if byte in changes]


lines = st.sampled_from(
    [
        b"data: axb",
        b"data:x",
        b"data:",
        b"data",
        b" data: x",
        b"datax: x",
        b"event: x",
        b"id: x",
        b": x",
        b"",
        b"x",
        b"x{}",
        b"data: q\xe2\x80\xa8x",
    ]
)
streams = st.lists(st.tuples(lines, st.sampled_from([b"\n", b"\r\n", b"\r"])), max_size=12).map(
    lambda given: b"".join(line + end for line, end in given)
)


@given(st.sampled_from([b"", b"\xef\xbb\xbf"]), streams, st.sampled_from([b"", b"data: x", b": x", b"da"]), st.data())
def test_payloads_are_cut_and_nothing_else(bom: bytes, middle: bytes, tail: bytes, data: st.DataObject) -> None:
    body = bom + middle + tail
    cuts = data.draw(st.lists(st.integers(0, len(body)), max_size=6))
    strip = EventStrip(without_x)
    got = b"".join([*map(strip.feed, pieces(body, cuts)), strip.close()])
    strip = EventStrip(without_x)
    assert b"".join([*(strip.feed(body[at : at + 1]) for at in range(len(body))), strip.close()]) == got
    before, after = events_of(body), events_of(got)
    assert [event.data.replace(b"x", b"yy").replace(b"q", b"") for event in before if event.kind == "data"] == [
        event.data for event in after if event.kind == "data"
    ]
    assert [(event.kind, event.name, event.id) for event in before] == [
        (event.kind, event.name, event.id) for event in after
    ]
    kept = EventStrip(lambda payload: [])
    assert b"".join([*map(kept.feed, pieces(body, cuts)), kept.close()]) == body


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_nothing_is_kept_back_behind_a_blank_line_or_a_comment(end: bytes) -> None:
    strip = EventStrip(without_x)
    assert strip.feed(b": ping" + end) == b": ping" + end
    assert strip.feed(b"event: x" + end) == b"event: x" + end
    assert strip.feed(b"data: x" + end) in (b"", b"\n")
    assert strip.feed(end) == b"data: yy" + end + end
    assert strip.feed(b": a") + strip.feed(b"b" + end + b"retry: 1" + end) == b": ab" + end + b"retry: 1" + end
    assert strip.close() == b""


def test_a_blank_line_of_a_lone_cr_is_not_waited_for() -> None:
    strip = EventStrip(without_x)
    assert strip.feed(b"data: x\r\n\r") == b"data: yy\r\n\r"
    assert strip.feed(b"\ndata: x\r\r\n") == b"\ndata: yy\r\r\n"
    assert strip.feed(b"data: x\n\n") == b"data: yy\n\n"


@pytest.mark.parametrize("size", [1, 7, 16, 17, 100])
def test_what_is_too_long_passes_and_the_next_is_cut(size: int) -> None:
    for long in (
        b"data: xxxxxxxxxxxxx\n\n",
        b"data: xx\ndata: xx\ndata: x\n\n",
        b": xxxxxxxxxxxxxxxxxxxx\ndata: x\n\n",
    ):
        body = b"data: x\n\n" + long + b"data: x\n\n"
        strip = EventStrip(without_x, limit=16)
        got = b"".join([*(strip.feed(body[at : at + size]) for at in range(0, len(body), size)), strip.close()])
        assert got == b"data: yy\n\n" + long + b"data: yy\n\n"


@given(st.sampled_from([b"", b"\xef\xbb\xbf", b"\r\n "]), st.lists(st.integers(0, 20), max_size=4))
def test_a_document_is_cut_as_one_piece(lead: bytes, cuts: list[int]) -> None:
    body = lead + b'{"x": "\n\ndata: q"}\n'
    strip = EventStrip(without_x)
    assert b"".join([*map(strip.feed, pieces(body, cuts)), strip.close()]) == lead + b'{"yy": "\n\ndata: "}\n'
    assert EventStrip(without_x).document(body) == lead + b'{"yy": "\n\ndata: "}\n'
