"""The demo's agent through a real proxy: three workers at once, a sub-agent, a title, and what goes wrong."""

from __future__ import annotations

import pytest

from inspector.demo import agent
from inspector.demo.session import DemoServer
from inspector.demo.workers import EXPLORER
from inspector.model.flow import Flow
from inspector.store.flows import FlowStore
from inspector.store.lane import Work
from inspector.store.lanes import Lanes
from inspector.store.transcripts import Transcripts
from tests.store.test_lanes_large import finish
from tests.upstreams import proxy

pytestmark = pytest.mark.anyio


async def recorded(rounds: int) -> FlowStore:
    """What the demo's agent sent in some rounds, and what it got."""
    async with DemoServer() as demo, proxy(demo.url) as server:
        await agent.run(server.url, pace=0.0, rounds=rounds)
        return server.store


async def test_the_demos_conversations() -> None:
    transcripts = Transcripts()
    store = await recorded(2)
    lanes = Lanes(store, transcripts)
    finish(lanes)
    places = {flow.id: lanes.place(flow) for flow in store}
    outside = [flow for flow in store if places[flow.id] is None]
    assert [flow.dialect for flow in outside] == ["models"] * 2
    subs = [lane for lane in lanes if lane.parent is not None]
    mains = [lane for lane in lanes if lane.parent is None]
    spoken = [{flow.dialect for flow in lane.flows} - {"anthropic-count-tokens"} for lane in mains]
    assert sorted(map(list, spoken)) == sorted([["anthropic-messages"], ["openai-chat"], ["openai-responses"]] * 2)
    assert len(subs) == 2
    for lane in lanes:
        systems = {transcripts.of(flow).prompt.messages[0].text() for flow in lane.flows if _is_turn(lanes, flow)}
        assert len(systems) == 1
        assert (systems == {EXPLORER}) == (lane.parent is not None)
    for sub in subs:
        assert sub.cause is not None and sub.cause.name == "Task"
        assert sub.parent is not None and sub.cause.flow in sub.parent.flows
        assert list(lanes.below(sub.parent)) == [sub] and lanes.below(sub) == []


async def test_the_demos_small_calls_and_attempts() -> None:
    store = await recorded(1)
    lanes = Lanes(store, Transcripts())
    finish(lanes)
    for lane in lanes:
        works = [place.work for flow in lane.flows if (place := lanes.place(flow)) is not None]
        asks = {flow.dialect for flow in lane.flows}
        small = [work for work in works if work is not Work.TURN]
        coder = "anthropic-messages" in asks and lane.parent is None
        assert sorted(small) == ([Work.COUNT, Work.TITLE, Work.TITLE] if coder else [])
        again = [
            place.retry_of for flow in lane.flows if (place := lanes.place(flow)) is not None and place.attempt > 1
        ]
        assert len(again) == (1 if coder or "openai-responses" in asks else 2 if "openai-chat" in asks else 0)
        turns = sum(work is Work.TURN for work in works)
        assert lane.totals.turns == turns - (0 if coder else len(again))


def _is_turn(lanes: Lanes, flow: Flow) -> bool:
    place = lanes.place(flow)
    return place is not None and place.work is Work.TURN
