"""Sessions for tests: a writer that is pulled until all is written, and what lies in the file then."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from inspector.formats.session import SessionWriter
from inspector.formats.session_reader import SessionReader
from inspector.model.flow import Flow
from inspector.store.flows import FlowStore

PATIENCE = 20.0


def until(met: Callable[[], bool]) -> None:
    """Wait until something is so; fail where it never is."""
    give_up = time.monotonic() + PATIENCE
    while not met():
        assert time.monotonic() < give_up, "it never came to be"
        time.sleep(0.002)


def written(writer: SessionWriter) -> None:
    """Pull until the file has everything."""
    until(lambda: not writer.pull() and writer.is_idle)


@contextlib.contextmanager
def session(path: Path, store: FlowStore | None = None) -> Iterator[tuple[FlowStore, SessionWriter]]:
    """A store and what writes it; closed at the end, with everything in the file."""
    store = FlowStore() if store is None else store
    writer = SessionWriter(store, path)
    writer.open()
    try:
        yield store, writer
    finally:
        writer.close()


@contextlib.contextmanager
def reading(path: Path) -> Iterator[SessionReader]:
    """A reader that is closed."""
    reader = SessionReader(path)
    try:
        yield reader
    finally:
        reader.close()


def flows_of(path: Path) -> list[Flow]:
    """What is in a file that has no faults."""
    with reading(path) as reader:
        flows = list(reader.flows())
        assert not reader.remarks
        return flows
