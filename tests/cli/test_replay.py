"""`inspector replay`, as a script starts it: in a process of its own, with a model on a real socket."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from inspector.cli.replay import table
from inspector.formats.jsonl import flow_to_line
from inspector.model.flow import Flow
from inspector.store.runs import runs
from inspector.store.transcripts import Transcripts
from tests.handmade import chat_chunks, done_chat

REPLAY = [sys.executable, "-c", "from inspector.cli.replay import command; command()"]
SECRET = "sk-proj-0123456789abcdefghij"


class Model(BaseHTTPRequestHandler):
    """Answers with what it was asked last, in either API; waits for ever, or refuses, where the words ask for that."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        server = self.server
        assert isinstance(server, Served)
        server.asked.append((self.path, body, dict(self.headers.items())))
        words = str(body["messages"][-1]["content"])
        if "wait" in words and len(server.asked) > 1:
            server.gate.wait(30)
        text = f"{words} {len(server.asked)}" if "count" in words else words
        if self.path.endswith("/messages"):
            answer: Any = {"type": "message", "role": "assistant", "content": [{"type": "text", "text": text}]}
        else:
            message = {"role": "assistant", "content": text}
            answer = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
        data = json.dumps({**answer, "model": body["model"]}).encode()
        self.send_response(429 if "refuse" in words else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Served(ThreadingHTTPServer):
    """A running Model."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Model)
        self.asked: list[tuple[str, Any, dict[str, str]]] = []
        self.gate = threading.Event()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is no error."""


@pytest.fixture
def model() -> Iterator[Served]:
    """A model."""
    with Served() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.gate.set()
        server.shutdown()


def saved(folder: Path, url: str, *prompts: str) -> Path:
    """A file of one flow for each prompt, numbered from 41."""
    file = folder / "flows.jsonl"
    lines = []
    for number, prompt in enumerate(prompts, 41):
        flow = done_chat(f"id-{number}", prompt=prompt, chunks=chat_chunks((prompt,)))
        flow.seq = number
        flow.request.url = f"{url}/v1/chat/completions"
        lines.append(line_of(flow))
    file.write_bytes(b"".join(lines))
    return file


def line_of(flow: Flow) -> bytes:
    """A flow as a file has it."""
    return flow_to_line(flow, Transcripts().of(flow))


def replay(*arguments: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, with no key in its environment but those given."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_TOKEN"))}
    command = [*REPLAY, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env={**environment, **more})


def test_a_flow_is_sent_again_by_number_and_by_id(model: Served, tmp_path: Path) -> None:
    file = saved(tmp_path, model.url, "one", "two")
    for name in ("42", "id-42"):
        done = replay(file, name, OPENAI_API_KEY=SECRET)
        assert done.returncode == 0, done.stderr
        (line,) = map(json.loads, done.stdout.splitlines())
        assert (line["format"], line["label"], line["parent"], line["source"]) == (
            *("inspector/1", "42.1", "id-42", "replay"),
        )
        assert line["output"]["parts"] == [{"type": "text", "content": "two"}]
        assert SECRET not in done.stdout
        assert "replaying" not in done.stderr
    path, body, headers = model.asked[0]
    assert path == "/v1/chat/completions" and body["messages"][0]["content"] == "two"
    assert headers["authorization"] == f"Bearer {SECRET}"


def test_many_are_compared_in_a_table(model: Served, tmp_path: Path) -> None:
    file = saved(tmp_path, model.url, "count")
    done = replay(file, "41", "--times", "3", "--at-once", "1")
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["label"] for line in done.stdout.splitlines()] == ["41.1", "41.2", "41.3"]
    heading, *rows = done.stderr.splitlines()[-4:]
    assert heading.split() == ["#", "state", "decision", "parts", "at", "in", "out", "ttft", "total", "cost"]
    assert [row.split()[:5] for row in rows] == [
        [f"41.{number}", "done", "200", "count", str(number)] for number in (1, 2, 3)
    ]


def test_changes_are_made_before_it_is_sent(model: Served, tmp_path: Path) -> None:
    file = saved(tmp_path, "http://127.0.0.1:1", "old")
    output = tmp_path / "out.jsonl"
    changes = ("--set", "messages[-1].content=new=words", "--set", "temperature=0", "--set", 'stop=["a"]')
    upstream = ("--upstream", model.url, "--model", "m-2")
    done = replay(file, "41", *upstream, *changes, "--output", output)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    ((_, body, headers),) = model.asked
    assert body == {
        "model": "m-2",
        "stream": True,
        "messages": [{"role": "user", "content": "new=words"}],
        "temperature": 0,
        "stop": ["a"],
    }
    assert "authorization" not in {name.lower() for name in headers}
    line = json.loads(output.read_text())
    assert [mutation["name"] for mutation in line["mutations"]] == [
        *("target", "model", "messages[-1].content", "temperature", "stop", "credential")
    ]


def test_another_api(model: Served, tmp_path: Path) -> None:
    file = saved(tmp_path, "https://api.openai.com", "hello")
    api = ("--api", "anthropic-messages", "--upstream", model.url, "--model", "claude-x")
    done = replay(file, "41", *api, ANTHROPIC_API_KEY="k-ant")
    assert done.returncode == 0, done.stderr
    ((path, body, headers),) = model.asked
    assert (path, body["model"], body["messages"]) == (
        *("/v1/messages", "claude-x"),
        [{"role": "user", "content": "hello"}],
    )
    named = {name.lower(): value for name, value in headers.items()}
    assert (named["x-api-key"], named["anthropic-version"]) == ("k-ant", "2023-06-01")
    assert "asked of 127.0.0.1" in done.stderr
    assert json.loads(done.stdout)["dialect"] == "anthropic-messages"


def test_replays_of_replays_are_numbered_on(model: Served, tmp_path: Path) -> None:
    file = saved(tmp_path, model.url, "hello")
    for _ in range(2):
        assert replay(file, "41", "--output", file).returncode == 0
    done = replay(file, "41.2")
    assert json.loads(done.stdout)["label"] == "41.2.1"


def test_the_exit_status_tells_of_errors(model: Served, tmp_path: Path) -> None:
    file = saved(tmp_path, model.url, "refuse", "fine")
    refused = replay(file, "41")
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["response"]["status"] == 429
    gone = replay(saved(tmp_path, "http://127.0.0.1:1", "x"), "41")
    assert gone.returncode == 1
    assert json.loads(gone.stdout)["end"]["reason"] == "upstream_unreachable"


def test_interrupted_it_keeps_what_has_come(model: Served, tmp_path: Path) -> None:
    file = saved(tmp_path, model.url, "wait")
    command = [*REPLAY, str(file), "41", "--times", "9", "--at-once", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        first = json.loads(process.stdout.readline())
        assert first["end"] == {"reason": "done", "by": "upstream"}
        process.send_signal(signal.SIGINT)
        rest = [json.loads(line) for line in process.stdout]
        assert process.wait(10) == 1
        assert "Traceback" not in process.stderr.read()
    assert 1 <= len(rest) <= 2
    assert all(line["end"] == {"reason": "dropped", "by": "hand"} for line in rest)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["99"], "there is no flow 99"),
        (["41", "--set", "x"], "PATH=VALUE is needed"),
        (["41", "--set", "messages[9].content=x"], "there is no [9]"),
        (["41", "--upstream", "nonsense"], "is not an upstream"),
        (["41", "--api", "nonsense"], "'nonsense' is not one of"),
        (["41", "--times", "0"], "0 is not in the range"),
        (["41"], "Set OPENAI_API_KEY or INSPECTOR_UPSTREAM_API_KEY"),
    ],
)
def test_mistakes_are_told_plainly(arguments: list[str], words: str, tmp_path: Path) -> None:
    done = replay(saved(tmp_path, "https://api.openai.com", "x"), *arguments)
    assert done.returncode == 2
    assert words in done.stderr and "Traceback" not in done.stderr
    assert not done.stdout


def test_a_number_that_stands_twice_asks_for_the_id(model: Served, tmp_path: Path) -> None:
    file = saved(tmp_path, model.url, "x")
    twin = done_chat("twin")
    twin.seq = 41
    file.write_bytes(file.read_bytes() + b"broken\n" + line_of(twin))
    done = replay(file, "41")
    assert done.returncode == 2 and "give the id of one (id-41, twin)" in done.stderr
    assert "line 2" in done.stderr
    assert replay(file, "id-41").returncode == 0


def test_no_answer_can_play_with_the_terminal() -> None:
    nasty = done_chat("a", chunks=chat_chunks(("\x1b[2Jgone\u202e\n", "x" * 99)))
    other = done_chat("b", chunks=chat_chunks(("fine",)))
    lines = table(runs([nasty, other], Transcripts(), other))
    assert all(line.isprintable() for line in lines)
    assert "·[2Jgone·" in lines[1] and len(lines[1]) < 140
