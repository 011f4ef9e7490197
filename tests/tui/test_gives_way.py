"""The view gives way to a loop that is late: a real loop that stands still, the proxy's own figure, and real frames."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest

from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.proxy.tasks import spawn
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from inspector.tui.app import InspectorApp
from inspector.tui.frames import LATE_MS, SLOWEST
from tests.handmade import chat_chunks, chat_request
from tests.tui.screens import main, settle
from tests.upstreams import plain, upstream

pytestmark = pytest.mark.anyio

STREAM = chat_chunks(["word "] * 100)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n" % sum(map(len, STREAM))
STANDS = 3 * LATE_MS / 1000
"""Seconds for which the loop stands still, again and again."""


async def disturb() -> None:
    """Keep the loop from everybody else."""
    while True:
        time.sleep(STANDS)
        await asyncio.sleep(STANDS)


async def test_frames_come_seldom_while_the_loop_is_late_and_chunks_come_all_the_same() -> None:
    store = FlowStore()
    async with (
        upstream(plain(HEAD, *STREAM, pause=0.005)) as up,
        ProxyServer(ProxyConfig(port=0, upstream=up.url), store) as server,
        httpx.AsyncClient(timeout=60) as client,
    ):
        app = InspectorApp(store, Transcripts(), listener=server)
        async with app.run_test(size=(120, 40)) as pilot:
            await settle(pilot)
            screen, disturbing = main(pilot), spawn(disturb(), "disturber")
            asking = spawn(client.post(f"{server.url}/v1/chat/completions", content=chat_request()), "client")
            async with asyncio.timeout(60):
                while screen._clock.interval < SLOWEST or server.lag_ms < LATE_MS:
                    await asyncio.sleep(0.01)
                frame, began = screen._frame, time.monotonic()
                while screen._frame < frame + 5:
                    await asyncio.sleep(0.01)
                assert time.monotonic() - began >= 4 * SLOWEST
                assert (await asking).content == b"".join(STREAM)
                disturbing.cancel()
                await asyncio.wait([disturbing])
                while screen._clock.interval >= SLOWEST:
                    await asyncio.sleep(0.01)
