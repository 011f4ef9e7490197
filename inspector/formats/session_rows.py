"""What one transaction puts into a session's tables: many rows with one statement.

Each step of SQLite gives Python's lock away, and gets it back only when the event loop lets it go: beside a busy loop
that takes far longer than the step itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import cache
from itertools import chain

Row = tuple[object, ...]

_MOST = 64
"""Rows of one statement. Fewer go by powers of two: there are few statements, and SQLite knows them all."""

_FLOWS = (
    "INSERT INTO flow (number, id, change, whole, head) VALUES",
    "ON CONFLICT (number) DO UPDATE SET change = excluded.change, whole = excluded.whole,"
    " head = CASE excluded.head WHEN '' THEN head ELSE excluded.head END",
)
_BODIES = ("INSERT INTO body (number, base, size, crc, data) VALUES", "")
_SIDES = ("INSERT OR REPLACE INTO side (flow, side, body, chunks) VALUES", "")
_PIECES = ("INSERT INTO piece (flow, side, number, data, times, ends) VALUES", "")


class Rows:
    """Rows that wait for `put`."""

    def __init__(self) -> None:
        self.flows: list[Row] = []
        """Number, id, change, whether it is whole, and the head: empty where the one that is there stays."""
        self.bodies: list[Row] = []
        self.sides: list[Row] = []
        self.pieces: list[Row] = []

    def mark(self) -> tuple[int, int, int]:
        """How many there are now, for `back_to`."""
        return len(self.flows), len(self.sides), len(self.pieces)

    def back_to(self, mark: tuple[int, int, int]) -> None:
        """Take out what came after a mark, but for bodies: others may be packed against them already."""
        for rows, count in zip((self.flows, self.sides, self.pieces), mark, strict=True):
            del rows[count:]

    def put(self, database: sqlite3.Connection) -> None:
        """Put them all into the tables."""
        for words, rows in (
            (_BODIES, self.bodies),
            (_FLOWS, self.flows),
            (_SIDES, self.sides),
            (_PIECES, self.pieces),
        ):
            _insert(database, words, rows)


def _insert(database: sqlite3.Connection, words: tuple[str, str], rows: Sequence[Row]) -> None:
    done = 0
    while (left := len(rows) - done) > 0:
        count = min(_MOST, 1 << (left.bit_length() - 1))
        some = rows[done : done + count]
        database.execute(_statement(words, len(some[0]), count), list(chain.from_iterable(some)))
        done += count


@cache
def _statement(words: tuple[str, str], width: int, count: int) -> str:
    row = f"({', '.join('?' * width)})"
    return f"{words[0]} {', '.join([row] * count)} {words[1]}"
