"""What the small APIs beside the models' own have in common: an answer that is one JSON document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from inspector.dialects._fields import object_of, text_of
from inspector.dialects._openai import error_of
from inspector.model.message import Answer, Growing, Message, Text, Transcript
from inspector.wire.event import Event


class DocumentReader:
    """Reads one such answer: an error as every provider spells it, anything else by `take`."""

    def __init__(self, transcript: Transcript, take: Callable[[Any, Answer], None]) -> None:
        self._answer = transcript.answer
        self._take = take

    def event(self, event: Event) -> None:
        """Take the document. ValueError where it is no JSON."""
        if event.kind != "document":
            return
        body = orjson.loads(event.data)
        answer, given = self._answer, object_of(body)
        answer.id = text_of(given.get("id"))
        answer.model = text_of(given.get("model"))
        answer.error = error_of(given)
        if answer.error is None:
            self._take(body, answer)
        answer.complete = True

    def close(self) -> None:
        """Take the end of the response."""


def say(answer: Answer, *lines: str) -> None:
    """Tell what an answer holds that no model wrote."""
    answer.choices = [Message("tool", [Text(Growing("\n".join(lines)))])]
