"""`inspector env`: what a shell makes of its lines."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from inspector.cli.env import command
from inspector.model.pointing import AGENTS

PROXIES = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


def env(*arguments: str, **given: str | None) -> Result:
    """Ask for lines, where no proxy is set."""
    return CliRunner().invoke(command, arguments, env={**dict.fromkeys(PROXIES), **given})


def in_shell(lines: str, then: str, path: Path | None = None) -> str:
    """What a POSIX shell says that was given the lines."""
    environment = {"PATH": f"{path}:{os.environ['PATH']}"}
    ran = subprocess.run(
        ["sh", "-c", f'eval "$LINES"; {then}'], env=environment | {"LINES": lines}, capture_output=True
    )
    assert ran.stderr == b""
    return ran.stdout.decode()


def test_lines_set_variables_in_a_shell() -> None:
    lines = env("claude", "--port", "7078").output
    assert in_shell(lines, 'echo "$ANTHROPIC_BASE_URL"') == "http://127.0.0.1:7078\n"


def test_settings_keep_their_quotes() -> None:
    lines = env("opencode", OPENCODE_CONFIG_CONTENT='{"theme": "it\'s $HOME `x`"}').output
    shown = in_shell(lines, 'printf %s "$OPENCODE_CONFIG_CONTENT"')
    assert shown.startswith('{"theme":"it\'s $HOME `x`","provider":{"anthropic"')


def test_codex_gets_its_argument_by_a_function(tmp_path: Path) -> None:
    codex = tmp_path / "codex"
    codex.write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    codex.chmod(0o755)
    shown = in_shell(env("codex").output, 'codex exec "two words"', tmp_path)
    assert shown == '-c|openai_base_url="http://127.0.0.1:7077/v1"|exec|two words|'


@pytest.mark.skipif(shutil.which("fish") is None, reason="needs fish")
def test_fish_understands_its_lines() -> None:
    lines = env("opencode", "--shell", "fish", OPENCODE_CONFIG_CONTENT='{"a": "it\'s \\\\"}').output
    ran = subprocess.run(["fish", "-c", f"{lines}\nprintf %s $OPENCODE_CONFIG_CONTENT"], capture_output=True, text=True)
    assert ran.stdout.startswith('{"a":"it\'s \\\\","provider"')


def test_other_shells_quote_in_their_own_way() -> None:
    given = {"OPENCODE_CONFIG_CONTENT": '{"a": "it\'s \\\\"}'}
    fish = env("opencode", "--shell", "fish", **given).output
    assert fish.startswith('set -gx OPENCODE_CONFIG_CONTENT \'{"a":"it\\\'s \\\\\\\\",')
    powershell = env("opencode", "--shell", "powershell", **given).output
    assert powershell.startswith('$env:OPENCODE_CONFIG_CONTENT = \'{"a":"it\'\'s \\\\",')
    assert "command codex '-c' 'openai_base_url=" in env("codex", "--shell", "fish").output
    assert "@args }" in env("codex", "--shell", "powershell").output


def test_where_a_proxy_is_set_our_address_is_taken_out_of_it() -> None:
    assert "NO_PROXY" not in env("gemini").output
    assert (
        "export NO_PROXY=corp,127.0.0.1,localhost\n"
        in env("gemini", HTTP_PROXY="http://proxy:1", NO_PROXY="corp", no_proxy=None).output
    )


def test_the_known_agents_are_listed() -> None:
    listed = [line.split()[0] for line in env().output.splitlines()]
    assert listed == [*(agent.name for agent in AGENTS), "any"]
    unknown = env("nobody")
    assert unknown.exit_code == 2 and "known are claude, codex" in unknown.output


def test_settings_that_are_not_json_are_told_plainly() -> None:
    wrong = env("opencode", OPENCODE_CONFIG_CONTENT="{")
    assert wrong.exit_code == 1 and "OPENCODE_CONFIG_CONTENT is set, but is not JSON" in wrong.output
