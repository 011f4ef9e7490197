"""Words of others on the person's terminal: none of them may act on it."""

from __future__ import annotations

import re

_ACTS = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]|\xe2\x81[\xa6-\xa9]")
"""In UTF-8: control characters, line and paragraph separators, and what turns the line around."""


def inert(text: str) -> str:
    """A text whose lines hold nothing but what can be printed."""
    if text.isprintable():
        return text
    return "\n".join(
        line if line.isprintable() else "".join(each if each.isprintable() else "·" for each in line)
        for line in text.split("\n")
    )


def escaped(line: bytes) -> bytes:
    """A line of JSON, or of Markdown without such characters, that means the same and does nothing to a terminal."""
    return _ACTS.sub(lambda found: b"\\u%04x" % ord(found[0].decode()), line)
