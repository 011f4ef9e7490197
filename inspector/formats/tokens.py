"""An answer's tokens as JSON, with what else the model might have said."""

from __future__ import annotations

from typing import Any

from inspector.model.flow import Flow
from inspector.model.token import Alternative, Token
from inspector.store.token_reading import TokenReading

Json = dict[str, Any]

_SLICE = 1.0
"""Seconds for which tokens are read at a time, until all are read."""


def tokens_json(flow: Flow) -> list[Json]:
    """Every token, with its alternatives in `top`, the most probable first.

    `bytes` stands where a token is not whole characters of UTF-8. What the provider did not tell is null; `call` is
    there for the tokens of a tool call only, and counts from 0.
    """
    reading = TokenReading(flow)
    while reading.pull(_SLICE):
        pass
    return [_token(token, reading.alternatives(index)) for index, token in enumerate(reading.tokens)]


def _token(token: Token, alternatives: tuple[Alternative, ...]) -> Json:
    data = {**_told(token), "channel": token.channel, "choice": token.choice}
    if token.call >= 0:
        data["call"] = token.call
    return {**data, "top": [_told(other) for other in alternatives]}


def _told(this: Token | Alternative) -> Json:
    data: Json = {"text": this.text}
    if this.text.encode() != this.data:
        data["bytes"] = list(this.data)
    return {**data, "logprob": this.logprob, "id": this.id}
