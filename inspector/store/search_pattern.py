"""What is searched for: plain words, or a `/regex/`; and where it stands in a text, window by window.

All lower case ignores case, a capital does not. No window takes long, whatever the text: Python's `re` can neither be
interrupted nor given a limit, so a regex gets windows so short that even its worst one ends soon (`search_effort`).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import Protocol

from inspector.store.search_effort import window_of

WINDOW = 1 << 18
"""Characters in which words are looked for at a time."""

_REACH = 256

Found = tuple[int, int]
"""Where a match begins and ends in its text, in characters."""


class Pattern(Protocol):
    """Something to be found."""

    @property
    def reach(self) -> int:
        """Characters that a match may have at most, about."""

    def windows(self, text: str, free: int = 0) -> Iterator[list[Found]]:
        """The matches in a text from `free` on, in their order and none within another: those of one window after
        another.
        """


class Words:
    """Words as they stand."""

    def __init__(self, text: str) -> None:
        self._ignores_case = text == text.lower()
        self._text = folded(text) if self._ignores_case else text

    @property
    def reach(self) -> int:
        """As many as the words."""
        return len(self._text)

    def windows(self, text: str, free: int = 0) -> Iterator[list[Found]]:
        """The matches in a text."""
        size = len(self._text)
        for start in range(0, len(text), WINDOW):
            part = text[start : start + WINDOW + size - 1]
            part = folded(part) if self._ignores_case else part
            found: list[Found] = []
            at = part.find(self._text, max(0, free - start))
            while at >= 0:
                free = start + at + size
                found.append((start + at, free))
                at = part.find(self._text, at + size)
            yield found


class Regex:
    """A regular expression of Python's, whose `^` and `$` stand at line breaks.

    A match reaches over half a window at most, where the text is longer than a window. One of nothing is none.
    """

    def __init__(self, text: str) -> None:
        """ValueError, in words, for what is no regex, and for one that could take for ever."""
        flags = re.MULTILINE | (re.NOFLAG if _has_capital(text) else re.IGNORECASE)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                self._regex = re.compile(text, flags)
            except (re.error, RecursionError, OverflowError) as error:
                raise ValueError(f"no regex: {error}") from None
            self.window = window_of(text, flags)
            """Characters that it is tried on at a time."""

    @property
    def reach(self) -> int:
        """What any match is sure to be found with, or a few hundred characters."""
        return min(self.window // 2, _REACH)

    def windows(self, text: str, free: int = 0) -> Iterator[list[Found]]:
        """The matches in a text."""
        start = 0
        while True:
            end = start + self.window
            following = end - self.window // 2 if end < len(text) else len(text) + 1
            found: list[Found] = []
            for match in self._regex.finditer(text, max(start, free), end):
                if match.start() >= following:
                    break
                free = match.end()
                if match.end() > match.start():
                    found.append(match.span())
            yield found
            if following > len(text):
                return
            start = following


def parse(text: str) -> Pattern:
    """What somebody typed. ValueError, in words, for nothing, and a regex that is none or cannot be searched for."""
    if not text:
        raise ValueError("nothing to search for")
    if len(text) > 2 and text.startswith("/") and text.endswith("/"):
        return Regex(text[1:-1])
    return Words(text)


def folded(text: str) -> str:
    """A text without capitals, each character in its place: `str.lower` makes two of one `İ`, and looks at the letters
    around a sigma.
    """
    return text.lower() if text.isascii() else text.replace("İ", "i").lower().replace("ς", "σ")


def _has_capital(regex: str) -> bool:
    """Whether a regex has a capital that stands for itself: not one of `\\S`, `(?P<…>)` and their like."""
    return any(char != char.lower() for char in re.sub(r"\\.|\(\?P", "", regex))
