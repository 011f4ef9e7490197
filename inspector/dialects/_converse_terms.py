"""Converse's stream in the terms of the Messages API, and back: block for block, delta for delta they say the same.

So both APIs share one reader and one rewriter. What only Converse has goes through as a delta of the type `converse`.
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
"""

from __future__ import annotations

from inspector.dialects._base import Json
from inspector.dialects._bedrock import failed, failure_of
from inspector.dialects._converse_blocks import SERVER_TOOL, tool_kind
from inspector.dialects._fields import dump, int_of, object_of, text_of
from inspector.dialects._pieces import json_bytes
from inspector.wire.eventstream import event_frame

EVENTS = ("messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata")
OWN = "converse"
"""The type of a delta that the Messages API has no word for; it stands in its `delta`."""


def unwrapped(name: str, data: Json) -> tuple[str, Json]:
    """An event's name and what it says; invoked Nova models, and logs of payloads, put the name around it."""
    if name in EVENTS:
        return name, data
    inside = next((event for event in EVENTS if isinstance(data.get(event), dict)), None)
    return (inside, object_of(data[inside])) if inside else (name, data)


class Terms:
    """Translates one stream. Texts and thoughts begin without a word here: their beginning is made up."""

    def __init__(self) -> None:
        self._begun: set[int] = set()

    def events(self, name: str, data: Json) -> list[Json]:
        """One event of Converse as those of the Messages API; none for what has no counterpart."""
        index = int_of(data.get("contentBlockIndex")) or 0
        match name:
            case "contentBlockDelta":
                return self._delta(index, object_of(data.get("delta")))
            case "contentBlockStart":
                block = _started(object_of(data.get("start")))
                return [self._start(index, block)] if block else []
            case "contentBlockStop" if index in self._begun:
                self._begun.discard(index)
                return [{"type": "content_block_stop", "index": index}]
            case "messageStart":
                return [{"type": "message_start", "message": {"role": "assistant", "content": []}}]
            case "messageStop":
                reason = {"stop_reason": data.get("stopReason")}
                return [{"type": "message_delta", "delta": reason}, {"type": "message_stop"}]
        error = None if name in EVENTS else failure_of(name, data)
        return [{"type": "error", "error": {"message": error}}] if error else []

    def _start(self, index: int, block: Json) -> Json:
        self._begun.add(index)
        return {"type": "content_block_start", "index": index, "content_block": block}

    def _delta(self, index: int, given: Json) -> list[Json]:
        if not given:
            return []
        delta, block = _said(given)
        begun = index in self._begun
        events = [] if begun else [self._start(index, block)]
        if block["type"] == "redacted_thinking" and not begun:
            return events
        return [*events, {"type": "content_block_delta", "index": index, "delta": delta}]


def _said(given: Json) -> tuple[Json, Json]:
    """A delta, and the beginning of the block that it fills."""
    if "text" in given:
        return {"type": "text_delta", "text": text_of(given["text"])}, {"type": "text", "text": ""}
    if "toolUse" in given:
        piece = object_of(given["toolUse"]).get("input", "")
        said = {"type": "input_json_delta", "partial_json": piece if isinstance(piece, str) else dump(piece)}
        return said, {"type": "tool_use", "id": "", "name": "", "input": {}}
    if "reasoningContent" in given:
        return _thought(given, object_of(given["reasoningContent"]))
    if "citation" in given:
        return {"type": "citations_delta", "citation": given["citation"]}, {"type": "text", "text": "", "citations": []}
    return {"type": OWN, "delta": given}, {"type": next(iter(given), OWN)}


def _thought(given: Json, inner: Json) -> tuple[Json, Json]:
    begun: Json = {"type": "thinking", "thinking": "", "signature": ""}
    if "text" in inner:
        return {"type": "thinking_delta", "thinking": text_of(inner["text"])}, begun
    if "signature" in inner:
        return {"type": "signature_delta", "signature": text_of(inner["signature"])}, begun
    sealed = {"type": "redacted_thinking", "data": text_of(inner.get("redactedContent"))}
    return {"type": OWN, "delta": given}, sealed


def _started(start: Json) -> Json | None:
    """The block that a `contentBlockStart` begins; None where it does not say which: its first delta will."""
    if "toolUse" in start:
        tool = object_of(start["toolUse"])
        kind = tool_kind(tool)
        named = {"id": text_of(tool.get("toolUseId")), "name": text_of(tool.get("name")), "input": {}}
        return {"type": "tool_use" if kind == "function" else kind, **named}
    if "toolResult" in start:
        result = object_of(start["toolResult"])
        failed = result.get("status") == "error"
        return {
            "type": "tool_result",
            "tool_use_id": text_of(result.get("toolUseId")),
            "content": "",
            "is_error": failed,
        }
    if "image" in start:
        form = text_of(object_of(start["image"]).get("format"))
        return {"type": "image", "source": {"type": "base64", "media_type": f"image/{form}", "data": ""}}
    return None


def frames(event: Json) -> list[bytes]:
    """One event of the Messages API as those of Converse; token counts go by themselves, in the `metadata`."""
    index = {"contentBlockIndex": event.get("index", 0)}
    match event["type"]:
        case "content_block_delta":
            delta = _delta(object_of(event.get("delta")))
            return [_frame("contentBlockDelta", {**index, "delta": delta})]
        case "content_block_start":
            return _opening(index, object_of(event.get("content_block")))
        case "content_block_stop":
            return [_frame("contentBlockStop", index)]
        case "message_start":
            return [_frame("messageStart", {"role": "assistant"})]
        case "message_delta":
            return [_frame("messageStop", {"stopReason": object_of(event.get("delta")).get("stop_reason")})]
        case "error":
            return [failed(text_of(object_of(event.get("error")).get("message")))]
        case _:
            return []


def metadata(usage: Json) -> bytes:
    """The last event of a stream."""
    return _frame("metadata", {"usage": usage, "metrics": {"latencyMs": 0}})


def _opening(index: Json, block: Json) -> list[bytes]:
    """How a block begins: a text or a thought with its first delta, thoughts that nobody can read with all of them."""
    match block.get("type"):
        case "text" | "thinking":
            return []
        case "redacted_thinking":
            sealed = {"reasoningContent": {"redactedContent": block.get("data")}}
            return [_frame("contentBlockDelta", {**index, "delta": sealed})]
        case "tool_result":
            status = {"status": "error"} if block.get("is_error") else {}
            start = {"toolResult": {"toolUseId": block.get("tool_use_id"), **status}}
            content = _result_delta(block.get("content"))
            filled = [_frame("contentBlockDelta", {**index, "delta": {"toolResult": content}})] if content else []
            return [_frame("contentBlockStart", {**index, "start": start}), *filled]
        case "image":
            form = text_of(object_of(block.get("source")).get("media_type")).removeprefix("image/")
            return [_frame("contentBlockStart", {**index, "start": {"image": {"format": form}}})]
        case _ if "name" in block:
            served = {} if block["type"] == "tool_use" else {"type": SERVER_TOOL}
            start = {"toolUse": {"toolUseId": block.get("id"), "name": block["name"], **served}}
            return [_frame("contentBlockStart", {**index, "start": start})]
        case _:
            return []


def _delta(delta: Json) -> Json:
    match delta.get("type"):
        case "text_delta":
            return {"text": delta.get("text")}
        case "thinking_delta":
            return {"reasoningContent": {"text": delta.get("thinking")}}
        case "signature_delta":
            return {"reasoningContent": {"signature": delta.get("signature")}}
        case "input_json_delta":
            return {"toolUse": {"input": delta.get("partial_json")}}
        case "citations_delta":
            return {"citation": delta.get("citation")}
        case _:
            return object_of(delta.get("delta"))


def _result_delta(content: object) -> list[Json]:
    if isinstance(content, str):
        return [{"text": content}] if content else []
    return [{"json": piece} for piece in (content if isinstance(content, list) else [content])]


def _frame(name: str, data: Json) -> bytes:
    return event_frame(name, json_bytes(data))
