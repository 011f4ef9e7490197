"""The session file: an SQLite database in WAL mode, format 1. What its tables hold, and how it is opened.

A flow is one row with its head, which is a line of the format `inspector/1` without bodies. A body that still grows
lies in pieces as they came; one that is whole lies in `body`, compressed, mostly against an earlier one that is like it
(see `session_bodies`), and `side` says which body a side of a flow has, and how it was cut into chunks.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from inspector.store.private_files import opened

Side = Literal["request", "forwarded", "response", "delivered"]

SIDES: tuple[Side, ...] = ("request", "forwarded", "response", "delivered")
"""What of a flow has a body. Their places here are their numbers in the file."""

FORMAT = 1
"""Written as `user_version`. A later format may add tables and columns: what is here keeps its meaning."""

MAGIC = b"SQLite format 3\0"
"""How the file begins."""

_APPLICATION = 0x496E7370
"""`Insp`, in the file's `application_id`."""

_ACTING = "SELECT 1 FROM sqlite_schema WHERE type NOT IN ('table', 'index') OR sql LIKE 'CREATE VIRTUAL%'"
"""Views, triggers and virtual tables run somebody's code, perhaps for ever. No session has any."""

_PATIENCE = 0.25
"""Seconds to wait for somebody who holds SQLite's lock."""

_TABLES = """
CREATE TABLE session (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE flow (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    change INTEGER NOT NULL,
    whole INTEGER NOT NULL,
    head TEXT NOT NULL
);
CREATE INDEX flow_change ON flow (change);
CREATE TABLE side (flow INTEGER, side INTEGER, body INTEGER, chunks BLOB, PRIMARY KEY (flow, side)) WITHOUT ROWID;
CREATE TABLE body (
    number INTEGER PRIMARY KEY,
    base INTEGER,
    size INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    data BLOB NOT NULL
);
CREATE TABLE piece (
    flow INTEGER NOT NULL,
    side INTEGER NOT NULL,
    number INTEGER NOT NULL,
    data BLOB NOT NULL,
    times BLOB NOT NULL,
    ends BLOB NOT NULL
);
CREATE UNIQUE INDEX piece_place ON piece (flow, side, number);
"""


class SessionError(Exception):
    """A session that cannot be used as it was meant; the words are for the person."""


def is_session(path: Path) -> bool:
    """Whether a file is a database by its first bytes; False where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def create(path: Path, facts: dict[str, str]) -> None:
    """Make an empty session that only its owner can read. It has its name once it is whole."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    opened(part, "xb").close()
    with closing(_connect(part, "rw")) as database:
        database.execute("BEGIN IMMEDIATE")
        for statement in _TABLES.split(";"):
            database.execute(statement)
        database.executemany("INSERT INTO session VALUES (?, ?)", facts.items())
        database.execute(f"PRAGMA application_id = {_APPLICATION}")
        database.execute(f"PRAGMA user_version = {FORMAT}")
        database.execute("COMMIT")
    part.replace(path)


def for_writing(path: Path) -> sqlite3.Connection:
    """A session to go on in. SessionError where it is another database or of a later format; else sqlite3.Error."""
    connection = _connect(path, "rw")
    try:
        found = _format_of(connection, path)
        if found > FORMAT:
            raise SessionError(f"{path} was written by a later version (format {found}): it can only be looked at")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA journal_size_limit = 16777216")
        # Pages that are written again and again, as those of growing bodies, go into the file once for 16 MiB of log.
        connection.execute("PRAGMA wal_autocheckpoint = 4096")
    except BaseException:
        connection.close()
        raise
    return connection


def for_reading(path: Path) -> tuple[sqlite3.Connection, int]:
    """A session to look at, from any thread but one at a time, and its format. SessionError where it is none.

    Where nothing lies beside the file that is not in it yet, it is read as it is, and nothing is made beside it.
    """
    try:
        connection = _connect(path, "ro" if has_log(path) else "ro&immutable=1")
        try:
            return connection, _format_of(connection, path)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise SessionError(f"{path} cannot be read: {error}") from None


def has_log(path: Path) -> bool:
    """Whether something lies beside a session that is not in it yet: it is being written, or its writer was killed."""
    try:
        return path.with_name(path.name + "-wal").stat().st_size > 0
    except OSError:
        return False


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"file:{quote(str(path.absolute()))}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def _format_of(connection: sqlite3.Connection, path: Path) -> int:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if application != _APPLICATION:
        raise SessionError(f"{path} is an SQLite database, but no session of the inspector")
    if connection.execute(_ACTING).fetchone() is not None:
        raise SessionError(f"{path} was made to do something when it is read: it is not opened")
    return found
