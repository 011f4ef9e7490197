"""Edits of whole output items: what a stream comes to in the end, and what is put into a document.

A part that stays what it is (words in a message, thoughts, a call of the same kind) is changed in its item. One that
becomes something else makes an item of its own there, and what follows in the old item moves to a new one behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from inspector.dialects._base import Json
from inspector.dialects._fields import list_of
from inspector.dialects._responses_build import ARGUMENTS, Ids, content_of, items_of, thought_of
from inspector.dialects._responses_items import Key, item_parts
from inspector.model.message import Part, Reasoning, Refusal, Text, ToolCall

Plans = Mapping[Key, Part | None]
"""What becomes of the parts of an item, by their place in it; what is not named stays."""

_RESULTS = ("output", "outputs", "results", "result", "error")


@dataclass(slots=True)
class Segment:
    """What an item, or a run of its parts, has become."""

    item: Json
    keys: list[Key]
    """The parts in it, by their old place."""
    own: bool
    """Whether it is the model's item still, and no new one in the place of a part."""


def fits(item: Json, part: Part) -> bool:
    """Whether a part can stand in an item of that type."""
    match part:
        case Text() | Refusal():
            return item.get("type") == "message"
        case Reasoning():
            return item.get("type") == "reasoning"
        case ToolCall():
            kind = {"function": "function_call", "custom": "custom_tool_call"}.get(part.kind)
            return kind is not None and item.get("type") == kind
        case _:
            return False


def edit_item(item: Json, plans: Plans, ids: Ids, *place: object) -> list[Segment]:
    """An item's parts with the changes made; nothing is left where all its parts are taken out."""
    segments: list[Segment] = []
    keys = sorted(item_parts(item))
    for number, key in enumerate(keys):
        plan = plans.get(key)
        if key in plans and plan is None:
            continue
        if plan is not None and not fits(item, plan):
            segments.append(Segment(items_of([plan], ids, *place, number)[0], [key], own=False))
        elif segments and segments[-1].own:
            segments[-1].keys.append(key)
        elif key[0] != "result" or key == keys[0]:
            # What a tool gave back stands in its call's item, and goes with it.
            segments.append(Segment(item, [key], own=True))
    for number, segment in enumerate([segment for segment in segments if segment.own]):
        prefix = "msg" if item.get("type") == "message" else "rs"
        renamed = {"id": ids(prefix, *place, segment.keys[0])} if number else {}
        segment.item = _changed({**item, **renamed}, segment.keys, plans)
    return segments


def _changed(item: Json, keys: list[Key], plans: Plans) -> Json:
    """The item with these of its parts, each as it is planned."""
    match item.get("type"):
        case "message":
            return {**item, "content": _pieces(item, "content", keys, plans)}
        case "reasoning":
            texts = {
                name: _pieces(item, name, keys, plans)
                for name in ("content", "summary")
                if isinstance(item.get(name), list) or any(key[0] == name for key in keys)
            }
            seal = {"encrypted_content": None} if "encrypted_content" in item else {}
            return {**item, **texts, **seal}
        case "function_call" | "custom_tool_call":
            return called(item, plans.get(("call", 0)))
        case _:
            known = item_parts(item)
            gone = {name: None for name in _RESULTS if item.get(name)} if ("result", 0) in known else {}
            return item if ("result", 0) in keys else {**item, **gone}


def called(item: Json, call: Part | None) -> Json:
    """A call's item with another call in it; where that has no id or name, they stay."""
    if not isinstance(call, ToolCall):
        return item
    name, call_id = call.name or item.get("name"), call.id or item.get("call_id")
    return {**item, "call_id": call_id, "name": name, ARGUMENTS[item["type"]]: str(call.arguments)}


def _pieces(item: Json, place: str, keys: list[Key], plans: Plans) -> list[object]:
    """The entries of an item's list that stay, and the changed ones in their places."""
    old = list_of(item.get(place))
    here = [key for key in keys if key[0] == place and (key in plans or key[1] < len(old))]
    return [planned(item, key, plans[key]) if key in plans else old[key[1]] for key in here]


def planned(item: Json, key: Key, plan: Part | None) -> Json:
    """A part of an item as it is when changed: an entry of a list of it, or the call that it is."""
    match plan:
        case Text() | Refusal():
            return content_of(plan)
        case Reasoning():
            return thought_of(plan, key[0])
        case _:
            return called(item, plan)
