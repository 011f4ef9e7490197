"""Large JSON, parsed in steps: a parser written in C lets no other thread run until it is done with all of it."""

from __future__ import annotations

import json
import re
from typing import Any

_BLANK = re.compile(r"[ \t\r\n]*+")
_value_at = json.JSONDecoder().raw_decode


def parse_in_steps(text: str) -> Any:
    """As `json.loads`, but an object's values, and the members of those that are arrays, are a step each.

    Between two steps the interpreter may switch to another thread. ValueError as `json.loads` raises it.
    """
    value, end = _object(text, _skip(text, 0))
    if _skip(text, end) != len(text):
        raise json.JSONDecodeError("Extra data", text, end)
    return value


def _object(text: str, at: int) -> tuple[Any, int]:
    """An object from its brace on and where it ends; any other value in one step."""
    if text[at : at + 1] != "{":
        return _value_at(text, at)
    found: dict[str, Any] = {}
    at = _skip(text, at + 1)
    while text[at : at + 1] != "}":
        if text[at : at + 1] != '"':
            raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, at)
        name, at = _value_at(text, at)
        at = _skip(text, _expect(text, _skip(text, at), ":"))
        found[name], at = _array(text, at) if text[at : at + 1] == "[" else _value_at(text, at)
        at = _next(text, at, "}")
    return found, at + 1


def _array(text: str, at: int) -> tuple[list[Any], int]:
    """An array from its bracket on, and where it ends."""
    found: list[Any] = []
    at = _skip(text, at + 1)
    while text[at : at + 1] != "]":
        member, at = _value_at(text, at)
        found.append(member)
        at = _next(text, at, "]")
    return found, at + 1


def _next(text: str, at: int, close: str) -> int:
    """Where the next member begins, or where the closing bracket stands."""
    at = _skip(text, at)
    if text[at : at + 1] == close:
        return at
    at = _skip(text, _expect(text, at, ","))
    if text[at : at + 1] == close:
        raise json.JSONDecodeError("Illegal trailing comma", text, at)
    return at


def _expect(text: str, at: int, sign: str) -> int:
    if text[at : at + 1] != sign:
        raise json.JSONDecodeError(f"Expecting {sign!r} delimiter", text, at)
    return at + 1


def _skip(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match is not None else at
