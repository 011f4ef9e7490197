"""Reads an answer of the Anthropic Messages API into a transcript.

Blocks are keyed by their `index`: nothing promises that only one is open at a time. What is open when the stream ends,
or fails, stays as it is and not done.
"""

from __future__ import annotations

from typing import TypeVar

from inspector.dialects._anthropic_blocks import part_of
from inspector.dialects._base import Json, parse_object
from inspector.dialects._fields import (
    error_text,
    float_of,
    int_of,
    name_results,
    object_of,
    objects_of,
    present,
    text_of,
)
from inspector.model.message import Growing, Message, Other, Part, Reasoning, Text, ToolCall, Transcript, Usage
from inspector.wire.event import Event

_P = TypeVar("_P", Text, Reasoning, ToolCall)

_INPUT_COUNTS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


class AnthropicReader:
    """Takes the events of one answer, or its one document."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._answer = transcript.answer
        self._blocks: dict[int, Part] = {}
        self._first_input: dict[int, str] = {}
        """What a tool call's start gave for its input: it counts where no delta follows."""

    def event(self, event: Event) -> None:
        """Take one event. ValueError where its payload is no JSON object."""
        if event.kind == "comment" or event.data.strip() in (b"", b"[DONE]"):
            return
        data = parse_object(event.data)
        if event.kind == "document":
            self._document(data)
        else:
            self._step(text_of(data.get("type")) or event.name, data)

    def close(self) -> None:
        """Take the end of the response. Open blocks stay open."""

    def _step(self, kind: str, data: Json) -> None:
        match kind:
            case "content_block_delta":
                self._delta(int_of(data.get("index")) or 0, object_of(data.get("delta")))
            case "content_block_start":
                self._start(int_of(data.get("index")) or 0, object_of(data.get("content_block")))
            case "content_block_stop":
                self._stop(int_of(data.get("index")) or 0)
            case "message_start":
                self._message_start(object_of(data.get("message")))
            case "message_delta":
                self._finish(object_of(data.get("delta")).get("stop_reason"), data.get("usage"))
            case "message_stop":
                self._answer.complete = True
            case "message":
                self._document(data)
            case "ping":
                pass
            case _:
                self._other(kind, data)

    def _other(self, kind: str, data: Json) -> None:
        if error := error_text(data):
            self._answer.error = error
        else:
            self._transcript.note(f"unknown event: {kind or 'without a type'}")

    def _document(self, data: Json) -> None:
        """An answer that came whole: a message or an error. An error may also break off a stream in this way."""
        self._answer.complete = not self._blocks
        if error := error_text(data):
            self._answer.error = error
            return
        if "content" not in data and "usage" not in data:
            self._transcript.note("the body is neither a message nor an error")
            return
        self._message_start(data)
        self._finish(data.get("stop_reason"), None)

    def _message_start(self, data: Json) -> None:
        """The head of a message; its blocks too, where it is whole."""
        self._answer.id = text_of(data.get("id")) or self._answer.id
        self._answer.model = text_of(data.get("model")) or self._answer.model
        message = self._message()
        message.parts.extend(part_of(block) for block in objects_of(data.get("content")))
        name_results([message])
        self._count(data.get("usage"))

    def _message(self) -> Message:
        return self._answer.choice(0)

    def _start(self, index: int, block: Json) -> None:
        part = part_of(block)
        if isinstance(part, ToolCall):
            part.done = False
            self._first_input[index] = str(part.arguments)
            if not block.get("input"):
                part.arguments = Growing()
        elif isinstance(part, Other) and part.kind == "fallback":
            # From here on another model answers.
            self._answer.model = text_of(object_of(block.get("to")).get("model")) or self._answer.model
        message = self._message()
        self._blocks[index] = part
        message.parts.append(part)
        name_results([message])

    def _stop(self, index: int) -> None:
        part = self._blocks.get(index)
        if isinstance(part, ToolCall):
            part.done = True
            if not part.arguments:
                part.arguments.replace(self._first_input.get(index, "{}"))

    def _delta(self, index: int, delta: Json) -> None:
        kind = text_of(delta.get("type"))
        match kind:
            case "text_delta":
                self._part(index, Text).content.append(text_of(delta.get("text")))
            case "thinking_delta":
                self._part(index, Reasoning).content.append(text_of(delta.get("thinking")))
            case "signature_delta":
                self._part(index, Reasoning).signature = text_of(delta.get("signature"))
            case "citations_delta":
                self._part(index, Text).citations.append(delta.get("citation"))
            case "input_json_delta":
                self._input(index, text_of(delta.get("partial_json")))
            case "compaction_delta":
                self._compaction(index, delta)
            case _:
                self._transcript.note(f"unknown delta: {kind or 'without a type'}")

    def _part(self, index: int, kind: type[_P]) -> _P:
        """The open block of that index, made where the stream left its start out or names another kind."""
        part = self._blocks.get(index)
        if isinstance(part, kind):
            return part
        made = kind()
        self._blocks[index] = made
        self._message().parts.append(made)
        return made

    def _input(self, index: int, piece: str) -> None:
        """A piece of a call's input. The first one replaces what the start gave; an empty one says nothing."""
        call = self._part(index, ToolCall)
        if not piece:
            return
        if str(call.arguments) == self._first_input.pop(index, None):
            call.arguments.replace("")
        call.arguments.append(piece)

    def _compaction(self, index: int, delta: Json) -> None:
        """A summary of older turns comes in one piece, as the SDK reads it too."""
        part = self._blocks.get(index)
        if isinstance(part, Other):
            fields = {name: value for name, value in delta.items() if name != "type"}
            part.data = {**object_of(part.data), **fields}

    def _finish(self, reason: object, usage: object) -> None:
        if isinstance(reason, str):
            self._message().finish_reason = reason
        self._count(usage)

    def _count(self, usage: object) -> None:
        """Merge a usage object. Counts are cumulative, so the last of each stands; absent ones keep what was known.

        Some gateways repeat the input side as zero at the end: a zero there does not clear a number.
        """
        given = present(object_of(usage))
        if not given:
            return
        known = self._answer.usage.raw if self._answer.usage else {}
        kept = {name: known[name] for name in _INPUT_COUNTS if known.get(name) and given.get(name) == 0}
        self._answer.usage = usage_of({**known, **given, **kept})


def usage_of(raw: Json) -> Usage:
    """Anthropic's usage in OpenTelemetry's terms: its own `input_tokens` leave out what the cache took and gave."""
    inputs = [count for name in _INPUT_COUNTS if (count := int_of(raw.get(name))) is not None]
    details = object_of(raw.get("output_tokens_details"))
    return Usage(
        input_tokens=sum(inputs) if inputs else None,
        output_tokens=int_of(raw.get("output_tokens")),
        cache_read_input_tokens=int_of(raw.get("cache_read_input_tokens")),
        cache_creation_input_tokens=int_of(raw.get("cache_creation_input_tokens")),
        reasoning_output_tokens=int_of(details.get("thinking_tokens", details.get("reasoning_tokens"))),
        cost=float_of(raw.get("cost")),
        raw=raw,
    )
