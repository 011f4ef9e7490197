"""The terminal takes nothing for a while, as where a connection stalls: no agent notices, and the screen recovers."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.cli.terminals import PATIENCE, Terminal, terminal
from tests.upstreams import plain, response, upstream


@asynccontextmanager
async def stuck(tmp_path: Path) -> AsyncIterator[tuple[Terminal, Callable[[], Awaitable[bytes]]]]:
    """The program in a terminal that nobody reads, and a way to ask through it."""
    port = tmp_path / "port"
    files = {"INSPECTOR_CONFIG": str(tmp_path / "none.toml"), "XDG_STATE_HOME": str(tmp_path)}
    async with upstream(plain(response(b"{}"))) as up, httpx.AsyncClient(timeout=20) as client:
        command = [sys.executable, "-m", "inspector", "--port", "0", "--port-file", str(port), "--upstream", up.url]
        with terminal(command, {**os.environ, **files, "TERM": "xterm-256color"}) as term:
            async with asyncio.timeout(PATIENCE):
                while not port.exists():
                    await asyncio.sleep(0.05)
            url = f"http://127.0.0.1:{port.read_text()}/v1/x"

            async def ask() -> bytes:
                await asyncio.sleep(0.03)  # so that frames come between, far more than may wait to be written
                return (await client.post(url, content=b"{}")).content

            yield term, ask


@pytest.mark.anyio
async def test_agents_are_served_while_the_terminal_is_stuck_and_it_catches_up(tmp_path: Path) -> None:
    async with stuck(tmp_path) as (term, ask):
        for _ in range(200):
            assert await ask() == b"{}"
        await asyncio.to_thread(term.hears, "200 flows")
        assert await ask() == b"{}"
        await asyncio.to_thread(term.hears, "201 flows")
        term.press("q")
        assert await asyncio.to_thread(term.ends) == 0


@pytest.mark.anyio
async def test_it_ends_when_it_is_told_to_though_nobody_reads_what_it_draws(tmp_path: Path) -> None:
    async with stuck(tmp_path) as (term, ask):
        for _ in range(60):
            assert await ask() == b"{}"
        term.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(term.process.wait, PATIENCE)
