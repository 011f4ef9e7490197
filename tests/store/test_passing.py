"""Flows that nothing keeps leave, the oldest first, when nobody needs them any more."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

import pytest

from inspector.cli.recording import recording
from inspector.formats.jsonl import read
from inspector.formats.trace import read_trace
from inspector.model.flow import Flow, Hold, Moment
from inspector.store.flows import FlowStore
from inspector.store.memory import FLOW
from inspector.store.passing import Passing
from inspector.store.transcripts import Transcripts
from tests.handmade import chat_flow, done_chat

MANY = 200
LIMIT = 50 * FLOW


def numbers(store: FlowStore) -> list[int]:
    """What is left."""
    return [flow.seq for flow in store]


def filled(*extra: Flow) -> FlowStore:
    """More than there is room for, behind what is to stay."""
    store = FlowStore()
    for flow in (*extra, *(done_chat(f"f{number}") for number in range(MANY))):
        store.add(flow)
    return store


def pull(budget: Passing) -> None:
    """As often as it takes for everybody else to have seen everything."""
    for _ in range(3):
        budget.pull()


def test_the_oldest_leave_and_the_rest_fits() -> None:
    store, transcripts = filled(), Transcripts()
    for flow in store:
        transcripts.summary(flow)
    budget = Passing(store, [], LIMIT, transcripts)
    pull(budget)
    left = numbers(store)
    assert left == list(range(MANY - len(left) + 1, MANY + 1)) and 5 < len(left) < 50
    assert store.left == MANY - len(left)
    assert budget.used == sum(len(flow.request.body) > 0 and flow.request.body.memory + body(flow) for flow in store)


def body(flow: Flow) -> int:
    """Bytes of memory of an answer."""
    return flow.response.body.memory if flow.response is not None else 0


def test_no_more_than_so_many() -> None:
    store = filled()
    pull(Passing(store, [], 1 << 30, Transcripts(), flows=100))
    assert numbers(store) == list(range(MANY - 90 + 1, MANY + 1))


def test_what_just_ended_waits_for_those_who_look_at_ends() -> None:
    store = filled()
    budget = Passing(store, [], LIMIT, Transcripts())
    budget.pull()
    assert len(store) == MANY


def test_live_held_marked_open_and_unwritten_flows_stay() -> None:
    live, held, marked, opened, unwritten = chat_flow("live"), *(done_chat(name) for name in ("h", "m", "o", "u"))
    held.hold, marked.marked = Hold(Moment.END, "hand", 1.0), True
    store = filled(live, held, marked, opened, unwritten)
    budget = Passing(store, [lambda flow: flow is not unwritten], LIMIT, Transcripts())
    budget.open = opened
    pull(budget)
    assert numbers(store)[:5] == [1, 2, 3, 4, 5] and len(store) < 60


@pytest.mark.anyio
async def test_what_leaves_was_written_once(tmp_path: Path) -> None:
    """With both files, and no room for anything."""
    store, lines, trace, before = FlowStore(), tmp_path / "f.jsonl", tmp_path / "t.jsonl", flows_in_memory()
    async with recording(store, Transcripts(), lines, trace, memory=0) as kept:
        for number in range(MANY):
            store.add(done_chat(f"f{number}"))
        assert kept.budget is not None
        async with asyncio.timeout(20):
            while len(store) or flows_in_memory() > before + 3:  # whoever reads flows has its last one at hand
                await asyncio.sleep(0.01)
    found = [flow.id for flow in read(lines) if isinstance(flow, Flow)]
    assert found == [f"f{number}" for number in range(MANY)]
    assert [turn["turn"] for turn in read_trace(trace)] == list(range(1, MANY + 1))


def flows_in_memory() -> int:
    """All that anybody still holds on to."""
    gc.collect()
    return sum(isinstance(each, Flow) for each in gc.get_objects())
