"""The items of the Responses API, as they stand in `input` and in `output`, made into parts.

https://platform.openai.com/docs/api-reference/responses
"""

from __future__ import annotations

from inspector.dialects._base import Json
from inspector.dialects._fields import (
    base64_size,
    dump,
    list_of,
    media,
    object_of,
    objects_of,
    present,
    text_of,
    text_part,
)
from inspector.model.message import Growing, Media, Other, Part, Reasoning, Refusal, Text, ToolCall, ToolResult

Key = tuple[str, int]
"""The place of a part in its item: `content`, `summary`, `call` or `result`, and the index there."""
Parts = dict[Key, Part]

_FRAME = frozenset({"id", "type", "status", "call_id", "name", "results", "outputs", "output", "result", "tools"})
"""Fields of a hosted call that are not what the model asked for."""
_PLAIN_ARGUMENTS = {
    "custom_tool_call": "input",
    "code_interpreter_call": "code",
    "program": "code",
    "function_call": "arguments",
    "mcp_call": "arguments",
    "mcp_approval_request": "arguments",
    "tool_search_call": "arguments",
    "web_search_call": "action",
    "computer_call": "action",
    "local_shell_call": "action",
    "shell_call": "action",
    "apply_patch_call": "operation",
}
"""Where a call keeps what the model asked for; calls of other types are shown with all their fields."""


def item_parts(item: Json) -> Parts:
    """The parts of one item, by their place in it."""
    kind = text_of(item.get("type")) or ("message" if "role" in item else "unknown")
    if kind == "message":
        return {("content", index): part for index, part in enumerate(content_parts(item.get("content")))}
    if kind == "reasoning":
        return _reasoning(item)
    if kind.endswith("_output"):
        return {("result", 0): _result(item)}
    if kind.endswith("_call") or kind in _PLAIN_ARGUMENTS:
        return _call(item, kind)
    return {("item", 0): Other(kind, item)}


def content_parts(content: object) -> list[Part]:
    """A message's `content`: one string, or parts."""
    if isinstance(content, str):
        return [text_part(content)] if content else []
    return [content_part(part) if isinstance(part, dict) else text_part(text_of(part)) for part in list_of(content)]


def content_part(part: Json) -> Part:
    """One part of a message or of a reasoning item."""
    kind = text_of(part.get("type"))
    match kind:
        case "output_text" | "input_text" | "text":
            return text_part(text_of(part.get("text")), list_of(part.get("annotations")))
        case "refusal":
            return Refusal(Growing(text_of(part.get("refusal"))))
        case "reasoning_text" | "summary_text":
            return Reasoning(Growing(text_of(part.get("text"))))
        case "input_image" | "computer_screenshot" | "input_file" | "input_audio" | "output_audio":
            return _media(part, kind)
        case _:
            return Other(kind or "unknown", part)


def _media(part: Json, kind: str) -> Media:
    if kind in ("input_audio", "output_audio"):
        audio = object_of(part.get("input_audio")) or part
        mime_type = f"audio/{audio['format']}" if audio.get("format") else ""
        transcript = Growing(text_of(part.get("transcript")))
        return Media("audio", mime_type, size=base64_size(text_of(audio.get("data"))), transcript=transcript)
    modality = "file" if kind == "input_file" else "image"
    data = text_of(part.get("file_data"))
    if data and not data.startswith("data:"):
        return Media(modality, size=base64_size(data))
    image = part.get("image_url")
    where = data or text_of(image) or text_of(object_of(image).get("url")) or text_of(part.get("file_url"))
    return media(modality, where or text_of(part.get("file_id")))


def _reasoning(item: Json) -> Parts:
    """Thoughts: summaries, or the words themselves; the sealed form stays with the first of them."""
    parts: Parts = {}
    sealed = text_of(item.get("encrypted_content"))
    for field in ("content", "summary"):
        for index, part in enumerate(objects_of(item.get(field))):
            parts[field, index] = Reasoning(Growing(text_of(part.get("text"))), encrypted="" if parts else sealed)
    return parts or {("summary", 0): Reasoning(encrypted=sealed)}


def _call(item: Json, kind: str) -> Parts:
    """A tool call, with what came of it where the provider ran the tool and says so in the same item."""
    call_id = text_of(item.get("call_id")) or text_of(item.get("id"))
    name = text_of(item.get("name")) or ("" if kind == "function_call" else kind.removesuffix("_call"))
    call = ToolCall(
        call_id,
        name,
        Growing(_arguments(item, kind)),
        {"function_call": "function", "custom_tool_call": "custom"}.get(kind, kind),
        done=item.get("status") != "in_progress",
    )
    parts: Parts = {("call", 0): call}
    if kind == "image_generation_call":
        if image := text_of(item.get("result")):
            mime_type = f"image/{text_of(item.get('output_format')) or 'png'}"
            parts["result", 0] = Media("image", mime_type, size=base64_size(image))
        return parts
    error = item.get("error")
    results = next((item[name] for name in ("output", "outputs", "results") if item.get(name)), None)
    if error or results:
        parts["result", 0] = ToolResult(call_id, _words(error or results), is_error=bool(error), name=name)
    return parts


def _arguments(item: Json, kind: str) -> str:
    field = _PLAIN_ARGUMENTS.get(kind)
    value = item.get(field) if field else {name: item[name] for name in present(item) if name not in _FRAME}
    return value if isinstance(value, str) else dump(value) if value else ""


def _result(item: Json) -> ToolResult:
    """`function_call_output` and its kin: what a tool gave back."""
    given = next((item[name] for name in ("output", "result", "tools") if name in item), None)
    return ToolResult(
        id=text_of(item.get("call_id")) or text_of(item.get("id")),
        content=_words(given),
        is_error=item.get("status") == "failed",
        name=text_of(item.get("name")),
    )


def _words(value: object) -> str:
    """The words of a tool's result. What is not words stays JSON; media is named, with its size."""
    if isinstance(value, str):
        return value
    parts = [content_part(part) for part in objects_of(value)]
    if not parts or any(isinstance(part, Other) for part in parts):
        return "" if value in (None, []) else dump(value)
    return "\n".join(_line(part) for part in parts)


def _line(part: Part) -> str:
    if isinstance(part, Media):
        return f"[{part.mime_type or part.modality}, {f'{part.size} bytes' if part.size else part.uri}]"
    return str(getattr(part, "content", ""))


def settle(old: Parts, fresh: Parts) -> Parts:
    """The parts of an item that came whole. What it leaves empty stays as its deltas built it."""
    if all(_hollow(part) for part in fresh.values()):
        thoughts = [part for part in (*old.values(), *fresh.values()) if isinstance(part, Reasoning)]
        if old and thoughts:
            thoughts[0].encrypted = next((part.encrypted for part in reversed(thoughts) if part.encrypted), "")
            return old
        fresh = {**old, **fresh}
    for key, part in fresh.items():
        if key in old:
            _inherit(part, old[key])
    return fresh


def _hollow(part: Part) -> bool:
    match part:
        case Text() | Refusal() | Reasoning() | ToolResult():
            return not part.content
        case ToolCall():
            return not part.arguments
        case _:
            return False


def _inherit(part: Part, old: Part) -> None:
    """Fill what is empty in a part with what its deltas built."""
    if isinstance(part, Text | Refusal | Reasoning) and isinstance(old, Text | Refusal | Reasoning):
        part.content = part.content or old.content
    if isinstance(part, Text) and isinstance(old, Text):
        part.citations = part.citations or old.citations
    if isinstance(part, Reasoning) and isinstance(old, Reasoning):
        part.encrypted = part.encrypted or old.encrypted
    if isinstance(part, ToolResult) and isinstance(old, ToolResult):
        part.content = part.content or old.content
    if isinstance(part, ToolCall) and isinstance(old, ToolCall):
        part.name = part.name or old.name
        part.arguments = part.arguments or old.arguments
