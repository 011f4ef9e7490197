"""Writes the Gemini API: whole answers, errors, requests; edited answers by way of the rewriter.

https://ai.google.dev/api/generate-content and https://ai.google.dev/gemini-api/docs/troubleshooting
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote
from uuid import uuid4

from inspector.dialects._base import Json
from inspector.dialects._fields import text_of
from inspector.dialects._gemini_document import edit_document
from inspector.dialects._gemini_prompt import write_prompt
from inspector.dialects._gemini_rewriter import GeminiRewriter
from inspector.dialects._gemini_sections import sections_of
from inspector.dialects._gemini_shape import pick
from inspector.dialects._gemini_wire import wire_parts
from inspector.dialects._pieces import json_bytes, pieces, sse
from inspector.dialects._writing import Rewriter, Section, Splicer
from inspector.model.edits import Edits
from inspector.model.message import Answer, Message, Prompt, Usage
from inspector.wire.event import Event

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""https://cloud.google.com/apis/design/errors#handling_errors"""


class GeminiWriter:
    """See `Writer`. The requests that it writes ask for a stream of server-sent events."""

    keep_alive: bytes = b""
    """Google's SDK raises on comments."""

    def stream(self, answer: Answer, asked: Json) -> list[bytes]:
        """A whole answer as the events of a stream; as the pieces of one JSON array where `asked` has `"alt": "json"`,
        as the query of a request may have it. ValueError for a part that this API has no place for in an answer.
        """
        told = [(index, part) for index, choice in enumerate(answer.choices) for part in _slices(choice)]
        chunks = [_candidate(index, [part]) for index, part in told]
        chunks += [_candidate(index, [], _finish(choice)) for index, choice in enumerate(answer.choices)]
        head = _head(answer, asked)
        bodies: list[Json] = [{"candidates": [chunk], **head} for chunk in chunks]
        if bodies:
            bodies[-1]["usageMetadata"] = _usage(answer.usage)
        bodies = [_wrapped(body, asked) for body in bodies]
        if answer.error:
            bodies.append(_error(*_kind_and_words(answer.error)))
        if asked.get("alt") != "json":
            return [sse(body) for body in bodies]
        return [b"[", *(b",\r\n" * bool(place) + json_bytes(body) for place, body in enumerate(bodies)), b"]"]

    def document(self, answer: Answer, asked: Json) -> bytes:
        """A whole answer as one document, or as its error where it failed. ValueError as with `stream`."""
        if answer.error:
            return json_bytes(_error(*_kind_and_words(answer.error)))
        candidates = [
            _candidate(index, wire_parts(choice.parts), _finish(choice)) for index, choice in enumerate(answer.choices)
        ]
        body = {"candidates": candidates, "usageMetadata": _usage(answer.usage), **_head(answer, asked)}
        return json_bytes(_wrapped(body, asked))

    def error(self, status: int, message: str) -> bytes:
        """An error's body, with the status in Google's word."""
        return json_bytes(_error(_STATUS.get(status, "UNKNOWN"), message, status))

    def rewriter(self, delivered: list[Event]) -> Rewriter:
        """A rewriter for a stream of which the client has these events."""
        return GeminiRewriter(delivered)

    def splicer(self, delivered: list[Event], before: str, spent: Usage | None) -> Splicer:
        """ValueError: the model answers what stands last, and does not go on with it."""
        raise ValueError("Gemini begins a new turn where it is given a beginning: it cannot go on from one")

    def edit_document(self, body: bytes, edits: Edits) -> bytes:
        """A whole answer, or all pieces of one in a list, with parts changed; all other bytes stay. ValueError where
        the edits do not fit it.
        """
        return edit_document(body, edits)

    def sections(self, body: Json) -> list[Section]:
        """The pieces of a request, in the order of the body."""
        return sections_of(body)

    def write_prompt(self, prompt: Prompt) -> tuple[Json, list[str]]:
        """A request's body that says the same, and what could not be said. The model stands in the path alone."""
        return write_prompt(prompt)

    def path(self, model: str) -> str:
        """The path of a request for a stream."""
        return f"/v1beta/models/{quote(model.removeprefix('models/'), safe='')}:streamGenerateContent?alt=sse"


def _slices(choice: Message) -> Iterator[Json]:
    """The parts of a choice as a model would send them: words in small pieces, calls whole."""
    for wire in wire_parts(choice.parts):
        words = text_of(wire.get("text"))
        if not words:
            yield wire
            continue
        thought = {"thought": True} if wire.get("thought") else {}
        yield from ({"text": piece, **thought} for piece in pieces(words))
        if seal := wire.get("thoughtSignature"):
            yield {"text": "", "thoughtSignature": seal}


def _candidate(index: int, parts: list[Json], finish: str = "") -> Json:
    ended = {"finishReason": finish} if finish else {}
    return {"content": {"parts": parts or [{"text": ""}], "role": "model"}, **ended, "index": index}


def _finish(choice: Message) -> str:
    return choice.finish_reason or "STOP"


def _head(answer: Answer, asked: Json) -> Json:
    return {"modelVersion": answer.model or text_of(asked.get("model")), "responseId": answer.id or uuid4().hex[:23]}


def _wrapped(body: Json, asked: Json) -> Json:
    """A body as the client takes it: Code Assist answers within an envelope, as it is asked."""
    return {"response": body} if isinstance(asked.get("request"), dict) and "contents" not in asked else body


def _error(kind: str, message: str, status: int | None = None) -> Json:
    code = status or next((code for code, word in _STATUS.items() if word == kind), 500)
    return {"error": {"code": code, "message": message, "status": kind}}


def _kind_and_words(error: str) -> tuple[str, str]:
    """An error as the transcript has it: `STATUS: message`."""
    kind, found, words = error.partition(": ")
    return (kind, words) if found and kind in _STATUS.values() else ("INTERNAL", error)


def _usage(usage: Usage | None) -> Json:
    """Token counts as this API has them: thoughts beside the rest of the output; zeros where no model answered."""
    usage = usage or Usage()
    if pick(usage.raw, "promptTokenCount") is not None:
        return usage.raw
    given, written, thought = usage.input_tokens or 0, usage.output_tokens or 0, usage.reasoning_output_tokens
    counts = {
        "promptTokenCount": given,
        "candidatesTokenCount": max(written - (thought or 0), 0),
        "thoughtsTokenCount": thought,
        "cachedContentTokenCount": usage.cache_read_input_tokens,
        "totalTokenCount": given + written,
    }
    return {name: value for name, value in counts.items() if value is not None}
