"""What was worked out of flows for somebody who knows them, kept as long as that one lives."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from inspector.model.flow import Flow
from inspector.store.filter_field import Known

_T = TypeVar("_T")


class Kept(Generic[_T]):
    """One thing a flow; of those that were not asked for lately, no more than `budget` together weigh."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._shelves: WeakKeyDictionary[Known, _Shelf[_T]] = WeakKeyDictionary()

    def get(self, known: Known, flow_id: str) -> _T | None:
        """What is kept for a flow. Whether it still holds, the caller must find out."""
        shelf = self._shelves.get(known)
        entry = shelf.entries.get(flow_id) if shelf is not None else None
        if shelf is None or entry is None:
            return None
        shelf.entries.move_to_end(flow_id)
        return entry[0]

    def put(self, known: Known, flow_id: str, thing: _T, weight: int) -> None:
        """Keep something in the place of what was kept; what weighs more than all may weigh is not kept."""
        shelf = self._shelves.setdefault(known, _Shelf())
        shelf.weight += weight - shelf.entries.pop(flow_id, (None, 0))[1]
        shelf.entries[flow_id] = thing, weight
        while shelf.weight > self._budget:
            shelf.weight -= shelf.entries.popitem(last=False)[1][1]


class _Shelf(Generic[_T]):
    """What is kept for one who knows flows, the latest last."""

    __slots__ = ("entries", "weight")

    def __init__(self) -> None:
        self.entries: OrderedDict[str, tuple[_T, int]] = OrderedDict()
        self.weight = 0


class OnceEnded(Generic[_T]):
    """What a function gives for a flow, asked once when the flow has ended: most of the flows in a list have."""

    def __init__(self, value: Callable[[Flow, Known], _T], budget: int, weigh: Callable[[_T], int]) -> None:
        self._value = value
        self._weigh = weigh
        self._kept: Kept[tuple[Flow, tuple[int, int, int], _T]] = Kept(budget)

    def __call__(self, flow: Flow, known: Known) -> _T:
        if flow.live:
            return self._value(flow, known)
        stamp = flow.revision, len(flow.sent.body), len(flow.answered.body) if flow.answered is not None else -1
        kept = self._kept.get(known, flow.id)
        if kept is not None and kept[0] is flow and kept[1] == stamp:
            return kept[2]
        value = self._value(flow, known)
        self._kept.put(known, flow.id, (flow, stamp, value), self._weigh(value))
        return value


def once_counted(value: Callable[[Flow, Known], _T]) -> OnceEnded[_T]:
    """A number of each flow, worked out once."""
    return OnceEnded(value, 65_536, lambda number: 1)


def once_said(value: Callable[[Flow, Known], tuple[str, ...]]) -> OnceEnded[tuple[str, ...]]:
    """Texts of each flow, worked out once; those of a few megabytes are kept."""
    return OnceEnded(value, 8 * 1024 * 1024, lambda texts: 128 + sum(map(len, texts)))
