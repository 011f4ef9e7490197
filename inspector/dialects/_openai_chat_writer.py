"""Writes the Chat Completions API: whole answers, errors, requests; edited answers by way of the rewriter.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from collections.abc import Iterator

from inspector.dialects._base import Json
from inspector.dialects._fields import int_of, list_of, object_of, text_of
from inspector.dialects._openai_chat_deltas import check_writable, delta_of, grow, slices, with_id
from inspector.dialects._openai_chat_document import edit_document
from inspector.dialects._openai_chat_prompt import write_prompt
from inspector.dialects._openai_chat_reader import DONE
from inspector.dialects._openai_chat_rewriter import ChatRewriter
from inspector.dialects._openai_chat_shape import new_head
from inspector.dialects._openai_chat_splicer import ChatSplicer
from inspector.dialects._pieces import json_bytes, sse
from inspector.dialects._writing import Rewriter, Section, Splicer
from inspector.model.edits import Edits
from inspector.model.message import Answer, Message, Part, Prompt, Text, ToolCall, Usage
from inspector.wire.event import Event

_ERRORS = {
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", None),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
}
"""Type and code by status: https://platform.openai.com/docs/guides/error-codes"""
_SYSTEM = frozenset({"system", "developer"})


class ChatWriter:
    """See `Writer`."""

    keep_alive: bytes = b": keep-alive\n\n"

    def stream(self, answer: Answer, asked: Json) -> list[bytes]:
        """A whole answer as chunks. ValueError for a part that this API has no place for in an answer."""
        head = _head(answer, asked, "chat.completion.chunk")
        counted = object_of(asked.get("stream_options")).get("include_usage") is True
        if counted:
            head["usage"] = None
        chunks: list[Json] = []
        for index, message in enumerate(answer.choices):
            deltas, finish = [*_deltas(message)], _finish(message)
            told = [*((delta, None) for delta in deltas), ({}, finish)]
            chunks += [{"index": index, "delta": delta, "logprobs": None, "finish_reason": end} for delta, end in told]
        events = [sse({**head, "choices": [choice]}) for choice in chunks]
        if counted:
            events.append(sse({**head, "choices": [], "usage": _usage(answer.usage)}))
        return [*events, sse(DONE)]

    def document(self, answer: Answer, asked: Json) -> bytes:
        """A whole answer as one document. ValueError as with `stream`."""
        choices = [
            {"index": index, "message": _whole(message), "logprobs": None, "finish_reason": _finish(message)}
            for index, message in enumerate(answer.choices)
        ]
        head = _head(answer, asked, "chat.completion")
        return json_bytes({**head, "choices": choices, "usage": _usage(answer.usage)})

    def error(self, status: int, message: str) -> bytes:
        """An error's body: `type` and `code` are those that OpenAI uses with that status."""
        kind, code = _ERRORS.get(status, ("server_error" if status >= 500 else "invalid_request_error", None))
        if status == 429 and "quota" in message.lower():
            kind = code = "insufficient_quota"
        return json_bytes({"error": {"message": message, "type": kind, "param": None, "code": code}})

    def rewriter(self, delivered: list[Event]) -> Rewriter:
        """A rewriter for a stream of which the client has these events."""
        return ChatRewriter(delivered)

    def splicer(self, delivered: list[Event], before: str, spent: Usage | None) -> Splicer:
        """A splicer for a stream of which the client has these events. ValueError where it has more than words."""
        return ChatSplicer(delivered, before, spent)

    def edit_document(self, body: bytes, edits: Edits) -> bytes:
        """A whole answer with parts changed; all other bytes stay. ValueError where the edits do not fit it."""
        return edit_document(body, edits)

    def sections(self, body: Json) -> list[Section]:
        """The pieces of a request, in the order of the body."""
        return [section for field, value in body.items() for section in _sections(field, value)]

    def write_prompt(self, prompt: Prompt) -> tuple[Json, list[str]]:
        """A request's body that says the same, and what could not be said."""
        return write_prompt(prompt)

    def path(self, model: str) -> str:
        """The path of a request, which is the same for every model."""
        return "/v1/chat/completions"


def _head(answer: Answer, asked: Json, kind: str) -> Json:
    head = new_head(answer.model or text_of(asked.get("model")), kind)
    return {**head, "id": answer.id} if answer.id else head


def _parts(message: Message) -> list[Part]:
    for part in message.parts:
        check_writable(part)
    return [with_id(part) for part in message.parts]


def _deltas(message: Message) -> Iterator[Json]:
    """The role, then every part in pieces."""
    parts = _parts(message)
    worded = any(isinstance(part, Text) for part in parts)
    yield {"role": "assistant", "content": "" if worded else None, "refusal": None}
    calls = -1
    for part in parts:
        calls += isinstance(part, ToolCall)
        yield from (delta_of(each, calls) for each in slices(part))
    if cited := _annotations(parts):
        yield {"annotations": cited}


def _whole(message: Message) -> Json:
    whole: Json = {"role": "assistant", "content": None, "refusal": None}
    parts = _parts(message)
    for part in parts:
        grow(whole, delta_of(part))
    if cited := _annotations(parts):
        whole["annotations"] = cited
    return whole


def _annotations(parts: list[Part]) -> list[object]:
    """Citations that were this API's own."""
    cited = [citation for part in parts if isinstance(part, Text) for citation in part.citations]
    return [citation for citation in cited if object_of(citation).get("type") == "url_citation"]


def _finish(message: Message) -> str:
    return message.finish_reason or ("tool_calls" if message.tool_calls() else "stop")


def _usage(usage: Usage | None) -> Json:
    """Token counts as this API has them; zeros for an answer that no model gave."""
    usage = usage or Usage()
    if int_of(usage.raw.get("prompt_tokens")) is not None:
        return usage.raw
    given, written = usage.input_tokens or 0, usage.output_tokens or 0
    return {
        "prompt_tokens": given,
        "completion_tokens": written,
        "total_tokens": given + written,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read_input_tokens or 0},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_output_tokens or 0},
    }


def _sections(field: str, value: object) -> Iterator[Section]:
    if field == "messages" and isinstance(value, list):
        for index, message in enumerate(list_of(value)):
            role = text_of(object_of(message).get("role"))
            label = "tool result" if role in ("tool", "function") else role or "message"
            yield Section("system" if role in _SYSTEM else "message", label, (field, index))
    elif field in ("tools", "functions") and isinstance(value, list):
        for index, tool in enumerate(list_of(value)):
            kind = text_of(object_of(tool).get("type"))
            spec = object_of(object_of(tool).get(kind)) or object_of(tool)
            yield Section("tool", text_of(spec.get("name")) or kind or "tool", (field, index))
    else:
        yield Section("setting", field, (field,))
