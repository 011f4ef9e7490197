"""Fills a tool's JSON schema with plausible values: by a property's name where it tells, else by its type."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Repair:
    """A line to change: where, which, and into what."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Clues:
    """What the conversation offers as values."""

    path: str = "README.md"
    word: str = "parser"
    """A telling word of the question, to search for."""
    question: str = ""
    repair: Repair | None = None
    say: Callable[[], str] = str
    """A sentence of the model's own, for what has to be said in words."""


_BY_NAME: tuple[tuple[re.Pattern[str], Callable[[Clues], str]], ...] = (
    (re.compile(r"^(old|before|search_str|find)"), lambda clues: clues.repair.old if clues.repair else clues.word),
    (re.compile(r"^(new|after|replace)"), lambda clues: clues.repair.new if clues.repair else clues.word),
    (re.compile(r"path|file|^dir|folder"), lambda clues: clues.path),
    (re.compile(r"^glob"), lambda clues: "**/*"),
    (re.compile(r"command|^cmd"), lambda clues: "pytest -q"),
    (re.compile(r"pattern|query|regex|search|^q$|keyword"), lambda clues: clues.word),
    (re.compile(r"city|location|place"), lambda clues: clues.word.title()),
)


def fill(schema: object, clues: Clues, chance: random.Random) -> dict[str, Any]:
    """Arguments for a tool: every required property, and the optional ones that the clues know a value for."""
    shape = schema if isinstance(schema, Mapping) else {}
    return _object(shape, clues, chance, _DEPTH)


def _object(shape: Mapping[str, Any], clues: Clues, chance: random.Random, depth: int) -> dict[str, Any]:
    properties = shape.get("properties")
    required = shape.get("required") or ()
    if not isinstance(properties, Mapping) or depth == 0:
        return {}
    return {
        name: _value(name, inner if isinstance(inner, Mapping) else {}, clues, chance, depth - 1)
        for name, inner in properties.items()
        if name in required
    }


def _value(name: str, shape: Mapping[str, Any], clues: Clues, chance: random.Random, depth: int) -> Any:
    """A value for one property."""
    if "const" in shape:
        return shape["const"]
    if isinstance(shape.get("enum"), list) and shape["enum"]:
        named = [choice for choice in shape["enum"] if str(choice).lower() in clues.question.lower()]
        return chance.choice(named or shape["enum"])
    for several in ("anyOf", "oneOf"):
        if isinstance(shape.get(several), list) and shape[several]:
            return _value(name, shape[several][0], clues, chance, depth)
    kind = shape.get("type", "string")
    match kind[0] if isinstance(kind, list) and kind else kind:
        case "integer":
            return int(shape.get("minimum", 1)) + chance.randrange(3)
        case "number":
            return float(shape.get("minimum", 0)) + round(chance.random(), 2)
        case "boolean":
            return chance.random() < 0.5
        case "array":
            items = shape.get("items")
            return [_value(name, items, clues, chance, depth - 1)] if isinstance(items, Mapping) and depth > 0 else []
        case "object":
            return _object(shape, clues, chance, depth)
        case "null":
            return None
    return _string(name, clues)


def _string(name: str, clues: Clues) -> str:
    known = next((value for pattern, value in _BY_NAME if pattern.search(name.lower())), None)
    return known(clues) if known else clues.say()
