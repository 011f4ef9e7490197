"""`--jsonl`: a puller that appends each flow to a file as it ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from io import RawIOBase
from pathlib import Path

import click

from inspector.formats.jsonl import flow_to_line
from inspector.proxy.tasks import spawn
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts

logger = logging.getLogger("inspector.recording")

INTERVAL = 0.2
"""Seconds between two pulls."""


class Recorder:
    """Writes ended flows, once each, in the order of their ends. What a full disk refuses is written later, whole."""

    def __init__(self, store: FlowStore, transcripts: Transcripts, file: RawIOBase) -> None:
        self._store = store
        self._transcripts = transcripts
        self._file = file
        self._cursor = 0
        self._written: set[str] = set()
        self._pending = b""

    def pull(self, limit: int = 20) -> int:
        """Write up to `limit` flows that ended since the last pull; says how many. Raises OSError on a bad disk."""
        self._drain()
        _, changed = self._store.changes_since(self._cursor)
        written = 0
        for flow in changed:
            if flow.end is not None and flow.id not in self._written:
                if written == limit:
                    break
                self._pending = flow_to_line(flow, self._transcripts.of(flow))
                self._written.add(flow.id)
                written += 1
            self._cursor = flow.revision
            self._drain()
        return written

    def _drain(self) -> None:
        while self._pending:
            self._pending = self._pending[self._file.write(self._pending) or 0 :]


@contextlib.asynccontextmanager
async def recording(store: FlowStore, transcripts: Transcripts, path: Path | None) -> AsyncIterator[None]:
    """Record to `path` while the block runs, and what is left at its end. A bad path raises click.ClickException."""
    if path is None:
        yield
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab", buffering=0)
    except OSError as error:
        raise click.ClickException(f"cannot write {path}: {error.strerror}") from None
    with file:
        recorder = Recorder(store, transcripts, file)
        task = spawn(_pull_for_ever(recorder), "jsonl recording")
        try:
            yield
        finally:
            task.cancel()
            while _pull(recorder):
                pass


async def _pull_for_ever(recorder: Recorder) -> None:
    while True:
        await asyncio.sleep(INTERVAL if not _pull(recorder) else 0)


def _pull(recorder: Recorder) -> int:
    try:
        return recorder.pull()
    except OSError as error:
        logger.error("the recording could not be written: %s", error)
        return 0
