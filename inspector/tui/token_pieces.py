"""Tokens cut into pieces that can stand on a line: inert, never wide, and ended where the text breaks its line."""

from __future__ import annotations

import codecs
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len, chop_cells

from inspector.tui.text import printable

WIDEST = 20
"""Cells of a piece at most: what is longer may be cut at the end of a line."""
LONGEST = 16 * 1024
"""Bytes of one token that are shown."""
BREAK = "↵"
"""Stands for a line break, at whose place the line then breaks."""
PART = "·"
"""Stands for a token that ends within a character: the character is shown with the token that completes it. Also for a
joiner or a variation selector that is a token of its own.
"""
EMPTY = "∅"
"""Stands for a token without text."""

_JOINERS = (b"\xe2\x80\x8d", b"\xef\xb8\x8e", b"\xef\xb8\x8f")


class Piece(NamedTuple):
    """What stands on one line of one token."""

    text: str
    cells: int
    mark: int = 0
    """1: its last character is a mark, and no text; 2: that mark is a line break, and the line ends here."""


def shown(text: str) -> str:
    """A text of one line as it stands among tokens: inert, tabs visible, and at least a cell wide."""
    text = printable(text.replace("\t", "⇥   "))
    return text if cell_len(text) else f"◌{text}"


class Cutter:
    """Cuts one block's tokens, one after the other; characters that are spread over several tokens are joined."""

    __slots__ = ("_decoder",)

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def cut(self, data: bytes) -> tuple[Piece, ...]:
        """The pieces of the next token; at least one."""
        if not self._decoder.getstate()[0] and (whole := _whole(data[:LONGEST])) is not None:
            return whole if len(data) <= LONGEST else (*whole, Piece("…", 1, 1))
        text = self._decoder.decode(data[:LONGEST])
        waiting = bool(self._decoder.getstate()[0])
        if len(data) > LONGEST:
            self._decoder.reset()
        return (*(_pieces(text) if text or not waiting else ()), *((Piece(PART, 1, 1),) if waiting else ()))


@lru_cache(maxsize=32_768)
def _whole(data: bytes) -> tuple[Piece, ...] | None:
    """The pieces of a token of whole characters; None for any other."""
    if data in _JOINERS:
        return (Piece(PART, 1, 1),)
    try:
        return tuple(_pieces(data.decode()))
    except UnicodeDecodeError:
        return None


def _pieces(text: str) -> list[Piece]:
    if not text:
        return [Piece(EMPTY, 1, 1)]
    *broken, last = text.split("\n")
    pieces: list[Piece] = []
    for line in broken:
        line = line.removesuffix("\r")
        pieces += _chopped((shown(line) if line else "") + BREAK, 2)
    return pieces + _chopped(shown(last), 0) if last else pieces


def _chopped(text: str, mark: int) -> list[Piece]:
    """A text in pieces of at most `WIDEST` cells; the mark is the last one's."""
    cells = cell_len(text)
    if cells <= WIDEST:
        return [Piece(text, cells, mark)]
    *parts, end = chop_cells(text, WIDEST)
    return [*(Piece(part, cell_len(part)) for part in parts), Piece(end, cell_len(end), mark)]
