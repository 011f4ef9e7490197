"""A body that still grows, as a session has it: pieces in the order in which they were written."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Sequence
from itertools import chain

from inspector.model.flow import Capture

Piece = tuple[bytes, "array[float]", "array[int]"]
"""Bytes, and the times and ends of the chunks that end in them."""


def pieces_of(database: sqlite3.Connection, flow: int, side: int) -> list[Piece]:
    """The pieces of a side; none where its body is whole. sqlite3.Error, or ValueError for what is damaged."""
    rows = database.execute(
        "SELECT data, times, ends FROM piece WHERE flow = ? AND side = ? ORDER BY number", (flow, side)
    )
    return [(data, array("d", times), array("Q", ends)) for data, times, ends in rows]


def joined(pieces: Sequence[Piece]) -> Piece:
    """All of them as one, without bytes that no chunk has: those after the last chunk's end make one more."""
    data, times, ends = pieces[0] if pieces else (b"", array("d"), array("Q"))
    if len(pieces) > 1:
        data = b"".join(piece[0] for piece in pieces)
        times = array("d", chain.from_iterable(piece[1] for piece in pieces))
        ends = array("Q", chain.from_iterable(piece[2] for piece in pieces))
    if len(data) > (ends[-1] if ends else 0):
        times, ends = times + array("d", [times[-1] if times else 0.0]), ends + array("Q", [len(data)])
    return data, times, ends


def body_of(piece: Piece) -> Capture:
    """A body as it passed."""
    body = Capture()
    body.data += piece[0]
    body.times, body.ends = piece[1], piece[2]
    return body
