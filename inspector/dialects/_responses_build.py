"""The objects of the Responses API, made from messages: items, their content, the response around them.

https://platform.openai.com/docs/api-reference/responses/object
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Sequence

from inspector.dialects._base import Json
from inspector.dialects._fields import object_of, present, text_of
from inspector.model.message import Answer, Part, Reasoning, Refusal, Text, ToolCall, Usage

ARGUMENTS = {"function_call": "arguments", "custom_tool_call": "input"}
"""The items by which the model calls the client's own tools, and where each keeps what it asks for."""

_STATUSES = frozenset({"completed", "incomplete", "failed", "cancelled"})
_DEFAULTS: Json = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "default",
    "store": False,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
"""What a response repeats of its request, and what it says where the request is silent."""


class Ids:
    """Ids as the provider makes them. The same place has the same id each time; two answers share none."""

    def __init__(self) -> None:
        self._seed = secrets.token_hex(16)

    def __call__(self, prefix: str, *place: object) -> str:
        digest = hashlib.sha256(f"{self._seed}/{place}".encode()).hexdigest()
        return f"{prefix}_{digest[:48]}"


def check_writable(part: Part) -> None:
    """ValueError for what cannot stand in an answer that somebody else than the provider writes."""
    if isinstance(part, Text | Reasoning | Refusal) or (isinstance(part, ToolCall) and not part.server_side):
        return
    words = "a tool that the provider runs itself" if isinstance(part, ToolCall) else f"a part of kind {_kind(part)}"
    raise ValueError(f"{words} cannot be written into an answer: only text, reasoning, refusals and the client's tools")


def _kind(part: Part) -> str:
    return {"ToolResult": "tool result"}.get(type(part).__name__, type(part).__name__.lower())


def items_of(parts: Sequence[Part], ids: Ids, *place: object) -> list[Json]:
    """Parts as output items. Words that follow each other are one message. ValueError for what cannot be written."""
    items: list[Json] = []
    for number, part in enumerate(parts):
        check_writable(part)
        match part:
            case Text() | Refusal():
                if not items or items[-1]["type"] != "message":
                    items.append(message_item(ids("msg", *place, number)))
                items[-1]["content"].append(content_of(part))
            case Reasoning():
                items.append(_reasoning(part, ids("rs", *place, number)))
            case ToolCall():
                items.append(_call(part, ids, *place, number))
    return items


def message_item(item_id: str) -> Json:
    """A message of the model's, with nothing in it."""
    return {"id": item_id, "type": "message", "status": "completed", "role": "assistant", "content": []}


def content_of(part: Text | Refusal) -> Json:
    """A piece of a message's content."""
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": str(part.content)}
    return {"type": "output_text", "text": str(part.content), "annotations": list(part.citations), "logprobs": []}


def thought_of(part: Reasoning, place: str) -> Json:
    """A piece of a reasoning item, which shows it as a `summary` or as `content`."""
    return {"type": "summary_text" if place == "summary" else "reasoning_text", "text": str(part.content)}


def _reasoning(part: Reasoning, item_id: str) -> Json:
    summary = [thought_of(part, "summary")] if part.content else []
    return present(
        {"id": item_id, "type": "reasoning", "summary": summary, "encrypted_content": part.encrypted or None}
    )


def _call(part: ToolCall, ids: Ids, *place: object) -> Json:
    kind, prefix = ("custom_tool_call", "ctc") if part.kind == "custom" else ("function_call", "fc")
    return {
        "id": ids(prefix, *place),
        "type": kind,
        "status": "completed",
        "call_id": part.id or ids("call", *place),
        "name": part.name,
        ARGUMENTS[kind]: str(part.arguments),
    }


def finished(response: Json, finish_reason: str) -> Json:
    """A response that ended in that way, in the API's own words: a status, or why it is incomplete."""
    if finish_reason in _STATUSES:
        details = response.get("incomplete_details") if finish_reason == "incomplete" else None
        return {**response, "status": finish_reason, "incomplete_details": details}
    return {**response, "status": "incomplete", "incomplete_details": {"reason": finish_reason}}


def begun(answer: Answer, asked: Json, ids: Ids) -> Json:
    """The response object of an answer that has just begun; it repeats what was asked for."""
    return {
        "id": answer.id or ids("resp"),
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "model": answer.model or text_of(asked.get("model")),
        "output": [],
        "usage": None,
        **{name: default if asked.get(name) is None else asked[name] for name, default in _DEFAULTS.items()},
    }


def ended(response: Json, answer: Answer, output: list[Json]) -> Json:
    """The same response when all of it is there."""
    message = answer.message
    whole = {**response, "output": output, "usage": _usage(answer.usage or Usage())}
    if answer.error is not None:
        code, _, words = answer.error.rpartition(": ")
        return {**finished(whole, "failed"), "error": {"code": code or "server_error", "message": words}}
    whole = finished(whole, (message.finish_reason if message else None) or "completed")
    if whole["status"] == "incomplete" and output and "status" in output[-1]:
        output[-1]["status"] = "incomplete"
    return whole


def _usage(usage: Usage) -> Json:
    """Token counts in this API's names. What is not known counts as none: agents add these numbers up."""
    if object_of(usage.raw.get("output_tokens_details")) and "total_tokens" in usage.raw:
        return usage.raw
    given, made = usage.input_tokens or 0, usage.output_tokens or 0
    details = {
        "cached_tokens": usage.cache_read_input_tokens or 0,
        "cache_write_tokens": usage.cache_creation_input_tokens or 0,
    }
    return {
        "input_tokens": given,
        "input_tokens_details": details,
        "output_tokens": made,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_output_tokens or 0},
        "total_tokens": given + made,
    }
