"""How a JSON text is laid out, and how new pieces are written so that they look like the rest of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from inspector.wire.json_spans import Document, Node, walk

_ESCAPED = re.compile(rb"\\u00[89a-fA-F]|\\u0[1-9a-fA-F]|\\u[1-9a-fA-F]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_UNREADABLE = re.compile(
    "[\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
"""What an editor shows not at all, or as something else: controls, marks of direction, tags; and half characters."""
_WINDOW = 100_000
"""Bytes from which the layout is learnt."""

Known = Callable[[Node], bytes | None]


@dataclass(frozen=True, slots=True)
class Layout:
    """The white space of a text."""

    indent: bytes | None = None
    """What one level adds at the beginning of a line; None where all stands in one line."""
    newline: bytes = b"\n"
    comma: bytes = b","
    """With the white space behind it, inside a line."""
    colon: bytes = b":"
    ascii: bool = False
    """Whether everything beyond ASCII is escaped."""

    def open(self, depth: int) -> bytes:
        """What stands between an opening bracket and the first item, at a depth of the items."""
        return b"" if self.indent is None else self.newline + self.indent * depth

    def between(self, depth: int) -> bytes:
        """What stands between two items."""
        return self.comma if self.indent is None else b"," + self.open(depth)

    def scalar(self, raw: bytes) -> bytes:
        """A string, number or word that is spelled elsewhere."""
        if not self.ascii or raw.isascii():
            return raw
        return _BEYOND_ASCII.sub(lambda match: _escape(match[0]), raw.decode()).encode()

    def write(self, document: Document, node: Node, depth: int, known: Known) -> bytes:
        """A value of another document. `known` may give the bytes of any value in it."""
        written = known(node)
        if written is not None:
            return written
        if not node.children:
            raw = document.raw(node)
            return self.scalar(raw) if node.kind not in ("object", "array") else raw[:1] + raw[-1:]
        pieces = []
        for index, child in enumerate(node.children):
            value = self.write(document, child, depth + 1, known)
            key = known(node.keys[index]) or self.scalar(document.raw(node.keys[index])) if node.keys else b""
            pieces.append(key + self.colon + value if node.keys else value)
        opening, closing = (b"{", b"}") if node.kind == "object" else (b"[", b"]")
        inner = self.between(depth + 1).join(pieces)
        return opening + self.open(depth + 1) + inner + self.open(depth) + closing


PRETTY = Layout(indent=b"  ", colon=b": ")


def layout_of(document: Document) -> Layout:
    """The layout of a text, learnt from its first objects and arrays; compact where it says nothing."""
    data = document.data
    indent, newline, comma, colon = None, b"\n", b"", b""
    depths = {document.root: 0}
    for node in walk(document.root):
        for child in node.children:
            depths[child] = depths[node] + 1
        items = node.keys or node.children
        if node.keys and not colon:
            colon = data[node.keys[0].end : node.children[0].start]
        if items and b"\n" in (lead := data[node.start + 1 : items[0].start]):
            newline = b"\r\n" if b"\r\n" in lead else b"\n"
            margin = lead[lead.rfind(b"\n") + 1 :]
            indent = margin[: len(margin) // (depths[node] + 1)]
            break
        if len(items) > 1 and not comma:
            comma = data[node.children[0].end : items[1].start]
        if node.start > _WINDOW or (comma and colon):
            break
    escapes = data.isascii() and _ESCAPED.search(data) is not None
    comma = comma or (b", " if colon.endswith(b" ") else b",")
    return Layout(indent, newline, comma, colon or (b":" if indent is None else b": "), escapes)


def readable(document: Document) -> Known:
    """Every string as it is best read and edited: escaped is only what must be, and what no editor would show."""

    def spell(node: Node) -> bytes | None:
        return _readable(document.raw(node)) if node.kind == "string" else None

    return spell


def _readable(raw: bytes) -> bytes:
    if b"\\" in raw:
        text = json.dumps(json.loads(raw), ensure_ascii=False)
    elif raw.isascii() and b"\x7f" not in raw:
        return raw
    else:
        text = raw.decode()
    return _UNREADABLE.sub(lambda match: _escape(match[0]), text).encode()


def bytes_of(text: str | bytes) -> bytes:
    """A JSON text as bytes; half characters, which UTF-8 does not have, are escaped."""
    if isinstance(text, bytes):
        return text
    return re.sub("[\ud800-\udfff]", lambda match: _escape(match[0]), text).encode()


def _escape(text: str) -> str:
    return json.dumps(text)[1:-1]
