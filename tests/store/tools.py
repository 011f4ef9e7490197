"""Conversations with tools, made by hand, in several APIs; and the lanes that they make."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from inspector import dialects
from inspector.model.flow import Capture, End, Flow, Reason, Request, Response, Timing
from inspector.model.headers import Headers
from inspector.store import tool_schema
from inspector.store.lane import Lane, Place
from inspector.store.tool_book import ToolBook
from inspector.store.tool_calls import SeenCall
from inspector.store.transcripts import Transcripts

Json = dict[str, Any]
STARTED = 1_763_712_000.0
JSON = "application/json"
SSE = "text/event-stream"
CHAT, RESPONSES = "https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1/responses"
ANTHROPIC = "https://api.anthropic.com/v1/messages"
GEMINI = "https://generativelanguage.googleapis.com/v1beta/models/gemini-3-pro:generateContent"


def asked(url: str, body: Json, number: int = 1, at: float = 0.0) -> Flow:
    """A flow whose request is there, `at` seconds after the first one, and whose answer has not begun."""
    request = Request("POST", url, Headers([("content-type", JSON)]), Capture(json.dumps(body).encode()))
    dialect = dialects.detect(request).name
    return Flow(f"f{number}", request, STARTED + at, seq=number, dialect=dialect, timing=Timing(1.0, 2.0))


def answered(flow: Flow, body: Json | Iterable[bytes], ended: float = 1000.0) -> Flow:
    """Let the answer come: one document, or the events of a stream 100 ms apart."""
    chunks = [json.dumps(body).encode()] if isinstance(body, Mapping) else list(body)
    flow.response = Response(200, Headers([("content-type", JSON if isinstance(body, Mapping) else SSE)]), "OK")
    for number, chunk in enumerate(chunks, 1):
        flow.response.body.append(ended if len(chunks) == 1 else 100.0 * number, chunk)
    flow.timing.head, flow.timing.ended = 50.0, ended
    flow.end = End(Reason.DONE, "upstream")
    flow.revision += 1
    return flow


def in_lane(*flows: Flow) -> Transcripts:
    """Transcripts that know these flows as the turns of one lane."""
    transcripts = Transcripts()
    extend(transcripts, list(flows))
    return transcripts


def extend(transcripts: Transcripts, flows: list[Flow]) -> None:
    """Make these flows the turns of one lane."""
    lane = Lane("lane", flows=flows)
    places = {
        flow.id: Place(lane, turn=turn, previous=flows[turn - 2] if turn > 1 else None)
        for turn, flow in enumerate(flows, 1)
    }
    transcripts.placed_by = lambda flow: places.get(flow.id)


def book_of(flow: Flow, transcripts: Transcripts | None = None) -> ToolBook:
    """Everything that is known of a flow's tools."""
    assert tool_schema.wait(60)
    book = ToolBook(transcripts or Transcripts())
    book.open(flow)
    read_all(book)
    return book


def read_all(book: ToolBook) -> None:
    """Read what there is."""
    while book.pull(0.05):
        pass


def said(calls: Iterable[SeenCall]) -> list[tuple[str, str, str, str]]:
    """Calls in short: name, state, result, and who made them and brought the result."""
    return [
        (
            seen.call.name,
            str(seen.state),
            seen.result.content if seen.result is not None else "",
            f"{seen.made_by.seq if seen.made_by else '?'}>{seen.brought_by.seq if seen.brought_by else '?'}",
        )
        for seen in calls
    ]


# A conversation of two turns in each API: two calls at once, then their results and a call without one.

QUESTION = "What is the weather?"


def chat_turns() -> list[Flow]:
    """Chat Completions."""

    def call(name: str, where: str) -> Json:
        return {
            "id": f"call_{where}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps({"city": where})},
        }

    def answer(*calls: Json) -> Json:
        message = {"role": "assistant", "content": None, "tool_calls": list(calls)}
        return {
            "object": "chat.completion",
            "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
        }

    tools = [{"type": "function", "function": {"name": "weather", "description": "d", "parameters": CITY}}]
    start = [{"role": "user", "content": QUESTION}]
    first = [call("weather", "Rome"), call("weather", "Oslo")]
    results = [{"role": "tool", "tool_call_id": f"call_{where}", "content": words} for where, words in GIVEN]
    rest = [*start, {"role": "assistant", "tool_calls": first}, *results]
    return [
        answered(asked(CHAT, {"model": "m", "tools": tools, "messages": start}), answer(*first)),
        answered(
            asked(CHAT, {"model": "m", "tools": tools, "messages": rest}, 2, 3.5), answer(call("weather", "Bonn"))
        ),
    ]


def responses_turns() -> list[Flow]:
    """Responses."""

    def call(where: str) -> Json:
        arguments = json.dumps({"city": where})
        return {"type": "function_call", "call_id": f"c_{where}", "name": "weather", "arguments": arguments}

    def answer(*items: Json) -> Json:
        return {"id": "r", "object": "response", "status": "completed", "output": list(items)}

    tools = [{"type": "function", "name": "weather", "parameters": CITY}]
    start = [{"role": "user", "content": QUESTION}]
    first = [call("Rome"), call("Oslo")]
    results = [{"type": "function_call_output", "call_id": f"c_{where}", "output": words} for where, words in GIVEN]
    return [
        answered(asked(RESPONSES, {"model": "m", "tools": tools, "input": start}), answer(*first)),
        answered(
            asked(RESPONSES, {"model": "m", "tools": tools, "input": [*start, *first, *results]}, 2, 3.5),
            answer(call("Bonn")),
        ),
    ]


def anthropic_turns() -> list[Flow]:
    """Messages."""

    def call(where: str) -> Json:
        return {"type": "tool_use", "id": f"toolu_{where}", "name": "weather", "input": {"city": where}}

    def answer(*blocks: Json) -> Json:
        return {"type": "message", "role": "assistant", "content": list(blocks), "stop_reason": "tool_use"}

    tools = [{"name": "weather", "input_schema": CITY}]
    start = [{"role": "user", "content": QUESTION}]
    first = [call("Rome"), call("Oslo")]
    results = [{"type": "tool_result", "tool_use_id": f"toolu_{where}", "content": words} for where, words in GIVEN]
    rest = [*start, {"role": "assistant", "content": first}, {"role": "user", "content": results}]
    return [
        answered(asked(ANTHROPIC, {"model": "m", "max_tokens": 9, "tools": tools, "messages": start}), answer(*first)),
        answered(
            asked(ANTHROPIC, {"model": "m", "max_tokens": 9, "tools": tools, "messages": rest}, 2, 3.5),
            answer(call("Bonn")),
        ),
    ]


def gemini_turns() -> list[Flow]:
    """Gemini, whose calls have no ids."""

    def call(where: str) -> Json:
        return {"functionCall": {"name": "weather", "args": {"city": where}}}

    def answer(*parts: Json) -> Json:
        return {"candidates": [{"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP"}]}

    kinds = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}
    tools = [{"functionDeclarations": [{"name": "weather", "parameters": kinds}]}]
    start = [{"role": "user", "parts": [{"text": QUESTION}]}]
    first = [call("Rome"), call("Oslo")]
    results = [{"functionResponse": {"name": "weather", "response": {"is": words}}} for _, words in GIVEN]
    rest = [*start, {"role": "model", "parts": first}, {"role": "user", "parts": results}]
    return [
        answered(asked(GEMINI, {"tools": tools, "contents": start}), answer(*first)),
        answered(asked(GEMINI, {"tools": tools, "contents": rest}, 2, 3.5), answer(call("Bonn"))),
    ]


CITY: Json = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
GIVEN = (("Rome", "sunny"), ("Oslo", "snow"))
TURNS = {"chat": chat_turns, "responses": responses_turns, "anthropic": anthropic_turns, "gemini": gemini_turns}
