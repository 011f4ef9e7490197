"""Flows that leave the store: what their lanes keep of them, and that nothing else is sorted otherwise for it."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.model.flow import Timing
from inspector.store import price_list
from inspector.store.flows import FlowStore
from inspector.store.lane_realm import Realm
from inspector.store.lanes import Lanes
from inspector.store.transcripts import Transcripts
from inspector.store.view import LaneHead, View
from tests.store.lane_talk import (
    FIRST,
    READ,
    Talk,
    World,
    helper,
    model,
    nested,
    placed,
    result,
    shown,
    sorted_out,
    task,
    turns,
    user,
)
from tests.store.test_lanes_kept import history


@pytest.fixture(autouse=True)
def _loaded() -> None:
    price_list.prepare(wait=True)


def realm_of(lanes: Lanes) -> Realm:
    """The realm of the one agent that there is."""
    (realm,) = lanes._realms.values()
    return realm


def is_empty(lanes: Lanes) -> bool:
    """Whether nothing is kept of any flow."""
    realm = realm_of(lanes)
    kept = (realm.lanes, realm._sessions, realm._callers, realm._claimed, realm._lengths, realm._index._entries)
    own = (lanes._placed, lanes._order[realm], lanes._open[realm], lanes._lanes, lanes._moved, lanes._leaving)
    return not any((*kept, *own, realm.summed_up))


def test_a_lane_keeps_its_sums_and_numbers_when_its_first_flows_leave() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    flows = turns(world, talk, 20)
    lanes = sorted_out(world)
    (lane,) = lanes
    before = lane.totals, lane.title, lane.path, lane.id
    last = shown(lanes, flows[-1])
    world.store.leave(flows[:-1])
    assert [lanes.place(flow) for flow in flows[:-1]] == [None] * 19
    lanes.update(inf)
    assert [lanes.place(flow) for flow in flows[:-1]] == [None] * 19
    assert (lane.totals, lane.title, lane.path, lane.id) == before
    assert (lane.flows, lane.left, lane.size) == (flows[-1:], 19, 20)
    assert shown(lanes, flows[-1]) == last
    after = turns(world, talk, 2)
    lanes.update(inf)
    assert [placed(lanes, flow).turn for flow in after] == [21, 22]
    assert placed(lanes, after[0]).previous is flows[-1]
    assert (lane.totals.turns, lane.totals.input_tokens) == (22, 2200)


def test_of_a_long_conversation_little_is_kept() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    lanes = Lanes(world.store, Transcripts())
    sizes = []
    for _ in range(4):
        turns(world, talk, 30)
        lanes.update(inf)
        world.store.leave(list(world.store)[:-2])
        lanes.update(inf)
        realm = realm_of(lanes)
        (lane,) = realm.lanes
        sizes.append([len(each) for each in (lane.entries, realm._index._entries, realm._callers, realm._lengths)])
        assert len(lane.entries) <= 6
    assert sizes[1:] == [sizes[0]] * 3
    assert lane.lane.totals.turns == 120


def test_a_conversation_that_stays_is_gone_on_with_although_its_last_flows_left() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    flows = turns(world, talk, 12)
    lanes = sorted_out(world)
    world.store.leave([*flows[:5], *flows[6:]])  # as when the person marked the sixth
    lanes.update(inf)
    after = world.step(talk, model("Done."))
    lanes.update(inf)
    place = placed(lanes, after)
    assert (place.turn, place.previous, place.lane.flows) == (13, flows[-1], [flows[5], after])


def test_nothing_is_kept_of_a_lane_whose_flows_all_left() -> None:
    world = World()
    for flow in history():
        world.store.add(replace(flow, seq=0, revision=0))
    lanes = sorted_out(world)
    world.store.leave(list(world.store))
    lanes.update(inf)
    assert is_empty(lanes)


def test_a_lane_stays_as_long_as_its_sub_agent() -> None:
    world = World()
    flows = nested(world)
    lanes = sorted_out(world)
    paths = [lane.path for lane in lanes]
    world.store.leave([*flows["main"], *flows["sub"], *flows["other"]])
    lanes.update(inf)
    main, sub, deep = list(lanes)
    assert [lane.path for lane in lanes] == paths[:3]
    assert (main.flows, sub.flows, deep.flows) == ([], [], flows["deep"])
    assert deep.parent is sub and sub.parent is main
    assert main.totals.turns == 2
    world.store.leave(flows["deep"])
    lanes.update(inf)
    assert is_empty(lanes)


def test_a_call_of_a_flow_that_left_starts_nothing_any_more() -> None:
    world, call = World(), task(1, "Explore the tests and report.")
    caller = world.step(Talk(said=[user(FIRST)]), model("A helper.", call))
    lanes = sorted_out(world)
    world.store.leave([caller])
    lanes.update(inf)
    (sub,) = turns(world, helper("Explore the tests and report."), 1)
    lanes.update(inf)
    assert placed(lanes, sub).lane.parent is None


def test_one_that_leaves_before_it_is_counted_counts_nevertheless() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    live = world.send(talk, None, ended=False)
    lanes = sorted_out(world)
    (lane,) = lanes
    world.answer(live, model("I read.", READ))
    later = world.send(talk.with_said(model("I read.", READ), result(READ, "x")), None, ended=False)
    lanes.place(later)
    world.store.leave([live])
    lanes.update(inf)
    assert (lane.totals.turns, lane.totals.input_tokens, lane.flows) == (2, 100, [later])


def test_attempts_that_left_are_attempts_still() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    turns(world, talk, 3)
    for _ in range(8):
        world.send(talk, None, status=529)
    good = world.step(talk, model("Done."), user("Thanks"))
    after = world.step(talk, model("Welcome."))
    lanes = sorted_out(world)
    before = [shown(lanes, flow) for flow in (good, after)]
    world.store.leave(list(world.store)[:-2])
    lanes.update(inf)
    assert [shown(lanes, flow) for flow in (good, after)] == before
    assert placed(lanes, good).attempt == 9


def test_a_request_that_was_whole_late_is_put_behind_what_left() -> None:
    world, talk, other = World(), Talk(said=[user(FIRST)]), Talk(said=[user("Another thing to do")])
    slow = world.send(other, None, ended=False)
    slow.timing = Timing()
    flows = turns(world, talk, 8)
    lanes = sorted_out(world)
    world.store.leave(flows[:6])
    lanes.update(inf)
    slow.timing.received = 9000.0
    world.answer(slow, model("Done."))
    lanes.update(inf)
    assert [placed(lanes, flow).turn for flow in (*flows[6:], slow)] == [7, 8, 1]
    assert [lane.totals.turns for lane in lanes] == [1, 8]


def test_headings_say_what_their_lanes_amount_to_and_go_with_the_last_flow() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    flows = turns(world, talk, 3)
    transcripts = Transcripts()
    lanes = Lanes(world.store, transcripts)
    view = View(world.store, transcripts, lanes)

    def rows() -> list[Any]:
        lanes.update(inf)
        view.update(inf)
        return [row.lane.totals.turns if isinstance(row, LaneHead) else row for row in view.rows]

    assert rows() == [3, *flows]
    world.store.leave(flows[:2])
    assert rows() == [3, flows[2]]
    view.grouping = False
    assert rows() == [flows[2]]
    world.store.leave(flows[2:])
    assert rows() == []
    heads = view._heads
    assert heads is not None
    assert not (heads._heads or heads._head_of)
    view.grouping = True
    other = turns(world, Talk(said=[user("Another thing to do")]), 2)
    assert rows() == [2, *other]
    world.store.leave(other)
    assert rows() == []
    assert not (heads._heads or heads._head_of or heads._touched or heads._unsure)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_what_stays_is_the_same_as_if_nothing_left(data: st.DataObject) -> None:
    """The oldest leave first, whenever; of each lane one flow stays, as one that the person marked does."""
    flows = history()
    whole = FlowStore()
    expected = Lanes(whole, Transcripts())
    for flow in flows:
        whole.add(replace(flow, seq=0, revision=0))
    expected.update(inf)
    marked: dict[str, str] = {}
    for lane in expected:
        one = lane.flows[data.draw(st.integers(0, len(lane.flows) - 1))].id
        marked |= {flow.id: one for flow in lane.flows}
    steps = iter(data.draw(st.lists(st.integers(0, 15), min_size=2 * len(flows), max_size=2 * len(flows))))
    wanted = [(lane.id, lane.title, lane.path, lane.totals, lane.size) for lane in expected]
    store = FlowStore()
    lanes = Lanes(store, Transcripts())
    for flow in flows:
        copy = replace(flow, response=None, end=None, timing=Timing(received=1.0), seq=0, revision=0)
        store.add(copy)
        _let_leave(store, lanes, marked, next(steps))
        copy.response, copy.end, copy.timing = flow.response, flow.end, flow.timing
        store.touch(copy)
        lanes.update(inf)
        _let_leave(store, lanes, marked, next(steps))
    assert [(lane.id, lane.title, lane.path, lane.totals, lane.size) for lane in lanes] == wanted
    for flow in store:
        assert shown(lanes, flow) == shown(expected, flow)
    assert len(lanes._placed) == len(store)


def _let_leave(store: FlowStore, lanes: Lanes, marked: dict[str, str], how: int) -> None:
    """Let up to three flows leave; somebody looks before, or behind it, or not.

    `marked` tells for each flow which one of its lane stays.
    """
    count, before, behind = how & 3, how & 4, how & 8
    lanes.update(inf if before else 0)
    old = [flow for flow in store if not flow.live and marked[flow.id] in store and marked[flow.id] != flow.id]
    store.leave(old[:count])
    lanes.update(inf if behind else 0)
