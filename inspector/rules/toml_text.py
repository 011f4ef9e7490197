"""Tables written as TOML, which the standard library only reads. https://toml.io/en/v1.0.0"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_UNWRITABLE = re.compile("[\ud800-\udfff]")
"""Halves of surrogate pairs: no text that TOML can say."""


def toml_of(document: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """A document of lists of tables. Values are texts, numbers, switches, and lists and tables of these."""
    blocks = [_block(name, table) for name, tables in document.items() for table in tables]
    return "\n".join(blocks)


def _block(name: str, table: Mapping[str, Any]) -> str:
    lines = [f"{_key(key)} = {_value(value)}\n" for key, value in table.items()]
    return "".join([f"[[{_key(name)}]]\n", *lines])


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value)
        case int() | float():
            return repr(value)
        case Mapping():
            return "{" + ", ".join(f"{_key(str(key))} = {_value(inner)}" for key, inner in value.items()) + "}"
        case Sequence():
            return "[" + ", ".join(map(_value, value)) + "]"
        case _:
            raise TypeError(f"TOML has no {type(value).__name__}")


def _text(text: str) -> str:
    """A basic string: JSON's escapes are TOML's too, but TOML wants DEL escaped and has no half surrogates."""
    return json.dumps(_UNWRITABLE.sub("\ufffd", text), ensure_ascii=False).replace("\x7f", "\\u007f")
