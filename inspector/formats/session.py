"""The session file: a puller that keeps all flows on disk as they pass, bodies included while they still stream.

What it costs the event loop is slices of bytes; a thread of its own does the rest. It asks the store what moved, hands
over what is new, and asks again when that is written: what the disk refuses is simply part of what is new next time.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from inspector.formats.session_batch import Change, Track, change_of, head_only
from inspector.formats.session_disk import SessionDisk
from inspector.formats.session_schema import SessionError
from inspector.model.flow import Flow
from inspector.store.flows import FlowStore

logger = logging.getLogger("inspector.session")

INTERVAL = 0.18
"""Seconds between two pulls. What is older than a quarter of a second must be on disk whatever happens to us."""

_BATCH = 8 << 20
"""Bytes of one transaction; more waits for the next, which follows at once."""
_FLOWS = 100
"""Flows of one transaction: taking what is new of them takes the loop about a millisecond."""
_SLACK = 5000
"""Flows that left the store, and are remembered until so many are to be forgotten at once."""
_AGAIN = 1.0
"""Seconds to wait before a disk that refused is tried again."""
_LAST = 5.0
"""Seconds that a disk which refuses is given at the end."""


class _Sent(NamedTuple):
    """What the thread was given of a flow, and what is to be taken down when that is written."""

    flow: Flow
    revision: int
    change: Change
    track: Track


@dataclass(frozen=True, slots=True)
class Stopped:
    """Nothing is being recorded."""

    since: float
    """Wall clock, in seconds since the epoch."""
    why: str


class SessionWriter:
    """Writes the flows of a store to a session. All methods are the event loop's; only `open` and `close` wait."""

    def __init__(self, store: FlowStore, path: Path, cursor: int = 0) -> None:
        """With `cursor`, what the store had at that revision is taken to be in the session already."""
        self.path = path
        self.stopped: Stopped | None = None
        """Set while the disk refuses; what comes meanwhile is written when it does no more."""
        self._store = store
        self._disk = SessionDisk(path)
        self._thread = ThreadPoolExecutor(1, "session")
        self._cursor = cursor
        self._due: dict[str, Flow] = {}
        self._tracks: dict[str, Track] = {}
        self._whole: set[str] = set()
        self._writing: tuple[Future[frozenset[str] | None], list[_Sent]] | None = None
        self._again = 0.0

    def open(self) -> None:
        """Open the file, or make it. SessionError where that cannot be; then every pull tries it again."""
        try:
            self._whole = self._store.ids & (self._thread.submit(self._disk.ready).result() or set())
        except (sqlite3.Error, OSError, SessionError) as error:
            self._stop(error)
            raise SessionError(str(error) if isinstance(error, SessionError) else f"{self.path}: {error}") from None

    def is_whole(self, flow: Flow) -> bool:
        """Whether a flow has ended and all its bytes are in the file."""
        return flow.id in self._whole

    @property
    def waiting(self) -> int:
        """How many flows have something new that is not in the file, as far as the last pull saw."""
        return len(self._due)

    @property
    def is_idle(self) -> bool:
        """Whether the file has all that the last pull saw."""
        return not self._due and self._writing is None and self.stopped is None

    def pull(self) -> bool:
        """Hand over what is new, if the thread is free; says whether more waits. Never waits itself."""
        if self._writing is not None:
            if not self._writing[0].done():
                return True
            self._settle(*self._writing)
            self._writing = None
        self._cursor, changed = self._store.changes_since(self._cursor)
        # In the order of arrival: so they stand in the file.
        self._due.update((flow.id, flow) for flow in sorted(changed, key=_number))
        if len(self._whole) > len(self._store) + _SLACK:
            self._whole.intersection_update(self._store.ids)
        if not (self._due or self.stopped) or time.monotonic() < self._again:
            return False
        sent = self._collect()
        self._writing = self._thread.submit(self._write, [each.change for each in sent]), sent
        return len(self._due) > len(sent)

    def close(self) -> None:
        """Write what is left, however long that takes, and close the file. A disk that refuses gets a few seconds."""
        until: float | None = None
        while self._due or self._writing is not None or self._behind:
            if self._writing is not None:
                wait((self._writing[0],))
            self.pull()
            if self.stopped is None:
                until = None
            else:
                until = until or time.monotonic() + _LAST
                if time.monotonic() > until:
                    break
                time.sleep(_AGAIN / 10)
        if self._due:
            logger.error("%s lacks what is new of %d flows", self.path, len(self._due))
        self._thread.submit(self._disk.close).result()
        self._thread.shutdown()

    @property
    def _behind(self) -> bool:
        """Whether the store changed since the last pull."""
        return self._cursor != self._store.revision

    def _collect(self) -> list[_Sent]:
        """What is new of the flows that changed, as far as it fits into one transaction."""
        sent: list[_Sent] = []
        size = 0
        for flow in islice(self._due.values(), _FLOWS):
            if flow.id in self._whole:
                change, track = head_only(flow), Track()
            else:
                change, track = change_of(flow, self._tracks.get(flow.id, Track()))
            sent.append(_Sent(flow, flow.revision, change, track))
            size += change.size
            if size >= _BATCH:
                break
        return sent

    def _write(self, changes: list[Change]) -> frozenset[str] | None:
        """In the thread: None where the changes are written; the ids of a file that has taken the old one's place."""
        found = self._disk.ready()
        if found is None:
            self._disk.write(changes)
        return found

    def _settle(self, written: Future[frozenset[str] | None], sent: list[_Sent]) -> None:
        """Take down how far the file is now."""
        error = written.exception()
        if error is not None:
            self._stop(error)
            return
        if self.stopped is not None:
            logger.warning("%s is being written again", self.path)
            self.stopped = None
        found = written.result()
        if found is not None:
            self._whole, self._due = self._store.ids & found, {flow.id: flow for flow in self._store}
            self._tracks.clear()
            return
        for flow, revision, change, track in sent:
            if change.whole:
                self._whole.add(flow.id)
                self._tracks.pop(flow.id, None)
            else:
                self._tracks[flow.id] = track
            if flow.revision == revision and not change.rest:
                del self._due[flow.id]

    def _stop(self, error: BaseException) -> None:
        self._again = time.monotonic() + _AGAIN
        if self.stopped is None:
            logger.error("%s cannot be written: %s", self.path, error)
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        self.stopped = Stopped(self.stopped.since if self.stopped is not None else time.time(), why)


def _number(flow: Flow) -> int:
    return flow.seq
