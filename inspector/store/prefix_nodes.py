"""Where two values of JSON differ first in what they say to a model: not in white space, marks, or the order of fields.

The order of an object's fields counts where the object itself is given to the model: a call's input, a schema.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from inspector.store.history_words import common_prefix
from inspector.wire.json_path import Path
from inspector.wire.json_spans import Document, Node

_MARKS = frozenset({"cache_control", "cachePoint"})
_ASIDE = {"openai-responses": frozenset({"id", "status"})}
"""What only names an item, by dialect: it is no part of the prompt."""
_ORDERED = frozenset(
    {"input", "input_schema", "inputSchema", "parameters", "parametersJsonSchema", "args", "response", "schema"}
)
_TEXTS = frozenset({"text", "input_text", "output_text"})
_CONTENT = frozenset({"content", "system", "parts", "instructions"})
_EMPTY = frozenset({b"null", b"[]", b'""', b"{}"})
_PIECE = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|[^\\]+")


@dataclass(frozen=True, slots=True)
class Value:
    """A value in its document."""

    document: Document
    node: Node

    @property
    def raw(self) -> bytes:
        """As it is written."""
        return self.document.raw(self.node)

    def members(self, aside: frozenset[str]) -> dict[str, Value]:
        """An object's fields that say something, in their order."""
        document, node = self.document, self.node
        found = {
            document.text(key): Value(document, child) for key, child in zip(node.keys, node.children, strict=True)
        }
        return {name: value for name, value in found.items() if name not in _MARKS | aside}

    def entries(self) -> list[tuple[int, Value]]:
        """A list's entries with their indices, without those that only mark a place."""
        values = [(index, Value(self.document, child)) for index, child in enumerate(self.node.children)]
        return [(index, value) for index, value in values if not value.is_mark()]

    def is_mark(self) -> bool:
        """Whether it is nothing but a mark for the cache, as Bedrock has them."""
        keys = self.node.keys
        return bool(keys) and all(self.document.text(key) in _MARKS for key in keys)


@dataclass(frozen=True, slots=True)
class Spot:
    """Where two values differ first. Offsets are bytes from the beginning of each document."""

    path: Path
    before: int
    after: int
    character: int = -1
    """Characters into a text; -1 where it is no text that differs."""
    old: str = ""
    """What stands there, decoded where it is a text; empty where nothing does."""
    new: str = ""
    lead: str = ""
    """The last of what is the same in that text."""
    appended: bool = False
    """The later one only has more at its end."""


NEAR = 160
"""Characters of each side that a spot has."""


def first_spot(before: Value, after: Value, path: Path, dialect: str, *, top: str = "") -> Spot | None:
    """Where two values differ first; None where they say the same. `top` is the field that they stand in."""
    return _Walk(_ASIDE.get(dialect, frozenset())).differ(before, after, path, ordered=False, field=top)


class _Walk:
    def __init__(self, aside: frozenset[str]) -> None:
        self._aside = aside

    def differ(self, before: Value, after: Value, path: Path, *, ordered: bool, field: str) -> Spot | None:
        """Compare two values."""
        if before.raw == after.raw:
            return None
        old, new = before.node.kind, after.node.kind
        if field in _CONTENT and old != new:
            return self._content(before, after, path)
        if old != new:
            return _spot(before, after, path)
        if old == "object":
            return self._ordered(before, after, path) if ordered else self._fields(before, after, path)
        if old == "array":
            return self._list(before, after, path, ordered=ordered)
        return _text(before, after, path) if old == "string" else _spot(before, after, path)

    def _fields(self, before: Value, after: Value, path: Path) -> Spot | None:
        olds, news = before.members(self._aside), after.members(self._aside)
        for name, value in news.items():
            was = olds.get(name)
            if was is None:
                if value.raw not in _EMPTY:
                    return _added(before, value, (*path, name))
                continue
            ordered = name in _ORDERED and value.node.kind == "object"
            spot = self.differ(was, value, (*path, name), ordered=ordered, field=name)
            if spot is not None:
                return spot
        gone = next((name for name in olds if name not in news and olds[name].raw not in _EMPTY), None)
        return _removed(olds[gone], after, (*path, gone)) if gone is not None else None

    def _ordered(self, before: Value, after: Value, path: Path) -> Spot | None:
        olds, news = list(before.members(frozenset()).items()), list(after.members(frozenset()).items())
        for (name, was), (key, value) in zip(olds, news, strict=False):
            if name != key:
                return _spot(was, value, (*path, key))
            if spot := self.differ(was, value, (*path, key), ordered=True, field=""):
                return spot
        if len(news) > len(olds):
            name, value = news[len(olds)]
            return _added(before, value, (*path, name))
        if len(olds) > len(news):
            name, was = olds[len(news)]
            return _removed(was, after, (*path, name))
        return None

    def _list(self, before: Value, after: Value, path: Path, *, ordered: bool) -> Spot | None:
        olds, news = before.entries(), after.entries()
        for (_, was), (index, value) in zip(olds, news, strict=False):
            if spot := self.differ(was, value, (*path, index), ordered=ordered, field=""):
                return spot
        if len(news) > len(olds):
            index, value = news[len(olds)]
            return _added(before, value, (*path, index), appended=True)
        if len(olds) > len(news):
            return _removed(olds[len(news)][1], after, (*path, len(after.node.children)))
        return None

    def _content(self, before: Value, after: Value, path: Path) -> Spot | None:
        """A string is the same as a list with one text in it."""
        olds, news = list(_blocks(before, path)), list(_blocks(after, path))
        if not olds or not news:
            return _spot(before, after, path) if olds or news else None
        spot = self.differ(olds[0][1], news[0][1], news[0][0], ordered=False, field="")
        if spot is not None or len(olds) == len(news):
            return spot
        if len(news) > len(olds):
            return _added(before, news[1][1], news[1][0], appended=True)
        return _removed(olds[1][1], after, (*path, 1))


def _blocks(value: Value, path: Path) -> Iterator[tuple[Path, Value]]:
    """A content's texts with their paths; a block that is more than a text stays whole."""
    if value.node.kind != "array":
        if value.raw not in _EMPTY:
            yield path, value
        return
    for index, entry in value.entries():
        members = entry.members(frozenset()) if entry.node.kind == "object" else {}
        kind = members.get("type")
        plain = members.keys() == {"text"} or (
            kind is not None and members.keys() == {"type", "text"} and kind.raw.strip(b'"').decode() in _TEXTS
        )
        yield ((*path, index, "text"), members["text"]) if plain else ((*path, index), entry)


def _text(before: Value, after: Value, path: Path) -> Spot | None:
    """Where two strings differ; their escapes do not count."""
    old, new = before.document.text(before.node), after.document.text(after.node)
    if old == new:
        return None
    at = common_prefix(old, new)
    return Spot(
        path,
        before.node.start + 1 + _raw_offset(before.raw[1:-1], at),
        after.node.start + 1 + _raw_offset(after.raw[1:-1], at),
        at,
        old[at : at + NEAR],
        new[at : at + NEAR],
        old[max(0, at - NEAR) : at],
        appended=at == len(old),
    )


def _raw_offset(raw: bytes, characters: int) -> int:
    """Where in the spelling of a string that many of its characters end."""
    if b"\\" not in raw:
        return characters if raw.isascii() else len(raw.decode()[:characters].encode())
    left = characters
    for match in _PIECE.finditer(raw):
        piece = match[0]
        if piece.startswith(b"\\"):
            if left < 1:
                return match.start()
            left -= 1
            continue
        text = piece.decode()
        if left <= len(text):
            return match.start() + len(text[:left].encode())
        left -= len(text)
    return len(raw)


def _spot(before: Value, after: Value, path: Path) -> Spot:
    return Spot(path, before.node.start, after.node.start, old=_shown(before), new=_shown(after))


def _added(before: Value, value: Value, path: Path, *, appended: bool = False) -> Spot:
    return Spot(path, before.node.end - 1, value.node.start, new=_shown(value), appended=appended)


def _removed(was: Value, after: Value, path: Path) -> Spot:
    return Spot(path, was.node.start, after.node.end - 1, old=_shown(was))


def _shown(value: Value) -> str:
    raw = value.raw[: NEAR * 4]
    if value.node.kind == "string" and len(raw) == len(value.raw):
        return str(json.loads(raw))[:NEAR]
    return raw.decode("utf-8", "ignore")[:NEAR]
