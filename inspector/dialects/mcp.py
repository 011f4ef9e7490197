"""The Model Context Protocol over HTTP: tools, resources and prompts that an agent takes from a server.

Streamable HTTP of every version (https://modelcontextprotocol.io/specification/2025-11-25/basic/transports), and the
older transport of a stream with a second address to post to.
"""

from __future__ import annotations

import re
from typing import ClassVar

from inspector.dialects._base import Reader
from inspector.dialects._fields import text_part
from inspector.dialects._logprobs import Logprobs
from inspector.dialects._mcp_messages import asked_message, messages_in
from inspector.dialects._mcp_reader import McpReader
from inspector.dialects._writing import Writer
from inspector.model.flow import Request
from inspector.model.message import Message, Prompt, Transcript

_HEADERS = ("mcp-session-id", "mcp-protocol-version", "mcp-method")
_ENDPOINT = re.compile(r"://[^/?#]*/(?!\.well-known/)(?:[^?#]*/)?(?:mcp|sse)/*(?:[?#]|$)", re.IGNORECASE)
_POSTED = re.compile(r"://[^?#]*(?:/mcp/*(?:[?#]|$)|/messages?/*\?(?:[^#]*&)?session_?id=)", re.IGNORECASE)
"""Where messages are posted: the endpoint itself, or the address that the older transport gives."""
_NAMED = re.compile(r"://[^?#]*mcp|://[^?#]*/sse/*(?:[?#]|$)", re.IGNORECASE)
"""What the address of a first request may have in it."""


class Mcp:
    """MCP between an agent and a server of tools."""

    name: ClassVar[str] = "mcp"
    terminal: ClassVar[tuple[bytes, ...]] = (b'"result":', b'"error":')
    """As members' names: within a text, the quotes are escaped."""
    call_marks: ClassVar[tuple[bytes, ...]] = ()
    writer: ClassVar[Writer | None] = None
    logprobs: ClassVar[Logprobs | None] = None

    def matches(self, request: Request) -> bool:
        """By the headers of the protocol. A first request has none: then by what it accepts, and its address."""
        if request.method in ("GET", "POST", "DELETE") and any(name in request.headers for name in _HEADERS):
            return True
        accepted = ",".join(request.headers.all("accept")).lower()
        streams = "text/event-stream" in accepted
        match request.method:
            case "GET":
                return streams and _ENDPOINT.search(request.url) is not None
            case "POST":
                both = streams and "application/json" in accepted
                return _POSTED.search(request.url) is not None or (both and _NAMED.search(request.url) is not None)
            case _:
                return False

    def prompt(self, request: Request, body: bytes) -> Prompt:
        """Read what was posted. ValueError where it is no message. To listen, and to end a session, have no body."""
        if not body.strip() and request.method != "POST":
            words = "listen" if request.method == "GET" else "end the session"
            return Prompt(messages=[Message("user", [text_part(words)])], stream=request.method == "GET")
        posted = messages_in(body)
        if not any(message.keys() & {"method", "result", "error"} for message in posted):
            raise ValueError("a message of MCP has a method, a result or an error")
        messages: list[Message] = []
        for message in map(asked_message, posted):
            if messages and message.role == messages[-1].role:
                messages[-1].parts += message.parts
            else:
                messages.append(message)
        told = [{name: value for name, value in message.items() if name != "jsonrpc"} for message in posted]
        return Prompt(messages=messages, parameters=told[0] if len(told) == 1 else {"batch": told})

    def reader(self, transcript: Transcript) -> Reader:
        """A reader of one answer, streamed or whole."""
        return McpReader(transcript)
