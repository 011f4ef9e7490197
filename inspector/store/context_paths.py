"""Where the parts of a prompt stand in the request's body, as JSON paths.

A prompt was read part by part in the order of the body. The same order is gone through again here, and every part is
found by what it says: that holds for all APIs, whatever they call their fields.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from inspector.model.message import Media, Other, Part, Prompt, Reasoning, Refusal, Text, ToolCall, ToolResult
from inspector.store.alignment import Steps
from inspector.store.prefix_body import Body, Piece
from inspector.wire.json_path import Path, format_path

_AHEAD = 64
"""Blocks that are looked through for a part; what is further away is not found."""
_LISTS = ("summary", "reasoning_details", "content", "parts", "images", "tool_calls")
_FIELDS = ("reasoning_content", "reasoning", "thinking", "refusal", "audio", "function_call", "tool_plan")
_THOUGHTS = frozenset(
    {"thinking", "signature", "thoughtSignature", "thought_signature", "thought", "encrypted_content"}
)
_THINKING = frozenset(
    {"thinking", "redacted_thinking", "reasoning", "summary_text", "reasoning_text", "reasoningContent"}
)
_IDS = ("tool_use_id", "tool_call_id", "call_id", "id", "toolUseId")
_WRAPPERS = ("functionCall", "functionResponse", "toolUse", "toolResult", "function", "custom")


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a message as it stands in the body."""

    path: Path
    value: Any
    message: Any
    """The message around it."""


@dataclass(frozen=True, slots=True)
class Paths:
    """Where things stand: a path for each part of each message and for each tool, empty where it was not found."""

    parts: list[list[str]]
    tools: list[str]

    def part(self, message: int, part: int) -> str:
        """The path of one part; of its message where the part is not known."""
        row = self.parts[message] if 0 <= message < len(self.parts) else []
        return row[part] if 0 <= part < len(row) else next((path for path in row if path), "")


def paths_of(prompt: Prompt, body: Body) -> Steps[Paths]:
    """The paths of all that a prompt holds, a message at a step."""
    blocks: list[Block] = []
    for piece in [*body.sections["system"], *body.sections["messages"]]:
        blocks += _blocks(piece, _value(body, piece))
        yield
    at, found, last = 0, list[list[str]](), None
    for message in prompt.messages:
        row: list[str] = []
        for part in message.parts:
            place = _search(part, blocks, at, last)
            row.append(_path(part, blocks[place]) if place is not None else "")
            at = place + 1 if place is not None else at
            last = part
        found.append(row)
        yield
    declared = [path for piece in body.sections["tools"] for path in _tools(piece, _value(body, piece))]
    tools = [format_path(path) for path in declared] if len(declared) == len(prompt.tools) else [""] * len(prompt.tools)
    return Paths(found, tools)


def _value(body: Body, piece: Piece) -> Any:
    """What a piece says. It was read before, so that it is whole."""
    return json.loads(body.raw(piece))


def _blocks(piece: Piece, message: Any) -> Iterator[Block]:
    if not isinstance(message, dict):
        yield Block(piece.path, message, None)
        return
    found = False
    for name in _FIELDS:
        if message.get(name):
            yield Block((*piece.path, name), message[name], message)
            found = True
    for name in _LISTS:
        value = message.get(name)
        if isinstance(value, list):
            yield from (Block((*piece.path, name, index), entry, message) for index, entry in enumerate(value))
        elif value:
            yield Block((*piece.path, name), value, message)
        found = found or bool(value)
    if not found:
        yield Block(piece.path, message, message)


def _search(part: Part, blocks: list[Block], at: int, last: Part | None) -> int | None:
    """The next block that a part was read from; the last one once more, where it gave more than one part."""
    if at and isinstance(last, Reasoning) and not isinstance(part, Reasoning) and _fits(part, blocks[at - 1]):
        # A seal stands beside what it seals.
        return at - 1
    for place in range(at, min(at + _AHEAD, len(blocks))):
        if _fits(part, blocks[place]):
            return place
    return at - 1 if at and not isinstance(part, Text | ToolCall) and _fits(part, blocks[at - 1]) else None


def _fits(part: Part, block: Block) -> bool:
    value = block.value
    match part:
        case Text() | Refusal():
            return str(part.content) in _texts(value)
        case Reasoning():
            return _is_thought(block)
        case ToolCall() | ToolResult():
            return _names(part, block)
        case Media() | Other():
            return isinstance(value, dict) and not isinstance(value.get("text"), str)


def _texts(value: Any) -> tuple[Any, ...]:
    if isinstance(value, dict):
        return value.get("text"), value.get("refusal"), value.get("content"), value.get("prompt")
    return (value,)


def _is_thought(block: Block) -> bool:
    if block.path[-1] in _FIELDS[:3] or (len(block.path) > 1 and block.path[-2] in ("summary", "reasoning_details")):
        return True
    value = block.value
    return isinstance(value, dict) and (value.get("type") in _THINKING or bool(_THOUGHTS & value.keys()))


def _names(part: ToolCall | ToolResult, block: Block) -> bool:
    """Whether a block has the id of a call or a result, or its tool's name."""
    whole = [value for value in (block.value, block.message) if isinstance(value, dict)]
    inner = [value[name] for value in whole for name in _WRAPPERS if isinstance(value.get(name), dict)]
    if any(value.get(name) == part.id for value in (*whole, *inner) for name in _IDS if part.id):
        return isinstance(part, ToolResult) or block.path[-1] != "content"
    wrapper = "functionCall" if isinstance(part, ToolCall) else "functionResponse"
    own = block.value if isinstance(block.value, dict) else {}
    given = own.get(wrapper) or own.get("function") or {}
    return isinstance(given, dict) and bool(part.name) and given.get("name") == part.name


def _path(part: Part, block: Block) -> str:
    """The path of what a part says, as deep as it is one value."""
    value, path = block.value, block.path
    if isinstance(value, dict):
        wanted: tuple[str, ...] = ()
        if isinstance(part, Text | Refusal):
            wanted = tuple(name for name in ("text", "refusal", "content") if value.get(name) == str(part.content))
        elif isinstance(part, ToolResult):
            wanted = tuple(name for name in ("content", "output", "functionResponse") if name in value)
        elif isinstance(part, ToolCall):
            wanted = tuple(name for name in ("input", "arguments", "functionCall") if name in value)
        path = (*path, *wanted[:1])
    return format_path(path)


def _tools(piece: Piece, value: Any) -> Iterator[Path]:
    """The tools that one entry declares: Gemini and Bedrock have several in one."""
    inner = ("tools",) if piece.path[-1] == "toolConfig" else ("functionDeclarations", "function_declarations")
    for name in inner:
        declared = value.get(name) if isinstance(value, dict) else None
        if isinstance(declared, list):
            yield from ((*piece.path, name, index) for index in range(len(declared)))
            return
    yield piece.path
