"""Handmade streams and answers of the Chat Completions API."""

from __future__ import annotations

import json
from typing import Any

from inspector.dialects.openai_chat import OpenAIChat
from inspector.model.message import Message
from tests.dialects.recorded import answer_of, read

Json = dict[str, Any]

DIALECT = OpenAIChat()


def chunk(delta: Json | None = None, finish: str | None = None, index: int = 0, **fields: object) -> Json:
    """One event of a stream."""
    choice = {"index": index, "delta": delta or {}, "finish_reason": finish}
    return {"id": "c1", "object": "chat.completion.chunk", "model": "m", "choices": [choice], **fields}


def stream(*chunks: Json, done: bool = True) -> bytes:
    events = [b"data: " + json.dumps(given).encode() + b"\n\n" for given in chunks]
    return b"".join([*events, b"data: [DONE]\n\n"] if done else events)


def streamed(*deltas: Json, finish: str | None = "tool_calls") -> Message:
    """The message of a stream of these deltas."""
    return answer_of(read(DIALECT, [stream(*map(chunk, deltas), chunk(finish=finish))]))


def part(index: int | None = None, identity: str | None = None, name: str | None = None, args: object = None) -> Json:
    """A fragment of a tool call; what is None is not there."""
    fields = {"index": index, "id": identity}
    function = {"name": name, "arguments": args}
    given = {key: value for key, value in fields.items() if value is not None}
    return {**given, "function": {key: value for key, value in function.items() if value is not None}}


def whole(message: Json, **fields: object) -> bytes:
    """The body of an answer in one piece."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    return json.dumps({"id": "c1", "object": "chat.completion", "model": "m", "choices": [choice], **fields}).encode()
