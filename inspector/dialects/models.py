"""The models that a provider has: `GET …/models`, of any provider, and `GET …/models/{id}`.

https://platform.openai.com/docs/api-reference/models, https://platform.claude.com/docs/en/api/models-list,
https://ai.google.dev/api/models
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from inspector.dialects._base import Json, Reader
from inspector.dialects._fields import int_of, list_of, object_of, objects_of, text_of
from inspector.dialects._logprobs import Logprobs
from inspector.dialects._one_document import DocumentReader, say
from inspector.dialects._writing import Writer
from inspector.model.flow import Request
from inspector.model.message import Answer, Prompt, Transcript

_PATH = re.compile(r"://[^/?#]*/(?:[^?#]*/)?models(?:/+([^?#]*[^/?#]))?/*(?:[?#]|$)")
_CONTEXT = (
    "context_length",
    "max_context_length",
    "context_window",
    "max_model_len",
    "max_input_tokens",
    "inputTokenLimit",
)
"""What servers call the tokens that a model takes."""


class Models:
    """A provider's list of models."""

    name: ClassVar[str] = "models"
    terminal: ClassVar[tuple[bytes, ...]] = ()
    call_marks: ClassVar[tuple[bytes, ...]] = ()
    writer: ClassVar[Writer | None] = None
    logprobs: ClassVar[Logprobs | None] = None

    def matches(self, request: Request) -> bool:
        """A GET of a path that ends in `models`, or in one of them."""
        return request.method == "GET" and _PATH.search(request.url) is not None

    def prompt(self, request: Request, body: bytes) -> Prompt:
        """The model that is asked about, if it is one."""
        found = _PATH.search(request.url)
        return Prompt(model=found[1] or "" if found else "")

    def reader(self, transcript: Transcript) -> Reader:
        """A reader of one answer."""
        return DocumentReader(transcript, _take)


def _take(body: Any, answer: Answer) -> None:
    given = object_of(body)
    listed = next((list_of(place) for place in (body, given.get("data"), given.get("models")) if _is_list(place)), None)
    if listed is None:
        say(answer, _line(given))
        return
    models = objects_of(listed)
    more = ["and more"] if given.get("has_more") is True or given.get("nextPageToken") else []
    say(answer, f"{len(models)} model{'' if len(models) == 1 else 's'}", *map(_line, models), *more)


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _line(model: Json) -> str:
    """A model by its id, and what it takes."""
    name = next((name for field in ("id", "name", "slug", "model") if (name := text_of(model.get(field)))), "?")
    tokens = next((count for field in _CONTEXT if (count := int_of(model.get(field)))), None)
    return name if tokens is None else f"{name}: {tokens} tokens"
