"""The way to one client: pieces of a body, and the signs of life between them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from inspector.dialects._logprobs import Strip
from inspector.model.flow import Flow


class Outlet:
    """Writes to the client. What it writes is kept beside the upstream's answer, from where the two part.

    Its last step is the strip: what is kept has all that the upstream sent, the client gets what it asked for.
    """

    def __init__(self, flow: Flow, write: Callable[[bytes], bool], send: Callable[[Any], Awaitable[None]]) -> None:
        self._flow = flow
        self._write = write
        self._send = send
        self._queue = asyncio.Lock()
        self._owed = b""
        self.strip: Strip | None = None
        """Takes out what the client never asked for."""
        self.last = time.perf_counter()
        """The clock when something was last written, in seconds."""
        self.waits = 0
        """How often the client read too slowly."""

    async def put(self, data: bytes) -> None:
        """Write a piece; waits while the client reads too slowly."""
        if not data:
            return
        self.last = now = time.perf_counter()
        if self._flow.delivered is not None:
            self._flow.delivered.body.append((now - self._flow.clock) * 1000, data)
        await self._give(data if self.strip is None else self.strip.feed(data))

    def owe(self, data: bytes) -> None:
        """Take a piece, stripped already, that the client could not take: it goes before all that comes."""
        self._owed = data

    async def settle(self) -> None:
        """Write what is owed, as soon as the client takes it."""
        if self._owed:
            await self.wait(b"")

    async def finish(self) -> None:
        """Write what is owed, by the strip too; nothing comes after."""
        await self.settle()
        if self.strip is not None:
            await self._give(self.strip.close())
            self.strip = None

    async def _give(self, data: bytes) -> None:
        if data and (self._owed or self._queue.locked() or not self._write(data)):
            await self.wait(data)

    async def wait(self, data: bytes) -> None:
        """Write a piece, stripped already, as soon as the client takes it, and behind all that waits already."""
        self.waits += 1
        data, self._owed = self._owed + data, b""
        async with self._queue:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})

    def keep_alive(self, data: bytes) -> bool:
        """Give a sign of life, if the client can take one now. It is no part of the answer."""
        self.last = time.perf_counter()
        return not self._owed and not self._queue.locked() and self._write(data)
