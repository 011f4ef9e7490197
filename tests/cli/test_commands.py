"""The commands, as a person or a script starts them: in processes of their own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from inspector import __version__

INSPECTOR = [sys.executable, "-m", "inspector"]
LISTENS = re.compile(r"listens on (http://\S+)")


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads the settings of whoever runs it."""
    monkeypatch.setenv("INSPECTOR_CONFIG", str(tmp_path / "config.toml"))


def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    environment = {**os.environ, **more}
    return subprocess.run([*INSPECTOR, *arguments], capture_output=True, text=True, timeout=60, env=environment)


@contextlib.contextmanager
def serving(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run `inspector serve` on a free port; gives its URL."""
    command = [*INSPECTOR, "serve", "--port", "0", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        listens = LISTENS.search(process.stderr.readline())
        assert listens
        try:
            yield listens[1], process
        finally:
            process.kill()


class Model(BaseHTTPRequestHandler):
    """An upstream that answers everything with one Chat Completions answer."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer."""
        self.rfile.read(int(self.headers["content-length"]))
        message = {"role": "assistant", "content": "Hello."}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1200, "completion_tokens": 3, "total_tokens": 1203}
        body = json.dumps({"object": "chat.completion", "model": "m-1", "choices": [choice], "usage": usage}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def model() -> Iterator[str]:
    """The URL of a running Model."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Model) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_version() -> None:
    assert run("--version").stdout == f"inspector {__version__}\n"


def test_help_names_every_command() -> None:
    shown = run("--help").stdout
    assert all(f"  {command} " in shown for command in ("live", "serve", "open", "demo"))


def test_serve_tells_of_each_flow_and_records_it(model: str, tmp_path: Path) -> None:
    recorded = tmp_path / "deep" / "flows.jsonl"
    with serving("--upstream", model, "--jsonl", str(recorded)) as (url, process):
        headers = {"user-agent": "my-script/2", "authorization": "Bearer sk-secret-0123456789abcdef"}
        httpx.post(f"{url}/v1/chat/completions", json={"model": "m", "messages": []}, headers=headers)
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.startswith(f"#1 my-script POST {model}/v1/chat/completions 200 m stop in 1.2k out 3")
        httpx.post(f"{url}/v1/chat/completions", content=b"not JSON", headers=headers)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    lines = [json.loads(line) for line in recorded.read_text().splitlines()]
    assert [line["seq"] for line in lines] == [1, 2]
    assert lines[0]["output"]["parts"] == [{"type": "text", "content": "Hello."}]
    assert "sk-secret-0123456789abcdef" not in recorded.read_text()


def test_a_busy_port_names_a_free_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run("serve", "--port", str(port))
    assert result.returncode == 1
    free = re.search(rf"port {port} on 127.0.0.1 is in use; (\d+) is free: --port \1", result.stderr)
    assert free and int(free[1]) != port
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["serve", "--upstream", "nonsense"], "is not an upstream"),
        (["serve", "--upstream", "Bad_Name=http://h"], "cannot name an upstream"),
        (["serve", "--upstream", "http://a", "--upstream", "http://b"], "give this one a name"),
        (["serve", "--upstream", "a=http://a", "--upstream", "a=http://b"], "a is http://a already"),
        (["serve", "--host", "203.0.113.7"], "assign"),
        (["serve", "--jsonl", "/proc/nowhere/x.jsonl"], "cannot write"),
        (["serve", "--log", "/proc/nowhere/x.log"], "cannot write the log"),
        (["open", "/no/such/file.jsonl"], "does not exist"),
        (["nonsense"], "No such command"),
    ],
)
def test_mistakes_are_told_plainly(arguments: list[str], words: str) -> None:
    result = run(*arguments, INSPECTOR_TOKEN="correct-horse-battery")
    assert result.returncode in (1, 2)
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_a_proxy_that_is_its_own_upstream_is_refused() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    result = run("serve", "--port", str(port), "--upstream", f"http://127.0.0.1:{port}")
    assert result.returncode == 1 and "is inspector itself" in result.stderr


def test_own_key_from_the_environment_or_a_file(model: str, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("sk-ours-0123456789abcdefgh\n")
    recorded = tmp_path / "flows.jsonl"
    arguments = ("--upstream", model, "--jsonl", str(recorded), "--upstream-api-key-file", str(key))
    with serving(*arguments) as (url, process):
        httpx.post(f"{url}/v1/chat/completions", json={})
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    (line,) = [json.loads(line) for line in recorded.read_text().splitlines()]
    assert ["authorization", "Bearer sk-o...efgh"] in line["forwarded"]["headers"]
    assert line["mutations"][0]["name"] == "credential"


def test_demo_headless_prints_flows_as_jsonl() -> None:
    result = run("demo", "--headless")
    assert result.returncode == 0, result.stderr
    flows = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(flows) >= 10
    assert all(flow["format"] == "inspector/1" and flow["end"] for flow in flows)
    assert {"anthropic-messages", "openai-chat", "openai-responses"} <= {flow["dialect"] for flow in flows}
    tool_calls = [
        part for flow in flows if flow["output"] for part in flow["output"]["parts"] if part["type"] == "tool_call"
    ]
    assert tool_calls and all(isinstance(call["arguments"], dict) for call in tool_calls)


def test_demo_into_a_closed_pipe_ends_quietly() -> None:
    command = " ".join([*INSPECTOR, "demo", "--headless", "| head -c 100"])
    result = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in result.stderr


def test_open_names_broken_lines(tmp_path: Path) -> None:
    file = tmp_path / "broken.jsonl"
    file.write_text('{"format": "other/1"}\nnot json\n')
    result = run("open", str(file))
    assert result.returncode == 1
    assert "line 1" in result.stderr and "line 2" in result.stderr
    assert "not a single line" in result.stderr


def test_settings_that_cannot_be_meant_are_named(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("colour = 1\n")
    result = run("demo", "--port", "0")
    assert result.returncode == 1 and "unknown: colour" in result.stderr
