"""What can be typed next in a filter: keys, and values that were seen."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from inspector.store.filter_fields import FIELDS, OPEN_KEYS
from inspector.store.filter_lexer import Token, lex

_OFFERED = (*(f"{key}:" for key in FIELDS), *OPEN_KEYS)
_KEY_REST = re.compile(r"[\w.]*:?")
_PATH_REST = re.compile(r"[\w.$\[\]*-]*:?")
_PLAIN = re.compile(r"[^\s()\"*]+")


@dataclass(frozen=True, slots=True)
class Completion:
    """Put `text` in place of what stands from `start` to `end`."""

    start: int
    end: int
    text: str


def complete(text: str, cursor: int, values: Mapping[str, Sequence[str]]) -> list[Completion]:
    """Completions for the word that ends at the cursor, best first: keys, or after a key the values known for it.

    What is known for `request.` and the like goes on with that key: paths, names of headers. Between words every key is
    offered. What is typed whole already is not.
    """
    tokens = lex(text[:cursor])
    token = tokens[-1] if tokens and tokens[-1].end == cursor and not text[cursor - 1 : cursor].isspace() else None
    if token is None or text[token.start] in "(-":
        return [Completion(cursor, cursor, offered) for offered in _OFFERED]
    if token.kind == "term" and token.key:
        return _values(token, cursor, values.get(token.key, ()))
    if token.kind == "close" or token.quoted:
        return []
    return _paths(text, token.start, cursor, values) or _keys(text, token.start, cursor)


def _paths(text: str, start: int, cursor: int, values: Mapping[str, Sequence[str]]) -> list[Completion]:
    """How a key goes on that ends in a path or a name."""
    typed = text[start:cursor].lower()
    prefix = next((prefix for prefix in OPEN_KEYS if typed.startswith(prefix)), None)
    if prefix is None:
        return []
    rest = _PATH_REST.match(text, cursor)
    end = rest.end() if rest else cursor
    offered = (f"{prefix}{name}:" for name in values.get(prefix, ()) if name.lower().startswith(typed[len(prefix) :]))
    return [Completion(start, end, whole) for whole in offered if whole != text[start:end]]


def _keys(text: str, start: int, cursor: int) -> list[Completion]:
    typed = text[start:cursor].lower()
    rest = _KEY_REST.match(text, cursor)
    end = rest.end() if rest else cursor
    fitting = (offered for offered in _OFFERED if offered.startswith(typed) and offered != text[start:end])
    return [Completion(start, end, offered) for offered in fitting]


def _values(token: Token, cursor: int, known: Sequence[str]) -> list[Completion]:
    """Values that begin with what is typed, then those that have it in them."""
    if token.operator not in (":", ":=") or (token.quoted and token.closed):
        return []
    typed = token.value.lower()
    fitting = [value for value in known if value and typed in value.lower() and (value != token.value or token.quoted)]
    fitting.sort(key=lambda value: not value.lower().startswith(typed))
    return [Completion(token.value_start, cursor, _quoted(value)) for value in fitting]


def _quoted(value: str) -> str:
    """A value as it must be typed."""
    if _PLAIN.fullmatch(value) and not value.startswith((">", "<", "=")):
        return value
    guarded = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{guarded}"'
