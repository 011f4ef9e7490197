"""What breaks a JSON Schema, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from inspector.wire.json_path import Path

MOST_FAULTS = 20
"""Faults that are told of one call."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the value at a path."""

    path: Path
    words: str


def trouble(error: Exception) -> str:
    """Why a schema cannot be read, by what the package raised."""
    name = type(error).__name__
    if "UnknownType" in name:
        return f"there is no type {str(getattr(error, 'type', ''))[:40]}"
    if "Referencing" in name or "Unresolvable" in name or "NoSuchResource" in name or "Pointer" in name:
        return f"it refers to what does not stand in it: {str(getattr(error, 'ref', ''))[:80]}"
    return f"{name} {str(error)[:80]}".strip()


_KINDS: dict[type, str] = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
}


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "null")


def faults_of(error: Any) -> Iterator[Fault]:
    """One error of the package's in our words; several where several properties are one too many."""
    path: Path = tuple(error.absolute_path)
    value, wanted, keyword = error.instance, error.validator_value, error.validator
    if keyword == "required":
        # The package tells each missing one by itself, but its name only in its message.
        missing = next((name for name in wanted if error.message.startswith(f"{name!r} ")), "")
        yield Fault(path, f"{missing or 'a required property'} is missing")
    elif keyword in ("additionalProperties", "additionalItems") and wanted is False and isinstance(value, dict):
        known = error.schema.get("properties")
        known = known if isinstance(known, dict) else {}
        for name in [name for name in value if name not in known][:MOST_FAULTS]:
            yield Fault((*path, name), "there is no such property")
    else:
        yield Fault(path, _words(keyword, wanted, value, error.message))


def _words(keyword: object, wanted: object, value: object, message: str) -> str:
    match keyword:
        case "type":
            kinds = wanted if isinstance(wanted, list) else [wanted]
            return f"should be {' or '.join(str(kind) for kind in kinds)}, is {_kind(value)}"
        case "enum" if isinstance(wanted, list):
            some = ", ".join(_short(each) for each in wanted[:8])
            return f"is {_short(value)}, should be one of {some}{', …' if len(wanted) > 8 else ''}"
        case "const":
            return f"is {_short(value)}, should be {_short(wanted)}"
        case "anyOf" | "oneOf" if isinstance(wanted, list):
            how = "more than one" if "more than one" in message[-200:] or "each of" in message[-200:] else "none"
            return f"fits {how} of {len(wanted)} allowed forms"
        case "minimum" | "exclusiveMinimum" | "maximum" | "exclusiveMaximum" | "multipleOf":
            return f"is {_short(value)}; {keyword} is {_short(wanted)}"
        case "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties":
            size = len(value) if isinstance(value, str | list | dict) else 0
            return f"has {size} {'characters' if isinstance(value, str) else 'entries'}; {keyword} is {_short(wanted)}"
        case "not":
            return "is of a form that is not allowed" if wanted else "nothing is allowed here"
        case None:
            return "nothing is allowed here"
        case _:
            return f"breaks {str(keyword)[:40]}"


def _short(value: object) -> str:
    """A value as JSON, or what kind of value it is where that is long."""
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= 40 else f'"{value[:39]}…"'
    if isinstance(value, dict | list):
        return f"an {_kind(value)}"
    return (
        {True: "true", False: "false", None: "null"}[value]
        if value is None or value is True or value is False
        else str(value)[:40]
    )
