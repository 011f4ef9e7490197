"""Large requests are read in a thread before they are placed: nothing else may come out of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.model.flow import Flow, Timing
from inspector.store import price_list
from inspector.store.flows import FlowStore
from inspector.store.lanes import Lanes
from inspector.store.transcripts import Transcripts
from tests.store.lane_talk import FIRST, READ, Talk, World, model, placed, result, shown, user
from tests.store.test_lanes_kept import history


@pytest.fixture(scope="module", autouse=True)
def _all_are_large() -> Iterator[None]:
    price_list.prepare(wait=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("inspector.store.transcripts.LARGE", 1)
        yield


def finish(lanes: Lanes, budget_ms: float = 0.0) -> None:
    """Update in slices until all is placed and counted."""
    for _ in range(5000):
        lanes.update(budget_ms)
        if not lanes.pending:
            return
        time.sleep(0.002)
    raise AssertionError("never placed")


def test_it_does_not_matter_in_which_slices_large_requests_are_placed(monkeypatch: pytest.MonkeyPatch) -> None:
    flows = history()
    for number, flow in enumerate(flows, 1):
        flow.seq = number
    with monkeypatch.context() as small:
        small.setattr("inspector.store.transcripts.LARGE", 1 << 30)
        expected = Lanes(whole := FlowStore(), Transcripts())
        for flow in flows:
            whole.add(flow)
        expected.update(inf)
        wanted = [shown(expected, flow) for flow in flows]
        titles = [(lane.id, lane.title, lane.path, lane.totals) for lane in expected]

    @settings(max_examples=8, deadline=None)
    @given(st.data())
    def place(data: st.DataObject) -> None:
        lanes = Lanes(store := FlowStore(), Transcripts())
        copies = [replace(flow, revision=0) for flow in flows]
        for copy in data.draw(st.permutations(copies)):
            store.add(copy)
            for _ in range(data.draw(st.integers(0, 2))):
                lanes.update(data.draw(st.sampled_from((0.0, 1.0))))
        finish(lanes)
        assert [shown(lanes, copy) for copy in copies] == wanted
        assert [(lane.id, lane.title, lane.path, lane.totals) for lane in lanes] == titles

    place()


def test_who_asks_for_the_place_of_a_large_flow_does_not_wait_and_is_told_later() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    transcripts = Transcripts()
    lanes = Lanes(world.store, transcripts)
    first = world.step(talk, model("I read.", READ), result(READ, "x"))
    second = world.step(talk, model("Done."))
    assert transcripts.place(first) is None
    cursor, _ = lanes.changes_since(0)
    finish(lanes)
    assert lanes.changes_since(cursor)[1] == [first, second]
    assert placed(lanes, second).previous is first


def test_a_large_flow_that_leaves_before_it_is_read_keeps_nobody_waiting() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    lanes = Lanes(world.store, Transcripts())
    gone = world.step(talk, model("I read.", READ), result(READ, "x"))
    lanes.update(0.0)
    world.store.leave([gone])
    other = world.send(Talk(said=[user("Count the boats in the harbour.")]), model("Three."))
    finish(lanes)
    assert lanes.place(gone) is None
    assert placed(lanes, other).turn == 1


def test_a_request_that_somebody_altered_is_placed_by_what_its_client_sent() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    first = world.step(talk, model("I read.", READ), result(READ, "x"))
    second = world.send(talk, model("Done."))
    second.forwarded = second.request.with_body(b'{"model": "x", "messages": [{"role": "user", "content": "Else"}]}')
    live = Flow("late", second.request, second.started + 1, agent=second.agent, dialect=second.dialect)
    live.timing = Timing(received=1.0)
    world.store.add(live)
    lanes = Lanes(world.store, Transcripts())
    finish(lanes)
    assert placed(lanes, second).previous is first
    assert placed(lanes, live).lane is placed(lanes, first).lane
