"""What is wrong with a JSON text, and where, in words for the person who wrote it."""

from __future__ import annotations

import re
from typing import Literal

Awaited = Literal["value", "first value", "key", "first key", "colon", "comma", "nothing"]
"""What had to come next where the reading stopped."""

_SPACE = re.compile(rb"[ \t\n\r]*+")
_WORD = re.compile(rb"[-+.0-9A-Za-z_$]+")
_PLAIN = re.compile(rb'(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+')
_MEANT = {"True": "true", "False": "false", "None": "null", "undefined": "null", "nil": "null"}
_PAIR = {0x7B: "}", 0x5B: "]"}


class JsonError(ValueError):
    """A text that is no JSON. As a string: `line 3, column 7: a comma is missing before this`."""

    def __init__(self, message: str, data: bytes, offset: int) -> None:
        before = data[:offset]
        self.message = message
        self.offset = offset
        """In bytes."""
        self.line = before.count(b"\n") + 1
        self.column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        """In characters, from 1."""
        super().__init__(f"line {self.line}, column {self.column}: {message}")


def explain(data: bytes, at: int, awaited: Awaited, opened: int = -1) -> JsonError:
    """Why reading stopped at `at`. `opened` is where the innermost object or array begins; -1 outside of all."""
    spaces = _SPACE.match(data, at)
    at = spaces.end() if spaces else at
    if at >= len(data):
        return JsonError(_cut_short(data, awaited, opened), data, at)
    if data[at] == 0x22 and awaited not in ("comma", "colon", "nothing"):
        return _quoted(data, at)
    return JsonError(_misplaced(data, at, awaited, opened), data, at)


def _cut_short(data: bytes, awaited: Awaited, opened: int) -> str:
    if opened < 0:
        return "there is no JSON here"
    line = data.count(b"\n", 0, opened) + 1
    what = {"colon": "a colon", "value": "a value"}.get(awaited, f"the {_PAIR[data[opened]]}")
    return f"the text ends here, but {what} is missing: the {chr(data[opened])} of line {line} is not closed"


def _quoted(data: bytes, at: int) -> JsonError:
    """What is wrong with a string that begins at `at`."""
    plain = _PLAIN.match(data, at + 1)
    stop = plain.end() if plain else at + 1
    if stop >= len(data) or data[stop] in b"\r\n":
        return JsonError(
            "this string is not closed: a quote is missing, or a line break is not written as \\n", data, at
        )
    if data[stop] == 0x5C:
        written = data[stop : stop + 2].decode("utf-8", "ignore")
        digits = "\\u needs four hexadecimal digits behind it"
        return JsonError(digits if written == "\\u" else f"{written} is no escape: write \\\\", data, stop)
    return JsonError(f"this control character must be written as \\u{data[stop]:04x}", data, stop)


def _misplaced(data: bytes, at: int, awaited: Awaited, opened: int) -> str:
    character, close = chr(data[at]), _PAIR[data[opened]] if opened >= 0 else ""
    if awaited == "nothing":
        return "there is more behind the end of the JSON"
    if character in "]}" and not close:
        return f"{character} closes nothing"
    if awaited == "colon":
        return "a colon is missing before this"
    if character in "]}" and awaited in ("value", "key"):
        return (
            "a value is missing before this" if _behind_colon(data, at) else "there is one comma too many before this"
        )
    if character in "]}":
        return f"{character} stands where {close} should be"
    if awaited == "comma":
        return "a comma is missing before this"
    if character == ",":
        return "a value is missing before this comma" if "value" in awaited else "a key is missing before this comma"
    if "key" in awaited:
        return "a key must stand in double quotes"
    return _no_value(data, at)


def _behind_colon(data: bytes, at: int) -> bool:
    return data[:at].rstrip(b" \t\n\r").endswith(b":")


def _no_value(data: bytes, at: int) -> str:
    word = _WORD.match(data, at)
    if word is None:
        if data[at] == 0x27:
            return "strings stand in double quotes, not in single ones"
        if data.startswith((b"//", b"/*", b"#"), at):
            return "JSON has no comments"
        return f"{data[at : at + 4].decode('utf-8', 'ignore')[:1]} begins no value"
    text = word[0].decode()
    if text in _MEANT:
        return f"{text} is written {_MEANT[text]}"
    if text[0] in "-+.0123456789":
        return f"{text[:20]} is no number as JSON writes them"
    return f"{text[:20]} is no value: strings stand in double quotes"
