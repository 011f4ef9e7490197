"""The demo server's prompt cache: how many tokens of a prompt it has really seen before, at the same place."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from inspector.demo.tokens import count, tokenise

BLOCK = 32
"""Tokens are cached in blocks of this size; providers use 128 and more, for longer prompts."""
REMEMBERED = 64
"""How many prompts are kept."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The size of a prompt in tokens, and how much of it was there before."""

    total: int
    cached: int = 0
    written: int = 0
    """How many of its tokens the cache keeps from now on, beside those."""


class PromptCache:
    """Remembers the latest prompts of every model."""

    def __init__(self) -> None:
        self._prompts: deque[tuple[str, tuple[str, ...]]] = deque(maxlen=REMEMBERED)

    def add(self, model: str, segments: Sequence[str]) -> Counted:
        """Count a prompt and remember it. A model shares nothing with another."""
        prompt = tuple(segments)
        shared = max((_shared(prompt, other) for name, other in self._prompts if name == model), default=0)
        self._prompts.append((model, prompt))
        total, cached = size(prompt), shared // BLOCK * BLOCK
        return Counted(total, cached, total // BLOCK * BLOCK - cached)


def size(segments: Sequence[str]) -> int:
    """How many tokens a prompt has."""
    return sum(_count(segment) for segment in segments)


def _shared(prompt: Sequence[str], other: Sequence[str]) -> int:
    """How many tokens two prompts have in common at their beginning."""
    tokens = 0
    for mine, theirs in zip(prompt, other, strict=False):
        if mine == theirs:
            tokens += _count(mine)
            continue
        pairs = zip(tokenise(mine), tokenise(theirs), strict=False)
        return tokens + next((place for place, (a, b) in enumerate(pairs) if a != b), min(_count(mine), _count(theirs)))
    return tokens


@lru_cache(maxsize=4096)
def _count(segment: str) -> int:
    return count(segment)
