"""Packages that take too long to load for whoever waits: a thread loads them when they are first wanted."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Generic, TypeVar

T = TypeVar("T")

logger = logging.getLogger("inspector.packages")


class LatePackage(Generic[T]):
    """What a thread makes of packages that nothing else depends on. Any thread may use it."""

    def __init__(self, name: str, load: Callable[[], T], lost: str) -> None:
        """`load` may raise anything; then the log says what is `lost`. The thread is called `name`."""
        self.loaded: T | None = None
        """None before it is done, and where it cannot be had."""
        self.done = Event()
        self._name = name
        self._load = load
        self._lost = lost
        self._lock = Lock()
        self._begun = False

    def begin(self) -> None:
        """Load it in a thread, once."""
        with self._lock:
            if self._begun:
                return
            self._begun = True
        try:
            # No daemon: one that is cut off inside of foreign code takes the process down with it.
            Thread(target=self._run, name=self._name).start()
        except RuntimeError as error:  # no thread can be had
            logger.warning("%s: %s", self._lost, error)
            self.done.set()

    def _run(self) -> None:
        try:
            self.loaded = self._load()
        except Exception:  # the border to packages of others
            logger.warning("%s", self._lost, exc_info=True)
        finally:
            self.done.set()
