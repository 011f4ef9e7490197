"""Thousands of flows through a real listener, with the session and the screen on: what they leave behind is bounded."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections import Counter
from pathlib import Path

import pytest
from textual.pilot import Pilot

from inspector.cli.bounding import bounded
from inspector.cli.keeping import Place, keeping
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.store import ledger
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from inspector.tui.app import InspectorApp
from inspector.tui.desk import Desk
from tests.handmade import chat_chunks, chat_request
from tests.harness.exchange import answers
from tests.tui.screens import main, settle
from tests.upstreams import plain, upstream

KEPT = 100
"""Flows that are kept in memory."""
ROUND = 300
"""Flows of one round: many more than are kept."""
ROUNDS = 4
CLIENTS = 4

ANSWER = b"".join(chat_chunks())
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n" % len(ANSWER)


class Grown(AssertionError):
    """There are more and more objects of some kinds: how many there were, and are."""


async def ask(server: ProxyServer, first: int, count: int) -> None:
    """Ask so many times on one connection, each time with a prompt of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.address.rpartition(":")[2]))
    with contextlib.closing(writer):
        for number in range(first, first + count):
            body = chat_request(f"{number} " + "x" * 2000)
            writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n")
            writer.write(b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            raw = b""
            while not (found := answers(raw)) or not found[0].whole:
                data = await reader.read(1 << 16)
                assert data
                raw += data
            assert found == [(200, ANSWER, True)]


def objects() -> Counter[str]:
    """How many objects of each of the program's own classes there are."""
    gc.unfreeze()
    gc.collect()
    kinds = (type(each) for each in gc.get_objects())
    return Counter(
        f"{kind.__module__}.{kind.__qualname__}" for kind in kinds if str(kind.__module__).startswith("inspector")
    )


@pytest.mark.anyio
@pytest.mark.parametrize("screen", [False, True])
async def test_thousands_of_flows_leave_no_more_than_hundreds_did(
    screen: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "_SLACK", KEPT)
    store, transcripts = FlowStore(), Transcripts(limit=KEPT // 2, summaries=KEPT)
    counts: list[Counter[str]] = []
    async with contextlib.AsyncExitStack() as stack:
        up = await stack.enter_async_context(upstream(plain(HEAD + ANSWER)))
        writer = await stack.enter_async_context(keeping(store, Place(tmp_path / "s.db", True)))
        budget = await stack.enter_async_context(bounded(store, transcripts, writer))
        budget._flows = KEPT
        server = await stack.enter_async_context(ProxyServer(ProxyConfig(port=0, upstream=up.url), store))
        app = InspectorApp(store, transcripts, desk=Desk(store, transcripts, server=server), listener=server)
        pilot = await stack.enter_async_context(app.run_test(size=(120, 40))) if screen else None
        for number in range(ROUNDS):
            each = ROUND // CLIENTS
            up.received.clear()
            await asyncio.gather(*(ask(server, number * ROUND + one * each, each) for one in range(CLIENTS)))
            await left(store)
            if pilot is not None:
                await caught_up(pilot)
                assert len(main(pilot)._view.flows) == len(store)
            counts.append(objects())
        assert store.left + len(store) == ROUNDS * ROUND
        assert budget.used < KEPT * 10_000
    early, late = counts[1], counts[-1]
    if grown := {kind: (early[kind], late[kind]) for kind in late if late[kind] > early[kind] * 1.2 + 100}:
        raise Grown(grown)


async def caught_up(pilot: Pilot[None]) -> None:
    """Draw until all that came is counted and has its place."""
    screen = main(pilot)
    async with asyncio.timeout(60):
        await settle(pilot)
        while screen._lanes.pending or screen._ledger.pending or screen._view.pending:
            screen.tick()
            await pilot.pause()
    await settle(pilot)


async def left(store: FlowStore) -> None:
    """Wait until those have left that are too many."""
    async with asyncio.timeout(60):
        while len(store) > KEPT:
            await asyncio.sleep(0.01)
