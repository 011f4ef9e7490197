"""Attempts, replays, and lanes that are kept up while flows come, whoever looks when."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.model.flow import Flow, Timing
from inspector.store import price_list
from inspector.store.flows import FlowStore
from inspector.store.lanes import Lanes
from inspector.store.transcripts import Transcripts
from tests.store.lane_talk import (
    FIRST,
    ORDER,
    READ,
    TITLER,
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


@pytest.fixture(autouse=True)
def _loaded() -> None:
    price_list.prepare(wait=True)


def test_a_retry_is_an_attempt_at_the_same_turn() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    before = world.step(talk, model("I read.", READ), result(READ, "x"))
    failed = world.send(talk, None, status=529)
    again = world.send(talk, None, status=529)
    good = world.step(talk, model("It is mended now."), user("Thanks"))
    after = world.step(talk, model("Welcome."))
    lanes = sorted_out(world)
    assert [placed(lanes, flow).turn for flow in (before, failed, again, good, after)] == [1, 2, 2, 2, 3]
    assert [placed(lanes, flow).attempt for flow in (failed, again, good)] == [1, 2, 3]
    assert [placed(lanes, flow).retry_of for flow in (failed, again, good, after)] == [None, failed, failed, None]
    assert [placed(lanes, flow).previous for flow in (failed, again, good)] == [before] * 3
    assert placed(lanes, after).previous is good
    assert not placed(lanes, good).storm


def test_the_first_request_of_a_conversation_may_fail() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    failed = world.send(talk, None, status=500)
    good = world.send(talk, model("Here."))
    late = world.send(replace(talk, headers={"x-stainless-retry-count": "1"}), model("Here."))
    lanes = sorted_out(world)
    assert [placed(lanes, flow).retry_of for flow in (good, late)] == [failed, failed]
    assert [lane.totals.turns for lane in lanes] == [1]


def test_a_retry_that_came_before_the_failure_was_known() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    failed = world.send(talk, None, ended=False)
    lanes = Lanes(world.store, Transcripts())
    again = world.send(talk, model("Here."))
    lanes.update(inf)
    assert [placed(lanes, flow).turn for flow in (failed, again)] == [1, 2]
    cursor, _ = lanes.changes_since(0)
    world.answer(failed, None, status=504)
    lanes.update(inf)
    assert placed(lanes, again).retry_of is failed
    assert [placed(lanes, flow).turn for flow in (failed, again)] == [1, 1]
    assert again in lanes.changes_since(cursor)[1]


def test_the_same_request_twice_with_success_is_two_turns() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    turns(world, talk, 1)
    twice = [world.send(talk, model("Once.")), world.send(talk, model("Twice."))]
    lanes = sorted_out(world)
    assert [placed(lanes, flow).retry_of for flow in twice] == [None, None]
    assert [placed(lanes, flow).turn for flow in twice] == [2, 3]


def test_many_attempts_in_a_minute_are_a_storm() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    attempts = [world.send(talk, None, status=429) for _ in range(3)]
    lanes = Lanes(world.store, Transcripts())
    lanes.update(inf)
    assert not any(placed(lanes, flow).storm for flow in attempts)
    cursor, _ = lanes.changes_since(0)
    attempts.append(world.send(talk, None, status=429))
    lanes.update(inf)
    assert all(placed(lanes, flow).storm for flow in attempts)
    assert lanes.changes_since(cursor)[1] == attempts
    world.now += 400
    assert not placed(lanes, world.send(talk, None, status=429)).storm


def test_replays_stand_beside_their_original_and_move_nothing() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    first, second = turns(world, talk, 2)
    replay = world.send(talk.with_said(user("Edited."), *talk.said[1:3]), model("New."), parent=second.id)
    third = world.step(talk, model("Done."))
    lanes = sorted_out(world)
    (lane,) = lanes
    assert (placed(lanes, replay).turn, placed(lanes, replay).previous) == (0, first)
    assert (placed(lanes, third).turn, placed(lanes, third).previous) == (3, second)
    assert (lane.totals.turns, lane.totals.input_tokens) == (3, 400)


def test_a_flow_is_placed_when_somebody_asks_for_it() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    transcripts = Transcripts()
    Lanes(world.store, transcripts)
    first = world.step(talk, model("I read.", READ), result(READ, "x"))
    live = world.send(talk, None, ended=False)
    place = transcripts.place(live)
    assert place is not None
    assert (place.turn, place.previous) == (2, first)
    live.timing = Timing()
    unfinished = world.send(talk.with_said(user("Half of")), None, ended=False)
    unfinished.timing = Timing()
    assert transcripts.place(unfinished) is None


def test_arrears_are_worked_off_in_slices() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    flows = turns(world, talk, 100)
    lanes = Lanes(world.store, Transcripts())
    assert lanes.place(flows[-1]) is None
    lanes.update(0)
    assert lanes.pending == 99
    assert placed(lanes, flows[0]).turn == 1
    calls = 1
    while lanes.pending:
        lanes.update(0)
        calls += 1
    assert calls == 100
    assert placed(lanes, flows[-1]).turn == 100


def test_a_request_that_takes_long_to_come_is_put_in_its_order() -> None:
    world, talk, other = World(), Talk(said=[user(FIRST)]), Talk(said=[user("Another thing to do")])
    turns(world, talk, 1)
    slow = world.send(other, None, ended=False)
    slow.timing = Timing()
    lanes = Lanes(world.store, Transcripts())
    quick = [*turns(world, talk, 2), world.send(other, None, status=500)]
    lanes.update(inf)
    assert [placed(lanes, flow).lane.id for flow in quick] == ["f1", "f1", quick[-1].id]
    slow.timing.received = 9000.0
    world.answer(slow, None, status=500)
    lanes.update(inf)
    assert placed(lanes, quick[-1]).retry_of is slow
    assert [placed(lanes, flow).turn for flow in (*quick, slow)] == [2, 3, 1, 1]
    assert [lane.id for lane in lanes] == ["f1", slow.id]
    assert [lane.totals.turns for lane in lanes] == [3, 1]


def test_totals_follow_the_flows_as_they_end() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    live = world.send(talk, None, ended=False)
    lanes = Lanes(world.store, Transcripts())
    lanes.update(inf)
    (lane,) = lanes
    assert (lane.totals.turns, lane.totals.input_tokens, lane.totals.window) == (1, 0, None)
    before = lanes.revision
    world.answer(live, model("Done."))
    lanes.update(inf)
    assert (lane.totals.input_tokens, lane.totals.output_tokens, lane.totals.window) == (100, 10, 100)
    assert lane.totals.cost is not None and lane.totals.cost > 0
    assert lanes.revision > before
    world.store.touch(live)
    after = lanes.revision
    lanes.update(inf)
    assert (lane.totals.input_tokens, lanes.revision) == (100, after)


def test_changes_are_told_once() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    flows = turns(world, talk, 2)
    lanes = sorted_out(world)
    cursor, changed = lanes.changes_since(0)
    assert changed == flows
    assert lanes.changes_since(cursor) == (cursor, [])


def history() -> list[Flow]:
    """All kinds of flows, as a file of them would give them back."""
    world = World()
    session = {"x-claude-code-session-id": "s-1"}
    world.send(replace(TITLER, said=[user(f"{FIRST} (quickly)")], headers=session), model("Parser"))
    talk = Talk(said=[user(FIRST)], headers=session)
    turns(world, talk, 2)
    world.send(talk, None, status=529)
    call = task(3, "Explore the tests and report.")
    world.step(talk, model("A helper.", call))
    turns(world, helper("Explore the tests and report.", headers=session), 2)
    talk.said.append(result(call, "done"))
    world.send(replace(talk, said=[*talk.said, user(ORDER)]), model("A colon is missing in line seven of it."))
    world.send(talk.with_said(user("So far: A colon is missing in line seven of it.")), model("Right."))
    nested(world)
    return list(world.store)


def test_it_does_not_matter_when_somebody_looks() -> None:
    """Requests come whole and answers end in their order, and between any two of these somebody may look."""
    expected = Lanes(whole := FlowStore(), Transcripts())
    flows = history()
    for flow in flows:
        whole.add(flow)
    expected.update(inf)
    wanted = [shown(expected, flow) for flow in flows]
    titles = [(lane.id, lane.title, lane.path, lane.totals) for lane in expected]

    @settings(max_examples=30, deadline=None)
    @given(st.lists(st.integers(0, 3), min_size=2 * len(flows), max_size=2 * len(flows)))
    def look(looks: list[int]) -> None:
        store = FlowStore()
        lanes = Lanes(store, Transcripts())
        copies: list[Flow] = []
        steps = iter(looks)
        for flow in flows:
            copy = replace(flow, response=None, end=None, timing=Timing(received=1.0), seq=0, revision=0)
            copies.append(copy)
            store.add(copy)
            _look(lanes, copies, next(steps))
            copy.response, copy.end, copy.timing = flow.response, flow.end, flow.timing
            store.touch(copy)
            _look(lanes, copies, next(steps))
        lanes.update(inf)
        assert [shown(lanes, copy) for copy in copies] == wanted
        assert [(lane.id, lane.title, lane.path, lane.totals) for lane in lanes] == titles

    look()


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_it_does_not_matter_in_which_order_requests_become_whole(data: st.DataObject) -> None:
    """Numbers are given by arrival; a long request may be whole only after later ones were answered."""
    flows = history()
    for number, flow in enumerate(flows, 1):
        flow.seq = number
    expected = Lanes(whole := FlowStore(), Transcripts())
    for flow in flows:
        whole.add(flow)
    expected.update(inf)
    wanted = [shown(expected, flow) for flow in flows]
    store = FlowStore()
    lanes = Lanes(store, Transcripts())
    for flow in data.draw(st.permutations(flows)):
        store.add(flow)
        if data.draw(st.booleans()):
            lanes.update(inf)
    lanes.update(inf)
    assert [shown(lanes, flow) for flow in flows] == wanted
    assert [lane.path for lane in lanes] == [lane.path for lane in expected]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_it_does_not_matter_when_somebody_looks_at_conversations_that_overlap(data: st.DataObject) -> None:
    """Several agents work at once; each sends its next request only when it has the answer to its last."""
    groups = _groups()
    waiting = [2 * len(group) for group in groups]
    order = data.draw(st.permutations([number for number, steps in enumerate(waiting) for _ in range(steps)]))
    looks = data.draw(st.lists(st.integers(0, 3), min_size=len(order), max_size=len(order)))
    outcomes = [_played(groups, order, looks), _played(groups, order, [0] * len(order))]
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][0] == {"worker": 5, "s-1": 1}


def _groups() -> list[list[Flow]]:
    """The flows of conversations that know nothing of each other."""
    worlds = [World() for _ in range(3)]
    nested(worlds[0])
    talk = Talk(said=[user(FIRST)], headers={"session_id": "s-1"})
    turns(worlds[1], talk, 2)
    worlds[1].send(talk, None, status=529)
    turns(worlds[1], talk, 1)
    turns(worlds[2], Talk(said=[user("Count the boats in the harbour.")]), 3)
    return [list(world.store) for world in worlds]


def _played(groups: list[list[Flow]], order: list[int], looks: list[int]) -> tuple[dict[str, int], list[Any]]:
    """The lanes by session, and all places, of flows that begin and end in an order of their groups."""
    store = FlowStore()
    lanes = Lanes(store, Transcripts())
    done = [0] * len(groups)
    live: dict[int, Flow] = {}
    flows: list[Flow] = []
    for now, (number, look) in enumerate(zip(order, looks, strict=True)):
        flow = groups[number][done[number] // 2]
        if done[number] % 2 == 0:
            live[number] = Flow(
                f"{number}.{flow.id}", flow.request, 1.7e9 + now, agent=flow.agent, dialect=flow.dialect
            )
            live[number].timing = Timing(received=1.0)
            flows.append(live[number])
            store.add(live[number])
        else:
            live[number].response, live[number].end = flow.response, flow.end
            live[number].timing.ended = (1.7e9 + now - live[number].started) * 1000
            store.touch(live[number])
        done[number] += 1
        _look(lanes, flows, look)
    lanes.update(inf)
    sessions = Counter(lane.session or lane.agent for lane in lanes)
    return dict(sessions), [shown(lanes, flow) for flow in flows]


def _look(lanes: Lanes, flows: list[Flow], how: int) -> None:
    if how == 1:
        lanes.update(inf)
    elif how == 2:
        lanes.update(0)
    elif how == 3:
        lanes.place(flows[-1])
