"""Writes Cohere's Chat API: answers, errors and requests.

https://docs.cohere.com/v2/reference/chat, https://docs.cohere.com/v2/reference/chat-stream and
https://docs.cohere.com/reference/errors
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from inspector.dialects import _cohere_v1 as v1
from inspector.dialects._base import Json
from inspector.dialects._cohere_document import edit_document
from inspector.dialects._cohere_events import (
    check_writable,
    citation,
    citations_of,
    ending,
    family_of,
    finish_reason,
    framed,
    growth,
    message_head,
    opening,
    whole_call,
    whole_content,
)
from inspector.dialects._cohere_prompt import write_prompt
from inspector.dialects._cohere_rewriter import DONE, CohereRewriter
from inspector.dialects._fields import list_of, object_of, text_of
from inspector.dialects._pieces import json_bytes, sse
from inspector.dialects._writing import Rewriter, Section, Splicer
from inspector.model.edits import Edits
from inspector.model.message import Answer, Message, Prompt, ToolCall, Usage
from inspector.wire.event import Event


class CohereWriter:
    """The Chat API, written: its second version, and as far as answers go its first."""

    keep_alive: bytes = b": keep-alive\n\n"

    def stream(self, answer: Answer, asked: Json) -> list[bytes]:
        """A whole answer as the events of a stream; one that failed ends with its error. ValueError for a part that
        this API has no place for.
        """
        message = _message(answer)
        if _is_v1(asked):
            return v1.stream(answer)
        out = [sse(message_head(answer.id), "message-start")]
        places = {"content": 0, "call": 0}
        cited = 0
        for part in message.parts:
            family = family_of(part)
            place = places[family]
            places[family] += 1
            out += [opening(part, place)[0], *growth(part, family, place)]
            for each in citations_of(part):
                out += citation(each, cited)
                cited += 1
            out += ending(family, place)
        delta: Json = {"finish_reason": _reason(answer, message), "usage": _usage(answer.usage)}
        if answer.error:
            delta = {"error": answer.error, **delta}
        return [*out, framed("message-end", delta=delta), DONE]

    def document(self, answer: Answer, asked: Json) -> bytes:
        """A whole answer as one document, or as its error where it failed. ValueError as with `stream`."""
        if answer.error:
            return json_bytes({"message": answer.error})
        message = _message(answer)
        if _is_v1(asked):
            return json_bytes(v1.document(answer))
        said: Json = {"role": "assistant"}
        calls = [whole_call(part) for part in message.parts if isinstance(part, ToolCall)]
        content = [whole_content(part) for part in message.parts if not isinstance(part, ToolCall)]
        cited = [each for part in message.parts for each in citations_of(part)]
        said |= {
            name: value for name, value in (("content", content), ("tool_calls", calls), ("citations", cited)) if value
        }
        head = {"id": answer.id or str(uuid.uuid4()), "message": said, "finish_reason": _reason(answer, message)}
        return json_bytes({**head, "usage": _usage(answer.usage)})

    def error(self, status: int, message: str) -> bytes:
        """The body of an HTTP error: the status tells its kind."""
        return json_bytes({"id": str(uuid.uuid4()), "message": message})

    def rewriter(self, delivered: list[Event]) -> Rewriter:
        """A rewriter for a stream of which the client has these events."""
        return CohereRewriter(delivered)

    def splicer(self, delivered: list[Event], before: str, spent: Usage | None) -> Splicer:
        """ValueError always: this API begins every answer anew."""
        raise ValueError("Cohere's API cannot go on from the beginning of an answer: it always begins a new one")

    def edit_document(self, body: bytes, edits: Edits) -> bytes:
        """A whole answer with parts changed; all other bytes stay. ValueError where the edits do not fit it."""
        return edit_document(body, edits)

    def sections(self, body: Json) -> list[Section]:
        """The pieces of a request, in their order."""
        return [section for field, value in body.items() for section in _sections(field, value)]

    def write_prompt(self, prompt: Prompt) -> tuple[Json, list[str]]:
        """A request's body that says the same, and what could not be said."""
        return write_prompt(prompt)

    def path(self, model: str) -> str:
        """The path of every request."""
        return "/v2/chat"


def _is_v1(asked: Json) -> bool:
    return isinstance(asked.get("message"), str) and "messages" not in asked


def _message(answer: Answer) -> Message:
    message = answer.message or Message("assistant")
    for part in message.parts:
        check_writable(part)
    return message


def _reason(answer: Answer, message: Message) -> str:
    return message.finish_reason or ("ERROR" if answer.error else finish_reason(message.parts))


def _usage(usage: Usage | None) -> Json:
    """Token counts as this API has them; zeros for an answer that no model gave."""
    usage = usage or Usage()
    if object_of(usage.raw.get("tokens")):
        return usage.raw
    counts = {"input_tokens": usage.input_tokens or 0, "output_tokens": usage.output_tokens or 0}
    thought = usage.reasoning_output_tokens
    tokens = counts if thought is None else {**counts, "reasoning_tokens": thought}
    return {"billed_units": counts, "tokens": tokens, "cached_tokens": usage.cache_read_input_tokens or 0}


def _sections(field: str, value: object) -> Iterator[Section]:
    """The pieces under one of a request's keys, of either version."""
    if field in ("messages", "chat_history") and isinstance(value, list):
        for index, message in enumerate(list_of(value)):
            role = text_of(object_of(message).get("role")).lower()
            label = "tool result" if role == "tool" else role or "message"
            yield Section("system" if role in ("system", "developer") else "message", label, (field, index))
    elif field == "tools" and isinstance(value, list):
        for index, tool in enumerate(list_of(value)):
            spec = object_of(object_of(tool).get("function")) or object_of(tool)
            yield Section("tool", text_of(spec.get("name")) or "tool", (field, index))
    elif field == "preamble":
        yield Section("system", "system", (field,))
    elif field == "message":
        yield Section("message", "user", (field,))
    else:
        yield Section("setting", field, (field,))
