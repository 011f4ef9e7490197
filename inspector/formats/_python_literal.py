"""JSON values as Python source: laid out for reading, and equal to what they were when they run."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any

WIDTH = 100
"""Characters of a line that a list or an object may fill before it gets a line for each member."""
DEEPEST = 60
"""Levels of nesting; Python itself reads at most two hundred brackets."""
_INDENT = "    "


def exact_json(text: str) -> Any:
    """A JSON text as a value that says all that the text says. ValueError where there is no such value.

    That is so for numbers beyond a float, for NaN, names that stand twice, half characters, and very deep nesting.
    """
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_float=_float, parse_constant=_refuse)
        json.dumps(value, ensure_ascii=False).encode()
        deep = _depth(value) > DEEPEST
    except RecursionError:
        deep = True
    if deep:
        raise ValueError("nested too deeply")
    return value


def string(text: str) -> str:
    """A string, between double quotes where that needs no escape; what is not printable is escaped."""
    written = repr(text)
    return f'"{written[1:-1]}"' if written[0] == "'" and '"' not in written else written


def python(value: Any, depth: int = 0) -> str:
    """A JSON value as an expression whose first line begins at `depth` levels of indentation."""
    flat = _flat(value)
    if not isinstance(value, dict | list) or not value or len(flat) + len(_INDENT) * depth <= WIDTH:
        return flat
    if isinstance(value, dict):
        members = [f"{string(name)}: {python(member, depth + 1)}" for name, member in value.items()]
    else:
        members = [python(member, depth + 1) for member in value]
    inner, outer = "\n" + _INDENT * (depth + 1), "\n" + _INDENT * depth
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return opening + "".join(f"{inner}{member}," for member in members) + outer + closing


def _flat(value: Any) -> str:
    match value:
        case str():
            return string(value)
        case dict():
            return "{" + ", ".join(f"{string(name)}: {_flat(member)}" for name, member in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_flat, value)) + "]"
        case _:
            return repr(value)


def _depth(value: Any) -> int:
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, members), default=0)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _float(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"{text} is no float")
    return value


def _refuse(word: str) -> float:
    raise ValueError(f"{word} is no JSON")
