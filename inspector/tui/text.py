"""Text from the wire, made inert: nothing in it moves the cursor, hides, or turns the line around.

Also its cutting into lines by terminal cells. Nothing here reads markup or escape sequences: every character is either
shown as it is or named.
"""

from __future__ import annotations

import re
import unicodedata

from rich.cells import cell_len, get_character_cell_size

_EMOJI = "\xa9\xae\u203c\u2049\u2122\u2139\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_SELECTOR = re.compile(f"(?<=[{_EMOJI}])[\ufe0e\ufe0f]|\ufe0f(?=\u20e3)")
_JOINER = re.compile(f"(?<=[{_EMOJI}])\u200d(?=[{_EMOJI}])")
_INVISIBLE = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
_MARKS = 8
"""Combining marks that a letter may have: real ones have up to five, and a heap of them covers the lines around."""
_ODD = re.compile(f"[{_INVISIBLE}]|[^\\w\\x00-\\x7f]{{{_MARKS + 1}}}")
_HEAP = re.compile(rf"[^\w\x00-\x7f]{{{_MARKS + 1},}}")

LONG = 8192
"""Characters of one source line from which on it is cut into pieces before it is wrapped."""


class _Shown(dict[int, str | int]):
    """What stands on the screen for a code point; remembers the first few thousand that it was asked for."""

    def __missing__(self, code: int) -> str | int:
        shown = _shown(code)
        if len(self) < LONG:
            self[code] = shown
        return shown


def _shown(code: int) -> str | int:
    character = chr(code)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if _ODD.match(character) or not (character.isprintable() or unicodedata.category(character) == "Zs"):
        return f"‹U+{code:04X}›"
    return code


_TABLE = _Shown()


def printable(text: str) -> str:
    """`text` without any character that a terminal would act on or hide.

    Control characters become their pictures (␛), and format, bidi, zero-width, private, unassigned and lone surrogate
    code points their names (‹U+202E›). Joiners and variation selectors within an emoji are dropped, so that its cells
    are the sum of its parts' on every terminal. Line breaks and tabs count as control characters.
    """
    if text.isprintable() and (text.isascii() or not _ODD.search(text)):
        return text
    return _HEAP.sub(_levelled, _JOINER.sub("", _SELECTOR.sub("", text)).translate(_TABLE))


def _levelled(found: re.Match[str]) -> str:
    """Signs without the marks that are too many for one letter, and how many these were."""
    kept, marks = "", 0
    for sign in [*found[0], ""]:
        if sign and unicodedata.category(sign) in ("Mn", "Me"):
            marks += 1
            kept += sign if marks <= _MARKS else ""
            continue
        kept += (f"‹{marks - _MARKS} marks›" if marks > _MARKS else "") + sign
        marks = 0
    return kept


def clean(line: str) -> str:
    """One source line as it may be shown: tabs expanded, the CR of a CRLF dropped, all else by `printable`."""
    return printable(line.removesuffix("\r").expandtabs(4))


def one_line(text: str, limit: int = 400) -> str:
    """The beginning of a text on one line: runs of blanks and breaks become one blank."""
    return printable(" ".join(text[:limit].split()))


def clip(text: str, width: int) -> str:
    """A printable text cut to `width` cells, with `…` where something is missing."""
    if len(text) * 2 <= width or cell_len(text) <= width:
        return text
    return text[: _fit(text, 0, max(0, width - 1), at_least=0)] + "…" if width > 0 else ""


def wrap(text: str, width: int) -> list[str]:
    """Cut one printable line into lines of at most `width` cells, at blanks where that leaves no line nearly empty.

    The blank at which a line breaks is dropped where it would not fit; everything else is kept. A wide character is
    never cut, so a width below 2 may be exceeded by one cell.
    """
    if len(text) * 2 <= width or (len(text) <= (width if text.isascii() else 4 * width) and cell_len(text) <= width):
        return [text]
    lines: list[str] = []
    start = 0
    while start < len(text):
        end = _fit(text, start, width)
        following = end
        if end < len(text) and text[end] == " ":
            following = end + 1
        elif end < len(text):
            blank = text.rfind(" ", start, end)
            if blank - start > (end - start) // 3 and not text[start:blank].isspace():
                end = following = blank + 1
        lines.append(text[start:end])
        start = following
    return lines


def _fit(text: str, start: int, width: int, at_least: int = 1) -> int:
    """Where a line of `width` cells that begins at `start` ends. Endless combining characters are cut, too."""
    if text.isascii():
        return min(len(text), start + max(at_least, width))
    cells, end = 0, start
    last = min(len(text), start + 4 * width + 4)
    while end < last:
        cells += get_character_cell_size(text[end])
        if cells > width:
            break
        end += 1
    return max(end, min(len(text), start + at_least))


class WrappedText:
    """A text that may grow at its end, as lines of at most `width` cells; only its last line is ever wrapped again."""

    __slots__ = ("_pending", "_settled", "lines", "width")

    def __init__(self, width: int, text: str = "") -> None:
        self.width = width
        self.lines: list[str] = []
        self._pending = ""
        self._settled = 0
        self.append(text)

    def append(self, piece: str) -> None:
        """Add text as it came from the wire; LF and CRLF end a line."""
        del self.lines[self._settled :]
        *whole, pending = (self._pending + piece).split("\n")
        for line in whole:
            self._settle(line)
        self._pending = self._cut(pending)
        self._settled = len(self.lines)
        self.lines += wrap(clean(self._pending), self.width)

    def _settle(self, line: str) -> None:
        rest = self._cut(line)
        self.lines += wrap(clean(rest), self.width)

    def _cut(self, line: str) -> str:
        """Settle the beginning of a very long line in pieces, so that no step is longer than the screen is worth."""
        while len(line) > LONG:
            at = line.rfind(" ", LONG // 4, LONG // 2) + 1 or LONG // 2
            self.lines += wrap(clean(line[:at]), self.width)
            line = line[at:]
        return line


def lines(text: str, width: int) -> list[str]:
    """A whole text from the wire as lines of at most `width` cells."""
    return WrappedText(width, text).lines
