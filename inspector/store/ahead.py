"""Work that takes long, done in a thread beside the event loop, so that whoever draws need not wait for it."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from threading import Lock, Thread
from typing import TypeVar

_T = TypeVar("_T")

MANY = 4_000_000
"""Bytes from which on what is read of a body counts as so many objects that no garbage collection may walk them."""
THAW = 256
"""So many such bodies may be read until the garbage collector is to look at everything once (`Ahead.thaw`)."""


class Ahead:
    """A thread that does one thing after the other. It is there only while there is something to do."""

    def __init__(self) -> None:
        self.frozen = 0
        """How many such bodies were read since then."""
        self._lock = Lock()
        self._waiting: deque[Callable[[], None]] = deque()
        self._runs = False

    def submit(self, work: Callable[[], _T], size: int) -> Future[_T]:
        """Do `work`, which reads `size` bytes."""
        future: Future[_T] = Future()
        with self._lock:
            self._waiting.append(partial(self._do, future, work, size))
            starts, self._runs = not self._runs, True
        if starts:
            Thread(target=self._run, name="ahead").start()
        return future

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._runs = False
                    return
                do = self._waiting.popleft()
            do()
            del do

    def _do(self, future: Future[_T], work: Callable[[], _T], size: int) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            if size >= MANY:
                self.frozen += 1
                with _unwalked():
                    future.set_result(work())
            else:
                future.set_result(work())
        except BaseException as error:  # whoever takes the outcome gets it
            future.set_exception(error)

    def thaw(self) -> Future[None]:
        """Let the garbage collector look at everything once. To be called when most of what was read is dropped.

        With a large tree everything else that there is at that moment is taken from the collector, too, and of that,
        cycles never go: a dialog that was open, a task that failed. Over a week, that would be more and more.
        """
        self.frozen = 0
        return self.submit(_look_at_all, 0)


def _look_at_all() -> None:
    gc.unfreeze()
    gc.collect()
    gc.freeze()  # what a program has from its start on need not be walked each time either


@contextmanager
def _unwalked() -> Iterator[None]:
    """Make very many objects at once without a garbage collection that walks them, now or later.

    A collection stops all threads: over a parsed body of 20 MB it takes half a second. What is made here holds no
    cycles, and goes with the last reference to it.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
