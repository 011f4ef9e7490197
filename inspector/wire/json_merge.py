"""Two versions of a JSON text into one that says what the second says, with the bytes of the first where it may."""

from __future__ import annotations

import json
import re
from collections import defaultdict, deque
from collections.abc import Hashable, Sequence
from itertools import product

from inspector.wire.json_layout import Layout, layout_of
from inspector.wire.json_spans import Document, Node, walk

PAIRINGS = 10_000
"""Pairs of changed items that are compared to find out which became which; beyond, they are taken in their order."""

_HALF = rb"\\u[dD][%s][0-9a-fA-F]{2}"
_UNIT = re.compile(
    _HALF % b"89abAB" + _HALF % b"c-fC-F" + rb"|\\u[0-9a-fA-F]{4}|\\.|[\x00-\x7f]|[\xc0-\xff][\x80-\xbf]+"
)

Item = tuple[int | None, bytes]
"""An item of an object or array to be: which one of the old it takes the place of, and its bytes."""


class Merge:
    """Merges a new version into an old one; both may stand anywhere in their documents."""

    def __init__(self, old_document: Document, old: Node, new_document: Document, new: Node) -> None:
        self.old = old_document
        self.new = new_document
        self.layout = layout_of(old_document)
        self._numbers: dict[Hashable, int] = {}
        self._meanings: dict[Node, int] = {}
        self._mean(old_document, old)
        self._spellings: dict[int, Node] = {}
        for node in walk(old):
            self._spellings.setdefault(self._meanings[node], node)
        self._mean(new_document, new)

    def write(self, old: Node, new: Node, depth: int) -> bytes:
        """The new value; `depth` is that of the place where it will stand."""
        if self._meanings[old] == self._meanings[new]:
            return self.old.raw(old)
        if old.kind != new.kind or not (new.children or new.kind == "string"):
            return self.layout.write(self.new, new, depth, self._known)
        if old.kind == "string":
            return self._string(self.old.raw(old), self.layout.scalar(self.new.raw(new)))
        items: list[Item] = []
        for index, (node, source) in enumerate(zip(new.children, self._sources(old, new), strict=True)):
            if source is None:
                value = self.layout.write(self.new, node, depth + 1, self._known)
            else:
                value = self.write(old.children[source], node, depth + 1)
            items.append((source, self._keyed(old, new, index, source, value)))
        return assemble(self.old, old, items, self.layout, depth)

    def _keyed(self, old: Node, new: Node, index: int, source: int | None, value: bytes) -> bytes:
        if not new.keys:
            return value
        written, text = self.new.raw(new.keys[index]), self.new.text(new.keys[index])
        if source is not None and self.old.text(old.keys[source]) == text:
            written = self.old.raw(old.keys[source])
        return self.layout.scalar(written) + colon(self.old, old, source, self.layout) + value

    def _known(self, node: Node) -> bytes | None:
        if (meaning := self._meanings.get(node)) is None:
            return None
        spelled = self._spellings.get(meaning)
        return self.old.raw(spelled) if spelled is not None else None

    def _mean(self, document: Document, root: Node) -> None:
        """Number what each value says: equal numbers, equal values."""
        numbers, meanings = self._numbers, self._meanings
        for node in reversed(list(walk(root))):
            said: Hashable
            if node.kind == "string":
                said = _decoded(document.raw(node))
            elif node.kind in ("object", "array"):
                keys = tuple(_decoded(document.raw(key)) for key in node.keys)
                said = node.kind, keys, tuple(meanings[child] for child in node.children)
            else:
                said = node.kind, document.raw(node)
            meanings[node] = numbers.setdefault(said, len(numbers))

    def _sources(self, old: Node, new: Node) -> list[int | None]:
        """For each new item, which old one it was."""
        sources: list[int | None] = [None] * len(new.children)
        if new.kind == "object":
            wanted = _numbered([self.new.text(key) for key in new.keys])
            given = {name: index for index, name in enumerate(_numbered([self.old.text(key) for key in old.keys]))}
            sources = [given.get(name) for name in wanted]
        else:
            self._unmoved(old, new, sources)
        self._equal(old, new, sources)
        if new.kind == "array":
            self._similar(old, new, sources)
        return sources

    def _unmoved(self, old: Node, new: Node, sources: list[int | None]) -> None:
        """Find what is the same at both ends of a list."""
        before = [self._meanings[child] for child in old.children]
        after = [self._meanings[child] for child in new.children]
        most = min(len(before), len(after))
        head = next((index for index in range(most) if before[index] != after[index]), most)
        rest = range(1, most - head + 1)
        tail = next((index - 1 for index in rest if before[-index] != after[-index]), most - head)
        sources[:head] = range(head)
        sources[len(after) - tail :] = range(len(before) - tail, len(before))

    def _equal(self, old: Node, new: Node, sources: list[int | None]) -> None:
        """Find what moved, or has a new key, and says the same."""
        free: dict[int, deque[int]] = defaultdict(deque)
        taken = set(sources)
        for index, node in enumerate(old.children):
            if index not in taken:
                free[self._meanings[node]].append(index)
        for index, node in enumerate(new.children):
            if sources[index] is None and (same := free.get(self._meanings[node])):
                sources[index] = same.popleft()

    def _similar(self, old: Node, new: Node, sources: list[int | None]) -> None:
        """Pair the changed items that have most in common."""
        taken = set(sources)
        free = [index for index in range(len(old.children)) if index not in taken]
        changed = [index for index, source in enumerate(sources) if source is None]
        pairs = list(zip(free, changed, strict=False))
        if len(free) * len(changed) <= PAIRINGS:
            olds = {index: self._traits(old.children[index]) for index in free}
            news = {index: self._traits(new.children[index]) for index in changed}
            pairs = list(product(free, changed))
            pairs.sort(key=lambda pair: (-len(olds[pair[0]] & news[pair[1]]), abs(pair[0] - pair[1])))
        for source, index in pairs:
            if source not in taken and sources[index] is None:
                sources[index] = source
                taken.add(source)

    def _traits(self, node: Node) -> set[Hashable]:
        """What makes two values alike: their kind, and what they contain."""
        return {node.kind, *(self._meanings[child] for child in node.children)}

    def _string(self, old: bytes, new: bytes) -> bytes:
        """A changed string: what is the same at both its ends keeps its escapes."""
        if b"\\" not in old:
            return new
        before, after = _UNIT.findall(old[1:-1]), _UNIT.findall(new[1:-1])
        most = min(len(before), len(after))
        head = _common(before, after, most)
        tail = _common(before[::-1], after[::-1], most - head)
        middle = after[head : len(after) - tail]
        return b'"%s"' % b"".join([*before[:head], *middle, *before[len(before) - tail :]])


def assemble(document: Document, node: Node, items: Sequence[Item], layout: Layout, depth: int) -> bytes:
    """An object or array with other items, between them what stood between the old ones."""
    opening, closing = document.data[node.start : node.start + 1], document.data[node.end - 1 : node.end]
    if not items:
        return opening + closing
    heads = node.keys or node.children
    if not heads:
        inner = layout.between(depth + 1).join(item for _, item in items)
        return opening + layout.open(depth + 1) + inner + layout.open(depth) + closing
    lead = document.data[node.start + 1 : heads[0].start]
    gaps = [document.data[child.end : head.start] for child, head in zip(node.children, heads[1:], strict=False)]
    usual = gaps[0] if gaps else b"," + lead if b"\n" in lead else layout.comma
    pieces = [opening, lead]
    for place, (source, item) in enumerate(items):
        if place:
            pieces.append(gaps[source - 1] if source else usual)
        pieces.append(item)
    return b"".join([*pieces, document.data[node.children[-1].end : node.end]])


def colon(document: Document, node: Node, source: int | None, layout: Layout) -> bytes:
    """What stands between a key and its value in an object: as in one of its members, or in the whole text."""
    if not node.keys:
        return layout.colon
    index = source or 0
    return document.data[node.keys[index].end : node.children[index].start]


def _decoded(raw: bytes) -> bytes:
    return json.loads(raw).encode("utf-8", "surrogatepass") if b"\\" in raw else raw[1:-1]


def _numbered(names: list[str]) -> list[tuple[str, int]]:
    """Each name with how often it came before."""
    seen: dict[str, int] = defaultdict(int)
    numbered = []
    for name in names:
        numbered.append((name, seen[name]))
        seen[name] += 1
    return numbered


def _common(these: list[bytes], those: list[bytes], most: int) -> int:
    """How many units at the beginning say the same."""
    for index in range(most):
        this, that = these[index], those[index]
        if this != that and json.loads(b'"%s"' % this) != json.loads(b'"%s"' % that):
            return index
    return most
