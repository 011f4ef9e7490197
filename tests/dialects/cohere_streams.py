"""Answers of Cohere's Chat API for tests: random ones, their streams written the plain way, how the SDK reads them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import cohere
import httpx
from hypothesis import strategies as st

from inspector.dialects._fields import text_part
from inspector.model.message import Growing, Message, Part, Reasoning, Refusal, Text, ToolCall, Transcript
from inspector.wire.event import Event
from inspector.wire.sse import SSE
from tests.dialects.recorded import Json, payloads, sse

ASKED: Any = {"model": "command-x", "messages": [{"role": "user", "content": "x"}]}
USAGE = {
    "billed_units": {"input_tokens": 5, "output_tokens": 9},
    "tokens": {"input_tokens": 500, "output_tokens": 34},
    "cached_tokens": 448,
}
CITATION: Json = {
    "start": 0,
    "end": 2,
    "text": "ab",
    "sources": [{"type": "tool", "id": "a:0", "tool_output": {"x": "y"}}],
}

words = st.text(max_size=12) | st.sampled_from(["", "Hello, world!", "👨‍👩‍👧 🇩🇪🇫🇷 é", 'say "hi"\n\n', "\u2028 data: x"])
objects = st.dictionaries(words, words | st.integers() | st.none(), max_size=3).map(json.dumps)


def call(name: str, arguments: str, call_id: str = "get_1") -> ToolCall:
    """A call that the client runs."""
    return ToolCall(call_id, name, Growing(arguments), done=True)


def thoughts(content: str) -> Reasoning:
    """Words of reasoning."""
    return Reasoning(Growing(content))


spoken: st.SearchStrategy[Part] = st.one_of(
    st.builds(text_part, words, st.lists(st.just(CITATION), max_size=2)),
    st.builds(thoughts, words),
    st.builds(call, st.sampled_from(["Bash", "get_weather"]), objects, st.sampled_from(["get_a", "get_b"])),
)
"""Parts that a person, or a model, may write."""


def plain_stream(written: list[Part], reason: str, plan: bool = False, size: int = 4) -> list[Json]:
    """A whole answer's events as the API sends them; `plan`: thoughts that come first are the plan for the tools."""
    head: Json = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    events: list[Json] = [{"id": "a-1", "type": "message-start", "delta": {"message": head}}]
    places = {"content": 0, "tool-call": 0}
    cited = 0
    for number, part in enumerate(written):
        text = str(part.arguments if isinstance(part, ToolCall) else getattr(part, "content", ""))
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        if plan and number == 0 and isinstance(part, Reasoning):
            events += [
                {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": piece}}} for piece in pieces or [""]
            ]
            continue
        kind = "tool-call" if isinstance(part, ToolCall) else "content"
        index, places[kind] = places[kind], places[kind] + 1
        start, deltas = _said(part, pieces)
        events.append({"type": f"{kind}-start", "index": index, "delta": {"message": start}})
        events += [{"type": f"{kind}-delta", "index": index, "delta": {"message": delta}} for delta in deltas]
        for citation in part.citations if isinstance(part, Text) else []:
            events.append({"type": "citation-start", "index": cited, "delta": {"message": {"citations": citation}}})
            events.append({"type": "citation-end", "index": cited})
            cited += 1
        events.append({"type": f"{kind}-end", "index": index})
    return [*events, {"type": "message-end", "delta": {"finish_reason": reason, "usage": USAGE}}]


def _said(part: Part, pieces: list[str]) -> tuple[Json, list[Json]]:
    if isinstance(part, ToolCall):
        start: Json = {"id": part.id, "type": "function", "function": {"name": part.name, "arguments": ""}}
        return {"tool_calls": start}, [{"tool_calls": {"function": {"arguments": piece}}} for piece in pieces]
    name = "thinking" if isinstance(part, Reasoning) else "text"
    return {"content": {"type": name, name: ""}}, [{"content": {name: piece}} for piece in pieces]


def framed(events: Iterable[Json]) -> list[bytes]:
    """Each event's bytes, and the end of the stream."""
    return [*(sse(event) for event in events), b"data: [DONE]\n\n"]


def read_events(pieces: Iterable[bytes]) -> list[Event]:
    """The events as the program cuts them."""
    framing = SSE()
    found = [event for piece in pieces for event in framing.feed(piece)]
    return found + framing.close()


def shape(part: Part) -> object:
    """What a part says, comparable to what the SDK found."""
    match part:
        case Text():
            return "text", str(part.content), part.citations
        case Refusal():
            return "text", str(part.content), []
        case Reasoning():
            return "thinking", str(part.content)
        case ToolCall():
            return "call", part.id, part.name, json.loads(str(part.arguments) or "{}")
        case _:
            raise AssertionError(part)


def sdk_client(body: bytes, streamed: bool = True, status: int = 200) -> cohere.ClientV2:
    """A client to whom every request is answered with this body."""
    headers = {"content-type": "text/event-stream" if streamed else "application/json"}
    transport = httpx.MockTransport(lambda _: httpx.Response(status, headers=headers, content=body))
    return cohere.ClientV2("k", base_url="http://x", httpx_client=httpx.Client(transport=transport))


def joined(events: Iterable[Any]) -> tuple[list[object], str | None, Any]:
    """What a client makes of the SDK's events: parts in their order, the finish reason, the usage."""
    parts: list[list[Any]] = []
    content: dict[int, list[Any]] = {}
    calls: dict[int, list[Any]] = {}
    plan: list[Any] = []
    reason, usage = None, None
    last: list[Any] = []
    for event in events:
        message: Any = getattr(getattr(event, "delta", None), "message", None)
        match event.type:
            case "content-start":
                assert event.index == len(content)
                kind = message.content.type
                last = content[event.index] = [kind, "", []] if kind == "text" else [kind, ""]
                parts.append(last)
            case "content-delta":
                given = message.content
                content[event.index][1] += given.thinking if given.text is None else given.text
            case "tool-plan-delta":
                if not plan:
                    plan += ["thinking", ""]
                    parts.append(plan)
                plan[1] += message.tool_plan
            case "tool-call-start":
                assert event.index == len(calls)
                given = message.tool_calls
                calls[event.index] = ["call", given.id, given.function.name, given.function.arguments]
                parts.append(calls[event.index])
            case "tool-call-delta":
                calls[event.index][3] += message.tool_calls.function.arguments
            case "citation-start":
                last[2].append(plain(message.citations))
            case "message-end":
                reason, usage = event.delta.finish_reason, event.delta.usage
    for made in calls.values():
        made[3] = json.loads(made[3] or "{}")
    return [tuple(part) for part in parts], reason, usage


def plain(citation: Any) -> Json:
    """A citation as it was sent."""
    found: Json = json.loads(citation.json(exclude_none=True))
    return found


def sdk_events(body: bytes) -> tuple[list[object], str | None, Any]:
    """A stream as Cohere's SDK reads it."""
    return joined(sdk_client(body).chat_stream(**ASKED))


def check_stream(body: bytes) -> None:
    """That a stream keeps the API's order: one head, every part begun and ended once and in turn, one end."""
    kinds = [event["type"] for event in payloads(body) if event["type"] != "debug"]
    assert kinds.count("message-start") == kinds.count("message-end") == 1
    assert (kinds[0], kinds[-1]) == ("message-start", "message-end")
    assert body.endswith(b"data: [DONE]\n\n")
    begun: dict[str, list[int]] = {"content": [], "tool-call": [], "citation": []}
    open_parts: set[tuple[str, int]] = set()
    for event in payloads(body):
        family, _, step = event["type"].rpartition("-")
        if family not in begun:
            continue
        key = (family, event["index"])
        if step == "start":
            assert family == "citation" or not open_parts
            begun[family].append(event["index"])
            open_parts.add(key)
        else:
            assert key in open_parts
        if step == "end":
            open_parts.remove(key)
    assert not open_parts
    assert all(indices == list(range(len(indices))) for indices in begun.values())


def message_of(transcript: Transcript) -> Message:
    """The answer; an empty one where nothing came."""
    return transcript.answer.message or Message("assistant")
