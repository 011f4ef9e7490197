"""Cohere's messages, as they stand in requests and answers of `/v2/chat`, made into parts; token counts and errors.

https://docs.cohere.com/v2/reference/chat
"""

from __future__ import annotations

from inspector.dialects._base import Json
from inspector.dialects._fields import dump, int_of, list_of, object_of, objects_of, text_of, text_part
from inspector.dialects._openai_chat_parts import content_parts, whole_call
from inspector.model.message import Growing, Message, Part, Reasoning, Role, Text, ToolResult, Usage

ROLES: dict[str, Role] = {"system": "system", "developer": "system", "assistant": "assistant", "tool": "tool"}


def message_of(given: Json) -> Message:
    """One message of a request."""
    role = ROLES.get(text_of(given.get("role")).lower(), "user")
    if role == "assistant":
        return Message(role, answer_parts(given))
    if role == "tool":
        content = given.get("content")
        result = content if isinstance(content, str) else result_text(list_of(content))
        return Message(role, [ToolResult(text_of(given.get("tool_call_id")), result)])
    return Message(role, content_parts(given.get("content")))


def answer_parts(message: Json) -> list[Part]:
    """What the model said: its plan for the tools, its content, its calls. Citations stand with their text."""
    parts: list[Part] = []
    if plan := text_of(message.get("tool_plan")):
        parts.append(Reasoning(Growing(plan)))
    content = content_parts(message.get("content"))
    for citation in objects_of(message.get("citations")):
        if (text := cited_text(content, citation)) is not None:
            text.citations.append(citation)
    return [*parts, *content, *(whole_call(call) for call in objects_of(message.get("tool_calls")))]


def cited_text(content: list[Part], citation: Json) -> Text | None:
    """The text that a citation is of: by its place in the content, else the last one. Plans and thoughts have none."""
    index = int_of(citation.get("content_index"))
    if index is not None and 0 <= index < len(content):
        part = content[index]
        return part if isinstance(part, Text) else None
    if citation.get("type", "TEXT_CONTENT") not in ("TEXT_CONTENT", None, ""):
        return None
    return next((part for part in reversed(content) if isinstance(part, Text)), None)


def begun_part(content: Json) -> Part:
    """A block of content as its first event gives it."""
    parts = content_parts([content])
    return parts[0] if parts else text_part("")


def result_text(blocks: list[object]) -> str:
    """What a tool gave back, as one text: texts as they are, documents as JSON."""
    texts = [block if isinstance(block, str) else _block_text(object_of(block)) for block in blocks]
    return "\n".join(texts)


def _block_text(block: Json) -> str:
    if block.get("type") == "text":
        return text_of(block.get("text"))
    document = object_of(block.get("document")).get("data", block)
    return document if isinstance(document, str) else dump(document)


def usage_of(raw: Json) -> Usage:
    """Token counts: `tokens` is what the model read and wrote, `billed_units` only what is paid for."""
    counts = object_of(raw.get("tokens")) or object_of(raw.get("billed_units"))
    return Usage(
        input_tokens=int_of(counts.get("input_tokens")),
        output_tokens=int_of(counts.get("output_tokens")),
        cache_read_input_tokens=int_of(raw.get("cached_tokens")),
        reasoning_output_tokens=int_of(counts.get("reasoning_tokens")),
        raw=raw,
    )
