"""A request's settings, of any provider, as those of the Messages API.

https://docs.anthropic.com/en/api/messages, https://platform.openai.com/docs/api-reference/chat and …/responses
"""

from __future__ import annotations

import re
from typing import Any

from inspector.dialects._anthropic_turns import Lost
from inspector.dialects._base import Json
from inspector.dialects._fields import dump, float_of, int_of, list_of, object_of, text_of
from inspector.model.message import Tool

MAX_TOKENS = 4096
"""Taken where the request does not say: the Messages API wants a limit."""

_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_SAME = frozenset(
    {
        "top_p",
        "top_k",
        "stop_sequences",
        "thinking",
        "container",
        "context_management",
        "mcp_servers",
        "output_config",
        "inference_geo",
    }
)
"""Settings that mean the same here, or are Anthropic's own."""
_NOTHING: dict[str, tuple[object, ...]] = {
    "n": (1,),
    "store": (False,),
    "logprobs": (False,),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "parallel_tool_calls": (True, False),
    "truncation": ("disabled",),
    "background": (False,),
    "modalities": (["text"],),
}
"""Values that ask for what happens anyway, or are seen to elsewhere."""
_FRAMING = frozenset({"stream_options"})
_OWN_TOOL = re.compile(r"_\d{8}$")
"""Tools that Anthropic runs have the date of their version in the type."""
_CHOICES = {"auto": "auto", "none": "none", "required": "any", "any": "any"}


def write_parameters(given: Json, lost: Lost) -> Json:
    """The settings that can be said, `max_tokens` first. `tool_choice` is written by itself."""
    body: Json = {"max_tokens": _limit(given, lost)}
    for name, value in given.items():
        if value is None or name in _LIMITS or name in _FRAMING or name == "tool_choice":
            continue
        match name:
            case "temperature":
                body[name] = _temperature(value, lost)
            case "stop":
                body["stop_sequences"] = [value] if isinstance(value, str) else list_of(value)
            case "user":
                body["metadata"] = {"user_id": value}
            case "metadata" if isinstance(value, dict) and set(value) <= {"user_id"}:
                body[name] = value
            case "service_tier" if value in ("auto", "standard_only"):
                body[name] = value
            case "response_format" | "text":
                _format(name, object_of(value), body, lost)
            case _ if name in _SAME:
                body[name] = value
            case _ if value not in _NOTHING.get(name, ()):
                lost.say(f"{name} {dump(value)[:60]} has no counterpart")
    return body


def write_tools(tools: list[Tool], lost: Lost) -> list[Json]:
    """The tools that the client runs, and those that Anthropic runs."""
    written = [_tool(tool, lost) for tool in tools]
    return [tool for tool in written if tool is not None]


def write_choice(given: Json, tools: list[Json], lost: Lost) -> Json:
    """`tool_choice`, and in it whether calls may come in parallel; empty where it says nothing."""
    choice = given.get("tool_choice")
    if not tools:
        return {}
    written = _choice(choice, {tool.get("name") for tool in tools})
    if choice is not None and not written:
        lost.say(f"tool_choice {dump(choice)[:60]} has no counterpart")
    if given.get("parallel_tool_calls") is False and written.get("type") != "none":
        return {**(written or {"type": "auto"}), "disable_parallel_tool_use": True}
    return written


def _limit(given: Json, lost: Lost) -> int:
    limits = [limit for name in _LIMITS if (limit := int_of(given.get(name))) is not None]
    if not limits:
        lost.say(f"the request names no limit: max_tokens is {MAX_TOKENS}")
    return limits[0] if limits else MAX_TOKENS


def _temperature(value: Any, lost: Lost) -> Any:
    number = float_of(value)
    if number is not None and number > 1:
        lost.say(f"temperature {value} is 1, the highest")
        return 1
    return value


def _format(name: str, value: Json, body: Json, lost: Lost) -> None:
    """Structured output: `response_format` of Chat Completions, `text.format` of Responses."""
    form = value if name == "response_format" else object_of(value.get("format"))
    kind = form.get("type")
    schema = object_of(form.get("json_schema")).get("schema") if name == "response_format" else form.get("schema")
    if kind == "json_schema" and isinstance(schema, dict):
        body["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
    elif kind not in (None, "text"):
        lost.say(f"{name} {kind} has no counterpart")
    if name == "text" and value.get("verbosity") not in (None, "medium"):
        lost.say(f"text.verbosity {value['verbosity']} has no counterpart")


def _tool(tool: Tool, lost: Lost) -> Json | None:
    described = {"description": tool.description} if tool.description else {}
    if tool.kind == "function":
        schema = tool.schema if isinstance(tool.schema, dict) and tool.schema else {"properties": {}}
        return {"name": tool.name, **described, "input_schema": {"type": "object", **schema}}
    if tool.kind == "custom":
        lost.say(f"{tool.name} takes free text: it is declared with the text in `input`")
        schema = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
        return {"name": tool.name, **described, "input_schema": schema}
    if _OWN_TOOL.search(tool.kind):
        return {"type": tool.kind, "name": tool.name, **object_of(tool.schema)}
    lost.say(f"the tool {tool.name}, which the provider runs itself, is left out")
    return None


def _choice(choice: object, names: set[object]) -> Json:
    """Chat Completions' forms, those of Responses, and Anthropic's own."""
    if isinstance(choice, str):
        return {"type": _CHOICES[choice]} if choice in _CHOICES else {}
    form = object_of(choice)
    kind = text_of(form.get("type"))
    if kind in ("function", "custom", "tool"):
        name = text_of(form.get("name")) or text_of(object_of(form.get(kind)).get("name"))
        return {**(form if kind == "tool" else {}), "type": "tool", "name": name} if name in names else {}
    return dict(form) if kind in ("auto", "any", "none") else {}
