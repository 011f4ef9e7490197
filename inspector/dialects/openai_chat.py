"""OpenAI Chat Completions: `POST …/chat/completions`, as OpenAI and nearly every other server speaks it.

https://platform.openai.com/docs/api-reference/chat. The deviations that are read are those of recorded traffic of some
forty servers.
"""

from __future__ import annotations

import re
from typing import ClassVar

from inspector.dialects._base import Reader, parse_object
from inspector.dialects._logprobs import Logprobs
from inspector.dialects._openai_chat_logprobs import ChatLogprobs
from inspector.dialects._openai_chat_reader import DONE, ChatReader
from inspector.dialects._openai_chat_request import read_prompt
from inspector.dialects._openai_chat_writer import ChatWriter
from inspector.dialects._writing import Writer
from inspector.model.flow import Request
from inspector.model.message import Prompt, Transcript

_PATH = re.compile(r"^[^?#]*/(?:chat|fim|agents)/+completions/*(?:[?#]|$)")
"""Mistral answers `fim` and `agents` in the shape of chat."""


class OpenAIChat:
    """The Chat Completions API, streamed or not."""

    name: ClassVar[str] = "openai-chat"
    terminal: ClassVar[tuple[bytes, ...]] = (DONE,)
    call_marks: ClassVar[tuple[bytes, ...]] = (b"tool", b"function_call")
    writer: ClassVar[Writer | None] = ChatWriter()
    logprobs: ClassVar[Logprobs | None] = ChatLogprobs()

    def matches(self, request: Request) -> bool:
        """A POST to a path that ends in `chat/completions`, whatever stands before it."""
        return request.method == "POST" and _PATH.search(request.url) is not None

    def prompt(self, request: Request, body: bytes) -> Prompt:
        """Read a request's body. ValueError where it is no JSON object with a list of messages."""
        return read_prompt(parse_object(body))

    def reader(self, transcript: Transcript) -> Reader:
        """A reader of one answer, streamed or whole."""
        return ChatReader(transcript)
