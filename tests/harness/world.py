"""A real proxy on loopback with everything that watches it, and an upstream and clients around it."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from inspector.cli.bounding import bounded
from inspector.cli.keeping import Place, keeping
from inspector.model.flow import Flow
from inspector.proxy.held import Holds
from inspector.proxy.replay import Replayer
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.proxy.tasks import spawn
from inspector.rules.capture import CaptureProfile
from inspector.rules.control import Control
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from inspector.tui.app import InspectorApp
from inspector.tui.desk import Desk
from tests.harness import sides
from tests.harness.exchange import Exchange
from tests.harness.faults import Disk, Raising
from tests.tui.screens import settle

T = TypeVar("T")

PATIENCE = 15.0
"""Seconds after which what is waited for is taken not to come."""
BODIES = 2000
"""Bytes that bodies may take in memory: they leave it and come back all the time."""


class World:
    """The proxy, its session, its upstream and its clients, in an event loop that runs while something is asked of it.

    With `screen`, the program's own screen is open on it.
    """

    def __init__(self, screen: bool = False) -> None:
        self.loop = asyncio.new_event_loop()
        self.exchanges: list[Exchange] = []
        self.store = FlowStore()
        self.transcripts = Transcripts()
        self.holds = Holds(self.store, keep_alive_every=0.05)
        self.control = Control(self.store, self.transcripts, holds=self.holds, profile=CaptureProfile())
        self.raising = Raising()
        self.app: InspectorApp | None = None
        self._keys: asyncio.Queue[str | None] = asyncio.Queue()
        self._stack = contextlib.AsyncExitStack()
        self.run(self._start(screen))

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Let the loop run until something is done."""
        return self.loop.run_until_complete(asyncio.wait_for(coroutine, PATIENCE))

    def call(self, action: Callable[[], object]) -> None:
        """Do something within the loop, as the screen does."""

        async def act() -> None:
            action()

        self.run(act())

    async def _start(self, screen: bool) -> None:
        folder = self._stack.enter_context(tempfile.TemporaryDirectory())
        self.path = Path(folder, "s.db")
        upstream = await asyncio.start_server(sides.Upstream(self.exchanges).serve, "127.0.0.1", 0)
        self._stack.callback(upstream.close)
        config = ProxyConfig(port=0, upstream=f"http://127.0.0.1:{upstream.sockets[0].getsockname()[1]}")
        self.writer = await self._stack.enter_async_context(keeping(self.store, Place(self.path, True)))
        self.disk = Disk(self.path, self.writer)
        budget = await self._stack.enter_async_context(bounded(self.store, self.transcripts, self.writer))
        budget._limit = BODIES
        self.server = await self._stack.enter_async_context(
            ProxyServer(config, self.store, hooks=self.control, holds=self.holds)
        )
        if screen:
            replayer = Replayer(self.store, self.server.transport)
            self._stack.push_async_callback(replayer.aclose)
            desk = Desk(self.store, self.transcripts, self.control, self.server, replayer)
            self.app = InspectorApp(self.store, self.transcripts, desk=desk, listener=self.server)
            opened = asyncio.Event()
            showing = spawn(self._show(self.app, opened), "screen")
            self._stack.push_async_callback(self._close_screen, showing)
            await opened.wait()

    async def _show(self, app: InspectorApp, opened: asyncio.Event) -> None:
        async with app.run_test(size=(120, 40)) as pilot:
            await settle(pilot)
            opened.set()
            while (key := await self._keys.get()) is not None:
                await pilot.press(key)
                await settle(pilot)
                self._keys.task_done()

    async def _close_screen(self, showing: asyncio.Task[None]) -> None:
        self._keys.put_nowait(None)
        await showing

    def press(self, key: str) -> None:
        """The person presses a key, and sees what comes of it."""

        async def act() -> None:
            self._keys.put_nowait(key)
            await self._keys.join()

        self.run(act())

    def close(self) -> None:
        """Stop everything, and see that no task is left."""
        self.run(self._stack.aclose())
        self.until(lambda: not self._tasks())
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()

    def _tasks(self) -> list[str]:
        return [task.get_name() for task in asyncio.all_tasks(self.loop) if task is not asyncio.current_task(self.loop)]

    def until(self, done: Callable[[], bool]) -> None:
        """Let the loop run until something is so. TimeoutError where it never is."""

        async def wait() -> None:
            while not done():
                await asyncio.sleep(0.001)

        if not done():
            self.run(wait())

    def flow(self, exchange: Exchange) -> Flow | None:
        """The flow of an exchange, once the proxy has it."""
        mark = str(exchange.number)
        return next((flow for flow in self.store if flow.request.headers.get("x-number") == mark), None)

    def ask(self, *exchanges: Exchange, reads: bool) -> None:
        """Send requests, all on one connection; gives when the proxy has the first."""
        self.exchanges += exchanges
        task = self.run(self._begin(exchanges))
        for exchange in exchanges:
            exchange.task = task
            if reads:
                exchange.reading.set()
        self.until(lambda: self.flow(exchanges[0]) is not None)

    async def _begin(self, exchanges: tuple[Exchange, ...]) -> asyncio.Task[None]:
        port = int(self.server.address.rpartition(":")[2])
        return spawn(sides.ask(exchanges, port), f"client {exchanges[0].number}")

    def leave(self, exchange: Exchange) -> None:
        """The client hangs up."""
        if exchange.task is not None and not exchange.over:
            exchange.task.cancel()
            self.until(lambda: exchange.over)
