"""Words of others in Markdown, so that they read as they were meant, and do nothing else.

A text stands in a block quote: whatever it opens (a code block, a list, a heading) ends with it, and cannot be taken
for a part of the page. Nothing in it becomes HTML, loads an image, or is acted on by a terminal. The rules are those of
CommonMark 0.31 (https://spec.commonmark.org/0.31.2/) and of GitHub's tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_FENCE = re.compile(r"(`{3,})[^`]*$|(~{3,})")
_RUN = re.compile(r"`{3}|~{3}")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
"""What begins HTML, or a link."""
_TICKS = re.compile(r"`+")
_NOT_PLAIN = re.compile(r"\]\(|\]:|\||\\`")
"""Where a backtick may belong to something else than code: link targets, table cells, escapes."""
_ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""What a terminal acts on, ends a line for some, or turns the line around."""


def quoted(text: str) -> str:
    """A text that is Markdown itself, as a block quote; without a line feed at its end."""
    return "\n".join(f"> {line}" if line else ">" for line in _inert(inert(text).split("\n")))


def fenced(text: str, language: str = "") -> str:
    """A text as it is, in a code block; without a line feed at its end."""
    text = inert(text)
    longest = max((len(run) for run in _TICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}{'' if text.endswith(chr(10)) else chr(10)}{fence}"


def code(text: str) -> str:
    """A short text as it is, in the middle of a line."""
    text = " ".join(inert(text).split()) or " "
    ticks = "`" * (max((len(run) for run in _TICKS.findall(text)), default=0) + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{space}{text}{space}{ticks}"


def inert(text: str) -> str:
    """A text whose lines end in line feeds, with names in the place of what a terminal acts on."""
    return _ACTS.sub(_named, text.replace("\r\n", "\n").replace("\r", "\n"))


def _named(found: re.Match[str]) -> str:
    number = ord(found[0])
    return chr(0x2400 + number) if number < 0x20 else f"‹U+{number:04X}›"


def _inert(lines: list[str]) -> Iterator[str]:
    """The lines of a text: as they are within code, escaped outside.

    Only a fence at the very beginning of a line is surely one: one in a list may end before its counterpart comes, so
    that after it none is believed any more. A line without the counterpart of a backtick spoils the rest of its
    paragraph in the same way.
    """
    fence, sure, plain = "", True, True
    for line in lines:
        if fence:
            if re.fullmatch(rf" {{0,3}}{fence[0]}{{{len(fence)},}}[ \t]*", line):
                fence = ""
            yield line
        elif sure and (opening := _FENCE.match(line)) is not None:
            fence, plain = opening[1] or opening[2], True
            yield line
        else:
            sure = sure and _RUN.search(line) is None
            words = _words(line) if plain or not line.strip(" \t") else None
            plain = words is not None
            yield _escaped(line) if words is None else words


def _words(line: str) -> str | None:
    """A line with its code as it is and the rest escaped; None where it alone does not tell what is code."""
    if _NOT_PLAIN.search(line):
        return None
    pieces, end = "", 0
    runs = _TICKS.finditer(line)
    for opening in runs:
        closing = next((run for run in runs if run[0] == opening[0]), None)
        if closing is None:
            return None
        pieces += _escaped(line[end : opening.start()]) + line[opening.start() : closing.end()]
        end = closing.end()
    return pieces + _escaped(line[end:])


def _escaped(text: str) -> str:
    return _TAG.sub("&lt;", text).replace("![", "!\\[")
