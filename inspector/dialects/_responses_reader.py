"""Reads an answer of the Responses API into a transcript.

Everything is keyed by position (`output_index`, then `content_index` or `summary_index`): some servers change an item's
id from event to event. `…done` events and whole items replace what their deltas built.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

from inspector.dialects._base import Json, parse_object
from inspector.dialects._fields import (
    base64_size,
    error_text,
    float_of,
    int_of,
    name_results,
    object_of,
    objects_of,
    present,
    text_of,
)
from inspector.dialects._openai_chat_reader import ChatReader
from inspector.dialects._responses_items import Key, Parts, content_part, item_parts, settle
from inspector.dialects._responses_tokens import FreshSlots
from inspector.model.message import Media, Reasoning, Refusal, Text, ToolCall, ToolResult, Transcript, Usage
from inspector.wire.event import Event


class _Words(NamedTuple):
    """Where the deltas of one kind of event belong."""

    part: type[Text] | type[Refusal] | type[Reasoning]
    place: str
    whole: str
    """The field of its `done` event that has all of it."""


_WORDS = {
    "response.output_text": _Words(Text, "content", "text"),
    "response.refusal": _Words(Refusal, "content", "refusal"),
    "response.reasoning_text": _Words(Reasoning, "content", "text"),
    "response.reasoning_summary_text": _Words(Reasoning, "summary", "text"),
}
_CALLS = {
    "response.function_call_arguments": ("function", "arguments"),
    "response.custom_tool_call_input": ("custom", "input"),
    "response.mcp_call_arguments": ("mcp_call", "arguments"),
    "response.code_interpreter_call_code": ("code_interpreter_call", "code"),
    "response.apply_patch_call_operation_diff": ("apply_patch_call", "diff"),
    "response.shell_call_command": ("shell_call", ""),
}
"""The kind of call that an event's deltas belong to, and the field of its `done` event that has all of it."""
_PART_EVENTS = {
    "response.content_part": "content",
    "response.reasoning_part": "content",
    "response.reasoning_summary_part": "summary",
}
_BEGUN = frozenset({"response.created", "response.queued", "response.in_progress"})
_ENDED = frozenset(f"response.{end}" for end in ("completed", "incomplete", "failed", "cancelled", "done"))
_PROGRESS = (
    ".in_progress",
    ".searching",
    ".interpreting",
    ".generating",
    ".partial_image",
    ".compacting",
    ".completed",
    ".failed",
)
"""Steps of a hosted call that say nothing of their own: its item tells in the end."""

_P = TypeVar("_P", bound=Text | Refusal | Reasoning | ToolCall | ToolResult)


class ResponsesReader:
    """Takes the events of one answer, or its one document. Logprobs stay in the bytes; only their sums are kept."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._answer = transcript.answer
        self._items: dict[int, Parts] = {}
        self._tokens = FreshSlots()
        self._speech: Media | None = None
        self._chat: ChatReader | None = None
        """Reads instead where a gateway answers in the shape of Chat Completions."""

    def event(self, event: Event) -> None:
        """Take one event. ValueError where its payload is no JSON object."""
        if self._chat is not None:
            self._chat.event(event)
            return
        if event.kind == "comment" or event.data.strip() in (b"", b"[DONE]"):
            return
        data = parse_object(event.data)
        if text_of(data.get("object")).startswith("chat.completion"):
            self._chat = ChatReader(self._transcript)
            self._chat.event(event)
            return
        if event.kind == "document":
            self._document(data)
        else:
            self._step(text_of(data.get("type")) or event.name, data)
        if b'"logprobs"' in event.data:
            self._tokens.count(self._answer.certainty, event, data)

    def close(self) -> None:
        """Take the end of the response. What had not ended stays open."""
        if self._chat is not None:
            self._chat.close()

    def _step(self, kind: str, data: Json) -> None:
        stem, _, step = kind.rpartition(".")
        if words := _WORDS.get(stem):
            self._words(words, step, data)
        elif stem in _CALLS:
            self._call(stem, step, data)
        elif stem in _PART_EVENTS:
            self._content(_PART_EVENTS[stem], data)
        elif stem == "response.output_item":
            self._item(step, data)
        elif kind in _BEGUN:
            self._head(object_of(data.get("response")))
        elif kind in _ENDED:
            self._end(object_of(data.get("response")))
        else:
            self._other(kind, stem, step, data)

    def _other(self, kind: str, stem: str, step: str, data: Json) -> None:
        if kind == "response.output_text.annotation.added":
            self._part(data, "content", Text).citations.append(data.get("annotation"))
        elif stem == "response.shell_call_output_content":
            self._shell_output(step, data)
        elif stem in ("response.audio", "response.audio.transcript"):
            self._audio(stem, text_of(data.get("delta")))
        elif error := error_text(data):
            self._answer.error = error
            self._answer.complete = True
        elif kind != "keepalive" and not (kind.startswith("response.") and kind.endswith(_PROGRESS)):
            self._transcript.note(f"unknown event: {kind or 'without a type'}")

    def _document(self, data: Json) -> None:
        """An answer that came whole: a response or an error."""
        self._answer.complete = True
        if "output" in data or data.get("object") == "response":
            self._end(data)
        elif error := error_text(data):
            self._answer.error = error
        else:
            self._transcript.note("the body is neither a response nor an error")

    def _head(self, response: Json) -> None:
        self._answer.id = text_of(response.get("id")) or self._answer.id
        self._answer.model = text_of(response.get("model")) or self._answer.model

    def _end(self, response: Json) -> None:
        """The whole response. An empty `output` says nothing: the ChatGPT backend always sends that."""
        self._head(response)
        output = objects_of(response.get("output"))
        known = [self._items[index] for index in sorted(self._items)]
        if len(known) != len(output):
            known = [{} for _ in output]
        if output:
            self._items = {
                n: settle(old, item_parts(item)) for n, (old, item) in enumerate(zip(known, output, strict=True))
            }
            self._arrange()
        status = text_of(response.get("status"))
        reason = text_of(object_of(response.get("incomplete_details")).get("reason"))
        if reason or status:
            self._answer.choice(0).finish_reason = reason or status
        if response.get("error"):
            self._answer.error = self._answer.error or error_text(response)
        self._count(response.get("usage"))
        self._answer.complete = True

    def _item(self, step: str, data: Json) -> None:
        """An item begins, or is done and then whole."""
        item = object_of(data.get("item"))
        fresh = item_parts(item) if item else {}
        for part in fresh.values():
            if isinstance(part, ToolCall):
                part.done = step == "done"
        index = self._index(data)
        self._items[index] = settle(self._items.get(index, {}), fresh)
        self._arrange()

    def _content(self, place: str, data: Json) -> None:
        """A part of an item begins, or is done and then whole."""
        if not (part := object_of(data.get("part"))):
            return
        key = (place, int_of(data.get(f"{place}_index")) or 0)
        item = self._parts(data, key)
        old = {key: item[key]} if key in item else {}
        item.update(settle(old, {key: content_part(part)}))
        self._arrange()

    def _words(self, words: _Words, step: str, data: Json) -> None:
        part = self._part(data, words.place, words.part)
        if step == "delta":
            part.content.append(text_of(data.get("delta")))
        elif whole := text_of(data.get(words.whole)):
            part.content.replace(whole)

    def _call(self, stem: str, step: str, data: Json) -> None:
        kind, field = _CALLS[stem]
        call = self._part(data, "call", ToolCall)
        call.kind = call.kind if call.name else kind
        if step == "delta":
            call.arguments.append(text_of(data.get("delta")))
        elif step == "added" and call.arguments:
            call.arguments.append("\n")
        elif step == "done" and field:
            call.name = text_of(data.get("name")) or call.name
            call.arguments.replace(text_of(data.get(field)) or str(call.arguments))
            call.done = True

    def _shell_output(self, step: str, data: Json) -> None:
        """What a hosted shell prints, while it prints; the item has it whole in the end."""
        if step == "delta":
            delta = object_of(data.get("delta"))
            printed = text_of(delta.get("stdout")) + text_of(delta.get("stderr"))
            self._part(data, "result", ToolResult).content += printed

    def _audio(self, stem: str, delta: str) -> None:
        """Speech. Its events name no item: it is one part after all others."""
        if self._speech is None:
            self._speech = Media("audio")
            self._arrange()
        if stem.endswith("transcript"):
            self._speech.transcript.append(delta)
        else:
            self._speech.size += base64_size(delta)

    def _part(self, data: Json, place: str, kind: type[_P]) -> _P:
        """The part that an event speaks of, made where the stream did not say that it begins."""
        key = (place, int_of(data.get(f"{place}_index")) or 0)
        item = self._parts(data, key)
        part = item.get(key)
        if isinstance(part, kind):
            return part
        made = item[key] = kind()
        self._arrange()
        return made

    def _parts(self, data: Json, key: Key) -> Parts:
        """The item that an event speaks of. Thoughts that had no words yet take the place of their first words."""
        item = self._items.setdefault(self._index(data), {})
        if key not in item and len(item) == 1:
            old, part = next(iter(item.items()))
            if isinstance(part, Reasoning) and not part.content:
                del item[old]
                item[key] = part
        return item

    def _index(self, data: Json) -> int:
        """An event's `output_index`; where it has none, that of the last item."""
        index = int_of(data.get("output_index"))
        return index if index is not None else max(self._items, default=0)

    def _arrange(self) -> None:
        """Put the parts in their order, which need not be that of their arrival."""
        message = self._answer.choice(0)
        message.parts[:] = [
            self._items[index][key] for index in sorted(self._items) for key in sorted(self._items[index])
        ]
        if self._speech is not None:
            message.parts.append(self._speech)
        name_results([message])

    def _count(self, usage: object) -> None:
        """Take the usage, which comes with the end; fields that are absent keep what was known."""
        given = present(object_of(usage))
        if given:
            known = self._answer.usage.raw if self._answer.usage else {}
            self._answer.usage = usage_of({**known, **given})


def usage_of(raw: Json) -> Usage:
    """The usage object of a response in OpenTelemetry's terms, which count as OpenAI does."""
    inputs = object_of(raw.get("input_tokens_details"))
    return Usage(
        input_tokens=int_of(raw.get("input_tokens")),
        output_tokens=int_of(raw.get("output_tokens")),
        cache_read_input_tokens=int_of(inputs.get("cached_tokens")),
        cache_creation_input_tokens=int_of(inputs.get("cache_write_tokens")),
        reasoning_output_tokens=int_of(object_of(raw.get("output_tokens_details")).get("reasoning_tokens")),
        cost=float_of(raw.get("cost")),
        raw=raw,
    )
