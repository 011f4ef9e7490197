"""The session as one thread writes it: a batch of changes is one transaction, there whole or not at all."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
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
from inspector.formats.session_schema import SIDES, SessionError
from inspector.model.flow import Capture, Flow
from inspector.model.message import Transcript
from inspector.store.private_files import make_folder, opened

logger = logging.getLogger("inspector.session")

_BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


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
        self._change = 0

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

    def write(self, changes: Iterable[Change]) -> None:
        """Write changes, all or none."""
        database = self._database
        if database is None:
            raise SessionError(f"{self.path} is not open")
        change = self._change
        try:
            database.execute("BEGIN IMMEDIATE")
            for each in changes:
                self._write_or_leave(database, each)
            database.execute("COMMIT")
        except BaseException as error:
            self._change = change
            self._packer.clear()
            self._fail(database, error)
            raise

    def close(self) -> None:
        """Close the file. What it has beside it goes into it."""
        if self._database is not None:
            with suppress(sqlite3.Error):
                self._database.close()
            self._database = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _fail(self, database: sqlite3.Connection, error: BaseException) -> None:
        """Undo; and let go of a file that may work no more until it is opened again."""
        with suppress(sqlite3.Error):
            if database.in_transaction:
                database.execute("ROLLBACK")
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
            self._change = int(str(_one(database, "SELECT coalesce(max(change), 0) FROM flow")))
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
        rows = database.execute("SELECT number, head FROM flow WHERE NOT whole").fetchall()
        if not rows:
            return
        database.execute("BEGIN IMMEDIATE")
        for number, head in rows:
            self._change += 1
            for flow in read([str(head).encode()]):
                if isinstance(flow, Flow):
                    with suppress(ValueError, OverflowError):  # damaged pieces stay as they are
                        for side in range(len(SIDES)):
                            self._fold(database, number, side, f"{flow.agent} {flow.dialect}")
                    values = (self._change, _line(flow), number)
                    database.execute("UPDATE flow SET change = ?, whole = 1, head = ? WHERE number = ?", values)
        database.execute("COMMIT")

    def _write_or_leave(self, database: sqlite3.Connection, change: Change) -> None:
        """Write what is new of a flow; one that no file can hold must not keep the others out."""
        try:
            self._write(database, change)
        except (sqlite3.DataError, sqlite3.InterfaceError, ValueError, OverflowError, ZstdError) as error:
            logger.error("flow %a cannot be recorded: %a", change.id, str(error))

    def _write(self, database: sqlite3.Connection, change: Change) -> None:
        self._change += 1
        if change.head is not None:
            database.execute(
                "INSERT INTO flow (id, change, whole, head) VALUES (?, ?, ?, ?) ON CONFLICT (id)"
                " DO UPDATE SET change = excluded.change, whole = excluded.whole, head = excluded.head",
                (change.id, self._change, change.whole, _line(change.head)),
            )
        else:
            database.execute("UPDATE flow SET change = ? WHERE id = ?", (self._change, change.id))
        if change.parts:
            number = int(str(_one(database, "SELECT number FROM flow WHERE id = ?", change.id)))
            for part in change.parts:
                self._add(database, number, part, change.kind)

    def _add(self, database: sqlite3.Connection, flow: int, part: Part, kind: str) -> None:
        if part.number == 0:
            for table in ("piece", "side"):
                database.execute(f"DELETE FROM {table} WHERE flow = ? AND side = ?", (flow, part.side))
            if part.last:
                self._keep(database, flow, part.side, kind, joined([(part.data, part.times, part.ends)]))
                return
        values = (flow, part.side, part.number, part.data, part.times.tobytes(), part.ends.tobytes())
        database.execute("INSERT INTO piece VALUES (?, ?, ?, ?, ?, ?)", values)
        if part.last:
            self._fold(database, flow, part.side, kind)

    def _fold(self, database: sqlite3.Connection, flow: int, side: int, kind: str) -> None:
        """Make one compressed body of the pieces of a side, where there are any."""
        pieces = pieces_of(database, flow, side)
        if pieces:
            self._keep(database, flow, side, kind, joined(pieces))
            database.execute("DELETE FROM piece WHERE flow = ? AND side = ?", (flow, side))

    def _keep(self, database: sqlite3.Connection, flow: int, side: int, kind: str, body: Capture) -> None:
        def insert(packed: Packed) -> int:
            values = (packed.base, packed.size, packed.crc, packed.data)
            return (
                database.execute("INSERT INTO body (base, size, crc, data) VALUES (?, ?, ?, ?)", values).lastrowid or 0
            )

        kinds = f"{'asked' if side < 2 else 'answered'} {kind}"
        number = self._packer.store(kinds, bytes(body), insert)
        database.execute("INSERT OR REPLACE INTO side VALUES (?, ?, ?, ?)", (flow, side, number, pack_chunks(body)))


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
