"""The session as one thread writes it: a batch of changes is one transaction, there whole or not at all."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from zstandard import ZstdError

from inspector import __version__
from inspector.formats import session_schema
from inspector.formats.jsonl import flow_to_line
from inspector.formats.jsonl_reader import read
from inspector.formats.session_batch import Change, Part
from inspector.formats.session_bodies import BodyPacker, Packed, pack_chunks
from inspector.formats.session_lock import SessionLock
from inspector.formats.session_pieces import joined, pieces_of
from inspector.formats.session_rows import Rows
from inspector.formats.session_schema import SIDES, SessionError
from inspector.model.flow import Flow
from inspector.model.message import Transcript
from inspector.store.private_files import make_folder, opened

logger = logging.getLogger("inspector.session")

_BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_UNFIT = (sqlite3.DataError, sqlite3.InterfaceError, ValueError, OverflowError, ZstdError)
"""What is raised for a flow that no file can hold."""


@dataclass(slots=True)
class _Last:
    """The last numbers that were given in the file."""

    flow: int = 0
    body: int = 0
    change: int = 0


class SessionDisk:
    """One session, open to be written. Every call may raise sqlite3.Error, OSError or SessionError, and leaves nothing
    half done; the next call tries again from the beginning. All calls are one thread's.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = ""
        """Tells this session from any other that is later found at its path; empty before the first `ready`."""
        self._lock: SessionLock | None = None
        self._database: sqlite3.Connection | None = None
        self._place: tuple[int, int] = (0, 0)
        self._packer = BodyPacker()
        self._last = _Last()
        self._live: dict[str, int] = {}
        """The numbers of flows that are not whole, by their ids: the file has of them what was written here."""

    def ready(self) -> frozenset[str] | None:
        """Open what is not open. None where the session is the one of the last call; else the ids it has whole.

        A session that somebody deleted while it was open is put back. One that is broken is set aside, and another
        begun in its place.
        """
        if self._database is not None and not self._is_there():
            self._put_back(self._database)
        if self._database is not None:
            return None
        before = self.name
        self._open()
        return self._whole() if self.name != before else None

    def write(self, changes: Sequence[Change]) -> None:
        """Write changes, all or none but those of flows that no file can hold: they must not keep the others out."""
        database = self._database
        if database is None:
            raise SessionError(f"{self.path} is not open")
        last = replace(self._last)
        try:
            database.execute("BEGIN IMMEDIATE")
            self._write(database, changes)
            database.execute("COMMIT")
        except BaseException as error:
            self._last = last
            self._live.clear()
            self._packer.clear()
            _undo(database)
            if not isinstance(error, _UNFIT):
                self._fail(error)
                raise
            if len(changes) == 1:
                _tell_unfit(changes[0], error)
                return
            for change in changes:
                self.write([change])

    def close(self) -> None:
        """Close the file. What it has beside it goes into it."""
        if self._database is not None:
            with suppress(sqlite3.Error):
                self._database.close()
            self._database = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _fail(self, error: BaseException) -> None:
        """Let go of a file that may work no more until it is opened again."""
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY):
            self.close()
        if code in _BROKEN:
            _set_aside(self.path)

    def _open(self) -> None:
        make_folder(self.path.parent)
        self._lock = SessionLock.take(self.path)
        if self._lock is None:
            raise SessionError(f"another process is writing {self.path}")
        try:
            self._database = database = self._opened()
            self._place = _place_of(self.path)
            before, self.name = self.name, str(_one(database, "SELECT value FROM session WHERE name = 'id'"))
            self._last = _last_of(database)
            self._live.clear()
            self._packer.clear()
            if self.name != before:
                self._end_what_was_cut(database)
        except BaseException as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            self.close()
            if code in _BROKEN and self.name:
                _set_aside(self.path)
            raise

    def _opened(self) -> sqlite3.Connection:
        if not self.path.exists() or not self.path.stat().st_size:
            _remove_log(self.path)
            started = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            session_schema.create(self.path, {"id": uuid4().hex, "started": started, "program": __version__})
        return session_schema.for_writing(self.path)

    def _is_there(self) -> bool:
        try:
            return _place_of(self.path) == self._place
        except OSError:
            return False

    def _put_back(self, database: sqlite3.Connection) -> None:
        """Copy the deleted file, which is there as long as it is open, to its place again."""
        logger.warning("%s was deleted or replaced while it was written", self.path)
        copy = self.path.with_name(self.path.name + ".part")
        try:
            if not self.path.exists():
                make_folder(copy.parent)
                copy.unlink(missing_ok=True)
                opened(copy, "xb").close()
                with closing(sqlite3.connect(copy)) as target:
                    database.backup(target)
        except sqlite3.Error as error:
            logger.warning("what it had cannot be put back: %s", error)
            copy.unlink(missing_ok=True)
        self.close()
        if copy.exists():
            _remove_log(self.path)
            copy.replace(self.path)

    def _whole(self) -> frozenset[str]:
        assert self._database is not None
        return frozenset(str(row[0]) for row in self._database.execute("SELECT id FROM flow WHERE whole"))

    def _end_what_was_cut(self, database: sqlite3.Connection) -> None:
        """Give its end to every flow that was live when the process before this one died."""
        found = database.execute("SELECT number, head FROM flow WHERE NOT whole").fetchall()
        if not found:
            return
        database.execute("BEGIN IMMEDIATE")
        for number, head in found:
            self._last.change += 1
            for flow in read([str(head).encode()]):
                if isinstance(flow, Flow):
                    rows, kind = Rows(), f"{flow.agent} {flow.dialect}"
                    with suppress(ValueError, OverflowError):  # damaged pieces stay as they are
                        for side in range(len(SIDES)):
                            self._fold(database, rows, number, side, kind)
                    rows.flows.append((number, flow.id, self._last.change, True, _line(flow)))
                    rows.put(database)
        database.execute("COMMIT")

    def _write(self, database: sqlite3.Connection, changes: Sequence[Change]) -> None:
        rows, there = Rows(), _numbers_of(database, [change.id for change in changes if change.id not in self._live])
        for change in changes:
            mark = rows.mark()
            try:
                self._take(database, rows, change, there.get(change.id))
            except _UNFIT as error:
                rows.back_to(mark)
                _tell_unfit(change, error)
        rows.put(database)

    def _take(self, database: sqlite3.Connection, rows: Rows, change: Change, there: int | None) -> None:
        """Put a change among the rows; `there` is the number of a flow that others, or an earlier run, have written."""
        number = there or self._live.get(change.id)
        if number is None:
            number = self._last.flow = self._last.flow + 1
        self._last.change += 1
        head = _line(change.head) if change.head is not None else ""
        for part in change.parts:
            if part.again or (there is not None and part.number == 0):
                for table in ("piece", "side"):
                    database.execute(f"DELETE FROM {table} WHERE flow = ? AND side = ?", (number, part.side))
            if part.last:
                self._fold(database, rows, number, part.side, change.kind, part)
            else:
                values = (part.data, part.times.tobytes(), part.ends.tobytes())
                rows.pieces.append((number, part.side, part.number, *values))
        rows.flows.append((number, change.id, self._last.change, change.whole, head))
        if change.whole:
            self._live.pop(change.id, None)
        else:
            self._live[change.id] = number

    def _fold(
        self, database: sqlite3.Connection, rows: Rows, flow: int, side: int, kind: str, last: Part | None = None
    ) -> None:
        """Make one compressed body of the pieces of a side, where there are any, and its last part."""
        pieces = pieces_of(database, flow, side) if last is None or last.number else []
        whole = [*pieces, (last.data, last.times, last.ends)] if last is not None else pieces
        if not whole:
            return
        data, times, ends = joined(whole)

        def insert(packed: Packed) -> int:
            self._last.body += 1
            rows.bodies.append((self._last.body, packed.base, packed.size, packed.crc, packed.data))
            return self._last.body

        kinds = f"{'asked' if side < 2 else 'answered'} {kind}"
        number = self._packer.store(kinds, data, insert)
        rows.sides.append((flow, side, number, pack_chunks(times, ends)))
        if pieces:
            database.execute("DELETE FROM piece WHERE flow = ? AND side = ?", (flow, side))


def _last_of(database: sqlite3.Connection) -> _Last:
    tables = (("number", "flow"), ("number", "body"), ("change", "flow"))
    found = [_one(database, f"SELECT coalesce(max({column}), 0) FROM {table}") for column, table in tables]
    return _Last(*(int(str(number)) for number in found))


def _numbers_of(database: sqlite3.Connection, ids: list[str]) -> dict[str, int]:
    """The numbers of those of the flows that the file has, by their ids."""
    if not ids:
        return {}
    query = "SELECT id, number FROM flow WHERE id IN (SELECT value FROM json_each(?))"
    return dict(database.execute(query, (json.dumps(ids),)).fetchall())


def _undo(database: sqlite3.Connection) -> None:
    with suppress(sqlite3.Error):
        if database.in_transaction:
            database.execute("ROLLBACK")


def _tell_unfit(change: Change, error: BaseException) -> None:
    logger.error("flow %a cannot be recorded: %a", change.id, str(error))


def _line(head: Flow) -> str:
    return flow_to_line(head, Transcript()).decode()


def _one(database: sqlite3.Connection, query: str, *values: object) -> object:
    row = database.execute(query, values).fetchone()
    if row is None:
        raise SessionError("the session lacks what it was begun with")
    return row[0]


def _place_of(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _set_aside(path: Path) -> None:
    """Give a broken file another name, for whoever wants to save what can be."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    logger.error("%s is damaged; it is kept as %s", path, aside.name)
    with suppress(OSError):
        path.replace(aside)
        _remove_log(path)


def _remove_log(path: Path) -> None:
    """Remove what SQLite had beside a file that is there no more: it must not be taken for the next one's."""
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
