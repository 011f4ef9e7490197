"""What passes in the harness: an answer in each dialect, as a stream and as a document, and where it is asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tests.handmade import chat_chunks

WORDS = ("Hel", "lo, ", "wörld", "! ", "\u2028", "rm -rf")


@dataclass(frozen=True, slots=True)
class Kind:
    """One provider's API."""

    path: str
    """Where a stream is asked for."""
    content_type: str
    pieces: tuple[bytes, ...]
    """The stream, an event each."""
    document: bytes

    @property
    def stream(self) -> bytes:
        """The whole stream."""
        return b"".join(self.pieces)


def _sse(*events: object, named: bool = False) -> tuple[bytes, ...]:
    lines = []
    for event in events:
        name = f"event: {event['type']}\n" if named and isinstance(event, dict) else ""
        lines.append(f"{name}data: {json.dumps(event)}\n\n".encode())
    return tuple(lines)


def _messages() -> tuple[bytes, ...]:
    start = {"type": "message", "id": "m", "role": "assistant", "model": "c", "content": [], "usage": {}}
    deltas = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}} for word in WORDS
    ]
    return _sse(
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *deltas,
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 6}},
        {"type": "message_stop"},
        named=True,
    )


def _responses() -> tuple[bytes, ...]:
    item = {"type": "message", "id": "i", "role": "assistant", "status": "in_progress", "content": []}
    place = {"item_id": "i", "output_index": 0, "content_index": 0}
    deltas = [{"type": "response.output_text.delta", **place, "delta": word} for word in WORDS]
    return _sse(
        {"type": "response.created", "response": {"id": "r", "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        *deltas,
        {"type": "response.completed", "response": {"id": "r", "status": "completed", "output": []}},
        named=True,
    )


def _gemini() -> tuple[bytes, ...]:
    return _sse(*({"candidates": [{"content": {"role": "model", "parts": [{"text": word}]}}]} for word in WORDS))


def _ollama() -> tuple[bytes, ...]:
    said = [{"model": "q", "message": {"role": "assistant", "content": word}, "done": False} for word in WORDS]
    end = {"model": "q", "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}
    return tuple(json.dumps(line).encode() + b"\n" for line in (*said, end))


def _cohere() -> tuple[bytes, ...]:
    texts = [{"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": w}}}} for w in WORDS]
    return _sse(
        {"type": "message-start", "id": "m", "delta": {"message": {"role": "assistant"}}},
        *texts,
        {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}},
        named=True,
    )


def _completions() -> tuple[bytes, ...]:
    said = [{"object": "text_completion", "choices": [{"index": 0, "text": word}]} for word in WORDS]
    return (*_sse(*said), b"data: [DONE]\n\n")


SSE = "text/event-stream"

KINDS: dict[str, Kind] = {
    "openai-chat": Kind("/v1/chat/completions", SSE, tuple(chat_chunks(WORDS)), b'{"object":"chat.completion"}'),
    "openai-responses": Kind("/v1/responses", SSE, _responses(), b'{"object":"response","output":[]}'),
    "openai-completions": Kind("/v1/completions", SSE, _completions(), b'{"object":"text_completion","choices":[]}'),
    "anthropic": Kind("/v1/messages", SSE, _messages(), b'{"type":"message","content":[]}'),
    "gemini": Kind("/v1beta/models/g:streamGenerateContent?alt=sse", SSE, _gemini(), b'{"candidates":[]}'),
    "ollama": Kind("/api/chat", "application/x-ndjson", _ollama(), b'{"message":{"content":"x"},"done":true}'),
    "cohere": Kind("/v2/chat", SSE, _cohere(), b'{"message":{"content":[]}}'),
    "raw": Kind("/somewhere", SSE, (b"data: 1\n\n", b": note\n\n", b"data: \xff\r\n\r\n", b"data: [1"), b"\x00\xff"),
}


def body_of(streamed: bool) -> bytes:
    """A request's body that all of them understand, more or less."""
    content = {"model": "m", "stream": streamed, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 50}
    return json.dumps(content).encode()
