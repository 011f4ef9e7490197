"""Which line of a tab holds a hit that was found elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import islice, takewhile

from inspector.store.search_finder import Excerpt
from inspector.tui.text import printable

MOST = 2000
"""Lines that are compared."""
_BLANKS = re.compile(r"\s+")


def best_line(
    lines: Iterable[int], text: Callable[[int], str], needle: str, excerpt: Excerpt, twin: int = 0
) -> int | None:
    """Among the lines that hold `needle`, the one where most of what stands around a hit stands around it, too.

    `twin`: how many hits just like it come before it. None where there are no lines.
    """
    scores = {line: _likeness(text(line), needle, excerpt) for line in islice(lines, MOST)}
    best = [line for line, score in scores.items() if score == max(scores.values())]
    return best[min(twin, len(best) - 1)] if best else None


def _likeness(text: str, needle: str, excerpt: Excerpt) -> int:
    """How many characters on both sides of a match are the same, at the place where that are most."""
    text, needle = _flat(text), _flat(needle)
    before, after = _flat(excerpt.before)[::-1], _flat(excerpt.after)
    best, at = 0, text.find(needle)
    while at >= 0:
        left = _same(before, text[max(0, at - len(before)) : at][::-1])
        best = max(best, left + _same(after, text[at + len(needle) : at + len(needle) + len(after)]))
        at = text.find(needle, at + 1)
    return best


def _same(left: str, right: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False)))


def _flat(text: str) -> str:
    return printable(_BLANKS.sub(" ", text)).lower()
