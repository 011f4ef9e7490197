"""An answer that a person writes: its parts, and what goes wrong with it on purpose. Knows nothing of the screen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from inspector.model.message import Growing, Part, Reasoning, Text, Tool, ToolCall
from inspector.rules.replies import Reply
from inspector.rules.spoiling import Fault
from inspector.tui.json_text import json_problem

_DEEPEST = 8
"""Levels of a schema of which a template is made."""
_EMPTY: dict[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False, "array": [], "null": None}


@dataclass(slots=True)
class Said:
    """One part, as far as it is written."""

    kind: Literal["text", "reasoning", "call"]
    text: str = ""
    """A call's arguments, for a call."""
    name: str = ""
    """The tool."""
    free: bool = False
    """Whether the tool takes any text, and not JSON."""

    @property
    def json(self) -> bool:
        """Whether its text is to be JSON."""
        return self.kind == "call" and not self.free

    @property
    def problem(self) -> str:
        """What is wrong with it, in words; empty where nothing is."""
        if self.kind == "call" and not self.name.strip():
            return "the call names no tool"
        found = json_problem(self.text) if self.json else None
        return str(found) if found is not None else ""


@dataclass(frozen=True, slots=True)
class How:
    """What the agent gets in the place of a plain answer."""

    label: str
    number: str = ""
    """What its number means; empty where it has none."""
    usual: float = 0.0
    status: int | None = None
    spoils: bool = False
    """Whether the answer does not come whole."""


HOWS = (
    How("as written"),
    How("slowly", "tokens a second", 10),
    How("breaks off", "tokens, then it breaks off", 12, spoils=True),
    How("falls silent", "tokens, then nothing more", 12, spoils=True),
    How("never comes", spoils=True),
    How("malformed", "good events before the bad", 1, spoils=True),
    How("429 rate limit", "seconds of retry-after", 30, 429),
    How("529 overloaded", "seconds of retry-after", 30, 529),
    How("500 error", status=500),
)
"""In the order in which they are offered; the first is no fault."""


@dataclass(slots=True)
class ReplyDraft:
    """An answer that is being written."""

    parts: list[Said] = field(default_factory=lambda: [Said("text")])
    how: int = 0
    """Index into `HOWS`."""
    number: str = ""
    """As typed; empty for the usual one."""
    message: Said = field(default_factory=lambda: Said("text"))
    """What an error says; empty for the usual words."""

    @property
    def said(self) -> list[Said]:
        """What there is to write: the parts, or the error's message."""
        return self.parts if HOWS[self.how].status is None else [self.message]

    @property
    def problem(self) -> str:
        """What is wrong, in words; empty where nothing is."""
        return next((part.problem for part in self.said if part.problem), "")


def reply_of(draft: ReplyDraft) -> Reply:
    """The reply that was meant. ValueError, in words, where it is none yet."""
    how = HOWS[draft.how]
    number = _number(draft.number, how) if how.number else 0.0
    if how.status is not None:
        retry = number if how.number else None
        return Reply(status=how.status, message=draft.message.text.strip(), retry_after=retry)
    parts = tuple(_part(part) for part in draft.parts if part.text.strip() or part.kind == "call")
    fault = _fault(how, number)
    if not parts and how.label != "never comes":
        raise ValueError("nothing is written yet")
    return Reply(parts, fault=fault)


def template(schema: object, depth: int = 0) -> Any:
    """A value that fits a tool's JSON schema: what is required (everything, where nothing is), empty."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return {} if depth == 0 else None
    if "default" in schema or "const" in schema:
        return schema.get("default", schema.get("const"))
    if isinstance(enum := schema.get("enum"), list) and enum:
        return enum[0]
    for key in ("anyOf", "oneOf"):
        if isinstance(choices := schema.get(key), list) and choices:
            return template(choices[0], depth + 1)
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return {} if depth == 0 else _EMPTY.get(kind if isinstance(kind, str) else "", {} if kind == "object" else None)
    required = schema.get("required")
    names = [name for name in required if name in properties] if isinstance(required, list) and required else properties
    return {name: template(properties[name], depth + 1) for name in names}


def call_of(tool: Tool) -> Said:
    """A call of a tool, to be filled in."""
    if tool.kind == "custom":
        return Said("call", "", tool.name, free=True)
    return Said("call", json.dumps(template(tool.schema), indent=2, ensure_ascii=False), tool.name)


def callable_tools(tools: Sequence[Tool]) -> list[Tool]:
    """Those that the agent runs itself."""
    return [tool for tool in tools if tool.kind in ("function", "custom")]


def _number(text: str, how: How) -> float:
    try:
        number = float(text) if text.strip() else how.usual
    except ValueError:
        raise ValueError(f"{how.number}: {text.strip()[:20]} is no number") from None
    if not 0 <= number < 1e6 or (how.label == "slowly" and number == 0):
        raise ValueError(f"{how.number}: {text.strip()[:20]} is out of range")
    return number


def _fault(how: How, number: float) -> Fault:
    match how.label:
        case "slowly":
            return Fault(tokens_per_second=number)
        case "breaks off":
            return Fault(cut_after=int(number))
        case "falls silent":
            return Fault(cut_after=int(number), silence=True)
        case "never comes":
            return Fault(silence=True)
        case "malformed":
            return Fault(cut_after=int(number), malformed=True)
        case _:
            return Fault()


def _part(said: Said) -> Part:
    if said.kind == "text":
        return Text(Growing(said.text))
    if said.kind == "reasoning":
        return Reasoning(Growing(said.text))
    kind = "custom" if said.free else "function"
    return ToolCall("", said.name.strip(), Growing(said.text), kind, done=True)
