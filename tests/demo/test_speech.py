"""Pieces: whole characters only, and nothing after a stop sequence."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.demo.call_tokens import certain
from inspector.demo.model import Sampled
from inspector.demo.speech import Piece, Until, first_sentence, pieces


def _tokens(*data: bytes) -> list[Sampled]:
    return [Sampled(each, -1.0) for each in data]


def spell(text: str) -> Iterator[Piece]:
    """A text in pieces."""
    return pieces(certain(text))


def test_halves_of_a_character_leave_together() -> None:
    said = list(pieces(_tokens(b"a", b" \xf0\x9f", b"\x8c\x8a", b"b")))
    assert [piece.text for piece in said] == ["a", " 🌊", "b"]
    assert [piece.count for piece in said] == [1, 2, 1]


def test_a_half_that_stays_alone_is_replaced() -> None:
    assert "".join(piece.text for piece in pieces(_tokens(b"a", b"\xf0\x9f"))) == "a�"
    assert "".join(piece.text for piece in pieces(_tokens(b"\xf0\x9f", b" b"))) == "� b"


def test_the_first_sentence_ends_at_its_full_stop() -> None:
    assert "".join(piece.text for piece in first_sentence(spell("Look. Then act."), 40)) == "Look."
    assert "".join(piece.text for piece in first_sentence(spell("one two three"), 2)) == "one two"


@pytest.mark.parametrize(
    ("text", "stops", "said", "found"),
    [
        ("one two three", (" two",), "one", " two"),
        ("one two three", ("ee",), "one two thr", "ee"),
        ("one two three", ("three four",), "one two three", None),
        ("one two three", ("three", "two"), "one ", "two"),
        ("one two three", ("",), "one two three", None),
        ("one two three", (), "one two three", None),
    ],
)
def test_stop_sequences(text: str, stops: tuple[str, ...], said: str, found: str | None) -> None:
    until = Until(spell(text), stops)
    assert "".join(piece.text for piece in until) == said
    assert until.found == found


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("ab", min_size=1, max_size=3), max_size=12), st.text("ab", min_size=1, max_size=4))
def test_what_is_said_is_the_text_before_the_stop(texts: list[str], stop: str) -> None:
    until = Until((Piece(text) for text in texts), (stop,))
    assert "".join(piece.text for piece in until) == "".join(texts).partition(stop)[0]
