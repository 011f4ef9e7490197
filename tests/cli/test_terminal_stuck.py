"""The terminal takes nothing for a while, as where a connection stalls: no agent notices, and the screen recovers."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import httpx
import pytest

from tests.cli.terminals import PATIENCE, terminal
from tests.upstreams import plain, response, upstream


def environment(tmp_path: Path) -> dict[str, str]:
    """The least that the program needs."""
    return {
        **os.environ,
        "INSPECTOR_CONFIG": str(tmp_path / "none.toml"),
        "XDG_STATE_HOME": str(tmp_path),
        "TERM": "xterm-256color",
    }


@pytest.mark.anyio
async def test_agents_are_served_while_the_terminal_is_stuck_and_it_catches_up(tmp_path: Path) -> None:
    port = tmp_path / "port"
    async with upstream(plain(response(b"{}"))) as up, httpx.AsyncClient(timeout=20) as client:
        command = [sys.executable, "-m", "inspector", "--port", "0", "--port-file", str(port), "--upstream", up.url]
        with terminal(command, environment(tmp_path)) as term:
            async with asyncio.timeout(PATIENCE):
                while not port.exists():
                    await asyncio.sleep(0.05)
            url = f"http://127.0.0.1:{port.read_text()}/v1/x"
            for _ in range(200):  # for far more frames than may wait to be written
                assert (await client.post(url, content=b"{}")).content == b"{}"
                await asyncio.sleep(0.03)
            await asyncio.to_thread(term.hears, "200 flows")
            answered = asyncio.to_thread(term.hears, "201 flows")
            assert (await client.post(url, content=b"{}")).content == b"{}"
            await answered
            term.press("q")
            assert await asyncio.to_thread(term.ends) == 0


@pytest.mark.anyio
async def test_it_ends_when_it_is_told_to_though_nobody_reads_what_it_draws(tmp_path: Path) -> None:
    port = tmp_path / "port"
    async with upstream(plain(response(b"{}"))) as up, httpx.AsyncClient(timeout=20) as client:
        command = [sys.executable, "-m", "inspector", "--port", "0", "--port-file", str(port), "--upstream", up.url]
        with terminal(command, environment(tmp_path)) as term:
            async with asyncio.timeout(PATIENCE):
                while not port.exists():
                    await asyncio.sleep(0.05)
            for _ in range(60):
                await client.post(f"http://127.0.0.1:{port.read_text()}/v1/x", content=b"{}")
                await asyncio.sleep(0.03)
            term.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(term.process.wait, PATIENCE)
