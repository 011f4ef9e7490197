"""Converse's content blocks, made into parts, and said as the blocks of the Messages API, which they are very like.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html
"""

from __future__ import annotations

from inspector.dialects._base import Json
from inspector.dialects._fields import (
    base64_size,
    dump,
    list_of,
    object_of,
    objects_of,
    text_of,
    text_part,
)
from inspector.model.message import Growing, Media, Other, Part, Reasoning, ToolCall, ToolResult

_MODALITIES = {"image": "image", "document": "file", "video": "video", "audio": "audio"}
_MIME_TYPES = {
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "html": "text/html",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""Formats of documents; those of other media are named after theirs."""
SERVER_TOOL = "server_tool_use"


def parts_of(content: object) -> list[Part]:
    """A message's `content`: blocks; one string, as some imitations of the API take it."""
    if isinstance(content, str):
        return [text_part(content)] if content else []
    return [part_of(block) if isinstance(block, dict) else text_part(text_of(block)) for block in list_of(content)]


def part_of(block: Json) -> Part:
    """One block: an object of one member, whose name tells what it is."""
    kind, value = next(((name, value) for name, value in block.items() if value is not None), ("", None))
    inner = object_of(value)
    match kind:
        case "text":
            return text_part(text_of(value))
        case "citationsContent":
            words = "".join(text_of(piece.get("text")) for piece in objects_of(inner.get("content")))
            return text_part(words, list_of(inner.get("citations")))
        case "reasoningContent":
            return _reasoning(inner)
        case "toolUse":
            return _call(inner)
        case "toolResult":
            return _result(inner)
        case "guardContent":
            return _guarded(inner)
        case "image" | "document" | "video" | "audio":
            return _media(kind, inner)
        case _:
            return Other(kind or "unknown", block)


def tool_kind(tool: Json) -> str:
    """What kind of a tool a `toolUse` calls: one of the client's, or one that Bedrock runs itself."""
    kind = text_of(tool.get("type"))
    return "function" if kind in ("", "tool_use") else kind


def _call(tool: Json) -> ToolCall:
    arguments = tool.get("input", {})
    return ToolCall(
        id=text_of(tool.get("toolUseId")),
        name=text_of(tool.get("name")),
        arguments=Growing(arguments if isinstance(arguments, str) else dump(arguments)),
        kind=tool_kind(tool),
        done=True,
    )


def _reasoning(inner: Json) -> Reasoning:
    thoughts = object_of(inner.get("reasoningText"))
    return Reasoning(
        Growing(text_of(thoughts.get("text"))),
        text_of(thoughts.get("signature")),
        text_of(inner.get("redactedContent")),
    )


def _result(inner: Json) -> ToolResult:
    return ToolResult(
        id=text_of(inner.get("toolUseId")),
        content=result_text(inner.get("content")),
        is_error=inner.get("status") == "error",
    )


def result_text(content: object) -> str:
    """The words of a tool's result. What is not words stays JSON; media is named, with its size."""
    if isinstance(content, str):
        return content
    return "\n".join(_result_piece(block) for block in objects_of(content))


def _result_piece(block: Json) -> str:
    if "text" in block:
        return text_of(block["text"])
    if "json" in block:
        return dump(block["json"])
    part = part_of(block)
    if isinstance(part, Media):
        return f"[{part.mime_type or part.modality}, {f'{part.size} bytes' if part.size else part.uri}]"
    return dump(block)


def _guarded(inner: Json) -> Part:
    """Content that a guardrail is to look at; the model is given it as it is given the rest."""
    if "image" in inner:
        return _media("image", object_of(inner["image"]))
    return text_part(text_of(object_of(inner.get("text")).get("text")))


def _media(kind: str, inner: Json) -> Media:
    """Media by its `source`: bytes in base64, a place in S3, words, or blocks of words."""
    source, form = object_of(inner.get("source")), text_of(inner.get("format"))
    words = text_of(source.get("text")) or result_text(source.get("content"))
    data = text_of(source.get("bytes"))
    mime_type = _MIME_TYPES.get(form, "application/octet-stream") if kind == "document" else f"{kind}/{form}"
    return Media(
        _MODALITIES[kind],
        mime_type if form else "",
        uri=text_of(object_of(source.get("s3Location")).get("uri")),
        size=base64_size(data) if data else len(words.encode(errors="replace")),
        transcript=Growing(words),
    )
