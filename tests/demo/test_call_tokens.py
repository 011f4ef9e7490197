"""Tokens of a tool call: joined they are the JSON, and their probabilities are those of the lots that were drawn."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.demo.arguments import Clues, Draws, fill
from inspector.demo.call_tokens import Sentence, argument_tokens, certain
from inspector.demo.model import Candidate, Sampled
from inspector.demo.tokens import tokenise

LOTS = {
    "unit": {"enum": ["aa", "ab", "c"]},
    "count": {"type": "integer", "minimum": 9},
    "share": {"type": "number"},
    "deep": {"type": "boolean"},
    "list": {"type": "array", "items": {"type": "integer"}},
    "path": {"type": "string"},
}
SCHEMA = {"type": "object", "properties": LOTS, "required": list(LOTS)}
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def _filled(seed: int, schema: object = SCHEMA) -> tuple[dict[str, Any], list[Sampled]]:
    draws: Draws = {}
    arguments = fill(schema, Clues(), random.Random(seed), draws)
    return arguments, list(argument_tokens(arguments, draws))


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.text(max_size=6), _VALUES, max_size=4))
def test_joined_they_are_the_json_cut_as_any_text(arguments: dict[str, Any]) -> None:
    written = [token.data for token in argument_tokens(arguments, {})]
    assert written == tokenise(json.dumps(arguments, ensure_ascii=False))


@pytest.mark.parametrize("seed", range(30))
def test_lots_are_as_probable_as_they_are_drawn(seed: int) -> None:
    arguments, tokens = _filled(seed)
    assert [token.data for token in tokens] == tokenise(json.dumps(arguments))
    for token in tokens:
        assert math.fsum(math.exp(other.logprob) for other in token.top) == pytest.approx(1.0)
        assert token.logprob == next(other.logprob for other in token.top if other.data == token.data)
    share = 0.005 if arguments["share"] in (0.0, 1.0) else 0.01
    drawn = 1 / 3 * 1 / 3 * share * 1 / 2 * 1 / 3
    assert math.exp(math.fsum(token.logprob for token in tokens)) == pytest.approx(drawn)


def test_a_lot_goes_on_among_those_that_begin_like_it() -> None:
    schema = {"type": "object", "properties": {"u": {"enum": ["read it", "read on", "run"]}}, "required": ["u"]}
    seed = next(seed for seed in range(30) if _filled(seed, schema)[0]["u"] == "read on")
    probabilities = {token.data: math.exp(token.logprob) for token in _filled(seed, schema)[1]}
    assert probabilities[b"read"] == pytest.approx(2 / 3)
    assert probabilities[b" on"] == pytest.approx(1 / 2)
    assert probabilities[b' "'] == 1.0


def test_the_ways_of_a_lot_are_as_frequent_as_told() -> None:
    """What is told of the first token of `unit`, one third for `c`, against 900 drawings with fixed seeds."""
    drawn = [fill(SCHEMA, Clues(), random.Random(seed))["unit"] for seed in range(900)]
    assert 260 < drawn.count("c") < 340


def test_sentences_keep_what_they_were_sampled_with() -> None:
    said = (Sampled(b"Look", -1.5, (Candidate(b"Look", -1.5),)), Sampled(b".", -0.25))
    written = list(argument_tokens({"prompt": Sentence("Look.", said)}, {}))
    assert written[-4:-2] == list(said)
    assert b"".join(token.data for token in written) == b'{"prompt": "Look."}'
    quoted = Sentence('"', (Sampled(b'"', -1.0),))
    assert b"".join(token.data for token in argument_tokens({"a": quoted}, {})) == rb'{"a": "\""}'


def test_what_is_settled_is_certain() -> None:
    assert [(token.logprob, token.top) for token in certain("Read")] == [(0.0, (Candidate(b"Read", 0.0),))]
