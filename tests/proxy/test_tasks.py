"""Tasks that nobody holds on to still come to their end, and what a run had to write is written when it is over."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest

from inspector.cli.recording import recording
from inspector.formats.jsonl import read
from inspector.model.flow import Flow
from inspector.proxy.tasks import spawn
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from tests.handmade import done_chat

pytestmark = pytest.mark.anyio


class Bell:
    """What two wait for that only know each other."""

    def __init__(self) -> None:
        self.waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()


async def begun(start: Callable[[Bell, list[str]], object], done: list[str]) -> weakref.ref[Bell]:
    """Begin a task whose only way to be known is in what it waits for."""
    bell = Bell()
    start(bell, done)
    await asyncio.sleep(0)
    return weakref.ref(bell)


async def wait_for(bell: Bell, done: list[str]) -> None:
    """What the task does."""
    await bell.waiting
    done.append("done")


async def test_a_task_that_nobody_holds_is_not_collected() -> None:
    done: list[str] = []
    ring = await begun(lambda bell, told: spawn(wait_for(bell, told), "test") and None, done)
    gc.collect()
    bell = ring()
    assert bell is not None
    bell.waiting.set_result(None)
    del bell
    async with asyncio.timeout(5):
        while not done:
            await asyncio.sleep(0)
    gc.collect()
    assert ring() is None


async def test_what_ended_last_is_written_at_shutdown(tmp_path: Path) -> None:
    store, path, before = FlowStore(), tmp_path / "f.jsonl", asyncio.all_tasks()
    async with recording(store, Transcripts(), path, tmp_path / "t.jsonl"):
        await asyncio.sleep(0)
        for number in range(50):
            store.add(done_chat(f"f{number}"))
            gc.collect(0)
    assert asyncio.all_tasks() == before
    assert len([flow for flow in read(path) if isinstance(flow, Flow)]) == 50
    assert (tmp_path / "t.jsonl").read_bytes().count(b"\n") == 50
