"""Tokens of streams and documents, read the way the program reads them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from inspector.dialects import by_name
from inspector.model.headers import Headers
from inspector.model.token import Alternative, Token
from inspector.wire.body import BodyReader
from tests.dialects.recorded import Recorded, payloads

Json = dict[str, Any]
Read = tuple[Token, tuple[Alternative, ...]]


def read_tokens(dialect: str, pieces: Iterable[bytes], content_type: str = "text/event-stream") -> list[Read]:
    """All tokens of an answer, each with its alternatives, which another reader is asked for."""
    logprobs = by_name(dialect).logprobs
    assert logprobs is not None
    reader, body = logprobs.reader(), BodyReader(Headers([("content-type", content_type)]))
    events = [event for piece in pieces for event in body.feed(piece, 0.0)]
    tokens = [(event, token) for event in [*events, *body.close(0.0)] for token in reader.event(event)]
    return [(token, reader.alternatives(event, token.place)) for event, token in tokens]


def told(entry: Json) -> tuple[bytes, float, int | None, list[tuple[bytes, float, int | None]]]:
    """An entry of plain log-probabilities as it stands in a payload."""
    top = [(bytes(other["bytes"]), float(other["logprob"]), other.get("id")) for other in entry["top_logprobs"]]
    return bytes(entry["bytes"]), float(entry["logprob"]), entry.get("id"), top


def found(read: Read) -> tuple[bytes, float | None, int | None, list[tuple[bytes, float | None, int | None]]]:
    """A token that was read, in the same form."""
    token, alternatives = read
    return token.data, token.logprob, token.id, [(other.data, other.logprob, other.id) for other in alternatives]


def with_logprobs(recordings: list[Recorded]) -> list[Recorded]:
    """Those of the recordings whose answers have log-probabilities."""
    return [each for each in recordings if b'"logprob"' in each.response]


def bodies(recording: Recorded) -> list[Json]:
    """The JSON objects of an answer, found without the program's own framing."""
    return payloads(recording.response) if recording.stream else [json.loads(recording.response)]


def probable(word: str, logprob: float | None, *others: float) -> bytes:
    """An event of a Chat Completions stream that brings a word, beside alternatives of these log-probabilities."""
    names = [word, *(f"{word}{number}" for number in range(len(others)))]
    top = [{"token": name, "logprob": each} for name, each in zip(names, [logprob, *others], strict=True)]
    entry = {"token": word, "logprob": logprob, "top_logprobs": top if others else []}
    choice = {"index": 0, "delta": {"content": word}, "logprobs": {"content": [entry]}}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"
