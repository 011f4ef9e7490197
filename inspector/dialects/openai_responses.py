"""OpenAI Responses: `POST …/responses`, as OpenAI, Azure, the ChatGPT backend and many gateways and servers speak it.

https://platform.openai.com/docs/api-reference/responses
"""

from __future__ import annotations

import re
from typing import ClassVar

from inspector.dialects._base import Json, Reader, parse_object
from inspector.dialects._fields import name_results, objects_of, text_of, text_part
from inspector.dialects._logprobs import Logprobs
from inspector.dialects._responses_items import content_parts, item_parts
from inspector.dialects._responses_logprobs import ResponsesLogprobs
from inspector.dialects._responses_reader import ResponsesReader
from inspector.dialects._responses_writer import ResponsesWriter
from inspector.dialects._writing import Writer
from inspector.model.flow import Request
from inspector.model.message import Message, Prompt, Role, Tool, ToolResult, Transcript

_CREATE = re.compile(r"://[^/?#]*/(?:[^?#]*/)?responses/*(?:[?#]|$)")
"""`…/responses` with nothing after it: not `…/responses/compact`, not `…/responses/input_tokens`."""
_RESUME = re.compile(r"/responses/[^/?#]+/*\?(?:[^#]*&)?stream=true(?:[&#]|$)")
"""`GET …/responses/{id}?stream=true`: the stream of a response that runs in the background."""

_NOT_PARAMETERS = frozenset({"model", "input", "instructions", "tools", "stream"})
_ROLES: dict[str, Role] = {"system": "system", "developer": "system", "assistant": "assistant", "tool": "tool"}


class OpenAIResponses:
    """The Responses API of OpenAI over HTTP, streamed or not."""

    name: ClassVar[str] = "openai-responses"
    terminal: ClassVar[tuple[bytes, ...]] = (
        b'"response.completed"',
        b'"response.incomplete"',
        b'"response.failed"',
        b'"response.cancelled"',
        b'"type":"error"',
        b"event: error\n",
        b"\ndata: [DONE]",
    )
    """With their quotes and line ends, which are escaped where the model writes about such events."""
    call_marks: ClassVar[tuple[bytes, ...]] = (b"_call",)
    writer: ClassVar[Writer | None] = ResponsesWriter()
    logprobs: ClassVar[Logprobs | None] = ResponsesLogprobs()

    def matches(self, request: Request) -> bool:
        """A POST to `…/responses`, or a GET that takes up a stream."""
        pattern = {"POST": _CREATE, "GET": _RESUME}.get(request.method)
        return pattern is not None and pattern.search(request.url) is not None

    def prompt(self, request: Request, body: bytes) -> Prompt:
        """Read a request's body. ValueError where it is no JSON object that asks for a response."""
        if request.method == "GET":
            return Prompt(stream=True)
        data = parse_object(body)
        if not data.keys() & {"input", "previous_response_id", "prompt", "conversation", "instructions"}:
            raise ValueError("a Responses request has an input, a prompt or an earlier response")
        messages = _input(data.get("input"))
        if instructions := _input(data.get("instructions"), "system"):
            messages[:0] = instructions
        name_results(messages)
        return Prompt(
            model=text_of(data.get("model")),
            messages=messages,
            tools=[_tool(tool) for tool in objects_of(data.get("tools"))],
            stream=data.get("stream") is True,
            parameters={name: value for name, value in data.items() if name not in _NOT_PARAMETERS},
        )

    def reader(self, transcript: Transcript) -> Reader:
        """A reader of one answer, streamed or whole."""
        return ResponsesReader(transcript)


def _input(given: object, role: Role = "user") -> list[Message]:
    """The input as messages: one string, or items. What the model did in one turn becomes one message."""
    if isinstance(given, str):
        return [Message(role, [text_part(given)])] if given else []
    messages: list[Message] = []
    for item in objects_of(given):
        message = _message(item)
        if messages and message.role == messages[-1].role == "assistant":
            messages[-1].parts.extend(message.parts)
        else:
            messages.append(message)
    return messages


def _message(item: Json) -> Message:
    """One input item. Items without a role are the model's own, save the results of the client's tools."""
    if "role" in item and "content" in item:
        return Message(_ROLES.get(text_of(item["role"]), "user"), content_parts(item["content"]))
    parts = list(item_parts(item).values())
    return Message("tool" if parts and isinstance(parts[0], ToolResult) else "assistant", parts)


def _tool(tool: Json) -> Tool:
    """A declared tool: functions and custom tools have a name, hosted ones a type and settings."""
    kind = text_of(tool.get("type")) or "function"
    name = text_of(tool.get("name")) or text_of(tool.get("server_label")) or kind
    description = text_of(tool.get("description"))
    if kind == "function":
        return Tool(name, description, tool.get("parameters"))
    if kind == "custom":
        return Tool(name, description, tool.get("format"), kind)
    settings = {key: value for key, value in tool.items() if key not in ("type", "name", "description")}
    return Tool(name, description, settings or None, kind)
