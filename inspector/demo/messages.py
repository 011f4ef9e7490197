"""The demo server's Anthropic Messages. https://docs.claude.com/en/api/messages and .../messages-streaming"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any, ClassVar

from inspector.demo._api import sse
from inspector.demo.ask import DEFAULT_MAX_TOKENS, Ask, integer, number, stop_sequences
from inspector.demo.reply import Block, Failure, Reply
from inspector.dialects._base import Dialect, Json
from inspector.dialects.anthropic import Anthropic
from inspector.model.message import Prompt

_STOP_REASON = {"stop": "end_turn", "stop_sequence": "stop_sequence", "length": "max_tokens", "calls": "tool_use"}


class MessagesApi:
    """`POST /v1/messages`."""

    path: ClassVar[str] = "/v1/messages"
    dialect: ClassVar[Dialect] = Anthropic()

    def ask(self, prompt: Prompt, body: bytes) -> Ask:
        """Read a request."""
        given = prompt.parameters
        thinking, choice = given.get("thinking"), given.get("tool_choice")
        choice = choice if isinstance(choice, dict) else {}
        reasons = isinstance(thinking, dict) and thinking.get("type") in ("enabled", "adaptive")
        return Ask(
            prompt,
            max_tokens=integer(given.get("max_tokens")) or DEFAULT_MAX_TOKENS,
            temperature=number(given.get("temperature"), 1.0),
            stops=stop_sequences(given.get("stop_sequences")),
            beginning=_beginning(prompt, reasons),
            reasons=reasons,
            tool_choice=str(choice.get("name") or choice.get("type") or "auto"),
            parallel=choice.get("disable_parallel_tool_use") is not True,
            caches=b'"cache_control"' in body,
        )

    async def document(self, reply: Reply) -> Json:
        """A `message`."""
        blocks = await reply.finished()
        return {
            **_message(reply),
            "content": [_whole(block) for block in blocks if block.text],
            "stop_reason": _STOP_REASON[reply.finish],
            "stop_sequence": reply.stop_sequence,
            "usage": _usage(reply),
        }

    async def stream(self, reply: Reply) -> AsyncIterator[bytes]:
        """`message_start`, a `ping`, the content blocks, `message_delta` and `message_stop`."""
        yield _event("message_start", message={**_message(reply), "usage": {**_usage(reply), "output_tokens": 1}})
        yield _event("ping")
        try:
            for index, block in enumerate(reply.blocks()):
                yield _event("content_block_start", index=index, content_block=_empty(block))
                async for piece in reply.speak(block):
                    yield _event("content_block_delta", index=index, delta=_delta(block, piece.text))
                if block.kind == "thought":
                    signature = {"type": "signature_delta", "signature": _signature(block.text)}
                    yield _event("content_block_delta", index=index, delta=signature)
                yield _event("content_block_stop", index=index)
        except Failure as failure:
            yield sse(self.error(failure, f"req_{reply.id}"), "error")
            return
        stop = {"stop_reason": _STOP_REASON[reply.finish], "stop_sequence": reply.stop_sequence}
        yield _event("message_delta", delta=stop, usage=_usage(reply))
        yield _event("message_stop")

    def error(self, failure: Failure, request_id: str) -> Json:
        """Anthropic's error object."""
        return {"type": "error", "error": {"type": failure.kind, "message": str(failure)}, "request_id": request_id}


def _beginning(prompt: Prompt, reasons: bool) -> str | None:
    """The answer's beginning: a last message of the assistant. ValueError where Anthropic would not go on from it."""
    last = prompt.messages[-1] if prompt.messages else None
    if last is None or last.role != "assistant":
        return None
    text = last.text()
    if reasons:
        raise ValueError("messages: with thinking, the last message must be the user's")
    if not text or text != text.rstrip():
        raise ValueError("messages: final assistant content cannot end with trailing whitespace")
    return text


def _event(name: str, **fields: Any) -> bytes:
    return sse({"type": name, **fields}, name)


def _message(reply: Reply) -> Json:
    return {
        "id": f"msg_{reply.id}",
        "type": "message",
        "role": "assistant",
        "model": reply.ask.prompt.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _empty(block: Block) -> Json:
    """A block as it starts."""
    match block.kind:
        case "thought":
            return {"type": "thinking", "thinking": "", "signature": ""}
        case "words":
            return {"type": "text", "text": ""}
        case "call":
            return {"type": "tool_use", "id": f"toolu_{block.id}", "name": block.name, "input": {}}


def _delta(block: Block, text: str) -> Json:
    match block.kind:
        case "thought":
            return {"type": "thinking_delta", "thinking": text}
        case "words":
            return {"type": "text_delta", "text": text}
        case "call":
            return {"type": "input_json_delta", "partial_json": text}


def _whole(block: Block) -> Json:
    """A block that was spoken. Arguments that were cut by the limit leave the input empty."""
    match block.kind:
        case "thought":
            return {"type": "thinking", "thinking": block.text, "signature": _signature(block.text)}
        case "words":
            return {"type": "text", "text": block.text}
        case "call":
            try:
                arguments = json.loads(block.text)
            except ValueError:
                arguments = {}
            return {**_empty(block), "input": arguments}


def _signature(thoughts: str) -> str:
    """A seal on the thoughts, as long-winded as the real ones."""
    return base64.b64encode(hashlib.sha512(thoughts.encode()).digest()).decode()


def _usage(reply: Reply) -> Json:
    """Anthropic counts the cached, the newly cached and the other input tokens apart."""
    size = reply.size
    return {
        "input_tokens": size.total - size.cached - size.written,
        "cache_creation_input_tokens": size.written,
        "cache_read_input_tokens": size.cached,
        "cache_creation": {"ephemeral_5m_input_tokens": size.written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": reply.output_tokens,
        "output_tokens_details": {"thinking_tokens": reply.reasoning_tokens},
        "service_tier": "standard",
    }
