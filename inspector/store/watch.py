"""Watch expressions: keys of the filter language that stand beside the flows, as columns."""

from __future__ import annotations

import re
from dataclasses import dataclass

from inspector.store.filter_fields import Unit, named_field, plain_key

TITLE = 16
"""Characters of a heading."""

_TITLED = re.compile(r"""\s*([^=\["']*?)\s*=(.*)\Z""", re.DOTALL)
_NAMES = re.compile(r"""[^\s.\[\]"']+|"(?:[^"\\]|\\.)*"|'[^']*'""")


@dataclass(frozen=True, slots=True)
class Watched:
    """One watch expression."""

    key: str
    """A key of the filter language: filters, breakpoints and sorting take it as it is."""
    title: str
    """What stands above its column."""

    def __str__(self) -> str:
        """As `parse_watch` reads it."""
        return self.key if self.title == _title(self.key) else f"{self.title}={self.key}"


def parse_watch(text: str) -> Watched:
    """Read `KEY` or `TITLE=KEY`. ValueError, in words, where it is neither."""
    titled = _TITLED.match(text)
    key = plain_key((titled[2] if titled else text).strip())
    if not key:
        raise ValueError("a key is missing, as in request.max_tokens or max=request.max_tokens")
    if titled and not titled[1]:
        raise ValueError(f"a title is missing before ={key}")
    named_field(key)
    return Watched(key, " ".join(titled[1].split())[:TITLE] if titled else _title(key))


def unit_of(key: str) -> Unit:
    """The unit of a key's numbers. KeyError where there is no such key."""
    try:
        return named_field(key).unit or "count"
    except ValueError:
        raise KeyError(key) from None


def _title(key: str) -> str:
    """The last name in a key."""
    names = [name.strip("\"'") for name in _NAMES.findall(key)]
    if len(names) > 1 and names[-1] in ("length", "*"):
        names.pop()
    while len(names) > 1 and names[-1].lstrip("-").isdecimal():
        names.pop()
    return " ".join(names[-1].split())[:TITLE] if names else key[:TITLE]
