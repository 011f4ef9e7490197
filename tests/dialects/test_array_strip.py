"""Values taken out of a JSON array that streams, member by member."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects._array_strip import ArrayStrip
from inspector.dialects._gemini_logprobs import GeminiLogprobs

ADDED = ("generationConfig.responseLogprobs",)


def piece(word: str, asked: bool) -> dict[str, Any]:
    """A piece of a stream."""
    tokens = {"logprobsResult": {"chosenCandidates": [{"token": word}]}} if asked else {}
    return {"candidates": [{"content": {"parts": [{"text": word}]}, **tokens, "index": 0}]}


def array(words: list[str], asked: bool, glue: str = ",\r\n", blank: str = "") -> bytes:
    """A stream of them."""
    return f"{blank}[{glue.join(json.dumps(piece(word, asked)) for word in words)}\n]\n".encode()


def fed(strip: ArrayStrip, body: bytes, cuts: list[int]) -> bytes:
    """A body that comes in pieces."""
    edges = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    return b"".join(strip.feed(body[a:b]) for a, b in pairwise(edges)) + strip.close()


def strip() -> ArrayStrip:
    """Gemini's."""
    made = GeminiLogprobs().strip(ADDED)
    assert isinstance(made, ArrayStrip)
    return made


@settings(max_examples=100)
@given(
    words=st.lists(st.sampled_from(["a", '"[{', "}],\\", "ü", ""]), max_size=5),
    glue=st.sampled_from([",", ",\r\n", " , "]),
    blank=st.sampled_from(["", "\n ", "\ufeff"]),
    cuts=st.lists(st.integers(0, 10_000), max_size=8),
)
def test_what_is_left_is_what_comes_unasked_wherever_it_is_cut(
    words: list[str], glue: str, blank: str, cuts: list[int]
) -> None:
    assert fed(strip(), array(words, True, glue, blank), cuts) == array(words, False, glue, blank)


def test_a_member_goes_on_as_soon_as_it_is_whole() -> None:
    stripping, (one, two) = strip(), (json.dumps(piece(word, True)).encode() for word in "ab")
    plain = json.dumps(piece("a", False)).encode()
    assert stripping.feed(b"[" + one[:-1]) == b""
    assert stripping.feed(one[-1:]) == b"[" + plain
    assert stripping.feed(b"," + two[:5]) == b""


@pytest.mark.parametrize(
    "body", [b"", b" \n", b"\xef\xbb\xbf", b"[", b"[]", b'[{"a":', b'{"error": {"code": 400}}', b"no"]
)
@given(cuts=st.lists(st.integers(0, 100), max_size=4))
@settings(max_examples=20)
def test_what_is_no_whole_array_goes_on_as_it_came(body: bytes, cuts: list[int]) -> None:
    assert fed(strip(), body, cuts) == body


def test_a_document_and_events_are_stripped_as_before() -> None:
    asked, plain = (json.dumps(piece("a", flag)).encode() for flag in (True, False))
    assert fed(strip(), asked, [7]) == plain == strip().document(asked)
    assert fed(strip(), b"data: " + asked + b"\n\n", [3, 9]) == b"data: " + plain + b"\n\n"
    assert strip().document(array(["a", "b"], True)) == array(["a", "b"], False)


def test_a_member_that_is_too_long_goes_on_as_it_came() -> None:
    long, short = json.dumps(piece("x" * 400, True)).encode(), json.dumps(piece("y", True)).encode()
    plain = json.dumps(piece("y", False)).encode()
    cuts = strip()._cuts
    for size in (1, 50, 10_000):
        stripping = ArrayStrip(cuts, limit=200)
        body = b"[" + long + b"," + short + b"]"
        out = b"".join(stripping.feed(body[at : at + size]) for at in range(0, len(body), size)) + stripping.close()
        assert out == b"[" + long + b"," + plain + b"]"
