"""Blocks as lines of a given width. Only blocks that changed are laid out anew, and of a growing text only its end."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from dataclasses import replace
from itertools import accumulate

from inspector.model.flow import Flow
from inspector.model.message import Prompt, Transcript
from inspector.tui.chat_blocks import Block, Body, answer_blocks, closing_blocks, prompt_blocks, size_of
from inspector.tui.json_progress import JsonProgress
from inspector.tui.spans import Line, Span, json_line, split, squeeze, width_of
from inspector.tui.text import WrappedText, clean, wrap

INDENT = 10
NARROW = 44
"""Cells below which the chips shrink to two letters."""
_MARK_CELLS = 3
"""Kept free at the right end of every line for a fold mark or the caret."""
_PRETTY_LIMIT = 1_000_000
_ESCAPED_BREAK = re.compile(r"(?<!\\)(?:\\\\)*\\n")


def json_lines(text: str, width: int) -> list[Line]:
    """A JSON text, indented and coloured. Lines break also where a string has `\\n`; text that is no JSON stays."""
    shown = text
    if len(text) <= _PRETTY_LIMIT:
        try:
            shown = json.dumps(json.loads(text), ensure_ascii=False, indent=2)
        except (ValueError, RecursionError):
            return [[("", line)] for line in WrappedText(width, text).lines]
    result: list[Line] = []
    for source in shown.split("\n"):
        line = clean(source)
        lengths: list[int] = []
        for piece in _broken(line):
            lengths += _cells(piece, width)
        result += split(json_line(line), lengths)
    return result


def _broken(line: str) -> list[str]:
    """A line of JSON cut after every escaped line break."""
    ends = [match.end() for match in _ESCAPED_BREAK.finditer(line)]
    if not ends or line[ends[-1] :].strip('",') == "":
        ends = ends[:-1]
    return [line[start:end] for start, end in zip([0, *ends], [*ends, len(line)], strict=True)]


def _cells(text: str, width: int) -> list[int]:
    """The lengths of pieces of at most `width` cells; unlike in prose, no blank is dropped."""
    return [len(piece) for piece in wrap(text.replace(" ", "\xa0"), width)]


class _Section:
    """The lines of one body: words that may grow, or lines of JSON; and how much of them is folded away."""

    __slots__ = ("_shown", "_wrapped", "body", "lines", "more")

    def __init__(self, body: Body, width: int, opened: bool) -> None:
        self.body = body
        self.more = ""
        self.lines: list[str] | list[Line]
        self._wrapped: WrappedText | None = None
        limit = None if opened else body.keep
        if limit == 0:
            self.lines = []
        elif body.is_json:
            self.lines = json_lines(body.text, width)
            if limit is not None and len(self.lines) > limit + 1:
                self.more = _lines_more(len(self.lines) - limit)
                self.lines = self.lines[:limit]
        elif limit is None:
            self._wrapped = WrappedText(width, body.text)
            self.lines = self._wrapped.lines
        else:
            self._preview(body.text, width, limit)

    def _preview(self, text: str, width: int, limit: int) -> None:
        """The first lines of a text, without wrapping the rest of it."""
        shown: list[str] = []
        sources = text.rstrip("\n").count("\n") + 1
        for number, source in enumerate(text.split("\n", limit + 1)[: limit + 1]):
            room = limit + 1 - len(shown)
            piece = source[: room * width + 1]
            shown += wrap(clean(piece), width)[:room]
            if len(shown) > limit:
                hidden = sources - number
                self.lines = shown[:limit]
                self.more = _lines_more(hidden) if hidden > 1 else f"{size_of(len(source) - limit * width)} more"
                if hidden == 1 and len(source) <= (limit + 1) * width:
                    self.lines, self.more = WrappedText(width, text).lines, ""
                return
        self.lines = shown

    def grow(self, body: Body) -> int | None:
        """Take a longer text for the one that is shown; the first line that changed, or None where it is no such."""
        before = self.body
        same = (body.style, body.is_json, body.gutter) == (before.style, before.is_json, before.gutter)
        if self._wrapped is None or not same or not body.text.startswith(before.text):
            return None
        first = max(0, len(self.lines) - 1)
        self._wrapped.append(body.text[len(before.text) :])
        self.body = body
        return min(first, max(0, len(self.lines) - 1))


def _lines_more(number: int) -> str:
    return f"{number} more lines"


class LaidOut:
    """One block at a given width, folded or not."""

    __slots__ = ("_indent", "_width", "block", "foldable", "opened", "sections")

    def __init__(self, block: Block, width: int, opened: bool) -> None:
        self.block = block
        self.opened = opened
        self._indent = INDENT if width >= NARROW else 3
        self._width = width
        room = max(2, width - self._indent - _MARK_CELLS)
        self.sections = [_Section(body, room, opened) for body in block.bodies if body.text or not block.head]
        hidden = any(section.more or section.body.keep == 0 for section in self.sections)
        self.foldable = hidden or (opened and any(body.keep is not None for body in block.bodies))

    def __len__(self) -> int:
        return max(1, bool(self.block.head) + sum(len(section.lines) for section in self.sections))

    def line(self, index: int) -> Line:
        """One line of it, chip and gutter included."""
        content, section, place = self._content(index)
        more = section.more if section is not None and place == len(section.lines) - 1 else ""
        tail: Line = []
        if more:
            tail.append(("faint", f"   ← {more} ⊞"))
        elif index == 0 and self.foldable and (self.opened or not any(section.more for section in self.sections)):
            tail.append(("faint", "  ⊟" if self.opened else "  ⊞"))
        if self.block.live and index == len(self) - 1:
            tail.append(("ok", "▌"))
        edge = self._edge(index, section is not None and section.body.gutter)
        return [*edge, *squeeze(content, self._width - self._indent - width_of(tail)), *tail]

    def grow(self, block: Block) -> int | None:
        """Take the block as it is now, where only its last text grew; the first line that changed, or None."""
        same = (block.key, block.chip, len(block.bodies)) == (self.block.key, self.block.chip, len(self.block.bodies))
        if not same or len(self.sections) != 1 or len(block.bodies) != 1 or bool(block.head) != bool(self.block.head):
            return None
        first = self.sections[0].grow(block.bodies[0])
        if first is None:
            return None
        head_moved, self.block = block.head != self.block.head, block
        return 0 if head_moved else first + bool(block.head)

    def _content(self, index: int) -> tuple[Line, _Section | None, int]:
        if self.block.head:
            if index == 0:
                return self.block.head, None, 0
            index -= 1
        for section in self.sections:
            if index < len(section.lines):
                line = section.lines[index]
                return ([(section.body.style, line)] if isinstance(line, str) else line), section, index
            index -= len(section.lines)
        return [], None, 0

    def _edge(self, index: int, gutter: bool) -> list[Span]:
        chip = self.block.chip if index == 0 else ""
        if self._indent < INDENT:
            return [(_chip_style(chip), f"{chip[:2]:2}"), ("", " ")]
        left: Span = (_chip_style(chip), f" {chip:7}") if chip else ("", " " * 8)
        return [left, ("faint", "│ ") if gutter else ("", "  ")]


_CHIPS = {"system": "system", "tools": "system", "user": "user", "model": "model", "tool": "tool"}
_CHIPS |= {"thought": "reasoning", "note": "reasoning", "error": "error"}


def _chip_style(chip: str) -> str:
    return f"chip-{_CHIPS[chip]}" if chip else ""


class ChatLines:
    """The lines of one flow's conversation at one width; `update` takes what is new and says what changed."""

    def __init__(self, width: int, opened: set[str] | None = None) -> None:
        self.width = width
        self.opened = set(opened or ())
        """Keys of the blocks that are unfolded."""
        self._prompt: Prompt | None = None
        self._prompt_blocks: list[Block] = []
        self._laid: list[LaidOut] = []
        self._ends: list[int] = []
        self._progress: dict[str, tuple[JsonProgress, str]] = {}

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return len(self._laid)

    def update(self, flow: Flow, transcript: Transcript) -> int | None:
        """Take the flow as it is now; the first line that changed, or None where none did."""
        if transcript.prompt is not self._prompt:
            self._prompt = transcript.prompt
            self._prompt_blocks = prompt_blocks(transcript.prompt)
        answers = [self._judged(block) for block in answer_blocks(transcript.answer, flow.live)]
        return self._lay([*self._prompt_blocks, *answers, *closing_blocks(flow, transcript)])

    def resize(self, width: int) -> None:
        """Lay everything out at another width."""
        self.width = width
        blocks = [laid.block for laid in self._laid]
        self._laid = []
        self._lay(blocks)

    def line(self, index: int) -> Line:
        """One line."""
        place = self.block_at(index)
        return self._laid[place].line(index - self.start_of(place))

    def block_at(self, index: int) -> int:
        """The block that a line belongs to."""
        return min(bisect_right(self._ends, index), len(self._laid) - 1)

    def start_of(self, place: int) -> int:
        """The first line of a block."""
        return self._ends[place - 1] if place else 0

    def fold(self, place: int) -> bool:
        """Fold or unfold a block; False where there is nothing to fold."""
        laid = self._laid[place]
        if not laid.foldable:
            return False
        self.opened ^= {laid.block.key}
        self._laid[place] = LaidOut(laid.block, self.width, laid.block.key in self.opened)
        self._sum_up()
        return True

    def fold_all(self) -> None:
        """Unfold every block, or fold all where all are unfolded."""
        keys = {laid.block.key for laid in self._laid if laid.foldable}
        self.opened = set() if keys <= self.opened else self.opened | keys
        self.resize(self.width)

    def unfold_holding(self, pattern: str) -> None:
        """Unfold every block that holds a text, given in lower case."""
        for place, laid in enumerate(self._laid):
            held = any(pattern in body.text.lower() for body in laid.block.bodies)
            if held and laid.foldable and not laid.opened:
                self.opened.add(laid.block.key)
                self._laid[place] = LaidOut(laid.block, self.width, True)
        self._sum_up()

    def _lay(self, blocks: list[Block]) -> int | None:
        first: int | None = None
        laid: list[LaidOut] = []
        total = 0
        for place, block in enumerate(blocks):
            old = self._laid[place] if place < len(self._laid) else None
            if old is None or (old.block is not block and old.block != block):
                changed = old.grow(block) if old is not None else None
                if changed is None:
                    old, changed = LaidOut(block, self.width, block.key in self.opened), 0
                first = total + changed if first is None else first
            assert old is not None
            laid.append(old)
            total += len(old)
        if first is None and len(laid) < len(self._laid):
            first = total
        self._laid = laid
        self._sum_up()
        return first

    def _sum_up(self) -> None:
        self._ends = list(accumulate(map(len, self._laid)))

    def _judged(self, block: Block) -> Block:
        """A call that is being written, with a word on whether its arguments can still become JSON."""
        if not block.arguments:
            return block
        text = block.bodies[0].text
        progress, seen = self._progress.get(block.key, (JsonProgress(), ""))
        if not text.startswith(seen):
            progress, seen = JsonProgress(), ""
        progress.feed(text[len(seen) :])
        self._progress[block.key] = progress, text
        word = ("ok", "valid so far") if progress.valid else ("error", "not valid JSON")
        return replace(block, head=[*block.head, ("muted", " · "), word])
