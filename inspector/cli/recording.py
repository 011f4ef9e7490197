"""What a run is recorded to: the session, and `--jsonl` and `--trace`, to which each flow is appended as it ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Iterator
from io import SEEK_END, FileIO, RawIOBase
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import click

from inspector.cli.bounding import bounded
from inspector.cli.keeping import Place, keeping
from inspector.formats import EXPORTERS, Line
from inspector.formats.session import SessionWriter
from inspector.model.flow import Flow
from inspector.proxy.tasks import spawn
from inspector.store import price_list
from inspector.store.flows import FlowStore
from inspector.store.private_files import make_folder, unbuffered
from inspector.store.transcripts import Transcripts

logger = logging.getLogger("inspector.recording")

INTERVAL = 0.2
"""Seconds between two pulls."""


class Recorder:
    """Writes ended flows, once each, in the order of their ends. What a full disk refuses is written later, whole."""

    def __init__(
        self, store: FlowStore, line: Line, file: RawIOBase, arrived: list[Flow] | None = None, cursor: int = 0
    ) -> None:
        """With `cursor`, what the store had at that revision is not written: it was when it came."""
        self._store = store
        self._line = line
        self._file = file
        self._arrived = arrived
        """Where flows are listed as they arrive, for a line that asks which they are."""
        self._cursor = cursor
        self._known: set[str] = set()
        self._left = 0
        self._due: deque[Flow] = deque()
        self._pending = b""

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
        if self._arrived is not None:
            self._arrived += islice(self._store, max(0, len(self._arrived) - self._store.left), None)
        if self._left != self._store.left:
            self._left = self._store.left
            self._known = {flow_id for flow_id in self._known if flow_id in self._store}
        _, changed = self._store.changes_since(self._cursor)
        for flow in changed:
            if flow.end is not None and flow.id not in self._known:
                if len(self._due) >= limit:
                    break
                self._due.append(flow)
                self._known.add(flow.id)
            self._cursor = flow.revision

    def _write(self, line: bytes) -> None:
        self._due.popleft()
        self._pending = line
        self._drain()

    def _drain(self) -> None:
        while self._pending:
            self._pending = self._pending[self._file.write(self._pending) or 0 :]


class Files(NamedTuple):
    """What a run writes to."""

    jsonl: Path | None = None
    trace: Path | None = None
    session: Place | None = None


@contextlib.asynccontextmanager
async def recording(
    store: FlowStore,
    transcripts: Transcripts,
    jsonl: Path | None = None,
    trace: Path | None = None,
    session: Place | None = None,
) -> AsyncIterator[SessionWriter | None]:
    """Record to files while the block runs, and what is left at its end. A bad path raises click.ClickException.

    Gives what writes the session, which knows whether it is being written.
    """
    if jsonl is not None and trace is not None and jsonl.resolve() == trace.resolve():
        raise click.ClickException(f"{jsonl} cannot be both a recording and a trace")
    async with contextlib.AsyncExitStack() as stack:
        writer = await stack.enter_async_context(keeping(store, session)) if session is not None else None
        if writer is not None:
            await stack.enter_async_context(bounded(store, transcripts, writer))
        began = store.revision
        if jsonl is not None:
            price_list.prepare()
            line = EXPORTERS["jsonl"].lines(store, transcripts)
            recorder = Recorder(store, line, stack.enter_context(_opened(jsonl)), cursor=began)
            await stack.enter_async_context(_running(recorder, aside=False))
        if trace is not None:
            arrived: list[Flow] = []
            line = EXPORTERS["trace"].lines(arrived, Transcripts(limit=1))
            recorder = Recorder(store, line, stack.enter_context(_opened(trace)), arrived, began)
            await stack.enter_async_context(_running(recorder, aside=True))
        yield writer


async def _aside(line: Line, flow: Flow) -> bytes:
    try:
        return await asyncio.to_thread(line, flow)
    except RuntimeError:  # the interpreter is about to end, and starts no more threads
        return line(flow)


@contextlib.asynccontextmanager
async def _running(recorder: Recorder, *, aside: bool) -> AsyncIterator[None]:
    over = asyncio.Event()
    task = spawn(_pull_until(over, recorder, aside=aside), "recording")
    try:
        yield
    finally:
        over.set()
        await task
        with _told():
            while recorder.pull():
                pass


async def _pull_until(over: asyncio.Event, recorder: Recorder, *, aside: bool) -> None:
    while not over.is_set():
        written = 0
        with _told():
            written = await recorder.pull_aside() if aside else recorder.pull()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), 0 if written else INTERVAL)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Say in the log what a disk refuses: whoever is relayed must not notice."""
    try:
        yield
    except OSError as error:
        logger.error("the recording could not be written: %s", error)


def _opened(path: Path) -> FileIO:
    """A file to append whole lines to: one that was left in the middle of a line goes on with the next."""
    try:
        make_folder(path.parent)
        file = unbuffered(path, "ab")
        if path.is_file() and not _ends_well(path):
            file.write(b"\n")
        return file
    except OSError as error:
        raise click.ClickException(f"cannot write {path}: {error.strerror}") from None


def _ends_well(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, SEEK_END)
        file.seek(max(size - 1, 0))
        return file.read(1) in (b"", b"\n")
