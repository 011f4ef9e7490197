"""Members of a JSON text found by their names, and changed in their bytes: exact, and quick enough for every event of a
stream.

A regular expression finds what has the name. It cannot be taken in by text: a quote in a string is escaped, so
`"name":` stands for a member of some object and for nothing else. Of which object, the parser tells: it reads the text
once more with a mark in the place of each value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence

import orjson

from inspector.dialects._base import Json

BOM = b"\xef\xbb\xbf"
BLANK = b" \t\n\r"

Cut = tuple[int, int, bytes]
"""From where to where a text is replaced, and by what."""
Place = re.Match[bytes]
"""A member as it stands in a text: group 1 is its name, group 2 its value."""

_SPACE = rb"[ \t\n\r]*+"
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_NESTING = 5
"""Objects, or lists, within each other up to which the end of a value is found. Token lists need three."""
_MARK = "\x00"
_COMMA = re.compile(_SPACE + b"," + _SPACE)
_FIRST = re.compile(rb"(?:%s)?%s\{(%s)%s(%s:%s)" % (BOM, _SPACE, _SPACE, _STRING, _SPACE, _SPACE))


def _balanced(opening: bytes, closing: bytes) -> bytes:
    """A pattern for what reaches from a bracket to its counterpart, whatever stands between, strings passed over."""
    plain, inner = rb'[^"' + opening + closing + rb"]*+", b""
    for _ in range(_NESTING):
        stop = _STRING + (b"|" + inner if inner else b"")
        inner = opening + plain + rb"(?:(?:" + stop + rb")" + plain + rb")*+" + closing
    return inner


_VALUE = rb"|".join((_balanced(rb"\{", rb"\}"), _balanced(rb"\[", rb"\]"), _STRING, rb'[^]"{}[,\s]++'))


class Members:
    """Finds the members that have one of some names."""

    def __init__(self, *names: str) -> None:
        spelled = b"|".join(name.encode() for name in names)
        self._member = re.compile(rb'"(' + spelled + rb')"' + _SPACE + b":" + _SPACE + b"(" + _VALUE + b")", re.DOTALL)

    def find(self, data: bytes) -> list[Place]:
        """All of them, in any object, save those within the value of another one."""
        return list(self._member.finditer(data))


def marked(data: bytes, places: Sequence[Place]) -> object:
    """The text, parsed, with a mark in the place of these values; None where it is no JSON.

    What orjson refuses and servers send all the same (NaN, a stray byte) gets a second try: strings may come out of it
    garbled, but nothing moves.
    """
    pieces: list[bytes] = []
    at = 0
    for number, place in enumerate(places):
        start, end = place.span(2)
        pieces += (data[at:start], b'"\\u0000%d"' % number)
        at = end
    text = b"".join([*pieces, data[at:]])
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(text.removeprefix(BOM).decode("latin-1"), strict=False)
    except (ValueError, RecursionError):
        return None


def place_of(value: object, places: Sequence[Place]) -> Place | None:
    """The place for which a value is the mark; None where it is none."""
    if type(value) is not str or not value.startswith(_MARK):
        return None
    number = value[1:]
    return places[int(number)] if number.isdecimal() and len(number) < 9 and int(number) < len(places) else None


def removed(data: bytes, place: Place) -> Cut:
    """A whole member, taken out with its comma."""
    start, end = place.span()
    if behind := _COMMA.match(data, end):
        return start, behind.end(), b""
    before = _back(data, start)
    return (_back(data, before - 1) if data[before - 1 : before] == b"," else start), end, b""


def _back(data: bytes, at: int) -> int:
    """Where the white space before a place begins."""
    while at and data[at - 1] in BLANK:
        at -= 1
    return at


def with_cuts(data: bytes, cuts: Iterable[Cut], base: int = 0) -> bytes:
    """A text with cuts made, which follow each other and count from `base`."""
    pieces: list[bytes] = []
    at = 0
    for start, end, new in cuts:
        pieces += (data[at : base + start], new)
        at = base + end
    return b"".join([*pieces, data[at:]])


def member(data: bytes, name: str) -> Place | None:
    """A member of the text's outermost object; None where it is not found."""
    places = Members(re.escape(name)).find(data)
    body = marked(data, places)
    return place_of(body.get(name), places) if isinstance(body, dict) else None


def with_members(data: bytes, body: Json, members: Mapping[str, bytes]) -> bytes:
    """A JSON object with some of its members set, every other byte kept; `body` is what it says. New members stand at
    its end, and look like the first.
    """
    added: list[tuple[str, bytes]] = []
    cuts: list[Cut] = []
    for name, value in members.items():
        if name in body and (place := member(data, name)):
            cuts.append((*place.span(2), value))
        else:
            added.append((name, value))
    end = _back(data, _back(data, len(data)) - 1)
    lead, colon = match.groups() if (match := _FIRST.match(data)) else (b"", b":")
    comma = b"," + (lead if b"\n" in lead else b" " if colon.endswith(b" ") else b"")
    text = comma.join(b'"%s"%s%s' % (name.encode(), colon, value) for name, value in added)
    return with_cuts(data, [*sorted(cuts), (end, end, comma + text if body and text else text)])
