"""Words of others on the person's terminal: none of them may act on it."""

from __future__ import annotations

import re

_ACTS = re.compile(
    rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf"
)
"""In UTF-8: control characters, line and paragraph separators, what turns the line around, and what nobody sees."""


def inert(text: str) -> str:
    """A text whose lines hold nothing but what can be printed."""
    if text.isprintable():
        return text
    return "\n".join(
        line if line.isprintable() else "".join(each if each.isprintable() else "·" for each in line)
        for line in text.split("\n")
    )


def inert_line(text: str) -> str:
    """The same on one line, whatever breaks are in it."""
    return inert(text.replace("\n", "·"))


def escaped(line: bytes) -> bytes:
    """A line of JSON, or of Markdown without such characters, that means the same and does nothing to a terminal."""
    return _ACTS.sub(lambda found: b"\\u%04x" % ord(found[0].decode()), line)
