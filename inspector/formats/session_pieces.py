"""A body that still grows, as a session has it: pieces in the order in which they were written."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterable

from inspector.model.flow import Capture

Piece = tuple[bytes, "array[float]", "array[int]"]
"""Bytes, and the times and ends of the chunks that end in them."""


def pieces_of(database: sqlite3.Connection, flow: int, side: int) -> list[Piece]:
    """The pieces of a side; none where its body is whole. sqlite3.Error, or ValueError for what is damaged."""
    rows = database.execute(
        "SELECT data, times, ends FROM piece WHERE flow = ? AND side = ? ORDER BY number", (flow, side)
    )
    return [(data, array("d", times), array("Q", ends)) for data, times, ends in rows]


def joined(pieces: Iterable[Piece]) -> Capture:
    """The body of which these are the pieces. Bytes after the last chunk's end make one more, at its time."""
    body = Capture()
    for data, times, ends in pieces:
        body.data += data
        body.times += times
        body.ends += ends
    if len(body) > (body.ends[-1] if body.ends else 0):
        body.append(body.times[-1] if body.times else 0.0, b"")
    return body
