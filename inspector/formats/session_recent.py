"""Bodies that were read from a session a moment ago: the next are mostly packed against one of them."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

_MEMORY = 8 << 20
"""Bytes that all may have."""


class RecentBodies:
    """The last bodies that were read, by their numbers. May be used in any thread."""

    def __init__(self) -> None:
        self._bodies: OrderedDict[int, bytes] = OrderedDict()
        self._size = 0
        self._turn = Lock()

    def get(self, number: int) -> bytes | None:
        """A body, if it is still there."""
        with self._turn:
            return self._bodies.get(number)

    def put(self, number: int, body: bytes) -> None:
        """Keep a body; those that came first make room for it."""
        with self._turn:
            self._size += len(body) - len(self._bodies.pop(number, b""))
            self._bodies[number] = body
            while self._size > _MEMORY:
                self._size -= len(self._bodies.popitem(last=False)[1])

    def clear(self) -> None:
        """Forget all: another file may stand in the place of the one that was read."""
        with self._turn:
            self._bodies.clear()
            self._size = 0
