"""A request's body cut into the pieces of its prompt: tools, system, messages, each with its place in the bytes.

In that order providers put a prompt before the model, and by it they cache it: Anthropic says so of its own
(https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching), of the others it is likely.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from inspector.store.alignment import Steps
from inspector.wire.json_path import Path

Section = Literal["tools", "system", "messages"]

SECTIONS: tuple[Section, ...] = ("tools", "system", "messages")
"""In the order of the cache."""
_FIELDS: dict[str, Section] = {
    "tools": "tools",
    "functions": "tools",
    "toolConfig": "tools",
    "system": "system",
    "preamble": "system",
    "instructions": "system",
    "systemInstruction": "system",
    "system_instruction": "system",
    "chat_history": "messages",
    "messages": "messages",
    "contents": "messages",
    "input": "messages",
    "prompt": "messages",
    "message": "messages",
}
_WRAPPER = "request"
"""Where Code Assist puts the request of the Gemini API."""
_SPACE = " \t\n\r"
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Piece:
    """A tool, a block of the system prompt, or a message, as it stands in the body."""

    path: Path
    start: int
    """In characters of the text, as `end`."""
    end: int


@dataclass(slots=True)
class Body:
    """A request's body. A text that is no prompt has no pieces."""

    text: str
    sections: dict[Section, list[Piece]] = field(default_factory=lambda: {name: [] for name in SECTIONS})
    settings: dict[str, Any] = field(default_factory=dict)
    """Everything else at its top: model, thinking, …"""

    def offset(self, at: int) -> int:
        """The byte at which a character stands."""
        return at if self.text.isascii() else len(self.text[:at].encode("utf-8", "surrogatepass"))

    def size(self, piece: Piece) -> int:
        """Bytes of a piece."""
        raw = self.raw(piece)
        return len(raw) if raw.isascii() else len(raw.encode("utf-8", "surrogatepass"))

    def raw(self, piece: Piece) -> str:
        """A piece as it is written."""
        return self.text[piece.start : piece.end]

    @property
    def pieces(self) -> list[Piece]:
        """All pieces in the order of the cache."""
        return [piece for name in SECTIONS for piece in self.sections[name]]


def read(data: bytes) -> Steps[Body]:
    """Read a decoded body, a piece at a step. What is no JSON object has no pieces, what is broken off only some."""
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    body = Body(text)
    # Where it is wrong, it ends; what stood before that is known.
    with suppress(ValueError, IndexError, RecursionError):
        yield from _members(body, _skip(text, 0), ())
    # Cohere's first API has the newest message beside the history.
    body.sections["messages"].sort(key=lambda piece: piece.path[0] == "message")
    return body


def _members(body: Body, at: int, path: Path) -> Steps[int]:
    """The members of an object; returns where it ends."""
    text = body.text
    if text[at] != "{":
        raise ValueError("no object")
    at = _skip(text, at + 1)
    while text[at] != "}":
        if text[at] == ",":
            at = _skip(text, at + 1)
        if text[at] != '"':
            raise ValueError("no key")
        key, at = _DECODER.raw_decode(text, at)
        at = _skip(text, at)
        if text[at] != ":":
            raise ValueError("no colon")
        at = yield from _member(body, key, _skip(text, at + 1), path)
        at = _skip(text, at)
        yield
    return at + 1


def _member(body: Body, key: str, at: int, path: Path) -> Steps[int]:
    text, section, here = body.text, _FIELDS.get(key), (*path, key)
    if key == _WRAPPER and not path and text[at] == "{":
        return (yield from _members(body, at, here))
    if section is None:
        body.settings[key], at = _DECODER.raw_decode(text, at)
        return at
    # A repeated key counts as its last one, as every parser takes it.
    body.sections[section] = [each for each in body.sections[section] if each.path[: len(here)] != here]
    if key == "toolConfig" and text[at] == "{":
        return (yield from _tool_config(body, at, here))
    if text[at] == "[":
        return (yield from _entries(body, section, at, here))
    start, at = at, _DECODER.raw_decode(text, at)[1]
    if text[start] != "n":
        body.sections[section].append(Piece(here, start, at))
    return at


def _tool_config(body: Body, at: int, path: Path) -> Steps[int]:
    """Bedrock's `toolConfig` has the tools; Gemini's has settings."""
    value, end = _DECODER.raw_decode(body.text, at)
    tools = value.pop("tools", None)
    if isinstance(tools, list):
        body.sections["tools"].append(Piece(path, at, end))
    else:
        body.settings[str(path[-1])] = value
    yield
    return end


def _entries(body: Body, section: Section, at: int, path: Path) -> Steps[int]:
    text, index = body.text, 0
    at = _skip(text, at + 1)
    while text[at] != "]":
        if text[at] == ",":
            at = _skip(text, at + 1)
        end = _DECODER.raw_decode(text, at)[1]
        body.sections[section].append(Piece((*path, index), at, end))
        index, at = index + 1, _skip(text, end)
        yield
    return at + 1


def _skip(text: str, at: int) -> int:
    """Where the next thing stands behind white space."""
    while text[at] in _SPACE:
        at += 1
    return at
