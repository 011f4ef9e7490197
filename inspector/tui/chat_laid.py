"""One block as lines of a given width. Of a growing text only its end is laid out anew, a huge one part by part."""

from __future__ import annotations

import json
import re
import time

from inspector.tui.chat_blocks import NEW, Block, Body, size_of
from inspector.tui.spans import Line, Span, json_line, split, squeeze, width_of
from inspector.tui.text import WrappedText, clean, wrap

INDENT = 10
NARROW = 44
"""Cells below which the chips shrink to two letters."""
_MARK_CELLS = 3
"""Kept free at the right end of every line for a fold mark or the caret."""
_PRETTY_LIMIT = 100_000
"""Characters of JSON beyond which it is shown as it was sent."""
PART = 32 * 1024
"""Characters of a text that are wrapped at a time."""
_ESCAPED_BREAK = re.compile(r"(?<!\\)(?:\\\\)*\\n")


def json_lines(text: str, width: int) -> list[Line]:
    """A JSON text, indented and coloured. Lines break also where a string has `\\n`; text that is no JSON stays."""
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

    __slots__ = ("_read", "_wrapped", "body", "lines", "more")

    def __init__(self, body: Body, width: int, opened: bool) -> None:
        self.body = body
        self.more = ""
        self.lines: list[str] | list[Line]
        self._wrapped: WrappedText | None = None
        self._read = 0
        limit = None if opened else body.keep
        if limit == 0:
            self.lines = []
        elif body.is_json and len(body.text) <= _PRETTY_LIMIT:
            self.lines = json_lines(body.text, width)
            if limit is not None and len(self.lines) > limit + 1:
                self.more = _lines_more(len(self.lines) - limit)
                self.lines = self.lines[:limit]
        elif limit is None:
            self._read = PART
            self._wrapped = WrappedText(width, body.text[:PART])
            self.lines = self._wrapped.lines
        else:
            self._preview(body.text, width, limit)

    def _preview(self, text: str, width: int, limit: int) -> None:
        """The first lines of a text, without wrapping the rest of it."""
        shown: list[str] = []
        sources = text.rstrip("\n").count("\n") + 1
        for number, source in enumerate(text.split("\n", limit + 1)[: limit + 1]):
            room = limit + 1 - len(shown)
            piece, behind = source[: room * width + 1], len(source) - (room - 1) * width
            shown += wrap(clean(piece), width)[:room]
            if len(shown) > limit:
                hidden = sources - number
                self.lines = shown[:limit]
                self.more = _lines_more(hidden) if hidden > 1 else f"{size_of(behind)} more"
                if hidden == 1 and behind <= width:
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
        self.body = body
        if self._read >= len(before.text):
            self._read = len(before.text)
            self.advance()
        return min(first, max(0, len(self.lines) - 1))

    @property
    def busy(self) -> bool:
        """Whether there is more of the text than was laid out."""
        return self._wrapped is not None and self._read < len(self.body.text)

    def advance(self) -> None:
        """Lay out the next part of the text."""
        if self._wrapped is not None:
            self._wrapped.append(self.body.text[self._read : self._read + PART])
            self._read += PART


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
        if self.block.fold:
            return squeeze(self.block.head, self._width)
        tail: Line = []
        if more:
            tail.append(("faint", f"   ← {more} ⊞"))
        elif index == 0 and self.foldable and (self.opened or not any(section.more for section in self.sections)):
            tail.append(("faint", "  ⊟" if self.opened else "  ⊞"))
        if self.block.live and index == len(self) - 1:
            tail.append(("ok", "▌"))
        edge = self._edge(index, section is not None and section.body.gutter)
        line = [*edge, *squeeze(content, self._width - self._indent - width_of(tail)), *tail]
        return line if index or not self.block.mark else _marked(line, self.block.mark, self._width)

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

    @property
    def busy(self) -> bool:
        """Whether it has more lines than were laid out."""
        return any(section.busy for section in self.sections)

    def advance(self, until: float) -> int:
        """Lay out more, to that time of `time.perf_counter`; the first line that changed."""
        first = int(bool(self.block.head))
        for section in self.sections:
            if section.busy:
                first += max(0, len(section.lines) - 1)
                while section.busy and time.perf_counter() < until:
                    section.advance()
                return first
            first += len(section.lines)
        return first

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
        bar: Span = ("ok", "┃") if self.block.mark == NEW else ("warning", "┃") if self.block.mark else ("faint", "│")
        narrow = self._indent < INDENT
        bar = bar if self.block.mark or (gutter and not narrow) else ("", " ")
        if narrow:
            return [(_chip_style(chip), f"{chip[:2]:2}"), bar]
        left: Span = (_chip_style(chip), f" {chip:7}") if chip else ("", " " * 8)
        return [left, bar, ("", " ")]


def _marked(line: Line, mark: str, width: int) -> Line:
    """A line with what is said of its block at its right end, where there is room for it."""
    room = width - width_of(line) - len(mark) - 1
    style = "ok" if mark == NEW else "warning"
    return [*line, ("", " " * room), (style, mark)] if room >= 2 else line


_CHIPS = {"system": "system", "tools": "system", "user": "user", "model": "model", "tool": "tool"}
_CHIPS |= {"thought": "reasoning", "note": "reasoning", "error": "error"}


def _chip_style(chip: str) -> str:
    return f"chip-{_CHIPS[chip]}" if chip else ""
