"""What can be put into a request, and where each dialect has it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from inspector.dialects._writing import Json
from inspector.wire.json_path import Path

_SCHEMA: Json = {"type": "object", "properties": {}}
_NAMED: Json = {"name": "new_tool", "description": ""}
_FUNCTION: Json = {"type": "function", "function": {**_NAMED, "parameters": _SCHEMA}}


@dataclass(frozen=True, slots=True)
class Shape:
    """Where a dialect has what can be put into its requests."""

    settings: Json
    """The settings that people change most, each with a value to begin with."""
    within: str = ""
    """The object in which they stand; empty where they stand at the top."""
    turns: str = "messages"
    roles: tuple[str, ...] = ("user", "assistant", "system")
    said: tuple[str, Any] = ("content", "")
    """Under which name a message has its words, and how no words are written."""
    system: str = ""
    """Where the system prompt stands, where it is no message."""
    system_said: Any = ""
    """How an empty one is written,"""
    system_item: Any = None
    """and one more piece of it, where it is a list."""
    tools: Path = ("tools",)
    tool: Json = field(default_factory=lambda: _FUNCTION)


SHAPES: dict[str, Shape] = {
    "openai-chat": Shape(
        {"temperature": 1.0, "top_p": 1.0, "max_completion_tokens": 1024, "reasoning_effort": "medium", "seed": 1}
    ),
    "openai-responses": Shape(
        {"temperature": 1.0, "top_p": 1.0, "max_output_tokens": 1024, "reasoning": {"effort": "medium"}},
        turns="input",  # `{"role": …, "content": …}` is an `EasyInputMessage` there
        system="instructions",
        tool={"type": "function", **_NAMED, "parameters": _SCHEMA},
    ),
    "anthropic-messages": Shape(
        {
            "temperature": 1.0,
            "max_tokens": 1024,
            "thinking": {"type": "enabled", "budget_tokens": 1024},
            "tool_choice": {"type": "auto"},
        },
        roles=("user", "assistant"),
        system="system",
        system_item={"type": "text", "text": ""},
        tool={**_NAMED, "input_schema": _SCHEMA},
    ),
    "gemini": Shape(
        {"temperature": 1.0, "topP": 0.95, "maxOutputTokens": 1024, "thinkingConfig": {"includeThoughts": True}},
        within="generationConfig",
        turns="contents",
        roles=("user", "model"),
        said=("parts", [{"text": ""}]),
        system="systemInstruction",
        system_said={"parts": [{"text": ""}]},
        tool={"functionDeclarations": [{**_NAMED, "parameters": _SCHEMA}]},
    ),
    "bedrock-converse": Shape(
        {"temperature": 1.0, "topP": 1.0, "maxTokens": 1024},
        within="inferenceConfig",
        roles=("user", "assistant"),
        said=("content", [{"text": ""}]),
        system="system",
        system_said=[{"text": ""}],
        system_item={"text": ""},
        tools=("toolConfig", "tools"),
        tool={"toolSpec": {**_NAMED, "inputSchema": {"json": _SCHEMA}}},
    ),
    "ollama": Shape({"options": {"temperature": 1.0, "num_predict": 1024}, "think": True, "format": "json"}),
    "cohere-chat": Shape(
        {"temperature": 0.3, "p": 0.75, "max_tokens": 1024, "thinking": {"type": "enabled"}, "seed": 1}
    ),
}
"""By dialect; what is not listed has its messages and tools as Chat Completions has them."""
_OTHERS = Shape({})


@dataclass(frozen=True, slots=True)
class Template:
    """Something that can be put in."""

    label: str
    value: Any
    path: Path
    """The list that it goes into, or the place of the setting."""
    behind: int | None = None
    """The index that it gets in that list; None for a setting, which stands where its path says."""

    @property
    def text(self) -> str:
        """Its JSON."""
        return json.dumps(self.value, ensure_ascii=False)


def templates(body: Json, dialect: str, at: Path) -> list[Template]:
    """What can be put into a request while the cursor stands at a path: messages go behind the one there."""
    shape = SHAPES.get(dialect, _OTHERS)
    return [*_messages(body, shape, at), *_system(body, shape), *_tools(body, shape, at), *_settings(body, shape)]


def _messages(body: Json, shape: Shape, at: Path) -> list[Template]:
    messages, path = body.get(shape.turns), (shape.turns,)
    if not isinstance(messages, list):
        return []
    name, nothing = shape.said
    place = _next(messages, path, at)
    return [Template(f"{role} message", {"role": role, name: nothing}, path, place) for role in shape.roles]


def _system(body: Json, shape: Shape) -> list[Template]:
    """The system prompt, where it stands beside the messages."""
    given = body.get(shape.system)
    if isinstance(given, list) and shape.system_item is not None:
        return [Template("system text", shape.system_item, (shape.system,), len(given))]
    return [Template("system prompt", shape.system_said, (shape.system,))] if shape.system and given is None else []


def _tools(body: Json, shape: Shape, at: Path) -> list[Template]:
    tools: Any = body
    for name in shape.tools:
        tools = tools.get(name) if isinstance(tools, dict) else None
    return [Template("tool", shape.tool, shape.tools, _next(tools, shape.tools, at))] if isinstance(tools, list) else []


def _settings(body: Json, shape: Shape) -> list[Template]:
    """Those that are not there. Where they have an object of their own and that is not there, the first brings it."""
    within = body.get(shape.within) if shape.within else body
    if within is None:
        return [
            Template(f"{name} = {json.dumps(value)}", {name: value}, (shape.within,))
            for name, value in shape.settings.items()
        ]
    if not isinstance(within, dict):
        return []
    above: Path = (shape.within,) if shape.within else ()
    missing = {name: value for name, value in shape.settings.items() if name not in within}
    return [Template(f"{name} = {json.dumps(value)}", value, (*above, name)) for name, value in missing.items()]


def _next(items: list[Any], path: Path, at: Path) -> int:
    """The index behind the item that the cursor stands on or in; else behind the last."""
    depth = len(path)
    if at[:depth] == path and len(at) > depth and isinstance(index := at[depth], int):
        return min(index + 1, len(items))
    return len(items)
