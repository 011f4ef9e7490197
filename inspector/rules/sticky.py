"""Edits that stay: agents send their unedited history again each turn, and the edit is made again each time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from inspector.rules.sticky_pieces import (
    PROMPT,
    Piece,
    changed_pieces,
    key_of,
    label_of,
    parse,
    pieces,
    with_marks,
    without_marks,
)
from inspector.wire.json_edit import change_at, minimal_edit
from inspector.wire.json_path import Path, find
from inspector.wire.json_spans import Document, scan


@dataclass(slots=True, eq=False)
class StickyEdit:
    """One edit, made wherever a piece of a request says what `before` says."""

    label: str
    before: bytes
    after: bytes | None
    """None takes the piece out."""
    on: bool = True
    hits: int = 0
    """How many times it was made."""
    sent: bool = False
    """Whether the upstream has had a request with it: its cache then knows the changed piece."""
    key: bytes = b""
    """What the piece is known by."""

    def __post_init__(self) -> None:
        self.key = key_of(parse(self.before))

    def __str__(self) -> str:
        return f"{self.label} → {'nothing' if self.after is None else label_of(parse(self.after))}"


@dataclass(frozen=True, slots=True)
class Applied:
    """One edit as it was made in one request, and what it does to the prompt cache."""

    edit: StickyEdit
    path: Path
    place: str
    """In words: `message 3 of 41`."""
    share: float
    """How much of the prompt stands before the first changed byte, from 0 to 1."""
    again: bool
    """The upstream had a request with this edit before."""

    def __str__(self) -> str:
        if self.again:
            return f"{self.place}: changed as before, which the prompt cache knows"
        return f"{self.place}: the prompt cache holds up to there ({self.share:.0%} of the request)".replace("%", " %")


class StickyEdits:
    """All sticky edits, in the order in which they were made."""

    def __init__(self, changed: Callable[[], None] | None = None) -> None:
        """`changed` is called after every change that is to be kept."""
        self._all: list[StickyEdit] = []
        self._changed = changed

    def add(self, before: bytes, after: bytes | None, label: str = "", *, sent: bool = False) -> StickyEdit:
        """Make an edit of a piece stay; an earlier one of the same piece goes. ValueError for what is no JSON."""
        edit = _edit(label, before, after)
        edit.sent = sent
        self._all = [each for each in self._all if each.key != edit.key]
        self._all.append(edit)
        self._tell()
        return edit

    def add_edit(self, original: bytes, edited: bytes, *, sent: bool = False) -> list[StickyEdit]:
        """Make all stay that a person's edit changed in a body; `original` is the one that the agent sent.

        Nothing comes of an edit that only puts pieces in or moves them. ValueError for what is no JSON.
        """
        changes = changed_pieces(original, edited)
        return [self.add(change.before, change.after, change.label, sent=sent) for change in changes]

    def remove(self, edit: StickyEdit) -> None:
        """Take one out."""
        self._all.remove(edit)
        self._tell()

    def switch(self, edit: StickyEdit) -> None:
        """Turn one off, or on again."""
        edit.on = not edit.on
        self._tell()

    def __iter__(self) -> Iterator[StickyEdit]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def dump(self) -> list[dict[str, Any]]:
        """All edits as plain tables, for a file."""
        return [_table(edit) for edit in self._all]

    def load(self, tables: Iterable[dict[str, Any]]) -> None:
        """Take these in the place of all. ValueError, in words, for a table that is no sticky edit; nobody is told."""
        loaded = []
        for table in tables:
            before, after = table.get("before"), table.get("after")
            if not isinstance(before, str) or not isinstance(after, str | None):
                raise ValueError("a sticky edit needs `before`, and `after` unless it takes out: JSON as texts")
            edit = _edit(str(table.get("label", "")), before.encode(), after if after is None else after.encode())
            edit.on = bool(table.get("on", True))
            loaded.append(edit)
        self._all = loaded

    def apply(self, body: bytes) -> tuple[bytes, list[Applied]]:
        """Make all edits that are on in a request's body, not encoded; every other byte stays.

        What is no JSON stays as it is. Where no edit is on, nothing is read.
        """
        known = {edit.key: edit for edit in self._all if edit.on}
        if not known:
            return body, []
        try:
            found = _find(parse(body), known)
            if not found:
                return body, []
            document = scan(body)
        except ValueError:
            return body, []
        changes = {piece.path: _after(document, piece.path, edit) for piece, edit in found}
        applied = [_applied(document, piece, edit, changes[piece.path]) for piece, edit in found]
        for _, edit in found:
            edit.hits += 1
            edit.sent = True
        return change_at(document, changes), applied

    def _tell(self) -> None:
        if self._changed is not None:
            self._changed()


def _edit(label: str, before: bytes, after: bytes | None) -> StickyEdit:
    before = without_marks(before)
    return StickyEdit(label or label_of(parse(before)), before, after if after is None else without_marks(after))


def _table(edit: StickyEdit) -> dict[str, Any]:
    table: dict[str, Any] = {"label": edit.label, "on": edit.on, "before": edit.before.decode()}
    return table if edit.after is None else {**table, "after": edit.after.decode()}


def _find(body: Any, known: dict[bytes, StickyEdit]) -> list[tuple[Piece, StickyEdit]]:
    """The pieces that an edit is for; none of them within another."""
    found: list[tuple[Piece, StickyEdit]] = []
    for piece in pieces(body):
        above = found[-1][0].path if found else None
        if above is not None and piece.path[: len(above)] == above:
            continue
        edit = known.get(key_of(piece.value))
        if edit is not None:
            found.append((piece, edit))
    return found


def _after(document: Document, path: Path, edit: StickyEdit) -> bytes | None:
    """What the piece becomes, with the cache marks that it has in this request."""
    if edit.after is None:
        return None
    now = document.raw(find(document, path)[1])
    return minimal_edit(now, with_marks(edit.after, now))


def _applied(document: Document, piece: Piece, edit: StickyEdit, after: bytes | None) -> Applied:
    node = find(document, piece.path)[1]
    before = sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(document.raw(node), after or b"", strict=False))
    )
    total = 0
    for field in PROMPT:
        index = document.position(document.root, field)
        if index < 0:
            continue
        whole = document.root.children[index]
        if field == piece.path[0]:
            before += total + node.start - whole.start
        total += whole.end - whole.start
    return Applied(edit, piece.path, piece.place, before / total, edit.sent)
