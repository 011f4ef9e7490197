"""Finding a pattern in texts, each looked at once however often it comes by."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field

from inspector.store.search_pattern import Pattern
from inspector.store.search_places import unescaped

PER_TEXT = 200
"""Matches in one text that are kept; all are counted."""
KEPT = 20_000
"""Excerpts that are remembered."""
COUNTS = 500_000
"""Texts of which it is remembered how many matches they have."""
BEFORE, FOUND, EXCERPT = 48, 80, 160
"""Characters of an excerpt: before the match, of the match itself, and in all."""
_ESCAPED = 6
"""Characters that one may take in JSON."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """One match in a text, with what stands around it, as it came."""

    offset: int
    """Where it begins, in characters of its text; about so where the text was unescaped to find it."""
    before: str
    found: str
    after: str
    escaped: bool = False
    """Whether it stands there with JSON's escapes."""

    @property
    def around(self) -> str:
        """All of it."""
        return self.before + self.found + self.after

    @property
    def needle(self) -> str:
        """What finds it in the text as it is written: the longest line of it."""
        if self.escaped:
            return json.dumps(self.found, ensure_ascii=False)[1:-1]
        return max(self.found.split("\n"), key=len)


@dataclass(slots=True)
class Matches:
    """What was found in one text."""

    count: int = 0
    excerpts: list[Excerpt] = field(default_factory=list)
    """The first of them."""

    def add(self, text: str, start: int, end: int, base: int = 0, *, escaped: bool = False) -> None:
        """One more, at this place of a text that begins at `base`."""
        self.count += 1
        if len(self.excerpts) < PER_TEXT:
            found = text[start : min(end, start + FOUND)]
            before = text[max(0, start - BEFORE) : start]
            after = text[end : end + EXCERPT - len(before) - len(found)]
            self.excerpts.append(Excerpt(base + start, before, found, after, escaped))


class Finder:
    """Looks for one pattern. Its generators yield after each slice, and return what they found."""

    def __init__(self, pattern: Pattern) -> None:
        self._pattern = pattern
        self._known: OrderedDict[int, Matches] = OrderedDict()
        self._size = 0
        self._counts: dict[int, int] = {}

    def count_of(self, text: str, *, is_json: bool = False) -> int | None:
        """How many matches a text has; None where it was not looked at, or is forgotten."""
        return self._counts.get(hash((text, is_json)))

    def in_text(self, text: str, *, is_json: bool = False, keep: bool = True) -> Generator[None, None, Matches]:
        """The matches in a text; where there is none in JSON, those in what its escapes stand for.

        With `keep`, the next text like this one costs nothing.
        """
        key = hash((text, is_json))
        known = self._known.get(key)
        if known is not None:
            return known
        matches = Matches()
        yield from self._look(text, matches)
        if is_json and not matches.count and "\\" in text:
            yield from self._look(unescaped(text), matches, escaped=True)
        if keep:
            self._remember(key, matches)
        return matches

    def in_pieces(self, pieces: Iterable[str]) -> Generator[None, None, Matches]:
        """The matches in a text that comes in pieces; where a piece has none, those in what its escapes stand for.

        A match across two pieces is found as far as the pattern reaches.
        """
        matches = Matches()
        tail, base, free = "", 0, 0
        for piece in pieces:
            text, before = tail + piece, matches.count
            for window in self._pattern.windows(text, max(0, free - base)):
                for start, end in window:
                    free = base + end
                    if end > len(tail):
                        matches.add(text, start, end, base)
                yield
            if matches.count == before and "\\" in text:
                yield from self._look(unescaped(text), matches, len(unescaped(tail)), base, escaped=True)
            kept = min(len(text), max(EXCERPT, self._pattern.reach * _ESCAPED))
            base, tail = base + len(text) - kept, text[len(text) - kept :]
        return matches

    def _look(
        self, text: str, matches: Matches, begun: int = 0, base: int = 0, *, escaped: bool = False
    ) -> Iterator[None]:
        """Add the matches in a text that do not end before `begun`."""
        for window in self._pattern.windows(text):
            for start, end in window:
                if end > begun:
                    matches.add(text, start, end, base, escaped=escaped)
            yield

    def _remember(self, key: int, matches: Matches) -> None:
        if len(self._counts) >= COUNTS:
            self._counts.clear()
        self._counts[key] = matches.count
        if matches.count:
            self._known[key] = matches
            self._size += len(matches.excerpts)
        while self._size > KEPT:
            _, gone = self._known.popitem(last=False)
            self._size -= len(gone.excerpts)
