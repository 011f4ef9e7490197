"""Fills a tool's JSON schema with plausible values: by a property's name where it tells, else by its type."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from inspector.wire.json_path import Path

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


Draws = dict[Path, tuple["Draw", ...]]
"""Where in the arguments a value was drawn by lot, and from what."""


@dataclass(frozen=True, slots=True)
class Draw:
    """A value that might have been drawn."""

    value: Any
    weight: float = 1.0


def fill(schema: object, clues: Clues, chance: random.Random, draws: Draws | None = None) -> dict[str, Any]:
    """Arguments for a tool: every required property, and the optional ones that the clues know a value for.

    `draws` is told what was drawn by lot.
    """
    shape = schema if isinstance(schema, Mapping) else {}
    return _Filling(clues, chance, {} if draws is None else draws).object(shape, (), _DEPTH)


class _Filling:
    """Makes the arguments of one call."""

    def __init__(self, clues: Clues, chance: random.Random, draws: Draws) -> None:
        self._clues = clues
        self._chance = chance
        self._draws = draws

    def object(self, shape: Mapping[str, Any], path: Path, depth: int) -> dict[str, Any]:
        """An object with its required properties."""
        properties = shape.get("properties")
        required = shape.get("required") or ()
        if not isinstance(properties, Mapping) or depth == 0:
            return {}
        return {
            name: self._value(name, inner if isinstance(inner, Mapping) else {}, (*path, name), depth - 1)
            for name, inner in properties.items()
            if name in required
        }

    def _value(self, name: str, shape: Mapping[str, Any], path: Path, depth: int) -> Any:
        """A value for one property."""
        if "const" in shape:
            return shape["const"]
        if isinstance(shape.get("enum"), list) and shape["enum"]:
            question = self._clues.question.lower()
            named = [choice for choice in shape["enum"] if str(choice).lower() in question] or shape["enum"]
            return self._drawn(path, self._chance.choice(named), (Draw(choice) for choice in named))
        for several in ("anyOf", "oneOf"):
            if isinstance(shape.get(several), list) and shape[several]:
                return self._value(name, shape[several][0], path, depth)
        kind = shape.get("type", "string")
        match kind[0] if isinstance(kind, list) and kind else kind:
            case "integer":
                least = int(shape.get("minimum", 1))
                return self._drawn(path, least + self._chance.randrange(3), (Draw(least + more) for more in range(3)))
            case "number":
                return self._number(path, float(shape.get("minimum", 0)))
            case "boolean":
                return self._drawn(path, self._chance.random() < 0.5, (Draw(True), Draw(False)))
            case "array":
                items = shape.get("items")
                if not isinstance(items, Mapping) or depth == 0:
                    return []
                return [self._value(name, items, (*path, 0), depth - 1)]
            case "object":
                return self.object(shape, path, depth)
            case "null":
                return None
        return _string(name, self._clues)

    def _number(self, path: Path, least: float) -> float:
        """A number with two digits behind the point; both ends take half of what falls to the others."""
        drawn = least + round(self._chance.random(), 2)
        options = (Draw(least + hundredth / 100, 0.5 if hundredth in (0, 100) else 1.0) for hundredth in range(101))
        return cast(float, self._drawn(path, drawn, options))

    def _drawn(self, path: Path, value: Any, options: Iterable[Draw]) -> Any:
        self._draws[path] = tuple(options)
        return value


def _string(name: str, clues: Clues) -> str:
    known = next((value for pattern, value in _BY_NAME if pattern.search(name.lower())), None)
    return known(clues) if known else clues.say()
