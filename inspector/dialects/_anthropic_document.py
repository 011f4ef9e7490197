"""A whole answer of the Messages API with parts changed, and every other byte as it was."""

from __future__ import annotations

from inspector.dialects._anthropic_blocks import part_of
from inspector.dialects._anthropic_events import reason_instead_of, stop_reason, whole
from inspector.dialects._base import Json, parse_object
from inspector.dialects._fields import list_of, text_of
from inspector.dialects._pieces import json_bytes
from inspector.model.edits import Edits
from inspector.model.message import Part, Reasoning, ToolCall
from inspector.wire.json_edit import change_at, insert_at
from inspector.wire.json_path import Path


def edit_document(body: bytes, edits: Edits) -> bytes:
    """The body with the edits in it. ValueError where it is no message, or has no such part."""
    message = parse_object(body)
    if not isinstance(message.get("content"), list):
        raise ValueError("the answer is not a message: it can only be edited as text")
    blocks = [(index, block) for index, block in enumerate(list_of(message["content"])) if isinstance(block, dict)]
    changes: dict[Path, bytes | None] = {}
    parts: list[Part | None] = [None if edits.final else part_of(block) for _, block in blocks]
    if edits.final:
        changes = {("content", index): None for index, _ in blocks}
    for number, part in edits.replaced.items():
        if not 0 <= number < len(blocks):
            raise ValueError(f"the answer has {len(blocks)} parts: there is no part {number + 1}")
        index, block = blocks[number]
        parts[number] = part
        changes["content", index] = None if part is None else json_bytes(_block(part, block))
    changes |= _ending(message, edits, [*parts, *edits.added])
    body = change_at(body, changes) if changes else body
    for part in edits.added:
        count = len(list_of(parse_object(body)["content"]))
        body = insert_at(body, ("content",), count, json_bytes(_block(part, None)))
    return body


def _block(part: Part, base: Json | None) -> Json:
    """A block in the place of another. Changed thoughts lose their signature; arguments must be an object."""
    block = whole(part, base)
    if isinstance(part, Reasoning) and base is not None and block != base and "signature" in block:
        block["signature"] = ""
    if isinstance(part, ToolCall) and not isinstance(block["input"], dict):
        raise ValueError(f"the arguments of {part.name} are no JSON object")
    return block


def _ending(message: Json, edits: Edits, after: list[Part | None]) -> dict[Path, bytes | None]:
    """What becomes of the finish reason; what explained the old one goes with it."""
    old = text_of(message.get("stop_reason"))
    before = [part_of(block) for block in list_of(message["content"]) if isinstance(block, dict)]
    new = edits.finish_reason
    if new is None:
        new = stop_reason(after) if edits.final else reason_instead_of(old, before, after)
    if new == old:
        return {}
    cleared = [name for name in ("stop_sequence", "stop_details") if message.get(name) is not None]
    return {("stop_reason",): json_bytes(new), **{(name,): b"null" for name in cleared}}
