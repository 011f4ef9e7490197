"""Answers of Ollama's API, made by hand, and what Ollama's SDK makes of such bytes off a real socket."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import ollama
from hypothesis import strategies as st

from inspector.dialects.ollama import Ollama
from inspector.model.message import Growing, Message, Part, Reasoning, Text, ToolCall
from inspector.wire.event import Event
from inspector.wire.ndjson import NDJSON
from tests.dialects.recorded import answer_of, read

Json = dict[str, Any]

DIALECT = Ollama()
LINES = "application/x-ndjson"
HEAD: Json = {"model": "m", "created_at": "2026-01-01T00:00:00Z"}
COUNTS: Json = {
    "total_duration": 900,
    "load_duration": 100,
    "prompt_eval_count": 7,
    "prompt_eval_duration": 50,
    "eval_count": 3,
    "eval_duration": 60,
}


def entry(token: str, logprob: float = -0.5, **top: float) -> Json:
    """What the server tells of a token."""
    told = {"token": token, "logprob": logprob, "bytes": [*token.encode()]}
    others = [{"token": name, "logprob": value, "bytes": [*name.encode()]} for name, value in top.items()]
    return {**told, "top_logprobs": others} if others else told


def said(content: str = "", **more: Any) -> Json:
    """A line of `/api/chat`; `thinking`, `tool_calls` and `images` stand in its message."""
    inner = {name: more.pop(name) for name in ("thinking", "tool_calls", "images") if name in more}
    return {**HEAD, "message": {"role": "assistant", "content": content, **inner}, "done": False, **more}


def generated(response: str = "", **more: Any) -> Json:
    """A line of `/api/generate`."""
    return {**HEAD, "response": response, "done": False, **more}


def done(reason: str = "stop", **more: Any) -> Json:
    """The last line."""
    return {**said(), "done": True, "done_reason": reason, **COUNTS, **more}


def call_entry(name: str, arguments: Json, index: int = 0, identity: str = "") -> Json:
    """A member of `tool_calls`."""
    head = {"id": identity} if identity else {}
    return {**head, "function": {"index": index, "name": name, "arguments": arguments}}


def lines(*bodies: Json) -> bytes:
    """A stream."""
    return b"".join(json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode() + b"\n" for body in bodies)


def payloads(data: bytes) -> list[Json]:
    """The objects of a stream, found without the program's own framing."""
    return [json.loads(line) for line in data.split(b"\n") if line]


def events_of(body: bytes) -> list[tuple[Event, bytes]]:
    """The events of a stream, each with its bytes."""
    framing = NDJSON()
    return [(event, body[event.start : event.end]) for event in framing.feed(body) + framing.close()]


def message_of(body: bytes) -> Message:
    """The message, as this program reads it."""
    transcript = read(DIALECT, [body], LINES)
    assert transcript.notes == []
    return answer_of(transcript)


Said = tuple[str, str, list[tuple[str, Json]]]
"""Thoughts, text and calls: what a message says, whoever reads it."""


def said_by(parts: Sequence[Part]) -> Said:
    words = {kind: "".join(str(part.content) for part in parts if isinstance(part, kind)) for kind in (Reasoning, Text)}
    calls = [(part.name, json.loads(str(part.arguments))) for part in parts if isinstance(part, ToolCall)]
    return words[Reasoning], words[Text], calls


class Loopback:
    """A server on this machine that gives whatever bytes a test puts there, and a client of Ollama's SDK for it."""

    def __init__(self) -> None:
        self.body = b""
        self.status = 200
        self.asked: Json = {}
        self.path = ""
        self.client: ollama.Client

    def serve(self, body: bytes, status: int = 200) -> ollama.Client:
        """Answer with these bytes from now on."""
        self.body, self.status = body, status
        return self.client

    def chat(self, body: bytes) -> list[ollama.ChatResponse]:
        """The lines of a stream as the SDK has them."""
        return list(self.serve(body).chat("m", messages=[{"role": "user", "content": "x"}], stream=True))

    def reads(self, body: bytes) -> Said:
        """What the lines of a stream say to a client of the SDK, put together as its examples do it."""
        found = self.chat(body)
        thoughts = "".join(each.message.thinking or "" for each in found)
        calls = [call.function for each in found for call in each.message.tool_calls or []]
        return (
            thoughts,
            "".join(each.message.content or "" for each in found),
            [(call.name, dict(call.arguments)) for call in calls],
        )


@contextmanager
def loopback() -> Iterator[Loopback]:
    """A server while the block runs."""
    served = Loopback()

    class Server(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_POST(self) -> None:
            served.asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            served.path = self.path
            self.send_response(served.status)
            self.send_header("content-type", LINES)
            self.send_header("content-length", str(len(served.body)))
            self.end_headers()
            self.wfile.write(served.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with ollama.Client(host=f"http://127.0.0.1:{server.server_address[1]}", trust_env=False) as client:
            served.client = client
            yield served
        server.shutdown()


def text(words: str) -> Text:
    return Text(Growing(words))


def thoughts(words: str) -> Reasoning:
    return Reasoning(Growing(words))


def call(name: str = "Bash", arguments: str = '{"command":"ls"}', identity: str = "call_1") -> ToolCall:
    return ToolCall(identity, name, Growing(arguments), done=True)


WORDS = st.text(alphabet=st.sampled_from('ab \n"\\é€👍🏽\u2028\x85\u0301'), max_size=12)
CALLS = st.lists(st.tuples(st.sampled_from(["Bash", "Read", "Edit"]), WORDS), max_size=3)
MESSAGES = st.tuples(WORDS, WORDS, CALLS).map(
    lambda drawn: [
        *([thoughts(drawn[0])] if drawn[0] else []),
        *([text(drawn[1])] if drawn[1] else []),
        *(call(name, json.dumps({"a": word}), f"call_{n}") for n, (name, word) in enumerate(drawn[2])),
    ]
)
"""The parts of a message, as this API can say them."""
