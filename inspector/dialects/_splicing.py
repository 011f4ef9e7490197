"""What splicers share: words that an answer repeats at its beginning, and token counts of two answers made one."""

from __future__ import annotations

from typing import Generic, TypeVar

from inspector.dialects._base import Json

_T = TypeVar("_T")

_TELLING = 20
"""Characters that no model repeats by chance."""
_WORDLESS = 64
"""Events without words that wait among those with words."""


class Echo(Generic[_T]):
    """Finds out whether an answer begins with the very words that it was to go on from, as some servers let it.

    Events wait for as long as their words might be such a repetition: at most as many as it has characters, and a few.
    """

    def __init__(self, before: str) -> None:
        self._before = before if len(before) > _TELLING else ""
        self._said = ""
        self._waiting: list[tuple[_T, int]] = []

    def take(self, event: _T, words: str) -> list[tuple[_T, int]]:
        """Take the next event, which brings `words`. Gives the events that go on now, each with the number of
        characters that it repeats.
        """
        if not self._before or not (words or self._said):
            return [(event, 0)]
        self._said += words
        self._waiting.append((event, len(words)))
        if self._said.startswith(self._before):
            return self._release(len(self._before))
        if self._before.startswith(self._said) and len(self._waiting) < len(self._before) + _WORDLESS:
            return []
        return self._release(0)

    def end(self) -> list[tuple[_T, int]]:
        """No more words come: the events that still wait, which repeat nothing."""
        return self._release(0)

    def _release(self, repeated: int) -> list[tuple[_T, int]]:
        released: list[tuple[_T, int]] = []
        for event, length in self._waiting:
            released.append((event, min(length, repeated)))
            repeated -= released[-1][1]
        self._before, self._waiting = "", []
        return released


def summed(first: object, second: object) -> object:
    """A count of both answers where both have it: members of objects by their names. Else that of the second."""
    if isinstance(first, dict) and isinstance(second, dict):
        return {name: summed(first.get(name), value) for name, value in second.items()}
    if _is_number(first) and _is_number(second):
        return first + second  # type: ignore[operator]
    return second


def kept(first: Json, second: Json, names: frozenset[str]) -> Json:
    """The second's fields; those with these names are the first's, and go where it has none."""
    left = {name: value for name, value in second.items() if name not in names or name in first}
    return {name: first[name] if name in names else value for name, value in left.items()}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
