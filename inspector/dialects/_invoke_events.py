"""The events of an invoked model: what is wrapped in them, and whose API that is.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from typing import Literal

from inspector.dialects._base import Json, parse_object
from inspector.dialects._converse_terms import EVENTS
from inspector.dialects._fields import object_of, objects_of, text_of
from inspector.dialects._pieces import json_bytes
from inspector.wire.event import Event
from inspector.wire.eventstream import event_frame

METRICS = "amazon-bedrock-invocationMetrics"
"""Where the last event counts tokens, whatever the model."""

Api = Literal["anthropic", "chat", "converse", "simple"]
"""Whose API it is: the Messages API, Chat Completions, Nova's (which is Converse's), or one of mere text."""


def inside(event: Event) -> Json | None:
    """What an event wraps; None where it wraps nothing. ValueError where that is no JSON object."""
    data = parse_object(event.data)
    data = object_of(data.get("chunk")) or data
    wrapped = data.get("bytes")
    if not isinstance(wrapped, str):
        # Logs of payloads come without the wrapping.
        return None if event.name and event.name != "chunk" else data
    try:
        return parse_object(b64decode(wrapped))
    except binascii.Error as error:
        raise ValueError(f"the bytes are no base64: {error}") from None


def chunk(payload: bytes) -> bytes:
    """A payload as an event."""
    return event_frame("chunk", json_bytes({"bytes": b64encode(payload).decode()}))


def api_of(data: Json) -> Api:
    """Whose event, or document, that is."""
    if any(name in data for name in EVENTS) or "message" in object_of(data.get("output")):
        return "converse"
    if "type" in data and "completion" not in data and "event_type" not in data and "choices" not in data:
        return "anthropic"
    choices = objects_of(data.get("choices"))
    if text_of(data.get("object")).startswith("chat.") or any("delta" in each or "message" in each for each in choices):
        return "chat"
    return "simple"


def as_chat(data: Json, *, streams: bool) -> Json:
    """A completion as Chat Completions has it: Mistral calls the reason `stop_reason`, and a delta `message`."""
    choices = [dict(choice) for choice in objects_of(data.get("choices"))]
    for choice in choices:
        if "stop_reason" in choice:
            choice.setdefault("finish_reason", choice["stop_reason"])
        if streams and "message" in choice:
            choice.setdefault("delta", choice["message"])
    return {**data, "choices": choices}


def base64_marks(*words: str) -> tuple[bytes, ...]:
    """What stands in a base64 text that has one of these words in it, wherever the word begins."""
    return tuple(_mark(word.encode(), shift) for word in words for shift in range(3))


def _mark(word: bytes, shift: int) -> bytes:
    """The characters that depend on nothing but the word, which begins `shift` bytes into a group of three."""
    encoded = b64encode(bytes(shift) + word)
    return encoded[-(-shift * 8 // 6) : (shift + len(word)) * 8 // 6]
