"""curl commands: a real shell reads them, a real curl sends them, and what arrives is what was sent."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import shutil
import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from inspector.formats.snippet_curl import ARGUMENT, Curl
from inspector.model.flow import Capture, Flow, Response
from inspector.model.headers import Headers, mask_url, masked
from inspector.store.transcripts import Transcripts
from tests.formats.snippets import KEYS, SECRET, Recorder, flow_to, recording_demo
from tests.handmade import done_chat

SHELLS = [shell for shell in ("bash", "dash", "zsh") if shutil.which(shell)]
CHAT = {"model": "demo-small", "messages": [{"role": "user", "content": "Tell me about the harbour."}]}
FAKE = 'curl() { for word; do printf \'%s\\0\' "$word"; done; if [ -n "$FED" ]; then cat; fi; }\n'
"""A curl that only says what it was given."""
URL = "https://api.openai.com/v1/chat/completions"

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")


def command_of(flow: Flow) -> str:
    """The command for a flow."""
    return Curl().data(flow, Transcripts()).decode()


def given_to_curl(command: str, shell: str = "sh") -> list[bytes]:
    """The arguments that a shell makes of a command, and last the body, be it one of them or fed."""
    fed = "--data-binary @-" in command
    environment = {"PATH": os.environ["PATH"], "FED": "1" if fed else "", **KEYS}
    run = subprocess.run([shell], input=(FAKE + command).encode(), capture_output=True, env=environment)
    assert (run.returncode, run.stderr) == (0, b"")
    if not fed:
        return run.stdout.split(b"\0")[:-1]
    arguments, _, body = run.stdout.partition(b"\0@-\0")
    return [*arguments.split(b"\0"), body]


async def sent_by_curl(command: str, demo: Recorder) -> tuple[bytes, bytes]:
    """Run a command in a real shell; the body that arrives, and what curl printed."""
    environment = {"PATH": os.environ["PATH"], "no_proxy": "*", **KEYS}
    process = await asyncio.create_subprocess_exec(
        *("bash" if "bash" in SHELLS else "sh",),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment,
    )
    output, _ = await asyncio.wait_for(process.communicate(command.encode()), 30)
    assert process.returncode == 0
    return demo.arrived[-1].body, output


@needs_curl
@pytest.mark.anyio
@pytest.mark.parametrize("stream", [True, False])
async def test_it_asks_the_same_again(stream: bool) -> None:
    nasty = 'it\'s `x` $HOME ${A} \\ "q" !! \u2028 日本 %s\n\ttab'
    body = json.dumps({**CHAT, "stream": stream, "user": nasty}, ensure_ascii=False).encode()
    async with recording_demo() as demo:
        headers = [("Authorization", f"Bearer {SECRET}"), ("X-Stainless-Lang", "python"), ("Accept-Encoding", "gzip")]
        flow = flow_to(f"{demo.url}/v1/chat/completions?a=[1]&b={{x}}", body, headers)
        command = command_of(flow)
        arrived, output = await sent_by_curl(command, demo)
        request = demo.arrived[-1]
    assert arrived == body
    assert (request.method, request.target) == ("POST", "/v1/chat/completions?a=[1]&b={x}")
    assert request.headers["authorization"] == "Bearer their-key"
    assert not {"x-stainless-lang", "accept-encoding"} & request.headers.keys()
    assert (b"data: [DONE]" in output) is stream and b"chat.completion" in output
    assert command.startswith("curl -N -g " if stream else "curl -g ")
    assert SECRET not in command and "OPENAI_API_KEY" in command


@needs_curl
@pytest.mark.anyio
async def test_every_body_arrives_byte_by_byte() -> None:
    bodies = [
        bytes(range(256)),
        b"\x1b[201~\nrm -rf\n\r",
        b"@/etc/passwd",
        b"\n" * 3,
        json.dumps({"text": "don't " * ARGUMENT}).encode(),
        b"",
    ]
    async with recording_demo() as demo:
        for body in bodies:
            flow = flow_to(f"{demo.url}/v1/messages", body)
            assert (await sent_by_curl(command_of(flow), demo))[0] == body
            assert demo.arrived[-1].headers["content-type"] == "application/json"
        flow.request.headers = Headers()
        await sent_by_curl(command_of(flow), demo)
        assert "content-type" not in demo.arrived[-1].headers
        get = flow_to(f"{demo.url}/v1/models", b"", [("X-Empty", "")], method="GET")
        output = (await sent_by_curl(command_of(get), demo))[1]
        assert json.loads(output)["object"] == "list" and demo.arrived[-1].headers["x-empty"] == ""


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)


@settings(max_examples=60, deadline=None)
@given(TEXTS | st.text("'\"\\$`!\n\r\t @;&|#~*?[]{}<>%=-\u2028\x1b", max_size=30))
@example("'")
@example("$(touch x)`id`")
@example("a\r\n")
def test_a_shell_leaves_every_text_as_it_is(text: str) -> None:
    flow = flow_to(URL, text.encode(), [("X-Words", text.strip()), ("Authorization", f"Bearer {SECRET}")])
    command = command_of(flow)
    words = given_to_curl(command)
    assert words[-1] == text.encode()
    assert b"Authorization: Bearer their-key" in words
    if text.strip() and all(" " <= character <= "~" for character in text.strip()):
        assert f"X-Words: {text.strip()}".encode() in words
    assert not any(character < " " and character not in "\n\t" for character in command)


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_reads_it_alike(shell: str) -> None:
    flow = flow_to(URL, b"'$HOME' \\n !x", [("Helicone-Auth", f"Bearer {SECRET}"), ("X-App", "a b$c`d")])
    assert given_to_curl(command_of(flow), shell) == [
        b"https://api.openai.com/v1/chat/completions",
        *(b"-H", b"Content-Type: application/json"),
        *(b"-H", b"Helicone-Auth: Bearer "),
        *(b"-H", b"X-App: a b$c`d"),
        *(b"--data-raw", b"'$HOME' \\n !x"),
    ]


GOLDEN = r"""curl -N 'https://api.openai.com/v1/chat/completions?x=1' \
  -H 'Content-Type: application/json' \
  -H "Authorization: Bearer ${OPENAI_API_KEY}" \
  -H 'OpenAI-Beta: a' \
  --data-raw '{"model":"m","messages":[]}'
"""


def test_it_reads_well() -> None:
    headers = [
        *(("Host", "h"), ("Content-Length", "27"), ("Connection", "keep-alive, x-hop"), ("X-Hop", "1")),
        *(("Authorization", f"Bearer {SECRET}"), ("Cookie", f"__cf={SECRET}"), ("OpenAI-Beta", "a")),
    ]
    flow = flow_to(f"{URL}?x=1", b'{"model":"m","messages":[]}', headers)
    assert command_of(flow) == GOLDEN.replace("curl -N", "curl")
    flow.response = Response(200, Headers([("content-type", "text/event-stream")]))
    assert command_of(flow) == GOLDEN


@pytest.mark.parametrize(
    ("url", "header", "words"),
    [
        ("https://api.anthropic.com/v1/messages", "x-api-key", ["ANTHROPIC_API_KEY"]),
        ("https://api.anthropic.com/v1/messages", "Authorization", ["ANTHROPIC_AUTH_TOKEN"]),
        ("http://localhost:1/v1/messages", "X-Api-Key", ["ANTHROPIC_API_KEY"]),
        ("https://elsewhere.example/v1/messages", "X-Api-Key", ["INSPECTOR_UPSTREAM_API_KEY"]),
        (f"https://generativelanguage.googleapis.com/v1beta/models/m:go?alt=sse&key={SECRET}&z=1", "", ["&z=1"]),
        (f"https://me:{SECRET}@api.x.ai/v1/chat/completions", "", ["https://api.x.ai/v1"]),
        ("https://api.openai.com/a/../b", "x-portkey-api-key", ["X_PORTKEY_API_KEY", "--path-as-is"]),
    ],
)
def test_no_secret_is_in_it(url: str, header: str, words: list[str]) -> None:
    key = [(header, SECRET)] if header else []
    command = command_of(flow_to(url, b"{}", [("anthropic-version", "2023-06-01"), *key]))
    assert SECRET not in command and all(word in command for word in words)
    recorded = flow_to(mask_url(url), b"{}", masked([("anthropic-version", "2023-06-01"), *key]))
    assert command_of(recorded) == command


def test_what_came_compressed_is_sent_as_it_reads() -> None:
    flow = flow_to(URL, gzip.compress(b'{"a": 1}'), [("Content-Encoding", "gzip")])
    assert "--data-raw '{\"a\": 1}'" in command_of(flow) and "ncoding" not in command_of(flow)
    flow.request.body = Capture(b"no gzip")
    assert "--data-raw 'no gzip'" in command_of(flow) and "-H 'Content-Encoding: gzip'" in command_of(flow)


@pytest.mark.parametrize(
    ("url", "method", "headers", "reason"),
    [
        ("file:///etc/passwd", "GET", [], "only an HTTP request"),
        ("wss://api.openai.com/v1/realtime", "GET", [], "only an HTTP request"),
        (URL, "-o x", [], "only an HTTP request"),
        (URL, "POST", [("Authorization", "AWS4-HMAC-SHA256 Credential=x")], "signed"),
    ],
)
def test_what_cannot_be_repeated_is_refused(url: str, method: str, headers: list[tuple[str, str]], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        command_of(flow_to(url, b"", headers, method=method))


def test_a_request_on_its_way_is_not_copied() -> None:
    flow = done_chat()
    flow.end = flow.response = flow.timing.received = None
    with pytest.raises(ValueError, match="has not come whole"):
        command_of(flow)


def test_a_hostile_header_is_left_out() -> None:
    headers = [("@/etc/passwd", "x"), ("a\nb", "x"), ("X", "a\r\nY: b"), ("X-Ok", "@file")]
    assert given_to_curl(command_of(flow_to(URL, b"{}", headers)))[1:-2] == [
        *(b"-H", b"Content-Type: application/json"),
        *(b"-H", b"X-Ok: @file"),
    ]
