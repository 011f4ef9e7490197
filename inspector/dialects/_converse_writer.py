"""Writes the Converse API: answers, errors and requests.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
"""

from __future__ import annotations

from inspector.dialects._anthropic_events import deltas, opened, stop_reason
from inspector.dialects._base import Json
from inspector.dialects._bedrock import error_body, failed, path_to
from inspector.dialects._converse_document import edit_document, written
from inspector.dialects._converse_prompt import write_prompt
from inspector.dialects._converse_rewriter import ConverseRewriter
from inspector.dialects._converse_terms import frames, metadata
from inspector.dialects._fields import list_of, object_of, present, text_of
from inspector.dialects._pieces import json_bytes
from inspector.dialects._writing import Rewriter, Section, Splicer
from inspector.model.edits import Edits
from inspector.model.message import Answer, Message, Prompt, Usage
from inspector.wire.event import Event


class ConverseWriter:
    """The Converse API, written."""

    keep_alive: bytes = b""

    def stream(self, answer: Answer, asked: Json) -> list[bytes]:
        """A whole answer as the frames of a stream; one that failed ends with its exception."""
        message = answer.message or Message("assistant")
        events: list[Json] = [{"type": "message_start"}]
        for index, part in enumerate(message.parts):
            events.append({"type": "content_block_start", "index": index, "content_block": opened(part)})
            events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas(part)]
            events.append({"type": "content_block_stop", "index": index})
        pieces = [piece for event in events for piece in frames(event)]
        if answer.error:
            return [*pieces, failed(answer.error)]
        end = frames({"type": "message_delta", "delta": {"stop_reason": _reason(message)}})
        return [*pieces, *end, metadata(_usage(answer.usage))]

    def document(self, answer: Answer, asked: Json) -> bytes:
        """A whole answer as one document, or as its error where it failed."""
        if answer.error:
            return error_body(answer.error)
        message = answer.message or Message("assistant")
        content = [block for part in message.parts for block in written(part)]
        return json_bytes(
            {
                "metrics": {"latencyMs": 0},
                "output": {"message": {"content": content, "role": "assistant"}},
                "stopReason": _reason(message),
                "usage": _usage(answer.usage),
            }
        )

    def error(self, status: int, message: str) -> bytes:
        """The body of an HTTP error."""
        return error_body(message)

    def rewriter(self, delivered: list[Event]) -> Rewriter:
        """A rewriter for a stream of which the client has these events."""
        return ConverseRewriter(delivered)

    def splicer(self, delivered: list[Event], before: str, spent: Usage | None) -> Splicer:
        """ValueError: nothing is spliced here."""
        raise ValueError("Bedrock's models do not go on from a beginning that somebody else wrote")

    def edit_document(self, body: bytes, edits: Edits) -> bytes:
        """A message with parts changed; all other bytes stay. ValueError where the edits do not fit it."""
        return edit_document(body, edits)

    def sections(self, body: Json) -> list[Section]:
        """The pieces of a request, in their order."""
        return [section for name, value in body.items() for section in _sections(name, value)]

    def write_prompt(self, prompt: Prompt) -> tuple[Json, list[str]]:
        """A request's body, and what could not be said in it."""
        return write_prompt(prompt)

    def path(self, model: str) -> str:
        """The path of a request that streams."""
        return path_to(model, "converse-stream")


def _reason(message: Message) -> str:
    return message.finish_reason or stop_reason(message.parts)


def _usage(usage: Usage | None) -> Json:
    """Token counts as Converse has them: its `inputTokens` leave out what the cache took and gave."""
    usage = usage or Usage()
    read, created = usage.cache_read_input_tokens, usage.cache_creation_input_tokens
    total, output = usage.input_tokens or 0, usage.output_tokens or 0
    counts = {
        "inputTokens": max(total - (read or 0) - (created or 0), 0),
        "outputTokens": output,
        "totalTokens": total + output,
    }
    return present({**counts, "cacheReadInputTokens": read, "cacheWriteInputTokens": created})


def _sections(name: str, value: object) -> list[Section]:
    """The pieces under one of a request's keys."""
    match name:
        case "system" if isinstance(value, list):
            return [Section("system", "system", (name, index)) for index in range(len(value))]
        case "messages":
            messages = enumerate(object_of(message) for message in list_of(value))
            return [Section("message", _label(message), (name, index)) for index, message in messages]
        case "toolConfig":
            tools = enumerate(object_of(tool) for tool in list_of(object_of(value).get("tools")))
            choice = [Section("setting", key, (name, key)) for key in object_of(value) if key != "tools"]
            return [Section("tool", _tool_name(tool), (name, "tools", index)) for index, tool in tools] + choice
        case "inferenceConfig":
            return [Section("setting", key, (name, key)) for key in object_of(value)]
        case _:
            return [Section("setting", name, (name,))]


def _label(message: Json) -> str:
    """A message's role; a user's turn that only brings what tools gave back is called after that."""
    blocks = list_of(message.get("content"))
    if blocks and all("toolResult" in object_of(block) for block in blocks):
        return "tool result"
    return text_of(message.get("role")) or "message"


def _tool_name(tool: Json) -> str:
    kind = next(iter(tool), "tool")
    return text_of(object_of(tool.get(kind)).get("name")) or kind
