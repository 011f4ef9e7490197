"""The rows of the list: flows that pass a filter, in an order, kept up to date change by change."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from operator import itemgetter

from inspector.model.flow import Flow
from inspector.store import price_list
from inspector.store.backlog import Backlog, always
from inspector.store.filters import Filter
from inspector.store.flows import FlowStore
from inspector.store.summary import Summary
from inspector.store.transcripts import Transcripts
from inspector.store.view_known import AtHand, question
from inspector.store.view_lanes import LaneHead, LaneHeads, Placing, head_key
from inspector.store.view_order import Key, Sort, order

__all__ = ["Change", "LaneHead", "Placing", "Row", "Sort", "View"]

SLICE_MS = 6.0
"""Milliseconds that one update may spend on judging, about; putting the rows in comes on top."""
FEW = 8
"""Rows that are put in one by one: they may stand far apart."""

Row = Flow | LaneHead


@dataclass(frozen=True, slots=True)
class Change:
    """What an update did to the rows; false where nothing need be drawn anew."""

    reset: bool = False
    """Everything is new: filter, order or grouping were changed."""
    first_moved: int | None = None
    """Rows came, went or moved from this index on; it may be the index after the last row."""
    changed: tuple[int, ...] = ()
    """Rows before `first_moved` whose flow changed and that stand where they stood, ascending."""

    def __bool__(self) -> bool:
        return self.reset or self.first_moved is not None or bool(self.changed)


class View:
    """The rows. A puller: `update` takes in what changed in the store since the last call, and only that.

    With `lanes`, the flows of a lane stand together below its heading, and a sub-agent's behind the flow that started
    it, as long as there is no other order. What has no lane stands where it arrived.
    """

    def __init__(self, store: FlowStore, transcripts: Transcripts, lanes: Placing | None = None) -> None:
        self.rows: list[Row] = []
        """Read only: what is to be shown."""
        self._store = store
        self._transcripts = transcripts
        self._lanes = lanes
        self.known = AtHand(transcripts)
        """What is known of the flows, at hand."""
        self._filter = Filter()
        self._passes = question(None)
        self._sort: Sort | None = None
        self._grouping = True
        self._heads = LaneHeads(lanes) if lanes is not None else None
        self._flat_key = order(None, self.known)
        self._cursor = self._lane_cursor = 0
        self._backlog = Backlog()
        self._reset = False
        self._priced = False
        self._keys: list[Key] = []
        self._key_of: dict[str, Key] = {}
        self._passed: dict[str, Flow] = {}
        self._newest: Flow | None = None
        self._left = 0

    # What is to be shown

    @property
    def filter(self) -> Filter:
        """What is shown. A new one empties the rows; the next updates fill them, the newest flows first."""
        return self._filter

    @filter.setter
    def filter(self, value: Filter) -> None:
        same = value.term == self._filter.term
        self._filter = value
        if not same:
            self._passes = question(value.term)
            self._start_over()

    @property
    def sort(self) -> Sort | None:
        """The order; None is that of lanes and arrival. A new one makes the rows anew, as a new filter does."""
        return self._sort

    @sort.setter
    def sort(self, value: Sort | None) -> None:
        key = order(value, self.known)
        if value != self._sort:
            self._sort, self._flat_key = value, key
            self._start_over()

    @property
    def grouping(self) -> bool:
        """Whether flows stand by their lanes where nothing sorts them otherwise."""
        return self._grouping

    @grouping.setter
    def grouping(self, value: bool) -> None:
        before = self.grouped
        self._grouping = value
        if self.grouped != before:
            self._start_over()

    @property
    def grouped(self) -> bool:
        """Whether the rows have headings now."""
        return self._heads is not None and self._grouping and self._sort is None

    def fold(self, head: LaneHead, folded: bool) -> None:
        """Hide what lies below a heading, or show it again. It stays so, whatever else is changed."""
        if self._heads is not None:
            self._heads.fold(head, folded)
            self._judge_again(head)

    def reveal(self, flow: Flow) -> None:
        """Unfold whatever hides a flow. The next update shows it."""
        head = self._heads.of(flow) if self._heads is not None else None
        while head is not None:
            if head.folded:
                self.fold(head, False)
            head = head.above
        if flow.id in self._passed:
            self._backlog.add((flow,))

    # What is shown

    @property
    def pending(self) -> int:
        """Flows that the next updates have still to judge."""
        return len(self._backlog)

    @property
    def count(self) -> int:
        """How many flows pass the filter, those below folded headings among them."""
        return len(self._passed)

    @property
    def flows(self) -> list[Flow]:
        """The flows that pass the filter as they would stand if nothing were folded. Sorts them: not for each frame."""
        return sorted(self._passed.values(), key=self._key)

    @property
    def newest(self) -> Flow | None:
        """The flow that passes the filter and came last."""
        if self._newest is None:
            self._newest = max(self._passed.values(), key=lambda flow: (flow.seq, flow.id), default=None)
        return self._newest

    @property
    def has_lanes(self) -> bool:
        """Whether somebody sorts flows into lanes."""
        return self._heads is not None

    @property
    def lanes_revision(self) -> int:
        """Grows whenever a heading, or what is said of a flow's place, may be another."""
        return self._lanes.revision if self._lanes is not None else 0

    def newer(self, flow: Flow) -> int:
        """How many flows that pass the filter came after a flow. Counts them: not for each frame."""
        seq = flow.seq
        return sum(1 for other in self._passed.values() if other.seq > seq)

    def ready(self, flow: Flow) -> bool:
        """Whether `summary` takes next to no time. Where it does not, the flow is being read: ask again later."""
        return self._transcripts.ready(flow)

    def summary(self, flow: Flow) -> Summary:
        """The flow in one line; worked out anew only after it changed."""
        return self._transcripts.summary(flow)

    def latest(self, flow: Flow) -> tuple[Summary | None, bool]:
        """The last summary of a flow, if there was one, and whether it still holds. Reads nothing."""
        return self._transcripts.latest(flow)

    def index_of(self, flow_id: str) -> int | None:
        """The row of a flow, or the folded heading over it; None where it is not shown."""
        key = self._key_of.get(flow_id)
        if key is not None:
            return bisect_left(self._keys, key)
        flow = self._passed.get(flow_id)
        head = self._heads.of(flow) if self._heads is not None and flow is not None else None
        return self.index(hidden_by) if head is not None and (hidden_by := head.hidden_by) is not None else None

    def index(self, row: Row) -> int | None:
        """The row of a flow or a heading, or the folded heading over it; None where it is not shown."""
        if isinstance(row, Flow):
            return self.index_of(row.id)
        head = self._heads.get(row.lane.id) if self._heads is not None else None
        if head is None:
            return None
        if head.key is not None:
            return bisect_left(self._keys, head.key)
        outer = head.hidden_by
        return self.index(outer) if outer is not None and outer is not head else None

    def head_of(self, row: Row) -> LaneHead | None:
        """The heading below which a row stands; None where it stands below none."""
        if not self.grouped or self._heads is None:
            return None
        head = self._heads.of(row) if isinstance(row, Flow) else row.above
        while head is not None and head.key is None:
            head = head.above
        return head

    def nearest(self, row: Row) -> int:
        """The row that stands nearest before one that is not listed; -1 where there are no rows."""
        if not self.rows:
            return -1
        if isinstance(row, Flow):
            key = self._key(row)
        elif self.grouped:
            key = head_key(row.lane)
        elif row.lane.flows:
            newest = row.lane.flows[-1]
            index = self.index(newest)
            return index if index is not None else self.nearest(newest)
        else:
            return 0
        return max(0, bisect_right(self._keys, key) - 1)

    # Keeping it up to date

    def update(self, budget_ms: float = SLICE_MS) -> Change:
        """Take in what changed. Judging many flows at once, as after a new filter, is spread over several calls."""
        self._pull()
        gone: list[Key] = []
        come: list[tuple[Key, Row]] = []
        stayed: list[Row] = []
        asks = self._filter.term is not None or self._sort is not None
        for flow in self._backlog.take(budget_ms, self.ready if asks else always):
            before = self._key_of.get(flow.id)
            key = self._judge(flow)
            if key == before:
                if key is not None:
                    stayed.append(flow)
                continue
            if before is not None:
                gone.append(before)
                del self._key_of[flow.id]
            if key is not None:
                come.append((key, flow))
                self._key_of[flow.id] = key
        stayed += self._settle(gone, come)
        first = self._apply(gone, come)
        reset, self._reset = self._reset, False
        indices = sorted(self._stay(row) for row in stayed)
        if reset:
            return Change(reset=True, first_moved=0)
        return Change(False, first, tuple(index for index in indices if first is None or index < first))

    def _pull(self) -> None:
        """Put to the backlog what changed."""
        if not self._priced and price_list.ready():
            self._priced, self._cursor = True, 0
            self.known.clear()
        self._cursor, changed = self._store.changes_since(self._cursor)
        for flow in changed:
            self.known.forget(flow)
        self._backlog.add(changed)
        if self._left != self._store.left:
            self._left = self._store.left
            self._backlog.add([self._passed[flow_id] for flow_id in self._passed.keys() - self._store.ids])
            if self._heads is not None:
                self._heads.leave(self._store.ids)
        if self._lanes is not None and self._heads is not None:
            self._lane_cursor, moved = self._lanes.changes_since(self._lane_cursor)
            for flow in moved:
                self._heads.moved(flow)
            self._backlog.add(flow for flow in moved if self._store.get(flow.id) is flow)

    def _judge(self, flow: Flow) -> Key | None:
        """Take in whether a flow passes; its place among the rows, None where it has none."""
        here = flow.id in self._store
        passes = here and self._passes(flow, self.known)
        if passes:
            self._passed[flow.id] = flow
            if self._newest is not None and flow.seq >= self._newest.seq:
                self._newest = flow
        elif (before := self._passed.pop(flow.id, None)) is not None and before is self._newest:
            self._newest = None
        if self._heads is None or not self.grouped:
            return self._flat_key(flow) if passes else None
        return self._heads.put(flow, passes) if here else None

    def _settle(self, gone: list[Key], come: list[tuple[Key, Row]]) -> list[Row]:
        """Put headings where they belong, or out. Those that stay where they stood."""
        if self._heads is None or not self.grouped:
            return []
        stayed: list[Row] = []
        for head, key in self._heads.settle(self._judge_again).items():
            if head.key == key:
                if key is not None:
                    stayed.append(head)
                continue
            if head.key is not None:
                gone.append(head.key)
            if key is not None:
                come.append((key, head))
            head.key = key
        return stayed

    def _apply(self, gone: list[Key], come: list[tuple[Key, Row]]) -> int | None:
        """Take rows out and put rows in. The index from which on rows moved; None where none did."""
        if len(gone) + len(come) > FEW:
            return self._splice(set(gone), come)
        moved = [self._splice({key}, []) for key in gone]
        moved += [self._splice(set(), [pair]) for pair in come]
        return min(moved, default=None)

    def _splice(self, gone: set[Key], come: list[tuple[Key, Row]]) -> int:
        """Take out and put in at once: what lies between the first and the last of them is merged anew."""
        come.sort(key=itemgetter(0))
        edges = [min(gone), max(gone)] if gone else []
        edges += [come[0][0], come[-1][0]] if come else []
        start, stop = bisect_left(self._keys, min(edges)), bisect_right(self._keys, max(edges))
        pairs = list(zip(self._keys[start:stop], self.rows[start:stop], strict=True))
        if gone:
            pairs = [pair for pair in pairs if pair[0] not in gone]
        pairs += come
        pairs.sort(key=itemgetter(0))
        self._keys[start:stop] = [key for key, _ in pairs]
        self.rows[start:stop] = [row for _, row in pairs]
        return start

    def _stay(self, row: Row) -> int:
        """The index of a row that stands where it stood. A flow may have taken the place of another of its id."""
        index = self.index(row)
        assert index is not None
        self.rows[index] = row
        return index

    def _key(self, flow: Flow) -> Key:
        """Where a flow stands, or would stand if nothing were folded."""
        return self._heads.key(flow) if self._heads is not None and self.grouped else self._flat_key(flow)

    def _judge_again(self, head: LaneHead) -> None:
        """What lies below a heading is to be shown, or hidden."""
        for each in head.whole():
            self._backlog.add(each.lane.flows)

    def _start_over(self) -> None:
        self.rows = []
        self._keys.clear()
        self._key_of.clear()
        self._passed.clear()
        self._newest = None
        if self._heads is not None:
            self._heads.start_over()
        self._backlog.clear()
        self._backlog.add(self._store)
        self._reset = True
