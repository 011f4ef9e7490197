"""Two sequences, lined up: what both have in the same order. Bounded: no input makes it slow, only less clever.

Long work is written as generators that pause now and then (`Steps`), so that whoever draws can spread it over frames.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Generator, Hashable, Iterable, Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")

Steps = Generator[Any, None, T]
"""Work that pauses at every `yield` and gives its result at its end. Where it yields true, it waits for a thread: who
draws goes on with it in the next frame.
"""

PAUSE_EVERY = 250
"""Items from one pause to the next."""
SMALL = 200
"""Items on both sides together up to which every order is tried."""
_A_WHILE = 0.001
"""Seconds between two looks at a thread."""


class Match(NamedTuple):
    """A run that both sides have."""

    before: int
    after: int
    size: int


class Gap(NamedTuple):
    """What stands between two runs, on either side."""

    before: range
    after: range


def finish(steps: Steps[T]) -> T:
    """Do it all at once."""
    while True:
        try:
            if next(steps):
                time.sleep(_A_WHILE)
        except StopIteration as end:
            value: T = end.value
            return value


def numbered(items: Iterable[Hashable], numbers: dict[Hashable, int]) -> Steps[list[int]]:
    """The items as numbers, equal ones the same: to be compared often and cheaply."""
    result: list[int] = []
    for item in items:
        result.append(numbers.setdefault(item, len(numbers)))
        if len(result) % PAUSE_EVERY == 0:
            yield
    return result


def common_head(before: Sequence[object], after: Sequence[object]) -> Steps[int]:
    """How many items are the same from the beginning on."""
    size = min(len(before), len(after))
    for index in range(size):
        if before[index] != after[index]:
            return index
        if index % PAUSE_EVERY == PAUSE_EVERY - 1:
            yield
    return size


def matches(before: Sequence[int], after: Sequence[int]) -> Steps[list[Match]]:
    """The runs that both sides have, in order.

    Items that each side has once tell where long sequences belong together (as Bram Cohen's patience diff does); what
    lies between them is lined up item by item where it is short, and taken for different where it is long.
    """
    head = yield from common_head(before, after)
    tail = yield from common_head(before[head:][::-1], after[head:][::-1])
    ends = len(before) - tail, len(after) - tail
    yield
    stretches = _between(before, after, (head, head), ends)
    found = [Match(0, 0, head)]
    for count, (start, new_start, end, new_end) in enumerate(stretches):
        if count % PAUSE_EVERY == 0:
            yield
        if start < end and new_start < new_end and end - start + new_end - new_start <= SMALL:
            blocks = SequenceMatcher(None, before[start:end], after[new_start:new_end], autojunk=False)
            found += [Match(start + a, new_start + b, size) for a, b, size in blocks.get_matching_blocks()]
        if end < ends[0] and new_end < ends[1]:
            found.append(Match(end, new_end, 1))
    yield
    return _joined([*found, Match(*ends, tail)])


def gaps(found: Sequence[Match], before: int, after: int) -> list[Gap]:
    """What stands before each run and after the last, given how long both sides are; many of them are empty."""
    ends = [Match(0, 0, 0), *found, Match(before, after, 0)]
    return [
        Gap(range(left.before + left.size, right.before), range(left.after + left.size, right.after))
        for left, right in pairwise(ends)
    ]


def _between(
    before: Sequence[int], after: Sequence[int], start: tuple[int, int], end: tuple[int, int]
) -> list[tuple[int, int, int, int]]:
    """The stretches between the items that tell where both sides belong together: begin and end on either side."""
    old, new = Counter(before[start[0] : end[0]]), Counter(after[start[1] : end[1]])
    anchors: list[tuple[int, int]] = []
    if end[0] - start[0] + end[1] - start[1] > SMALL:
        places = {item: index for index, item in enumerate(after[start[1] : end[1]], start[1]) if new[item] == 1}
        pairs = [(index, places.get(item)) for index, item in enumerate(before[start[0] : end[0]], start[0])]
        anchors = _ascending([(a, b) for a, b in pairs if b is not None and old[before[a]] == 1])
    ends = [(start[0] - 1, start[1] - 1), *anchors, end]
    return [(a + 1, b + 1, c, d) for (a, b), (c, d) in pairwise(ends)]


def _ascending(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """As many of the pairs, ascending by their first, as ascend by their second too."""
    lowest: list[int] = []
    tops: list[int] = []
    behind: list[int] = []
    for index, (_, value) in enumerate(pairs):
        place = bisect_left(lowest, value)
        behind.append(tops[place - 1] if place else -1)
        lowest[place : place + 1], tops[place : place + 1] = [value], [index]
    chosen: list[tuple[int, int]] = []
    at = tops[-1] if tops else -1
    while at >= 0:
        chosen.append(pairs[at])
        at = behind[at]
    return chosen[::-1]


def _joined(found: list[Match]) -> list[Match]:
    """Runs that follow each other on both sides, as one; empty ones left out."""
    joined: list[Match] = []
    for run in found:
        last = joined[-1] if joined else None
        if last and (last.before + last.size, last.after + last.size) == (run.before, run.after):
            joined[-1] = Match(last.before, last.after, last.size + run.size)
        elif run.size:
            joined.append(run)
    return joined
