"""Flows made by hand, for tests that need no network."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from inspector.model.flow import Capture, End, Flow, Reason, Request, Response, Timing
from inspector.model.headers import Headers

URL = "https://api.openai.com/v1/chat/completions"
STARTED = 1_763_712_000.25


def chat_request(prompt: str = "Say hello", model: str = "gpt-5-mini") -> bytes:
    """The body of a Chat Completions request."""
    return orjson.dumps({"model": model, "stream": True, "messages": [{"role": "user", "content": prompt}]})


def chat_chunks(
    words: Iterable[str] = ("Hel", "lo!"),
    *,
    tool: tuple[str, str] | None = None,
    usage: tuple[int, int, int] | None = (100, 20, 80),
    finish: str | None = "stop",
) -> list[bytes]:
    """A Chat Completions stream, an event a chunk; `usage` is input, output and cached tokens, None without [DONE]."""
    chunks = [_delta({"content": word}) for word in words]
    if tool is not None:
        call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": tool[0], "arguments": tool[1]}}
        chunks.append(_delta({"tool_calls": [call]}))
    if finish is not None:
        chunks.append(_delta({}, finish))
    if usage is not None:
        counts = {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
        details = {"prompt_tokens_details": {"cached_tokens": usage[2]}}
        chunks += [_event({"choices": [], "usage": {**counts, **details}}), b"data: [DONE]\n\n"]
    return chunks


def chat_flow(flow_id: str = "f1", *, prompt: str = "Say hello", model: str = "gpt-5-mini", agent: str = "") -> Flow:
    """A Chat Completions flow whose request is there and whose response has not begun."""
    body = Capture(chat_request(prompt, model))
    headers = Headers([("Content-Type", "application/json"), ("Authorization", "Bearer sk-proj-0123456789abcdefghij")])
    request = Request("POST", URL, headers, body)
    timing = Timing(received=1.0, forwarded=1.5)
    return Flow(
        flow_id, request, STARTED, agent=agent, dialect="openai-chat", provider="openai", source="net", timing=timing
    )


def respond(flow: Flow, status: int = 200, content_type: str = "text/event-stream; charset=utf-8") -> Flow:
    """Begin the response."""
    flow.timing.head = 400.0
    flow.response = Response(status, Headers([("content-type", content_type)]), "OK" if status == 200 else "")
    return flow


def stream(flow: Flow, chunks: Iterable[bytes], start: float = 500.0, gap: float = 10.0) -> Flow:
    """Let chunks come, one every `gap` ms."""
    assert flow.response is not None
    for number, chunk in enumerate(chunks):
        flow.response.body.append(start + gap * number, chunk)
    return flow


def finish(flow: Flow, reason: Reason = Reason.DONE, by: str = "upstream", at: float = 1000.0) -> Flow:
    """End the flow."""
    flow.timing.ended = at
    flow.end = End(reason, by)
    return flow


def done_chat(flow_id: str = "f1", *, chunks: Iterable[bytes] | None = None, **request: str) -> Flow:
    """A whole Chat Completions flow."""
    flow = respond(chat_flow(flow_id, **request))
    return finish(stream(flow, chat_chunks() if chunks is None else chunks))


def _delta(delta: dict[str, object], finish_reason: str | None = None) -> bytes:
    return _event({"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}], "model": "gpt-5-mini-1"})


def _event(data: dict[str, object]) -> bytes:
    return b"data: " + orjson.dumps(data) + b"\n\n"
