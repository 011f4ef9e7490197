"""The parts of a Chat Completions message: content lists, reasoning in its several spellings, media, tool calls.

Requests and answers spell them alike, for agents echo what they were answered.
"""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from inspector.dialects._base import Json
from inspector.dialects._fields import base64_size, dump, list_of, media, object_of, objects_of, text_of
from inspector.model.message import Growing, Media, Other, Part, Reasoning, Refusal, Text, ToolCall


def content_parts(content: object) -> list[Part]:
    """The parts of `content`: a string, or a list of typed items."""
    if isinstance(content, str):
        return [Text(Growing(content))] if content else []
    parts: list[Part] = []
    for item in list_of(content):
        if isinstance(item, str):
            parts.append(Text(Growing(item)))
        elif isinstance(item, dict):
            parts += _item(item)
    return parts


def _item(item: Json) -> list[Part]:
    kind = text_of(item.get("type"))
    match kind:
        case "text" | "input_text" | "output_text":
            return [Text(Growing(text_of(item.get("text"))))]
        case "refusal":
            return [Refusal(Growing(text_of(item.get("refusal"))))]
        case "thinking" | "reasoning":
            return [_thoughts(item)]
        case "reference":
            return []
        case "image_url" | "video_url" | "audio_url" | "document_url":
            return [_linked(kind.removesuffix("_url"), item.get(kind))]
        case "input_audio":
            sound = object_of(item.get("input_audio"))
            mime_type = f"audio/{text_of(sound.get('format')) or '*'}"
            return [Media("audio", mime_type, size=base64_size(text_of(sound.get("data"))))]
        case "file":
            return [_file(object_of(item.get("file")))]
        case _:
            return [Other(kind or "item", item)]


def _thoughts(item: Json) -> Reasoning:
    """Thoughts in a content list: `thinking` (Mistral), `summary` (Databricks)."""
    thoughts = item.get("thinking") or item.get("summary") or item.get("text")
    pieces = [text_of(piece.get("text")) for piece in objects_of(thoughts)]
    signed = [item, *objects_of(thoughts)]
    signature = next((text_of(piece.get("signature")) for piece in signed if piece.get("signature")), "")
    return Reasoning(Growing(text_of(thoughts) or "".join(pieces)), signature)


def _linked(modality: str, link: object) -> Media:
    """Media behind a URL, which is an object's or a string; the bytes of a `data:` URL are counted, not kept."""
    url = text_of(link) or text_of(object_of(link).get("url"))
    part = media("file" if modality == "document" else modality, url)
    head, _, data = url.partition(",")
    if url.startswith("data:") and not head.endswith(";base64"):
        part.size = len(unquote_to_bytes(data))
    return part


def _file(file: Json) -> Media:
    data = text_of(file.get("file_data"))
    if data.startswith("data:"):
        return media("file", data)
    return Media("file", uri=text_of(file.get("file_id")), size=base64_size(data))


def images(message: Json) -> list[Part]:
    """Images that a model drew (OpenRouter's `images`)."""
    return [_linked("image", image.get("image_url")) for image in objects_of(message.get("images"))]


def reasoning_text(message: Json) -> str:
    """The thoughts in a message or a delta. Servers that give them in several fields give the same text in each."""
    return text_of(message.get("reasoning_content")) or text_of(message.get("reasoning"))


def add_reasoning(parts: list[Part], message: Json) -> None:
    """Add the thoughts of a message or a delta, and their seals (OpenRouter's and Vercel's `reasoning_details`)."""
    text = reasoning_text(message)
    if text:
        _last_reasoning(parts).content.append(text)
    for detail in objects_of(message.get("reasoning_details")):
        if not text:
            words = text_of(detail.get("text")) or text_of(detail.get("summary"))
            if words:
                _last_reasoning(parts).content.append(words)
        if signature := text_of(detail.get("signature")):
            _last_reasoning(parts).signature = signature
        if data := text_of(detail.get("data")):
            _seal(parts, data)


def _last_reasoning(parts: list[Part]) -> Reasoning:
    for part in reversed(parts):
        if isinstance(part, Reasoning):
            return part
    part = Reasoning()
    parts.append(part)
    return part


def _seal(parts: list[Part], data: str) -> None:
    """Keep sealed thoughts beside the words that came before them; each seal has a part of its own."""
    if any(isinstance(part, Reasoning) and part.encrypted == data for part in parts):
        return
    last = _last_reasoning(parts)
    if last.encrypted:
        parts.append(Reasoning(encrypted=data))
    else:
        last.encrypted = data


def arguments_text(value: object) -> str:
    """A call's arguments as text. Some servers (Ollama's kind) give the object itself."""
    return value if isinstance(value, str) else "" if value is None else dump(value)


def call_fields(call: Json) -> tuple[str, str, str]:
    """Kind, name and arguments of a tool call, or of a fragment of one; each empty where it is not there."""
    kind = text_of(call.get("type"))
    if custom := object_of(call.get("custom")):
        return kind or "custom", text_of(custom.get("name")), arguments_text(custom.get("input"))
    function = object_of(call.get("function"))
    return kind, text_of(function.get("name")), arguments_text(function.get("arguments"))


def whole_call(call: Json) -> ToolCall:
    """A tool call that stands in one piece, as in a request."""
    kind, name, arguments = call_fields(call)
    return ToolCall(text_of(call.get("id")), name, Growing(arguments), kind or "function", done=True)
