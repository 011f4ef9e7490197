"""Handmade streams and answers of the Completions API, and what OpenAI's SDK makes of such bytes."""

from __future__ import annotations

import json
from typing import Any

from openai.types import Completion

from inspector.dialects.openai_completions import OpenAICompletions
from inspector.model.message import Growing, Text
from inspector.wire.event import Event
from tests.dialects.chat_edits import events_of
from tests.dialects.recorded import payloads

Json = dict[str, Any]

DIALECT = OpenAICompletions()
HEAD: Json = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m"}
DONE = b"data: [DONE]\n\n"


def chunk(words: str, finish: str | None = None, index: int = 0, **fields: object) -> Json:
    """One event of a stream; a whole answer looks alike."""
    choice = {"text": words, "index": index, "logprobs": None, "finish_reason": finish}
    return {**HEAD, "choices": [{**choice, **fields}]}


def native(words: str, **fields: object) -> Json:
    """One event of llama.cpp's own API."""
    return {"index": 0, "content": words, "tokens": [7], "stop": False, "id_slot": 0, **fields}


NATIVE_END = native("", tokens=[], stop=True, stop_type="eos", model="q", tokens_evaluated=4, tokens_predicted=2)


def stream(*events: Json, done: bool = True) -> bytes:
    body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    return body + DONE if done else body


def parallel(*tokens: tuple[str, float | None], top: int = 0, offset: int = 0) -> Json:
    """Log-probabilities as OpenAI gives them."""
    offsets = [offset + sum(len(token) for token, _ in tokens[:place]) for place in range(len(tokens))]
    tops = [{token: logprob, **{f"{token}{n}": -5.0 - n for n in range(top)}} for token, logprob in tokens]
    return {
        "tokens": [token for token, _ in tokens],
        "token_logprobs": [logprob for _, logprob in tokens],
        "top_logprobs": [None if logprob is None else given for given, (_, logprob) in zip(tops, tokens, strict=True)],
        "text_offset": offsets,
    }


def by_sdk(body: bytes) -> tuple[str, str | None]:
    """The first choice's text and end, as the SDK types the events."""
    words, finish = "", None
    for payload in payloads(body):
        for choice in Completion.construct(**payload).choices or []:
            if choice.index == 0:
                words += choice.text
                finish = choice.finish_reason or finish
    return words, finish


def delivered(body: bytes, count: int) -> list[Event]:
    """The first events of a stream."""
    return [event for event, _ in events_of(body)[:count]]


def text(words: str) -> Text:
    return Text(Growing(words))
