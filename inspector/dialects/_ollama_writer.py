"""Writes Ollama's API: whole answers, errors, requests; edited answers by way of the rewriter.

https://docs.ollama.com/api/chat, https://docs.ollama.com/api/generate, https://docs.ollama.com/api/streaming
"""

from __future__ import annotations

from collections.abc import Iterator

from inspector.dialects._base import Json
from inspector.dialects._fields import list_of, object_of, text_of
from inspector.dialects._ollama_document import check_writable, edit_body, edit_document, said_of
from inspector.dialects._ollama_lines import Shape, bodies
from inspector.dialects._ollama_prompt import write_prompt
from inspector.dialects._ollama_rewriter import OllamaRewriter, edit_lines
from inspector.dialects._ollama_splicer import OllamaSplicer
from inspector.dialects._openai_chat_deltas import slices
from inspector.dialects._pieces import json_bytes
from inspector.dialects._writing import Rewriter, Section, Splicer
from inspector.model.edits import Edits
from inspector.model.message import Answer, Message, Prompt, ToolCall, Usage
from inspector.wire.event import Event

_DURATIONS = ("total_duration", "load_duration", "prompt_eval_duration", "eval_duration")


class OllamaWriter:
    """See `Writer`."""

    keep_alive: bytes = b""
    """The SDK parses every line, an empty one too; and unless it is told otherwise, it waits for ever."""

    def stream(self, answer: Answer, asked: Json) -> list[bytes]:
        """A whole answer as lines. ValueError for a part that this API has no place for in an answer."""
        shape, message = _shape(answer, asked), _message(answer)
        return [*(shape.line(said) for said in _said(message)), shape.line({}, _end(answer, message))]

    def document(self, answer: Answer, asked: Json) -> bytes:
        """A whole answer as one document. ValueError as with `stream`."""
        message = _message(answer)
        whole = _shape(answer, asked).body({}, _end(answer, message))
        return json_bytes(edit_body(whole, Edits(added=list(message.parts))))

    def error(self, status: int, message: str) -> bytes:
        """An error's body: its words, whatever the status."""
        return json_bytes({"error": message})

    def rewriter(self, delivered: list[Event]) -> Rewriter:
        """A rewriter for a stream of which the client has these events."""
        return OllamaRewriter(delivered)

    def splicer(self, delivered: list[Event], before: str, spent: Usage | None) -> Splicer:
        """A splicer for a stream of which the client has these events. ValueError where it has more than words."""
        return OllamaSplicer(delivered, before, spent)

    def edit_document(self, body: bytes, edits: Edits) -> bytes:
        """A whole answer with parts changed; all other bytes stay. ValueError where the edits do not fit it."""
        return edit_document(body, edits) if len(bodies(body)) == 1 else edit_lines(body, edits)

    def sections(self, body: Json) -> list[Section]:
        """The pieces of a request, in the order of the body."""
        return [section for field, value in body.items() for section in _sections(field, value)]

    def write_prompt(self, prompt: Prompt) -> tuple[Json, list[str]]:
        """A request's body that says the same, and what could not be said."""
        return write_prompt(prompt)

    def path(self, model: str) -> str:
        """The path of a request, which is the same for every model."""
        return "/api/chat"


def _shape(answer: Answer, asked: Json) -> Shape:
    """A request with a prompt wants a `response`; one with messages wants a message."""
    words = "content" if "messages" in asked or "prompt" not in asked else "response"
    return Shape(answer.model or text_of(asked.get("model")), words)


def _message(answer: Answer) -> Message:
    message = answer.message or Message("assistant")
    for part in message.parts:
        check_writable(part)
    return message


def _said(message: Message) -> Iterator[Json]:
    """Every part in pieces; a call in one."""
    calls = 0
    for part in message.parts:
        if isinstance(part, ToolCall):
            yield said_of(part, calls)
            calls += 1
        else:
            yield from (said for each in slices(part) if (said := said_of(each)))


def _end(answer: Answer, message: Message) -> Json:
    """What the last line tells; durations are zero for an answer that no model gave."""
    usage = answer.usage or Usage()
    counts = {"prompt_eval_count": usage.input_tokens or 0, "eval_count": usage.output_tokens or 0}
    durations = {name: usage.raw.get(name, 0) for name in _DURATIONS}
    return {"done_reason": message.finish_reason or "stop", **durations, **counts}


def _sections(field: str, value: object) -> Iterator[Section]:
    if field == "messages" and isinstance(value, list):
        for index, message in enumerate(list_of(value)):
            role = text_of(object_of(message).get("role"))
            label = "tool result" if role == "tool" else role or "message"
            yield Section("system" if role == "system" else "message", label, (field, index))
    elif field == "tools" and isinstance(value, list):
        for index, tool in enumerate(list_of(value)):
            name = text_of(object_of(object_of(tool).get("function")).get("name"))
            yield Section("tool", name or "tool", (field, index))
    elif field in ("prompt", "system") and value:
        yield Section("system" if field == "system" else "message", field, (field,))
    else:
        yield Section("setting", field, (field,))
