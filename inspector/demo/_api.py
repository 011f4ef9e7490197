"""What an API of the demo server is: it reads a request into an `Ask`, and writes a `Reply` in its own words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar, Protocol

import orjson

from inspector.demo.ask import Ask
from inspector.demo.reply import Failure, Reply
from inspector.dialects._base import Dialect, Json
from inspector.model.message import Prompt


class Api(Protocol):
    """One of the APIs. Stateless."""

    path: ClassVar[str]
    dialect: ClassVar[Dialect]
    """Reads its requests."""

    def ask(self, prompt: Prompt, body: bytes) -> Ask:
        """What a request asks for. Raises ValueError, with a message for the client, where that cannot be done."""

    async def document(self, reply: Reply) -> Json:
        """The whole answer at once."""

    def stream(self, reply: Reply) -> AsyncIterator[bytes]:
        """The answer as server-sent events. A Failure becomes an error event; Aborted passes through."""

    def error(self, failure: Failure, request_id: str) -> Json:
        """The body of an error answer."""


def sse(data: Json, name: str = "") -> bytes:
    """One server-sent event, with a name where the API uses them."""
    prefix = b"event: " + name.encode() + b"\n" if name else b""
    return prefix + b"data: " + orjson.dumps(data) + b"\n\n"
