"""A small honest language model: n-grams over the tokens of one text, with real, normalised probabilities.

The orders 1 to 4 are interpolated by absolute discounting: every count seen after a context gives `DISCOUNT` away, and
what is given away goes to the next shorter context. The probabilities of all tokens sum to one.
https://en.wikipedia.org/wiki/Kneser%E2%80%93Ney_smoothing (the interpolated form, with plain lower-order counts)
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from heapq import nlargest
from importlib.resources import files

from inspector.demo.tokens import tokenise

ORDER = 4
DISCOUNT = 0.1
TOPIC_BOOST = 2.5
"""How many times likelier a word becomes when the prompt has it."""
END = b"<|end|>"
"""The token that ends an answer; it is sampled like any other, and never shown."""
BREAK = b"\n\n"
_START = -1
"""Stands before every paragraph, after its section; it is never spoken."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A token and its log-probability at its place."""

    data: bytes
    logprob: float


@dataclass(frozen=True, slots=True)
class Sampled:
    """A token that was chosen, with the likeliest ones at its place (the chosen one is among them, or is not)."""

    data: bytes
    logprob: float
    top: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class Speaking:
    """How to sample: what the prompt is about, how boldly, and what to tell of each choice."""

    topic: frozenset[bytes] = frozenset()
    """Tokens of the prompt; `TOPIC_BOOST` times likelier than the text alone makes them."""
    temperature: float = 1.0
    """Sharpens (below 1) or flattens the choice; 0 takes the likeliest. What is reported stays at temperature 1."""
    top: int = 0
    """How many alternatives to report for each token."""
    endless: bool = False
    """Whether the end is ruled out: `END` gets probability zero, the others share it."""


class NGramModel:
    """Counts of what follows what. The name of a section stands before each of its paragraphs, and is never spoken."""

    def __init__(self, sections: Mapping[str, Sequence[str]]) -> None:
        self._ids: dict[bytes, int] = {END: 0, BREAK: 1}
        self._follow: list[dict[tuple[int, ...], Counter[int]]] = [{} for _ in range(ORDER)]
        self._sections = {name: -2 - place for place, name in enumerate(sections)}
        for name, paragraphs in sections.items():
            self._learn(self._sections[name], [tokenise(paragraph) for paragraph in paragraphs])
        self.vocabulary: tuple[bytes, ...] = tuple(self._ids)
        unigrams = self._follow[0][()]
        total = unigrams.total()
        self._unigrams = [unigrams[token] / total for token in range(len(self.vocabulary))]

    @property
    def sections(self) -> tuple[str, ...]:
        """The names that an answer can open with."""
        return tuple(self._sections)

    def _learn(self, section: int, paragraphs: list[list[bytes]]) -> None:
        """Count a section: each paragraph with its end, and each as what may stand before the next."""
        spelled = [[self._ids.setdefault(token, len(self._ids)) for token in paragraph] for paragraph in paragraphs]
        for place, paragraph in enumerate(spelled):
            sequence = [section, _START, *paragraph, self._ids[END]]
            for end in range(2, len(sequence)):
                self._count(sequence[:end], sequence[end])
            bridge = [*paragraph[1 - ORDER :], self._ids[BREAK]]
            self._count(bridge[:-1], bridge[-1])
            following = spelled[(place + 1) % len(spelled)]
            for end, token in enumerate(following[: ORDER - 1]):
                self._count([*bridge, *following[:end]], token, shortest=end + 1)

    def _count(self, before: list[int], token: int, shortest: int = 0) -> None:
        """Count a token after each context that ends here, from the shortest to the longest."""
        for length in range(shortest, min(ORDER - 1, len(before)) + 1):
            context = tuple(before[len(before) - length :])
            self._follow[length].setdefault(context, Counter())[token] += 1

    def opening(self, section: str) -> tuple[int, ...]:
        """The context in which a paragraph of that section begins. KeyError where there is no such section."""
        return (self._sections[section], _START)

    def context(self, text: str, before: Sequence[int] = ()) -> tuple[int, ...]:
        """The context after `text`, which stands after `before`; words that the model never saw leave it empty."""
        known = list(before)
        for token in _in_paragraphs(text):
            if token in self._ids:
                known.append(self._ids[token])
            else:
                known.clear()
        return tuple(known[1 - ORDER :])

    def probabilities(self, context: Sequence[int], speaking: Speaking | None = None) -> list[float]:
        """The probability of every token of the vocabulary, in its order, after `context`. They sum to one."""
        share, seen = 1.0, []
        for length in range(min(ORDER - 1, len(context)), 0, -1):
            follow = self._follow[length].get(tuple(context[-length:]))
            if follow is not None:
                total = follow.total()
                seen.append((share / total, follow))
                share *= DISCOUNT * len(follow) / total
        weights = [share * weight for weight in self._unigrams]
        for scale, follow in seen:
            for token, times in follow.items():
                weights[token] += scale * (times - DISCOUNT)
        return self._bent(weights, speaking) if speaking else weights

    def _bent(self, weights: list[float], speaking: Speaking) -> list[float]:
        """The weights with the topic favoured and the end ruled out, as asked, and normalised again."""
        for token in speaking.topic:
            place = self._ids.get(token)
            if place is not None:
                weights[place] *= TOPIC_BOOST
        if speaking.endless:
            weights[0] = 0.0
        total = sum(weights)
        return [weight / total for weight in weights]

    def sample(self, context: Sequence[int], chance: random.Random, speaking: Speaking) -> Sampled:
        """Choose the token after `context`."""
        weights = self.probabilities(context, speaking)
        chosen = _choose(weights, chance, speaking.temperature)
        best = nlargest(speaking.top, range(len(weights)), key=weights.__getitem__) if speaking.top else ()
        top = tuple(Candidate(self.vocabulary[place], math.log(weights[place])) for place in best if weights[place])
        return Sampled(self.vocabulary[chosen], math.log(weights[chosen]), top)

    def speak(self, section: str, chance: random.Random, speaking: Speaking, beginning: str = "") -> Iterator[Sampled]:
        """Sample token by token, behind `beginning`, until the end comes; without end where `speaking` is endless."""
        context = self.context(beginning, self.opening(section))
        while True:
            sampled = self.sample(context, chance, speaking)
            if sampled.data == END:
                return
            yield sampled
            context = (*context[2 - ORDER :], self._ids[sampled.data])


def _in_paragraphs(text: str) -> Iterator[bytes]:
    """The tokens of a text as the model counts them: what parts two paragraphs is one."""
    for place, paragraph in enumerate(text.split(BREAK.decode())):
        if place:
            yield BREAK
        yield from tokenise(paragraph)


def _choose(weights: list[float], chance: random.Random, temperature: float) -> int:
    """An index, drawn by weight; at temperature 0 the heaviest."""
    if temperature <= 0.01:
        return max(range(len(weights)), key=weights.__getitem__)
    if temperature != 1.0:
        # By the heaviest, which stays 1: small weights may vanish at a low temperature, but not all of them.
        heaviest = max(weights)
        weights = [(weight / heaviest) ** (1 / temperature) for weight in weights]
    return chance.choices(range(len(weights)), weights)[0]


def read_sections(text: str) -> dict[str, list[str]]:
    """Read a text of `# section` lines and paragraphs parted by blank lines."""
    sections: dict[str, list[str]] = {}
    paragraphs: list[str] = []
    for block in text.strip().split("\n\n"):
        if block.startswith("# "):
            paragraphs = sections.setdefault(block[2:].strip(), [])
        else:
            paragraphs.append(" ".join(block.split()))
    return sections


@cache
def demo_model() -> NGramModel:
    """The model of the text that comes with the package; trained once a process."""
    return NGramModel(read_sections(files("inspector.demo").joinpath("corpus.txt").read_text("utf-8")))
