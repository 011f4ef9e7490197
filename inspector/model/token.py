"""Tokens: what a model chose, how probable that was, and what else it might have said."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Channel = Literal["content", "refusal", "reasoning", "tool_name", "tool_arguments", "prompt"]
"""Where in an answer a token stands; `prompt` where the answer tells of the prompt's tokens, which no model wrote."""

OUT_OF_RANGE = -9999.0
"""What OpenAI and vLLM send for a token outside of those that they rank: its probability is not known."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """A token that might have stood at a place, or the one that does."""

    data: bytes
    """UTF-8; it need not be whole characters."""
    logprob: float | None
    """The natural logarithm of its probability; None where that is not known."""
    id: int | None = None
    """Its number in the model's vocabulary."""

    @property
    def text(self) -> str:
        """Its text; bytes that are no whole character stand as U+FFFD."""
        return self.data.decode("utf-8", "replace")


@dataclass(slots=True)
class Token:
    """One token of an answer. Its alternatives stay bytes in the response until somebody looks at them."""

    data: bytes
    """UTF-8; it need not be whole characters."""
    logprob: float | None = None
    """The natural logarithm of its probability; None where the provider did not say."""
    id: int | None = None
    """Its number in the model's vocabulary."""
    channel: Channel = "content"
    choice: int = 0
    call: int = -1
    """Which of the choice's tool calls it belongs to; -1 for none."""
    entropy: float | None = None
    """How open the choice was, in bits; None where no alternatives came."""
    event: int = 0
    """Which event of the response brought it, from 0."""
    place: int = 0
    """Which token of that event it is, from 0."""

    @property
    def text(self) -> str:
        """Its text; bytes that are no whole character stand as U+FFFD."""
        return self.data.decode("utf-8", "replace")

    @property
    def probability(self) -> float | None:
        """From 0 to 1."""
        return probability(self.logprob)


@dataclass(slots=True)
class Certainty:
    """How sure the model was of its answer so far: sums over its tokens, from which the means follow."""

    tokens: int = 0
    """Tokens whose log-probability is known."""
    logprob_sum: float = 0.0
    probability_sum: float = 0.0
    lowest: float | None = None
    """The log-probability of the least probable token."""
    entropies: int = 0
    """Tokens whose alternatives came."""
    entropy_sum: float = 0.0
    """In bits."""
    highest_entropy: float | None = None

    def add(self, logprob: float | None, entropy: float | None = None) -> None:
        """Count one token."""
        if logprob is not None and logprob > OUT_OF_RANGE:
            self.tokens += 1
            self.logprob_sum += logprob
            self.probability_sum += math.exp(min(logprob, 0.0))
            if self.lowest is None or logprob < self.lowest:
                self.lowest = logprob
        if entropy is not None:
            self.entropies += 1
            self.entropy_sum += entropy
            if self.highest_entropy is None or entropy > self.highest_entropy:
                self.highest_entropy = entropy

    @property
    def mean_logprob(self) -> float | None:
        """The mean log-probability of a token."""
        return self.logprob_sum / self.tokens if self.tokens else None

    @property
    def mean_probability(self) -> float | None:
        """The mean probability of a token, 0 to 1."""
        return self.probability_sum / self.tokens if self.tokens else None

    @property
    def perplexity(self) -> float | None:
        """Among how many equally probable tokens the model chose, in the mean: e to the minus mean log-probability."""
        return math.exp(min(-self.logprob_sum / self.tokens, 700.0)) if self.tokens else None

    @property
    def mean_entropy(self) -> float | None:
        """In bits."""
        return self.entropy_sum / self.entropies if self.entropies else None


def probability(logprob: float | None) -> float | None:
    """From 0 to 1; None where it is not known."""
    return None if logprob is None or logprob <= OUT_OF_RANGE else math.exp(min(logprob, 0.0))


def surprisal(logprob: float | None) -> float | None:
    """How much a token tells, in bits: minus the binary logarithm of its probability."""
    return None if logprob is None or logprob <= OUT_OF_RANGE else -logprob / math.log(2)


def entropy(logprobs: Iterable[float | None]) -> float:
    """How open a choice was, in bits. What the known probabilities leave of 1 counts as one more outcome."""
    sum_known = spread = 0.0
    for logprob in logprobs:
        if logprob is not None and logprob > OUT_OF_RANGE:
            nats = logprob if logprob < 0.0 else 0.0
            known = math.exp(nats)
            sum_known += known
            spread -= known * nats
    rest = 1.0 - sum_known
    if rest > 1e-9:
        spread -= rest * math.log(rest)
    return spread / math.log(2) + 0.0


def margin(alternatives: Sequence[Alternative]) -> float | None:
    """By how much the most probable alternative leads before the second, from 0 to 1; None where there are not two."""
    known = sorted((p for each in alternatives if (p := probability(each.logprob)) is not None), reverse=True)
    return known[0] - known[1] if len(known) > 1 else None
