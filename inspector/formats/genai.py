"""Messages and usage as the OpenTelemetry GenAI conventions write them in JSON.

https://github.com/open-telemetry/semantic-conventions-genai: the schemas of `gen_ai.input.messages` and
`gen_ai.output.messages`, and the attributes `gen_ai.usage.*` without their prefix. What they have no shape for is
written as their generic part, `{"type": …}` with keys of its own.
"""

from __future__ import annotations

from typing import Any

import orjson

from inspector.model.message import (
    Media,
    Message,
    Other,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)
from inspector.model.token import Certainty

Json = dict[str, Any]


def message_json(message: Message) -> Json:
    """A message of the prompt: `{"role", "parts"}`, with `"name"` where it has one."""
    data: Json = {"role": message.role, "parts": [part_json(part) for part in message.parts]}
    if message.name:
        data["name"] = message.name
    return data


def answer_json(message: Message) -> Json:
    """A message of the answer; `"finish_reason"` is the provider's own word, null while there is none."""
    return {**message_json(message), "finish_reason": message.finish_reason}


def part_json(part: Part) -> Json:
    """One part of a message."""
    match part:
        case Text():
            data: Json = {"type": "text", "content": str(part.content)}
            return {**data, "citations": part.citations} if part.citations else data
        case Reasoning():
            sealed = {"signature": part.signature, "encrypted": part.encrypted}
            present = {key: value for key, value in sealed.items() if value}
            return {"type": "reasoning", "content": str(part.content), **present}
        case Refusal():
            return {"type": "refusal", "content": str(part.content)}
        case ToolCall():
            return _call(part)
        case ToolResult():
            data = {"type": "tool_call_response", "id": part.id or None, "response": part.content}
            return {**data, "is_error": True} if part.is_error else data
        case Media():
            return _media(part)
        case Other():
            return {"type": part.kind, "data": part.data}


def usage_json(usage: Usage) -> Json:
    """Token counts under their GenAI names; those that the provider did not give are left out."""
    data: Json = {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read.input_tokens": usage.cache_read_input_tokens,
        "cache_creation.input_tokens": usage.cache_creation_input_tokens,
        "reasoning.output_tokens": usage.reasoning_output_tokens,
        "cost": usage.cost,
    }
    return {key: value for key, value in data.items() if value is not None}


def certainty_json(certainty: Certainty) -> Json:
    """How sure the model was of its answer; the conventions have no names for it. Empty where nothing is known.

    `mean_logprob` is a natural logarithm, `mean_entropy` in bits, `tokens` how many the means are over.
    """
    data: Json = {
        "tokens": certainty.tokens,
        "mean_logprob": certainty.mean_logprob,
        "mean_probability": certainty.mean_probability,
        "perplexity": certainty.perplexity,
        "mean_entropy": certainty.mean_entropy,
    }
    return {key: value for key, value in data.items() if value is not None} if certainty.tokens else {}


def _call(call: ToolCall) -> Json:
    text = str(call.arguments)
    arguments = text if call.kind == "custom" else _parsed(text)
    named = {"id": call.id or None, "name": call.name}
    if call.server_side:
        return {"type": "server_tool_call", **named, "server_tool_call": {"type": call.kind, "arguments": arguments}}
    return {"type": "tool_call", **named, "arguments": arguments}


def _parsed(arguments: str) -> Any:
    """Arguments as JSON where they are JSON, else the text that was sent."""
    try:
        return orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments


def _media(media: Media) -> Json:
    """Bytes that stand in the body are not repeated here: `"size"` says how many they are."""
    data: Json = {"type": "blob", "modality": media.modality, "mime_type": media.mime_type or None}
    if media.uri:
        kind, key = ("uri", "uri") if ":" in media.uri else ("file", "file_id")
        data = {**data, "type": kind, key: media.uri}
    elif media.size:
        data["size"] = media.size
    if media.transcript:
        data["transcript"] = str(media.transcript)
    return data
