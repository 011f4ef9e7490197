"""A whole answer of the Gemini API with parts changed, and every other byte as it was."""

from __future__ import annotations

from collections.abc import Iterable

from inspector.dialects._base import Json
from inspector.dialects._fields import object_of
from inspector.dialects._gemini_parts import Turn
from inspector.dialects._gemini_shape import Place, candidates_of, finish_reason, key_of, parse, parts_in, unwrapped
from inspector.dialects._gemini_wire import wire_part, wire_parts
from inspector.dialects._pieces import json_bytes
from inspector.model.edits import Edits
from inspector.model.message import Part, ToolCall
from inspector.wire.json_edit import change_at, insert_at
from inspector.wire.json_path import Path


def first_candidates(data: bytes) -> list[tuple[Place, Json]]:
    """The pieces of the first candidate in a payload, each with its place. ValueError where it is no answer."""
    bodies = parse(data)
    listed = data.lstrip().startswith(b"[")
    found: list[tuple[Place, Json]] = []
    for number, body in enumerate(bodies):
        answer, inner = unwrapped(body)
        above = (*((number,) if listed else ()), *inner, "candidates")
        found += [((*above, place), candidate) for place, index, candidate in candidates_of(answer) if not index]
    return found


def edit_document(body: bytes, edits: Edits) -> bytes:
    """A whole answer, or all pieces of one in a list, with the edits in it. ValueError where they do not fit it."""
    pieces = first_candidates(body)
    if not pieces:
        raise ValueError("there is no candidate in this answer that could be changed: it can only be edited as text")
    turn = Turn([])
    wires = [(place, at, wire) for place, said in pieces for at, wire in parts_in(said.get("content"))]
    owners = [turn.take(wire) for _, _, wire in wires]
    for index in edits.replaced:
        if index >= len(turn.parts):
            raise ValueError(f"the answer has {len(turn.parts)} parts: there is no part {index + 1}")
    changes: dict[Path, bytes | None] = {}
    placed: set[int] = set()
    for (place, at, wire), index in zip(wires, owners, strict=True):
        if index not in edits.replaced and not edits.final:
            continue
        part = edits.replaced.get(index) if index not in placed else None
        placed.add(index)
        changes |= put((*place, "content", "parts", at), wire, part)
    if any(not isinstance(turn.parts[index], ToolCall) for index in placed if index >= 0):
        for place, said in pieces:
            changes |= forget_tokens(place, said)
    ending = next((piece for piece in reversed(pieces) if finish_reason(piece[1])), pieces[-1])
    changes |= told_end(*ending, edits)
    body = change_at(body, changes) if changes else body
    return insert_parts(body, pieces[-1][0], edits.added) if edits.added else body


def put(place: Place, wire: Json, part: Part | None) -> dict[Path, bytes | None]:
    """The changes that put a part in the place of another; None takes that out."""
    new = wire_part(part, wire) if part is not None else {}
    if set(new) != set(wire):
        return {place: json_bytes(new) if new else None}
    return {(*place, name): json_bytes(value) for name, value in new.items() if value != wire[name]}


def insert_parts(data: bytes, place: Place, added: Iterable[Part], at: int | None = None) -> bytes:
    """A payload with more parts in a candidate: at a place of its list, or at its end."""
    candidate = next(said for where, said in first_candidates(data) if where == place)
    content, wires = object_of(candidate.get("content")), wire_parts(added)
    if not isinstance(content.get("parts"), list):
        return change_at(data, {(*place, "content"): json_bytes({**content, "parts": wires, "role": "model"})})
    start = len(content["parts"]) if at is None else at
    for number, wire in enumerate(wires, start):
        data = insert_at(data, (*place, "content", "parts"), number, json_bytes(wire))
    return data


def told_end(place: Place, candidate: Json, edits: Edits) -> dict[Path, bytes | None]:
    """The changes by which a candidate tells another finish reason; what explained the old one goes."""
    reason = edits.finish_reason or ("STOP" if edits.final else "")
    key, why = key_of(candidate, "finishReason"), key_of(candidate, "finishMessage")
    if not reason or candidate.get(key) == reason:
        return {}
    gone: dict[Path, bytes | None] = {(*place, why): None} if why in candidate else {}
    return {**gone, (*place, key): json_bytes(reason)}


def forget_tokens(place: Place, candidate: Json) -> dict[Path, bytes | None]:
    """The changes by which the log-probabilities of words go that were changed."""
    names = [key_of(candidate, name) for name in ("logprobsResult", "avgLogprobs")]
    return {(*place, name): None for name in names if name in candidate}
