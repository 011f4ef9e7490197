"""Leaving while requests are on their way: they end first, nothing new is taken, and asked twice it leaves at once."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from inspector.proxy.tasks import spawn
from inspector.store.transcripts import Transcripts
from inspector.tui.app import InspectorApp
from inspector.tui.desk import Desk
from inspector.tui.header import HeaderLine
from tests.cli.processes import serving
from tests.handmade import chat_chunks, chat_request
from tests.tui.screens import main, settle, text_of
from tests.upstreams import Received, proxy, upstream

PATH = "/v1/chat/completions"
STREAM = b"".join(chat_chunks())
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n" % len(STREAM)


class Slow(BaseHTTPRequestHandler):
    """Sends half of its answer, and the rest when it is told."""

    told = threading.Event()

    def do_POST(self) -> None:
        """Answer."""
        self.rfile.read(int(self.headers["content-length"]))
        self.wfile.write(HEAD + STREAM[:40])
        self.told.wait(30)
        self.wfile.write(STREAM[40:])

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def slow() -> Iterator[str]:
    """The URL of a slow model."""
    Slow.told.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        Slow.told.set()
        server.shutdown()


def test_a_proxy_that_is_told_to_end_waits_for_what_is_on_its_way(slow: str) -> None:
    with serving("--upstream", slow, "--no-session") as served, httpx.Client(timeout=20) as client:
        with client.stream("POST", served.url + PATH, content=chat_request()) as answer:
            parts = answer.iter_raw()
            got = next(parts)
            served.process.send_signal(signal.SIGTERM)
            served.hears("waiting for 1 request in flight, up to 30 s")
            assert httpx.post(served.url + PATH, content=chat_request()).status_code == 503
            Slow.told.set()
            assert got + b"".join(parts) == STREAM
        assert served.process.wait(10) == 0


def test_asked_twice_it_leaves_at_once(slow: str) -> None:
    with serving("--upstream", slow, "--no-session") as served, httpx.Client(timeout=20) as client:
        with client.stream("POST", served.url + PATH, content=chat_request()) as answer:
            parts = answer.iter_raw()
            next(parts)
            served.process.send_signal(signal.SIGTERM)
            served.hears("in flight")
            served.process.send_signal(signal.SIGTERM)
            assert served.process.wait(10) == 0
        served.hears("inspector was stopped")


@pytest.mark.anyio
@pytest.mark.parametrize("again", [False, True])
async def test_q_counts_what_is_on_its_way(again: bool) -> None:
    told = asyncio.Event()

    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + STREAM[:40])
        await told.wait()
        writer.write(STREAM[40:])

    transcripts = Transcripts()
    async with asyncio.timeout(60), upstream(answer) as up, proxy(up.url) as server:
        app = InspectorApp(
            server.store, transcripts, listener=server, desk=Desk(server.store, transcripts, server=server)
        )
        async with app.run_test(size=(80, 24)) as pilot, httpx.AsyncClient(timeout=30) as client:
            asking = spawn(client.post(server.url + PATH, content=chat_request()), "agent")
            while not server.in_flight:
                await asyncio.sleep(0.01)
            await settle(pilot)
            await pilot.press("q")
            main(pilot)._header_due = 0.0
            await settle(pilot)
            assert app.is_running and "leaving · 1 in flight" in text_of(main(pilot).query_one(HeaderLine))[0]
            if again:
                await pilot.press("q")
            else:
                told.set()
            while not app._exit:
                await asyncio.sleep(0.01)
            told.set()
            assert (await asking).content == STREAM
