"""The checks that run at the end of every test find what they are for."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from inspector.proxy.tasks import spawn
from tests import leaks
from tests.leaks import Leak, nothing_left, tasks_end


@pytest.fixture(autouse=True)
def _nothing_left() -> None:
    """Here, it is the test that looks for what is left."""


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left here never ends by itself."""
    monkeypatch.setattr(leaks, "PATIENCE", 0.05)


def test_an_open_file_is_found() -> None:
    reading, writing = 0, 0
    with pytest.raises(Leak, match=r"files are left open: .*pipe"), nothing_left():
        reading, writing = os.pipe()
    os.close(reading)
    os.close(writing)


def test_an_open_socket_is_found() -> None:
    with contextlib.ExitStack() as stack, pytest.raises(Leak, match=r"files are left open: .*socket"), nothing_left():
        stack.enter_context(socket.create_server(("127.0.0.1", 0)))


def test_a_thread_is_found() -> None:
    over = threading.Event()
    thread = threading.Thread(target=over.wait, name="left behind")
    with pytest.raises(Leak, match="threads are left: left behind"), nothing_left():
        thread.start()
    over.set()
    thread.join()


def test_a_thread_that_is_about_to_end_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaks, "PATIENCE", 5.0)
    with nothing_left():
        threading.Timer(0.02, lambda: None).start()


def test_a_thread_of_what_was_frozen_in_a_cycle_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program freezes what it has, so that no collection walks it: that must not hide what is let go later."""
    monkeypatch.setattr(leaks, "PATIENCE", 5.0)
    with nothing_left():
        pool: list[object] = [ThreadPoolExecutor(1, "frozen")]
        pool.append(pool)
        assert isinstance(pool[0], ThreadPoolExecutor) and pool[0].submit(int).result() == 0
        gc.freeze()
        del pool


@pytest.mark.anyio
async def test_a_task_is_found() -> None:
    over = asyncio.Event()

    async def leave_one() -> None:
        spawn(over.wait(), "left behind")

    with pytest.raises(Leak, match=r"tasks are left: .*'left behind'"):
        await tasks_end(leave_one)()
    over.set()


def test_a_complaint_of_the_event_loop_is_found() -> None:
    async def fail() -> None:
        raise ValueError("nobody asks")

    async def leave_one() -> None:
        spawn(fail(), "failed")
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    with pytest.raises(Leak, match="the event loop complains: Task exception was never retrieved"), nothing_left():
        asyncio.run(leave_one())
        gc.collect()
