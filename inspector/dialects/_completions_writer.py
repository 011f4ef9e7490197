"""Writes the Completions API: whole answers, errors, requests; edited answers by way of the rewriter.

https://platform.openai.com/docs/api-reference/completions
"""

from __future__ import annotations

from collections.abc import Iterator

from inspector.dialects._base import Json
from inspector.dialects._completions_prompt import write_prompt
from inspector.dialects._completions_rewriter import CompletionsRewriter, check_text, edit_document
from inspector.dialects._completions_shape import new_head
from inspector.dialects._completions_splicer import CompletionsSplicer
from inspector.dialects._fields import int_of, object_of, text_of
from inspector.dialects._openai_chat_reader import DONE
from inspector.dialects._openai_chat_writer import ChatWriter
from inspector.dialects._pieces import json_bytes, pieces, sse
from inspector.dialects._writing import Rewriter, Section, Splicer
from inspector.model.edits import Edits
from inspector.model.message import Answer, Message, Prompt, Usage
from inspector.wire.event import Event

_CHAT = ChatWriter()


class CompletionsWriter:
    """See `Writer`."""

    keep_alive: bytes = _CHAT.keep_alive

    def stream(self, answer: Answer, asked: Json) -> list[bytes]:
        """A whole answer as events. ValueError for a part that is no text."""
        head = _head(answer, asked)
        counted = object_of(asked.get("stream_options")).get("include_usage") is True
        if counted:
            head["usage"] = None
        choices: list[Json] = []
        for index, message in enumerate(answer.choices):
            choices += [_choice(index, piece, None) for piece in pieces(_text(message))]
            choices.append(_choice(index, "", message.finish_reason or "stop"))
        events = [sse({**head, "choices": [choice]}) for choice in choices]
        if counted:
            events.append(sse({**head, "choices": [], "usage": _usage(answer.usage)}))
        return [*events, sse(DONE)]

    def document(self, answer: Answer, asked: Json) -> bytes:
        """A whole answer as one document. ValueError as with `stream`."""
        choices = [
            _choice(index, _text(message), message.finish_reason or "stop")
            for index, message in enumerate(answer.choices)
        ]
        return json_bytes({**_head(answer, asked), "choices": choices, "usage": _usage(answer.usage)})

    def error(self, status: int, message: str) -> bytes:
        """An error's body, which is that of Chat Completions."""
        return _CHAT.error(status, message)

    def rewriter(self, delivered: list[Event]) -> Rewriter:
        """A rewriter for a stream of which the client has these events."""
        return CompletionsRewriter(delivered)

    def splicer(self, delivered: list[Event], before: str, spent: Usage | None) -> Splicer:
        """A splicer for a stream of which the client has these events. ValueError where it has more than words."""
        return CompletionsSplicer(delivered, before, spent)

    def edit_document(self, body: bytes, edits: Edits) -> bytes:
        """A whole answer with its text changed; all other bytes stay. ValueError where the edits do not fit it."""
        return edit_document(body, edits)

    def sections(self, body: Json) -> list[Section]:
        """The pieces of a request, in the order of the body: each text of the prompt is a message."""
        return [section for field, value in body.items() for section in _sections(field, value)]

    def write_prompt(self, prompt: Prompt) -> tuple[Json, list[str]]:
        """A request's body that says the same as far as one text can, and what could not be said."""
        return write_prompt(prompt)

    def path(self, model: str) -> str:
        """The path of a request, which is the same for every model."""
        return "/v1/completions"


def _head(answer: Answer, asked: Json) -> Json:
    head = new_head(answer.model or text_of(asked.get("model")))
    return {**head, "id": answer.id} if answer.id else head


def _text(message: Message) -> str:
    for part in message.parts:
        check_text(part)
    return message.text()


def _choice(index: int, words: str, finish: str | None) -> Json:
    return {"text": words, "index": index, "logprobs": None, "finish_reason": finish}


def _usage(usage: Usage | None) -> Json:
    """Token counts as this API has them; zeros for an answer that no model gave."""
    usage = usage or Usage()
    if int_of(usage.raw.get("prompt_tokens")) is not None:
        return usage.raw
    given, written = usage.input_tokens or 0, usage.output_tokens or 0
    return {"prompt_tokens": given, "completion_tokens": written, "total_tokens": given + written}


def _sections(field: str, value: object) -> Iterator[Section]:
    if field != "prompt":
        yield Section("setting", field, (field,))
    elif isinstance(value, list) and value and not any(int_of(member) is not None for member in value):
        for index in range(len(value)):
            yield Section("message", "prompt", (field, index))
    else:
        yield Section("message", "prompt", (field,))
