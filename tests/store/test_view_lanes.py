"""The list by lanes: whatever happens, its rows equal what a look at all flows and lanes would give."""

from __future__ import annotations

from math import inf

from hypothesis import example, given, settings
from hypothesis import strategies as st

from inspector.model.flow import Flow, State
from inspector.store.filters import parse
from inspector.store.flows import FlowStore
from inspector.store.lane import Lane
from inspector.store.transcripts import Transcripts
from inspector.store.view import Change, LaneHead, Row, Sort, View
from tests.hand_lanes import HandLanes
from tests.handmade import chat_flow, finish, respond


class Listed:
    """A store, lanes and a view of them."""

    def __init__(self, *names: str) -> None:
        self.store = FlowStore()
        self.lanes = HandLanes()
        transcripts = Transcripts()
        transcripts.placed_by = self.lanes.place
        self.view = View(self.store, transcripts, self.lanes)
        for name in names:
            self.store.add(chat_flow(name))

    def __getitem__(self, name: str) -> Flow:
        flow = self.store.get(name)
        assert flow is not None
        return flow

    def put(self, lane: str, *names: str, **given: str) -> None:
        """Put flows in a lane."""
        if lane not in self.lanes.lanes:
            cause = given.pop("cause", "")
            self.lanes.lane(lane, cause=self[cause] if cause else None, **given)
        for name in names:
            self.lanes.put(self[name], lane)

    def rows(self) -> list[str]:
        """The rows by their names, after an update: those of lanes in brackets."""
        while True:
            self.view.update(inf)
            if not self.view.pending:
                return [name_of(row) for row in self.view.rows]

    def head(self, lane: str) -> LaneHead:
        """The heading of a lane."""
        return next(row for row in self.view.rows if isinstance(row, LaneHead) and row.lane.id == lane)


def name_of(row: Row) -> str:
    """A row as the tests write it."""
    return f"[{row.lane.id}]" if isinstance(row, LaneHead) else row.id


def test_flows_stand_below_their_lanes_and_sub_agents_behind_what_started_them() -> None:
    listed = Listed(*"abcdefgh")
    listed.put("main", "a", "c", "f")
    listed.put("sub", "d", "e", under="main", cause="c")
    listed.put("other", "b", "g")
    assert listed.rows() == ["[main]", "a", "c", "[sub]", "d", "e", "f", "[other]", "b", "g", "h"]
    assert [listed.view.index_of(name) for name in "adh"] == [1, 4, 10]
    assert listed.view.index(listed.head("sub")) == 3
    assert [flow.id for flow in listed.view.flows] == [*"acdef", *"bg", "h"]
    assert listed.view.newest is listed["h"] and listed.view.newer(listed["e"]) == 3
    head = listed.view.head_of(listed["d"])
    assert head is listed.head("sub") and listed.view.head_of(head) is listed.head("main")


def test_a_lane_of_one_flow_needs_no_heading() -> None:
    listed = Listed("a", "b", "c")
    listed.put("one", "a")
    assert listed.rows() == ["a", "b", "c"]
    listed.put("one", "c")
    assert listed.rows() == ["[one]", "a", "c", "b"]
    listed.lanes.put(listed["c"], "")
    assert listed.rows() == ["a", "b", "c"]
    listed.put("sub", "c", under="one", cause="a")
    assert listed.rows() == ["[one]", "a", "[sub]", "c", "b"]


def test_a_flow_that_joins_a_lane_late_moves_there() -> None:
    listed = Listed(*"abcd")
    listed.put("main", "a", "b")
    assert listed.rows() == ["[main]", "a", "b", "c", "d"]
    listed.put("main", "d")
    assert listed.view.update(inf) == Change(first_moved=3, changed=(0,))
    assert listed.rows() == ["[main]", "a", "b", "d", "c"]


def test_only_lanes_with_rows_have_headings() -> None:
    listed = Listed(*"abcd")
    listed.put("main", "a", "b")
    listed.put("sub", "c", under="main", cause="a")
    listed.view.filter = parse("id:c")
    assert listed.rows() == ["[main]", "[sub]", "c"]
    assert listed.view.newest is listed["c"] and listed.head("main").newest is listed["c"]
    listed.view.filter = parse("id:d")
    assert listed.rows() == ["d"]


def test_a_folded_heading_tells_of_what_it_hides() -> None:
    listed = Listed(*"abcde")
    listed.put("main", "a", "b")
    listed.put("sub", "c", "d", under="main", cause="a")
    listed.rows()
    listed.view.fold(listed.head("main"), True)
    assert listed.rows() == ["[main]", "e"]
    head = listed.head("main")
    assert head.tally() == {State.WAITING: 4}
    assert head.newest is listed["d"]
    assert listed.view.index_of("c") == 0 and listed.view.count == 5
    assert [flow.id for flow in listed.view.flows] == [*"acdbe"]

    finish(respond(listed["c"], 529))
    listed.store.touch(listed["c"])
    assert listed.view.update(inf) == Change(changed=(0,))
    assert head.tally() == {State.WAITING: 3, State.FAILED: 1}

    for look in ("id:c", ""):
        listed.view.filter = parse(look)
        assert "[main]" in listed.rows() and "c" not in listed.rows()
    listed.view.sort = Sort("seq", descending=True)
    assert listed.rows() == [*"edcba"]
    listed.view.sort = None
    assert listed.rows() == ["[main]", "e"]
    listed.view.reveal(listed["d"])
    assert listed.rows() == ["[main]", "a", "[sub]", "c", "d", "b", "e"]


def test_a_flow_that_is_not_listed_has_a_nearest_row() -> None:
    listed = Listed(*"abcdef")
    listed.put("main", "a", "c", "e")
    listed.put("other", "b", "d")
    assert listed.rows() == ["[main]", "a", "c", "e", "[other]", "b", "d", "f"]
    head = listed.head("other")
    listed.view.filter = parse("id:a or id:e or id:f")
    assert listed.rows() == ["[main]", "a", "e", "f"]
    assert listed.view.nearest(listed["c"]) == 1
    assert listed.view.index(head) is None
    assert listed.view.nearest(head) == 2
    listed.view.sort = Sort("seq")
    assert listed.rows() == ["a", "e", "f"]
    assert listed.view.nearest(head) == 0
    for name in "bd":
        listed.lanes.put(listed[name], "")
    assert listed.view.nearest(head) == 0


def test_without_lanes_and_without_grouping_flows_stand_as_they_arrived() -> None:
    listed = Listed(*"abc")
    listed.put("main", "a", "c")
    listed.view.grouping = False
    assert listed.rows() == [*"abc"]
    assert not listed.view.grouped
    listed.view.grouping = True
    assert listed.rows() == ["[main]", "a", "c", "b"]


def test_cost_is_summed_up_over_sub_agents() -> None:
    listed = Listed(*"abcd")
    listed.put("main", "a", "b")
    listed.put("sub", "c", "d", under="main", cause="a")
    listed.rows()
    assert listed.head("main").cost is None
    listed.lanes.amount("main", cost=1.5)
    listed.lanes.amount("sub", cost=0.25)
    assert (listed.head("main").cost, listed.head("sub").cost) == (1.75, 0.25)


FILTERS = ("", "agent:codex", "-agent:codex", "state:done", "state:waiting")
LANES = ("k", "l", "m", "n")

looks = st.tuples(
    st.sampled_from(FILTERS), st.sampled_from((None, None, None, Sort("agent"), Sort("seq", True))), st.booleans()
)
acts = st.lists(
    st.tuples(st.just("add"), st.sampled_from((0, 1, 2)), st.just(0))
    | st.tuples(st.just("end"), st.integers(0, 7), st.just(0))
    | st.tuples(st.just("put"), st.integers(0, 9), st.integers(0, 4))
    | st.tuples(st.just("hang"), st.integers(0, 3), st.integers(0, 4))
    | st.tuples(st.just("fold"), st.integers(0, 3), st.integers(0, 1))
    | st.tuples(st.just("frame"), st.just(0), st.sampled_from((0, 10**6))),
    min_size=10,
    max_size=40,
)


class Session(Listed):
    """Where things happen; the view is checked at every frame."""

    def __init__(self) -> None:
        super().__init__(*(f"f{number}" for number in range(6)))
        for name in LANES:
            self.lanes.lane(name)
        for number in range(4):
            self.lanes.put(self[f"f{number}"], LANES[number % 2])
        self.folded: set[str] = set()
        self.shown: list[Row] = []

    def act(self, what: str, which: int, other: int) -> None:
        """Let one thing happen."""
        match what:
            case "add":
                self.store.add(chat_flow(f"f{len(self.store)}", agent=("", "codex", "zed")[which]))
            case "end" if (flow := self.store.get(f"f{which}")) is not None and flow.live:
                finish(respond(flow))
                self.store.touch(flow)
            case "put" if (flow := self.store.get(f"f{which}")) is not None:
                self.lanes.put(flow, (*LANES, "")[other])
            case "hang":
                self.hang(LANES[which], (*LANES, "")[other])
            case "fold":
                for row in self.view.rows:
                    if isinstance(row, LaneHead) and row.lane.id == LANES[which]:
                        self.view.fold(row, bool(other))
                        (self.folded.add if other else self.folded.discard)(LANES[which])
            case "frame":
                self.frame(other)

    def hang(self, name: str, under: str) -> None:
        """Make one lane the sub-agent of another, unless that stands below it already."""
        above: Lane | None = self.lanes.lanes.get(under)
        cause = above.flows[-1] if above is not None and above.flows else None
        while above is not None:
            if above.id == name:
                return
            above = above.parent
        self.lanes.lane(name, under=under, cause=cause)

    def frame(self, budget_ms: float) -> None:
        """Update the view: what the change does not speak of must stand as it was shown."""
        before = self.shown
        change = self.view.update(budget_ms)
        now = list(self.view.rows)
        kept = len(now) if change.first_moved is None else change.first_moved
        if not change.reset:
            assert now[:kept] == before[:kept]
            assert change.first_moved is not None or len(now) == len(before)
        assert all(index < kept for index in change.changed)
        assert [self.view.index(row) for row in now] == list(range(len(now)))
        self.shown = now

    def expected(self) -> list[str]:
        """The rows as a look at all flows and lanes gives them."""
        passing = [flow for flow in self.store if self.view.filter.matches(flow, self.view.known)]
        if not self.view.grouped:
            order = self.view.sort or Sort("seq")
            key = (lambda flow: flow.agent or "~") if order.key == "agent" else (lambda flow: flow.seq)
            return [flow.id for flow in sorted(passing, key=key, reverse=order.descending)]
        found = [(self.path(flow), flow.id) for flow in passing if not self.hidden(self.lane_of(flow))]
        for lane in self.lanes:
            inside = any(lane in self.chain(self.lane_of(flow)) for flow in passing)
            if inside and self.needed(lane) and not self.hidden(lane.parent):
                found.append((lane.path, f"[{lane.id}]"))
        return [name for _, name in sorted(found)]

    def path(self, flow: Flow) -> tuple[int, ...]:
        lane = self.lane_of(flow)
        return (*(lane.path if lane is not None else ()), flow.seq)

    def lane_of(self, flow: Flow) -> Lane | None:
        place = self.lanes.place(flow)
        return place.lane if place is not None else None

    def chain(self, lane: Lane | None) -> list[Lane]:
        return [lane, *self.chain(lane.parent)] if lane is not None else []

    def needed(self, lane: Lane) -> bool:
        below = any(lane in self.chain(other.parent) for other in self.lanes if other.flows)
        return below or lane.parent is not None or len(lane.flows) > 1

    def hidden(self, lane: Lane | None) -> bool:
        return any(each.id in self.folded and self.needed(each) for each in self.chain(lane))


PLAIN: tuple[str, Sort | None, bool] = ("", None, True)


@example(PLAIN, [("frame", 0, 0), ("fold", 1, 1)], PLAIN, [("put", 1, 0), ("hang", 0, 1)])
@settings(max_examples=150, deadline=None)
@given(looks, acts, looks, acts)
def test_rows_equal_a_look_at_all_lanes(
    first: tuple[str, Sort | None, bool],
    before: list[tuple[str, int, int]],
    second: tuple[str, Sort | None, bool],
    after: list[tuple[str, int, int]],
) -> None:
    session = Session()
    for (text, sort, grouping), acts in ((first, before), (second, after)):
        session.view.filter, session.view.sort, session.view.grouping = parse(text), sort, grouping
        for act in acts:
            session.act(*act)
        session.frame(inf)
        while session.view.pending:
            session.frame(inf)
        assert [name_of(row) for row in session.shown] == session.expected()
        assert sorted(flow.id for flow in session.view.flows) == sorted(
            flow.id for flow in session.store if session.view.filter.matches(flow, session.view.known)
        )
        assert session.view.newest is max(session.view.flows, key=lambda flow: flow.seq, default=None)
