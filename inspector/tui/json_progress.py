"""Whether a JSON text that is still being written can yet become valid. Incremental, after RFC 8259."""

from __future__ import annotations

import re
from typing import Literal

_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')
_ESCAPE_BEGUN = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z")
_BARE = re.compile(r"[-+.0-9A-Za-z]+")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?\Z")
_NUMBER_BEGUN = re.compile(r"-?(?:(?:0|[1-9]\d*)(?:\.\d*)?(?:(?<=\d)[eE][+-]?\d*)?)?\Z")
_WORDS = ("true", "false", "null")

_Awaited = Literal["value", "first value", "first key", "key", "colon", "comma", "nothing"]


class JsonProgress:
    """Reads a JSON text piece by piece. Once it is not `valid`, no more text can make it so."""

    __slots__ = ("_awaits", "_open", "_quoted", "_rest", "valid")

    def __init__(self) -> None:
        self.valid = True
        self._open: list[str] = []
        self._awaits: _Awaited = "value"
        self._quoted = False
        self._rest = ""

    @property
    def whole(self) -> bool:
        """Whether a value stands there from its beginning to its end."""
        return self.valid and self._awaits == "nothing" and not self._rest

    def feed(self, piece: str) -> None:
        """Take the next piece."""
        text, at = self._rest + piece, 0
        while self.valid and at < len(text):
            end = self._token(text, at)
            if end < 0:
                break
            at = end
        self._rest = text[at:]

    def _token(self, text: str, at: int) -> int:
        """Read one token, or a part of a string; where it ends, or -1 where it is not whole yet."""
        character = text[at]
        if self._quoted:
            return self._in_quotes(text, at)
        if character in " \t\r\n":
            return at + 1
        if character == '"':
            self.valid = self._awaits in ("value", "first value", "first key", "key")
            self._quoted = True
            return at + 1
        if character in "{}[]:,":
            self._punctuation(character)
            return at + 1
        return self._bare(text, at)

    def _in_quotes(self, text: str, at: int) -> int:
        plain = _PLAIN.match(text, at)
        if plain is not None and plain.end() > at:
            return plain.end()
        if text[at] == '"':
            self._quoted = False
            self._awaits = "colon" if self._awaits in ("first key", "key") else self._after_value()
            return at + 1
        escape = _ESCAPE.match(text, at)
        if escape is not None:
            return escape.end()
        self.valid = _ESCAPE_BEGUN.match(text, at) is not None
        return -1

    def _bare(self, text: str, at: int) -> int:
        match = _BARE.match(text, at)
        if match is None or self._awaits not in ("value", "first value"):
            self.valid = False
            return at
        word, ended = match[0], match.end() < len(text)
        if not ended:
            self.valid = _NUMBER_BEGUN.match(word) is not None or any(known.startswith(word) for known in _WORDS)
            return -1
        self.valid = word in _WORDS or _NUMBER.match(word) is not None
        self._awaits = self._after_value()
        return match.end()

    def _punctuation(self, character: str) -> None:
        awaits, inside = self._awaits, self._open[-1] if self._open else ""
        if character in "{[" and awaits in ("value", "first value"):
            self._open.append(character)
            self._awaits = "first key" if character == "{" else "first value"
        elif character == ":" and awaits == "colon":
            self._awaits = "value"
        elif character == "," and awaits == "comma":
            self._awaits = "key" if inside == "{" else "value"
        elif (character == "}" and inside == "{" and awaits in ("comma", "first key")) or (
            character == "]" and inside == "[" and awaits in ("comma", "first value")
        ):
            self._open.pop()
            self._awaits = self._after_value()
        else:
            self.valid = False

    def _after_value(self) -> _Awaited:
        return "comma" if self._open else "nothing"
