"""How a request asks the demo server to misbehave: by words in the model's name, a header, or the prompt.

- the model's name: `demo-small-cut`;
- the header `x-demo-behaviour: slow, cut`;
- a marker in the last words of the user: `[demo: 529 once]`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

HEADER = "x-demo-behaviour"
_MARKER = re.compile(r"\[demo:([^\]]*)\]", re.IGNORECASE)
_WORDS = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What was asked for; nothing of it by default."""

    status: int | None = None
    """`429` (with a retry-after), `500` or `529`: fail with this status."""
    once: bool = False
    """`once`: misbehave only the first time that this very body comes, so that a retry succeeds."""
    slow: bool = False
    """`slow`: long until the first token, and slow after it."""
    cut: bool = False
    """`cut`: the connection breaks off in the middle of the answer."""
    error: bool = False
    """`error`: the stream ends in an error event; an answer that does not stream fails with 529."""
    long: bool = False
    """`long`: an answer of up to `LONG_ANSWER` tokens."""


LONG_ANSWER = 5000


def behaviour(model: str, header: str, words: str) -> Behaviour:
    """Read what the model's name, the header's value and the user's words ask for."""
    marked = " ".join(_MARKER.findall(words))
    asked = set(_WORDS.findall(f"{model} {header} {marked}".lower()))
    return Behaviour(
        status=next((status for status in (429, 500, 529) if str(status) in asked), None),
        once="once" in asked,
        slow="slow" in asked,
        cut="cut" in asked,
        error="error" in asked,
        long="long" in asked,
    )


def unmarked(words: str) -> str:
    """The words without the markers: what the model is really asked."""
    return _MARKER.sub("", words)
