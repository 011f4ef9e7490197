"""A request's body on its way to being changed: what it says by now, and what the flow is told of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import orjson

from inspector.dialects._json_members import BOM, member, removed, with_cuts, with_members
from inspector.dialects._writing import Json
from inspector.model.flow import Mutation
from inspector.wire.json_edit import delete_at, replace_at

BY = "capture"
"""Who the profile is in mutations, and in answers of its own."""

_GONE = object()
"""Stands for a member that is not there."""
_SHOWN = 200
"""Characters of a value that a mutation shows."""


def parse(data: bytes) -> Json | None:
    """A request's body; None where it is no JSON object in UTF-8. NaN and half characters pass, as some agents send."""
    data = data.removeprefix(BOM)
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        try:
            value = json.loads(data.decode())
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


class Draft:
    """Collects changes to one body, and makes them all at once. `body` is what it says with those made so far."""

    def __init__(self, data: bytes, body: Json) -> None:
        self.body = body
        self.mutations: list[Mutation] = []
        self._data = data
        self._given = dict.fromkeys(body)
        self._put: dict[str, bytes] = {}
        self._dropped: list[str] = []

    def put(self, name: str, value: object) -> None:
        """Give a member another value, or put it in."""
        self.body[name] = value
        self._put[name] = _json(value)

    def put_within(self, name: str, key: str, value: object) -> None:
        """Put a member into an object that is a member itself."""
        self.body[name] = {**self.body[name], key: value}
        place = member(self._data, name)
        self._put[name] = replace_at(place[2], (key,), _json(value)) if place else _json(self.body[name])

    def drop_within(self, name: str, key: str) -> None:
        """Take a member out of an object that is a member itself."""
        data = self._put.get(name)
        if data is None:
            place = member(self._data, name)
            data = place[2] if place else _json(self.body[name])
        self.body[name] = {each: value for each, value in self.body[name].items() if each != key}
        self._put[name] = delete_at(data, (key,))

    def drop(self, name: str) -> None:
        """Take a member out that the client sent."""
        del self.body[name]
        self._dropped.append(name)

    def tell(self, name: str, before: str, after: str) -> None:
        """Say on the flow what was changed."""
        self.mutations.append(Mutation(name, BY, before, after))

    def written(self) -> bytes:
        """The body with all changes; every other byte is as it came."""
        data = with_members(self._data, self._given, self._put) if self._put else self._data
        for name in self._dropped:
            if place := member(data, name):
                data = with_cuts(data, [removed(data, place)])
        return data


def told(names: Sequence[str], before: Json, after: Json) -> list[Mutation]:
    """A mutation for each of these members, which two bodies have in two ways or one of them has not. `a.b` is the
    member `b` of an object that is the member `a`.
    """
    found = ([_at(body, name) for body in (before, after)] for name in names)
    texts = (["" if value is _GONE else shown(value) for value in pair] for pair in found)
    return [Mutation(name, BY, *pair) for name, pair in zip(names, texts, strict=True)]


def without(current: bytes, names: Sequence[str], before: Json, after: Json) -> bytes:
    """`current` with those of its members as they are in `after` that are still as they were in `before`."""
    body = parse(current)
    if body is None:
        return current
    draft = Draft(current, body)
    for name in names:
        if (found := _at(body, name)) is _GONE or found != _at(before, name):
            continue
        outer, _, inner = name.partition(".")
        if inner:
            draft.drop_within(outer, inner)
            if not draft.body[outer] and outer not in after:
                draft.drop(outer)
        elif name in after:
            draft.put(name, after[name])
        else:
            draft.drop(name)
    return draft.written()


def _at(body: Json, name: str) -> Any:
    """A member, or one of an object that is a member."""
    outer, _, inner = name.partition(".")
    value = body.get(outer, _GONE)
    return value if not inner else value.get(inner, _GONE) if isinstance(value, dict) else _GONE


def shown(value: object) -> str:
    """A value as a mutation shows it."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
