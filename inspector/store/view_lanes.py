"""The headings of a list that is grouped by lanes: which there are, where they stand, and what lies below them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from inspector.model.flow import Flow, State
from inspector.store.lane import Lane, Place
from inspector.store.view_order import Key


class Placing(Protocol):
    """Who sorts flows into lanes: `Lanes`."""

    @property
    def revision(self) -> int:
        """Grows with every change of a flow's place, and of what a lane is called or amounts to."""

    def place(self, flow: Flow) -> Place | None:
        """The lane of a flow; None as long as it has none."""

    def changes_since(self, cursor: int) -> tuple[int, list[Flow]]:
        """The flows whose place or whose lane's path changed after `cursor`, and the cursor for the next call."""


@dataclass(slots=True, eq=False)
class LaneHead:
    """The heading of a lane: a row of the list, the same object as long as the lane has flows."""

    lane: Lane
    folded: bool = False
    """The person does not want to see what lies below it."""
    above: LaneHead | None = None
    """The heading of the lane that started this one."""
    below: dict[str, LaneHead] = field(default_factory=dict)
    """Those of its sub-agents, by their lanes' ids."""
    flows: dict[str, Flow] = field(default_factory=dict)
    """Read only: the lane's own flows that pass the filter, by their ids."""
    members: int = 0
    """Flows of the lane, also those that do not pass."""
    key: Key | None = None
    """Where it stands in the list; None where it does not."""
    was_shut: bool = False
    """Whether it was shut when it was settled last."""

    @property
    def needed(self) -> bool:
        """Whether it says more than its one flow does."""
        return bool(self.below) or self.lane.parent is not None or self.lane.size > 1

    @property
    def shut(self) -> bool:
        """Whether nothing below it is listed."""
        return self.folded and self.needed

    @property
    def hidden_by(self) -> LaneHead | None:
        """The outermost heading that keeps this one, and its flows, out of the list. It may be itself."""
        head = self if self.shut else None
        outer = self.above
        while outer is not None:
            if outer.shut:
                head = outer
            outer = outer.above
        return head

    @property
    def shows(self) -> bool:
        """Whether any flow below it passes the filter."""
        return bool(self.flows) or any(head.shows for head in self.below.values())

    @property
    def newest(self) -> Flow | None:
        """The flow that it stands for: the lane's newest that passes; that of its sub-agents, too, where it is shut."""
        own = next((flow for flow in reversed(self.lane.flows) if flow.id in self.flows), None)
        if own is not None and not self.shut:
            return own
        found = [own, *(head.newest for head in self.below.values())]
        return max((flow for flow in found if flow is not None), key=lambda flow: flow.seq, default=None)

    @property
    def cost(self) -> float | None:
        """US dollars, those of its sub-agents among them; None where nothing is known."""
        known = [cost for head in self.whole() if (cost := head.lane.totals.cost) is not None]
        return sum(known) if known else None

    def tally(self) -> Counter[State]:
        """How many flows below it stand in which state, those of its sub-agents among them."""
        return Counter(flow.state for head in self.whole() for flow in head.flows.values())

    def whole(self) -> Iterator[LaneHead]:
        """It, and those of all its sub-agents."""
        yield self
        for head in self.below.values():
            yield from head.whole()


class Spot(NamedTuple):
    """Where the flows of a lane stand."""

    path: tuple[int, ...]
    open: bool
    """Nothing folded hides them."""


def head_key(lane: Lane) -> Key:
    """Where a heading stands: before the flows of its lane. A flow's key is its path with -1 and its id behind it.

    Numbers of flows are not negative: so a number is never compared with an id.
    """
    return (*lane.path, -1, lane.id)


class LaneHeads:
    """All headings, kept by the flows that are judged: a lane of which no flow was judged has none."""

    def __init__(self, placing: Placing) -> None:
        self._placing = placing
        self._heads: dict[str, LaneHead] = {}
        self._head_of: dict[str, LaneHead | None] = {}
        """For each flow that was judged the heading of its lane; None where it has no lane."""
        self._folded: set[str] = set()
        self._unsure: set[str] = set()
        """Flows that are to be sorted in anew when they are judged next."""
        self._touched: dict[LaneHead, None] = {}
        """Those to be settled."""
        self._spots: dict[LaneHead, Spot] = {}
        """Where flows of each lane stand, until all is settled: paths do not change before."""

    def start_over(self) -> None:
        """Every flow is to be judged anew. Where each belongs, and what is folded, stays known."""
        for head in self._heads.values():
            head.flows.clear()
            head.key = None
        self._touched.clear()
        self._spots.clear()

    def moved(self, flow: Flow) -> None:
        """The flow may belong elsewhere, or stand elsewhere with its lane."""
        self._unsure.add(flow.id)

    def leave(self, here: Set[str]) -> None:
        """Flows left the store, all but those of these ids."""
        for flow_id in self._head_of.keys() - here:
            head = self._head_of.pop(flow_id)
            if head is not None:
                head.flows.pop(flow_id, None)
                head.members -= 1
                self._drop_empty(head)
        self._unsure &= here

    def put(self, flow: Flow, passes: bool) -> Key | None:
        """Take a flow in that was judged. Where it stands; None where it passes not, or something folded hides it."""
        flow_id = flow.id
        if flow_id in self._unsure or flow_id not in self._head_of:
            self._sort_in(flow)
        head = self._head_of[flow_id]
        if head is None:
            return (flow.seq, -1, flow.id) if passes else None
        spot = self._spots.get(head) or self._spot(head)
        if passes:
            head.flows[flow.id] = flow
            return (*spot.path, flow.seq, -1, flow.id) if spot.open else None
        head.flows.pop(flow.id, None)
        return None

    def key(self, flow: Flow) -> Key:
        """Where a flow would stand if nothing were folded."""
        head = self._head_of.get(flow.id)
        return (*(head.lane.path if head is not None else ()), flow.seq, -1, flow.id)

    def get(self, lane_id: str) -> LaneHead | None:
        """The heading of a lane."""
        return self._heads.get(lane_id)

    def of(self, flow: Flow) -> LaneHead | None:
        """The heading of the lane in which a flow was put."""
        return self._head_of.get(flow.id)

    def fold(self, head: LaneHead, folded: bool) -> None:
        """Fold a heading, or unfold it."""
        if folded:
            self._folded.add(head.lane.id)
        else:
            self._folded.discard(head.lane.id)
        self._touch(head)
        head.folded = folded

    def settle(self, turned: Callable[[LaneHead], None]) -> dict[LaneHead, Key | None]:
        """Headings that may have come, gone, moved or changed, with the place of each.

        `turned` is told of one that is shut now and was not before, or the other way round; and of one whose flows were
        judged before it was known that something hides them, or no longer does.
        """
        spots, self._spots = self._spots, {}
        settled: dict[LaneHead, Key | None] = {}
        while self._touched:
            head, _ = self._touched.popitem()
            if head.members == 0 and not head.below:
                self._drop(head)
            if head.shut != head.was_shut:
                head.was_shut = head.shut
                turned(head)
                self._touched.update(dict.fromkeys(lower for lower in head.whole() if lower is not head))
            outer = head.above
            listed = head.needed and head.shows and (outer is None or outer.hidden_by is None)
            settled[head] = head_key(head.lane) if listed else None
        for head, spot in spots.items():
            if spot.open is not (head.hidden_by is None):
                turned(head)
        return settled

    def _sort_in(self, flow: Flow) -> None:
        """See where a flow belongs now."""
        self._unsure.discard(flow.id)
        place, before = self._placing.place(flow), self._head_of.get(flow.id)
        head = self._head(place.lane) if place is not None else None
        self._head_of[flow.id] = head
        if before is not head:
            if before is not None:
                before.flows.pop(flow.id, None)
                before.members -= 1
                self._touch(before)
            if head is not None:
                head.members += 1

    def _spot(self, head: LaneHead) -> Spot:
        self._touch(head)
        spot = self._spots[head] = Spot(head.lane.path, head.hidden_by is None)
        return spot

    def _head(self, lane: Lane) -> LaneHead:
        head = self._heads.get(lane.id)
        if head is None:
            head = self._heads[lane.id] = LaneHead(lane, lane.id in self._folded)
        head.lane = lane
        above = self._head(lane.parent) if lane.parent is not None else None
        if head.above is not above:
            self._unlink(head)
            head.above = above
            if above is not None:
                self._touch(above)
                above.below[lane.id] = head
        return head

    def _touch(self, head: LaneHead | None) -> None:
        """What changes below a heading may change it and those above it."""
        while head is not None:
            self._touched[head] = None
            head = head.above

    def _unlink(self, head: LaneHead) -> None:
        if head.above is not None:
            self._touch(head.above)
            head.above.below.pop(head.lane.id, None)
            head.above = None

    def _drop_empty(self, head: LaneHead | None) -> None:
        """Forget a heading without flows, and those above it; the next `settle` takes it out where it is listed."""
        self._touch(head)
        while head is not None and head.key is None and head.members == 0 and not head.below:
            above = head.above
            self._drop(head)
            self._touched.pop(head, None)
            head = above

    def _drop(self, head: LaneHead) -> None:
        self._heads.pop(head.lane.id, None)
        self._unlink(head)
