"""Python snippets: Python runs them with the real SDKs, and what arrives is what was sent."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import os
import sys
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.formats._python_literal import DEEPEST, exact_json, python, string
from inspector.formats._python_sdks import SDKS
from inspector.formats.snippet_python import Python
from inspector.model.flow import Flow
from inspector.store.transcripts import Transcripts
from tests.formats.snippets import KEYS, SECRET, flow_to, recording_demo

NASTY = 'it\'s "q" \\ \n\t {x} %s \u2028\u202e\x1b 日本 👩‍🚀'
CHAT = {"model": "demo-small", "messages": [{"role": "user", "content": NASTY}], "n": 1}
TOOLS = [{"type": "function", "function": {"name": "a", "parameters": {"type": "object", "properties": {}}}}]
MESSAGES = {"model": "demo-small", "max_tokens": 50, "messages": CHAT["messages"], "temperature": 0.5}
RESPONSES = {"model": "demo-small", "input": NASTY, "max_output_tokens": 50}
KEY = [("Authorization", f"Bearer {SECRET}")]
ASKED: list[tuple[str, dict[str, Any], list[tuple[str, str]], str]] = [
    ("/v1/chat/completions", {**CHAT, "stream": True, "stop": None, "tools": TOOLS}, KEY, "import OpenAI"),
    (
        "/v1/chat/completions?a=b%26c",
        {**CHAT, "top_k": 1, "odd key": {"a": 1.5}},
        [*KEY, ("x-a", "b")],
        "import OpenAI",
    ),
    ("/v1/responses", {**RESPONSES, "stream": True}, KEY, "import OpenAI"),
    ("/v1/responses", {**RESPONSES, "made_up": [None, True]}, [], "import OpenAI"),
    ("/v1/messages?beta=true", {**MESSAGES, "stream": True}, [("x-api-key", SECRET)], "import Anthropic"),
    (
        "/v1/messages",
        {**MESSAGES, "max_tokens": 60_000, "stream": False, "system": [{"type": "text", "text": "s"}]},
        [*KEY, ("anthropic-version", "2023-06-01"), ("anthropic-beta", "a-1,b-2")],
        "import Anthropic",
    ),
    ("/v1/chat/completions", {"messages": CHAT["messages"]}, [*KEY, ("x-a", "1"), ("x-a", "2")], "import httpx"),
    ("/v1/chat/completions", {**CHAT, "stream": True}, [("api-key", SECRET)], "import httpx"),
    (f"/v1/chat/completions?key={SECRET}&a=1", CHAT, [], "import httpx"),
    ("/api/elsewhere", {"a": NASTY}, KEY, "import httpx"),
]
RUN = "import runpy, sys\nfor path in sys.argv[1:]:\n    runpy.run_path(path)\n    print('-- next', flush=True)\n"


def script_of(flow: Flow) -> str:
    """The script for a flow."""
    return Python().data(flow, Transcripts()).decode()


async def run(scripts: list[str], folder: Path) -> list[str]:
    """Run scripts one after another in one process; what each printed."""
    paths = [folder / f"{number}.py" for number in range(len(scripts))]
    for path, script in zip(paths, scripts, strict=True):
        path.write_text(script, encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], "NO_PROXY": "*", "ANTHROPIC_AUTH_TOKEN": "their-token", **KEYS}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-c", RUN, *map(str, paths)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    output, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, errors.decode()
    return output.decode().split("-- next\n")[:-1]


@pytest.mark.anyio
async def test_they_ask_the_same_again(tmp_path: Path) -> None:
    async with recording_demo() as demo:
        flows = [flow_to(demo.url + path, json.dumps(body).encode(), headers) for path, body, headers, _ in ASKED]
        scripts = [script_of(flow) for flow in flows]
        outputs = await run(scripts, tmp_path)
    assert len(demo.arrived) == len(ASKED) == len(outputs)
    for (path, body, headers, module), script, arrived, output in zip(
        ASKED, scripts, demo.arrived, outputs, strict=True
    ):
        assert json.loads(arrived.body) == body
        assert arrived.target == path.replace(SECRET, "their-key")
        assert module in script and SECRET not in script
        assert arrived.headers["content-type"] == "application/json"
        for name, value in headers:
            assert name.lower() in arrived.headers or (value == SECRET and "authorization" in arrived.headers)
        printed = output.strip().split("\n")
        assert len(printed) > 2 or "httpx" in module
        if body.get("stream") and "httpx" not in module:
            assert all(isinstance(json.loads(line), dict) for line in printed)
    assert demo.arrived[1].headers["x-a"] == "b"
    assert demo.arrived[5].headers["anthropic-beta"] == "a-1,b-2"
    assert demo.arrived[5].headers["anthropic-version"] == "2023-06-01"
    assert demo.arrived[5].headers["authorization"] == "Bearer their-token"
    assert demo.arrived[7].headers["api-key"] == "their-key"


@pytest.mark.anyio
async def test_what_python_cannot_say_in_values_arrives_as_it_is(tmp_path: Path) -> None:
    deep = b"[" * 500 + b"]" * 500
    bodies = [
        b'{"a": 1, "a": 2}',
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'"\\ud800"',
        b"null",
        b"no json '\"",
        b"\xff\0",
        deep,
    ]
    bodies += [b"", b'{"n": ' + b"9" * 5000 + b"}"]
    async with recording_demo() as demo:
        scripts = [script_of(flow_to(f"{demo.url}/v1/elsewhere", body)) for body in bodies]
        await run(scripts, tmp_path)
    assert [arrived.body for arrived in demo.arrived] == bodies


CLIENTS: dict[str, type] = {"openai": openai.OpenAI, "anthropic": anthropic.Anthropic}


@pytest.mark.parametrize("dialect", SDKS)
def test_the_sdks_know_what_they_are_given(dialect: str) -> None:
    sdk = SDKS[dialect]
    client: Any = CLIENTS[sdk.module](api_key="none")
    base = str(client.base_url).rstrip("/")
    assert CLIENTS[sdk.module].__name__ == sdk.client and base == sdk.base
    assert set(sdk.keys.values()) <= inspect.signature(type(client)).parameters.keys()
    call = client
    for name in sdk.call.split("."):
        call = getattr(call, name)
    assert sdk.required <= sdk.known <= inspect.signature(call).parameters.keys()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=20,
)


@settings(deadline=None)
@given(JSON, st.integers(0, 3))
def test_every_value_is_read_back(value: Any, depth: int) -> None:
    text = python(value, depth)
    assert repr(ast.literal_eval(text)) == repr(value)
    assert all(character.isprintable() or character == "\n" for character in text)
    try:
        written = json.dumps(value, ensure_ascii=False)
        written.encode()
    except UnicodeEncodeError:
        return
    assert repr(exact_json(written)) == repr(value)


@given(st.text())
def test_every_string_is_read_back(text: str) -> None:
    assert ast.literal_eval(string(text)) == text
    assert "\n" not in string(text)


def test_what_is_nested_too_deeply_is_refused() -> None:
    whole = "[" * (DEEPEST - 1) + "1" + "]" * (DEEPEST - 1)
    assert ast.literal_eval(python(exact_json(whole))) == json.loads(whole)
    for levels in (DEEPEST, 600, 100_000):
        with pytest.raises(ValueError, match="nested too deeply"):
            exact_json("[" * levels + "1" + "]" * levels)


GOLDEN_SDK = """import os

from openai import OpenAI

client = OpenAI(api_key=os.environ["GROQ_API_KEY"], base_url="https://api.groq.com/openai/v1")
stream = client.chat.completions.create(
    model="m",
    messages=[
        {"role": "system", "content": "You are one who answers all questions shortly."},
        {"role": "user", "content": 'Say "hello" in one line, then say it once more.'},
    ],
    stream=True,
    extra_body={"top_k": 4},
    extra_headers={
        "x-trace": "1",
    },
)
for event in stream:
    print(event.to_json(indent=None, warnings=False), flush=True)
"""
GOLDEN_HTTPX = """import os
import sys

import httpx

with httpx.stream(
    "POST",
    "https://generativelanguage.googleapis.com/v1beta/models/m:generateContent?key=" + os.environ["GEMINI_API_KEY"],
    headers={
        "Content-Type": "application/json",
    },
    json={"contents": [{"parts": [{"text": "Hi"}]}]},
    timeout=600,
) as response:
    print(response.status_code, response.reason_phrase, file=sys.stderr)
    for chunk in response.iter_bytes():
        sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
"""


def test_it_reads_well() -> None:
    words = [
        {"role": "system", "content": "You are one who answers all questions shortly."},
        {"role": "user", "content": 'Say "hello" in one line, then say it once more.'},
    ]
    body = {"model": "m", "messages": words, "stream": True, "top_k": 4}
    url = "https://api.groq.com/openai/v1/chat/completions"
    sdk = flow_to(url, json.dumps(body).encode(), [*KEY, ("User-Agent", "x"), ("x-trace", "1")])
    assert script_of(sdk) == GOLDEN_SDK.replace('"Say \\"hello\\"', '\'Say "hello"').replace('day."}', "day.'}")
    gemini = "https://generativelanguage.googleapis.com/v1beta/models/m:generateContent?key="
    assert script_of(flow_to(gemini + SECRET, b'{"contents": [{"parts": [{"text": "Hi"}]}]}')) == GOLDEN_HTTPX
