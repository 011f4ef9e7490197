"""Anthropic's counting of tokens: `POST …/messages/count_tokens`.

https://platform.claude.com/docs/en/api/messages-count-tokens
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from inspector.dialects._base import Reader
from inspector.dialects._fields import int_of, object_of
from inspector.dialects._logprobs import Logprobs
from inspector.dialects._one_document import DocumentReader, say
from inspector.dialects._writing import Writer
from inspector.dialects.anthropic import Anthropic
from inspector.model.flow import Request
from inspector.model.message import Answer, Prompt, Transcript, Usage

_PATH = re.compile(r"://[^/?#]*/(?:[^?#]*/)?messages/+count_tokens/*(?:[?#]|$)")
_MESSAGES = Anthropic()


class AnthropicCountTokens:
    """The counting of what a Messages request would take. It costs nothing."""

    name: ClassVar[str] = "anthropic-count-tokens"
    terminal: ClassVar[tuple[bytes, ...]] = ()
    call_marks: ClassVar[tuple[bytes, ...]] = ()
    writer: ClassVar[Writer | None] = None
    logprobs: ClassVar[Logprobs | None] = None

    def matches(self, request: Request) -> bool:
        """A POST to a path that ends in `messages/count_tokens`."""
        return request.method == "POST" and _PATH.search(request.url) is not None

    def prompt(self, request: Request, body: bytes) -> Prompt:
        """Read a request's body, which is that of a Messages request. ValueError where it is not."""
        return _MESSAGES.prompt(request, body)

    def reader(self, transcript: Transcript) -> Reader:
        """A reader of one answer."""
        return DocumentReader(transcript, _take)


def _take(body: Any, answer: Answer) -> None:
    given = object_of(body)
    count = int_of(given.get("input_tokens"))
    if count is not None:
        say(answer, f"{count} tokens")
        answer.usage = Usage(input_tokens=count, cost=0.0, raw=given)
