"""What a JSON text says that is still being written: the arguments of a tool call, value by value as they grow."""

from __future__ import annotations

import re
from functools import lru_cache

from inspector.wire.json_path import parse_path

_PLAIN = re.compile(r'[^"\\]+')
_ESCAPE = re.compile(
    r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\([^u])", re.DOTALL
)
_ESCAPE_BEGUN = re.compile(
    r"\\(?:u(?:[0-9a-fA-F]{0,3}|[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u(?:[dD](?:[c-fC-F][0-9a-fA-F]?)?)?)?)?)?)?\Z"
)
_BARE = re.compile(r"[-+.0-9A-Za-z]+")
_MEANT = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}

_Path = tuple[str, ...]


class _Value:
    """One value as far as it is written."""

    __slots__ = ("end", "pieces", "start")

    def __init__(self, start: int = -1) -> None:
        self.pieces: list[str] = []
        """What a string, number or word says."""
        self.start = start
        """Where an object or array begins in the text; -1 for the others."""
        self.end: int | None = None


class _Open:
    """An object or array that is not closed."""

    __slots__ = ("count", "key", "kind", "path", "value")

    def __init__(self, kind: str, path: _Path, value: _Value) -> None:
        self.kind = kind
        self.path = path
        self.value = value
        self.count = 0
        self.key: str | None = None


class PartialJson:
    """Reads a JSON text piece by piece. It makes the best of what is no JSON: where nothing can follow, it stops.

    What a feed costs depends on the new text alone, and any split of the text gives the same.
    """

    __slots__ = ("_broken", "_open", "_rest", "_seen", "_string", "_text", "_values", "_word")

    def __init__(self) -> None:
        self._values: dict[_Path, _Value] = {}
        self._open: list[_Open] = []
        self._string: list[str] | None = None
        """The string that is being written: a value's pieces, or a key's."""
        self._word: list[str] | None = None
        """The number or word that may go on."""
        self._rest = ""
        self._text: list[str] = []
        self._seen = 0
        self._broken = False

    def feed(self, piece: str) -> None:
        """Take the next piece."""
        self._text.append(piece)
        text, at = self._rest + piece, 0
        while not self._broken and at < len(text):
            end = self._in_string(text, at) if self._string is not None else self._token(text, at)
            if end < 0:
                break
            at = end
        self._rest, self._seen = text[at:], self._seen + at

    def get(self, path: str) -> str | None:
        """The text of the value at a path such as `edits.0.path`, as far as it is written; None before it began.

        Strings are unescaped; objects and arrays come as they are written.
        """
        value = self._values.get(_steps(path))
        if value is None:
            return None
        if value.start < 0:
            value.pieces[:] = ["".join(value.pieces)]
            return value.pieces[0]
        self._text[:] = ["".join(self._text)]
        return self._text[0][value.start : value.end]

    def _token(self, text: str, at: int) -> int:
        """Read one token outside of strings; where it ends, or -1 where nothing can follow."""
        character = text[at]
        if bare := _BARE.match(text, at):
            return self._bare(bare)
        self._word = None
        if character in "{[":
            self._open.append(_Open(character, *self._begin(self._seen + at)))
        elif character in "}]":
            self._close("{" if character == "}" else "[", self._seen + at + 1)
        elif character == ",":
            self._next()
        elif character == '"':
            self._string = [] if self._at_key() else self._begin()[1].pieces
        elif character not in ": \t\r\n":
            self._broken = True
        return at + 1

    def _begin(self, start: int = -1) -> tuple[_Path, _Value]:
        """A value begins here."""
        inner = self._open[-1] if self._open else None
        path: _Path = ()
        if inner is not None:
            path = (*inner.path, (inner.key or "") if inner.kind == "{" else str(inner.count))
        value = self._values[path] = _Value(start)
        return path, value

    def _at_key(self) -> bool:
        return bool(self._open) and self._open[-1].kind == "{" and self._open[-1].key is None

    def _bare(self, match: re.Match[str]) -> int:
        """A number or a word; it may be cut anywhere."""
        if self._word is None:
            self._word = self._begin()[1].pieces
        self._word.append(match[0])
        return match.end()

    def _in_string(self, text: str, at: int) -> int:
        """Read a part of a string; where it ends, or -1 before an escape that is cut."""
        assert self._string is not None
        if plain := _PLAIN.match(text, at):
            self._string.append(plain[0])
            return plain.end()
        if text[at] == '"':
            if self._at_key():
                self._open[-1].key = "".join(self._string)
            self._string = None
            return at + 1
        if _ESCAPE_BEGUN.match(text, at):
            return -1
        escape = _ESCAPE.match(text, at)
        self._string.append(_said(escape) if escape else text[at])
        return escape.end() if escape else at + 1

    def _close(self, kind: str, end: int) -> None:
        if not self._open or self._open[-1].kind != kind:
            self._broken = True
        else:
            self._open.pop().value.end = end

    def _next(self) -> None:
        if not self._open:
            self._broken = True
            return
        self._open[-1].key = None
        self._open[-1].count += 1


def _said(escape: re.Match[str]) -> str:
    high, low, code, letter = escape.groups()
    if high:
        return chr(0x10000 + (int(high, 16) - 0xD800 << 10) + int(low, 16) - 0xDC00)
    return chr(int(code, 16)) if code else _MEANT.get(letter, escape[0])


@lru_cache(maxsize=256)
def _steps(path: str) -> _Path:
    try:
        return tuple(str(step) for step in parse_path(path))
    except ValueError:
        return tuple(path.split("."))
