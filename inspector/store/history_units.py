"""A conversation as a list of units: what was said, thought, called and given back, in one form for every API.

Two requests of a lane are compared by them. What agents change without changing the meaning is levelled: ids that only
name an item, citations, empty texts, and how the assistant's words are cut into parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import orjson

from inspector.dialects._fields import dump
from inspector.model.message import (
    Media,
    Message,
    Other,
    Part,
    Reasoning,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolResult,
)
from inspector.store.alignment import PAUSE_EVERY, Steps

Sort = Literal["text", "thought", "call", "result", "media", "other"]

_MADE_UP = re.compile(r"(?:call_\d{1,5})?")
"""Ids that stand for none: those that the reading of a prompt gave to calls that came without."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing in a conversation."""

    sort: Sort
    role: Role
    message: int
    """Index of its message in the list that it was taken from."""
    part: int
    """Index of its part in that message: the first one, where several were put together."""
    key: tuple[object, ...]
    """What it is found by in another request."""
    text: str
    """What it says: words, arguments, a result, a seal."""
    name: str = ""
    """The tool's."""
    own: bool = False
    """The provider ran it itself, or keeps it itself: nobody has to send it back."""
    sealed: bool = False
    """Thoughts that the provider signed, or that only it can read."""


def units_of(messages: Iterable[Message], *, by_id: bool = True) -> Steps[list[Unit]]:
    """The units of messages, without what the system says: an agent may change that from turn to turn.

    `by_id` tells whether calls and results are found by their ids, or by what they say.
    """
    units: list[Unit] = []
    for index, message in enumerate(messages):
        if index % PAUSE_EVERY == 0:
            yield
        if message.role == "system":
            continue
        for place, part in enumerate(message.parts):
            unit = _unit(message.role, index, place, part, by_id)
            if unit is None:
                continue
            if unit.sort == "text" and unit.role == "assistant" and units and _goes_on(units[-1]):
                units[-1] = _joined(units[-1], unit.text)
            else:
                units.append(unit)
    return units


def joined(first: list[Unit], then: list[Unit]) -> list[Unit]:
    """Units of a prompt with those of its answer behind: a prefilled answer is one text with what came."""
    if first and then and then[0].sort == "text" and then[0].role == "assistant" and _goes_on(first[-1]):
        return [*first[:-1], _joined(first[-1], then[0].text), *then[1:]]
    return [*first, *then]


def has_ids(messages: Iterable[Message]) -> Steps[bool]:
    """Whether the calls and results in messages came with ids of their own, or there are none."""
    for index, message in enumerate(messages):
        if index % PAUSE_EVERY == 0:
            yield
        if any(isinstance(part, ToolCall | ToolResult) and _MADE_UP.fullmatch(part.id) for part in message.parts):
            return False
    return True


def title_of(unit: Unit) -> str:
    """What a unit is called in a sentence. Holds a tool's name as it came."""
    match unit.sort:
        case "text":
            return {"user": "the user's text", "assistant": "the answer's text"}.get(unit.role, f"a {unit.role} text")
        case "call":
            return f"the call of {unit.name}" if unit.name else "a call"
        case "result":
            return f"the result of {unit.name}" if unit.name else "a result"
        case "media":
            return "a piece of media"
        case "thought":
            return "the model's thoughts"
        case _:
            return f"a part ({unit.name})"


def same_json(text: str, other: str) -> bool:
    """Whether two texts are the same, or the same JSON; no arguments are the same as an empty object."""
    if text == other:
        return True
    try:
        return bool(orjson.loads(text or "{}") == orjson.loads(other or "{}"))
    except orjson.JSONDecodeError:
        return False


def _goes_on(unit: Unit) -> bool:
    return unit.sort == "text" and unit.role == "assistant"


def _joined(unit: Unit, text: str) -> Unit:
    whole = unit.text + text
    return replace(unit, text=whole, key=("text", unit.role, whole))


def _unit(role: Role, message: int, place: int, part: Part, by_id: bool) -> Unit | None:
    """None for what says nothing."""
    match part:
        case Text() | Refusal():
            text = str(part.content)
            speaker: Role = "user" if role == "tool" else role
            return Unit("text", speaker, message, place, ("text", speaker, text), text) if text else None
        case Reasoning():
            return _thought(role, message, place, part)
        case ToolCall():
            arguments = str(part.arguments)
            key = (part.id,) if by_id else (part.name, _levelled(arguments))
            return Unit("call", role, message, place, ("call", *key), arguments, part.name, part.server_side)
        case ToolResult():
            key = (part.id,) if by_id else (part.name, part.content)
            return Unit("result", role, message, place, ("result", *key), part.content, part.name, role == "assistant")
        case Media():
            text = part.uri or f"{part.mime_type or part.modality}, {part.size} bytes"
            return Unit("media", role, message, place, ("media", part.modality, text), text, own=role == "assistant")
        case Other():
            return _other(role, message, place, part)


def _thought(role: Role, message: int, place: int, part: Reasoning) -> Unit | None:
    seal = part.signature or part.encrypted
    text = str(part.content)
    if not (seal or text):
        return None
    return Unit("thought", role, message, place, ("thought", seal or text), text, sealed=bool(seal))


def _other(role: Role, message: int, place: int, part: Other) -> Unit:
    text = part.data if isinstance(part.data, str) else dump(part.data)
    return Unit("other", role, message, place, ("other", part.kind, text), text, part.kind, role == "assistant")


def _levelled(arguments: str) -> str:
    """Arguments as the same text wherever they are the same JSON."""
    try:
        return orjson.dumps(orjson.loads(arguments or "{}"), option=orjson.OPT_SORT_KEYS).decode()
    except (orjson.JSONDecodeError, TypeError):
        return arguments
