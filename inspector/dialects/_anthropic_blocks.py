"""Anthropic's content blocks, as they stand in requests and answers, made into parts.

https://docs.anthropic.com/en/api/messages
"""

from __future__ import annotations

from inspector.dialects._base import Json
from inspector.dialects._fields import base64_size, dump, list_of, media, object_of, objects_of, text_of, text_part
from inspector.model.message import Growing, Media, Other, Part, Reasoning, ToolCall, ToolResult


def parts_of(content: object) -> list[Part]:
    """A message's `content`: one string, or blocks."""
    if isinstance(content, str):
        return [text_part(content)] if content else []
    return [part_of(block) if isinstance(block, dict) else text_part(text_of(block)) for block in list_of(content)]


def part_of(block: Json) -> Part:
    """One block, with everything that stands in it."""
    kind = text_of(block.get("type"))
    match kind:
        case "text":
            return text_part(text_of(block.get("text")), list_of(block.get("citations")))
        case "thinking":
            return Reasoning(Growing(text_of(block.get("thinking"))), text_of(block.get("signature")))
        case "redacted_thinking":
            return Reasoning(encrypted=text_of(block.get("data")))
        case "image" | "document":
            return _media(block, "image" if kind == "image" else "file")
        case "container_upload":
            return Media("file", uri=text_of(block.get("file_id")))
        case "tool_use" | "server_tool_use" | "mcp_tool_use":
            return _call(block, kind)
        case _:
            return _result(block) if kind.endswith("tool_result") else Other(kind or "unknown", block)


def _call(block: Json, kind: str) -> ToolCall:
    return ToolCall(
        id=text_of(block.get("id")),
        name=text_of(block.get("name")),
        arguments=Growing(dump(block.get("input", {}))),
        kind="function" if kind == "tool_use" else kind,
        done=True,
    )


def _result(block: Json) -> ToolResult:
    """`tool_result`, `mcp_tool_result` and those of the server's own tools, whose errors are a kind of content."""
    content = block.get("content")
    failed = text_of(object_of(content).get("type")).endswith("_error")
    return ToolResult(
        id=text_of(block.get("tool_use_id")),
        content=_result_text(content),
        is_error=failed or block.get("is_error") is True,
    )


def _result_text(content: object) -> str:
    """The words of a tool's result. What is not words stays JSON; media is named, with its size."""
    if isinstance(content, str):
        return content
    blocks = objects_of(content)
    if not any(block.get("type") in ("text", "image", "document") for block in blocks):
        return "" if content is None or content == [] else dump(content)
    return "\n".join(_block_text(block) for block in blocks)


def _block_text(block: Json) -> str:
    if block.get("type") == "text":
        return text_of(block.get("text"))
    part = part_of(block)
    if isinstance(part, Media):
        return f"[{part.mime_type or part.modality}, {f'{part.size} bytes' if part.size else part.uri}]"
    return dump(block)


def _media(block: Json, modality: str) -> Media:
    """An image or document by its `source`: base64, url, file, plain text, or blocks."""
    source = object_of(block.get("source"))
    mime_type = text_of(source.get("media_type"))
    match source.get("type"):
        case "base64":
            return Media(modality, mime_type, size=base64_size(text_of(source.get("data"))))
        case "text":
            words = text_of(source.get("data"))
            return Media(modality, mime_type, size=len(words.encode(errors="replace")), transcript=Growing(words))
        case "content":
            return Media(modality, mime_type, transcript=Growing(_result_text(source.get("content"))))
        case _:
            return media(modality, text_of(source.get("url")) or text_of(source.get("file_id")), mime_type)
