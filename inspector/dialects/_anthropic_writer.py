"""Writes the Anthropic Messages API: answers, errors and requests.

https://docs.anthropic.com/en/api/messages, https://docs.anthropic.com/en/docs/build-with-claude/streaming and
https://docs.anthropic.com/en/api/errors
"""

from __future__ import annotations

from inspector.dialects._anthropic_document import edit_document
from inspector.dialects._anthropic_events import block_events, framed, message_head, stop_reason, whole
from inspector.dialects._anthropic_prompt import write_prompt
from inspector.dialects._anthropic_rewriter import AnthropicRewriter
from inspector.dialects._anthropic_splicer import AnthropicSplicer
from inspector.dialects._base import Json
from inspector.dialects._fields import list_of, object_of, present, text_of
from inspector.dialects._pieces import json_bytes
from inspector.dialects._writing import Rewriter, Section, Splicer
from inspector.model.edits import Edits
from inspector.model.message import Answer, Message, Prompt, Usage
from inspector.wire.event import Event

_ERRORS = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class AnthropicWriter:
    """The Messages API, written."""

    keep_alive: bytes = b'event: ping\ndata: {"type": "ping"}\n\n'

    def stream(self, answer: Answer, asked: Json) -> list[bytes]:
        """A whole answer as the events of a stream; one that failed ends with its error."""
        message, usage = _message(answer), _usage(answer.usage)
        started = {**usage, "output_tokens": min(usage["output_tokens"], 1)}
        pieces = [framed("message_start", message=message_head(answer.id, _model(answer, asked), started))]
        for index, part in enumerate(message.parts):
            pieces += block_events(part, index)
        if answer.error:
            return [*pieces, framed("error", error=_error(*_kind_and_words(answer.error)))]
        delta = {"stop_reason": _reason(message), "stop_sequence": None}
        return [*pieces, framed("message_delta", delta=delta, usage=usage), framed("message_stop")]

    def document(self, answer: Answer, asked: Json) -> bytes:
        """A whole answer as one message, or as its error where it failed."""
        if answer.error:
            return json_bytes({"type": "error", "error": _error(*_kind_and_words(answer.error))})
        message = _message(answer)
        head = message_head(answer.id, _model(answer, asked), _usage(answer.usage))
        content = [whole(part) for part in message.parts]
        return json_bytes({**head, "content": content, "stop_reason": _reason(message)})

    def error(self, status: int, message: str) -> bytes:
        """The body of an HTTP error."""
        kind = _ERRORS.get(status, "api_error" if status >= 500 else "invalid_request_error")
        return json_bytes({"type": "error", "error": _error(kind, message), "request_id": None})

    def rewriter(self, delivered: list[Event]) -> Rewriter:
        """A rewriter for a stream of which the client has these events."""
        return AnthropicRewriter(delivered)

    def splicer(self, delivered: list[Event], before: str, spent: Usage | None) -> Splicer:
        """A splicer for a stream of which the client has these events. ValueError where it has a call, or the end."""
        return AnthropicSplicer(delivered, before, spent)

    def edit_document(self, body: bytes, edits: Edits) -> bytes:
        """A message with parts changed; all other bytes stay. ValueError where the edits do not fit it."""
        return edit_document(body, edits)

    def sections(self, body: Json) -> list[Section]:
        """The pieces of a request, in their order."""
        return [section for name, value in body.items() for section in _sections(name, value)]

    def write_prompt(self, prompt: Prompt) -> tuple[Json, list[str]]:
        """A request's body, and what could not be said in it."""
        return write_prompt(prompt)

    def path(self, model: str) -> str:
        """The path of every request."""
        return "/v1/messages"


def _message(answer: Answer) -> Message:
    return answer.message or Message("assistant")


def _model(answer: Answer, asked: Json) -> str:
    return answer.model or text_of(asked.get("model"))


def _reason(message: Message) -> str:
    return message.finish_reason or stop_reason(message.parts)


def _error(kind: str, message: str) -> Json:
    return {"type": kind, "message": message}


def _kind_and_words(error: str) -> tuple[str, str]:
    """An error as the transcript has it: `type: message`."""
    kind, found, words = error.partition(": ")
    return (kind, words) if found and kind.endswith("_error") else ("api_error", error)


def _usage(usage: Usage | None) -> Json:
    """Token counts as Anthropic has them: its `input_tokens` leave out what the cache took and gave."""
    usage = usage or Usage()
    read, created = usage.cache_read_input_tokens, usage.cache_creation_input_tokens
    counts = {
        "input_tokens": max((usage.input_tokens or 0) - (read or 0) - (created or 0), 0),
        "cache_creation_input_tokens": created,
        "cache_read_input_tokens": read,
        "output_tokens": usage.output_tokens or 0,
    }
    thought = usage.reasoning_output_tokens
    return present({**counts, "output_tokens_details": None if thought is None else {"thinking_tokens": thought}})


def _sections(name: str, value: object) -> list[Section]:
    """The pieces under one of a request's keys."""
    match name:
        case "system" if isinstance(value, list):
            return [Section("system", "system", (name, index)) for index in range(len(value))]
        case "system":
            return [Section("system", "system", (name,))]
        case "messages":
            messages = enumerate(object_of(message) for message in list_of(value))
            return [Section("message", _label(message), (name, index)) for index, message in messages]
        case "tools":
            tools = enumerate(object_of(tool) for tool in list_of(value))
            return [Section("tool", _tool_name(tool), (name, index)) for index, tool in tools]
        case _:
            return [Section("setting", name, (name,))]


def _label(message: Json) -> str:
    """A message's role; a user's turn that only brings what tools gave back is called after that."""
    blocks = list_of(message.get("content"))
    if blocks and all(text_of(object_of(block).get("type")).endswith("tool_result") for block in blocks):
        return "tool result"
    return text_of(message.get("role")) or "message"


def _tool_name(tool: Json) -> str:
    return text_of(tool.get("name")) or text_of(tool.get("mcp_server_name")) or text_of(tool.get("type")) or "tool"
