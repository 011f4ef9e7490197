"""What is copied of each dialect runs: curl and Python send the request again, and print what comes back."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from inspector.dialects import detect
from inspector.formats import COPIES
from inspector.model.flow import Flow
from inspector.proxy.embedded import EmbeddedServer
from inspector.store.transcripts import Transcripts
from tests.formats.snippets import SECRET, Recorder, flow_to

VARIABLES = (
    *("ANTHROPIC_API_KEY", "AWS_BEARER_TOKEN_BEDROCK", "CO_API_KEY", "GEMINI_API_KEY", "OLLAMA_API_KEY"),
    *("OPENAI_API_KEY", "AUTHORIZATION", "INSPECTOR_UPSTREAM_API_KEY"),
)
BEARER = {"Authorization": f"Bearer {SECRET}"}
ASKED = [{"role": "user", "content": 'it\'s "so" 日本\n'}]
CONTENTS = [
    {"role": "user", "parts": [{"text": 'it\'s "so" 日本\n'}]},
    {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"a": None}}}, {"text": "x", "thought": True}]},
    {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"b": [1]}}}]},
]
GEMINI = "/v1beta/models/gemini-x:"
GOOGLE = {"x-goog-api-key": SECRET}
SETTINGS = {"temperature": 0.5, "maxOutputTokens": 9, "thinkingConfig": {"thinkingBudget": 0}, "odd": None}
INSTRUCTION = {"parts": [{"text": "be short"}]}
TOOLS = [{"functionDeclarations": [{"name": "f", "made_up": {"a": []}}]}]
IMAGE = {"inlineData": {"mimeType": "image/png", "data": "aGk="}}
SIGNED = {"text": "x", "thoughtSignature": "c2ln"}
CHATTED = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": []}
SAID: dict[str, Any] = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hello."}]}}]}
MESSAGE: dict[str, Any] = {"id": "1", "type": "message", "role": "assistant", "model": "m", "content": []}
MESSAGE |= {"stop_reason": "end_turn", "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}
COHERE = {"id": "1", "finish_reason": "COMPLETE", "message": {"role": "assistant", "content": []}}
COMPLETED = {"id": "1", "object": "text_completion", "created": 1, "model": "m", "choices": []}
EMBEDDED = {"object": "list", "model": "m", "data": [{"object": "embedding", "index": 0, "embedding": "AAAA"}]}
RESPONDED = {"id": "1", "object": "response", "created_at": 1, "model": "m", "output": [], "tools": []}
EVENTS = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Case:
    """A request, what answers it, and what asks it again in Python."""

    dialect: str
    path: str
    body: dict[str, Any] | None
    answer: Any = field(default_factory=dict)
    """JSON; as the one event of a stream where `kind` says so."""
    by: str = "import httpx"
    headers: Mapping[str, str] = field(default_factory=lambda: BEARER)
    kind: str = "application/json"
    method: str = "POST"


CHAT: dict[str, Any] = {"model": "m", "messages": ASKED}
GENERATED: dict[str, Any] = {"contents": CONTENTS}
CASES = (
    Case("openai-chat", "/v1/chat/completions", {**CHAT, "top_k": 1}, CHATTED, "import OpenAI"),
    Case("openai-responses", "/v1/responses", {"model": "m", "input": "a"}, RESPONDED, "import OpenAI"),
    Case("openai-completions", "/v1/completions", {"model": "m", "prompt": "a"}, COMPLETED, "import OpenAI"),
    Case(
        "openai-embeddings",
        "/v1/embeddings",
        {"model": "m", "input": ["a"], "encoding_format": "base64"},
        EMBEDDED,
        "import OpenAI",
    ),
    Case("openai-embeddings", "/v1/embeddings", {"model": "m", "input": "a"}, EMBEDDED),
    Case(
        "anthropic-messages",
        "/v1/messages",
        {**CHAT, "max_tokens": 9},
        MESSAGE,
        "import Anthropic",
        {"x-api-key": SECRET, "anthropic-version": "2023-06-01"},
    ),
    Case(
        "anthropic-count-tokens",
        "/v1/messages/count_tokens?beta=true",
        {**CHAT, "system": "s", "odd": 1},
        {"input_tokens": 3},
        "import Anthropic",
        {"x-api-key": SECRET, "anthropic-version": "2023-06-01"},
    ),
    Case("gemini", f"{GEMINI}generateContent", GENERATED, SAID, "import genai", {**GOOGLE, "x-odd": "1"}),
    Case(
        "gemini",
        f"{GEMINI}streamGenerateContent?alt=sse",
        {**GENERATED, "generationConfig": SETTINGS, "systemInstruction": INSTRUCTION, "tools": TOOLS},
        SAID,
        "import genai",
        GOOGLE,
        EVENTS,
    ),
    Case(
        "gemini",
        f"/v1alpha{GEMINI.removeprefix('/v1beta')}generateContent",
        {"contents": CONTENTS[:1], "generationConfig": {"temperature": 1}, "systemInstruction": {"parts": [IMAGE]}},
        SAID,
        "import genai",
        GOOGLE,
    ),
    Case("gemini", f"{GEMINI}generateContent", {"contents": [{"parts": [IMAGE]}]}, SAID, headers=GOOGLE),
    Case("gemini", f"{GEMINI}generateContent", {"contents": [{"parts": [SIGNED]}]}, SAID, headers=GOOGLE),
    Case("gemini", f"{GEMINI}streamGenerateContent", GENERATED, [SAID], headers=GOOGLE),
    Case("ollama", "/api/chat", {**CHAT, "options": {"num_ctx": 9}}, {"done": True}),
    Case("ollama", "/api/generate", {"model": "m", "prompt": "a", "stream": False}, {"done": True}),
    Case(
        "bedrock-converse", "/model/a.b-v1%3A0/converse", {"messages": [{"role": "user", "content": [{"text": "a"}]}]}
    ),
    Case("bedrock-invoke", "/model/anthropic.c-v1%3A0/invoke", {"anthropic_version": "b", "messages": ASKED}),
    Case("cohere-chat", "/v2/chat", {**CHAT, "stream": False, "odd": [None]}, COHERE, "import ClientV2"),
    Case(
        "cohere-chat",
        "/v2/chat",
        {**CHAT, "stream": True, "k": 3},
        {"type": "message-end", "id": "1", "delta": {"finish_reason": "COMPLETE"}},
        "import ClientV2",
        {**BEARER, "x-odd": "1"},
        EVENTS,
    ),
    Case("cohere-chat", "/v2/chat", CHAT, COHERE),
    Case(
        "mcp",
        "/mcp",
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "f", "arguments": {}}},
        {"jsonrpc": "2.0", "id": 1, "result": {"content": []}},
        headers={
            "Accept": f"application/json, {EVENTS}",
            "Mcp-Session-Id": "abc",
            "MCP-Protocol-Version": "2025-06-18",
        },
        kind=EVENTS,
    ),
    Case("models", "/v1/models", None, {"object": "list", "data": []}, method="GET"),
)
RUN = """
import runpy, sys, warnings
warnings.simplefilter("error")
for path in sys.argv[1:]:
    runpy.run_path(path)
    print("\\n-- next", flush=True)
"""


def flow_of(case: Case, url: str) -> Flow:
    """The request, as a flow to that server."""
    body = json.dumps(case.body, ensure_ascii=False).encode() if case.body is not None else b""
    flow = flow_to(url + case.path, body, case.headers.items(), case.method)
    flow.dialect = detect(flow.request).name
    assert flow.dialect == case.dialect
    return flow


@asynccontextmanager
async def answering() -> AsyncIterator[Recorder]:
    """A server that answers the first request as the first case has it, and so on; with a recorder before it."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        case = CASES[len(recorder.arrived) - 1]
        data = json.dumps(case.answer).encode()
        body = b"data: " + data + b"\n\n" if case.kind == EVENTS else data
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", case.kind.encode())]})
        await send({"type": "http.response.body", "body": body})

    recorder = Recorder(app)
    async with EmbeddedServer(recorder) as server:
        recorder.url = server.url
        yield recorder


async def output_of(*command: str) -> list[str]:
    """Run it where every key is the same; what each of the cases printed."""
    environment = {
        "PATH": os.environ["PATH"],
        "NO_PROXY": "*",
        "no_proxy": "*",
        **dict.fromkeys(VARIABLES, "their-key"),
    }
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe, env=environment)
    output, errors = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, errors.decode()
    return output.decode().split("\n-- next\n")[:-1]


def check_arrived(recorder: Recorder) -> None:
    """Each case came once, as it was; the key is the one of the environment."""
    assert len(recorder.arrived) == len(CASES)
    for case, arrived in zip(CASES, recorder.arrived, strict=True):
        assert (arrived.method, arrived.target) == (case.method, case.path)
        assert (json.loads(arrived.body) if arrived.body else None) == case.body
        for name, value in case.headers.items():
            if value == SECRET:  # Anthropic's SDK has sent its key in either of the two
                assert arrived.headers.get(name, arrived.headers.get("authorization", "")).endswith("their-key")
            else:
                assert arrived.headers[name.lower()] == value.replace(SECRET, "their-key")


@pytest.mark.anyio
async def test_python_asks_it_again_by_the_providers_sdk_where_that_asks_the_same(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.py" for number in range(len(CASES))]
    async with answering() as recorder:
        for case, path in zip(CASES, paths, strict=True):
            script = COPIES["python"].data(flow_of(case, recorder.url), Transcripts()).decode()
            assert case.by in script and SECRET not in script
            path.write_text(script, encoding="utf-8")
        printed = await output_of(sys.executable, "-c", RUN, *map(str, paths))
    check_arrived(recorder)
    for case, output in zip(CASES, printed, strict=True):
        if case.by == "import httpx":
            assert json.loads(output.removeprefix("data: ")) == case.answer
        else:
            assert all(isinstance(json.loads(line), dict) for line in [output.replace("\n", "")])


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
@pytest.mark.anyio
async def test_curl_asks_it_again(tmp_path: Path) -> None:
    async with answering() as recorder:
        commands = [COPIES["curl"].data(flow_of(case, recorder.url), Transcripts()).decode() for case in CASES]
        script = tmp_path / "all.sh"
        script.write_text("".join(f"{command}printf '\\n-- next\\n'\n" for command in commands), encoding="utf-8")
        printed = await output_of("sh", str(script))
    check_arrived(recorder)
    assert [json.loads(output.removeprefix("data: ")) for output in printed] == [case.answer for case in CASES]


def test_each_reads_well_and_is_raw() -> None:
    for case in CASES:
        flow = flow_of(case, "http://localhost")
        text = COPIES["markdown"].data(flow, Transcripts()).decode()
        assert f"- request: `{case.method} http://localhost{case.path}`" in text and SECRET not in text
        if case.body is None:
            continue
        assert "\n## " in text, case
        assert json.loads(COPIES["request-body"].data(flow, Transcripts())) == case.body
        if case.body.get("messages") == ASKED or case.body.get("contents", [None])[0] == CONTENTS[0]:
            assert '## User\n\n> it\'s "so" 日本' in text, case
