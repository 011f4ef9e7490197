"""Parts written as Anthropic's content blocks, whole or as the events of a stream.

https://docs.anthropic.com/en/api/messages and https://docs.anthropic.com/en/docs/build-with-claude/streaming
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable

from inspector.dialects._base import Json
from inspector.dialects._fields import object_of, text_of
from inspector.dialects._pieces import pieces, sse
from inspector.model.message import Media, Other, Part, Reasoning, Refusal, Text, ToolCall, ToolResult

RAN_BY_SERVER = ("server_tool_use", "mcp_tool_use")


def framed(kind: str, **fields: object) -> bytes:
    """One event of a stream, framed."""
    return sse({"type": kind, **fields}, kind)


def new_id(prefix: str) -> str:
    """An id such as the API makes: `msg_…`, `toolu_…`."""
    return f"{prefix}_{secrets.token_hex(12)}"


def message_head(answer_id: str = "", model: str = "", usage: Json | None = None) -> Json:
    """A message that has no content yet; made up as far as nothing is known of it."""
    return {
        "id": answer_id or new_id("msg"),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage or {"input_tokens": 0, "output_tokens": 0},
    }


def stop_reason(parts: Iterable[Part | None]) -> str:
    """Why an answer ended, where nobody said it."""
    return "tool_use" if has_calls(parts) else "end_turn"


def has_calls(parts: Iterable[Part | None]) -> bool:
    """Whether the client is to run a tool."""
    return any(isinstance(part, ToolCall) and not part.server_side for part in parts)


def reason_instead_of(reason: str, before: Iterable[Part], after: Iterable[Part | None]) -> str:
    """Why an answer ended, now that its parts changed: calls that came or went make the difference."""
    had, has = has_calls(before), has_calls(after)
    if has and not had:
        return "tool_use"
    return "end_turn" if had and not has and reason == "tool_use" else reason


def whole(part: Part, base: Json | None = None) -> Json:
    """A part as one block. Where `base`, which it replaces, is of the same type, its other fields stay.

    Arguments that are no JSON stand as the text that they are. Media that only its size is known of becomes words.
    """
    match part:
        case Text() | Refusal():
            block = {"text": str(part.content)}
            citations = part.citations if isinstance(part, Text) else []
            return {**_like(base, "text"), **block, **_citations(base, citations)}
        case Reasoning() if part.encrypted and not part.content:
            return {**_like(base, "redacted_thinking"), "data": part.encrypted}
        case Reasoning():
            return {**_like(base, "thinking"), "thinking": str(part.content), "signature": part.signature}
        case ToolCall():
            return {**_call(part, base), "input": arguments_of(part)}
        case ToolResult():
            return _result(part, object_of(base))
        case Other():
            return {**object_of(part.data), "type": part.kind}
        case Media():
            return _media(part)


def opened(part: Part, base: Json | None = None) -> Json:
    """A part as its block begins in a stream: `deltas` fill it. What has no deltas is whole."""
    match part:
        case Text() | Refusal():
            begun = {**whole(part, base), "text": ""}
            return {**begun, "citations": []} if "citations" in begun else begun
        case Reasoning() if part.content or not part.encrypted:
            return {**whole(part, base), "thinking": "", "signature": ""}
        case ToolCall():
            return {**_call(part, base), "input": {}}
        case _:
            return whole(part, base)


def deltas(part: Part, sent: int = 0, cited: int = 0) -> list[Json]:
    """What fills a part's block, behind the characters and the citations that were sent before."""
    match part:
        case Text() | Refusal():
            found: list[Json] = [{"type": "text_delta", "text": piece} for piece in pieces(str(part.content)[sent:])]
            citations = part.citations[cited:] if isinstance(part, Text) else []
            return found + [{"type": "citations_delta", "citation": citation} for citation in citations]
        case Reasoning() if part.content or not part.encrypted:
            found = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(str(part.content)[sent:])]
            return found + ([{"type": "signature_delta", "signature": part.signature}] if part.signature else [])
        case ToolCall():
            return [{"type": "input_json_delta", "partial_json": piece} for piece in pieces(str(part.arguments)[sent:])]
        case _:
            return []


def block_events(part: Part, index: int, base: Json | None = None) -> list[bytes]:
    """All events of one block."""
    return [
        framed("content_block_start", index=index, content_block=opened(part, base)),
        *(framed("content_block_delta", index=index, delta=delta) for delta in deltas(part)),
        framed("content_block_stop", index=index),
    ]


def arguments_of(call: ToolCall) -> object:
    """A call's arguments as JSON, or as the text that they are; nothing is an empty object."""
    text = str(call.arguments)
    try:
        return json.loads(text) if text.strip() else {}
    except ValueError:
        return text


def _like(base: Json | None, kind: str) -> Json:
    return dict(base) if base and base.get("type") == kind else {"type": kind}


def _citations(base: Json | None, citations: list[object]) -> Json:
    """The field as the API has it: left out where citations were not asked for."""
    return {"citations": list(citations)} if citations or _like(base, "text").get("citations") is not None else {}


def _call(call: ToolCall, base: Json | None) -> Json:
    kind = call.kind if call.kind in RAN_BY_SERVER else "server_tool_use" if call.server_side else "tool_use"
    like = _like(base, kind)
    made = new_id("srvtoolu" if call.server_side else "toolu")
    return {**like, "id": call.id or text_of(like.get("id")) or made, "name": call.name or text_of(like.get("name"))}


def _result(result: ToolResult, base: Json) -> Json:
    """A result. Those of the server's own tools keep their type; content that is JSON is put as JSON."""
    content: object = result.content
    if result.content[:1] in ("[", "{"):
        try:
            content = json.loads(result.content)
        except ValueError:
            content = result.content
    kind = text_of(base.get("type"))
    like = base if kind.endswith("tool_result") else {"type": "tool_result"}
    failed = {"is_error": result.is_error} if result.is_error or "is_error" in like else {}
    return {**like, "tool_use_id": result.id or text_of(like.get("tool_use_id")), "content": content, **failed}


def _media(part: Media) -> Json:
    if part.uri and part.modality == "image":
        return {"type": "image", "source": {"type": "url", "url": part.uri}}
    if part.uri:
        return {"type": "container_upload", "file_id": part.uri}
    return {"type": "text", "text": str(part.transcript) or f"[{part.mime_type or part.modality}, {part.size} bytes]"}
