"""The token on the command line's side: where it comes from, who gets it, and that it stays secret."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from inspector.cli.env import command as env
from inspector.cli.run import Start, _without
from inspector.cli.serve import command as serve
from inspector.model.pointing import agent_named
from inspector.proxy.server import ProxyConfig
from tests.cli.processes import serving
from tests.cli.test_commands import run

TOKEN = "correct-horse-battery"


@pytest.fixture(autouse=True)
def no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test uses the token of whoever runs it."""
    monkeypatch.delenv("INSPECTOR_TOKEN", raising=False)


def ask(*arguments: str, command: object = env, **given: str) -> Result:
    return CliRunner().invoke(command, arguments, env=given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "words",
    [
        ("serve", "--host", "0.0.0.0"),
        ("live", "--host", "::"),
        ("run", "--no-screen", "--host", "a.name", "--", "true"),
    ],
)
def test_no_address_of_others_without_a_token(words: tuple[str, ...]) -> None:
    told = run(*words)
    assert told.returncode == 2
    assert "takes a token" in told.stderr and "--token-file" in told.stderr


def test_a_file_that_is_missing_is_made_and_lets_in(tmp_path: Path) -> None:
    file = tmp_path / "made" / "token"
    with serving("--host", "0.0.0.0", "--token-file", file, "--upstream", "http://127.0.0.1:1") as served:
        token = file.read_text().strip()
        assert len(token) >= 32 and stat.S_IMODE(file.stat().st_mode) == 0o600
        port = served.url.rpartition(":")[2]
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 403
        assert httpx.get(f"http://127.0.0.1:{port}/t/{token}/healthz").status_code == 200
        served.stop()
        said = "\n".join(served.said)
        assert f"inspector env AGENT --token-file {file}" in said and token not in said


@pytest.mark.parametrize(
    ("text", "words"), [("", "it is empty"), ("short", "a token has 16"), ("a b" * 9, "a token has")]
)
def test_a_file_without_a_token(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "token"
    file.write_text(text)
    told = ask("--token-file", str(file), command=serve)
    assert told.exit_code != 0 and words in told.output
    assert not text or f" {text} " not in told.output


def test_a_file_that_others_can_read_is_warned_of(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(0o644)
    told = ask("claude", "--token-file", str(file))
    assert "others on this machine can read" in told.stderr and "others" not in told.stdout


def test_lines_for_an_agent_have_the_token() -> None:
    lines = ask("claude", "--host", "192.0.2.1", INSPECTOR_TOKEN=TOKEN).stdout.splitlines()
    assert f"export ANTHROPIC_BASE_URL=http://192.0.2.1:7077/t/{TOKEN}" in lines


def test_an_agent_that_is_started_gets_it_in_its_environment_only() -> None:
    claude, config = agent_named("claude"), ProxyConfig(port=7077, token=TOKEN)
    assert claude is not None
    command, environment = Start(("claude", "-p"), claude, 0).pointed(config, 7077)
    assert environment["ANTHROPIC_BASE_URL"] == f"http://127.0.0.1:7077/t/{TOKEN}"
    assert TOKEN not in " ".join(command)


def test_no_token_goes_on_a_command_line() -> None:
    told = ask("codex", INSPECTOR_TOKEN=TOKEN)
    assert told.exit_code == 2 and "others on this machine can read the token" in told.stderr
    assert TOKEN not in told.output
    ran = run("run", "--no-screen", "--port", "0", "--as", "codex", "--", "true", INSPECTOR_TOKEN=TOKEN)
    assert isinstance(ran, subprocess.CompletedProcess) and ran.returncode == 2 and TOKEN not in ran.stderr


def test_origins_and_hosts_are_given_by_options() -> None:
    told = ask("--allow-origin", "*", command=serve)
    assert told.exit_code == 2 and "--allow-origin *" in told.stderr
    with serving("--allow-host", "box", "--allow-origin", "http://localhost:3000") as served:
        for headers, status in (
            ({"Host": "box"}, 200),
            ({"Host": "fox"}, 421),
            ({"Origin": "http://localhost:3000"}, 200),
        ):
            assert httpx.get(f"{served.url}/healthz", headers=headers).status_code == status


@pytest.mark.parametrize("words", [["--upstream-api-key", "sk-1"], ["--upstream-api-key=sk-1"], []])
def test_the_pane_beside_gets_no_key_on_its_command_line(words: list[str]) -> None:
    options = ["--upstream", "http://h", *words, "--port", "1"]
    assert _without(options, "--upstream-api-key") == ["--upstream", "http://h", "--port", "1"]
