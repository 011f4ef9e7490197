"""The rows of the list: flows that pass a filter, in an order, kept up to date change by change."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from inspector.model.flow import Flow
from inspector.store import price_list
from inspector.store.backlog import Backlog
from inspector.store.filter_fields import FIELDS, NumberField
from inspector.store.filters import Filter
from inspector.store.flows import FlowStore
from inspector.store.summary import Summary
from inspector.store.transcripts import Transcripts

SLICE_MS = 8.0
"""Milliseconds that one update may take, about."""


@dataclass(frozen=True, slots=True)
class Sort:
    """An order: by a key of the filter language. Flows without a value come last, equals by arrival."""

    key: str
    """KeyError in `View.sort` where no such key is."""
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What an update did to the rows; false where nothing need be drawn anew."""

    reset: bool = False
    """Everything is new: filter or order were changed."""
    first_moved: int | None = None
    """Rows came, went or moved from this index on; it may be the index after the last row."""
    changed: tuple[int, ...] = ()
    """Rows before `first_moved` whose flow changed and that stand where they stood, ascending."""

    def __bool__(self) -> bool:
        return self.reset or self.first_moved is not None or bool(self.changed)


class View:
    """The rows. A puller: `update` takes in what changed in the store since the last call, and only that."""

    def __init__(self, store: FlowStore, transcripts: Transcripts) -> None:
        self.rows: list[Flow] = []
        """Read only: flows as they are to be shown."""
        self._store = store
        self._transcripts = transcripts
        self._filter = Filter()
        self._sort: Sort | None = None
        self._cursor = 0
        self._backlog = Backlog()
        self._reset = False
        self._priced = False
        self._keys: list[_Key] = []
        self._key_of: dict[str, _Key] = {}

    @property
    def filter(self) -> Filter:
        """What is shown. A new one empties the rows; the next updates fill them, the newest flows first."""
        return self._filter

    @filter.setter
    def filter(self, value: Filter) -> None:
        same = value.term == self._filter.term
        self._filter = value
        if not same:
            self._start_over()

    @property
    def sort(self) -> Sort | None:
        """The order; None is that of arrival. A new one makes the rows anew, as a new filter does."""
        return self._sort

    @sort.setter
    def sort(self, value: Sort | None) -> None:
        if value is not None and value.key not in FIELDS:
            raise KeyError(value.key)
        if value != self._sort:
            self._sort = value
            self._start_over()

    @property
    def pending(self) -> int:
        """Flows that the next updates have still to judge."""
        return len(self._backlog)

    def summary(self, flow: Flow) -> Summary:
        """The flow in one line; worked out anew only after it changed."""
        return self._transcripts.summary(flow)

    def latest(self, flow: Flow) -> tuple[Summary | None, bool]:
        """The last summary of a flow, if there was one, and whether it still holds. Reads nothing."""
        return self._transcripts.latest(flow)

    def index_of(self, flow_id: str) -> int | None:
        """The row of a flow; None where it is not shown."""
        key = self._key_of.get(flow_id)
        return None if key is None else bisect_left(self._keys, key)

    def update(self, budget_ms: float = SLICE_MS) -> Change:
        """Take in what changed. Judging many flows at once, as after a new filter, is spread over several calls."""
        if not self._priced and price_list.ready():
            self._priced, self._cursor = True, 0
        self._cursor, changed = self._store.changes_since(self._cursor)
        self._backlog.add(changed)
        first: int | None = None
        stayed: list[Flow] = []
        for flow in self._backlog.take(budget_ms):
            moved = self._place(flow)
            if moved is None:
                stayed.append(flow)
            else:
                first = moved if first is None else min(first, moved)
        reset, self._reset = self._reset, False
        if reset:
            return Change(reset=True, first_moved=0)
        indices = sorted(index for flow in stayed if (index := self.index_of(flow.id)) is not None)
        return Change(False, first, tuple(index for index in indices if first is None or index < first))

    def _start_over(self) -> None:
        self.rows = []
        self._keys.clear()
        self._key_of.clear()
        self._backlog.clear()
        self._backlog.add(self._store)
        self._reset = True

    def _place(self, flow: Flow) -> int | None:
        """Put a flow where it belongs, or out. The index from which on rows moved; None where none did."""
        old = self._key_of.get(flow.id)
        new = self._key(flow) if self._filter.matches(flow, self._transcripts) else None
        if old == new:
            if old is not None:
                self.rows[bisect_left(self._keys, old)] = flow
            return None
        moved = len(self.rows)
        if old is not None:
            moved = bisect_left(self._keys, old)
            del self.rows[moved], self._keys[moved], self._key_of[flow.id]
        if new is not None:
            index = bisect_left(self._keys, new)
            self.rows.insert(index, flow)
            self._keys.insert(index, new)
            self._key_of[flow.id] = new
            moved = min(moved, index)
        return moved

    def _key(self, flow: Flow) -> _Key:
        sort = self._sort
        if sort is None:
            return False, 0, flow.seq, flow.id
        field = FIELDS[sort.key]
        if isinstance(field, NumberField):
            number = field.value(flow, self._transcripts)
            if number is None:
                return True, 0, flow.seq, flow.id
            return False, -number if sort.descending else number, flow.seq, flow.id
        text = ", ".join(value for value in field.values(flow, self._transcripts) if value)
        if not text:
            return True, 0, flow.seq, flow.id
        return False, _Backwards(text) if sort.descending else text, flow.seq, flow.id


@dataclass(frozen=True, slots=True)
class _Backwards:
    """A text that sorts before those that it comes after."""

    text: str

    def __lt__(self, other: _Backwards) -> bool:
        return other.text < self.text


_Key = tuple[bool, float | str | _Backwards, int, str]
"""Whether the value is missing, the value, the arrival, the id: different for any two flows."""
