"""A body as lines: a JSON tree, text, or a hex dump, whichever it is. Each can be read on in slices."""

from __future__ import annotations

import codecs
from abc import ABC, abstractmethod
from typing import Protocol

from inspector.model.headers import mask
from inspector.tui.body_secrets import is_secret, safe_text
from inspector.tui.chat_blocks import size_of
from inspector.tui.json_tree import ROW_LIMIT, JsonTree, Node, Words
from inspector.tui.spans import Line, json_line, plain
from inspector.tui.text import WrappedText, clean, one_line

HEX_LIMIT = 64 * 1024
"""Bytes of a binary body that are dumped."""
_SAMPLE = 4096
_SLICE = 256 * 1024
_PREVIEW = 400
_DEEPEST = 30


class BodyLines(Protocol):
    """The lines of a body at one width."""

    @property
    def busy(self) -> bool:
        """Whether there is more to read."""

    @property
    def note(self) -> str:
        """What is to be said of them, e.g. that not all are shown."""

    def __len__(self) -> int:
        """How many lines there are so far."""

    def line(self, index: int) -> Line:
        """One line, as wide as it is."""

    def advance(self, seconds: float) -> int | None:
        """Read on for about that long; the first line that changed, or None."""

    def resize(self, width: int) -> None:
        """Wrap anew."""

    def toggle(self, index: int) -> bool:
        """Fold or unfold what stands on a line; False where nothing folds."""

    def toggle_all(self) -> bool:
        """Fold or unfold everything; False where nothing folds."""

    def path(self, index: int) -> str:
        """Where in the body the line is."""

    def value(self, index: int) -> str:
        """What stands there, to be copied."""

    def search_text(self, index: int) -> str:
        """What a search looks through there."""


def looks_binary(data: bytes | bytearray) -> bool:
    """Whether the first bytes are not text: no UTF-8, or with NUL bytes."""
    sample = bytes(data[:_SAMPLE])
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return True
    return b"\0" in sample


def body_lines(data: bytearray, content_type: str, whole: bool, width: int) -> BodyLines:
    """The lines for a body: `whole` says that no more comes; only then JSON is shown as a tree."""
    if looks_binary(data):
        return HexLines(data)
    start = bytes(data[:_SAMPLE]).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if whole and start in (b"{", b"[") and "event-stream" not in content_type and "ndjson" not in content_type:
        return TreeLines(data.decode("utf-8", "replace").removeprefix("\ufeff"), width)
    return TextLines(data, width)


class _Plain(ABC):
    """Lines that do not fold."""

    note = ""

    @abstractmethod
    def line(self, index: int) -> Line:
        """One line."""

    def search_text(self, index: int) -> str:
        """The line itself."""
        return plain(self.line(index))

    def toggle(self, index: int) -> bool:
        """Nothing folds."""
        return False

    def toggle_all(self) -> bool:
        """Nothing folds."""
        return False


class TextLines(_Plain):
    """Text of any kind, growing with `data`."""

    def __init__(self, data: bytearray, width: int) -> None:
        self._data = data
        self._width = width
        self._begin()

    @property
    def busy(self) -> bool:
        """Whether not all of it was read yet."""
        return self._read < len(self._data)

    def __len__(self) -> int:
        return len(self._text.lines)

    def line(self, index: int) -> Line:
        """One line of the text."""
        line = safe_text(self._text.lines[index])
        head, colon, rest = line.partition(":")
        if colon and head in ("data", "event", "id", "retry"):
            return [("key", head), ("muted", colon), *(json_line(rest) if head == "data" else [("accent", rest)])]
        return json_line(line) if line.lstrip()[:1] in ("{", "[") else [("", line)]

    def advance(self, seconds: float) -> int | None:
        """Read the next slice."""
        if not self.busy:
            return None
        first = max(0, len(self._text.lines) - 1)
        piece = bytes(self._data[self._read : self._read + _SLICE])
        self._read += len(piece)
        self._text.append(self._decoder.decode(piece))
        return first

    def resize(self, width: int) -> None:
        """Begin anew at another width."""
        if width != self._width:
            self._width = width
            self._begin()

    def path(self, index: int) -> str:
        """The line's number."""
        return f"line {index + 1}"

    def value(self, index: int) -> str:
        """The line."""
        return self._text.lines[index]

    def _begin(self) -> None:
        self._text = WrappedText(self._width)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._read = 0
        self.advance(0)


class HexLines(_Plain):
    """Bytes that are no text, sixteen a line."""

    busy = False

    def __init__(self, data: bytearray) -> None:
        self._data = data

    def __len__(self) -> int:
        cut = len(self._data) > HEX_LIMIT
        return -(-min(len(self._data), HEX_LIMIT) // 16) + cut

    def line(self, index: int) -> Line:
        """Offset, bytes, and their ASCII."""
        if index * 16 >= HEX_LIMIT:
            return [("muted", f"… the first {size_of(HEX_LIMIT)} of {size_of(len(self._data))}")]
        return hex_line(bytes(self._data[index * 16 : index * 16 + 16]), index * 16)

    def advance(self, seconds: float) -> int | None:
        """Nothing is read ahead."""
        return None

    def resize(self, width: int) -> None:
        """The lines are as wide as they are."""

    def path(self, index: int) -> str:
        """The offset."""
        return f"byte {index * 16}"

    def value(self, index: int) -> str:
        """The bytes of the line, in hex."""
        return self._data[index * 16 : index * 16 + 16].hex(" ")


def hex_line(data: bytes, offset: int) -> Line:
    """Up to sixteen bytes with their offset and their ASCII."""
    text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in data)
    return [("faint", f"{offset:08x}  "), ("", f"{data[:8].hex(' '):23}  {data[8:].hex(' '):23}  "), ("muted", text)]


class TreeLines:
    """A JSON text as a tree."""

    def __init__(self, text: str, width: int) -> None:
        self._width = width
        self.tree = JsonTree(text, self._wrap)

    @property
    def busy(self) -> bool:
        """Whether not all that is unfolded was read yet."""
        return self.tree.busy

    @property
    def note(self) -> str:
        """That there are more values than are unfolded."""
        return f"only the first {ROW_LIMIT:,} values are unfolded" if self.tree.limited else ""

    def __len__(self) -> int:
        return len(self.tree.rows)

    def line(self, index: int) -> Line:
        """One row: a key and its value, or the beginning of it."""
        row = self.tree.rows[index]
        indent = ("", "  " * min(row.depth, _DEEPEST))
        if isinstance(row, Words):
            return [indent, ("faint", "  │ "), ("", row.text)]
        label: Line = [("key", f"{one_line(str(row.key), 100)}  ")] if row.key is not None else []
        return [indent, *self._mark(row), *label, *self._shown(row)]

    def advance(self, seconds: float) -> int | None:
        """Read on."""
        return self.tree.advance(seconds)

    def resize(self, width: int) -> None:
        """Wrap the unfolded strings anew."""
        if width != self._width:
            self._width = width
            self.tree.rewrap()

    def toggle(self, index: int) -> bool:
        """Fold or unfold a value, but no secret."""
        node = self._node(index)
        hidden = self.tree.kind(node) == '"' and isinstance(node.key, str) and is_secret(node.key)
        return not hidden and self.tree.toggle(index)

    def toggle_all(self) -> bool:
        """Fold or unfold all."""
        self.tree.toggle_all()
        return True

    def path(self, index: int) -> str:
        """The path of the value."""
        return self.tree.path(self._node(index))

    def value(self, index: int) -> str:
        """A string's content; any other value as it is spelled."""
        return self.tree.value(self._node(index))

    def search_text(self, index: int) -> str:
        """The key and the whole value, of what is unfolded below it nothing."""
        row = self.tree.rows[index]
        if isinstance(row, Words):
            return row.text
        held = "" if row.opened or row.end < 0 else self.tree.text[row.start : row.end]
        return f"{row.key if row.key is not None else ''} {held}"

    def _node(self, index: int) -> Node:
        row = self.tree.rows[index]
        return row.node if isinstance(row, Words) else row

    def _mark(self, node: Node) -> Line:
        kind = self.tree.kind(node)
        words = kind == '"' and self._is_long(node) and not (isinstance(node.key, str) and is_secret(node.key))
        folds = (kind in "{[" and (node.items or node.opened or node.end < 0)) or words
        return [("accent", "▾ " if node.opened else "▸ ")] if folds else [("", "  ")]

    def _is_long(self, node: Node) -> bool:
        return node.opened or node.end - node.start > max(20, self._width - 40) or "\\n" in self._head(node)

    def _head(self, node: Node) -> str:
        return self.tree.text[node.start : min(node.end if node.end >= 0 else node.start, node.start + _PREVIEW)]

    def _shown(self, node: Node) -> Line:
        kind, size = self.tree.kind(node), node.end - node.start
        broken: Line = [("error", "  the text stops here")] if node.broken else []
        if kind in "{[":
            close = "}" if kind == "{" else "]"
            held: Line = [("muted", f"{kind}{node.items or ''}{close} " if node.end >= 0 else f"{kind}…{close} ")]
            preview: Line = (
                [] if node.opened or not node.items else [("faint", clean(safe_text(self._head(node))[: self._width]))]
            )
            return [*held, ("faint", f" {size_of(size)}  " if size >= 1000 else ""), *preview, *broken]
        head = clean(self._safe(node, self._head(node)))
        if kind == '"':
            long = self._is_long(node)
            if node.opened:
                return [("faint", size_of(size)), *broken]
            return [("faint", f"{size_of(size)}  " if long else ""), ("string", head), *broken]
        return [*json_line(head), *broken]

    def _safe(self, node: Node, text: str) -> str:
        """What stands for a secret where there is one."""
        if isinstance(node.key, str) and is_secret(node.key):
            return f'"{mask(text.strip(chr(34)))}"'
        return safe_text(text)

    def _wrap(self, text: str, depth: int) -> list[str]:
        room = max(10, self._width - 2 * min(depth, _DEEPEST) - 4)
        return WrappedText(room, safe_text(text)).lines
