"""The pieces of a request that agents send again each turn: messages, their content blocks, system blocks.

A piece is known by what it says. Cache marks (`cache_control`) do not count: agents move them from turn to turn.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from hashlib import blake2b
from itertools import zip_longest
from typing import Any

import orjson

from inspector.rules.sameness import CONVERSATIONS
from inspector.wire.json_edit import change_at
from inspector.wire.json_path import Path, find
from inspector.wire.json_spans import Document, Node, scan

PROMPT = (
    "tools",
    "system",
    "instructions",
    "systemInstruction",
    "system_instruction",
    *CONVERSATIONS,
)
"""The fields that a prompt is made of, in the order in which providers put them before the model."""

_TEXTS = ("system", "instructions", "systemInstruction", "system_instruction", "input")
"""Fields that are a piece as a whole where they are no list."""
_LISTS = ("system", *CONVERSATIONS)
_BLOCKS = ("content", "parts")
_MARK = "cache_control"
_LABEL = 48
"""Characters of a piece's text that its label shows."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a request. Those within it come after it."""

    path: Path
    value: Any
    place: str
    """In words: `message 3 of 41, block 2`."""


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody made of a piece."""

    before: bytes
    after: bytes | None
    """None where it was taken out."""
    label: str


def parse(body: bytes) -> Any:
    """A request's body. ValueError where it is no JSON."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return json.loads(body, parse_int=_integer)


def pieces(body: Any) -> Iterator[Piece]:
    """All pieces of a parsed request, each before those within it."""
    if not isinstance(body, dict):
        return
    for field in PROMPT:
        value = body.get(field)
        if isinstance(value, list) and field in _LISTS:
            noun = "system block" if field == "system" else "message"
            for index, entry in enumerate(value):
                yield from _with_blocks(Piece((field, index), entry, f"{noun} {index + 1} of {len(value)}"))
        elif isinstance(value, str | dict) and field in _TEXTS:
            yield from _with_blocks(Piece((field,), value, "the input" if field == "input" else "the system prompt"))


def key_of(value: Any) -> bytes:
    """What a piece is known by."""
    return blake2b(_canonical(value), digest_size=16).digest()


def without_marks(piece: bytes) -> bytes:
    """A piece without its cache marks."""
    document = scan(piece)
    return change_at(document, {path: None for path, _ in _marks(document)})


def with_marks(piece: bytes, like: bytes) -> bytes:
    """A piece with the cache marks that another one has at the same places."""
    document, other = scan(piece), scan(like)
    marks = {path: other.raw(node) for path, node in _marks(other) if _has_object(document, path[:-1])}
    return change_at(document, marks) if marks else piece


def changed_pieces(original: bytes, edited: bytes) -> list[Change]:
    """What an edit of a whole body did to its pieces: the smallest ones that say all of it.

    A piece that was put in, or moved, is no change of one: there is nothing to know its place by in a later request.
    """
    before, after = scan(original), scan(edited)
    return [
        Change(
            without_marks(before.raw(old)),
            None if new is None else without_marks(after.raw(new)),
            label_of(parse(before.raw(old))),
        )
        for old, new in _changed_fields(before, after)
    ]


def label_of(value: Any) -> str:
    """What a list calls a piece: its role or type, and how its text begins."""
    name = (value.get("role") or value.get("type") or "part") if isinstance(value, dict) else "system"
    text = " ".join(_first_text(value).split())
    short = text if len(text) <= _LABEL else f"{text[: _LABEL - 1]}…"
    return f"{str(name).replace('_', ' ')}: {short}".rstrip(": ")


def _with_blocks(piece: Piece) -> Iterator[Piece]:
    yield piece
    if not isinstance(piece.value, dict):
        return
    for name in _BLOCKS:
        blocks = piece.value.get(name)
        if isinstance(blocks, list):
            for index, block in enumerate(blocks):
                yield Piece((*piece.path, name, index), block, f"{piece.place}, block {index + 1}")


def _integer(spelled: str) -> int | float:
    """A number as orjson reads it, so that a piece is known whichever parser read it."""
    number = float(spelled)
    return int(spelled) if -(2.0**63) <= number < 2.0**64 else number


def _canonical(value: Any) -> bytes:
    value = _unmarked(value)
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        # Half characters and huge integers, which orjson does not write.
        return json.dumps(value, sort_keys=True).encode()


def _unmarked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unmarked(member) for key, member in value.items() if key != _MARK}
    return [_unmarked(entry) for entry in value] if isinstance(value, list) else value


def _marks(document: Document) -> Iterator[tuple[Path, Node]]:
    """The cache marks in a document, with their paths."""
    waiting: list[tuple[Path, Node]] = [((), document.root)]
    while waiting:
        path, node = waiting.pop()
        for index, child in enumerate(node.children):
            step = document.text(node.keys[index]) if node.keys else index
            if step == _MARK:
                yield (*path, step), child
            else:
                waiting.append(((*path, step), child))


def _has_object(document: Document, path: Path) -> bool:
    try:
        return find(document, path)[1].kind == "object"
    except ValueError:
        return False


def _changed_fields(before: Document, after: Document) -> Iterator[tuple[Node, Node | None]]:
    for field in PROMPT:
        old, new = _member(before, before.root, field), _member(after, after.root, field)
        if old is None:
            continue
        if field in _LISTS and old.kind == "array" and new is not None and new.kind == "array":
            for was, became in _pairs(before, old, after, new):
                if was is not None:
                    yield from _smallest(before, was, after, became)
        elif field in _TEXTS and old.kind != "array" and (new is None or not _same(before, old, after, new)):
            yield from _smallest(before, old, after, new)


def _smallest(before: Document, old: Node, after: Document, new: Node | None) -> Iterator[tuple[Node, Node | None]]:
    """A changed message, or those of its blocks that say all of the change."""
    if new is not None and old.kind == new.kind == "object":
        for name in _BLOCKS:
            olds, news = _member(before, old, name), _member(after, new, name)
            if olds is None or news is None or not olds.kind == news.kind == "array" or not news.children:
                continue
            changed = {was: became for was, became in _pairs(before, olds, after, news) if was is not None}
            made = _made(before, olds, after, changed)
            rest = [{**parse(document.raw(node)), name: 0} for document, node in ((before, old), (after, new))]
            if made == _keys(after, news) and key_of(rest[0]) == key_of(rest[1]):
                yield from changed.items()
                return
    yield old, new


def _made(before: Document, olds: Node, after: Document, changed: dict[Node, Node | None]) -> list[bytes]:
    """What the entries of a list are known by once these are changed."""
    made = []
    for node in olds.children:
        became = changed.get(node)
        if became is not None:
            made.append(key_of(parse(after.raw(became))))
        elif node not in changed:
            made.append(key_of(parse(before.raw(node))))
    return made


def _keys(document: Document, node: Node) -> list[bytes]:
    return [key_of(parse(document.raw(child))) for child in node.children]


def _pairs(before: Document, olds: Node, after: Document, news: Node) -> Iterator[tuple[Node | None, Node | None]]:
    """What is not the same in two lists: the old and the new; None for what came or went."""
    was, became = _keys(before, olds), _keys(after, news)
    blocks = SequenceMatcher(None, was, became, autojunk=False).get_opcodes()
    changed = [block[1:] for block in blocks if block[0] != "equal"]
    moved = {key for i, i_end, _, _ in changed for key in was[i:i_end]}
    for i, i_end, j, j_end in changed:
        gone = [olds.children[index] for index in range(i, i_end) if was[index] not in became]
        came = [news.children[index] for index in range(j, j_end) if became[index] not in moved]
        yield from zip_longest(gone, came)


def _member(document: Document, node: Node, key: str) -> Node | None:
    index = document.position(node, key)
    return node.children[index] if index >= 0 else None


def _same(before: Document, old: Node, after: Document, new: Node) -> bool:
    return key_of(parse(before.raw(old))) == key_of(parse(after.raw(new)))


def _first_text(value: Any) -> str:
    """The first text in a piece that a person would know it by."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return next(filter(None, map(_first_text, value)), "")
    if not isinstance(value, dict):
        return ""
    for name in ("text", "content", "parts", "output", "arguments", "input", "name"):
        if name in value and (text := _first_text(value[name])):
            return text
    return ""
