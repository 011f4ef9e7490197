"""Answers of the Messages API for tests: random ones, their streams written the plain way, how the SDK reads them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import anthropic
import httpx2
from hypothesis import strategies as st

from inspector.dialects._fields import text_part
from inspector.model.message import Growing, Message, Other, Part, Reasoning, Refusal, Text, ToolCall, Transcript
from inspector.wire.event import Event
from inspector.wire.sse import SSE
from tests.dialects.recorded import Json, payloads, sse

ASKED: Any = {"model": "claude-x", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}
CITATION = {"type": "char_location", "cited_text": "c", "document_index": 0, "start_char_index": 0, "end_char_index": 1}
RESULT = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}

words = st.text(max_size=12) | st.sampled_from(["", "Hello, world!", "👨‍👩‍👧 🇩🇪🇫🇷 é", 'say "hi"\n\n', "\u2028 data: x"])
objects = st.dictionaries(words, words | st.integers() | st.none(), max_size=3).map(json.dumps)
names = st.sampled_from(["Bash", "Read", "get_weather"])


def call(name: str, arguments: str, call_id: str = "toolu_1") -> ToolCall:
    """A call that the client runs."""
    return ToolCall(call_id, name, Growing(arguments), done=True)


def thoughts(content: str, signature: str = "") -> Reasoning:
    """Words of reasoning."""
    return Reasoning(Growing(content), signature)


spoken: st.SearchStrategy[Part] = st.one_of(
    st.builds(text_part, words, st.lists(st.just(CITATION), max_size=2)),
    st.builds(thoughts, words, st.sampled_from(["", "c2ln"])),
    st.builds(call, names, objects, st.sampled_from(["toolu_a", "toolu_b"])),
    st.just(Reasoning(encrypted="c2VhbGVk")),
)
"""Parts that a person may write."""
parts = st.one_of(
    spoken,
    st.just(Other("fallback", {"type": "fallback", "from": {"model": "a"}, "to": {"model": "claude-x"}})),
)


def plain_events(part: Part, index: int, size: int = 4) -> list[Json]:
    """A part's events as the API sends them."""
    start, kind, name = _begun(part)
    content = str(getattr(part, "arguments" if isinstance(part, ToolCall) else "content", ""))
    deltas: list[Json] = [{"type": kind, name: content[at : at + size]} for at in range(0, len(content), size)]
    if isinstance(part, Text):
        deltas += [{"type": "citations_delta", "citation": citation} for citation in part.citations]
    if isinstance(part, Reasoning) and part.signature:
        deltas.append({"type": "signature_delta", "signature": part.signature})
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def _begun(part: Part) -> tuple[Json, str, str]:
    """A block as it begins, the type of its deltas, and the name of their text."""
    match part:
        case Text():
            return {"type": "text", "text": ""}, "text_delta", "text"
        case Reasoning() if part.encrypted:
            return {"type": "redacted_thinking", "data": part.encrypted}, "", ""
        case Reasoning():
            return {"type": "thinking", "thinking": "", "signature": ""}, "thinking_delta", "thinking"
        case ToolCall():
            kind = "tool_use" if part.kind == "function" else part.kind
            return {"type": kind, "id": part.id, "name": part.name, "input": {}}, "input_json_delta", "partial_json"
        case Other():
            return dict(part.data), "", ""
        case _:
            raise AssertionError(part)


def plain_stream(written: list[Part], reason: str) -> list[Json]:
    """A whole answer's events."""
    head: Json = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": []}
    head |= {"stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 12, "output_tokens": 1}}
    blocks = [event for index, part in enumerate(written) for event in plain_events(part, index)]
    delta = {"stop_reason": reason, "stop_sequence": None}
    end: list[Json] = [{"type": "message_delta", "delta": delta, "usage": {"output_tokens": 34}}]
    return [{"type": "message_start", "message": head}, *blocks, *end, {"type": "message_stop"}]


def framed(events: Iterable[Json]) -> list[bytes]:
    """Each event's bytes."""
    return [sse(event) for event in events]


def read_events(pieces: Iterable[bytes]) -> list[Event]:
    """The events as the program cuts them."""
    framing = SSE()
    found = [event for piece in pieces for event in framing.feed(piece)]
    return found + framing.close()


def shape(part: Part) -> object:
    """What a part says, comparable to what the SDK found in a block."""
    match part:
        case Text():
            return "text", str(part.content), part.citations
        case Refusal():
            return "text", str(part.content), []
        case Reasoning() if part.encrypted and not part.content:
            return "sealed", part.encrypted
        case Reasoning():
            return "thinking", str(part.content), part.signature
        case ToolCall():
            return part.kind, part.id, part.name, json.loads(str(part.arguments) or "{}")
        case Other():
            return "other", part.kind
        case _:
            return "result", part.id if hasattr(part, "id") else part


def block_shape(block: Json) -> object:
    """The same of a block as the SDK gives it."""
    match block["type"]:
        case "text":
            citations = [{key: cited[key] for key in CITATION} for cited in block.get("citations") or []]
            return "text", block["text"], citations
        case "redacted_thinking":
            return "sealed", block["data"]
        case "thinking":
            return "thinking", block["thinking"], block["signature"]
        case "tool_use":
            return "function", block["id"], block["name"], block["input"]
        case "server_tool_use":
            return "server_tool_use", block["id"], block["name"], block["input"]
        case kind if kind.endswith("tool_result"):
            return "result", block["tool_use_id"]
        case kind:
            return "other", kind


def sdk_message(body: bytes, streamed: bool) -> Json:
    """The final message as Anthropic's SDK accumulates or parses it."""
    headers = {"content-type": "text/event-stream" if streamed else "application/json"}
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, headers=headers, content=body))
    with anthropic.Anthropic(api_key="k", http_client=httpx2.Client(transport=transport), max_retries=0) as client:
        if not streamed:
            found: Json = client.beta.messages.create(**ASKED).model_dump(by_alias=True)
            return found
        with client.beta.messages.stream(**ASKED) as stream:
            found = stream.get_final_message().model_dump(by_alias=True)
            return found


def check_stream(body: bytes) -> None:
    """That a stream keeps the API's order: one head, each block begun and ended once, one end."""
    kinds = [event["type"] for event in payloads(body)]
    known = [kind for kind in kinds if kind.startswith(("message_", "content_"))]
    assert known.count("message_start") == known.count("message_stop") == 1
    assert (known[0], known[-1]) == ("message_start", "message_stop")
    assert known[-2] == "message_delta"
    end = known.index("message_delta")
    assert set(known[end:-1]) == {"message_delta"}
    begun: list[int] = []
    open_blocks: set[int] = set()
    for event in payloads(body):
        match event["type"]:
            case "content_block_start":
                begun.append(event["index"])
                open_blocks.add(event["index"])
            case "content_block_delta":
                assert event["index"] in open_blocks
            case "content_block_stop":
                open_blocks.remove(event["index"])
    assert begun == list(range(len(begun)))
    assert not open_blocks


def message_of(transcript: Transcript) -> Message:
    """The answer; an empty one where nothing came."""
    return transcript.answer.message or Message("assistant")
