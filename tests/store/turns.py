"""Two turns of a lane, made by hand in the APIs that agents speak."""

from __future__ import annotations

from typing import Any

import orjson

from inspector import dialects
from inspector.model.flow import Capture, End, Flow, Reason, Request, Response, Timing
from inspector.model.headers import Headers
from inspector.store.lane import Lane, Place
from inspector.store.transcripts import Transcripts

Json = dict[str, Any]

URLS = {
    "chat": "https://api.openai.com/v1/chat/completions",
    "responses": "https://api.openai.com/v1/responses",
    "anthropic": "https://api.anthropic.com/v1/messages",
    "gemini": "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-pro:generateContent",
}
MODELS = {"chat": "gpt-5-mini", "responses": "gpt-5-mini", "anthropic": "claude-opus-4-5", "gemini": "gemini-2.5-pro"}
STARTED = 1_763_712_000.0


def turn(api: str, body: Json | bytes, answer: Json | None = None, *, number: int = 1, at: float = 0.0) -> Flow:
    """A flow whose answer came whole, or has not begun; `at` is its start in seconds."""
    data = body if isinstance(body, bytes) else orjson.dumps({"model": MODELS[api], **body})
    request = Request("POST", URLS[api], Headers([("content-type", "application/json")]), Capture(data))
    flow = Flow(f"f{number}", request, STARTED + at, seq=number, dialect=dialects.detect(request).name)
    flow.timing = Timing(received=1.0, forwarded=2.0)
    if answer is not None:
        answer_with(flow, answer)
    return flow


def answer_with(flow: Flow, answer: Json) -> None:
    """Let the answer come, in one document."""
    flow.response = Response(200, Headers([("content-type", "application/json")]), "OK", Capture(orjson.dumps(answer)))
    flow.timing.head, flow.timing.ended = 400.0, 1000.0
    flow.end = End(Reason.DONE, "upstream")
    flow.revision += 1


def lane_of(*flows: Flow, compacted: bool = False) -> Transcripts:
    """Transcripts for which these flows are the turns of one lane; `compacted` says so of the last."""
    lane = Lane("f1", flows=list(flows))
    places = {
        flow.id: Place(lane, turn=index + 1, previous=flows[index - 1] if index else None)
        for index, flow in enumerate(flows)
    }
    last = flows[-1].id
    if compacted:
        places[last] = Place(lane, turn=len(flows), previous=flows[-2], compacted=True)
    transcripts = Transcripts()
    transcripts.placed_by = lambda flow: places.get(flow.id)
    return transcripts


def message(*content: Json, usage: Json | None = None) -> Json:
    """Anthropic's answer with these blocks."""
    counts = usage or {"input_tokens": 10, "output_tokens": 5}
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": MODELS["anthropic"]}
    return {**head, "content": list(content), "stop_reason": "end_turn", "usage": counts}


def said(text: str, *calls: Json, usage: Json | None = None) -> Json:
    """The answer of Chat Completions."""
    counts = usage or {"prompt_tokens": 10, "completion_tokens": 5}
    answer = {"role": "assistant", "content": text, **({"tool_calls": list(calls)} if calls else {})}
    return {
        "id": "c",
        "model": MODELS["chat"],
        "choices": [{"index": 0, "message": answer, "finish_reason": "stop"}],
        "usage": counts,
    }


def text(words: str) -> Json:
    """Anthropic's block of text."""
    return {"type": "text", "text": words}


def use(id: str, name: str = "Read", **arguments: Any) -> Json:
    """Anthropic's call of a tool."""
    return {"type": "tool_use", "id": id, "name": name, "input": arguments}


def result(id: str, content: str = "done") -> Json:
    """Anthropic's result of a tool."""
    return {"type": "tool_result", "tool_use_id": id, "content": content}


def user(*content: Json | str) -> Json:
    """A message of the user's, in Anthropic's and OpenAI's form."""
    return {"role": "user", "content": content[0] if isinstance(content[0], str) else list(content)}


def assistant(*content: Json | str) -> Json:
    """A message of the assistant's."""
    return {**user(*content), "role": "assistant"}
