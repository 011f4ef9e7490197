"""The demo server's OpenAI Responses. https://platform.openai.com/docs/api-reference/responses-streaming

Log-probabilities of words are sent where `include` names `message.output_text.logprobs`, with `top_logprobs` many
alternatives; of thoughts and calls this API tells nothing.
"""

from __future__ import annotations

import base64
import time
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, ClassVar

from inspector.demo._api import sse
from inspector.demo.ask import DEFAULT_MAX_TOKENS, Ask, integer, number, openai_tool_choice
from inspector.demo.chat import openai_error
from inspector.demo.model import Sampled
from inspector.demo.reply import Block, Failure, Reply
from inspector.demo.speech import Piece, logprob_entries
from inspector.dialects._base import Dialect, Json
from inspector.dialects.openai_responses import OpenAIResponses
from inspector.model.message import Prompt, Tool


class ResponsesApi:
    """`POST /v1/responses`."""

    path: ClassVar[str] = "/v1/responses"
    dialect: ClassVar[Dialect] = OpenAIResponses()

    def ask(self, prompt: Prompt, body: bytes) -> Ask:
        """Read a request."""
        given = prompt.parameters
        if given.get("previous_response_id"):
            raise ValueError("previous_response_id: the demo server keeps no conversations; send the whole input")
        top = integer(given.get("top_logprobs")) or 0
        asked = "message.output_text.logprobs" in (given.get("include") or ())
        return Ask(
            prompt,
            max_tokens=integer(given.get("max_output_tokens")) or DEFAULT_MAX_TOKENS,
            temperature=number(given.get("temperature"), 1.0),
            top=min(top, 20) if asked else None,
            reasons=_reasoning(prompt).get("effort", "none") not in (None, "none"),
            tool_choice=openai_tool_choice(given.get("tool_choice")),
            parallel=given.get("parallel_tool_calls") is not False,
        )

    async def document(self, reply: Reply) -> Json:
        """A `response`."""
        blocks = await reply.finished()
        return _response(reply, blocks)

    async def stream(self, reply: Reply) -> AsyncIterator[bytes]:
        """The whole life of a response, from `response.created` to `response.completed` or `response.incomplete`."""
        events = _Events()
        opened = _response(reply, [], "in_progress")
        yield events("response.created", response=opened)
        yield events("response.in_progress", response=opened)
        blocks: list[Block] = []
        try:
            for index, block in enumerate(reply.blocks()):
                blocks.append(block)
                writer = _Item(reply, block, index, events)
                for event in writer.open():
                    yield event
                async for piece in reply.speak(block):
                    for event in writer.piece(piece):
                        yield event
                for event in writer.close():
                    yield event
        except Failure as failure:
            yield events("error", code=failure.kind, message=str(failure), param=None)
            error = {"code": "server_error", "message": str(failure)}
            yield events("response.failed", response={**_response(reply, blocks[:-1], "failed"), "error": error})
            return
        final = _response(reply, blocks)
        yield events(f"response.{final['status']}", response=final)

    def error(self, failure: Failure, request_id: str) -> Json:
        """OpenAI's error object."""
        return openai_error(failure)


class _Events:
    """Numbers the events of a stream."""

    def __init__(self) -> None:
        self._next = 0

    def __call__(self, kind: str, **fields: Any) -> bytes:
        number, self._next = self._next, self._next + 1
        return sse({"type": kind, "sequence_number": number, **fields}, kind)


class _Item:
    """The events of one output item."""

    def __init__(self, reply: Reply, block: Block, index: int, events: _Events) -> None:
        self._reply = reply
        self._block = block
        self._events = events
        self._item = {"output_index": index}
        self._place: Json = {"item_id": _item_id(block, index, reply), "output_index": index}
        self._index = index
        self._shown = block.kind != "thought" or _summarised(reply)

    def _whole(self, status: str) -> Json:
        return _output_item(self._reply, self._block, self._index, status)

    def open(self) -> Iterator[bytes]:
        """It is there, and empty."""
        yield self._events("response.output_item.added", **self._item, item=self._whole("in_progress"))
        if self._block.kind == "words":
            part = {**_output_text(self._reply, self._block), "text": "", "logprobs": []}
            yield self._events("response.content_part.added", **self._place, content_index=0, part=part)
        elif self._block.kind == "thought" and self._shown:
            part = {"type": "summary_text", "text": ""}
            yield self._events("response.reasoning_summary_part.added", **self._place, summary_index=0, part=part)

    def piece(self, piece: Piece) -> Iterator[bytes]:
        """It grows. Thoughts that the client did not ask to see grow unseen."""
        match self._block.kind:
            case "words":
                logprobs = _logprobs(self._reply, piece.tokens)
                fields: Json = {"content_index": 0, "delta": piece.text, "logprobs": logprobs}
                yield self._events("response.output_text.delta", **self._place, **fields)
            case "thought" if self._shown:
                fields = {"summary_index": 0, "delta": piece.text}
                yield self._events("response.reasoning_summary_text.delta", **self._place, **fields)
            case "call":
                yield self._events("response.function_call_arguments.delta", **self._place, delta=piece.text)

    def close(self) -> Iterator[bytes]:
        """It is said again as a whole."""
        text = self._block.text
        match self._block.kind:
            case "words":
                part = _output_text(self._reply, self._block)
                done: Json = {"content_index": 0, "text": text, "logprobs": part["logprobs"]}
                yield self._events("response.output_text.done", **self._place, **done)
                yield self._events("response.content_part.done", **self._place, content_index=0, part=part)
            case "thought" if self._shown:
                part = {"type": "summary_text", "text": text}
                yield self._events("response.reasoning_summary_text.done", **self._place, summary_index=0, text=text)
                yield self._events("response.reasoning_summary_part.done", **self._place, summary_index=0, part=part)
            case "call":
                done = {"name": self._block.name, "arguments": text}
                yield self._events("response.function_call_arguments.done", **self._place, **done)
        status = "incomplete" if self._reply.finish == "length" else "completed"
        yield self._events("response.output_item.done", **self._item, item=self._whole(status))


def _reasoning(prompt: Prompt) -> Json:
    given = prompt.parameters.get("reasoning")
    return given if isinstance(given, dict) else {}


def _summarised(reply: Reply) -> bool:
    """Whether the client asked to see the thoughts."""
    return _reasoning(reply.ask.prompt).get("summary") in ("auto", "concise", "detailed")


def _item_id(block: Block, index: int, reply: Reply) -> str:
    prefix = {"thought": "rs", "words": "msg", "call": "fc"}[block.kind]
    return f"{prefix}_{reply.id}{index:02x}"


def _output_item(reply: Reply, block: Block, index: int, status: str) -> Json:
    """An item of `output`, with as much as was spoken of it."""
    item: Json = {"id": _item_id(block, index, reply), "status": status}
    match block.kind:
        case "words":
            content = [] if status == "in_progress" else [_output_text(reply, block)]
            return {**item, "type": "message", "role": "assistant", "content": content}
        case "call":
            return {
                **item,
                "type": "function_call",
                "call_id": f"call_{block.id}",
                "name": block.name,
                "arguments": block.text,
            }
        case "thought":
            shown = _summarised(reply) and status != "in_progress"
            item = {
                **item,
                "type": "reasoning",
                "summary": [{"type": "summary_text", "text": block.text}] if shown else [],
            }
            if "reasoning.encrypted_content" in (reply.ask.prompt.parameters.get("include") or ()):
                item["encrypted_content"] = base64.b64encode(zlib.compress(block.text.encode())).decode()
            return item


def _output_text(reply: Reply, block: Block) -> Json:
    return {"type": "output_text", "text": block.text, "annotations": [], "logprobs": _logprobs(reply, block.tokens)}


def _logprobs(reply: Reply, tokens: Iterable[Sampled]) -> list[dict[str, object]]:
    """The log-probabilities of words, where they were asked for."""
    return logprob_entries(tokens, reply.ask.top) if reply.ask.top is not None else []


def _response(reply: Reply, blocks: list[Block], status: str = "") -> Json:
    """The response object; without a status it is over, and how it ended is read from the reply."""
    cut = reply.finish == "length"
    status = status or ("incomplete" if cut else "completed")
    given = reply.ask.prompt.parameters
    items = [_output_item(reply, block, index, "completed") for index, block in enumerate(blocks)]
    if cut and items:
        items[-1]["status"] = "incomplete"
    return {
        "id": f"resp_{reply.id}",
        "object": "response",
        "created_at": int(time.time()),
        "status": status,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "instructions": reply.ask.system or None,
        "max_output_tokens": given.get("max_output_tokens"),
        "model": reply.ask.prompt.model,
        "output": items,
        "parallel_tool_calls": reply.ask.parallel,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None, **_reasoning(reply.ask.prompt)},
        "store": False,
        "temperature": reply.ask.temperature,
        "text": {"format": {"type": "text"}},
        "tool_choice": given.get("tool_choice", "auto"),
        "tools": [_tool(tool) for tool in reply.ask.prompt.tools],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": None if status in ("in_progress", "failed") else _usage(reply),
        "metadata": {},
    }


def _tool(tool: Tool) -> Json:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.schema,
        "strict": False,
    }


def _usage(reply: Reply) -> Json:
    return {
        "input_tokens": reply.size.total,
        "input_tokens_details": {"cached_tokens": reply.size.cached, "cache_write_tokens": reply.size.written},
        "output_tokens": reply.output_tokens,
        "output_tokens_details": {"reasoning_tokens": reply.reasoning_tokens},
        "total_tokens": reply.size.total + reply.output_tokens,
    }
