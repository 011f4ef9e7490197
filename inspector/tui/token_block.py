"""One stretch of an answer (its words, thoughts, or one call) as lines of tokens; only its last line is wrapped anew.

A token is measured once. Where lines end follows from sums of cells: another width costs a few steps for each line, and
none for each token.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from inspector.tui.token_pieces import BREAK, Cutter, Piece

_BACK = 6
"""Pieces by which a line may end earlier, so that the next one begins with a word."""


class Run(NamedTuple):
    """A text of one style on a line, and the token that it belongs to; -1 for none."""

    text: str
    style: str
    token: int = -1


class Block:
    """The tokens of one channel of a choice, or of one of its calls."""

    def __init__(self, choice: int, kind: str, call: int) -> None:
        self.choice = choice
        self.kind = kind
        """`content`, `refusal`, `reasoning` or `call`."""
        self.call = call
        self.names: list[int] = []
        """The tokens of a call's name."""
        self.heads: tuple[str, ...] = ()
        """What stands above it: `blank`, `choice` and `kind`, a line each."""
        self._name_pieces: list[tuple[int, Piece]] = []
        self._cutter = Cutter()
        self._tokens = array("Q")
        self._pieces: list[Piece] = []
        self._ends = array("Q")
        self._breaks = array("Q")
        """The pieces after which the line ends."""
        self._words = bytearray()
        """1 for each piece with which a line had best begin."""
        self._starts = array("Q")
        self._width = 80
        self._named = False

    def __len__(self) -> int:
        """How many lines it has, with those above it."""
        return len(self.heads) + len(self._starts)

    @property
    def tokens(self) -> array[int]:
        """The token of each piece, ascending; those of a call's name are apart."""
        return self._tokens

    def add(self, token: int, data: bytes) -> None:
        """Add a token. `wrap` takes it in."""
        end = self._ends[-1] if self._ends else 0
        for piece in self._cutter.cut(data):
            end += piece.cells
            self._tokens.append(token)
            self._ends.append(end)
            if piece.mark == 2:
                self._breaks.append(len(self._pieces))
            before = self._pieces[-1].text if self._pieces else " "
            self._words.append(piece.text.startswith(" ") or before.endswith((" ", "-", "/")))
            self._pieces.append(piece)

    def add_name(self, token: int, data: bytes) -> None:
        """Add a token of the call's name."""
        self.names.append(token)
        self._named = True
        self._name_pieces += ((token, piece) for piece in self._cutter.cut(data))

    def wrap(self, width: int) -> int:
        """Make the lines for a width; the first line that changed."""
        if width != self._width:
            self._width = width
            del self._starts[:]
        start = self._starts.pop() if self._starts else 0
        first, self._named = 0 if self._named else len(self), False
        starts, ends, breaks, count = self._starts, self._ends, self._breaks, len(self._pieces)
        hard = bisect_left(breaks, start)
        while start < count:
            starts.append(start)
            end = bisect_right(ends, width + (ends[start - 1] if start else 0), start)
            while hard < len(breaks) and breaks[hard] < start:
                hard += 1
            if hard < len(breaks) and breaks[hard] <= end and (breaks[hard] < end or self._pieces[end].text == BREAK):
                start = breaks[hard] + 1
            elif end >= count:
                break
            else:
                word = self._words.rfind(1, max(start, end - _BACK) + 1, end + 1)
                start = word if word > 0 else max(start + 1, end)
        return first

    def runs(self, row: int) -> list[Run]:
        """A line below those above it."""
        start = self._starts[row]
        end = self._starts[row + 1] if row + 1 < len(self._starts) else len(self._pieces)
        runs: list[Run] = []
        for place in range(start, end):
            runs += _runs(self._tokens[place], self._pieces[place])
        return runs

    def name_runs(self) -> list[Run]:
        """A call's name, in its tokens."""
        runs = (run for token, piece in self._name_pieces for run in _runs(token, piece))
        return [run._replace(style=run.style or "name") for run in runs]

    def line_of(self, token: int) -> int:
        """The line on which a token begins."""
        if token in self.names:
            return self.heads.index("kind")
        return len(self.heads) + max(0, bisect_right(self._starts, bisect_left(self._tokens, token)) - 1)

    def last_line_of(self, token: int) -> int:
        """The line on which a token ends."""
        if token in self.names:
            return self.heads.index("kind")
        return len(self.heads) + max(0, bisect_right(self._starts, bisect_right(self._tokens, token) - 1) - 1)

    def beside(self, token: int, step: int) -> int | None:
        """The token after another (step 1) or before it (step -1); None past the ends."""
        if token in self.names:
            place = self.names.index(token) + step
            if 0 <= place < len(self.names):
                return self.names[place]
            return self._tokens[0] if step > 0 and self._tokens else None
        place = bisect_right(self._tokens, token) if step > 0 else bisect_left(self._tokens, token) - 1
        if 0 <= place < len(self._tokens):
            return self._tokens[place]
        return self.names[-1] if step < 0 and self.names else None

    def first_below(self, limit: float, probabilities: Sequence[float], step: int, past: int | None) -> int | None:
        """The first token whose probability is known and below a limit: of all, or of those past one; None for none."""
        parts: tuple[Sequence[int], ...] = (self.names, self._tokens)[::step]
        if past is not None and (past in self.names) is not (parts[0] is self.names):
            parts = parts[1:]
        for tokens in parts:
            place = 0 if step > 0 else len(tokens)
            if past is not None and tokens is parts[0]:
                place = bisect_right(tokens, past) if step > 0 else bisect_left(tokens, past)
            for each in range(place, len(tokens)) if step > 0 else range(place - 1, -1, -1):
                if 0.0 <= probabilities[tokens[each]] < limit:
                    return tokens[each]
        return None

    def edge(self, step: int) -> int:
        """Its first token (step 1), or its last (step -1)."""
        if step > 0:
            return self.names[0] if self.names else self._tokens[0]
        return self._tokens[-1] if self._tokens else self.names[-1]


def _runs(token: int, piece: Piece) -> list[Run]:
    if not piece.mark:
        return [Run(piece.text, "", token)]
    text, mark = piece.text[:-1], piece.text[-1]
    return [Run(text, "", token), Run(mark, "mark", token)] if text else [Run(mark, "mark", token)]
