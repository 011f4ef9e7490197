"""JSON with its bytes: every value knows where it stands, so that one can be changed and all else stays as it is.

The grammar is RFC 8259's, without liberties. Order, duplicate keys and the spelling of numbers are kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from inspector.wire.json_errors import Awaited, JsonError, explain

MAX_DEPTH = 200
"""Objects and arrays within each other; more is refused. Real requests stay far below."""

Kind = Literal["object", "array", "string", "number", "word"]

_SPACE = rb"[ \t\n\r]*+"
_STRING = rb'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+"'
_NUMBER = rb"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][-+]?[0-9]++)?(?![-+.0-9A-Za-z_])"
_VALUE = re.compile(_SPACE + rb"(?:(" + _STRING + rb")|(" + _NUMBER + rb")|((?:true|false|null)(?!\w))|(\{)|(\[))")
_KEY = re.compile(_SPACE + rb"(" + _STRING + rb")" + _SPACE + rb"(:)?")
_AFTER = re.compile(_SPACE + rb"([,}\]])")
_KINDS: tuple[Kind, ...] = ("word", "string", "number", "word", "object", "array")
_CLOSING = {"object": 0x7D, "array": 0x5D}


@dataclass(slots=True, eq=False)
class Node:
    """A value, or a key."""

    kind: Kind
    """`word` is true, false or null."""
    start: int
    end: int
    keys: list[Node] = field(default_factory=list)
    """An object's keys, one for each child."""
    children: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON text and the tree of its values."""

    data: bytes
    root: Node

    def raw(self, node: Node) -> bytes:
        """A value as it is written."""
        return self.data[node.start : node.end]

    def text(self, node: Node) -> str:
        """What a string or a key says."""
        raw = self.raw(node)
        return str(json.loads(raw)) if b"\\" in raw else raw[1:-1].decode()

    def position(self, node: Node, key: str) -> int:
        """The index of an object's member; the last one where the key is repeated, -1 where there is none."""
        for index in range(len(node.keys) - 1, -1, -1):
            if self.text(node.keys[index]) == key:
                return index
        return -1


def scan(data: bytes) -> Document:
    """Read a JSON text. Raises JsonError."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise JsonError("this is no UTF-8", data, error.start) from None
    return Document(data, _Scanner(data).read())


def walk(node: Node) -> Iterator[Node]:
    """A value and all values in it, each before its children."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(node.children))


class _Scanner:
    """One reading. A stack of open containers in the place of recursion."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.open: list[Node] = []

    def read(self) -> Node:
        root = node = self._value()
        while True:
            if node.kind in _CLOSING and not self._closed_at_once(node):
                self.open.append(node)
                if len(self.open) > MAX_DEPTH:
                    raise JsonError(f"more than {MAX_DEPTH} levels within each other", self.data, node.start)
            elif not self._go_on():
                break
            inner = self.open[-1]
            if inner.kind == "object":
                inner.keys.append(self._key("key" if inner.keys else "first key"))
            node = self._value()
            inner.children.append(node)
        if self.data[self.at :].strip(b" \t\n\r"):
            raise self._error("nothing")
        return root

    def _value(self) -> Node:
        match = _VALUE.match(self.data, self.at)
        if match is None:
            first = self.open and self.open[-1].kind == "array" and not self.open[-1].children
            raise self._error("first value" if first else "value")
        group = match.lastindex or 0
        start, self.at = match.span(group)
        return Node(_KINDS[group], start, self.at)

    def _key(self, awaited: Awaited) -> Node:
        match = _KEY.match(self.data, self.at)
        if match is None:
            raise self._error(awaited)
        if match[2] is None:
            self.at = match.end()
            raise self._error("colon")
        self.at = match.end()
        return Node("string", *match.span(1))

    def _closed_at_once(self, node: Node) -> bool:
        match = _AFTER.match(self.data, self.at)
        if match is None or self.data[match.start(1)] != _CLOSING[node.kind]:
            return False
        node.end = self.at = match.end()
        return True

    def _go_on(self) -> bool:
        """Close what ends here; True behind a comma, False behind the root."""
        while self.open:
            node = self.open[-1]
            match = _AFTER.match(self.data, self.at)
            mark = self.data[match.start(1)] if match else 0
            if match and mark == 0x2C:
                self.at = match.end()
                return True
            if match is None or mark != _CLOSING[node.kind]:
                raise self._error("comma")
            node.end = self.at = match.end()
            self.open.pop()
        return False

    def _error(self, awaited: Awaited) -> JsonError:
        return explain(self.data, self.at, awaited, self.open[-1].start if self.open else -1)
