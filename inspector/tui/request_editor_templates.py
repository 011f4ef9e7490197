"""What can be put into a request, and where each dialect has it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from inspector.dialects._writing import Json
from inspector.wire.json_path import Path

_CHAT: Json = {"temperature": 1.0, "top_p": 1.0, "max_completion_tokens": 1024, "reasoning_effort": "medium", "seed": 1}
_RESPONSES: Json = {"temperature": 1.0, "top_p": 1.0, "max_output_tokens": 1024, "reasoning": {"effort": "medium"}}
_ANTHROPIC: Json = {
    "temperature": 1.0,
    "max_tokens": 1024,
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "tool_choice": {"type": "auto"},
}
_OLLAMA: Json = {"options": {"temperature": 1.0, "num_predict": 1024}, "think": True, "format": "json"}
_COHERE: Json = {"temperature": 0.3, "p": 0.75, "max_tokens": 1024, "thinking": {"type": "enabled"}, "seed": 1}
SETTINGS = {
    "openai-chat": _CHAT,
    "openai-responses": _RESPONSES,
    "anthropic-messages": _ANTHROPIC,
    "ollama": _OLLAMA,
    "cohere-chat": _COHERE,
}
"""The settings that people change most, by dialect, each with a value to begin with."""


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
    found = [*_messages(body, dialect, at), *_system(body, dialect)]
    tools = body.get("tools")
    if isinstance(tools, list):
        found.append(Template("tool", _tool(dialect), ("tools",), _next(tools, ("tools",), at)))
    missing = {name: value for name, value in SETTINGS.get(dialect, {}).items() if name not in body}
    return [*found, *(Template(f"{name} = {json.dumps(value)}", value, (name,)) for name, value in missing.items())]


def _messages(body: Json, dialect: str, at: Path) -> list[Template]:
    """`{"role": …, "content": …}` is a message in all dialects (in the Responses API an `EasyInputMessage`)."""
    name = "input" if dialect == "openai-responses" else "messages"
    messages = body.get(name)
    if not isinstance(messages, list):
        return []
    roles = ("user", "assistant") if dialect == "anthropic-messages" else ("user", "assistant", "system")
    place = _next(messages, (name,), at)
    return [Template(f"{role} message", {"role": role, "content": ""}, (name,), place) for role in roles]


def _system(body: Json, dialect: str) -> list[Template]:
    """The system prompt, where it stands beside the messages."""
    name = {"anthropic-messages": "system", "openai-responses": "instructions"}.get(dialect)
    if name is None:
        return []
    given = body.get(name)
    if isinstance(given, list):
        return [Template("system text", {"type": "text", "text": ""}, (name,), len(given))]
    return [Template("system prompt", "", (name,))] if given is None else []


def _tool(dialect: str) -> Json:
    schema = {"type": "object", "properties": {}}
    named: Json = {"name": "new_tool", "description": ""}
    if dialect == "anthropic-messages":
        return {**named, "input_schema": schema}
    if dialect == "openai-responses":
        return {"type": "function", **named, "parameters": schema}
    return {"type": "function", "function": {**named, "parameters": schema}}


def _next(items: list[Any], path: Path, at: Path) -> int:
    """The index behind the item that the cursor stands on or in; else behind the last."""
    depth = len(path)
    if at[:depth] == path and len(at) > depth and isinstance(index := at[depth], int):
        return min(index + 1, len(items))
    return len(items)
