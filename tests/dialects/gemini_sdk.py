"""Google's own SDK against a server on this machine, and what it and the program read of an answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google import genai
from google.genai import types

from inspector.dialects.gemini import Gemini
from inspector.model.message import Message, Reasoning, Refusal, Text, Transcript
from tests.dialects.recorded import read

DIALECT = Gemini()


@dataclass
class Google:
    """A server that answers whatever it is given, and the SDK that asks it."""

    client: genai.Client = field(init=False)
    body: bytes = b""
    status: int = 200
    content_type: str = "application/json"
    asked: list[str] = field(default_factory=list)


@contextmanager
def google() -> Iterator[Google]:
    """Run the server while the block runs."""
    given = Google()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            given.asked.append(self.path)
            self.send_response(given.status)
            self.send_header("content-type", given.content_type)
            self.send_header("content-length", str(len(given.body)))
            self.end_headers()
            self.wfile.write(given.body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        options = types.HttpOptions(base_url=f"http://127.0.0.1:{server.server_address[1]}")
        try:
            with genai.Client(api_key="x", http_options=options) as given.client:
                yield given
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Seen:
    """What somebody read of an answer's first candidate."""

    text: str = ""
    thoughts: str = ""
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    finish: str | None = None
    given: int | None = None
    written: int | None = None
    model: str = ""

    @property
    def said(self) -> tuple[str, str, list[tuple[str, Any]]]:
        """Text, thoughts and calls."""
        return self.text, self.thoughts, [(name, args) for _, name, args in self.calls]


def by_sdk(server: Google, body: bytes, *, stream: bool) -> Seen:
    """What the SDK reads of a body. Its own APIError is raised."""
    server.body = body
    server.content_type = "text/event-stream" if stream else "application/json"
    models = server.client.models
    if stream:
        return _gathered(list(models.generate_content_stream(model="m", contents="x")))
    return _gathered([models.generate_content(model="m", contents="x")])


def _gathered(chunks: list[types.GenerateContentResponse]) -> Seen:
    seen = Seen()
    for chunk in chunks:
        seen.model = seen.model or chunk.model_version or ""
        if (usage := chunk.usage_metadata) is not None:
            given = (usage.prompt_token_count, usage.tool_use_prompt_token_count)
            written = (usage.candidates_token_count, usage.thoughts_token_count)
            seen.given = sum(count or 0 for count in given) if any(given) else seen.given
            seen.written = sum(count or 0 for count in written) if any(written) else seen.written
        for candidate in (chunk.candidates or [])[:1]:
            seen.finish = candidate.finish_reason.value if candidate.finish_reason else seen.finish
            for part in (candidate.content and candidate.content.parts) or []:
                if part.function_call:
                    call = part.function_call
                    seen.calls.append((call.id or "", call.name or "", call.args or {}))
                elif part.text and part.thought:
                    seen.thoughts += part.text
                elif part.text:
                    seen.text += part.text
    return seen


def by_program(body: bytes, *, stream: bool) -> Seen:
    """What the program reads of it."""
    return seen_in(read(DIALECT, [body], "text/event-stream" if stream else "application/json"))


def seen_in(transcript: Transcript) -> Seen:
    """What a transcript has of the first candidate."""
    answer = transcript.answer
    message = answer.message or Message("assistant")
    usage = answer.usage
    calls = [call for call in message.tool_calls() if not call.server_side]
    return Seen(
        "".join(str(part.content) for part in message.parts if isinstance(part, Text | Refusal)),
        "".join(str(part.content) for part in message.parts if isinstance(part, Reasoning)),
        [(call.id, call.name, json.loads(str(call.arguments))) for call in calls],
        message.finish_reason,
        usage.input_tokens if usage else None,
        usage.output_tokens or None if usage else None,
        answer.model,
    )
