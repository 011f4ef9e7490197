"""The answer of the Gemini API, streamed or whole, read into a transcript."""

from __future__ import annotations

from inspector.dialects._base import Json
from inspector.dialects._fields import int_of, object_of, present, text_of
from inspector.dialects._gemini_entries import count
from inspector.dialects._gemini_parts import Turn
from inspector.dialects._gemini_shape import (
    block_reason,
    candidates_of,
    error_of,
    finish_reason,
    parse,
    parts_in,
    pick,
    unwrapped,
)
from inspector.model.message import MOST_CHOICES, Growing, Refusal, Transcript, Usage
from inspector.wire.event import Event


class GeminiReader:
    """Reads one answer. A stream has no end of its own: it is whole where every candidate was told why it ended."""

    def __init__(self, transcript: Transcript) -> None:
        self._answer = transcript.answer
        self._turns: dict[int, Turn] = {}
        self._usage: Json = {}
        self._seen = False

    def event(self, event: Event) -> None:
        """Take one event: an object, or in a document a list of them. ValueError where it is no JSON of that kind."""
        data = event.data.strip()
        if event.kind == "comment" or data in (b"", b"[DONE]"):
            return
        begun = bool(self._turns)
        for body in parse(data):
            self._take(body)
        if event.kind == "document":
            self._answer.complete = self._answer.error is None or not begun

    def close(self) -> None:
        """Take the end of the response."""
        answer = self._answer
        if answer.error is not None:
            answer.complete = answer.complete or not self._turns
        elif self._seen:
            ended = all(choice.finish_reason or not choice.parts for choice in answer.choices)
            answer.complete = answer.complete or ended

    def _take(self, body: Json) -> None:
        self._seen = True
        answer = self._answer
        said, _ = unwrapped(body)
        answer.error = error_of(said) or error_of(body) or answer.error
        answer.id = answer.id or text_of(pick(said, "responseId"))
        answer.model = answer.model or text_of(pick(said, "modelVersion"))
        for _, index, candidate in candidates_of(said):
            self._candidate(max(0, min(index, MOST_CHOICES - 1)), candidate)
        if reason := block_reason(said):
            self._blocked(reason, text_of(pick(object_of(pick(said, "promptFeedback")), "blockReasonMessage")))
        if usage := present(object_of(pick(said, "usageMetadata"))):
            # Every piece of a stream tells what was spent until then: the last of each count stands.
            self._usage |= usage
            answer.usage = usage_of(self._usage)

    def _candidate(self, index: int, candidate: Json) -> None:
        message = self._answer.choice(index)
        if index not in self._turns:
            self._turns[index] = Turn(message.parts)
        turn = self._turns[index]
        for _, part in parts_in(candidate.get("content")):
            turn.take(part)
        turn.cite(candidate)
        if reason := finish_reason(candidate):
            message.finish_reason = reason
        turn.explain(message.finish_reason or "", text_of(pick(candidate, "finishMessage")))
        if tokens := pick(candidate, "logprobsResult"):
            count(self._answer.certainty, tokens)

    def _blocked(self, reason: str, words: str) -> None:
        """The prompt was refused: there are no candidates."""
        message = self._answer.choice(0)
        message.finish_reason = message.finish_reason or reason
        if words and not message.parts:
            message.parts.append(Refusal(Growing(words)))


def usage_of(raw: Json) -> Usage:
    """Gemini's counts in OpenTelemetry's terms: thoughts stand beside what the candidates say, and what tools of
    Google's own gave back stands beside the prompt. A count of nothing is left out.
    """
    prompt, tools = int_of(pick(raw, "promptTokenCount")), int_of(pick(raw, "toolUsePromptTokenCount"))
    said, thought = int_of(pick(raw, "candidatesTokenCount")), int_of(pick(raw, "thoughtsTokenCount"))
    total, given = int_of(pick(raw, "totalTokenCount")), _sum(prompt, tools)
    written = _sum(said, thought)
    if written is None and total is not None and given is not None:
        written = max(total - given, 0)
    return Usage(
        input_tokens=given,
        output_tokens=written,
        cache_read_input_tokens=int_of(pick(raw, "cachedContentTokenCount")),
        reasoning_output_tokens=thought,
        raw=raw,
    )


def _sum(*counts: int | None) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
