"""Cohere Chat: `POST /v2/chat`, and the older `POST /v1/chat`, streamed or not.

https://docs.cohere.com/v2/reference/chat and https://docs.cohere.com/v1/reference/chat
"""

from __future__ import annotations

import re
from typing import ClassVar

from inspector.dialects._base import Json, Reader, parse_object
from inspector.dialects._cohere_blocks import message_of
from inspector.dialects._cohere_logprobs import CohereLogprobs
from inspector.dialects._cohere_reader import CohereReader
from inspector.dialects._cohere_v1 import prompt_of as prompt_of_v1
from inspector.dialects._cohere_writer import CohereWriter
from inspector.dialects._fields import name_results, object_of, objects_of, text_of
from inspector.dialects._logprobs import Logprobs
from inspector.dialects._writing import Writer
from inspector.model.flow import Request
from inspector.model.message import Prompt, Tool, Transcript

_CHAT = re.compile(r"://[^/?#]*/(?:[^?#]*/)?v[12]/+chat/*(?:[?#]|$)")
"""`…/v2/chat` with nothing after it: not `…/v1/chat/completions`."""
_NOT_PARAMETERS = frozenset({"model", "messages", "tools", "stream"})


class Cohere:
    """The Chat API of Cohere, in both of its versions."""

    name: ClassVar[str] = "cohere-chat"
    terminal: ClassVar[tuple[bytes, ...]] = (b'"message-end"', b'"stream-end"', b"\ndata: [DONE]")
    """With their quotes, which are escaped where the model writes about such events."""
    call_marks: ClassVar[tuple[bytes, ...]] = (b"tool-call",)
    writer: ClassVar[Writer | None] = CohereWriter()
    logprobs: ClassVar[Logprobs | None] = CohereLogprobs()

    def matches(self, request: Request) -> bool:
        """A POST to `…/v2/chat` or `…/v1/chat`."""
        return request.method == "POST" and _CHAT.search(request.url) is not None

    def prompt(self, request: Request, body: bytes) -> Prompt:
        """Read a request's body. ValueError where it is no JSON object with messages, or with a message."""
        data = parse_object(body)
        if isinstance(data.get("messages"), list):
            return _prompt(data)
        if not isinstance(data.get("message"), str):
            raise ValueError("a Cohere request has a list of messages, or a message")
        return prompt_of_v1(data)

    def reader(self, transcript: Transcript) -> Reader:
        """A reader of one answer, streamed or whole."""
        return CohereReader(transcript)


def _prompt(data: Json) -> Prompt:
    messages = [message_of(given) for given in objects_of(data["messages"])]
    name_results(messages)
    return Prompt(
        model=text_of(data.get("model")),
        messages=messages,
        tools=[_tool(tool) for tool in objects_of(data.get("tools"))],
        stream=data.get("stream") is True,
        parameters={name: value for name, value in data.items() if name not in _NOT_PARAMETERS},
    )


def _tool(tool: Json) -> Tool:
    function = object_of(tool.get("function")) or tool
    return Tool(text_of(function.get("name")), text_of(function.get("description")), function.get("parameters"))
