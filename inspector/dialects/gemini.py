"""Gemini: `POST …/models/{model}:generateContent` and `:streamGenerateContent`, as the Gemini API, Vertex AI and Code
Assist (`/v1internal:…`, the Gemini CLI's login) speak it.

https://ai.google.dev/api/generate-content. A stream comes as server-sent events where the query says `alt=sse`, else as
one JSON array that grows.
"""

from __future__ import annotations

import re
from typing import ClassVar
from urllib.parse import quote, unquote

from inspector.dialects._base import Reader, parse_object
from inspector.dialects._fields import int_of
from inspector.dialects._gemini_logprobs import GeminiLogprobs
from inspector.dialects._gemini_reader import GeminiReader, usage_of
from inspector.dialects._gemini_request import read_prompt
from inspector.dialects._gemini_shape import error_of, parse, pick
from inspector.dialects._gemini_writer import GeminiWriter
from inspector.dialects._logprobs import Logprobs
from inspector.dialects._writing import Writer
from inspector.model.flow import Request
from inspector.model.message import Prompt, Transcript
from inspector.wire.event import Event

_PATH = re.compile(r"^[^?#]*/([^/?#]+?)(?::|%3[aA])(generateContent|streamGenerateContent|countTokens)/*(?:[?#]|$)")
_CODE_ASSIST = "v1internal"


class Gemini:
    """The Gemini API, streamed or not."""

    name: ClassVar[str] = "gemini"
    terminal: ClassVar[tuple[bytes, ...]] = (b'"finishReason"', b'"finish_reason"', b'"blockReason"')
    """With their quotes, which are escaped where the model writes about such answers."""
    call_marks: ClassVar[tuple[bytes, ...]] = (b"functionCall", b"function_call", b"executableCode", b"toolCall")
    writer: ClassVar[Writer | None] = GeminiWriter()
    logprobs: ClassVar[Logprobs | None] = GeminiLogprobs()

    def matches(self, request: Request) -> bool:
        """A POST to a path that ends in `:generateContent` or `:streamGenerateContent`."""
        return _method(request) in ("generateContent", "streamGenerateContent")

    def prompt(self, request: Request, body: bytes) -> Prompt:
        """Read a request's body. ValueError where it is no JSON object with contents."""
        return read_prompt(parse_object(body), _model(request), asks_for_stream(request))

    def reader(self, transcript: Transcript) -> Reader:
        """A reader of one answer, streamed or whole."""
        return GeminiReader(transcript)


class GeminiCount:
    """Counting the tokens of what might be asked: `…/models/{model}:countTokens`."""

    name: ClassVar[str] = "gemini-count-tokens"
    terminal: ClassVar[tuple[bytes, ...]] = ()
    call_marks: ClassVar[tuple[bytes, ...]] = ()
    writer: ClassVar[Writer | None] = None
    logprobs: ClassVar[Logprobs | None] = None

    def matches(self, request: Request) -> bool:
        """A POST to a path that ends in `:countTokens`."""
        return _method(request) == "countTokens"

    def prompt(self, request: Request, body: bytes) -> Prompt:
        """Read a request's body. ValueError where it is no JSON object with contents."""
        return read_prompt(parse_object(body), _model(request), stream=False)

    def reader(self, transcript: Transcript) -> Reader:
        """A reader of the count."""
        return _CountReader(transcript)


class _CountReader:
    """Reads `{"totalTokens", "cachedContentTokenCount"}`, the size of a prompt."""

    def __init__(self, transcript: Transcript) -> None:
        self._answer = transcript.answer

    def event(self, event: Event) -> None:
        """Take the document. ValueError where it is no JSON object."""
        for body in parse(event.data):
            self._answer.error = error_of(body)
            if (total := int_of(pick(body, "totalTokens"))) is not None:
                self._answer.usage = usage_of({**body, "promptTokenCount": total})
                self._answer.usage.raw = body

    def close(self) -> None:
        """A count has no end of its own."""
        self._answer.complete = True


def asks_for_stream(request: Request) -> bool:
    """Whether the answer is to come as a stream: the path says so."""
    return _method(request) == "streamGenerateContent"


def with_model(url: str, model: str) -> str | None:
    """A URL with another model in it; None where it names none."""
    match = _PATH.search(url)
    if match is None or match[1] == _CODE_ASSIST:
        return None
    return url[: match.start(1)] + quote(model.removeprefix("models/"), safe="") + url[match.end(1) :]


def _method(request: Request) -> str:
    match = _PATH.search(request.url) if request.method == "POST" else None
    return match[2] if match else ""


def _model(request: Request) -> str:
    """The model that the path names; Code Assist has it in the body."""
    match = _PATH.search(request.url)
    return unquote(match[1]) if match and match[1] != _CODE_ASSIST else ""
