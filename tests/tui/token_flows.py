"""Answers with log-probabilities, as vLLM streams them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from inspector.model.flow import Capture, Flow
from tests.handmade import chat_flow, finish, respond, stream

Chosen = tuple[bytes, float]
"""A token and its probability."""


def entry(data: bytes, p: float, others: Mapping[bytes, float] | None = None) -> dict[str, Any]:
    """One token as Chat Completions tells it; `others` are the alternatives beside the chosen one."""
    ranked = sorted({data: p, **(others or {})}.items(), key=lambda each: -each[1])
    top = [_named(*each) for each in ranked] if others is not None else []
    return {**_named(data, p), "top_logprobs": top}


def _named(data: bytes, p: float) -> dict[str, Any]:
    return {"token": data.decode("utf-8", "backslashreplace"), "logprob": math.log(p), "bytes": list(data)}


def chunk(entries: Iterable[dict[str, Any]], choice: int = 0, channel: str = "content") -> bytes:
    """An event with these tokens."""
    told = list(entries)
    text = b"".join(bytes(each["bytes"]) for each in told).decode("utf-8", "replace")
    piece = {"index": choice, "delta": {channel: text}, "logprobs": {channel: told}, "finish_reason": None}
    return b"data: " + orjson.dumps({"id": "c", "model": "Qwen/Qwen3-8B", "choices": [piece]}) + b"\n\n"


def chunks(tokens: Iterable[Chosen], choice: int = 0) -> Iterator[bytes]:
    """An event for each token, with three alternatives."""
    for data, p in tokens:
        rest = 1 - p
        yield chunk([entry(data, p, {b" the": rest * 0.5, b"the": rest * 0.3, b"\xf0\x9f": rest * 0.1})], choice)


def asking(flow_id: str = "f1", *, asks: bool = True) -> Flow:
    """A request for log-probabilities, whose answer has begun."""
    flow = chat_flow(flow_id, model="Qwen/Qwen3-8B")
    if asks:
        body = orjson.loads(bytes(flow.request.body)) | {"logprobs": True, "top_logprobs": 3}
        flow.request.body = Capture(orjson.dumps(body))
    flow.provider = "vllm"
    return respond(flow)


def answered(tokens: Iterable[Chosen], flow_id: str = "f1") -> Flow:
    """A whole answer."""
    return finish(stream(asking(flow_id), [*chunks(tokens), b"data: [DONE]\n\n"]))
