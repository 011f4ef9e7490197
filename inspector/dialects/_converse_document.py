"""Parts written as Converse's content blocks, and a whole answer of that API with parts changed."""

from __future__ import annotations

from inspector.dialects._anthropic_events import reason_instead_of, stop_reason, whole
from inspector.dialects._base import Json, parse_object
from inspector.dialects._converse_blocks import SERVER_TOOL, part_of
from inspector.dialects._fields import dump, list_of, object_of, text_of
from inspector.dialects._pieces import json_bytes
from inspector.model.edits import Edits
from inspector.model.message import Media, Other, Part, ToolCall
from inspector.wire.json_edit import change_at, insert_at
from inspector.wire.json_path import Path

_CONTENT = ("output", "message", "content")


def written(part: Part) -> list[Json]:
    """A part as blocks: one, or none where it can only be named."""
    if isinstance(part, Other):
        data = object_of(part.data)
        return [{part.kind: data[part.kind]}] if part.kind in data else []
    if isinstance(part, Media):
        return [block_of({"type": "text", "text": f"[{part.mime_type or part.modality}]"})]
    return [block_of(whole(part))]


def block_of(block: Json) -> Json:
    """A block of the Messages API as one of Converse's. What has no counterpart becomes words."""
    match block.get("type"):
        case "text":
            cited = list_of(block.get("citations"))
            text = text_of(block.get("text"))
            return {"citationsContent": {"content": [{"text": text}], "citations": cited}} if cited else {"text": text}
        case "thinking":
            signature = {"signature": block["signature"]} if block.get("signature") else {}
            return {"reasoningContent": {"reasoningText": {"text": block.get("thinking"), **signature}}}
        case "redacted_thinking":
            return {"reasoningContent": {"redactedContent": block.get("data")}}
        case "tool_use" | "server_tool_use" as kind:
            served = {"type": kind} if kind == SERVER_TOOL else {}
            named = {"toolUseId": block.get("id"), "name": block.get("name"), "input": block.get("input")}
            return {"toolUse": {**named, **served}}
        case "tool_result":
            status = {"status": "error"} if block.get("is_error") else {}
            content = _result(block.get("content"))
            return {"toolResult": {"toolUseId": block.get("tool_use_id"), "content": content, **status}}
        case "document":
            source = {"text": text_of(object_of(block.get("source")).get("data"))}
            return {"document": {"format": "txt", "name": "document", "source": source}}
        case _:
            return {"text": dump(block)}


def _result(content: object) -> list[Json]:
    return [{"text": content}] if isinstance(content, str) else [{"json": content}]


def edit_document(body: bytes, edits: Edits) -> bytes:
    """The body with the edits in it. ValueError where it is no message, or has no such part."""
    answer = parse_object(body)
    content = object_of(object_of(answer.get("output")).get("message")).get("content")
    if not isinstance(content, list):
        raise ValueError("the answer is not a message: it can only be edited as text")
    before = [part_of(object_of(block)) for block in content]
    after: list[Part | None] = [None] * len(content) if edits.final else [*before]
    for index, part in edits.replaced.items():
        if not 0 <= index < len(content):
            raise ValueError(f"the answer has {len(content)} parts: there is no part {index + 1}")
        after[index] = part
    changes: dict[Path, bytes | None] = {}
    for index, part in enumerate(after):
        if part is None or index in edits.replaced:
            changes[(*_CONTENT, index)] = None if part is None else json_bytes(_block(part))
    reason = _reason(text_of(answer.get("stopReason")), edits, before, [*after, *edits.added])
    if reason != answer.get("stopReason"):
        changes["stopReason",] = json_bytes(reason)
    body = change_at(body, changes) if changes else body
    count = sum(part is not None for part in after)
    for place, part in enumerate(edits.added, count):
        body = insert_at(body, _CONTENT, place, json_bytes(_block(part)))
    return body


def _block(part: Part) -> Json:
    if isinstance(part, ToolCall) and not isinstance(whole(part)["input"], dict):
        raise ValueError(f"the arguments of {part.name} are no JSON object")
    if not (blocks := written(part)):
        raise ValueError(f"a part of the type {part.kind if isinstance(part, Other) else 'media'} cannot be written")
    return blocks[0]


def _reason(old: str, edits: Edits, before: list[Part], after: list[Part | None]) -> str:
    if edits.finish_reason is not None:
        return edits.finish_reason
    return stop_reason(after) if edits.final else reason_instead_of(old, before, after)
