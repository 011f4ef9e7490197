"""A whole answer of the Responses API with parts changed, and every other byte as it was."""

from __future__ import annotations

from inspector.dialects._base import Json, parse_object
from inspector.dialects._fields import list_of
from inspector.dialects._pieces import json_bytes
from inspector.dialects._responses_build import Ids, check_writable, finished, items_of
from inspector.dialects._responses_edit import edit_item
from inspector.dialects._responses_items import Key, item_parts
from inspector.model.edits import Edits
from inspector.model.message import Part
from inspector.wire.json_edit import change_at, insert_at


def edit_document(body: bytes, edits: Edits) -> bytes:
    """The body with the edits in it. ValueError where it is no response, has no such part, or one cannot be written."""
    response = parse_object(body)
    if not isinstance(response.get("output"), list):
        raise ValueError("the answer is no response with an output: it can only be edited as text")
    for part in (*edits.replaced.values(), *edits.added):
        if part is not None:
            check_writable(part)
    ids = Ids()
    output = list_of(response["output"])
    changed = _changed(output, edits, ids)
    for item in reversed(items_of(edits.added, ids, "added")):
        body = insert_at(body, ("output",), len(output), json_bytes(item))
    for number in sorted(changed, reverse=True):
        body = _put(body, number, changed[number])
    return _end(body, response, edits)


def _changed(output: list[object], edits: Edits, ids: Ids) -> dict[int, list[Json]]:
    """What becomes of the items that have edited parts, by their places."""
    changed: dict[int, list[Json]] = {}
    count = 0
    for number, item in enumerate(output):
        keys = sorted(item_parts(item)) if isinstance(item, dict) else []
        indices = {count + place: key for place, key in enumerate(keys)}
        count += len(keys)
        plans: dict[Key, Part | None] = {
            key: edits.replaced.get(index) for index, key in indices.items() if edits.final or index in edits.replaced
        }
        if plans and isinstance(item, dict):
            changed[number] = [segment.item for segment in edit_item(item, plans, ids, number)]
    if absent := [index for index in edits.replaced if not 0 <= index < count]:
        raise ValueError(f"the answer has {count} parts: there is no part {absent[0] + 1}")
    return changed


def _put(body: bytes, number: int, items: list[Json]) -> bytes:
    """Items in the place of one."""
    for item in reversed(items[1:]):
        body = insert_at(body, ("output",), number + 1, json_bytes(item))
    return change_at(body, {("output", number): json_bytes(items[0]) if items else None})


def _end(body: bytes, response: Json, edits: Edits) -> bytes:
    """How the answer ended, where that is another now."""
    if not (edits.finish_reason or edits.final):
        return body
    after = finished(response, edits.finish_reason or "completed")
    names = [name for name in ("status", "incomplete_details") if after[name] != response.get(name)]
    return change_at(body, {(name,): json_bytes(after[name]) for name in names})
