"""Changing JSON so that every byte that need not change stays: a whole text that a person edited, or one value in it.

Texts come as bytes, or as a `Document` where several things are asked of the same one. JsonError is raised for what is
no JSON, ValueError in words for a path that leads nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from inspector.wire.json_errors import JsonError
from inspector.wire.json_layout import PRETTY, Layout, bytes_of, layout_of, readable
from inspector.wire.json_merge import Item, Merge, assemble, colon
from inspector.wire.json_path import Path, find, format_path
from inspector.wire.json_spans import Document, Node, scan


def pretty(data: bytes | Document) -> str:
    """A JSON text for reading and editing: a line for each value; keys, order and the spelling of numbers stay."""
    document = _document(data)
    return PRETTY.write(document, document.root, 0, readable(document)).decode()


def minimal_edit(original: bytes | Document, edited: str | bytes) -> bytes:
    """What `edited` says, with every byte of `original` that need not change; new pieces look like the old ones.

    JsonError is about `edited`: an original that is no JSON has no bytes to keep.
    """
    new = scan(bytes_of(edited))
    try:
        old = _document(original)
    except JsonError:
        return new.data
    return _put(old, old.root, Merge(old, old.root, new, new.root).write(old.root, new.root, 0))


def value_at(data: bytes | Document, path: Path) -> str:
    """A value for reading and editing."""
    document = _document(data)
    node = find(document, path)[1]
    return PRETTY.write(document, node, 0, readable(document)).decode()


def replace_at(data: bytes | Document, path: Path, text: str | bytes) -> bytes:
    """Put another value in the place of one. An object gets the key where it does not have it yet."""
    return change_at(data, {path: text})


def delete_at(data: bytes | Document, path: Path) -> bytes:
    """Take out an entry or a member."""
    return change_at(data, {path: None})


def insert_at(data: bytes | Document, list_path: Path, index: int, text: str | bytes) -> bytes:
    """Put a value into a list, before the one at `index`; behind the last one where it is the list's length."""
    document = _document(data)
    resolved, node = _list(document, list_path)
    count = len(node.children)
    if not -count <= index <= count:
        raise ValueError(f"{format_path(resolved) or 'the document'} has {count} entries: there is no place {index}")
    layout, new = layout_of(document), scan(bytes_of(text))
    items = _items(document, node)
    fresh = layout.write(new, new.root, len(resolved) + 1, lambda node: None)
    items.insert(index, (None, fresh))
    return _put(document, node, assemble(document, node, items, layout, len(resolved)))


def move_at(data: bytes | Document, list_path: Path, from_index: int, to_index: int) -> bytes:
    """Move an entry of a list; `to_index` is where it stands afterwards."""
    document = _document(data)
    resolved, node = _list(document, list_path)
    for index in (from_index, to_index):
        find(document, (*resolved, index))
    items, count = _items(document, node), len(node.children)
    items.insert(to_index % count, items.pop(from_index))
    return _put(document, node, assemble(document, node, items, layout_of(document), len(resolved)))


def change_at(data: bytes | Document, changes: Mapping[Path, str | bytes | None]) -> bytes:
    """Replace several values at once, or take them out (None). Paths are those before any change.

    Where one path lies within another, the outer one counts.
    """
    document = _document(data)
    if not changes:
        return document.data
    tree = _Change()
    for path, text in changes.items():
        tree.add(_to_change(document, path, text is not None), text)
    if tree.leaf and tree.text is None:
        raise ValueError("the whole document cannot be taken out")
    return _put(document, document.root, _changed(document, document.root, tree, layout_of(document), 0) or b"")


@dataclass(slots=True)
class _Change:
    """What becomes of a value: something in it, or itself (`leaf`)."""

    leaf: bool = False
    text: str | bytes | None = None
    inner: dict[str | int, _Change] = field(default_factory=dict)

    def add(self, path: Path, text: str | bytes | None) -> None:
        change = self
        for step in path:
            change = change.inner.setdefault(step, _Change())
        change.leaf, change.text = True, text


def _to_change(document: Document, path: Path, create: bool) -> Path:
    """A path that leads somewhere, or at least to an object that may get the last key."""
    if create and path and isinstance(path[-1], str):
        above, node = find(document, path[:-1])
        if node.kind == "object":
            return (*above, path[-1])
    return find(document, path)[0]


def _changed(document: Document, node: Node, change: _Change, layout: Layout, depth: int) -> bytes | None:
    """A value's new bytes; None where it is taken out."""
    if change.leaf:
        return None if change.text is None else _merged(document, node, change.text, depth)
    items: list[Item | None] = [*_items(document, node)]
    for step, below in change.inner.items():
        index = document.position(node, step) if isinstance(step, str) else step
        if index < 0:
            items.append((None, _member(document, node, str(step), below.text or "", layout, depth + 1)))
            continue
        child = node.children[index]
        value = _changed(document, child, below, layout, depth + 1)
        start = node.keys[index].start if node.keys else child.start
        items[index] = None if value is None else (index, document.data[start : child.start] + value)
    return assemble(document, node, [item for item in items if item is not None], layout, depth)


def _merged(document: Document, node: Node, text: str | bytes, depth: int) -> bytes:
    new = scan(bytes_of(text))
    return Merge(document, node, new, new.root).write(node, new.root, depth)


def _member(document: Document, node: Node, key: str, text: str | bytes, layout: Layout, depth: int) -> bytes:
    """A new member of an object."""
    new = scan(bytes_of(text))
    written = layout.scalar(bytes_of(json.dumps(key, ensure_ascii=False)))
    return written + colon(document, node, None, layout) + layout.write(new, new.root, depth, lambda node: None)


def _items(document: Document, node: Node) -> list[Item]:
    """The items of an object or a list as they stand there."""
    heads = node.keys or node.children
    pairs = zip(heads, node.children, strict=True)
    return [(index, document.data[head.start : child.end]) for index, (head, child) in enumerate(pairs)]


def _list(document: Document, path: Path) -> tuple[Path, Node]:
    resolved, node = find(document, path)
    if node.kind != "array":
        raise ValueError(f"{format_path(path) or 'the document'} is no list")
    return resolved, node


def _put(document: Document, node: Node, written: bytes) -> bytes:
    return document.data[: node.start] + written + document.data[node.end :]


def _document(data: bytes | Document) -> Document:
    return data if isinstance(data, Document) else scan(data)
