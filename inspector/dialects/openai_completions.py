"""OpenAI's legacy Completions: `POST …/completions`, as servers of open models speak it; and llama.cpp's `/completion`.

https://platform.openai.com/docs/api-reference/completions
"""

from __future__ import annotations

import re
from typing import ClassVar

from inspector.dialects._base import Reader, parse_object
from inspector.dialects._completions_logprobs import CompletionsLogprobs
from inspector.dialects._completions_prompt import read_prompt
from inspector.dialects._completions_reader import CompletionsReader
from inspector.dialects._completions_writer import CompletionsWriter
from inspector.dialects._logprobs import Logprobs
from inspector.dialects._openai_chat_reader import DONE
from inspector.dialects._writing import Writer
from inspector.model.flow import Request
from inspector.model.message import Prompt, Transcript

_PATH = re.compile(r"://[^/?#]*/(?:[^?#]*/)?completions?/*(?:[?#]|$)")
_OTHERS = re.compile(r"/(?:chat|fim|agents|usage|prompts/+[^/?#]+)/+completions/*(?:[?#]|$)")
"""Chat, whose other paths are Mistral's; figures of an account (OpenAI); stored prompts (Portkey)."""


class OpenAICompletions:
    """The Completions API, streamed or not."""

    name: ClassVar[str] = "openai-completions"
    terminal: ClassVar[tuple[bytes, ...]] = (DONE, b'"stop":true')
    """The second is that of llama.cpp's own API."""
    call_marks: ClassVar[tuple[bytes, ...]] = (b"tool", b"function_call")
    writer: ClassVar[Writer | None] = CompletionsWriter()
    logprobs: ClassVar[Logprobs | None] = CompletionsLogprobs()

    def matches(self, request: Request) -> bool:
        """A POST to a path that ends in `completions`, and is none of those that are other APIs'."""
        url = request.url
        return request.method == "POST" and _PATH.search(url) is not None and _OTHERS.search(url) is None

    def prompt(self, request: Request, body: bytes) -> Prompt:
        """Read a request's body. ValueError where it is no JSON object with a prompt."""
        return read_prompt(parse_object(body))

    def reader(self, transcript: Transcript) -> Reader:
        """A reader of one answer, streamed or whole."""
        return CompletionsReader(transcript)
