"""Breakpoints: a filter and a moment. Where both come together, the flow is held."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from inspector.model.flow import Moment
from inspector.store.filter_residual import earliest_moment, first_moment
from inspector.store.filters import Filter, parse


@dataclass(slots=True, eq=False)
class Breakpoint:
    """One breakpoint."""

    moment: Moment
    filter: Filter
    on: bool = True
    hits: int = 0
    """How many times it held a flow."""
    kept: bool = True
    """Whether it outlives the program."""

    def __str__(self) -> str:
        """As it is written: `event tool:Bash arg.command~"rm "`."""
        return f"{self.moment} {self.filter.text}".rstrip()


class WrongFilter(ValueError):
    """What is wrong with `text[start:end]` of a breakpoint as it was written."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.start = start
        self.end = end


class Breakpoints:
    """All breakpoints, in the order in which they were made."""

    def __init__(self, texts: Iterable[str] = (), changed: Callable[[], None] | None = None) -> None:
        """`changed` is called after every change that is to be kept. ValueError for a text that is no breakpoint."""
        self._all: list[Breakpoint] = [parse_breakpoint(text) for text in texts]
        self._changed = changed

    def add(self, text: str, *, kept: bool = True) -> Breakpoint:
        """Add one as it is written. ValueError, in words for the person, where it means nothing."""
        breakpoint = parse_breakpoint(text)
        breakpoint.kept = kept
        self._all.append(breakpoint)
        self._tell(breakpoint)
        return breakpoint

    def remove(self, breakpoint: Breakpoint) -> None:
        """Take one out. Flows that it watches are free of it at once."""
        self._all.remove(breakpoint)
        breakpoint.on = False
        self._tell(breakpoint)

    def switch(self, breakpoint: Breakpoint) -> None:
        """Turn one off, or on again."""
        breakpoint.on = not breakpoint.on
        self._tell(breakpoint)

    def restore(self, breakpoints: Iterable[Breakpoint]) -> None:
        """Take these for all, as they were kept; nobody is told."""
        for breakpoint in self._all:
            breakpoint.on = False
        self._all = list(breakpoints)

    def active(self, *moments: Moment) -> list[Breakpoint]:
        """Those that are on, of these moments."""
        return [each for each in self._all if each.on and each.moment in moments]

    def __iter__(self) -> Iterator[Breakpoint]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def _tell(self, breakpoint: Breakpoint) -> None:
        if self._changed is not None and breakpoint.kept:
            self._changed()


def parse_breakpoint(text: str) -> Breakpoint:
    """Read `[MOMENT] FILTER`. Where no moment is named, it is the first at which all of the filter can have an answer.

    A moment alone stops every flow. ValueError, in words for the person, for a text that means nothing; WrongFilter
    where one place of it is to blame.
    """
    first, *rest = text.split(maxsplit=1) or [""]
    named = first.lower() in tuple(Moment)
    filtered = "".join(rest) if named else text.lstrip()
    found = parse(filtered.rstrip())
    if found.errors:
        error, before = found.errors[0], len(text) - len(filtered)
        raise WrongFilter(error.message, before + error.start, before + error.end)
    if named:
        moment, earliest = Moment(first.lower()), earliest_moment(found.term)
        if list(Moment).index(moment) < list(Moment).index(earliest):
            words = f"this cannot hold at {moment}: what it asks for is known from {earliest} on"
            raise WrongFilter(words, len(text) - len(filtered), len(text))
        return Breakpoint(moment, found)
    if found.term is None:
        raise ValueError(f"a breakpoint is a filter, a moment ({', '.join(Moment)}), or both")
    return Breakpoint(first_moment(found.term), found)
