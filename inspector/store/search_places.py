"""The texts of a flow that a search looks at: what was said, called, declared and set, and the heads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import orjson

from inspector.model.flow import Flow
from inspector.model.headers import Headers, mask_url, masked
from inspector.model.message import Media, Other, Part, Prompt, Reasoning, ToolCall, ToolResult, Transcript
from inspector.store.summary import part_text

View = Literal["chat", "request", "response"]
"""Where a person reads it: in the conversation, or in one of the two messages."""
_ROLES = {"system": "system", "user": "user", "assistant": "model", "tool": "tool"}


@dataclass(frozen=True, slots=True)
class Where:
    """What a text is of its flow."""

    words: str
    """In words, not printable as they come: `user`, `answer`, `call Bash`, `header x-request-id`."""
    view: View


@dataclass(frozen=True, slots=True)
class Section:
    """One text of a flow."""

    where: Where
    text: str
    is_json: bool = False
    """Whether words may stand in it with escapes."""

    @property
    def key(self) -> int:
        """What is the same for the same thing in another turn: an answer, and what the next request says it was."""
        words = "model" if self.where.words == ANSWER else self.where.words
        return hash((words, _canonical(self.text) if self.is_json else self.text))


ANSWER = "answer"
_UNICODE = re.compile(r"\\u(?:([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|([0-9a-fA-F]{4}))")
_BACKSLASH = "\ufdd0"
"""Stands for an escaped backslash meanwhile: a code point that no text has."""
_LETTERS = {'\\"': '"', "\\n": "\n", "\\t": "\t", "\\r": "\r", "\\/": "/", "\\b": "\b", "\\f": "\f"}


def unescaped(text: str) -> str:
    """A JSON text with what its escapes stand for. Fast, for much is searched."""
    text = text.replace("\\\\", _BACKSLASH)
    for escape, meant in _LETTERS.items():
        text = text.replace(escape, meant)
    return (_UNICODE.sub(_meant, text) if "\\u" in text else text).replace(_BACKSLASH, "\\")


def _meant(escape: re.Match[str]) -> str:
    high, low, code = escape.groups()
    return chr(0x10000 + (int(high, 16) - 0xD800 << 10) + int(low, 16) - 0xDC00) if high else chr(int(code, 16))


def asked(prompt: Prompt) -> Iterator[Section]:
    """What a request says: the words, what is declared, what is set."""
    names = {call.id: call.name for message in prompt.messages for call in message.tool_calls()}
    for message in prompt.messages:
        for part in message.parts:
            yield from _part(_ROLES[message.role], part, names)
    for tool in prompt.tools:
        yield Section(Where(f"tool {tool.name}", "chat"), f"{tool.name}\n{tool.description}\n{_dump(tool.schema)}")
    for name, value in {"model": prompt.model, **prompt.parameters}.items():
        yield Section(Where(f"setting {name}", "request"), _dump(value))


def answered(flow: Flow, transcript: Transcript) -> Iterator[Section]:
    """What came back, and what is told of it."""
    answer = transcript.answer
    names = {call.id: call.name for choice in answer.choices for call in choice.tool_calls()}
    for choice in answer.choices:
        for part in choice.parts:
            yield from _part(ANSWER, part, names)
    for error in dict.fromkeys(filter(None, (answer.error, flow.error))):
        yield Section(Where("error", "chat"), error)
    for note in dict.fromkeys([*flow.notes, *transcript.notes]):
        yield Section(Where("note", "chat"), note)


def heads(flow: Flow) -> Iterator[Section]:
    """Of both messages what stands above their bodies, secrets masked."""
    yield Section(Where("URL", "request"), f"{flow.request.method} {_safe_url(flow.request.url)}")
    yield from _headers(flow.request.headers, "request")
    if flow.response is not None:
        yield Section(Where("status", "response"), f"HTTP {flow.response.status} {flow.response.reason}")
        yield from _headers(flow.response.headers, "response")


def _part(words: str, part: Part, names: dict[str, str]) -> Iterator[Section]:
    match part:
        case ToolCall():
            yield Section(Where(f"call {part.name}", "chat"), f"{part.name} {part.arguments}", is_json=True)
            yield Section(Where("call's id", "response" if words == ANSWER else "request"), part.id)
        case ToolResult():
            name = part.name or names.get(part.id, "")
            yield Section(Where(f"result {name}".strip(), "chat"), part.content)
        case Reasoning():
            yield Section(Where("reasoning", "chat"), str(part.content))
        case Media():
            yield Section(Where(part.modality, "chat"), f"{part.uri} {part.mime_type} {part.transcript}".strip())
        case Other():
            yield Section(Where(part.kind, "chat"), _dump(part.data))
        case _:
            yield Section(Where(words, "chat"), part_text(part))


def _headers(headers: Headers, view: View) -> Iterator[Section]:
    for name, value in masked(headers):
        yield Section(Where(f"{view} header", view), f"{name}: {value}")


def _canonical(call: str) -> str:
    """A call however its arguments are spaced: clients write them anew."""
    name, _, arguments = call.partition(" ")
    try:
        return f"{name} {orjson.dumps(orjson.loads(arguments), option=orjson.OPT_SORT_KEYS).decode()}"
    except ValueError:
        return call


def _dump(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _safe_url(url: str) -> str:
    """The URL with credentials masked; one that cannot be read is given without its query."""
    try:
        return mask_url(url)
    except ValueError:
        return url.partition("?")[0]
