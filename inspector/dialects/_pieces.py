"""What all writers share: text cut into pieces as a model would send it, and the framing of one event."""

from __future__ import annotations

import json
import unicodedata

import orjson

from inspector.dialects._writing import Json

_ZWJ = "\u200d"


def pieces(text: str, size: int = 5) -> list[str]:
    """A text in pieces of about `size` characters, never cut inside a grapheme; none for an empty text.

    The rules are those of https://www.unicode.org/reports/tr29/#Grapheme_Cluster_Boundary_Rules as far as the standard
    library knows the characters: where it does not, two graphemes may stay together.
    """
    found: list[str] = []
    start = 0
    while start < len(text):
        end = min(start + max(size, 1), len(text))
        while end < len(text) and _joined(text, start, end):
            end += 1
        found.append(text[start:end])
        start = end
    return found


def sse(data: Json | bytes, name: str = "") -> bytes:
    """One server-sent event; bytes go as they are, with a field for each of their lines."""
    if isinstance(data, bytes):
        payload = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\ndata: ")
    else:
        payload = json_bytes(data)
    prefix = b"event: " + name.encode() + b"\n" if name else b""
    return prefix + b"data: " + payload + b"\n\n"


def json_bytes(value: object) -> bytes:
    """A value as compact JSON. What orjson refuses (huge numbers, lone surrogates) comes escaped."""
    try:
        return orjson.dumps(value)
    except (TypeError, ValueError):
        return json.dumps(value, separators=(",", ":")).encode()


def _joined(text: str, start: int, at: int) -> bool:
    """Whether the characters on both sides of `at` are one grapheme; `start` is where a grapheme begins."""
    before, after = text[at - 1], text[at]
    if before < "\u0300" and after < "\u0300":
        return before == "\r" and after == "\n"
    if _is_flag(before) and _is_flag(after):
        run = at
        while run > start and _is_flag(text[run - 1]):
            run -= 1
        return (at - run) % 2 == 1
    return _extends(after) or _holds_on(before) or _is_pair(before, after) or _is_korean(before, after)


def _extends(char: str) -> bool:
    """Whether a character belongs to the one before: marks, joiners, skin tones, tags, half-width voicing."""
    return (
        unicodedata.category(char)[0] == "M"
        or char in "\u200c\u200d\uff9e\uff9f"
        or "\U0001f3fb" <= char <= "\U0001f3ff"
        or "\U000e0020" <= char <= "\U000e007f"
    )


def _holds_on(char: str) -> bool:
    """Whether what follows belongs to a character: a joiner, an Indic virama, a sign that stands before a number."""
    return char == _ZWJ or unicodedata.combining(char) == 9 or "\u0600" <= char <= "\u0605"


def _is_flag(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _is_pair(before: str, after: str) -> bool:
    return "\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff"


def _is_korean(before: str, after: str) -> bool:
    """Whether Korean letters join: a vowel or a final one to what stands before it, a first one to the next."""
    leads = "\u1100" <= before <= "\u115f" or "\ua960" <= before <= "\ua97c"
    follows = "\u1160" <= after <= "\u11ff" or "\ud7b0" <= after <= "\ud7fb"
    return follows or (leads and after >= "\u1100")
