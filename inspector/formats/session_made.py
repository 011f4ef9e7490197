"""Makes a session of flows that come from elsewhere, in one go and in constant memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from inspector.formats.session_batch import Change, Track, change_of
from inspector.formats.session_disk import SessionDisk
from inspector.formats.session_schema import SessionError
from inspector.model.flow import Flow

_BATCH = 8 << 20
"""Bytes of one transaction."""
_CHANGES = 100
"""Changes of one transaction."""


def make_session(path: Path, flows: Iterable[Flow]) -> int:
    """Write ended flows to a session that is not there yet; says how many. Until it is whole it has another name.

    SessionError where it cannot be written, and then nothing is left; so where `flows` raises.
    """
    part = path.with_name(path.name + ".made")
    disk = SessionDisk(part)
    try:
        _remove(part)
        disk.ready()
        count = 0
        for batch in _batches(flows):
            disk.write(batch)
            count += sum(change.whole for change in batch)
        disk.close()
        part.replace(path)
        return count
    except (sqlite3.Error, OSError) as error:
        raise SessionError(f"{path} cannot be written: {error}") from None
    finally:
        disk.close()
        _remove(part)


def _batches(flows: Iterable[Flow]) -> Iterator[list[Change]]:
    batch: list[Change] = []
    size = 0
    for change in _changes(flows):
        batch.append(change)
        size += change.size
        if change.rest or size >= _BATCH or len(batch) >= _CHANGES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _changes(flows: Iterable[Flow]) -> Iterator[Change]:
    for flow in flows:
        track, more = Track(), True
        while more:
            change, track = change_of(flow, track)
            more = change.rest
            yield change


def _remove(part: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        part.with_name(part.name + suffix).unlink(missing_ok=True)
