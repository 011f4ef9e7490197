"""Breakpoints: a filter and a moment. Where both come together, the flow is held."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from inspector.model.flow import Moment
from inspector.store.filters import Filter


@dataclass(slots=True, eq=False)
class Breakpoint:
    """One breakpoint."""

    moment: Moment
    filter: Filter
    on: bool = True
    hits: int = 0
    """How many times it held a flow."""

    def __str__(self) -> str:
        """As it is written: `event tool:Bash arg.command~"rm "`."""
        return f"{self.moment} {self.filter.text}".rstrip()


class Breakpoints:
    """All breakpoints, in the order in which they were made."""

    def __init__(self, texts: Iterable[str] = (), changed: Callable[[], None] | None = None) -> None:
        """`changed` is called after every change that is to be kept. ValueError for a text that is no breakpoint."""
        self._all: list[Breakpoint] = [parse_breakpoint(text) for text in texts]
        self._changed = changed

    def add(self, text: str) -> Breakpoint:
        """Add one as it is written. ValueError, in words for the person, where it means nothing."""
        breakpoint = parse_breakpoint(text)
        self._all.append(breakpoint)
        self._tell()
        return breakpoint

    def remove(self, breakpoint: Breakpoint) -> None:
        """Take one out."""
        self._all.remove(breakpoint)
        self._tell()

    def switch(self, breakpoint: Breakpoint) -> None:
        """Turn one off, or on again."""
        breakpoint.on = not breakpoint.on
        self._tell()

    def active(self, *moments: Moment) -> list[Breakpoint]:
        """Those that are on, of these moments."""
        return [each for each in self._all if each.on and each.moment in moments]

    def __iter__(self) -> Iterator[Breakpoint]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def _tell(self) -> None:
        if self._changed is not None:
            self._changed()


def parse_breakpoint(text: str) -> Breakpoint:
    """Read `[MOMENT] FILTER`; the moment is `request` where none is named."""
    raise NotImplementedError
