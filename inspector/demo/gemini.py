"""The demo server's Gemini API. https://ai.google.dev/api/generate-content

Streams come as server-sent events, as `alt=sse` asks for them and every client of Google's does.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any, ClassVar

from inspector.demo._api import sse
from inspector.demo.ask import DEFAULT_MAX_TOKENS, Ask, integer, number, stop_sequences
from inspector.demo.model import Sampled
from inspector.demo.reply import Block, Failure, Reply
from inspector.dialects._base import Dialect, Json
from inspector.dialects._fields import object_of
from inspector.dialects._gemini_shape import pick
from inspector.dialects.gemini import Gemini
from inspector.model.message import Prompt

_STATUS = {400: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 529: "UNAVAILABLE"}
_TOOL_CHOICE = {"NONE": "none", "ANY": "required"}


class GeminiApi:
    """`POST /v1beta/models/{model}:generateContent` and `:streamGenerateContent`."""

    path: ClassVar[str] = "/{version}/models/{model}:{method}"
    dialect: ClassVar[Dialect] = Gemini()

    def ask(self, prompt: Prompt, body: bytes) -> Ask:
        """Read a request."""
        given = prompt.parameters
        if given.get("candidate_count") not in (None, 1):
            raise ValueError("candidateCount: the demo model gives one candidate only")
        calling = object_of(pick(object_of(given.get("tool_config")), "functionCallingConfig"))
        thinking = object_of(given.get("thinking_config"))
        return Ask(
            prompt,
            max_tokens=integer(given.get("max_output_tokens")) or DEFAULT_MAX_TOKENS,
            temperature=number(given.get("temperature"), 1.0),
            seed=integer(given.get("seed")),
            stops=stop_sequences(given.get("stop_sequences")),
            top=min(integer(given.get("logprobs")) or 0, 20) if given.get("response_logprobs") is True else None,
            reasons=pick(thinking, "includeThoughts") is True,
            tool_choice=_TOOL_CHOICE.get(str(calling.get("mode", "")).upper(), "auto"),
        )

    async def document(self, reply: Reply) -> Json:
        """A `GenerateContentResponse`."""
        blocks = await reply.finished()
        parts = [_part(block, block.text) for block in blocks if block.text]
        tokens = [token for block in blocks for token in block.tokens]
        return _response(reply, parts, tokens, finish=True)

    async def stream(self, reply: Reply) -> AsyncIterator[bytes]:
        """One `GenerateContentResponse` for each piece; a call comes whole."""
        try:
            for block in reply.blocks():
                async for piece in reply.speak(block):
                    if block.kind != "call":
                        yield sse(_response(reply, [_part(block, piece.text)], piece.tokens))
                if block.kind == "call" and block.text:
                    yield sse(_response(reply, [_part(block, block.text)], block.tokens))
        except Failure as failure:
            yield sse(self.error(failure, ""))
            return
        yield sse(_response(reply, [{"text": ""}], (), finish=True))

    def error(self, failure: Failure, request_id: str) -> Json:
        """Google's error object."""
        status = _STATUS.get(failure.status, "UNKNOWN")
        return {"error": {"code": failure.status, "message": str(failure), "status": status}}


def _response(reply: Reply, parts: list[Json], tokens: Iterable[Sampled], *, finish: bool = False) -> Json:
    candidate: Json = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = "MAX_TOKENS" if reply.finish == "length" else "STOP"
    if reply.ask.top is not None and (chosen := list(tokens)):
        candidate["logprobsResult"] = _logprobs(reply, chosen, reply.ask.top)
    return {
        "candidates": [candidate],
        "usageMetadata": _usage(reply),
        "modelVersion": reply.ask.prompt.model,
        "responseId": reply.id,
    }


def _part(block: Block, text: str) -> Json:
    match block.kind:
        case "thought":
            return {"text": text, "thought": True}
        case "words":
            return {"text": text}
        case "call":
            return {"functionCall": {"name": block.name, "args": _arguments(text)}}


def _arguments(text: str) -> Any:
    """A call's arguments; empty where the limit cut them."""
    try:
        return json.loads(text)
    except ValueError:
        return {}


def _logprobs(reply: Reply, tokens: list[Sampled], top: int) -> Json:
    """The tokens, and for each at most `top` of those that might have stood there."""
    listed = [[(other.data, other.logprob) for other in token.top[:top]] for token in tokens]
    return {
        "chosenCandidates": [_candidate(reply, token.data, token.logprob) for token in tokens],
        "topCandidates": [{"candidates": [_candidate(reply, *each) for each in others]} for others in listed],
    }


def _candidate(reply: Reply, data: bytes, logprob: float) -> Json:
    (number,) = reply.ids.of([data])
    return {"token": data.decode("utf-8", "replace"), "tokenId": number, "logProbability": logprob}


def _usage(reply: Reply) -> Json:
    """The prompt's count holds the cached tokens; the answer's does not hold the thoughts."""
    size = reply.size
    usage = {
        "promptTokenCount": size.total,
        "candidatesTokenCount": reply.output_tokens - reply.reasoning_tokens,
        "totalTokenCount": size.total + reply.output_tokens,
    }
    if size.cached:
        usage["cachedContentTokenCount"] = size.cached
    if reply.reasoning_tokens:
        usage["thoughtsTokenCount"] = reply.reasoning_tokens
    return usage
