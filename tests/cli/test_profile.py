"""What the command line and the file say of the profile, and what becomes of it on the wire."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import click
import httpx
import pytest
from click.testing import CliRunner

from inspector.cli import demo, live, serve
from inspector.cli.options import KEY_VARIABLE, proxy_options
from inspector.cli.profile import profile_options
from inspector.formats.trace import read_trace
from inspector.proxy.server import ProxyConfig
from inspector.rules.capture import CAPTURE, CaptureSettings
from tests.cli.processes import serving
from tests.cli.test_commands import INSPECTOR, run

ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 32_000}


TAKEN: dict[str, Any] = {}
"""What the latest command got."""


@click.command()
@proxy_options
def proxied(config: ProxyConfig, capture: CaptureSettings | None) -> None:
    """Take what the command line comes to."""
    TAKEN.update(config=config, capture=capture)


@click.command()
@profile_options("capture")
def captured(capture: CaptureSettings | None) -> None:
    """The same where the profile is `capture` by default."""
    TAKEN.update(capture=capture)


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of settings, which is not there yet."""
    monkeypatch.setenv("INSPECTOR_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    return tmp_path / "config.toml"


def given(*arguments: str, command: click.Command = proxied) -> dict[str, Any]:
    """What a command gets."""
    TAKEN.clear()
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return TAKEN | {"stderr": result.stderr}


def refused(*arguments: str) -> str:
    """What is said of arguments that cannot be."""
    result = CliRunner().invoke(proxied, arguments, catch_exceptions=False)
    assert result.exit_code
    return " ".join(re.sub(r"[│╭╰─╮╯]", "", result.stderr).split())


@pytest.mark.parametrize(
    ("arguments", "settings"),
    [
        ("", None),
        ("--profile observe", None),
        ("--profile capture", CAPTURE),
        ("--top-logprobs 0", CaptureSettings(top_logprobs=0)),
        ("--profile observe --top-logprobs 20", CaptureSettings(top_logprobs=20)),
        ("--no-logprobs", None),
        ("--token-ids", CaptureSettings(token_ids=True)),
        ("--max-tokens-cap 100", CaptureSettings(max_tokens_cap=100)),
        ("--max-tokens-cap 0", None),
        ("--translate-max-tokens", CaptureSettings(translate_max_tokens=True)),
        ("--disable-thinking", CaptureSettings(disable_thinking=True)),
        ("--model-override a/b", CaptureSettings(model_override="a/b")),
        ("--profile capture --top-logprobs 2", CaptureSettings(2, True, 16384, True)),
        ("--profile capture --no-logprobs", CaptureSettings(None, True, 16384, True)),
        ("--profile capture --no-token-ids --max-tokens-cap none", CaptureSettings(5, False, None, True)),
        ("--profile capture --max-tokens-cap 0 --no-translate-max-tokens", CaptureSettings(5, True, None, False)),
    ],
)
def test_a_flag_overrides_its_part_of_the_preset(arguments: str, settings: CaptureSettings | None) -> None:
    assert given(*arguments.split())["capture"] == settings


def test_demo_captures_unless_told_otherwise(settings: Path) -> None:
    assert given(command=captured)["capture"] == CAPTURE
    assert given("--profile", "observe", command=captured)["capture"] is None
    settings.write_text('profile = "observe"')
    assert given(command=captured)["capture"] is None


def test_the_file_says_what_is_usual_and_the_command_line_wins(settings: Path) -> None:
    settings.write_text("""
profile = "capture"

[capture]
top_logprobs = false
token_ids = false
max_tokens_cap = 0
translate_max_tokens = false
disable_thinking = true
model_override = "mine"
""")
    of_file = CaptureSettings(None, False, None, False, True, "mine")
    assert given()["capture"] == of_file
    assert given("--profile", "observe")["capture"] is None
    more = given("--top-logprobs", "1", "--max-tokens-cap", "9", "--no-disable-thinking", "--token-ids")["capture"]
    assert more == CaptureSettings(1, True, 9, False, False, "mine")


def test_the_files_table_counts_in_the_capture_profile_only(settings: Path) -> None:
    settings.write_text("[capture]\nmax_tokens_cap = 7")
    assert given()["capture"] is None
    assert given("--profile", "capture")["capture"] == CaptureSettings(5, True, 7, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('profile = "watch"', 'profile is "observe" or "capture"'),
        ("profile = 1", 'profile is "observe" or "capture"'),
        ("capture = 5", "[capture] is a table"),
        ("[capture]\nlogprobs = 5", "[capture] has no logprobs; there are top_logprobs, token_ids"),
        ("[capture]\ntop_logprobs = 21", "[capture] top_logprobs is a number from 0 to 20, or false"),
        ("[capture]\ntop_logprobs = true", "[capture] top_logprobs is a number from 0 to 20, or false"),
        ('[capture]\nmax_tokens_cap = "none"', "[capture] max_tokens_cap is a number of tokens, or false"),
        ("[capture]\nmax_tokens_cap = -1", "[capture] max_tokens_cap is a number of tokens, or false"),
        ("[capture]\ntoken_ids = 1", "[capture] token_ids is true or false"),
        ('[capture]\nmodel_override = ""', "[capture] model_override is a name in quotes"),
        ("profil = 1", "unknown: profil; there are `theme`, `profile`, `watch`, `fsync`, [keys] and [capture]"),
    ],
)
def test_a_file_that_cannot_be_meant_says_why(settings: Path, text: str, said: str) -> None:
    settings.write_text(text)
    assert said in refused()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--profile watch", "'watch' is not one of"),
        ("--top-logprobs 21", "21 is not in the range 0<=x<=20"),
        ("--no-logprobs --top-logprobs 1", "--no-logprobs and --top-logprobs exclude each other"),
        ("--max-tokens-cap many", "'many' is neither a number of tokens nor `none`"),
        ("--max-tokens-cap -1", "'-1' is neither a number of tokens nor `none`"),
    ],
)
def test_a_command_line_that_cannot_be_meant_says_why(arguments: str, said: str) -> None:
    assert said in refused(*arguments.split())


@pytest.mark.parametrize(
    ("arguments", "seconds"),
    [
        ("", None),
        ("--top-logprobs 5", None),
        ("--profile capture", 600),
        ("--profile capture --request-timeout 5", 5),
        ("--profile capture --request-timeout 0", None),
        ("--request-timeout 0.5", 0.5),
    ],
)
def test_a_silent_upstream_is_waited_for_as_the_profile_says(arguments: str, seconds: float | None) -> None:
    assert given(*arguments.split())["config"].request_timeout == seconds


def test_a_key_on_the_command_line_is_taken_with_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "sk-variable")
    key = tmp_path / "key"
    key.write_text("sk-file\n")
    of_line = given("--upstream-api-key", "sk-line")
    assert of_line["config"].upstream_api_key == "sk-line"
    assert f"prefer --upstream-api-key-file or {KEY_VARIABLE}" in of_line["stderr"]
    assert "sk-line" not in of_line["stderr"] + repr(of_line["config"])
    of_file = given("--upstream-api-key-file", str(key))
    assert (of_file["config"].upstream_api_key, of_file["stderr"]) == ("sk-file", "")
    assert given()["config"].upstream_api_key == "sk-variable"
    assert "exclude each other" in refused("--upstream-api-key", "a", "--upstream-api-key-file", str(key))


class Model(BaseHTTPRequestHandler):
    """Answers with a token's log-probability, or with null; it keeps what it was asked."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        """Answer."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.asked.append(body | {"key": self.headers["authorization"]})
        token = {"token": "Yes", "logprob": -0.5, "bytes": [89, 101, 115], "top_logprobs": []}
        choice = {"index": 0, "message": {"role": "assistant", "content": "Yes"}, "finish_reason": "stop"}
        choice["logprobs"] = {"content": [token]} if body.get("logprobs") else None
        answer = json.dumps({"object": "chat.completion", "model": body["model"], "choices": [choice]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def model() -> Iterator[str]:
    """The URL of a running Model."""
    Model.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Model) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_serve_takes_the_names_of_the_founding_proxy(model: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    arguments = f"""--upstream-url {model}/v1 --upstream-api-key sk-ours --trace {trace} --host 127.0.0.1
        --top-logprobs 2 --request-timeout 30 --max-tokens-cap 100 --disable-thinking --model-override other --headless
    """.split()
    with serving(*arguments) as served:
        answer = httpx.post(f"{served.url}/v1/chat/completions", json=ASKED)
    assert answer.json()["choices"][0]["logprobs"] is None
    [asked] = Model.asked
    assert (asked["logprobs"], asked["top_logprobs"], asked["max_tokens"]) == (True, 2, 100)
    assert (asked["model"], asked["key"]) == ("other", "Bearer sk-ours")
    assert asked["chat_template_kwargs"] == {"enable_thinking": False}
    [turn] = read_trace(trace)
    assert turn["completion_tokens"] == ["Yes"]
    assert turn["per_token_logps"] == [-0.5]
    assert "sk-ours" not in "".join(served.said) + trace.read_text()


def test_serve_changes_nothing_unless_it_is_told_to(model: str) -> None:
    with serving("--upstream", model) as served:
        httpx.post(f"{served.url}/v1/chat/completions", json=ASKED)
    assert Model.asked == [ASKED | {"key": None}]


def test_serve_reads_the_file_of_settings(model: str, settings: Path) -> None:
    settings.write_text('profile = "capture"\n[capture]\nmax_tokens_cap = 64\n')
    with serving("--upstream", model) as served:
        httpx.post(f"{served.url}/v1/chat/completions", json=ASKED)
    assert (Model.asked[0]["logprobs"], Model.asked[0]["max_tokens"]) == (True, 64)


def test_live_without_a_screen_is_serve(model: str) -> None:
    command = [*INSPECTOR, "live", "--headless", "--port", "0", "--upstream", model, "--profile", "capture"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        listens = re.search(r"listens on (http://\S+)", process.stderr.readline())
        assert listens
        httpx.post(f"{listens[1]}/v1/chat/completions", json=ASKED)
        assert process.stderr.readline().startswith("#1 ")
        process.terminate()
        assert process.wait(10) == 0
    assert Model.asked[0]["logprobs"] is True


def test_the_demo_has_tokens_to_show(tmp_path: Path) -> None:
    assert run("demo", "--headless", "--trace", str(tmp_path / "trace")).returncode == 0
    assert any(turn["per_token_logps"] for turn in read_trace(tmp_path / "trace"))


@pytest.mark.parametrize(
    ("command", "default"), [(serve.command, "observe"), (live.command, "observe"), (demo.command, "capture")]
)
def test_help_names_the_defaults_and_the_presets(command: click.Command, default: str) -> None:
    said = " ".join(CliRunner().invoke(command, ["--help"]).stdout.split())
    assert "[default: none; capture: 16384]" in said
    assert "[capture: 5]" in said
    assert f"[default: {default}]" in said
