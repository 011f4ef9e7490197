"""What a test must not leave behind: threads, open files and sockets, tasks, and errors that nobody looked at."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import logging
import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

PATIENCE = 3.0
"""Seconds that what is about to end gets for it."""

FDS = "/proc/self/fd"

LASTING = (
    "asyncio_",  # the default executor's: its loop ends them when it closes
    "AnyIO worker",  # kept for the next call, as long as its event loop lives
    "hooks",  # a hook that hangs is left behind, and its thread with it
    "(process_request_thread)",  # the standard library's server has one for each connection that a client keeps
)
"""What stands in the names of threads that may outlive a test."""

LASTING_TASKS = (
    "Upstream.serve",  # the connections of an upstream in a fixture, which ends them with itself
    "_shutdown_watcher",  # sse_starlette's: one for each event loop, until that ends
)
"""Coroutines that may outlive a test."""


class Leak(AssertionError):
    """A test left something behind."""


@contextlib.contextmanager
def nothing_left() -> Iterator[None]:
    """Raise Leak where a thread, a file, a socket or an error of the event loop's is left at the block's end."""
    threads, before, errors = set(threading.enumerate()), open_files(), _Errors()

    def files() -> set[str]:
        return set() if _keep_files(threads) else open_files() - before

    logger = logging.getLogger("asyncio")
    logger.addHandler(errors)
    try:
        yield
        _settled(lambda: not files() and not _threads(threads))
    finally:
        logger.removeHandler(errors)
    if more := _threads(threads):
        raise Leak(f"threads are left: {', '.join(thread.name for thread in more)}")
    if left := files():
        raise Leak(f"files are left open: {', '.join(sorted(map(_named, left)))}")
    if errors.said:
        raise Leak(f"the event loop complains: {'; '.join(errors.said)}")


def tasks_end(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Raise Leak where a coroutine function leaves tasks behind in its loop."""

    @functools.wraps(function)
    async def checked(*args: Any, **kwargs: Any) -> Any:
        before = asyncio.all_tasks()
        result = await function(*args, **kwargs)
        until = time.monotonic() + PATIENCE
        while (left := _tasks(before)) and time.monotonic() < until:
            await asyncio.wait(left, timeout=0.05)
        if left:
            raise Leak(f"tasks are left: {', '.join(map(repr, left))}")
        return result

    return checked


def _tasks(before: set[asyncio.Task[Any]]) -> set[asyncio.Task[Any]]:
    new = asyncio.all_tasks() - before
    return {task for task in new if getattr(task.get_coro(), "__qualname__", "") not in LASTING_TASKS}


class _Errors(logging.Handler):
    """Keeps what the event loop says of tasks that were destroyed, or whose exceptions nobody took."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


def open_files() -> set[str]:
    """The numbers of this process's open files and sockets; empty where the system does not tell."""
    try:
        numbers = os.listdir(FDS)
    except OSError:
        return set()
    return {number for number in numbers if _is_open(int(number))}  # the list itself was open meanwhile


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _settled(done: Callable[[], bool]) -> None:
    if done():
        return
    gc.unfreeze()  # what the program froze in a test has cycles, too: they hold threads
    gc.collect()
    until = time.monotonic() + PATIENCE
    while not done() and time.monotonic() < until:
        time.sleep(0.01)


def _threads(before: set[threading.Thread]) -> list[threading.Thread]:
    return [
        thread
        for thread in threading.enumerate()
        if thread not in before and thread.is_alive() and not any(name in thread.name for name in LASTING)
    ]


def _keep_files(before: set[threading.Thread]) -> bool:
    """Whether a thread that may outlive a test has files of its own: an event loop's, a connection."""
    new = [thread.name for thread in threading.enumerate() if thread not in before]
    return any(lasting in name for name in new for lasting in LASTING[2:])


def _named(number: str) -> str:
    try:
        return f"{number} ({os.readlink(f'{FDS}/{number}')})"
    except OSError:
        return number
