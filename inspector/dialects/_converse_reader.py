"""Reads an answer of the Converse API into a transcript."""

from __future__ import annotations

from inspector.dialects._anthropic_reader import AnthropicReader
from inspector.dialects._base import Json, parse_object
from inspector.dialects._bedrock import failure_of
from inspector.dialects._converse_blocks import parts_of, result_text
from inspector.dialects._converse_terms import EVENTS, OWN, Terms, unwrapped
from inspector.dialects._fields import base64_size, int_of, name_results, object_of, present, text_of
from inspector.model.message import Media, Other, Reasoning, Text, ToolResult, Transcript, Usage
from inspector.wire.event import Event

_SILENT = ("initial-response", "ping")


class ConverseReader(AnthropicReader):
    """Takes the events of one answer, or its one document.

    `joined`: a text that ends is gone on with by the next one, for invoked Nova models end a block after every word.
    """

    def __init__(self, transcript: Transcript, *, joined: bool = False) -> None:
        super().__init__(transcript)
        self._terms = Terms()
        self._joined = joined

    def event(self, event: Event) -> None:
        """Take one event. ValueError where its payload is no JSON object."""
        if event.kind == "comment" or not event.data.strip():
            return
        data = parse_object(event.data)
        if event.kind == "document" and unwrapped("", data)[0] not in EVENTS:
            self.whole(data)
        else:
            self.take(*unwrapped(event.name, data))

    def take(self, name: str, data: Json) -> None:
        """Take one event by its name."""
        if name == "metadata":
            self.count(data.get("usage"))
            return
        events = self._terms.events(name, data)
        for translated in events:
            if self._joined:
                self._join(translated)
            if translated["type"] == "error":
                self._answer.error = text_of(translated["error"]["message"])
            else:
                self._step(translated["type"], translated)
        if not events and name not in EVENTS and name not in _SILENT:
            self._transcript.note(f"unknown event: {name or 'without a type'}")

    def whole(self, data: Json) -> None:
        """An answer that came whole: a message or an error."""
        self._answer.complete = True
        message = object_of(object_of(data.get("output")).get("message"))
        if not message:
            self._answer.error = failure_of("", data)
            if self._answer.error is None:
                self._transcript.note("the body is neither a message nor an error")
            return
        answer = self._message()
        answer.parts.extend(parts_of(message.get("content")))
        name_results([answer])
        self._finish(data.get("stopReason"), None)
        self.count(data.get("usage"))

    def count(self, usage: object) -> None:
        """Take token counts: the last of each stands."""
        if given := present(object_of(usage)):
            known = self._answer.usage.raw if self._answer.usage else {}
            self._answer.usage = usage_of({**known, **given})

    def _join(self, event: Json) -> None:
        """Let a text that begins go on where the text before it ended."""
        parts = self._message().parts
        begins = event["type"] == "content_block_start" and event["content_block"]["type"] == "text"
        if begins and parts and isinstance(parts[-1], Text):
            event["type"] = "ping"
            self._blocks[event["index"]] = parts[-1]

    def _delta(self, index: int, delta: Json) -> None:
        if delta.get("type") != OWN:
            super()._delta(index, delta)
            return
        given, part = object_of(delta.get("delta")), self._blocks.get(index)
        if isinstance(part, ToolResult) and "toolResult" in given:
            part.content += result_text(given["toolResult"])
        elif isinstance(part, Media):
            part.size += base64_size(text_of(object_of(object_of(given.get("image")).get("source")).get("bytes")))
        elif isinstance(part, Reasoning):
            part.encrypted += text_of(object_of(given.get("reasoningContent")).get("redactedContent"))
        elif isinstance(part, Other):
            part.data = {**object_of(part.data), **given}
        else:
            self._transcript.note(f"unknown delta: {next(iter(given), 'without a type')}")


def usage_of(raw: Json) -> Usage:
    """Converse's usage in OpenTelemetry's terms: its own `inputTokens` leave out what the cache took and gave."""
    read = _count(raw, "cacheReadInputTokens")
    written = _count(raw, "cacheWriteInputTokens")
    inputs = [count for count in (int_of(raw.get("inputTokens")), read, written) if count is not None]
    return Usage(
        input_tokens=sum(inputs) if inputs else None,
        output_tokens=int_of(raw.get("outputTokens")),
        cache_read_input_tokens=read,
        cache_creation_input_tokens=written,
        raw=raw,
    )


def _count(raw: Json, name: str) -> int | None:
    """A count of the cache, which Nova has under a name of its own."""
    count = int_of(raw.get(name))
    return int_of(raw.get(f"{name.removesuffix('s')}Count")) if count is None else count
