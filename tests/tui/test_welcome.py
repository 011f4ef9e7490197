"""The lines of the empty screen where a token is asked for: they work as they stand, and no token stands in them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from inspector.cli.env import command as env
from inspector.tui.welcome import Place, Welcome, pointers
from tests.cli.processes import Serving, serving
from tests.cli.test_commands import Model
from tests.tui.screens import app_on, main, settle, text_of

TOKEN = "correct-horse-battery-staple"
OPENAI = """
from openai import OpenAI
print(OpenAI(api_key="k", max_retries=0).chat.completions.create(model="m", messages=[]).choices[0].message.content)
"""
ANTHROPIC = """
from anthropic import Anthropic
messages = Anthropic(api_key="k", max_retries=0).messages.with_raw_response
print(messages.create(model="m", max_tokens=9, messages=[]).text())
"""
CURL = 'curl -sS -d "{}" "$OPENAI_BASE_URL/chat/completions"'


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Serving, Path]]:
    """A proxy on every address, with a token in a file whose name is awkward."""
    file = tmp_path_factory.mktemp("the token's") / "to ken"
    file.write_text(TOKEN)
    file.chmod(0o600)
    with ThreadingHTTPServer(("127.0.0.1", 0), Model) as model:
        threading.Thread(target=model.serve_forever, daemon=True).start()
        to = f"http://127.0.0.1:{model.server_port}"
        with serving("--host", "0.0.0.0", "--token-file", file, "--upstream", to, "--no-session") as served:
            yield served, file
        model.shutdown()


def in_shell(line: str, then: str, **more: str) -> str:
    """What a shell says in which the line was pasted."""
    given = {**os.environ, "LINE": line, "NO_PROXY": "*", **more}
    ran = subprocess.run(["sh", "-c", f'eval "$LINE"; {then}'], env=given, capture_output=True, text=True, timeout=60)
    return ran.stdout + ran.stderr


def line_for(agent: str, place: Place) -> str:
    return next(pointer.line for pointer in pointers(place) if pointer.agent == agent)


@pytest.mark.parametrize(
    ("agent", "then", "by_file"),
    [
        ("OpenAI SDK", f"{sys.executable} -c '{OPENAI}'", True),
        ("Anthropic SDK", f"{sys.executable} -c '{ANTHROPIC}'", False),
        ("OpenAI SDK", CURL, True),
        ("OpenAI SDK", CURL, False),
    ],
)
def test_the_lines_let_the_sdks_in(asked: tuple[Serving, Path], agent: str, then: str, by_file: bool) -> None:
    if then is CURL and shutil.which("curl") is None:
        pytest.skip("needs curl")
    served, file = asked
    place = Place(f"0.0.0.0:{served.url.rpartition(':')[2]}", True, file if by_file else None)
    line = line_for(agent, place)
    assert TOKEN not in line
    assert "Hello." in in_shell(line, then, **({} if by_file else {"INSPECTOR_TOKEN": TOKEN}))


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_so_do_those_of_inspector_env_and_nothing_else_does(asked: tuple[Serving, Path]) -> None:
    served, file = asked
    port = served.url.rpartition(":")[2]
    told = CliRunner().invoke(env, ["openai", "--port", port, "--token-file", str(file)])
    assert "Hello." in in_shell(told.stdout, CURL)
    assert "Hello." not in in_shell(f"export OPENAI_BASE_URL=http://127.0.0.1:{port}/v1", CURL)


def test_every_line_gives_the_token_and_none_has_it_on_a_command_line() -> None:
    place = Place("[::]:7077", True, Path("/x/token"))
    for pointer in pointers(place):
        assert ("$(cat /x/token)" in pointer.line) != pointer.line.startswith("# in its settings")
        assert "http://[::1]:7077/t/" in pointer.line
    settings = in_shell(line_for("opencode", Place("0.0.0.0:1", True)), 'printf %s "$OPENCODE_CONFIG_CONTENT"')
    assert "http://127.0.0.1:1/t//v1beta" in settings


@pytest.mark.anyio
async def test_the_empty_screen_says_where_it_is_kept_and_who_comes_in() -> None:
    app, _ = app_on()
    async with app.run_test(size=(80, 40)) as pilot:
        await settle(pilot)
        plain = "\n".join(text_of(main(pilot).query_one(Welcome)))
        assert "token" not in plain and "kept" not in plain and "inspector run -- AGENT" in plain
        place = Place("0.0.0.0:7077", True, Path("/x/token"), Path.home() / "s.db")
        welcome = Welcome(place)
        await main(pilot).mount(welcome)
        await pilot.pause()
        shown = "\n".join(text_of(welcome))
        for words in ("every address", "must bring the token", "--token-file /x/token", "kept in ~/s.db"):
            assert words in shown
