"""Random answers of the Responses API as a provider would stream them, and what OpenAI's SDK makes of such bytes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import openai
from hypothesis import strategies as st
from openai.types.responses import Response

from inspector.dialects.openai_responses import OpenAIResponses
from inspector.model.message import Growing, Part, Reasoning, Refusal, Text, ToolCall
from inspector.wire.event import Event
from inspector.wire.sse import SSE
from tests.dialects.recorded import answer_of, payloads, read

Json = dict[str, Any]

DIALECT = OpenAIResponses()
assert DIALECT.writer is not None
WRITER = DIALECT.writer
ASKED: Json = {"model": "gpt-x", "input": "x", "stream": True, "temperature": 0.5, "instructions": "Be brief."}

words = st.text(alphabet='ab \n"\\é漢👍🏽\u200d👩\u2028', max_size=14)
names = st.sampled_from(["Bash", "read_file", "x"])
texts = st.builds(lambda text: Text(Growing(text)), words)
refusals = st.builds(lambda text: Refusal(Growing(text)), words)
thoughts = st.builds(lambda text: Reasoning(Growing(text)), words)
calls = st.builds(
    lambda number, name, arguments, kind: ToolCall(f"call_{number}", name, Growing(arguments), kind, done=True),
    st.integers(0, 999),
    names,
    words | st.just('{"command": "ls"}'),
    st.sampled_from(["function", "custom"]),
)
parts = texts | refusals | thoughts | calls


def unique(given: list[Part]) -> bool:
    """Whether no two calls share an id, which the SDK takes for one call."""
    ids = [part.id for part in given if isinstance(part, ToolCall)]
    return len(ids) == len(set(ids))


def message_item(number: int, contents: list[Json]) -> Json:
    return {"id": f"msg_{number}", "type": "message", "status": "completed", "role": "assistant", "content": contents}


def reasoning_item(number: int, place: str, thoughts: list[str], seal: str | None) -> Json:
    kind = "summary_text" if place == "summary" else "reasoning_text"
    said = {"summary": [], place: [{"type": kind, "text": text} for text in thoughts]}
    return {"id": f"rs_{number}", "type": "reasoning", **said, "encrypted_content": seal}


def call_item(number: int, name: str, arguments: str, kind: str) -> Json:
    field = "arguments" if kind == "function_call" else "input"
    call = {"call_id": f"up_{number}", "name": name, field: arguments}
    return {"id": f"fc_{number}", "type": kind, "status": "completed", **call}


def hosted_item(number: int, output: str | None) -> Json:
    said = {"name": "find", "arguments": "{}", "output": output, "server_label": "s", "error": None}
    return {"id": f"mcp_{number}", "type": "mcp_call", "status": "completed", **said}


text_bodies = st.builds(
    lambda text: {"type": "output_text", "text": text, "annotations": [], "logprobs": []}, words
) | st.builds(lambda text: {"type": "refusal", "refusal": text}, words)
items = st.one_of(
    st.builds(message_item, st.just(0), st.lists(text_bodies, min_size=1, max_size=3)),
    st.builds(
        reasoning_item,
        st.just(0),
        st.sampled_from(["summary", "content"]),
        st.lists(words.filter(bool), max_size=3),
        st.sampled_from([None, "seal"]),
    ),
    st.builds(call_item, st.just(0), names, words, st.sampled_from(["function_call", "custom_tool_call"])),
    st.builds(hosted_item, st.just(0), st.sampled_from([None, "found"])),
)
outputs = st.lists(items, max_size=4).map(lambda made: [_numbered(item, number) for number, item in enumerate(made)])


def _numbered(item: Json, number: int) -> Json:
    renamed = {"id": f"{item['id']}{number}"}
    return {**item, **renamed, "call_id": f"up_{number}"} if "call_id" in item else {**item, **renamed}


_STEMS = {
    "output_text": ("output_text", "text", "content_part"),
    "refusal": ("refusal", "refusal", "content_part"),
    "reasoning_text": ("reasoning_text", "text", "content_part"),
    "summary_text": ("reasoning_summary_text", "text", "reasoning_summary_part"),
}


def upstream(output: list[Json], status: str = "completed", repeat: bool = True) -> list[Json]:
    """The events of a provider for these items, written without the program's own writer."""
    head = {"id": "resp_up", "object": "response", "model": "gpt-up", "created_at": 1, "tools": [], "error": None}
    head |= {"parallel_tool_calls": True, "tool_choice": "auto", "incomplete_details": None}
    events: list[Json] = [
        {"type": f"response.{step}", "response": {**head, "status": "in_progress", "output": []}}
        for step in ("created", "in_progress")
    ]
    for index, item in enumerate(output):
        events += _item(item, index)
        events.append({"type": "keepalive"})
    usage = {"input_tokens": 7, "output_tokens": 5, "total_tokens": 12}
    usage |= {"input_tokens_details": {"cached_tokens": 1}, "output_tokens_details": {"reasoning_tokens": 2}}  # type: ignore[dict-item]
    details = {"reason": "max_output_tokens"} if status == "incomplete" else None
    last = {**head, "status": status, "incomplete_details": details, "usage": usage, "output": output if repeat else []}
    events.append({"type": f"response.{status}", "response": last})
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def _item(item: Json, index: int) -> Iterator[Json]:
    at = {"output_index": index}
    where = {"item_id": item["id"], **at}
    field = {"function_call": "arguments", "custom_tool_call": "input"}.get(item["type"])
    empty: Json = {name: [] for name in ("content", "summary") if name in item} | ({field: ""} if field else {})
    empty |= {"output": None} if "output" in item else {}
    yield {"type": "response.output_item.added", **at, "item": {**item, **empty}}
    if item["type"] == "mcp_call":
        yield {"type": "response.mcp_call.in_progress", **where}
    if field:
        stem = "function_call_arguments" if field == "arguments" else "custom_tool_call_input"
        for letter in item[field]:
            yield {"type": f"response.{stem}.delta", **where, "delta": letter}
        yield {"type": f"response.{stem}.done", **where, field: item[field]}
    for place in ("content", "summary"):
        for number, part in enumerate(item.get(place) or []):
            stem, key, frame = _STEMS[part["type"]]
            here = {**where, f"{place}_index": number}
            logs: Json = {"logprobs": []} if stem == "output_text" else {}
            yield {"type": f"response.{frame}.added", **here, "part": {**part, key: ""}}
            for letter in part[key]:
                yield {"type": f"response.{stem}.delta", **here, "delta": letter, **logs}
            yield {"type": f"response.{stem}.done", **here, key: part[key], **logs}
            yield {"type": f"response.{frame}.done", **here, "part": part}
    yield {"type": "response.output_item.done", **at, "item": item}


def framed(event: Json) -> bytes:
    """One event on the wire."""
    return b"event: %s\ndata: %s\n\n" % (event["type"].encode(), json.dumps(event).encode())


def events_of(raw: bytes) -> list[Event]:
    """Bytes as events, by the program's framing."""
    framing = SSE()
    return [*framing.feed(raw), *framing.close()]


def plain(given: list[Part]) -> list[tuple[str, ...]]:
    """What the parts say, without seals and states."""
    return [_plain(part) for part in given]


def _plain(part: Part) -> tuple[str, ...]:
    match part:
        case ToolCall():
            return "call", part.kind, part.id, part.name, str(part.arguments)
        case Text() | Refusal() | Reasoning():
            return type(part).__name__, str(part.content)
        case _:
            return "other", repr(part)


def read_parts(raw: bytes) -> list[Part]:
    """The parts that our reader finds in a stream."""
    transcript = read(DIALECT, [raw])
    assert transcript.notes == []
    return transcript.answer.choice(0).parts


class Way:
    """One stream on its way: what the client has of it, and what is still to come."""

    def __init__(self, events: list[Json], delivered: int) -> None:
        self.raw = [framed(event) for event in events]
        self.client = b"".join(self.raw[:delivered])
        self.fed = delivered
        self.rewriter = WRITER.rewriter(events_of(self.client))

    @property
    def seen(self) -> list[Part]:
        """The model's message, as far as the upstream's events tell it."""
        return read_parts(b"".join(self.raw[: self.fed]))

    def go(self, count: int | None = None) -> None:
        """Let the next events pass, or all of them."""
        end = len(self.raw) if count is None else min(self.fed + count, len(self.raw))
        for raw in self.raw[self.fed : end]:
            told = self.rewriter.feed(events_of(raw)[0])
            self.client += raw if told is None else b"".join(told)
        self.fed = end

    def end(self) -> bytes:
        """Let it end; give all that the client got."""
        self.client += b"".join(self.rewriter.close())
        return self.client


def document_parts(response: Json) -> list[Part]:
    """The parts that our reader finds in a response object."""
    return (
        answer_of(read(DIALECT, [json.dumps(response).encode()], "application/json")).parts
        if response["output"]
        else []
    )


def check_grammar(raw: bytes) -> Json:
    """Assert that a stream is one that the provider could have sent; give its last response."""
    events = payloads(raw)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    begun = [event["type"] for event in events if "response" in event][:-1]
    assert begun in (["response.created"], ["response.created", "response.in_progress"])
    last: Json = events[-1]["response"]
    assert events[-1]["type"] == f"response.{last['status']}"
    open_items: dict[int, Json] = {}
    done_items: dict[int, Json] = {}
    opened: dict[tuple[object, ...], str] = {}
    for event in events[len(begun) : -1]:
        kind, index = event["type"].removeprefix("response."), event.get("output_index")
        if index is None:
            assert kind == "keepalive"
        elif kind == "output_item.added":
            assert index == len(open_items)
            open_items[index] = event["item"]
        elif kind == "output_item.done":
            assert event["item"]["id"] == open_items[index]["id"] and index not in done_items
            done_items[index] = event["item"]
        else:
            assert event["item_id"] == open_items[index]["id"] and index not in done_items
            _check_part(kind, event, opened)
    assert list(done_items.values()) == last["output"] and sorted(done_items) == sorted(open_items)
    _check_texts(opened, done_items)
    return last


def _check_part(kind: str, event: Json, opened: dict[tuple[object, ...], str]) -> None:
    stem, _, step = kind.rpartition(".")
    place = next((name for name in ("content", "summary") if f"{name}_index" in event), "call")
    key = event["output_index"], place, event.get(f"{place}_index", 0)
    if stem.endswith("_part"):
        if step == "added":
            assert key not in opened and key[2] == sum(len(one) == 3 and one[:2] == key[:2] for one in opened)
            opened[key] = ""
        else:
            assert opened.pop((*key, "said"), None) is not None
            opened[(*key, "closed")] = ""
    elif step == "delta":
        assert (*key, "said") not in opened
        opened[key] = opened[key] + event["delta"] if place != "call" else opened.get(key, "") + event["delta"]
    elif step == "done":
        whole = next(event[name] for name in ("text", "refusal", "arguments", "input") if name in event)
        assert opened.setdefault(key, "") == whole
        opened[(*key, "said")] = ""


def _check_texts(opened: dict[tuple[object, ...], str], items: dict[int, Json]) -> None:
    """Every part was closed, and its item says in the end what its deltas said."""
    texts = {key: text for key, text in opened.items() if len(key) == 3}
    for key in texts:
        assert (*key, "said" if key[1] == "call" else "closed") in opened
    for index, item in items.items():
        said = [text for key, text in sorted(texts.items(), key=lambda one: str(one[0])) if key[0] == index]
        parts = [*(item.get("content") or []), *(item.get("summary") or [])]
        whole = [part.get("text", part.get("refusal")) for part in parts]
        if item["type"] in ("function_call", "custom_tool_call"):
            whole = [item.get("arguments", item.get("input"))]
        assert said == whole


class Loopback:
    """A provider on this machine that gives whatever bytes a test puts there, and a client of OpenAI's SDK for it."""

    def __init__(self) -> None:
        self.body = b""
        self.status = 200
        self.kind = "text/event-stream"
        self.client: openai.OpenAI

    def serve(self, body: bytes, kind: str = "text/event-stream", status: int = 200) -> openai.OpenAI:
        """Answer with these bytes from now on."""
        self.body, self.kind, self.status = body, kind, status
        return self.client

    def responses(self, raw: bytes) -> list[Response]:
        """The final response of a stream as the SDK has it: from its events, and from its accumulating helper."""
        client = self.serve(raw)
        found = list(client.responses.create(model="m", input="x", stream=True))
        with client.responses.stream(model="m", input="x") as stream:
            return [found[-1].response, stream.get_final_response()]  # type: ignore[union-attr]


@contextmanager
def loopback() -> Iterator[Loopback]:
    """A provider while the block runs."""
    served = Loopback()

    class Provider(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(served.status)
            self.send_header("content-type", served.kind)
            self.send_header("content-length", str(len(served.body)))
            self.end_headers()
            self.wfile.write(served.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Provider) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        with openai.OpenAI(api_key="k", base_url=url, max_retries=0) as client:
            served.client = client
            yield served
        server.shutdown()


def sdk_parts(response: Response) -> list[tuple[str, ...]]:
    """What a response says as the SDK understood it, in the shape of `plain`."""
    said: list[tuple[str, ...]] = []
    for item in response.output:
        match item.type:
            case "message":
                said += [
                    ("Text", part.text) if part.type == "output_text" else ("Refusal", part.refusal)
                    for part in item.content
                ]
            case "reasoning":
                thoughts: list[Any] = [*(item.content or []), *item.summary]
                said += [("Reasoning", thought.text) for thought in thoughts] or [("Reasoning", "")]
            case "function_call":
                said.append(("call", "function", item.call_id, item.name, item.arguments))
            case "custom_tool_call":
                said.append(("call", "custom", item.call_id, item.name, item.input))
            case _:
                said.append(("other", item.type))
    return said
