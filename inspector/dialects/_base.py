"""What a dialect is: one provider's API, read into messages."""

from __future__ import annotations

import json
from typing import ClassVar, Protocol

import orjson

from inspector.dialects._json_steps import parse_in_steps
from inspector.dialects._logprobs import Logprobs
from inspector.dialects._writing import Json, Writer
from inspector.model.flow import Request
from inspector.model.message import Prompt, Transcript
from inspector.wire.event import Event

__all__ = ["Dialect", "Json", "Reader", "parse_object"]

LARGE = 1_000_000
"""Bytes from which on a document is parsed in steps, so that whoever reads it in a thread keeps nobody waiting."""


class Reader(Protocol):
    """Reads one response, event by event, into the transcript that it was made for."""

    def event(self, event: Event) -> None:
        """Take one event. May raise on malformed input: the caller notes it and goes on with the next."""

    def close(self) -> None:
        """Take the end of the response: whatever is still open stays as it is, marked not done."""


class Dialect(Protocol):
    """One provider API. Stateless; a single instance serves all flows."""

    name: ClassVar[str]
    """As flows, filters and exports call it, e.g. `openai-chat`."""
    terminal: ClassVar[tuple[bytes, ...]]
    """Byte strings of which one stands in the last bytes of every whole stream."""

    call_marks: ClassVar[tuple[bytes, ...]]
    """Byte strings of which one stands in every event that begins a tool call, or brings a piece of one."""
    writer: ClassVar[Writer | None]
    """Writes this API; None where nobody has written that yet."""
    logprobs: ClassVar[Logprobs | None]
    """This API's tokens; None where it says nothing of them."""

    def matches(self, request: Request) -> bool:
        """Whether a request is of this dialect, by method, path and headers; its body has not come yet."""

    def prompt(self, request: Request, body: bytes) -> Prompt:
        """Read a request's body (already decoded). Raises ValueError where it is not of this dialect."""

    def reader(self, transcript: Transcript) -> Reader:
        """A reader that writes into `transcript.answer`."""


def parse_object(data: bytes) -> Json:
    """Parse a JSON object. ValueError where it is not JSON, or not an object.

    orjson refuses what some servers send all the same (NaN, lone surrogates, a stray byte): the tolerant parser gets a
    second try.
    """
    try:
        value = orjson.loads(data) if len(data) < LARGE else parse_in_steps(data.decode())
    except ValueError:
        value = json.loads(data.decode("utf-8", "replace"))
    if not isinstance(value, dict):
        raise ValueError(f"expected a JSON object, got {type(value).__name__}")
    return value
