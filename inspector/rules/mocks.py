"""Rules that answer in the upstream's place, or break its answer: mocks and faults."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from inspector.model.flow import Flow
from inspector.rules.replies import Reply
from inspector.store.filters import Filter
from inspector.store.transcripts import Transcripts


@dataclass(slots=True, eq=False)
class MockRule:
    """One rule."""

    filter: Filter
    """The requests that it is for."""
    reply: Reply
    on: bool = True
    count: int | None = None
    """How many times it acts at most; None for ever."""
    probability: float = 1.0
    """The share of these requests in which it acts."""
    seed: int = 0
    """The same seed acts on the same requests of a series."""
    hits: int = 0
    """How many times it acted."""
    _chance: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    @property
    def spent(self) -> bool:
        """Whether it acted as often as it may."""
        return self.count is not None and self.hits >= self.count

    def takes(self, flow: Flow, transcripts: Transcripts) -> bool:
        """Whether it acts on this request, which is then counted. Asked once for each: it throws its dice."""
        if not self.on or self.spent or not self.filter.matches(flow, transcripts):
            return False
        if self.probability < 1 and self._chance.random() >= self.probability:
            return False
        self.hits += 1
        return True


class Mocks:
    """All mock and fault rules, in the order in which they are asked."""

    def __init__(self, rules: Iterable[MockRule] = (), changed: Callable[[], None] | None = None) -> None:
        """`changed` is called after every change that is to be kept."""
        self._all = list(rules)
        self._changed = changed

    def pick(self, flow: Flow, transcripts: Transcripts) -> MockRule | None:
        """The first rule that acts on a flow whose request has come whole."""
        for rule in self._all:
            if rule.takes(flow, transcripts):
                return rule
        return None

    def add(self, rule: MockRule) -> None:
        """Add one, behind the others."""
        self._all.append(rule)
        self._tell()

    def remove(self, rule: MockRule) -> None:
        """Take one out."""
        self._all.remove(rule)
        self._tell()

    def switch(self, rule: MockRule) -> None:
        """Turn one off, or on again."""
        rule.on = not rule.on
        self._tell()

    def restore(self, rules: Iterable[MockRule]) -> None:
        """Take these for all, as they were kept; nobody is told."""
        self._all = list(rules)

    def __iter__(self) -> Iterator[MockRule]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def _tell(self) -> None:
        if self._changed is not None:
            self._changed()
