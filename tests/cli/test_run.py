"""`inspector run`: an agent with our base URL, our terminal, and its own end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from inspector.cli.run import command
from inspector.demo.session import DemoServer
from tests.cli.processes import lines
from tests.cli.terminals import PATIENCE, terminal
from tests.cli.test_commands import INSPECTOR, Model, model, own_settings, run

__all__ = ["Model", "model", "own_settings"]

ASKS = """
import anthropic, openai
asking = {"model": "demo-large", "messages": [{"role": "user", "content": "a"}]}
said = anthropic.Anthropic().messages.create(max_tokens=40, **asking)
asked = openai.OpenAI().chat.completions.create(**asking)
print(said.stop_reason, asked.choices[0].finish_reason)
"""
KEYS = {"ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": "k"}
POST = (
    "import json, os, urllib.request as u; b = json.dumps({'model': 'm', 'messages': []}).encode();"
    "r = u.Request(os.environ['OPENAI_BASE_URL'] + '/chat/completions', b, {'content-type': 'application/json'});"
    "print(json.load(u.urlopen(r))['choices'][0]['message']['content'])"
)
"""An agent in one line that needs no SDK."""
ASK = [sys.executable, "-c", POST]


def listing(port: int) -> list[str]:
    """The beginning of a command on a port."""
    return [*INSPECTOR, "run", "--port", str(port)]


def without_tmux(**more: str) -> dict[str, str]:
    """An environment outside tmux."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TMUX", "OPENAI_", "ANTHROPIC_"))}
    return {**kept, "TERM": "xterm-256color", **more}


@pytest.fixture(autouse=True)
def no_tmux(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a developer's shell sets must not count."""
    for name in [name for name in os.environ if name.startswith(("TMUX", "OPENAI_", "ANTHROPIC_"))]:
        monkeypatch.delenv(name)


@pytest.mark.anyio
async def test_the_sdks_find_the_proxy_by_the_environment_alone(tmp_path: Path) -> None:
    recorded = tmp_path / "flows.jsonl"
    astray = {"ALL_PROXY": "http://127.0.0.1:9"}
    async with DemoServer() as demo:
        options = ("--port", "0", "--upstream", demo.url, "--jsonl", str(recorded))
        agent = ("--", sys.executable, "-c", ASKS)
        result = await asyncio.to_thread(run, "run", *options, *agent, **KEYS, **astray)
    assert (result.returncode, result.stdout) == (0, "end_turn stop\n"), result.stderr
    assert [line["dialect"] for line in lines(recorded)] == ["anthropic-messages", "openai-chat"]
    assert "inspector saw 2 requests" in result.stderr


@pytest.mark.parametrize(
    ("line", "status"),
    [("exit 3", 3), ("kill -9 $$", 137)],
)
def test_the_exit_status_is_the_agents(line: str, status: int) -> None:
    result = run("run", "--port", "0", "sh", "-c", line)
    assert result.returncode == status and result.stdout == "" and "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--", "no-such-agent"], 127, "inspector: no-such-agent: command not found"),
        (["/etc/passwd"], 126, "inspector: /etc/passwd: cannot be executed"),
        (["--as", "nobody", "--", "echo"], 2, "--as nobody: there is no such agent; known are claude,"),
        ([], 2, "Missing argument"),
    ],
)
def test_what_cannot_be_started_ends_as_in_a_shell(arguments: list[str], status: int, words: str) -> None:
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == status and words in result.output


def test_its_input_and_output_are_the_agents() -> None:
    words = [*listing(0), "--no-screen", "--", "cat"]
    result = subprocess.run(words, input="through\n", capture_output=True, text=True, timeout=60)
    assert result.stdout == "through\n"


def test_what_the_person_had_set_is_where_requests_go(model: str, tmp_path: Path) -> None:
    recorded = tmp_path / "flows.jsonl"
    result = run("run", "--port", "0", "--jsonl", str(recorded), "--", *ASK, OPENAI_BASE_URL=f"{model}/v1")
    assert result.stdout == "Hello.\n", result.stderr
    assert [line["request"]["url"] for line in lines(recorded)] == [f"{model}/v1/chat/completions"]


def test_codex_is_told_on_its_command_line(tmp_path: Path) -> None:
    codex = tmp_path / "codex"
    codex.write_text('#!/bin/sh\necho "$@"\n')
    codex.chmod(0o755)
    for options in (["--", str(codex)], ["--as", "codex", "--", "echo"]):
        said = run("run", "--port", "0", *options, "exec", "-m", "x").stdout
        assert re.fullmatch(r'-c openai_base_url="http://127.0.0.1:\d+/v1" exec -m x\n', said)


def test_a_port_that_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        asked = run("run", "--port", str(taken.getsockname()[1]), "--", "echo", "started")
    assert asked.returncode == 1 and "is in use" in asked.stderr and asked.stdout == ""
    with socket.socket() as usual:
        usual.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            usual.bind(("127.0.0.1", 7077))
            usual.listen()
        moved = run("run", "--", "sh", "-c", 'echo "$OPENAI_BASE_URL"')
    assert re.fullmatch(r"http://127.0.0.1:(?!7077/)\d+/v1\n", moved.stdout), moved.stderr


def test_what_nobody_could_let_go_is_refused() -> None:
    result = run("run", "--break", "model:x", "--", "echo", "started")
    assert result.returncode == 2 and "--release-after" in result.stderr and result.stdout == ""


def test_a_signal_to_end_is_passed_on() -> None:
    agent = "trap 'echo told; exit 7' TERM; echo ready; while :; do sleep 0.05; done"
    with subprocess.Popen([*listing(0), "--", "sh", "-c", agent], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "told\n"
        assert process.wait(PATIENCE) == 7


def test_an_agent_that_stops_itself_stops_us_too() -> None:
    agent = [sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGSTOP); print('back')"]
    with subprocess.Popen([*listing(0), "--", *agent], stdout=subprocess.PIPE, text=True) as process:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        process.send_signal(signal.SIGCONT)
        assert process.stdout is not None and process.stdout.read() == "back\n"
        assert process.wait(PATIENCE) == 0


def test_the_key_that_interrupts_is_the_agents() -> None:
    # A shell that waits in `read` may miss a signal that came just before: this one looks for it.
    waits = 'until [ "$heard" ]; do sleep 0.05; done'
    agent = f"trap 'echo interrupted; heard=1' INT; echo ready; {waits}; read line; echo got $line; exit 5"
    with terminal([*listing(0), "--no-screen", "--", "sh", "-c", agent], without_tmux()) as person:
        person.hears("ready")
        person.press("\x03")
        person.hears("interrupted")
        person.press("more\n")
        person.hears("got more")
        assert person.ends() == 5


def test_the_screen_opens_when_the_agent_has_ended(model: str) -> None:
    words = [*listing(0), "--upstream", model, "--", "sh", "-c", '"$@"; exit 4', "sh", *ASK]
    with terminal(words, without_tmux()) as person:
        person.hears("Hello.")
        person.hears("1 flow")
        assert person.process.poll() is None
        person.press("q")
        assert person.ends() == 4


@contextlib.contextmanager
def in_tmux(tmp_path: Path, *arguments: str, **more: str) -> Iterator[Callable[..., str]]:
    """`inspector run` in a tmux of its own; its status goes to the file `status`, the pane beside stays."""
    place = str(tmp_path / "tmux")
    script = tmp_path / "start.sh"
    words = shlex.join([*INSPECTOR, "run", *arguments])
    script.write_text(f"{words}\necho $? > {tmp_path}/status\nexec sleep 600\n")

    def tmux(*words: str) -> str:
        return subprocess.run(["tmux", "-S", place, *words], capture_output=True, text=True, timeout=30).stdout

    start = ["tmux", "-S", place, "-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "40", "sh", str(script)]
    subprocess.run(start, env=without_tmux(**more), check=True)
    try:
        yield tmux
    finally:
        tmux("kill-server")


def shown(tmux: Callable[..., str], pane: int) -> str:
    """What stands in a pane."""
    return tmux("capture-pane", "-p", "-t", f"0.{pane}")


def sees(look: Callable[[], bool]) -> bool:
    """Whether it comes true in time."""
    deadline = time.monotonic() + PATIENCE
    while not look() and time.monotonic() < deadline:
        time.sleep(0.05)
    return look()


needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")


@needs_tmux
def test_in_tmux_the_screen_opens_beside_and_stays(model: str, tmp_path: Path) -> None:
    script = tmp_path / "agent.sh"
    script.write_text('"$@"\necho "$PRIVATE"\nread line\nexit 6\n')
    with in_tmux(tmp_path, "--upstream", model, "--", "sh", str(script), *ASK, PRIVATE="it's mine") as tmux:
        assert sees(lambda: "it's mine" in shown(tmux, 0)), shown(tmux, 0)
        assert sees(lambda: "1 flow" in shown(tmux, 1)), shown(tmux, 1)
        assert tmux("display-message", "-p", "#{pane_index}") == "0\n"
        assert not (tmp_path / "status").exists()
        tmux("send-keys", "-t", "0.0", "Enter")
        assert sees(lambda: (tmp_path / "status").exists())
        assert (tmp_path / "status").read_text() == "6\n"
        assert "1 flow" in shown(tmux, 1)
        tmux("send-keys", "-t", "0.1", "q")
        assert sees(lambda: tmux("list-panes", "-F", "#{pane_index}") == "0\n")


@needs_tmux
def test_in_tmux_the_pane_can_end_with_the_agent_and_records_all(model: str, tmp_path: Path) -> None:
    recorded = tmp_path / "flows.jsonl"
    with in_tmux(tmp_path, "--close", "--upstream", model, "--jsonl", str(recorded), "--", *ASK) as tmux:
        assert sees(lambda: (tmp_path / "status").exists())
        assert (tmp_path / "status").read_text() == "0\n"
        assert tmux("list-panes", "-F", "#{pane_index}") == "0\n"
    assert len(lines(recorded)) == 1


@needs_tmux
def test_in_tmux_what_went_wrong_beside_is_told_here(tmp_path: Path) -> None:
    with in_tmux(tmp_path, "--hooks", "nowhere.py:Nothing", "--", "echo", "started") as tmux:
        assert sees(lambda: (tmp_path / "status").exists())
        assert (tmp_path / "status").read_text() == "1\n"
        said = shown(tmux, 0)
        assert "the inspector beside did not start" in said and "nowhere.py" in said and "started" not in said
        assert tmux("list-panes", "-F", "#{pane_index}") == "0\n"


@needs_tmux
def test_in_tmux_two_that_start_at_once_have_each_a_port_of_their_own(model: str, tmp_path: Path) -> None:
    homes = [tmp_path / "one", tmp_path / "other"]
    said = 'echo "$OPENAI_BASE_URL" > "$0/url"; "$@"; read line'
    with contextlib.ExitStack() as stack:
        for home in homes:
            home.mkdir()
            recorded = ("--jsonl", str(home / "flows.jsonl"))
            agent = ("sh", "-c", said, str(home), *ASK)
            stack.enter_context(in_tmux(home, "--upstream", model, *recorded, "--", *agent))
        assert sees(lambda: all(home.joinpath("flows.jsonl").exists() for home in homes))
        assert sees(lambda: all(len(lines(home / "flows.jsonl")) == 1 for home in homes))
        urls = {(home / "url").read_text() for home in homes}
    assert len(urls) == 2 and all(re.fullmatch(r"http://127.0.0.1:\d+/v1\n", url) for url in urls)


@needs_tmux
def test_in_tmux_a_port_that_was_asked_for_is_no_other(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with in_tmux(tmp_path, "--port", port, "--", "echo", "started") as tmux:
            assert sees(lambda: (tmp_path / "status").exists())
            assert (tmp_path / "status").read_text() == "1\n"
            assert f"port {port} on 127.0.0.1 is in use" in shown(tmux, 0)
