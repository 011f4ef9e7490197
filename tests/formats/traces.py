"""Answers with log-probabilities, and what the proxy that the format comes from would make of them.

`assembled`, `flattened` and `founding_read` state that proxy's documented behaviour anew (OpenEnv,
`harness/sandbox/interception.py`), so that a trace of ours can be held against it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from inspector.formats.trace import Trace, TurnRecord
from inspector.model.flow import Flow
from inspector.store.transcripts import Transcripts
from tests.handmade import finish, respond, stream

Json = dict[str, Any]

KEYS = [
    *("turn", "request", "response", "logprobs", "completion_tokens", "completion_token_ids", "per_token_logps"),
    *("finish_reason", "latency_s", "timestamp"),
]


def entry(token: str, logprob: float | None = -0.25, **more: Any) -> Json:
    """One token, with two alternatives."""
    others = [{"token": token, "logprob": logprob}, {"token": "~", "logprob": -3.5}]
    return {"token": token, "logprob": logprob, "bytes": list(token.encode()), "top_logprobs": others, **more}


def chunk(delta: Json, entries: Iterable[Json] | None = None, finish: str | None = None, **more: Any) -> Json:
    """A chunk with one choice; `more` goes into the choice."""
    logprobs = None if entries is None else {"content": list(entries)}
    choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish, **more}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "m-1", "choices": [choice]}


def document(message: Json, entries: Iterable[Json] | None = None, finish: str = "stop", **more: Any) -> Json:
    """A whole answer."""
    head = chunk({}, entries, finish, **more)
    choices = [{**{k: v for k, v in choice.items() if k != "delta"}, "message": message} for choice in head["choices"]]
    return {**head, "object": "chat.completion", "choices": choices, "usage": {"prompt_tokens": 1}}


def events(*payloads: Json, done: bool = True) -> list[bytes]:
    """A stream of these payloads."""
    framed = [b"data: " + json.dumps(payload, ensure_ascii=False).encode() + b"\n\n" for payload in payloads]
    return [*framed, b"data: [DONE]\n\n"] if done else framed


def answered(flow: Flow, body: bytes, status: int = 200, content_type: str = "application/json") -> Flow:
    """A flow that was answered with one document."""
    return finish(stream(respond(flow, status, content_type), [body]))


def record_of(flow: Flow) -> TurnRecord:
    """The one turn of a session, as it is written."""
    line = Trace().lines([flow], Transcripts())(flow)
    assert line.endswith(b"\n") and line.count(b"\n") == 1 and line.isascii()
    record: TurnRecord = orjson.loads(line)
    return record


def assembled(chunks: Iterable[Json]) -> Json:
    """A stream as one document."""
    last: Json = {}
    words: dict[int, dict[str, str]] = {}
    calls: dict[int, dict[int, Json]] = {}
    ends: dict[int, str] = {}
    entries: dict[int, list[Json]] = {}
    for last in chunks:
        for choice in last.get("choices") or []:
            index, delta = choice.get("index", 0), choice.get("delta") or {}
            for key in ("content", "reasoning"):
                if delta.get(key):
                    said = words.setdefault(index, {})
                    said[key] = said.get(key, "") + delta[key]
            for call in delta.get("tool_calls") or []:
                empty = {"id": None, "type": "function", "function": {"name": "", "arguments": ""}}
                known = calls.setdefault(index, {}).setdefault(call.get("index", 0), empty)
                known["id"] = call.get("id") or known["id"]
                for key in ("name", "arguments"):
                    known["function"][key] += call["function"].get(key) or ""
            if choice.get("finish_reason"):
                ends[index] = choice["finish_reason"]
            if brought := (choice.get("logprobs") or {}).get("content"):
                entries.setdefault(index, []).extend(brought)
    choices = []
    for index in sorted(words.keys() | calls.keys() | ends.keys() | entries.keys() | {0}):
        message: Json = {"role": "assistant", **words.get(index, {})}
        if index in calls:
            message["tool_calls"] = [calls[index][number] for number in sorted(calls[index])]
        choice = {"index": index, "message": message, "finish_reason": ends.get(index)}
        choices.append({**choice, "logprobs": {"content": entries[index]}} if index in entries else choice)
    head = {"id": last.get("id", ""), "object": "chat.completion", "model": last.get("model", "")}
    return {**head, "choices": choices, "usage": last.get("usage")}


def flattened(response: Json) -> Json:
    """The flat lists of the first choice."""
    choice = (response.get("choices") or [{}])[0]
    content = (choice.get("logprobs") or {}).get("content") or []
    return {
        "logprobs": content,
        "completion_tokens": [each.get("token", "") for each in content],
        "completion_token_ids": [int(each["token_id"]) for each in content if each.get("token_id") is not None],
        "per_token_logps": [float(each["logprob"]) for each in content if each.get("logprob") is not None],
        "finish_reason": choice.get("finish_reason"),
    }


def founding_read(path: Path) -> list[Json]:
    """A trace file, read as text by line; every line end that Unicode knows is taken for one."""
    lines = path.read_text().splitlines()
    return [json.loads(line) for line in lines if line.strip()]
