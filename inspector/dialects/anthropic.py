"""Anthropic Messages: `POST …/v1/messages`, as Anthropic, Vertex AI and many gateways and local servers speak it.

https://docs.anthropic.com/en/api/messages and https://docs.anthropic.com/en/docs/build-with-claude/streaming
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import ClassVar

from inspector.dialects._anthropic_blocks import parts_of
from inspector.dialects._anthropic_reader import AnthropicReader
from inspector.dialects._anthropic_writer import AnthropicWriter
from inspector.dialects._base import Json, Reader, parse_object
from inspector.dialects._fields import name_results, objects_of, text_of
from inspector.dialects._logprobs import Logprobs
from inspector.dialects._writing import Writer
from inspector.model.flow import Request
from inspector.model.message import Message, Part, Prompt, Tool, ToolResult, Transcript

_MESSAGES = re.compile(r"://[^/?#]*/(?:[^?#]*/)?messages/*(?:[?#]|$)")
"""`…/messages` with nothing after it: not `…/messages/count_tokens`, not `…/messages/batches`."""
_VERSIONED = re.compile(r"/v\d[^/?#]*/+messages/*(?:[?#]|$)|[/.]anthropic(?=[./])[^?#]*/messages/*(?:[?#]|$)")
"""Where the path alone tells that it is Anthropic's: other APIs (MCP, threads) have a `…/messages` too."""
_VERTEX = re.compile(r"/publishers/anthropic/models/([^/:?#]+):(?:streamRawPredict|rawPredict)(?:[?#]|$)")

_NOT_PARAMETERS = frozenset({"model", "messages", "system", "tools", "stream"})


class Anthropic:
    """The Messages API of Anthropic, streamed or not."""

    name: ClassVar[str] = "anthropic-messages"
    terminal: ClassVar[tuple[bytes, ...]] = (b'"message_stop"',)
    """With its quotes, which are escaped where the model writes about such events."""
    call_marks: ClassVar[tuple[bytes, ...]] = (b"tool_use", b"input_json_delta")
    writer: ClassVar[Writer | None] = AnthropicWriter()
    logprobs: ClassVar[Logprobs | None] = None

    def matches(self, request: Request) -> bool:
        """A POST to `…/messages`, or to a Claude model of Vertex AI."""
        if request.method != "POST":
            return False
        if _VERTEX.search(request.url):
            return True
        known = "anthropic-version" in request.headers or _VERSIONED.search(request.url) is not None
        return known and _MESSAGES.search(request.url) is not None

    def prompt(self, request: Request, body: bytes) -> Prompt:
        """Read a request's body. ValueError where it is no JSON object with a list of messages."""
        data = parse_object(body)
        if not isinstance(data.get("messages"), list):
            raise ValueError("a Messages request has a list of messages")
        vertex = _VERTEX.search(request.url)
        messages = [message for given in objects_of(data["messages"]) for message in _messages(given)]
        if system := parts_of(data.get("system")):
            messages.insert(0, Message("system", system))
        name_results(messages)
        return Prompt(
            model=text_of(data.get("model")) or (vertex[1] if vertex else ""),
            messages=messages,
            tools=[_tool(tool) for tool in objects_of(data.get("tools"))],
            stream=data.get("stream") is True,
            parameters={name: value for name, value in data.items() if name not in _NOT_PARAMETERS},
        )

    def reader(self, transcript: Transcript) -> Reader:
        """A reader of one answer, streamed or whole."""
        return AnthropicReader(transcript)


def _messages(given: Json) -> list[Message]:
    """One message of the request. The tool results in a user's turn become messages of role tool, in their place."""
    parts = parts_of(given.get("content"))
    match given.get("role"):
        case "assistant":
            return [Message("assistant", parts)]
        case "system":
            return [Message("system", parts)]
        case _:
            runs = groupby(parts, key=_is_result)
            return [Message("tool" if results else "user", list(run)) for results, run in runs] or [Message("user")]


def _is_result(part: Part) -> bool:
    return isinstance(part, ToolResult)


def _tool(tool: Json) -> Tool:
    """A declared tool: the client's own have a schema, the server's have a type with a date in it."""
    kind = text_of(tool.get("type"))
    name = text_of(tool.get("name")) or text_of(tool.get("mcp_server_name")) or kind
    if kind in ("", "custom"):
        return Tool(name, text_of(tool.get("description")), tool.get("input_schema"))
    settings = {key: value for key, value in tool.items() if key not in ("type", "name", "description")}
    return Tool(name, text_of(tool.get("description")), settings or None, kind)
