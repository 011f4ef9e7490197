"""Replies as they are written in the rules' file: `{text = "…"}`, `{tool = "Bash", arguments = {command = "ls"}}`,
`{status = 529, retry_after = 3}`, `{cut_after = 10}`, `{silence = true}`.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from math import isfinite
from typing import Any

from inspector.model.message import Growing, Part, Reasoning, Text, ToolCall
from inspector.rules.replies import Reply
from inspector.rules.spoiling import Fault

_KEYS = (
    "text",
    "reasoning",
    "tool",
    "arguments",
    "calls",
    "finish",
    "status",
    "message",
    "retry_after",
    "tokens_per_second",
    "cut_after",
    "silence",
    "malformed",
)


def parse_reply(given: str | Mapping[str, Any]) -> Reply:
    """Read a reply: a table, the same as text in braces, or the words that are the answer.

    Several tools stand in `calls`, each with `tool` and `arguments`; arguments are a table, or their JSON as text.
    Raises ValueError, in words for the person.
    """
    if isinstance(given, str):
        if not given.lstrip().startswith("{"):
            return Reply((Text(Growing(given)),))
        try:
            given = tomllib.loads(f"reply = {given.strip()}")["reply"]
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"a reply is a table such as {{status = 529, retry_after = 3}}: {error}") from None
        assert isinstance(given, Mapping)
    table = _Table(given, _KEYS)
    status = table.integer("status", 200, 599)
    fault = Fault(
        table.number("tokens_per_second"),
        table.integer("cut_after", 0),
        table.switch("silence"),
        table.switch("malformed"),
    )
    retry_after = table.number("retry_after", zero=True)
    reply = Reply(_parts(table), table.text("finish"), status, table.text("message") or "", retry_after, fault)
    if not reply.answers and not fault:
        raise ValueError(f"a reply says what is answered, or what goes wrong: {', '.join(_KEYS)}")
    if reply.parts and (status or 200) >= 400:
        raise ValueError(f"an answer of status {status} is an error: it has a message, and nothing else")
    return reply


def reply_table(reply: Reply) -> dict[str, Any]:
    """A reply as `parse_reply` reads it. ValueError for parts that cannot be written so."""
    table: dict[str, Any] = {}
    calls = []
    for part in reply.parts:
        match part:
            case Text() if "text" not in table:
                table["text"] = str(part.content)
            case Reasoning() if "reasoning" not in table:
                table["reasoning"] = str(part.content)
            case ToolCall():
                calls.append({"tool": part.name, "arguments": str(part.arguments)})
            case _:
                raise ValueError("a rule answers with one text, one reasoning, and tool calls")
    table |= calls[0] if len(calls) == 1 else {"calls": calls} if calls else {}
    fault = reply.fault
    others = {
        "finish": reply.finish,
        "status": reply.status,
        "message": reply.message or None,
        "retry_after": reply.retry_after,
        "tokens_per_second": fault.tokens_per_second,
        "cut_after": fault.cut_after,
        "silence": fault.silence or None,
        "malformed": fault.malformed or None,
    }
    return table | {key: value for key, value in others.items() if value is not None}


def _parts(table: _Table) -> tuple[Part, ...]:
    """Thoughts, words and calls, in the order in which models give them."""
    parts: list[Part] = []
    if (thoughts := table.text("reasoning")) is not None:
        parts.append(Reasoning(Growing(thoughts)))
    if (words := table.text("text")) is not None:
        parts.append(Text(Growing(words)))
    if "arguments" in table.given and "tool" not in table.given:
        raise ValueError("arguments want a tool")
    calls = [table] if "tool" in table.given else []
    several = table.given.get("calls", [])
    if not isinstance(several, list) or not all(isinstance(call, Mapping) for call in several):
        raise ValueError('calls is a list such as [{tool = "Bash", arguments = {command = "ls"}}]')
    calls += [_Table(call, ("tool", "arguments")) for call in several]
    return (*parts, *map(_call, calls))


def _call(table: _Table) -> ToolCall:
    name, arguments = table.text("tool"), table.given.get("arguments", {})
    if not name:
        raise ValueError("a call wants a tool")
    if isinstance(arguments, Mapping):
        try:
            arguments = json.dumps(arguments, ensure_ascii=False)
        except TypeError as error:
            raise ValueError(f"arguments are what JSON can say: {error}") from None
    elif not isinstance(arguments, str):
        raise ValueError("arguments are a table, or JSON as text")
    return ToolCall(name=name, arguments=Growing(arguments), done=True)


class _Table:
    """A table whose values are of the right kind, or a ValueError that says which is not."""

    def __init__(self, given: Mapping[str, Any], keys: tuple[str, ...]) -> None:
        self.given = given
        for key in given:
            if key not in keys:
                raise ValueError(f"a reply has no {key}; there are {', '.join(keys)}")

    def text(self, key: str) -> str | None:
        value = self.given.get(key)
        if value is not None and not isinstance(value, str):
            raise ValueError(f"{key} is a text in quotes")
        return value

    def switch(self, key: str) -> bool:
        value = self.given.get(key, False)
        if not isinstance(value, bool):
            raise ValueError(f"{key} is true or false")
        return value

    def integer(self, key: str, low: int, high: int | None = None) -> int | None:
        value = self.given.get(key)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or value < low or (high is not None and value > high):
            raise ValueError(f"{key} is a whole number from {low}{'' if high is None else f' to {high}'}")
        return value

    def number(self, key: str, zero: bool = False) -> float | None:
        value = self.given.get(key)
        if value is None:
            return None
        real = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
        if not real or value < 0 or (value == 0 and not zero):
            raise ValueError(f"{key} is a number above zero")
        return float(value)
