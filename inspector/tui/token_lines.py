"""An answer's tokens as lines: a block for each stretch of words, thoughts and calls, choice by choice."""

from __future__ import annotations

import time
from array import array
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

from rich.cells import cell_len

from inspector.model.token import Token
from inspector.tui.spans import Line, cut
from inspector.tui.token_block import Block, Run

INDENT = 2
CALL_INDENT = 4
_STRIDE = 256
"""Tokens from one look at the clock to the next."""
_UNKNOWN = -1.0

Told = Callable[[Block], Line]
"""What a heading says of a call, beside its name's tokens."""


class TokenLines:
    """Lays tokens out as they come. Lines and tokens are counted from 0; tokens in the order in which they came."""

    def __init__(self, width: int, airy: bool, told: Told) -> None:
        self.width = width
        self.airy = airy
        """Whether the first line is an empty one."""
        self.probabilities = array("d")
        """Of each token; negative where it is not known."""
        self._told = told
        self._blocks: list[Block] = []
        """As they stand one below the other."""
        self._firsts: list[int] = [0]
        """The first line of each block, and the number of all lines."""
        self._of = list[Block]()
        """The block of each token."""

    def __len__(self) -> int:
        return self._firsts[-1]

    @property
    def count(self) -> int:
        """How many tokens are laid out."""
        return len(self._of)

    def advance(self, tokens: Sequence[Token], seconds: float) -> int | None:
        """Lay out further tokens for about that long; the first line that changed, or None where none did."""
        until = time.perf_counter() + seconds
        touched: dict[int, Block] = {}
        arranged = False
        while self.count < len(tokens):
            for token in tokens[self.count : self.count + _STRIDE]:
                arranged |= self._take(token, touched)
            if time.perf_counter() >= until:
                break
        if not touched:
            return None
        if arranged:
            self._arrange()
        first = len(self)
        for block in touched.values():
            first = min(first, self._firsts[self._blocks.index(block)] + block.wrap(self._room(block)))
        self._count()
        return 0 if arranged else first

    def resize(self, width: int, airy: bool) -> None:
        """Wrap everything for another width."""
        if (width, airy) != (self.width, self.airy):
            self.width, self.airy = width, airy
            self._arrange()
            for block in self._blocks:
                block.wrap(self._room(block))
            self._count()

    def runs(self, line: int) -> list[Run]:
        """One line."""
        place = bisect_right(self._firsts, line) - 1
        block, row = self._blocks[place], line - self._firsts[place]
        if row < len(block.heads):
            return self._head(block, block.heads[row])
        indent = CALL_INDENT if block.kind == "call" else INDENT
        return [Run(" " * indent, ""), *block.runs(row - len(block.heads))]

    def line_of(self, token: int) -> int:
        """The line on which a token begins."""
        return self._firsts[self._blocks.index(self._of[token])] + self._of[token].line_of(token)

    def last_line_of(self, token: int) -> int:
        """The line on which a token ends."""
        return self._firsts[self._blocks.index(self._of[token])] + self._of[token].last_line_of(token)

    def column_of(self, token: int) -> int:
        """The cell at which a token begins on its line."""
        column = 0
        for run in self.runs(self.line_of(token)):
            if run.token == token:
                break
            column += cell_len(run.text)
        return column

    def at(self, line: int, column: int) -> int | None:
        """The token at a cell of a line, or the nearest on it; None where the line has none."""
        found, end = None, 0
        for run in self.runs(line):
            end += cell_len(run.text)
            if run.token >= 0:
                found = run.token
                if end > column:
                    break
        return found

    def beside(self, token: int, step: int) -> int:
        """The token after another (step 1) or before it (step -1), as they stand on the lines; at the ends, itself."""
        block = self._of[token]
        found = block.beside(token, step)
        if found is None:
            place = self._blocks.index(block) + step
            found = self._blocks[place].edge(step) if 0 <= place < len(self._blocks) else token
        return found

    def edge(self, step: int) -> int:
        """The first token on the lines (step 1), or the last (step -1)."""
        return self._blocks[0 if step > 0 else -1].edge(step)

    def doubtful(self, token: int, step: int, below: float) -> int | None:
        """The next token whose probability is below a limit; past the end from anew. None where there is none."""
        order, count = self._blocks.index(self._of[token]), len(self._blocks)
        for turn in range(count + 1):
            block = self._blocks[(order + step * turn) % count]
            found = block.first_below(below, self.probabilities, step, token if turn == 0 else None)
            if found is not None:
                return found
        return None

    def _take(self, token: Token, touched: dict[int, Block]) -> bool:
        """Add one token to its block; whether the block is new."""
        kind = "call" if token.channel in ("tool_name", "tool_arguments") else token.channel
        block = self._find(token.choice, kind, token.call)
        new = block is None
        if block is None:
            block = Block(token.choice, kind, token.call)
            self._blocks.insert(bisect_right(self._blocks, token.choice, key=lambda each: each.choice), block)
        index = self.count
        self._of.append(block)
        probability = token.probability
        self.probabilities.append(_UNKNOWN if probability is None else probability)
        if token.channel == "tool_name":
            block.add_name(index, token.data)
        else:
            block.add(index, token.data)
        touched[id(block)] = block
        return new

    def _find(self, choice: int, kind: str, call: int) -> Block | None:
        """The block that a token goes on with: a call's own, or the last of its choice where that is of its kind."""
        last = self._of[-1] if self._of else None
        if last is not None and (last.choice, last.kind, last.call) == (choice, kind, call):
            return last
        of_choice = [block for block in self._blocks if block.choice == choice]
        if kind == "call":
            return next((block for block in of_choice if block.kind == kind and block.call == call), None)
        return of_choice[-1] if of_choice and of_choice[-1].kind == kind else None

    def _room(self, block: Block) -> int:
        return max(8, self.width - (CALL_INDENT if block.kind == "call" else INDENT) - 1)

    def _arrange(self) -> None:
        """Say what stands above each block."""
        several = len({block.choice for block in self._blocks}) > 1
        before: Block | None = None
        for block in self._blocks:
            begins = before is None or before.choice != block.choice
            block.heads = (
                *(("blank",) if before is not None or self.airy else ()),
                *(("choice",) if several and begins else ()),
                *(("kind",) if block.kind != "content" or not begins else ()),
            )
            before = block
        self._count()

    def _count(self) -> None:
        self._firsts = [0, *accumulate(map(len, self._blocks))]

    def _head(self, block: Block, head: str) -> list[Run]:
        if head == "blank":
            return []
        indent = Run(" " * INDENT, "")
        if head == "choice":
            return [indent, Run(f"choice {block.choice + 1}", "bold")]
        if block.kind == "call":
            name = block.name_runs()
            room = self.width - INDENT - 2 - sum(cell_len(run.text) for run in name)
            told = [Run(text, style) for style, text in cut(self._told(block), room)]
            return [indent, Run("⚙ ", "accent"), *name, *told]
        words = {"content": "answer", "refusal": "refusal", "reasoning": "thinking", "prompt": "prompt"}[block.kind]
        return [indent, Run(words, "error" if block.kind == "refusal" else "bold")]
