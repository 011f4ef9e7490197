"""Text cut into pieces, and the framing of one event."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.dialects._pieces import json_bytes, pieces, sse
from inspector.wire.sse import SSE

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
FLAGS = ["\U0001f1e9\U0001f1ea", "\U0001f1eb\U0001f1f7", "\U0001f1ee\U0001f1f9"]
WALES = "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f"


@given(st.text() | st.text(alphabet=FAMILY + "".join(FLAGS) + "e\u0301\r\n"), st.integers(1, 7))
def test_pieces_make_the_text_again(text: str, size: int) -> None:
    cut = pieces(text, size)
    assert "".join(cut) == text
    assert all(len(piece) >= size for piece in cut[:-1])


@pytest.mark.parametrize(
    "graphemes",
    [
        ["a", FAMILY, "b", FAMILY],
        [*FLAGS, "x", FLAGS[0], "\U0001f1e9"],
        ["e\u0301\u0323", "e", "n\u0303"],
        ["\U0001f44d\U0001f3fd", "\u2764\ufe0f", "1\ufe0f\u20e3", WALES],
        ["\r\n", "\n", "\r", "a"],
        ["\u1112\u1161\u11ab", "a", "\ud558\u11ab", "\ud55c", "\ud55c"],
        ["\u0915\u094d\u0937\u093f", "\u0928"],
        ["\ud83d\ude00", "\ud83d", "a", "\ude00"],
    ],
)
def test_no_piece_ends_inside_a_grapheme(graphemes: list[str]) -> None:
    assert pieces("".join(graphemes), 1) == graphemes


def test_plain_text_comes_in_even_pieces() -> None:
    assert pieces("hello world") == ["hello", " worl", "d"]
    assert pieces("") == []


@pytest.mark.parametrize("value", [{"a": [1, "é"]}, {"big": 10**30}, {"lone": "\ud800"}])
def test_an_event_is_framed_so_that_it_reads_back(value: dict[str, object]) -> None:
    framed = sse(value, "message_start")
    (event,) = SSE().feed(framed)
    assert (event.name, json.loads(event.data)) == ("message_start", value)
    assert json_bytes(value) in framed


def test_bytes_keep_their_lines() -> None:
    (event,) = SSE().feed(sse(b"{\r\n}\n"))
    assert (event.name, event.data) == ("", b"{\n}\n")
