"""The demo server's OpenAI Chat Completions. https://platform.openai.com/docs/api-reference/chat

Thoughts go into `reasoning_content`, as DeepSeek, vLLM and others send them.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import ClassVar

from inspector.demo._api import sse
from inspector.demo.ask import DEFAULT_MAX_TOKENS, Ask, integer, number, openai_tool_choice, stop_sequences
from inspector.demo.reply import Block, Failure, Reply
from inspector.demo.speech import Piece, logprob_entries
from inspector.dialects._base import Dialect, Json
from inspector.dialects.openai_chat import OpenAIChat
from inspector.model.message import Prompt

_FINISH = {"stop": "stop", "stop_sequence": "stop", "length": "length", "calls": "tool_calls"}


class ChatApi:
    """`POST /v1/chat/completions`."""

    path: ClassVar[str] = "/v1/chat/completions"
    dialect: ClassVar[Dialect] = OpenAIChat()

    def ask(self, prompt: Prompt, body: bytes) -> Ask:
        """Read a request."""
        given = prompt.parameters
        if given.get("n") not in (None, 1):
            raise ValueError("n: the demo model gives one choice only")
        top = integer(given.get("top_logprobs")) or 0
        return Ask(
            prompt,
            max_tokens=integer(given.get("max_completion_tokens"))
            or integer(given.get("max_tokens"))
            or DEFAULT_MAX_TOKENS,
            temperature=number(given.get("temperature"), 1.0),
            seed=integer(given.get("seed")),
            stops=stop_sequences(given.get("stop")),
            top=min(top, 20) if given.get("logprobs") else None,
            reasons=given.get("reasoning_effort") not in (None, "none"),
            tool_choice=openai_tool_choice(given.get("tool_choice")),
            parallel=given.get("parallel_tool_calls") is not False,
        )

    async def document(self, reply: Reply) -> Json:
        """A `chat.completion`."""
        blocks = await reply.finished()
        message: Json = {"role": "assistant", "content": _joined(blocks, "words") or None, "refusal": None}
        if thoughts := _joined(blocks, "thought"):
            message["reasoning_content"] = thoughts
        if calls := [_call(block, block.text) for block in blocks if block.kind == "call"]:
            message["tool_calls"] = calls
        entries = logprob_entries(token for block in blocks if block.kind == "words" for token in block.tokens)
        choice = {
            "index": 0,
            "message": message,
            "logprobs": {"content": entries, "refusal": None} if reply.ask.top is not None else None,
            "finish_reason": _FINISH[reply.finish],
        }
        return {**_head(reply, "chat.completion"), "choices": [choice], "usage": _usage(reply)}

    async def stream(self, reply: Reply) -> AsyncIterator[bytes]:
        """`chat.completion.chunk`s, the usage where it was asked for, and `[DONE]`."""
        head = _head(reply, "chat.completion.chunk")
        options = reply.ask.prompt.parameters.get("stream_options")
        counts = isinstance(options, dict) and options.get("include_usage") is True
        if counts:
            head["usage"] = None
        yield _chunk(head, {"role": "assistant", "content": "", "refusal": None})
        calls = -1
        try:
            for block in reply.blocks():
                if block.kind == "call":
                    calls += 1
                    yield _chunk(head, {"tool_calls": [{"index": calls, **_call(block, "")}]})
                async for piece in reply.speak(block):
                    yield _chunk(head, _delta(block, piece, calls), piece if _tells(reply, block) else None)
        except Failure as failure:
            yield sse(self.error(failure, ""))
            return
        yield _chunk(head, {}, finish=_FINISH[reply.finish])
        if counts:
            yield sse({**head, "choices": [], "usage": _usage(reply)})
        yield b"data: [DONE]\n\n"

    def error(self, failure: Failure, request_id: str) -> Json:
        """OpenAI's error object."""
        return openai_error(failure)


def openai_error(failure: Failure) -> Json:
    """The error object of OpenAI's HTTP answers."""
    kind = {429: "rate_limit_exceeded", 529: "overloaded"}.get(failure.status)
    return {"error": {"message": str(failure), "type": failure.kind, "param": None, "code": kind}}


def _head(reply: Reply, kind: str) -> Json:
    return {
        "id": f"chatcmpl-{reply.id}",
        "object": kind,
        "created": int(time.time()),
        "model": reply.ask.prompt.model,
        "system_fingerprint": "fp_demo",
    }


def _chunk(head: Json, delta: Json, piece: Piece | None = None, finish: str | None = None) -> bytes:
    """One chunk, with the log-probabilities of a piece where they are told."""
    logprobs = {"content": logprob_entries(piece.tokens), "refusal": None} if piece else None
    return sse({**head, "choices": [{"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}]})


def _delta(block: Block, piece: Piece, call: int) -> Json:
    match block.kind:
        case "thought":
            return {"reasoning_content": piece.text}
        case "words":
            return {"content": piece.text}
        case "call":
            return {"tool_calls": [{"index": call, "function": {"arguments": piece.text}}]}


def _tells(reply: Reply, block: Block) -> bool:
    """Whether log-probabilities are sent: of words only, as OpenAI does."""
    return reply.ask.top is not None and block.kind == "words"


def _call(block: Block, arguments: str) -> Json:
    return {"id": f"call_{block.id}", "type": "function", "function": {"name": block.name, "arguments": arguments}}


def _joined(blocks: list[Block], kind: str) -> str:
    return "".join(block.text for block in blocks if block.kind == kind)


def _usage(reply: Reply) -> Json:
    return {
        "prompt_tokens": reply.size.total,
        "completion_tokens": reply.output_tokens,
        "total_tokens": reply.size.total + reply.output_tokens,
        "prompt_tokens_details": {"cached_tokens": reply.size.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reply.reasoning_tokens, "audio_tokens": 0},
    }
