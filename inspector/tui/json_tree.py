"""A JSON text as a tree of rows that fold. Lazy: only what is unfolded is read, and that in slices.

It reads the text itself and not parsed values: numbers stand as they were spelled, doubled keys are all seen, and a
text that is cut or broken shows as far as it goes.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

_BLANK = re.compile(r"[ \t\r\n,]*+")
_COLON = re.compile(r"[ \t\r\n]*+:[ \t\r\n]*+")
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},"]', re.DOTALL)
_INSIDE = re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_SCALAR = re.compile(r'[^\s,\[\]{}":]++')
_NAME = re.compile(r"[A-Za-z_$][\w$-]*\Z")

OPEN_DEPTH = 2
"""Levels that are unfolded at first."""
ROW_LIMIT = 200_000
"""Rows beyond which nothing more is unfolded."""
LONG = 100_000
"""Characters from which on a string is unfolded in slices."""
_TOKENS_A_STEP = 2000
_STRETCH = 1 << 20
"""Characters that are looked through without a pause."""
_WRAPPED = 32 * 1024
"""Characters of a long string that are wrapped without a pause."""


@dataclass(slots=True, eq=False)
class Node:
    """A value in the text. `end` is -1 until its end was found; then `items` says how many values it holds."""

    start: int
    depth: int
    key: str | int | None
    parent: Node | None
    end: int = -1
    items: int = 0
    opened: bool = False
    broken: bool = False
    """The text ends, or is no JSON, within it."""


@dataclass(frozen=True, slots=True)
class Words:
    """One line of an unfolded string."""

    node: Node
    text: str

    @property
    def depth(self) -> int:
        """One below its string."""
        return self.node.depth + 1


Row = Node | Words


class JsonTree:
    """The rows of a JSON text. `advance` reads on; `toggle` folds and unfolds."""

    def __init__(self, text: str, wrap: Callable[[str, int], list[str]]) -> None:
        """`wrap(text, depth)` cuts an unfolded string into lines."""
        self.text = text
        self.wrap = wrap
        self.rows: list[Row] = []
        self.limited = False
        """Whether there are more rows than are shown."""
        self.root = Node(self._blank(0), 0, None, None)
        self._at = 0
        self._task: Iterator[Row | None] | None = None
        self._wanted: list[Node] = []
        self._begin(OPEN_DEPTH)

    @property
    def busy(self) -> bool:
        """Whether there is more to read of what is unfolded."""
        return self._task is not None

    def advance(self, seconds: float) -> int | None:
        """Read on for about that long; the first row that changed, or None where none did."""
        if self._task is None:
            return None
        first, until = self._at, time.perf_counter() + seconds
        fresh: list[Row] = []
        for node in self._task:
            if node is not None:
                fresh.append(node)
            elif time.perf_counter() >= until:
                break
            if len(self.rows) + len(fresh) >= ROW_LIMIT:
                self.limited, self._task = True, None
                break
        else:
            self._task = None
        self.rows[self._at : self._at] = fresh
        self._at += len(fresh)
        if self._task is None and self._wanted:
            self.toggle(self.rows.index(self._wanted.pop()))
        return max(0, first - 1)

    def toggle(self, index: int) -> bool:
        """Fold or unfold the row's value; False where it has nothing to unfold. Waits while others are read."""
        row = self.rows[index]
        if isinstance(row, Words):
            row = row.node
            index = self.rows.index(row)
        if self._task is not None:
            self._wanted = [row]
            return True
        if row.opened:
            self._fold(index, row)
            return True
        kind = self.kind(row)
        if kind == '"' and row.end - row.start > LONG:
            self._at, self._task = index + 1, self._words(row)
        elif kind == '"':
            row.opened = True
            self.rows[index + 1 : index + 1] = [Words(row, line) for line in self.wrap(self.value(row), row.depth + 1)]
        elif kind in "{[" and row.items:
            self._at, self._task = index + 1, self._walk(row, 0)
        return row.opened or self._task is not None

    def toggle_all(self) -> None:
        """Unfold every object and array; where all are unfolded, fold all but the first levels."""
        whole = all(
            row.opened or self.kind(row) not in "{[" or not row.items for row in self.rows if isinstance(row, Node)
        )
        self._begin(OPEN_DEPTH if whole else ROW_LIMIT)

    def rewrap(self) -> None:
        """Cut the unfolded strings anew, for another width. Very long ones fold."""
        rows = [row for row in self.rows if isinstance(row, Node)]
        if self._task is None and len(rows) < len(self.rows):
            self.rows = []
            for row in rows:
                self.rows.append(row)
                row.opened = row.opened and (self.kind(row) != '"' or row.end - row.start <= LONG)
                if row.opened and self.kind(row) == '"':
                    self.rows += [Words(row, line) for line in self.wrap(self.value(row), row.depth + 1)]

    def kind(self, node: Node) -> str:
        """The first character of the value: a bracket, a quote, or one of a number or a word; a blank past the end."""
        return self.text[node.start : node.start + 1] or " "

    def value(self, node: Node) -> str:
        """A string's content; any other value as it is spelled."""
        spelled = self.text[node.start : node.end]
        if self.kind(node) == '"':
            try:
                return str(json.loads(spelled, strict=False))
            except ValueError:
                return spelled
        return spelled

    def path(self, node: Node) -> str:
        """Where the value is, e.g. `messages[3].content`; empty for the whole."""
        steps: list[str] = []
        at: Node | None = node
        while at is not None and at.key is not None:
            key = at.key
            named = isinstance(key, str) and _NAME.match(key)
            steps.append(f".{key}" if named else f"[{json.dumps(key, ensure_ascii=False)}]")
            at = at.parent
        return "".join(reversed(steps)).removeprefix(".")

    def _begin(self, depth: int) -> None:
        self.rows = [self.root]
        self.root.opened, self.limited = False, False
        self._at = 1
        if self.kind(self.root) in "{[":
            self._task = self._walk(self.root, depth)
        else:
            self._task = None
            for _ in self._measure(self.root):
                pass

    def _fold(self, index: int, node: Node) -> None:
        node.opened = False
        end = index + 1
        while end < len(self.rows) and self.rows[end].depth > node.depth:
            end += 1
        del self.rows[index + 1 : end]

    def _walk(self, top: Node, levels: int) -> Iterator[Node | None]:
        """The rows below a value, those of `levels` further levels included; None where a pause is welcome."""
        top.opened = True
        stack = [(top, top.start + 1, 0)]
        while stack:
            node, at, index = stack.pop()
            child, at = self._child(node, at, index)
            if child is None:
                node.end, node.items = at, index
                if stack:
                    stack[-1] = (stack[-1][0], at, stack[-1][2])
                continue
            yield child
            stack.append((node, at, index + 1))
            if self.kind(child) in "{[" and child.depth < top.depth + levels and not self._is_empty(child):
                child.opened = True
                stack.append((child, child.start + 1, 0))
            else:
                yield from self._measure(child)
                stack[-1] = (node, child.end, index + 1)

    def _is_empty(self, node: Node) -> bool:
        at = self._blank(node.start + 1)
        return self.text[at : at + 1] in ("]", "}")

    def _child(self, node: Node, at: int, index: int) -> tuple[Node | None, int]:
        """The next value of an object or array, or None at its end."""
        at = self._blank(at)
        if at >= len(self.text) or self.text[at] in "]}":
            node.broken = at >= len(self.text)
            return None, min(at + 1, len(self.text))
        key: str | int = index
        if self.kind(node) == "{":
            spelled = _STRING.match(self.text, at)
            colon = _COLON.match(self.text, spelled.end()) if spelled else None
            if spelled is None or colon is None:
                return Node(at, node.depth + 1, "", node, len(self.text), broken=True), at
            key = self.value(Node(at, 0, None, None, spelled.end()))
            at = colon.end()
        return Node(at, node.depth + 1, key, node), at

    def _measure(self, node: Node) -> Iterator[None]:
        """Find the end of a value without reading what is in it."""
        kind = self.kind(node)
        if node.broken:
            return
        if kind in "{[":
            yield from self._measure_container(node)
            return
        if kind == '"':
            end = yield from self._string_end(node.start)
        else:
            match = _SCALAR.match(self.text, node.start)
            end = match.end() if match else -1
        node.end, node.broken = (end, False) if end >= 0 else (len(self.text), True)
        yield None

    def _measure_container(self, node: Node) -> Iterator[None]:
        level, commas, at = 0, 0, node.start
        while node.end < 0 and 0 <= at < len(self.text):
            stop = at + _STRETCH
            for count, match in enumerate(_TOKEN.finditer(self.text, at, stop)):
                token = match[0][0]
                if token in "{[":
                    level += 1
                elif token in "}]":
                    level -= 1
                    if level == 0:
                        node.end = match.end()
                        break
                elif token == ",":
                    commas += level == 1
                elif len(match[0]) == 1:  # a string that does not end in this stretch
                    at = yield from self._string_end(match.start())
                    break
                if count % _TOKENS_A_STEP == 0:
                    yield None
            else:
                at = stop
                yield None
        if node.end < 0:
            node.end, node.broken = len(self.text), True
        node.items = 0 if self._is_empty(node) else commas + 1

    def _string_end(self, start: int) -> Generator[None, None, int]:
        """Where the string that begins there ends; -1 where it does not."""
        at = start + 1
        while at < len(self.text):
            match = _INSIDE.match(self.text, at, at + _STRETCH)
            at = match.end() if match else at
            if self.text[at : at + 1] == '"':
                return at + 1
            # A backslash here lost what it escapes to the next stretch.
            at += 2 if self.text[at : at + 1] == "\\" else 0
            yield None
        return -1

    def _words(self, node: Node) -> Iterator[Row | None]:
        """The lines of a very long string, its source lines kept whole where they are not too long themselves."""
        text = self.value(node)
        node.opened = True
        at = 0
        while at <= len(text):
            cut = text.rfind("\n", at, at + _WRAPPED) if len(text) - at > _WRAPPED else len(text)
            end, following = (cut, cut + 1) if cut >= at else (at + _WRAPPED, at + _WRAPPED)
            yield from (Words(node, line) for line in self.wrap(text[at:end], node.depth + 1))
            yield None
            at = following

    def _blank(self, at: int) -> int:
        match = _BLANK.match(self.text, at)
        return match.end() if match is not None else at
