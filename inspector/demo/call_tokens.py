"""The tokens of a tool call, and how probable each was. What the script settles is certain; what it draws is not.

The probability of a token in a value that was drawn is the share of those values that go on with it among those that
begin as this one does. Sentences of the model's own have the probabilities that they were sampled with.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from inspector.demo.arguments import Draw, Draws
from inspector.demo.model import Candidate, Sampled
from inspector.demo.tokens import tokenise
from inspector.wire.json_path import Path


class Sentence(str):
    """Words of the model's own, with the tokens that they were made of."""

    __slots__ = ("tokens",)

    tokens: tuple[Sampled, ...]

    def __new__(cls, text: str, tokens: tuple[Sampled, ...] = ()) -> Sentence:
        """A sentence, and what it was made of."""
        made = super().__new__(cls, text)
        made.tokens = tokens
        return made


def certain(text: str) -> Iterator[Sampled]:
    """A text that could not have been another."""
    for token in tokenise(text):
        yield Sampled(token, 0.0, (Candidate(token, 0.0),))


def argument_tokens(arguments: Mapping[str, Any], draws: Draws) -> Iterator[Sampled]:
    """The arguments of a call as JSON. Joined, the tokens are what `json.dumps` writes."""
    return _written(arguments, (), draws, "")


def _written(value: Any, path: Path, draws: Draws, lead: str) -> Iterator[Sampled]:
    """A value, with the blank that stands before it."""
    if path in draws:
        yield from _drawn(value, draws[path], lead)
    elif isinstance(value, Sentence) and _dumped(value) == f'"{value}"':
        yield from certain(f'{lead}"')
        yield from value.tokens
        yield from certain('"')
    elif isinstance(value, dict) and value:
        yield from certain(f"{lead}{{")
        for place, (key, inner) in enumerate(value.items()):
            yield from certain(f"{', ' if place else ''}{_dumped(key)}:")
            yield from _written(inner, (*path, key), draws, " ")
        yield from certain("}")
    elif isinstance(value, list) and value:
        yield from certain(f"{lead}[")
        for place, inner in enumerate(value):
            yield from certain("," if place else "")
            yield from _written(inner, (*path, place), draws, " " if place else "")
        yield from certain("]")
    else:
        yield from certain(lead + _dumped(value))


def _drawn(value: Any, draws: Sequence[Draw], lead: str) -> Iterator[Sampled]:
    """A value, each token with its share among the values that might still have come."""
    left = [(tokenise(lead + _dumped(draw.value)), draw.weight) for draw in draws]
    for place, token in enumerate(tokenise(lead + _dumped(value))):
        shares: dict[bytes, float] = {}
        for tokens, weight in left:
            if place < len(tokens):
                shares[tokens[place]] = shares.get(tokens[place], 0.0) + weight
        total = sum(weight for _, weight in left)
        top = [Candidate(data, math.log(share / total)) for data, share in shares.items()]
        top.sort(key=lambda candidate: -candidate.logprob)
        yield Sampled(token, math.log(shares[token] / total), tuple(top))
        left = [(tokens, weight) for tokens, weight in left if tokens[place : place + 1] == [token]]


def _dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
