"""Reads an answer of Cohere's Chat API into a transcript: that of `/v2/chat`, and that of `/v1/chat` by its own reader.

Content and calls are numbered apart from each other. A plan has no number: it is one, before everything else.
"""

from __future__ import annotations

from typing import TypeVar

from inspector.dialects._base import Json, parse_object
from inspector.dialects._cohere_blocks import answer_parts, begun_part, cited_text, usage_of
from inspector.dialects._cohere_logprobs import slots_of
from inspector.dialects._cohere_v1 import V1Reader, is_v1
from inspector.dialects._fields import error_text, int_of, object_of, present, text_of
from inspector.dialects._openai_chat_parts import whole_call
from inspector.model.message import Message, Part, Reasoning, Text, ToolCall, Transcript
from inspector.wire.event import Event

DONE = b"[DONE]"
_P = TypeVar("_P", Text, Reasoning)
_SILENT = frozenset({"content-end", "citation-end", "debug"})


class CohereReader:
    """Takes the events of one answer, or its one document."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._answer = transcript.answer
        self._old = V1Reader(transcript)
        self._plan: Reasoning | None = None
        self._content: dict[int, Part] = {}
        self._calls: dict[int, ToolCall] = {}

    def event(self, event: Event) -> None:
        """Take one event. ValueError where its payload is no JSON object."""
        if event.kind == "comment" or event.data.strip() in (b"", DONE):
            return
        if event.kind == "document":
            self._document(event.data)
        else:
            self._take(parse_object(event.data), event.name)

    def close(self) -> None:
        """Take the end of the response. Open calls stay open."""

    def _document(self, body: bytes) -> None:
        """A whole answer, an error, or the lines of a stream that calls itself something else."""
        try:
            data = parse_object(body)
        except ValueError:
            for line in body.splitlines():
                if line.strip():
                    self._take(parse_object(line), "")
            return
        if "event_type" in data or "type" in data:
            self._take(data, "")
        elif is_v1(data):
            self._old.document(data)
        else:
            self._whole(data)

    def _take(self, data: Json, name: str) -> None:
        if "event_type" in data:
            self._old.event(data)
        else:
            self._step(text_of(data.get("type")) or name, data)

    def _whole(self, data: Json) -> None:
        message = data.get("message")
        self._answer.complete = self._answer.message is None
        if not isinstance(message, dict):
            self._answer.error = error_of(data)
            if self._answer.error is None:
                self._transcript.note("the body is neither a message nor an error")
            return
        self._answer.id = text_of(data.get("id"))
        self._message().parts.extend(answer_parts(message))
        self._finish(data)
        self._count(data)

    def _step(self, kind: str, data: Json) -> None:
        message = object_of(object_of(data.get("delta")).get("message"))
        index = int_of(data.get("index")) or 0
        match kind:
            case "message-start":
                self._answer.id = text_of(data.get("id")) or self._answer.id
                self._message()
            case "content-start":
                self._add(index, begun_part(object_of(message.get("content"))))
            case "content-delta":
                self._grow(index, object_of(message.get("content")))
            case "tool-plan-delta":
                self._grow_plan(text_of(message.get("tool_plan")))
            case "tool-call-start" | "tool-call-delta":
                self._grow_call(index, object_of(message.get("tool_calls")))
            case "tool-call-end":
                if (call := self._calls.get(index)) is not None:
                    call.done = True
                    call.arguments.append("" if call.arguments else "{}")
            case "citation-start":
                self._cite(object_of(message.get("citations")))
            case "message-end":
                self._answer.complete = True
                self._finish(object_of(data.get("delta")))
            case _ if kind not in _SILENT:
                self._other(kind, data)
        self._count(data)

    def _other(self, kind: str, data: Json) -> None:
        if error := error_of(data):
            self._answer.error = error
        else:
            self._transcript.note(f"unknown event: {kind or 'without a type'}")

    def _message(self) -> Message:
        return self._answer.choice(0)

    def _add(self, index: int, part: Part) -> None:
        self._content[index] = part
        self._message().parts.append(part)

    def _grow(self, index: int, content: Json) -> None:
        if words := text_of(content.get("text")):
            self._block(index, Text).content.append(words)
        if words := text_of(content.get("thinking")):
            self._block(index, Reasoning).content.append(words)

    def _block(self, index: int, kind: type[_P]) -> _P:
        """The content of that index, begun where the stream left its start out or named another kind."""
        part = self._content.get(index)
        if not isinstance(part, kind):
            part = kind()
            self._add(index, part)
        return part

    def _grow_plan(self, words: str) -> None:
        if self._plan is None:
            self._plan = Reasoning()
            self._message().parts.append(self._plan)
        self._plan.content.append(words)

    def _grow_call(self, index: int, given: Json) -> None:
        call = self._calls.get(index)
        piece = whole_call(given)
        if call is None or (piece.id and piece.id != call.id and call.done):
            call = self._calls[index] = ToolCall(kind=piece.kind)
            self._message().parts.append(call)
        call.id, call.name = call.id or piece.id, call.name or piece.name
        call.arguments.append(str(piece.arguments))

    def _cite(self, citation: Json) -> None:
        content = [self._content[index] for index in sorted(self._content)]
        if (text := cited_text(content, citation)) is not None:
            text.citations.append(citation)

    def _finish(self, data: Json) -> None:
        """The reason, the token counts, and an error, which stand together at the end."""
        if reason := text_of(data.get("finish_reason")):
            self._message().finish_reason = reason
        if usage := present(object_of(data.get("usage"))):
            self._answer.usage = usage_of(usage)
        if error := data.get("error"):
            self._answer.error = text_of(error) or error_text({"error": error})

    def _count(self, data: Json) -> None:
        if data.get("logprobs"):
            for slot in slots_of(data):
                self._answer.certainty.add(slot.logprob)


def error_of(data: Json) -> str | None:
    """Cohere's error: `{"message": "…"}`, beside the forms that gateways give."""
    words = text_of(data.get("message"))
    return words or error_text(data)
