"""Chunks that look like those of the server whose stream they stand in."""

from __future__ import annotations

import time
from uuid import uuid4

from inspector.dialects._base import Json, parse_object
from inspector.dialects._fields import objects_of
from inspector.dialects._openai_chat_reader import unwrapped
from inspector.dialects._pieces import json_bytes, sse
from inspector.wire.event import Event
from inspector.wire.json_edit import change_at
from inspector.wire.json_path import Path

_PADDING = frozenset({"obfuscation", "p"})
"""Random text that hides the lengths of chunks."""


def new_head(model: str, kind: str = "chat.completion.chunk") -> Json:
    """What stands at the top of an answer that no server made."""
    return {"id": f"chatcmpl-{uuid4().hex[:29]}", "object": kind, "created": int(time.time()), "model": model}


class Shape:
    """The outside of a stream's chunks, as the last one showed it."""

    def __init__(self) -> None:
        self._body: Json = {**new_head(""), "choices": []}
        self._choice: Json = {}
        self._name = ""

    def learn(self, event: Event, body: Json) -> None:
        """Look at the next chunk, before anything of it is changed."""
        choices = objects_of(unwrapped(body).get("choices"))
        if choices:
            self._body, self._name = dict(body), event.name
            known = {name: choices[0][name] for name in ("logprobs", "text") if name in choices[0]}
            self._choice = {name: None if name == "logprobs" else "" for name in known}

    def chunk(self, delta: Json, finish: str | None = None, index: int = 0) -> bytes:
        """A further chunk with that delta, framed."""
        choice = {"index": index, **self._choice, "delta": delta, "finish_reason": finish}
        if "text" in choice:
            choice["text"] = delta.get("content") or ""
        return self.around([choice])

    def around(self, choices: list[Json], usage: object = None) -> bytes:
        """A further chunk with those choices, framed."""
        return sse(_like(self._body, choices, usage), self._name)


def again(event: Event, body: Json | None = None) -> bytes:
    """An event, framed anew: with its own payload, or with what became of that, changed as little as possible."""
    data = event.data if body is None else rewritten(event.data, body)
    return (b"id: " + event.id.encode() + b"\n" if event.id else b"") + sse(data, event.name)


def rewritten(original: bytes, body: Json) -> bytes:
    """A JSON object as it became, with every byte of the original whose meaning did not change.

    Where the original is JSON for the tolerant parser only, nothing of its bytes is kept.
    """
    try:
        return change_at(original, _differences(parse_object(original), body, ()))
    except ValueError:
        return json_bytes(body)


def _differences(old: object, new: object, path: Path) -> dict[Path, str | bytes | None]:
    """What to change, by path; None takes out. Numbers of the same value are the same, however they are spelled."""
    found: dict[Path, str | bytes | None] = {}
    if isinstance(old, dict) and isinstance(new, dict):
        for name in {**old, **new}:
            if name not in new:
                found[*path, name] = None
            elif name not in old:
                found[*path, name] = json_bytes(new[name])
            else:
                found |= _differences(old[name], new[name], (*path, name))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            found |= _differences(before, after, (*path, index))
    elif old != new:
        found[path] = json_bytes(new)
    return found


def _like(body: Json, choices: list[Json], usage: object) -> Json:
    """The same chunk with other choices: what it says for itself alone is left out."""
    if "choices" not in body and isinstance(body.get("data"), dict):
        return {**body, "data": _like(body["data"], choices, usage)}
    plain = {name: value for name, value in body.items() if not isinstance(value, dict | list) or name == "choices"}
    shaped = {name: value for name, value in plain.items() if name not in _PADDING and name != "usage"}
    shaped["choices"] = choices
    return {**shaped, "usage": usage} if "usage" in body or usage else shaped
