"""A search through lines, done in slices; what it found stays right while lines are added and changed."""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable


class Search:
    """Looks for a text in lower case. `found` are the lines that hold it, as far as it came."""

    __slots__ = ("found", "pattern", "scanned")

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.found: list[int] = []
        self.scanned = 0
        """How many lines were looked at."""

    def advance(self, text: Callable[[int], str], count: int, seconds: float) -> None:
        """Look through further lines of `count` for about that long."""
        until = time.perf_counter() + seconds
        while self.scanned < count:
            if self.pattern in text(self.scanned).lower():
                self.found.append(self.scanned)
            self.scanned += 1
            if time.perf_counter() >= until:
                break

    def forget(self, first: int) -> None:
        """The lines from `first` on are other ones."""
        if first < self.scanned:
            self.scanned = first
            del self.found[bisect_left(self.found, first) :]

    def next(self, line: int, step: int) -> int | None:
        """The line that was found after this one, or before it where `step` is negative; past the end, from anew."""
        if not self.found:
            return None
        if step < 0:
            return self.found[bisect_left(self.found, line) - 1]
        return self.found[bisect_right(self.found, line) % len(self.found)]

    def place(self, line: int) -> int:
        """Which of the found lines this is, from 1; 0 where it is none of them."""
        at = bisect_left(self.found, line)
        return at + 1 if at < len(self.found) and self.found[at] == line else 0
