"""Flows sorted into lanes: conversations and sub-agents, found by what their requests hold, kept up as flows come."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import takewhile
from operator import attrgetter
from time import perf_counter

from inspector.model.flow import Flow
from inspector.store import price_list
from inspector.store.backlog import Backlog
from inspector.store.flows import FlowStore
from inspector.store.lane import Lane, Place
from inspector.store.lane_asked import is_whole, size_of
from inspector.store.lane_asking import Asking
from inspector.store.lane_realm import Realm
from inspector.store.lane_state import Entry, LaneState
from inspector.store.transcripts import LARGE, Transcripts

SLICE_MS = 4.0
"""Milliseconds that one update may take, about."""
_AT_ONCE = 64
"""So many flows are placed at once when somebody asks for one of them, with no more than `LARGE` bytes of requests."""

_PATH = attrgetter("path")


class Lanes:
    """Gives every flow of a store its place. A puller: it has a cursor of its own into the store.

    Flows are placed in the order of their numbers, each when its request is whole. One that becomes whole after a later
    one was placed has that placed anew behind it: what comes out does not depend on when it was asked for.
    """

    def __init__(self, store: FlowStore, transcripts: Transcripts) -> None:
        transcripts.placed_by, transcripts.below = self.place, self.below
        transcripts.sorting = self.waits
        self.revision = 0
        """Grows with every change of a flow's place, of a lane's title or its totals."""
        self.messages = 0
        """Messages that were looked at for placing so far: what it costs, whatever the machine."""
        self._store = store
        self._transcripts = transcripts
        self._asking = Asking(transcripts)
        self._cursor = 0
        self._realms: dict[str, Realm] = {}
        self._placed: dict[str, tuple[Realm, Entry] | None] = {}
        self._order: dict[Realm, list[Entry]] = {}
        self._open: dict[Realm, dict[str, Entry]] = {}
        self._queue: list[tuple[int, str]] = []
        self._queued: set[str] = set()
        self._ended = Backlog()
        self._lanes: list[Lane] = []
        self._moved: dict[str, int] = {}
        """When a flow's place changed, by its id; the last change last."""
        self._left = 0
        self._leaving: dict[LaneState, Realm] = {}
        """Lanes with flows that left, of which something may be forgotten."""
        self._unswept: set[Realm] = set()
        self._priced = False

    @property
    def pending(self) -> int:
        """Flows that are not placed yet, or not counted."""
        return len(self._queue) + len(self._ended)

    def update(self, budget_ms: float = SLICE_MS) -> None:
        """Take in what changed. Long arrears, as after opening a file, are worked off over several calls.

        A large request is read in a thread, and all behind it wait for it.
        """
        until = perf_counter() + budget_ms / 1000
        self._pull()
        self._let_go(until)
        while self._queue:
            if not self._place_next() or perf_counter() >= until:
                return
        for flow in self._ended.take((until - perf_counter()) * 1000, self._transcripts.ready):
            self._finish(flow)

    def place(self, flow: Flow) -> Place | None:
        """The place of a flow; None where it has none, or not yet, or left the store.

        One whose request is whole gets it at once, unless it is large, or more wait before it than can be placed in
        passing.
        """
        if flow.id not in self._placed and is_whole(flow) and self._store.get(flow.id) is flow:
            self._pull()
            room = LARGE
            while flow.id in self._queued and len(self._queue) <= _AT_ONCE:
                first = self._store.get(self._queue[0][1])
                room -= size_of(first) if first is not None else 0
                if room < 0 or not self._place_next():
                    break
        known = self._placed.get(flow.id) if flow.id in self._store else None
        return known[0].place_of(known[1]) if known is not None else None

    def below(self, lane: Lane) -> list[Lane]:
        """The sub-agents that a lane started itself, by their paths."""
        path, found = lane.path, list[Lane]()
        for at in range(bisect_right(self._lanes, path, key=_PATH), len(self._lanes)):
            other = self._lanes[at]
            if other.path[: len(path)] != path:
                break
            if other.parent is lane:
                found.append(other)
        return found

    def waits(self, flow: Flow) -> bool:
        """Whether a flow that is asked for waits to be placed, for what is read before. With each call it goes on."""
        self.place(flow)
        return flow.id in self._queued and len(self._queue) <= _AT_ONCE

    def changes_since(self, cursor: int) -> tuple[int, list[Flow]]:
        """The flows whose place, or whose lane's path, changed after `cursor`, and the cursor for the next call."""
        new = takewhile(lambda move: move[1] > cursor, reversed(self._moved.items()))
        changed = [flow for flow_id, _ in new if (flow := self._store.get(flow_id)) is not None]
        return self.revision, changed[::-1]

    def __iter__(self) -> Iterator[Lane]:
        """All lanes, by their paths: a sub-agent behind the flow that started it."""
        return iter(self._lanes)

    def __len__(self) -> int:
        return len(self._lanes)

    def _pull(self) -> None:
        """See what changed: a request that became whole waits to be placed, an answer that ended to be counted."""
        if self._left != self._store.left:
            self._see_who_left()
        if not self._priced and price_list.ready():
            self._priced, self._cursor = True, 0
        self._cursor, changed = self._store.changes_since(self._cursor)
        for flow in changed:
            if flow.id in self._placed:
                if not flow.live and self._placed[flow.id] is not None:
                    self._ended.add((flow,))
            elif is_whole(flow):
                self._wait(flow)

    def _wait(self, flow: Flow) -> None:
        if flow.id not in self._queued:
            self._queued.add(flow.id)
            heappush(self._queue, (flow.seq, flow.id))

    def _let_go(self, until: float) -> None:
        """Forget what was kept of flows that left, lane by lane. What they counted for stays counted."""
        while self._leaving:
            lane, realm = self._leaving.popitem()
            self._let_lane_go(realm, lane)
            if perf_counter() >= until:
                return
        while self._unswept:
            self._unswept.pop().sweep()

    def _see_who_left(self) -> None:
        self._left = self._store.left
        for flow_id in self._placed.keys() - self._store.ids:
            known = self._placed.pop(flow_id)
            if known is not None:
                realm, entry = known
                realm.leave(entry)
                self._leaving[entry.lane] = realm
                self._unswept.add(realm)
        for flow_id in self._moved.keys() - self._store.ids:
            del self._moved[flow_id]
        for realm in self._unswept:
            self._order[realm] = [entry for entry in self._order[realm] if not entry.left]

    def _let_lane_go(self, realm: Realm, lane: LaneState) -> None:
        for entry in [entry for entry in lane.entries if entry.left]:
            if not entry.final:
                self._look(realm, entry)
            self._open[realm].pop(entry.flow.id, None)
            if entry.share is None and not entry.flow.live:
                realm.count(entry)
        unsettled = {entry.repeat for entry in self._open[realm].values()}
        for gone in realm.let_go(lane, unsettled):
            self._leaving.pop(gone, None)
            del self._lanes[bisect_left(self._lanes, gone.lane.path, key=_PATH)]

    def _place_next(self) -> bool:
        """Place the flow with the lowest number; whether that could be done without waiting for its reading."""
        flow_id = self._queue[0][1]
        flow = self._store.get(flow_id)
        if flow is None:
            self._unqueue()
            self._asking.forget(flow_id)
            return True
        original = self._placed.get(flow.parent) if flow.parent else None
        realm = original[0] if original is not None else self._realm(flow.agent)
        if original is None and not self._asking.ready(flow, text=realm.summed_up):
            return False
        self._unqueue()
        if self._make_way(realm, flow):
            self._wait(flow)
            return True
        for entry in list(self._open[realm].values()):
            self._look(realm, entry)
        placed = realm.replay(flow, original[1]) if original is not None else self._place(realm, flow)
        self._placed[flow_id] = (realm, placed) if placed is not None else None
        if placed is not None:
            self._put(realm, placed)
        return True

    def _unqueue(self) -> None:
        self._queued.discard(heappop(self._queue)[1])

    def _put(self, realm: Realm, placed: Entry) -> None:
        flow = placed.flow
        self._order[realm].append(placed)
        self._open[realm][flow.id] = placed
        if len(placed.lane.entries) == 1:
            insort(self._lanes, placed.lane.lane, key=_PATH)
        if not flow.live:
            if self._transcripts.ready(flow):
                self._finish(flow)
            else:
                self._ended.add((flow,))

    def _place(self, realm: Realm, flow: Flow) -> Entry | None:
        asked = self._asking.of(flow)
        if asked is None or (flow.parent and self._store.get(flow.parent) is not None):
            return None  # the person repeated what belongs nowhere
        self.messages += len(asked.prompt.messages)
        return realm.place(asked)

    def _make_way(self, realm: Realm, flow: Flow) -> bool:
        """Take out the flows that stand behind this one, to be placed anew after it; whether there were any.

        Not beyond one that left: nothing of what it counts for is known anew.
        """
        order, first = self._order[realm], max(flow.seq, realm.settled)
        late = bool(order) and order[-1].seq > first
        while order and order[-1].seq > first:
            entry = order.pop()
            if len(entry.lane.entries) == 1:
                del self._lanes[bisect_left(self._lanes, entry.lane.lane.path, key=_PATH)]
            realm.remove(entry)
            self._open[realm].pop(entry.flow.id, None)
            del self._placed[entry.flow.id]
            self._wait(entry.flow)
        return late

    def _look(self, realm: Realm, entry: Entry) -> None:
        """Take in what came of an answer."""
        realm.take_answer(entry)
        if entry.final:
            del self._open[realm][entry.flow.id]

    def _finish(self, flow: Flow) -> None:
        known = self._placed.get(flow.id)
        if known is None:
            return
        realm, entry = known
        if not entry.final:
            self._look(realm, entry)
        realm.count(entry)

    def _realm(self, agent: str) -> Realm:
        realm = self._realms.get(agent)
        if realm is None:
            realm = self._realms[agent] = Realm(self._transcripts, self._note_move, self._note_news)
            self._order[realm], self._open[realm] = [], {}
        return realm

    def _note_move(self, flow: Flow) -> None:
        self.revision += 1
        self._moved.pop(flow.id, None)
        if flow.id in self._store:
            self._moved[flow.id] = self.revision

    def _note_news(self) -> None:
        self.revision += 1
