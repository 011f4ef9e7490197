"""Embeddings: `POST …/embeddings`, as OpenAI and nearly every other server speaks it.

https://platform.openai.com/docs/api-reference/embeddings
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from typing import Any, ClassVar, NamedTuple

from inspector.dialects._base import Reader, parse_object
from inspector.dialects._completions_prompt import texts
from inspector.dialects._fields import float_of, list_of, object_of, objects_of, text_of
from inspector.dialects._logprobs import Logprobs
from inspector.dialects._one_document import DocumentReader, say
from inspector.dialects._openai import chat_usage
from inspector.dialects._writing import Writer
from inspector.model.flow import Request
from inspector.model.message import Answer, Message, Prompt, Transcript

_PATH = re.compile(r"://[^/?#]*/(?:[^?#]*/)?embeddings/*(?:[?#]|$)")
_NOT_PARAMETERS = frozenset({"model", "input", "prompt"})
_SHOWN = 8
"""Vectors of which the beginning is told."""
_HEAD = 4
"""Numbers of it."""


class OpenAIEmbeddings:
    """The Embeddings API. What was embedded are messages of the user; of the vectors, only the beginnings are kept."""

    name: ClassVar[str] = "openai-embeddings"
    terminal: ClassVar[tuple[bytes, ...]] = ()
    call_marks: ClassVar[tuple[bytes, ...]] = ()
    writer: ClassVar[Writer | None] = None
    logprobs: ClassVar[Logprobs | None] = None

    def matches(self, request: Request) -> bool:
        """A POST to a path that ends in `embeddings`, whatever stands before it."""
        return request.method == "POST" and _PATH.search(request.url) is not None

    def prompt(self, request: Request, body: bytes) -> Prompt:
        """Read a request's body. ValueError where it is no JSON object."""
        given = parse_object(body)
        return Prompt(
            model=text_of(given.get("model")),
            messages=[Message("user", parts) for parts in texts(given.get("input", given.get("prompt")))],
            parameters={name: value for name, value in given.items() if name not in _NOT_PARAMETERS},
        )

    def reader(self, transcript: Transcript) -> Reader:
        """A reader of one answer."""
        return DocumentReader(transcript, _take)


class _Vector(NamedTuple):
    """One embedding: how many numbers it has, and the first of them."""

    dimensions: int
    head: list[float]


def _take(body: Any, answer: Answer) -> None:
    given = object_of(body)
    vectors = [_vector(one.get("embedding")) for one in objects_of(given.get("data"))]
    if not vectors:
        vectors = [_vector(one) for one in list_of(given.get("embeddings")) or [given.get("embedding")] if one]
    sizes = " or ".join(str(size) for size in dict.fromkeys(vector.dimensions for vector in vectors))
    count = f"{len(vectors)} embedding{'' if len(vectors) == 1 else 's'}"
    lines = [f"{count} of {sizes} dimensions" if vectors else count]
    lines += [
        " ".join([*(f"{number:.4f}" for number in vector.head), "…"]) for vector in vectors[:_SHOWN] if vector.head
    ]
    say(answer, *lines)
    if usage := object_of(given.get("usage")):
        answer.usage = chat_usage(usage)


def _vector(given: object) -> _Vector:
    """A vector as numbers, or as base64 of 32-bit floats, which OpenAI's own clients ask for."""
    if isinstance(given, str):
        try:
            data = base64.b64decode(given)
        except binascii.Error:
            return _Vector(0, [])
        count = len(data) // 4
        return _Vector(count, list(struct.unpack(f"<{min(count, _HEAD)}f", data[: 4 * min(count, _HEAD)])))
    numbers = list_of(given)
    head = [number for each in numbers[:_HEAD] if (number := float_of(each)) is not None]
    return _Vector(len(numbers), head)
