"""Tokens: nothing is lost, and rare signs come in halves."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.demo.tokens import count, spelled, tokenise


def test_words_keep_their_blank_and_lose_their_ending() -> None:
    assert tokenise("The boats were waiting, 12345.") == [
        b"The", b" boats", b" were", b" wait", b"ing", b",", b" 123", b"45", b"."
    ]  # fmt: skip


def test_a_sign_of_four_bytes_is_two_tokens() -> None:
    halves = tokenise(" 🌊é")
    assert halves == [b" \xf0\x9f", b"\x8c\x8a", "é".encode()]
    assert [spelled(half) for half in halves] == [" \\xf0\\x9f", "\\x8c\\x8a", "é"]


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_tokens_joined_are_the_text(text: str) -> None:
    assert b"".join(tokenise(text)).decode() == text
    assert count(text) == len(tokenise(text))
