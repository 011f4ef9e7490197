"""A session that somebody made to do harm: nothing of it runs, nothing outgrows what it says, no reader falls."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from zlib import crc32

import pytest
import zstandard

from inspector.cli.reading import load
from inspector.formats.session_bodies import Packed, unpack
from inspector.formats.session_reader import SessionReader
from inspector.formats.session_schema import SessionError, for_writing
from inspector.store.flows import FlowStore
from tests.formats.sessions import session, written
from tests.handmade import done_chat

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, 'x', i, 1, '{}' FROM n"


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """A session with two flows."""
    path = tmp_path / "s.db"
    with session(path) as (store, writer):
        for name in "one", "two":
            store.add(done_chat(name))
        written(writer)
    yield path


def changed(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


@pytest.mark.parametrize(
    "statements",
    [
        ("ALTER TABLE flow RENAME TO old", f"CREATE VIEW flow (number, id, change, whole, head) AS {ENDLESS}"),
        ("CREATE TRIGGER t AFTER INSERT ON flow BEGIN DELETE FROM flow; END",),
        ("CREATE VIRTUAL TABLE v USING fts5(a)",),
    ],
)
def test_a_session_that_would_act_is_not_opened(file: Path, statements: tuple[str, ...]) -> None:
    changed(file, *statements)
    for use in (SessionReader, for_writing):
        with pytest.raises(SessionError, match="made to do something"):
            use(file)


def test_a_table_of_flows_that_is_none(file: Path) -> None:
    changed(
        file, "CREATE TABLE x AS SELECT 'a' || number AS number, id, change, whole, head FROM flow", "DROP TABLE flow"
    )
    changed(file, "ALTER TABLE x RENAME TO flow")
    store = FlowStore()
    assert len(load(file, store)) >= 1 and not len(store)


BOMB = zstandard.ZstdCompressor().compress(bytes(64 << 20))


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("UPDATE body SET data = ?", BOMB),
        ("UPDATE body SET data = ?", "text"),
        ("UPDATE body SET size = ?", 1 << 62),
        ("UPDATE body SET size = ?", -1),
        ("UPDATE body SET base = ?", 1),
        ("UPDATE body SET base = number + ?", 0),
        ("UPDATE side SET chunks = ?", zstandard.ZstdCompressor().compress(b"\xff" * 160)),
        ("UPDATE side SET chunks = ?", "text"),
        ("UPDATE side SET body = ?", "../../etc/passwd"),
    ],
)
def test_bodies_that_lie(file: Path, statement: str, value: object) -> None:
    """Every flow is there all the same."""
    with closing(sqlite3.connect(file)) as database:
        database.execute(statement, (value,))
        database.commit()
    with closing(SessionReader(file)) as reader:
        assert len(list(reader.flows())) == 2
        assert reader.remarks and all("body is lost" in each for each in reader.remarks)


def test_a_bomb_is_not_unpacked() -> None:
    """What it decodes to is known before, and must be what the file says."""
    with pytest.raises(ValueError, match="its size"):
        unpack(Packed(None, 100, 0, BOMB), b"")
    with pytest.raises(ValueError, match="too large"):
        unpack(Packed(1, 64 << 20, crc32(bytes(64 << 20)), BOMB), bytes(17 << 20))
