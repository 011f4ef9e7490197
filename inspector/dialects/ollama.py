"""Ollama's own API: `POST /api/chat` and `POST /api/generate`, as Ollama and its cloud speak it.

https://docs.ollama.com/api. What else it has (embeddings, models) is no conversation, and stays raw.
"""

from __future__ import annotations

import re
from typing import ClassVar

from inspector.dialects._base import Reader, parse_object
from inspector.dialects._logprobs import Logprobs
from inspector.dialects._ollama_logprobs import OllamaLogprobs
from inspector.dialects._ollama_reader import OllamaReader
from inspector.dialects._ollama_request import read_prompt
from inspector.dialects._ollama_writer import OllamaWriter
from inspector.dialects._writing import Writer
from inspector.model.flow import Request
from inspector.model.message import Prompt, Transcript
from inspector.wire.body import decoded

_PATH = re.compile(r"^[^?#]*/api/+(?:chat|generate)/*(?:[?#]|$)")


class Ollama:
    """Ollama's API, streamed (as it is unless told otherwise) or not."""

    name: ClassVar[str] = "ollama"
    terminal: ClassVar[tuple[bytes, ...]] = (b'"done":true', b'"done": true')
    call_marks: ClassVar[tuple[bytes, ...]] = (b"tool_calls",)
    writer: ClassVar[Writer | None] = OllamaWriter()
    logprobs: ClassVar[Logprobs | None] = OllamaLogprobs()

    def matches(self, request: Request) -> bool:
        """A POST to a path that ends in `/api/chat` or `/api/generate`, whatever stands before it."""
        return request.method == "POST" and _PATH.search(request.url) is not None

    def prompt(self, request: Request, body: bytes) -> Prompt:
        """Read a request's body. ValueError where it is no JSON object, or is of another API."""
        return read_prompt(parse_object(body))

    def reader(self, transcript: Transcript) -> Reader:
        """A reader of one answer, streamed or whole."""
        return OllamaReader(transcript)


def asks_for_stream(request: Request) -> bool:
    """Whether the answer is to come as a stream: it does unless the body says no, or is none of this API."""
    body, _ = decoded(request.headers, bytes(request.body))
    try:
        return parse_object(body).get("stream") is not False
    except (ValueError, RecursionError):
        return False
