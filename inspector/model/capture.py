"""A body as it passed: its bytes, and when each chunk came."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar, cast

_T = TypeVar("_T")


class _Part(Generic[_T]):
    """One of a body's three columns, as it is read and set by others: it may have to be fetched first."""

    def __init__(self, slot: str) -> None:
        self._slot = slot

    def __get__(self, body: Capture, owner: type) -> _T:
        try:
            return cast(_T, getattr(body, self._slot))
        except AttributeError:
            away = body._away
            # Where it is None, another thread has brought it back meanwhile.
            return self.__get__(body, owner) if away is None else cast(_T, getattr(away.fetched(body), self._slot))

    def __set__(self, body: Capture, value: _T) -> None:
        setattr(body, self._slot, value)


class Capture:
    """A body as it passed: its bytes, and for each chunk the time it came and where it ends.

    One that grows no more may be let go, and lies elsewhere then. Whoever reads it does not notice: it comes back.
    """

    __slots__ = ("_away", "_data", "_ends", "_times", "lost")

    data = _Part[bytearray]("_data")
    times = _Part["array[float]"]("_times")
    ends = _Part["array[int]"]("_ends")

    def __init__(self, data: bytes = b"") -> None:
        self._data = bytearray()
        self._times = array("d")
        self._ends = array("Q")
        self._away: _Away | None = None
        self.lost = ""
        """Why its bytes are gone for good, in words; empty as long as they are not."""
        if data:
            self.append(0.0, data)

    def append(self, at: float, chunk: bytes) -> None:
        """Add a chunk that came `at` milliseconds after the flow's start."""
        self._data += chunk
        self._times.append(at)
        self._ends.append(len(self._data))

    def chunk(self, index: int) -> bytes:
        """The bytes of one chunk."""
        ends = self.ends
        start = ends[index - 1] if index else 0
        return bytes(self.data[start : ends[index]])

    @property
    def chunks(self) -> int:
        """How many chunks came."""
        away = self._away
        return len(self.ends) if away is None else away.chunks

    @property
    def here(self) -> bool:
        """Whether it is in memory."""
        return self._away is None

    @property
    def memory(self) -> int:
        """Bytes of memory that it takes, with what it has in reserve to grow into."""
        if self._away is not None:
            return 0
        return self._data.__sizeof__() + self._times.__sizeof__() + self._ends.__sizeof__()

    @classmethod
    def elsewhere(cls, fetch: Fetch, flow_id: str, side: str, size: int, chunks: int) -> Capture:
        """A body of so many bytes that was recorded before, and is not in memory."""
        body = cls()
        body._away = _Away(fetch, flow_id, side, size, chunks)
        del body._data, body._times, body._ends
        return body

    def let_go(self, fetch: Fetch, flow_id: str, side: str) -> None:
        """Drop what can be read elsewhere. Nothing can be appended any more. What is not here comes back so, too."""
        if self._away is not None:
            self._away = self._away._replace(fetch=fetch)
            return
        # In this order, so that a thread which reads meanwhile finds the one or the other.
        self._away = _Away(fetch, flow_id, side, len(self._data), len(self._ends))
        del self._data, self._times, self._ends

    def put_back(self, found: Capture) -> None:
        """Take what another one has: what was let go is in memory again."""
        self._data, self._times, self._ends, self.lost = found.data, found.times, found.ends, found.lost
        self._away = None

    def nothing(self, why: str) -> Capture:
        """What stands in its place where it cannot be read back: as many chunks, all empty."""
        empty = Capture()
        zeros = bytes(8 * self.chunks)
        empty.times, empty.ends, empty.lost = array("d", zeros), array("Q", zeros), why
        return empty

    def __bytes__(self) -> bytes:
        return bytes(self.data)

    def __len__(self) -> int:
        try:
            return len(self._data)
        except AttributeError:
            away = self._away
            return len(self.data) if away is None else away.size


class _Away(NamedTuple):
    """How a body comes back that is not in memory, and what is known of it meanwhile."""

    fetch: Fetch
    flow_id: str
    side: str
    size: int
    chunks: int

    def fetched(self, body: Capture) -> Capture:
        """The body's contents."""
        return self.fetch(body, self.flow_id, self.side)


Fetch = Callable[[Capture, str, str], Capture]
"""Gets what was let go, by its flow's id and its side, does `put_back` with it, and gives it. It must not raise."""
