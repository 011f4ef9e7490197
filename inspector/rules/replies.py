"""Answers in the upstream's place, and faults: what a held request is answered with, and what rules answer.

Whatever the dialect's writer can say an agent takes for its model's answer; a fault is what a bad day looks like.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from secrets import token_hex

import httpx
import orjson

from inspector.dialects import ARRAYS, by_name
from inspector.dialects._writing import Json, Writer
from inspector.model.flow import Flow
from inspector.model.headers import Headers
from inspector.model.message import Answer, Message, Part, Refusal, Text, Usage
from inspector.proxy.held import BY
from inspector.proxy.intake import is_stream
from inspector.rules.spoiling import SOUND, Fault, Spoiled, pieces_of, pieces_of_document
from inspector.store.summary import CHARACTERS_PER_TOKEN, part_text
from inspector.wire.body import decoded
from inspector.wire.encodings import decoder_for

MOCK = "mock"
_WORDS = {429: "Rate limit exceeded. Please try again later.", 529: "Overloaded"}
"""What an error says where nobody wrote it; for others it is the status in words."""
_FRAMES = "application/vnd.amazon.eventstream"
_STREAM_TYPES = {"ollama": "application/x-ndjson", "bedrock-converse": _FRAMES, "bedrock-invoke": _FRAMES}
"""Content types of streams that are no server-sent events, by dialect."""
_SSE = re.compile(r"[?&](?:\$|%24)?alt=sse\b")
"""By which a query asks for events in the place of one array."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What an agent is answered. With nothing but `fault`, the upstream's own answer is what gets spoiled."""

    parts: tuple[Part, ...] = ()
    finish: str | None = None
    """In the provider's own words; None for what follows from the parts."""
    status: int | None = None
    """400 and more answer with an error of the dialect's shape, and `message` in it."""
    message: str = ""
    retry_after: float | None = None
    """Seconds that the client is told to wait."""
    fault: Fault = SOUND

    @property
    def answers(self) -> bool:
        """Whether it answers in the upstream's place, and the upstream is not asked."""
        alone = self.fault.cut_after is None and (self.fault.silence or self.fault.malformed)
        return bool(self.parts) or self.status is not None or alone


def build(flow: Flow, reply: Reply, by: str = MOCK) -> httpx.Response:
    """The answer to a flow's request, in its dialect; a stream where it asked for one.

    Raises ValueError, in words for the person, for parts that the dialect cannot say. The body of a spoiled answer
    pauses, breaks off with httpx.ReadError, or waits for ever, which ends when it is cancelled.
    """
    writer, asked = by_name(flow.dialect).writer, _asked(flow)
    status = reply.status or 200
    streams = status < 400 and writer is not None and _wants_stream(flow, asked)
    headers = {"content-type": "application/json", "x-request-id": (request_id := f"req_{token_hex(12)}")}
    headers["request-id"] = request_id
    if reply.retry_after is not None:
        headers["retry-after"] = f"{reply.retry_after:g}"
    if writer is not None and streams:
        kind = _STREAM_TYPES.get(flow.dialect, "text/event-stream; charset=utf-8")
        if flow.dialect in ARRAYS and not _SSE.search(flow.sent.url):
            kind, asked = "application/json", {**asked, "alt": "json"}
        pieces = writer.stream(_answer(reply, asked), asked)
        headers |= {"content-type": kind, "cache-control": "no-cache"}
    else:
        body = _error(writer, reply, status) if status >= 400 else _document(writer, reply, asked)
        if writer is None and status < 400 and not _is_json(body):
            headers["content-type"] = "text/plain; charset=utf-8"
        headers["content-length"] = str(len(body))
        pieces = pieces_of_document(body, reply.fault)
    stream = Spoiled(pieces, reply.fault, events=streams)
    return httpx.Response(status, headers=headers, stream=stream, extensions={BY: by})


def spoil(response: httpx.Response, reply: Reply, by: str = MOCK) -> httpx.Response:
    """The upstream's own answer with the reply's fault in it. What is encoded goes on decoded.

    DecodeError for an encoding that is unknown.
    """
    headers = Headers.from_raw(response.headers.raw)
    decoder_for(",".join(headers.all("content-encoding")))
    pieces = pieces_of(response, headers, reply.fault)
    if "content-encoding" in headers:
        headers = headers.without("content-encoding", "content-length")
    stream = Spoiled(pieces, reply.fault, events=is_stream(headers), close=response.aclose)
    extensions = {**response.extensions, BY: by}
    return httpx.Response(response.status_code, headers=headers.raw(), stream=stream, extensions=extensions)


def _wants_stream(flow: Flow, asked: Json) -> bool:
    """Whether a request asks for a stream, by its dialect's own rules."""
    try:
        return by_name(flow.dialect).prompt(flow.sent, orjson.dumps(asked)).stream
    except ValueError:
        return asked.get("stream") is True


def _asked(flow: Flow) -> Json:
    """The request's body; nothing where it is no JSON object."""
    data, _ = decoded(flow.sent.headers, bytes(flow.sent.body))
    try:
        asked = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return asked if isinstance(asked, dict) else {}


def _answer(reply: Reply, asked: Json) -> Answer:
    """The answer as a message. Token counts are estimates: agents add them up."""
    size = sum(len(part_text(part)) for part in reply.parts)
    usage = Usage(_tokens(len(orjson.dumps(asked))), _tokens(size))
    message = Message("assistant", list(reply.parts), reply.finish)
    return Answer(model=str(asked.get("model") or ""), choices=[message], usage=usage, complete=True)


def _tokens(characters: int) -> int:
    return -(-characters // CHARACTERS_PER_TOKEN)


def _document(writer: Writer | None, reply: Reply, asked: Json) -> bytes:
    if writer is not None:
        return writer.document(_answer(reply, asked), asked)
    if not all(isinstance(part, Text | Refusal) for part in reply.parts):
        raise ValueError("in a dialect that nobody can write, an answer has nothing but text")
    return "".join(map(part_text, reply.parts)).encode("utf-8", "replace")


def _error(writer: Writer | None, reply: Reply, status: int) -> bytes:
    message = reply.message or _WORDS.get(status) or _phrase(status)
    if writer is not None:
        return writer.error(status, message)
    return orjson.dumps({"error": {"type": "error", "message": message}})


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"HTTP status {status}"


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True
