"""Reads what an invoked model answers: the reader of the API that it speaks is found by its first event."""

from __future__ import annotations

from inspector.dialects import _invoke_models
from inspector.dialects._anthropic_reader import AnthropicReader
from inspector.dialects._base import Json, Reader
from inspector.dialects._bedrock import failure_of
from inspector.dialects._converse_reader import ConverseReader
from inspector.dialects._converse_terms import unwrapped
from inspector.dialects._fields import int_of, object_of, text_of
from inspector.dialects._invoke_events import METRICS, Api, api_of, as_chat, inside
from inspector.dialects._openai_chat_reader import ChatReader
from inspector.dialects._pieces import json_bytes
from inspector.model.message import Transcript, Usage
from inspector.wire.event import Event

_CACHED = ("cacheReadInputTokenCount", "cacheWriteInputTokenCount")


class InvokeReader:
    """Takes the events of one answer, or its one document."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._answer = transcript.answer
        self._readers: dict[Api, Reader] = {}

    def event(self, event: Event) -> None:
        """Take one event. ValueError where its payload is no JSON object."""
        if event.kind == "comment" or not event.data.strip():
            return
        data = inside(event)
        if data is None:
            self._other(event)
        else:
            self._take(data, event)
            self._count(object_of(data.get(METRICS)))

    def close(self) -> None:
        """Take the end of the response."""
        for reader in self._readers.values():
            reader.close()

    def _other(self, event: Event) -> None:
        """An exception; any other event tells nothing."""
        self._answer.error = failure_of(event.name, inside(Event(event.data)) or {}) or self._answer.error

    def _take(self, data: Json, event: Event) -> None:
        if not set(data) - {METRICS, "p"}:
            return
        api = api_of(data)
        if api == "simple" and (error := failure_of("", data)):
            self._answer.error, self._answer.complete = error, event.kind == "document"
        elif api == "simple":
            self._simple(data, event)
        else:
            whole = event.kind == "document" and (api != "converse" or unwrapped("", data)[0] == "")
            payload = as_chat(data, streams=not whole) if api == "chat" else data
            given = Event(json_bytes(payload), "document" if whole else "data", text_of(data.get("type")))
            self._reader(api).event(given)

    def _reader(self, api: Api) -> Reader:
        if api not in self._readers:
            made: dict[Api, Reader] = {
                "anthropic": AnthropicReader(self._transcript),
                "chat": ChatReader(self._transcript),
                "converse": ConverseReader(self._transcript, joined=True),
            }
            self._readers[api] = made[api]
        return self._readers[api]

    def _simple(self, data: Json, event: Event) -> None:
        if not _invoke_models.read(self._answer, data) and METRICS not in data:
            self._transcript.note("nothing in this answer is known")
        if event.kind == "document" or _invoke_models.ended(self._answer):
            self._answer.complete = True

    def _count(self, metrics: Json) -> None:
        """Bedrock's own counts, which stand in the last event: they fill in what the model's maker left out."""
        if not metrics:
            return
        self._answer.complete = self._answer.complete or self._answer.error is None
        usage = self._answer.usage = self._answer.usage or Usage()
        read, written = (int_of(metrics.get(name)) for name in _CACHED)
        if usage.input_tokens is None and (plain := int_of(metrics.get("inputTokenCount"))) is not None:
            usage.input_tokens = plain + (read or 0) + (written or 0)
        if usage.output_tokens is None:
            usage.output_tokens = int_of(metrics.get("outputTokenCount"))
        if usage.cache_read_input_tokens is None:
            usage.cache_read_input_tokens = read
        if usage.cache_creation_input_tokens is None:
            usage.cache_creation_input_tokens = written
        usage.raw = {**usage.raw, METRICS: metrics}
