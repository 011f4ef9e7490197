"""The demo server's OpenAI Chat Completions. https://platform.openai.com/docs/api-reference/chat

Thoughts go into `reasoning_content`, as DeepSeek, vLLM and others send them. `return_token_ids` and
`continue_final_message` are vLLM's. https://docs.vllm.ai/en/stable/serving/openai_compatible_server.html
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from inspector.demo._api import sse
from inspector.demo.ask import DEFAULT_MAX_TOKENS, Ask, integer, number, openai_tool_choice, stop_sequences
from inspector.demo.model import Sampled
from inspector.demo.reply import Block, Failure, Reply
from inspector.demo.speech import Piece, logprob_entries
from inspector.demo.tokens import tokenise
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
        beginning = _beginning(prompt, given)
        return Ask(
            prompt,
            max_tokens=integer(given.get("max_completion_tokens"))
            or integer(given.get("max_tokens"))
            or DEFAULT_MAX_TOKENS,
            temperature=number(given.get("temperature"), 1.0),
            seed=integer(given.get("seed")),
            stops=stop_sequences(given.get("stop")),
            top=min(top, 20) if given.get("logprobs") else None,
            token_ids=given.get("return_token_ids") is True,
            beginning=beginning,
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
        choice = {
            "index": 0,
            "message": message,
            "logprobs": _logprobs(reply, [(block, block.tokens) for block in blocks]),
            "finish_reason": _FINISH[reply.finish],
            **_ids(reply, [token for block in blocks for token in block.tokens]),
        }
        return {
            **_head(reply, "chat.completion"),
            "choices": [choice],
            "usage": _usage(reply),
            **_prompt_ids(reply),
        }

    async def stream(self, reply: Reply) -> AsyncIterator[bytes]:
        """`chat.completion.chunk`s, the usage where it was asked for, and `[DONE]`."""
        head = _head(reply, "chat.completion.chunk")
        options = reply.ask.prompt.parameters.get("stream_options")
        counts = isinstance(options, dict) and options.get("include_usage") is True
        if counts:
            head["usage"] = None
        yield _chunk({**head, **_prompt_ids(reply)}, {"role": "assistant", "content": "", "refusal": None})
        calls = -1
        try:
            for block in reply.blocks():
                if block.kind == "call":
                    calls += 1
                    opening: Json = {"tool_calls": [{"index": calls, **_call(block, "")}]}
                    yield _chunk(head, opening, **_told(reply, block, block.tokens))
                async for piece in reply.speak(block):
                    yield _chunk(head, _delta(block, piece, calls), **_told(reply, block, piece.tokens))
        except Failure as failure:
            yield sse(self.error(failure, ""))
            return
        yield _chunk(head, {}, finish_reason=_FINISH[reply.finish], **_ids(reply, ()))
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


def _chunk(head: Json, delta: Json, **more: Any) -> bytes:
    """One chunk; `more` are fields of its choice."""
    return sse({**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None, **more}]})


def _told(reply: Reply, block: Block, tokens: Sequence[Sampled]) -> Json:
    """What is told of the tokens of one chunk."""
    logprobs = _logprobs(reply, [(block, tokens)])
    return {**({"logprobs": logprobs} if logprobs else {}), **_ids(reply, tokens)}


def _logprobs(reply: Reply, spoken: Iterable[tuple[Block, Sequence[Sampled]]]) -> Json | None:
    """Log-probabilities, where they were asked for: of words and of calls as vLLM sends them (OpenAI tells nothing of
    calls), of thoughts apart as DeepSeek does.
    """
    top = reply.ask.top
    if top is None:
        return None
    content: list[Json] = []
    thoughts: list[Json] = []
    for block, tokens in spoken:
        (thoughts if block.kind == "thought" else content).extend(logprob_entries(tokens, top))
    if thoughts and not content:
        return {"content": None, "refusal": None, "reasoning_content": thoughts}
    return {"content": content, "refusal": None, **({"reasoning_content": thoughts} if thoughts else {})}


def _ids(reply: Reply, tokens: Iterable[Sampled]) -> Json:
    """The tokens' numbers as vLLM sends them, where they were asked for."""
    return {"token_ids": reply.ids.of(token.data for token in tokens)} if reply.ask.token_ids else {}


def _prompt_ids(reply: Reply) -> Json:
    """The numbers of the prompt's tokens, where they were asked for."""
    if not reply.ask.token_ids:
        return {}
    return {"prompt_token_ids": reply.ids.of(token for text in reply.ask.segments() for token in tokenise(text))}


def _beginning(prompt: Prompt, given: Mapping[str, Any]) -> str | None:
    """The answer's beginning, where the last message is to be gone on with. ValueError where vLLM refuses that."""
    if given.get("continue_final_message") is not True:
        return None
    if given.get("add_generation_prompt") is not False:
        raise ValueError("continue_final_message goes with add_generation_prompt: false")
    if not prompt.messages or prompt.messages[-1].role != "assistant":
        raise ValueError("continue_final_message: the last message is not the assistant's")
    return prompt.messages[-1].text()


def _delta(block: Block, piece: Piece, call: int) -> Json:
    match block.kind:
        case "thought":
            return {"reasoning_content": piece.text}
        case "words":
            return {"content": piece.text}
        case "call":
            return {"tool_calls": [{"index": call, "function": {"arguments": piece.text}}]}


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
