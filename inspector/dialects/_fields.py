"""Reading JSON that nobody promised: typed look-ups, empty where a field is absent or of another type.

What leaves this module is typed; `Any` stays on the other side.
"""

from __future__ import annotations

import json

import orjson

from inspector.dialects._base import Json
from inspector.model.message import Growing, Media, Message, Part, Reasoning, Refusal, Text, ToolCall, ToolResult


def text_of(value: object) -> str:
    """The string, or an empty one."""
    return value if isinstance(value, str) else ""


def object_of(value: object) -> Json:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}


def list_of(value: object) -> list[object]:
    """The list, or an empty one."""
    return value if isinstance(value, list) else []


def objects_of(value: object) -> list[Json]:
    """The objects of a list; its other members are passed over."""
    return [member for member in list_of(value) if isinstance(member, dict)]


def int_of(value: object) -> int | None:
    """The whole number; None where it is something else (JSON's `true` is no number here)."""
    if type(value) is int:
        return value
    return int(value) if isinstance(value, float) and value.is_integer() else None


def float_of(value: object) -> float | None:
    """The number; None where it is something else."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def dump(value: object) -> str:
    """A value as compact JSON, in the order in which it came."""
    try:
        return orjson.dumps(value).decode()
    except (TypeError, ValueError):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def present(fields: Json) -> Json:
    """The fields that say something: `null` is what a server writes for a field that it does not know."""
    return {name: value for name, value in fields.items() if value is not None}


def media(modality: str, source: str, mime_type: str = "") -> Media:
    """A piece of media from a URL, a `data:` URL or bare base64, of which only the size is kept."""
    if source.startswith("data:"):
        head, _, data = source[5:].partition(",")
        return Media(modality, head.partition(";")[0] or mime_type, size=base64_size(data))
    return Media(modality, mime_type, uri=source)


def base64_size(data: str) -> int:
    """How many bytes a base64 text stands for."""
    return len(data) * 3 // 4 - data[-2:].count("=")


def error_text(body: Json) -> str | None:
    """The words of an error body, as `type: message`; None where it is none.

    Known shapes: `{"error": {"type", "code", "message"}}`, `{"error": "…", "code"}` (xAI), `{"detail": …}` (the ChatGPT
    backend), and a flat `{"type": "error", "code", "message"}`.
    """
    error = body.get("error")
    if isinstance(error, dict):
        return _join(text_of(error.get("type")) or text_of(error.get("code")), error.get("message"), error)
    if error:
        return _join(text_of(body.get("code")), error, body)
    if body.get("detail"):
        return _join("", body["detail"], body)
    if body.get("type") == "error":
        return _join(text_of(body.get("code")) or "error", body.get("message"), body)
    return None


def _join(kind: str, message: object, whole: Json) -> str:
    words = text_of(message) or dump(message if message else whole)
    return f"{kind}: {words}" if kind else words


def name_results(messages: list[Message]) -> None:
    """Give every nameless tool result the name of the call that it answers."""
    calls = {call.id: call.name for message in messages for call in message.tool_calls()}
    for message in messages:
        for part in message.parts:
            if isinstance(part, ToolResult):
                part.name = part.name or calls.get(part.id, "")


def text_part(content: str, citations: list[object] | None = None) -> Text:
    """Words that came whole."""
    return Text(Growing(content), list(citations or ()))


def written_of(part: Part) -> str:
    """What a model writes of a part, piece by piece: words, thoughts, a call's arguments."""
    match part:
        case Text() | Refusal() | Reasoning():
            return str(part.content)
        case ToolCall():
            return str(part.arguments)
        case _:
            return ""
