"""Breakpoints, rules and hooks without a screen: real processes, and the SDKs that agents are made with."""

from __future__ import annotations

import json
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anthropic
import httpx
import openai
import pytest
from anthropic import Anthropic
from openai import OpenAI

from inspector.cli.control import Wanted, controlled
from inspector.proxy.server import ProxyConfig
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from tests.cli.processes import Serving, lines, serving
from tests.cli.test_commands import INSPECTOR, Model, run

WAITS = "held flows wait for --release-after"
ASKED: Any = [{"role": "user", "content": "Hi"}]

RULES = """
[[mock]]
filter = "model:limited"
reply = {status = 429, retry_after = 3}

[[mock]]
filter = "model:busy"
reply = {status = 529, message = "later"}

[[mock]]
filter = "model:hostile"
reply = {status = 400, message = "a\\u001b[31mb\\nc\\u202ed"}

[[mock]]
filter = "model:cut"
reply = {text = "one two three four five six seven eight", cut_after = 3}

[[mock]]
filter = "model:silent"
reply = {silence = true}

[[mock]]
filter = "model:malformed"
reply = {text = "one two", malformed = true}

[[mock]]
filter = "model:slow"
reply = {text = "one two three four", tokens_per_second = 50}

[[mock]]
filter = "model:twice"
reply = "mocked"
count = 2

[[mock]]
filter = "model:dice"
reply = "mocked"
probability = 0.5
seed = 7

[[mock]]
filter = "model:caller"
reply = {tool = "Bash", arguments = {command = "ls"}}

[[mock]]
filter = "model:off"
reply = "mocked"
on = false
"""


@pytest.fixture(scope="module")
def model() -> Iterator[str]:
    """The URL of an upstream that says `Hello.` to everything."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Model) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def ruled(model: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A proxy with many rules."""
    file = tmp_path_factory.mktemp("ruled") / "rules.toml"
    file.write_text(RULES)
    with serving("--upstream", model, "--rules", file) as served:
        yield served
        assert file.read_text() == RULES


def chat(served: Serving, timeout: float = 20) -> OpenAI:
    """OpenAI's SDK, pointed at a proxy."""
    return OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0, timeout=timeout)


def claude(served: Serving, timeout: float = 20) -> Anthropic:
    """Anthropic's SDK, pointed at a proxy."""
    return Anthropic(base_url=served.url, api_key="none", max_retries=0, timeout=timeout)


def says(served: Serving, model: str) -> str | None:
    """What OpenAI's SDK reads."""
    with chat(served) as client:
        return client.chat.completions.create(model=model, messages=ASKED).choices[0].message.content


def streamed(served: Serving, model: str) -> str:
    """What Anthropic's SDK reads of a stream."""
    with (
        claude(served) as client,
        client.messages.stream(model=model, max_tokens=99, messages=ASKED) as stream,
    ):
        return "".join(stream.text_stream)


def test_a_held_request_goes_on_by_itself(model: str, tmp_path: Path) -> None:
    recorded = tmp_path / "flows.jsonl"
    arguments = ("--break", "request model:x", "--release-after", "0.3", "--upstream", model, "--jsonl", recorded)
    with serving(*arguments) as served:
        assert says(served, "x") == says(served, "other") == "Hello."
        assert served.stop() == 0
    assert not any(WAITS in line for line in served.said)
    held, passed = lines(recorded)
    assert held["notes"] == ["released after 0.3 s, as told"] and held["end"]["reason"] == "done"
    assert held["timing"]["held"] >= 290
    assert passed["notes"] == [] and not passed["timing"].get("held")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_held_flows_end_when_the_proxy_is_stopped(tmp_path: Path, sent: int) -> None:
    recorded = tmp_path / "flows.jsonl"
    with serving("--break", "request", "--upstream", "http://127.0.0.1:9", "--jsonl", recorded) as served:
        assert sum(WAITS in line for line in served.said) == 1
        with _asking(served):
            served.hears("#1 is held at request: request")
        served.hears("499: the client closed the connection")
        with _asking(served):
            served.hears("#2 is held at request: request")
            assert served.stop(sent) == 0
    gone, stayed = lines(recorded)
    assert (gone["end"]["reason"], stayed["end"]["reason"]) == ("client_gone", "shutdown")


def test_breakpoints_that_are_off_need_nobody(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text("[[breakpoint]]\nwhen = 'end'\non = false\n")
    with serving("--rules", file) as served:
        assert len(served.said) == 1
    file.write_text("[[breakpoint]]\nwhen = 'end'\n")
    with serving("--rules", file) as served:
        assert WAITS in served.said[0]


def test_errors_are_those_of_the_provider(ruled: Serving) -> None:
    with pytest.raises(openai.RateLimitError) as limited:
        says(ruled, "limited")
    assert limited.value.response.headers["retry-after"] == "3"
    with pytest.raises(anthropic.RateLimitError) as refused:
        streamed(ruled, "limited")
    assert refused.value.response.headers["retry-after"] == "3"
    with pytest.raises(anthropic.APIStatusError, match="later") as busy:
        streamed(ruled, "busy")
    assert busy.value.status_code == 529


def test_hostile_words_are_told_in_one_harmless_line(ruled: Serving) -> None:
    with pytest.raises(openai.BadRequestError):
        says(ruled, "hostile")
    ruled.hears(" 400 hostile ")
    assert ruled.said[-1].endswith("a·[31mb·c·d")


def test_answers_break_off_fall_silent_or_are_no_json(ruled: Serving) -> None:
    with pytest.raises(Exception, match="peer closed connection"):  # each SDK brings a client of its own
        streamed(ruled, "cut")
    with pytest.raises(openai.APIConnectionError):
        says(ruled, "cut")
    with chat(ruled, timeout=0.3) as client, pytest.raises(openai.APITimeoutError):
        client.chat.completions.create(model="silent", messages=ASKED)
    with pytest.raises(json.JSONDecodeError):
        says(ruled, "malformed")
    with pytest.raises(json.JSONDecodeError):
        streamed(ruled, "malformed")


def test_a_slow_answer_comes_whole_and_not_before_its_time(ruled: Serving) -> None:
    begun = time.monotonic()
    assert streamed(ruled, "slow") == "one two three four"
    assert time.monotonic() - begun >= 6 / 50, "a stream has more events than these"


def test_a_mocked_call_is_a_call(ruled: Serving) -> None:
    with chat(ruled) as client:
        message = client.chat.completions.create(model="caller", messages=ASKED).choices[0].message
    (call,) = message.tool_calls or []
    assert call.type == "function"
    assert (call.function.name, json.loads(call.function.arguments)) == ("Bash", {"command": "ls"})


def test_rules_act_so_many_times_so_often_or_not_at_all(ruled: Serving) -> None:
    assert [says(ruled, "twice") for _ in range(3)] == ["mocked", "mocked", "Hello."]
    dice = random.Random(7)
    expected = ["mocked" if dice.random() < 0.5 else "Hello." for _ in range(8)]
    assert [says(ruled, "dice") for _ in range(8)] == expected and len(set(expected)) == 2
    assert says(ruled, "off") == "Hello."


HOOK = """
from inspector.proxy.hooks import RequestHandler

class Hook(RequestHandler):
    async def send_request(self, request, context):
        response = await context.send(request)
        response.headers["x-hook"] = "VERSION"
        return response
"""


def test_a_hook_that_is_edited_is_read_anew(model: str, tmp_path: Path) -> None:
    file = tmp_path / "my_hook.py"
    file.write_text(HOOK.replace("VERSION", "one"))
    with serving("--upstream", model, "--hooks", f"{file}:Hook") as served, httpx.Client(trust_env=False) as client:

        def version() -> str:
            return client.post(f"{served.url}/v1/chat/completions", json={}).headers["x-hook"]

        assert version() == "one"
        file.write_text(HOOK.replace("VERSION", "two"))
        _until(lambda: version() == "two")
        file.write_text("def (")
        assert version() == "two"


def test_the_demo_takes_rules(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[mock]]\nreply = {status = 418, message = "no"}\n')
    told = run("demo", "--headless", "--rules", str(rules), "--break", "request", "--release-after", "0.1")
    assert told.returncode == 0 and told.stderr == ""
    flows = [json.loads(line) for line in told.stdout.splitlines()]
    # An agent that gives up takes back what its sub-agents still ask.
    answered = [flow for flow in flows if flow["end"]["reason"] != "client_gone"]
    assert answered and {flow["response"]["status"] for flow in answered} == {418}
    assert all("released after 0.1 s, as told" in flow["notes"] for flow in answered)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Wanted(breaks=("request model:>5",)), "at character 16, 5: model is a word: it cannot be compared by >"),
        (Wanted(breaks=("modle:x",)), "at character 1, modle: there is no key modle"),
        (
            Wanted(
                breaks=(
                    "end",
                    "  event (tool:Bash or",
                )
            ),
            "at character 9, (: this parenthesis is not closed",
        ),
        (Wanted(breaks=("",)), "--break '': a breakpoint is a filter, a moment"),
        (Wanted(hooks="nofile.py:Hook"), "there is no file nofile.py"),
        (Wanted(hooks="no_such_module:Hook"), "there is no module no_such_module"),
        (Wanted(hooks="hook"), "'hook' names no hook"),
        (Wanted(hooks="raises.py:Hook"), "raises.py cannot be loaded: RuntimeError: boom"),
        (Wanted(hooks="exits.py:Hook"), "exits.py cannot be loaded: SystemExit: 3"),
        (Wanted(hooks="broken.py:Hook"), "broken.py cannot be loaded: SyntaxError"),
        (Wanted(hooks="other.py:Hook"), "other.py has no class Hook; it has Other"),
        (Wanted(rules=Path("syntax.toml")), "syntax.toml: Invalid value (at line 2, column 7)"),
        (Wanted(rules=Path("meaning.toml")), "meaning.toml: line 3: mock 1: a reply has no statsu"),
        (Wanted(rules=Path("folder")), "folder: Is a directory"),
        (Wanted(replay=Path("syntax.toml")), "syntax.toml: there is no answer in it"),
        (Wanted(replay=Path("syntax.toml"), pace="fast"), "fast is no pace: recorded, none, or a factor"),
    ],
)
def test_what_cannot_be_had_is_told_in_words(
    wanted: Wanted, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name, text in {
        "raises.py": "raise RuntimeError('boom')",
        "exits.py": "raise SystemExit(3)",
        "broken.py": "def (",
        "other.py": "from inspector.proxy.hooks import RequestHandler\nclass Other(RequestHandler): pass",
        "syntax.toml": "# mine\nx = [ =",
        "meaning.toml": "# mine\n\n[[mock]]\nreply = {statsu = 5}",
    }.items():
        Path(name).write_text(text)
    Path("folder").mkdir()
    with (
        pytest.raises(ValueError) as raised,
        controlled(ProxyConfig(port=0), wanted, FlowStore(), Transcripts()),
    ):
        pass
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--break", "in:x"], 1, "Error: --break 'in:x': at character 4, x: x is not a number"),
        (["--hooks", "nofile.py:Hook"], 1, "Error: there is no file nofile.py"),
        (["--rules", "nofile.toml"], 2, "Error: --rules nofile.toml: there is no such file"),
        (["--miss", "live"], 2, "Error: --miss and --pace say how --replay answers"),
        (["--replay", "nofile.jsonl"], 2, "'nofile.jsonl' does not exist"),
    ],
)
def test_mistakes_end_the_program(arguments: list[str], status: int, words: str) -> None:
    result = run("serve", "--port", "0", *arguments)
    assert (result.returncode, result.stdout) == (status, "")
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_the_version_is_told_without_what_is_not_needed() -> None:
    asked = (
        "import sys; from inspector.cli import main; main(['--version'], standalone_mode=False); print(*sys.modules)"
    )
    result = subprocess.run([INSPECTOR[0], "-c", asked], capture_output=True, text=True, timeout=60, check=True)
    heavy = {"aiohttp", "httpx", "textual", "rich", "uvicorn", "inspector.dialects", "inspector.cli.control"}
    assert heavy.isdisjoint(result.stdout.split())


def test_serving_without_rules_imports_none() -> None:
    asked = "import sys; import inspector.cli.serve; print(*sys.modules)"
    result = subprocess.run([INSPECTOR[0], "-c", asked], capture_output=True, text=True, timeout=60, check=True)
    loaded = [name for name in result.stdout.split() if name.startswith("inspector.rules.")]
    assert loaded == []


def _asking(served: Serving) -> socket.socket:
    """A client that has asked, and waits."""
    client = socket.create_connection(("127.0.0.1", int(served.url.rpartition(":")[2])))
    client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
    return client


def _until(true: Callable[[], bool]) -> None:
    """Wait until something is so, ten seconds at most."""
    for _ in range(200):
        if true():
            return
        time.sleep(0.05)
    raise AssertionError("it never came to be so")
