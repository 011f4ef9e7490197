"""Traffic of no known dialect: shown as bytes, with nothing read into it."""

from __future__ import annotations

from typing import ClassVar

from inspector.dialects._base import Reader
from inspector.dialects._logprobs import Logprobs
from inspector.dialects._writing import Writer
from inspector.model.flow import Request
from inspector.model.message import Answer, Prompt, Transcript
from inspector.wire.event import Event


class Raw:
    """What is left when no other dialect matches."""

    name: ClassVar[str] = "raw"
    terminal: ClassVar[tuple[bytes, ...]] = ()
    call_marks: ClassVar[tuple[bytes, ...]] = ()
    writer: ClassVar[Writer | None] = None
    logprobs: ClassVar[Logprobs | None] = None

    def matches(self, request: Request) -> bool:
        """Any request."""
        return True

    def prompt(self, request: Request, body: bytes) -> Prompt:
        """An empty prompt: nobody knows what the body says."""
        return Prompt()

    def reader(self, transcript: Transcript) -> Reader:
        """A reader that waits for the end."""
        return _RawReader(transcript.answer)


class _RawReader:
    """Unknown traffic has no end of its own: where the body ends, it is complete."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def event(self, event: Event) -> None:
        """Nothing is read into it."""

    def close(self) -> None:
        """The body has ended."""
        self._answer.complete = True
