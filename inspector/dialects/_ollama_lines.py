"""One line of an answer of Ollama's API: what it says, and how it is written.

`/api/chat` puts it into a `message`, `/api/generate` at the top, with `response` for the words. A document, where no
stream was asked for, is one line that says it all.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from inspector.dialects._base import Json, parse_object
from inspector.dialects._fields import base64_size, list_of, text_of
from inspector.dialects._openai_chat_parts import whole_call
from inspector.dialects._pieces import json_bytes
from inspector.model.message import Growing, Media, Part, Reasoning, Text

THINKING = "thinking"
CALLS = "tool_calls"
_OF_THE_END = (
    "context",
    "total_duration",
    "load_duration",
    "prompt_eval_count",
    "prompt_eval_duration",
    "eval_count",
    "eval_duration",
)
"""What the last line of an answer tells beside its reason."""
_LINE_ENDS = {b"\xe2\x80\xa8": b"\\u2028", b"\xe2\x80\xa9": b"\\u2029", b"\xc2\x85": b"\\u0085"}


class Piece(NamedTuple):
    """A field of a line, or a member of a list in it."""

    part: int
    """Index of the part that it belongs to."""
    field: str
    at: int | None = None
    """The place in the list, where the field is one."""


def bodies(data: bytes) -> list[Json]:
    """The objects in an event's payload: one, unless lines came as one document. ValueError where one is no object."""
    data = data.strip()
    if data in (b"", b"[DONE]"):
        return []
    if b"\n" not in data:
        return [parse_object(data)]
    try:
        return [parse_object(data)]
    except ValueError:
        return [parse_object(line) for line in data.split(b"\n") if line.strip()]


def saying(body: Json) -> tuple[Json, str]:
    """The object in which a line says something, and the name that the words have there."""
    message = body.get("message")
    return (message, "content") if isinstance(message, dict) else (body, "response")


def add_line(parts: list[Part], body: Json) -> list[Piece]:
    """Add what a line says to the parts of the message; gives its pieces. Words and thoughts grow, calls come whole."""
    holder, words = saying(body)
    pieces: list[Piece] = []
    if thoughts := text_of(holder.get(THINKING)):
        pieces.append(Piece(_grow(parts, Reasoning, thoughts), THINKING))
    if said := text_of(holder.get(words)):
        pieces.append(Piece(_grow(parts, Text, said), words))
    for at, image in enumerate(list_of(holder.get("images"))):
        pieces.append(_add(parts, Media("image", size=base64_size(text_of(image))), "images", at))
    if image := text_of(holder.get("image")):
        pieces.append(_add(parts, Media("image", size=base64_size(image)), "image"))
    for at, call in enumerate(list_of(holder.get(CALLS))):
        if isinstance(call, dict):
            pieces.append(_add(parts, whole_call(call), CALLS, at))
    return pieces


def _add(parts: list[Part], part: Part, field: str, at: int | None = None) -> Piece:
    parts.append(part)
    return Piece(len(parts) - 1, field, at)


def _grow(parts: list[Part], kind: type[Text] | type[Reasoning], words: str) -> int:
    for index, part in enumerate(parts):
        if isinstance(part, Text | Reasoning) and type(part) is kind:
            part.content.append(words)
            return index
    parts.append(kind(Growing(words)))
    return len(parts) - 1


def is_silent(body: Json) -> bool:
    """Whether a line that does not end the answer says nothing."""
    holder, words = saying(body)
    said = any(holder.get(name) for name in (words, THINKING, CALLS, "images", "image", "error"))
    return not (said or body.get("done") or body.get("error") or "completed" in body)


class Shape:
    """The outside of an answer's lines, as the last one showed it."""

    def __init__(self, model: str = "", words: str = "content") -> None:
        self._head: Json = {"model": model, "created_at": datetime.now(UTC).isoformat().replace("+00:00", "Z")}
        self._words = words

    def learn(self, body: Json) -> None:
        """Look at the next line, before anything of it is changed."""
        holder, words = saying(body)
        if words in holder:
            self._words = words
            self._head |= {name: body[name] for name in self._head if name in body}

    def body(self, said: Json, done: Json | None = None) -> Json:
        """A line that says that: `content` stands for the words, whatever their name. `done` ends the answer."""
        words = text_of(said.get("content"))
        rest = {name: value for name, value in said.items() if name != "content"}
        if self._words == "content":
            spoken: Json = {"message": {"role": "assistant", "content": words, **rest}}
        else:
            spoken = {"response": words, **rest}
        return {**self._head, **spoken, "done": done is not None, **(done or {})}

    def line(self, said: Json, done: Json | None = None) -> bytes:
        """The same, framed."""
        return line(self.body(said, done))


def line(body: Json | bytes) -> bytes:
    """A body as a line. The SDK ends lines at U+2028 and its kin, too: as Ollama itself does, these are escaped."""
    data = body if isinstance(body, bytes) else json_bytes(body)
    if b"\xe2\x80" in data or b"\xc2\x85" in data:
        for raw, escaped in _LINE_ENDS.items():
            data = data.replace(raw, escaped)
    return data + b"\n"


def split_end(body: Json) -> tuple[Json, Json]:
    """A last line in two: one that only says what it says, and one that only ends the answer."""
    said = {name: value for name, value in body.items() if name not in ("done_reason", *_OF_THE_END)}
    holder, words = saying(body)
    bare = {
        name: value for name, value in holder.items() if name not in (THINKING, CALLS, "images", "image", "logprobs")
    }
    bare |= {words: ""}
    end = bare if holder is body else {**body, "message": bare}
    return {**said, "done": False}, {name: value for name, value in end.items() if name != "logprobs"}


def arguments_of(text: str) -> Json:
    """A call's arguments, which this API has as an object. ValueError, in words for the person, where they are none."""
    try:
        return parse_object(text.encode("utf-8", "surrogatepass")) if text.strip() else {}
    except ValueError:
        raise ValueError("in this API the arguments of a call are a JSON object") from None
