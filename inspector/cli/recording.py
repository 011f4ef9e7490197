"""What a run is recorded to: the session, and `--jsonl` and `--trace`, to which each flow is appended as it ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from io import RawIOBase
from pathlib import Path
from typing import NamedTuple

import click

from inspector.cli.bounding import bounded, pulled
from inspector.cli.keeping import Place, keeping
from inspector.cli.pulling import pulling
from inspector.cli.session_files import SessionFiles, is_apart
from inspector.formats import EXPORTERS, Line
from inspector.formats.session import SessionWriter, Stopped
from inspector.formats.trace import LiveTrace
from inspector.model.flow import Flow
from inspector.store import price_list
from inspector.store.flows import FlowStore
from inspector.store.memory import MEMORY, PROGRAM, MemoryBudget
from inspector.store.passing import Passing
from inspector.store.transcripts import Transcripts

logger = logging.getLogger("inspector.recording")

INTERVAL = 0.2
"""Seconds between two pulls."""


class Recorder:
    """Writes ended flows, once each, in the order of their ends. What a full disk refuses is written later, whole."""

    def __init__(
        self,
        store: FlowStore,
        line: Line,
        file_of: Callable[[Flow], RawIOBase],
        came: Callable[[Flow], None] | None = None,
        cursor: int = 0,
    ) -> None:
        """`came` is told of each flow as it arrives. What the store had at the revision `cursor` is not written: it was
        when it came.
        """
        self._store = store
        self._line = line
        self._file_of = file_of
        self._came = came
        self._old = self._last = max((flow.seq for flow in store), default=0) if cursor else 0
        """The number of the last flow that there was, and of the last one that `came` was told of."""
        self._cursor = cursor
        self._known: set[str] = set()
        self._left = 0
        self._due: deque[Flow] = deque()
        self._pending: tuple[Flow, bytes] | None = None

    def has(self, flow: Flow) -> bool:
        """Whether a flow has ended, and all that is to be written of it was."""
        written = flow.id in self._known and flow not in self._due
        return written and (self._pending is None or self._pending[0] is not flow)

    def pull(self, limit: int = 20) -> int:
        """Write up to `limit` flows that ended since the last pull; says how many. Raises OSError on a bad disk."""
        written = 0
        self._look(limit)
        while self._due:
            with self._whatever_it_raises():
                self._write(self._line(self._due[0]))
            written += 1
        return written

    async def pull_aside(self, limit: int = 20) -> int:
        """The same, with the lines made in a thread: what takes long must not stop the relay."""
        written = 0
        self._look(limit)
        while self._due:
            with self._whatever_it_raises():
                self._write(await _aside(self._line, self._due[0]))
            written += 1
        return written

    @contextlib.contextmanager
    def _whatever_it_raises(self) -> Iterator[None]:
        """Leave a flow out of which no line can be made: those after it are worth no less."""
        try:
            yield
        except OSError:
            raise
        except Exception:  # the border to formats, and to whatever a flow holds
            logger.exception("#%s could not be recorded", self._due.popleft().number)

    def _look(self, limit: int) -> None:
        """Finish what could not be written, and see which flows ended meanwhile."""
        self._drain()
        if self._left != self._store.left:
            self._left = self._store.left
            self._known = {flow_id for flow_id in self._known if flow_id in self._store}
        _, changed = self._store.changes_since(self._cursor)
        if self._came is not None:
            for flow in sorted((flow for flow in changed if flow.seq > self._last), key=_number):
                self._came(flow)
                self._last = flow.seq
        for flow in changed:
            if flow.end is not None and flow.seq > self._old and flow.id not in self._known:
                if len(self._due) >= limit:
                    break
                self._due.append(flow)
                self._known.add(flow.id)
            self._cursor = flow.revision

    def _write(self, line: bytes) -> None:
        self._pending = self._due.popleft(), line
        self._drain()

    def _drain(self) -> None:
        while self._pending is not None:
            flow, line = self._pending
            rest = line[self._file_of(flow).write(line) or 0 :] if line else b""
            self._pending = (flow, rest) if rest else None


class Appended:
    """A file to which a recorder appends, and whether the disk takes it."""

    def __init__(self, path: Path, recorder: Recorder, sync: Callable[[], None] | None = None) -> None:
        self.path = path
        self.recorder = recorder
        self.sync = sync
        """Waits until the disk has what was written; None where nobody wants that."""
        self.stopped: Stopped | None = None
        """Set while the disk refuses; what comes meanwhile is written when it does no more."""

    @contextlib.contextmanager
    def trying(self) -> Iterator[None]:
        """Say in the log when the disk begins to refuse, and when it ends: whoever is relayed must not notice."""
        try:
            yield
        except OSError as error:
            if self.stopped is None:
                logger.error("%s cannot be written: %s", self.path, error)
            since = self.stopped.since if self.stopped is not None else time.time()
            self.stopped = Stopped(since, error.strerror or str(error))
            return
        if self.stopped is not None:
            logger.warning("%s is being written again", self.path)
            self.stopped = None


class Files(NamedTuple):
    """What a run writes to."""

    jsonl: Path | None = None
    """With `{session}` in it, a file for each session; so with `trace`."""
    trace: Path | None = None
    session: Place | None = None
    fsync: bool = False
    """Whether `jsonl` and `trace` are on the disk as soon as they are written, whatever becomes of the machine."""


class Kept(NamedTuple):
    """What a run is recorded to while it runs: each says whether the disk takes it."""

    session: SessionWriter | None = None
    budget: MemoryBudget | None = None
    files: tuple[Appended, ...] = ()

    def all(self) -> list[SessionWriter | Appended]:
        """Every file, the session first."""
        return [*([self.session] if self.session is not None else []), *self.files]


@contextlib.asynccontextmanager
async def recording(
    store: FlowStore,
    transcripts: Transcripts,
    jsonl: Path | None = None,
    trace: Path | None = None,
    session: Place | None = None,
    fsync: bool = False,
    memory: int = MEMORY - PROGRAM,
) -> AsyncIterator[Kept]:
    """Record to files while the block runs, and what is left at its end. A bad path raises click.ClickException.

    Without a session, the oldest flows leave the store where there are more than fit into `memory` bytes.
    """
    if jsonl is not None and trace is not None and jsonl.resolve() == trace.resolve():
        raise click.ClickException(f"{jsonl} cannot be both a recording and a trace")
    async with contextlib.AsyncExitStack() as stack:
        writer = await stack.enter_async_context(keeping(store, session)) if session is not None else None
        budget = None
        if writer is not None:
            budget = await stack.enter_async_context(bounded(store, transcripts, writer))
        began, files = store.revision, []
        if jsonl is not None:
            price_list.prepare()
            line = EXPORTERS["jsonl"].lines(store, transcripts)
            places = stack.enter_context(_opened(jsonl))
            recorder = Recorder(store, line, places.of, cursor=began)
            file = Appended(jsonl, recorder, places.sync if fsync else None)
            files.append(await stack.enter_async_context(_running(file, aside=False)))
        if trace is not None:
            turns = LiveTrace(store, apart=is_apart(trace))
            places = stack.enter_context(_opened(trace))
            recorder = Recorder(store, turns.line, places.of, turns.came, began)
            file = Appended(trace, recorder, places.sync if fsync else None)
            files.append(await stack.enter_async_context(_running(file, aside=True)))
        if writer is None:
            passing = Passing(store, [file.recorder.has for file in files], memory, transcripts)
            budget = await stack.enter_async_context(pulled(passing))
        yield Kept(writer, budget, tuple(files))


async def _aside(line: Line, flow: Flow) -> bytes:
    try:
        return await asyncio.to_thread(line, flow)
    except RuntimeError:  # the interpreter is about to end, and starts no more threads
        return line(flow)


@contextlib.asynccontextmanager
async def _running(file: Appended, *, aside: bool) -> AsyncIterator[Appended]:
    async def pull() -> float:
        written = 0
        with file.trying():
            written = await file.recorder.pull_aside() if aside else file.recorder.pull()
            if file.sync is not None:
                await asyncio.to_thread(file.sync)
        return 0 if written else INTERVAL

    try:
        async with pulling(pull, "recording"):
            yield file
    finally:
        with file.trying():
            while file.recorder.pull():
                pass
            if file.sync is not None:
                file.sync()


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[SessionFiles]:
    try:
        files = SessionFiles(path)
    except OSError as error:
        raise click.ClickException(f"cannot write {path}: {error.strerror}") from None
    with contextlib.closing(files):
        yield files


def _number(flow: Flow) -> int:
    return flow.seq
