"""Parts written as Cohere's content and calls, whole or as the events of a stream.

https://docs.cohere.com/v2/reference/chat and https://docs.cohere.com/v2/reference/chat-stream
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterable
from typing import Literal

from inspector.dialects._base import Json
from inspector.dialects._fields import object_of, text_of, written_of
from inspector.dialects._pieces import pieces, sse
from inspector.model.message import Media, Other, Part, Reasoning, Refusal, Text, ToolCall, ToolResult

Family = Literal["content", "call", "plan"]
"""What a part is written as; content and calls are numbered, each for themselves."""


def framed(kind: str, **fields: object) -> bytes:
    """One event of a stream, framed."""
    return sse({"type": kind, **fields}, kind)


def message_head(answer_id: str = "") -> Json:
    """The first event of a stream."""
    empty = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    return {"id": answer_id or str(uuid.uuid4()), "type": "message-start", "delta": {"message": empty}}


def check_writable(part: Part) -> None:
    """ValueError for a part that an answer of this API has no place for."""
    match part:
        case Text() | Refusal() | Reasoning():
            return
        case ToolCall() if not part.server_side:
            return
        case Media() | Other() | ToolCall() | ToolResult():
            name = part.kind if isinstance(part, Other | ToolCall) else type(part).__name__.lower()
            raise ValueError(f"an answer of Cohere's API has words, thoughts and calls of functions, but no {name}")


def family_of(part: Part) -> Family:
    """What a new part is written as; a plan is only what the model itself wrote as one."""
    return "call" if isinstance(part, ToolCall) else "content"


def has_calls(parts: Iterable[Part | None]) -> bool:
    """Whether the client is to run a tool."""
    return any(isinstance(part, ToolCall) for part in parts)


def finish_reason(parts: Iterable[Part | None]) -> str:
    """Why an answer ended, where nobody said it."""
    return "TOOL_CALL" if has_calls(parts) else "COMPLETE"


def reason_instead_of(reason: str, before: Iterable[Part], after: Iterable[Part | None]) -> str:
    """Why an answer ended, now that its parts changed: calls that came or went make the difference."""
    had, has = has_calls(before), has_calls(after)
    if has and not had:
        return "TOOL_CALL"
    return "COMPLETE" if had and not has and reason == "TOOL_CALL" else reason


def words_of(part: Part) -> str:
    """What is written of a part: words, thoughts, arguments, which are an object at least."""
    return written_of(part) or ("{}" if isinstance(part, ToolCall) else "")


def whole_content(part: Part) -> Json:
    """A text, or thoughts, as a block of content."""
    name = "thinking" if isinstance(part, Reasoning) else "text"
    return {"type": name, name: words_of(part)}


def whole_call(call: ToolCall, base: Json | None = None) -> Json:
    """A call; where `base`, which it replaces, is one, what the new one leaves open is taken from it."""
    base = base or {}
    function = object_of(base.get("function"))
    name = call.name or text_of(function.get("name"))
    made = f"{name}_{secrets.token_hex(6)}"
    function = {**function, "name": name, "arguments": words_of(call)}
    return {**base, "id": call.id or text_of(base.get("id")) or made, "type": "function", "function": function}


def opening(part: Part, place: int, base: Json | None = None) -> tuple[bytes, Json]:
    """The event that a part begins with, and what is said in it of the part."""
    if isinstance(part, ToolCall):
        call = whole_call(part, base)
        begun = {**call, "function": {**call["function"], "arguments": ""}}
        return framed("tool-call-start", index=place, delta={"message": {"tool_calls": begun}}), begun
    name = "thinking" if isinstance(part, Reasoning) else "text"
    begun = {"type": name, name: ""}
    return framed("content-start", index=place, delta={"message": {"content": begun}}), begun


def growth(part: Part, family: Family, place: int, sent: int = 0) -> list[bytes]:
    """What fills a part, behind the characters that were sent before."""
    return [_delta(part, family, place, piece) for piece in pieces(words_of(part)[sent:])]


def _delta(part: Part, family: Family, place: int, piece: str) -> bytes:
    if family == "call":
        call = {"function": {"arguments": piece}}
        return framed("tool-call-delta", index=place, delta={"message": {"tool_calls": call}})
    if family == "plan":
        return plan_delta(piece)
    content = {"thinking" if isinstance(part, Reasoning) else "text": piece}
    return framed("content-delta", index=place, delta={"message": {"content": content}})


def plan_delta(piece: str) -> bytes:
    """A piece of the plan."""
    return framed("tool-plan-delta", delta={"message": {"tool_plan": piece}})


def ending(family: Family, place: int) -> list[bytes]:
    """The event that a part ends with; a plan has none."""
    kinds = {"content": "content-end", "call": "tool-call-end"}
    return [framed(kinds[family], index=place)] if family in kinds else []


def citation(cited: object, place: int) -> list[bytes]:
    """A citation's events."""
    start = framed("citation-start", index=place, delta={"message": {"citations": cited}})
    return [start, framed("citation-end", index=place)]


def citations_of(part: Part) -> list[object]:
    """The citations of a text that are Cohere's own, or at least look so."""
    cited = part.citations if isinstance(part, Text) else []
    return [each for each in cited if isinstance(each, dict) and "start" in each]
