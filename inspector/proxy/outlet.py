"""The way to one client: pieces of a body, and the signs of life between them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from inspector.model.flow import Flow


class Outlet:
    """Writes to the client. What it writes is kept beside the upstream's answer, from where the two part."""

    def __init__(self, flow: Flow, write: Callable[[bytes], bool], send: Callable[[Any], Awaitable[None]]) -> None:
        self._flow = flow
        self._write = write
        self._send = send
        self.last = time.perf_counter()
        """The clock when something was last written, in seconds."""

    async def put(self, data: bytes) -> None:
        """Write a piece; waits while the client reads too slowly."""
        self.last = now = time.perf_counter()
        try:
            if not self._write(data):
                await self._send({"type": "http.response.body", "body": data, "more_body": True})
        finally:
            if self._flow.delivered is not None:
                self._flow.delivered.body.append((now - self._flow.clock) * 1000, data)

    def keep_alive(self, data: bytes) -> bool:
        """Give a sign of life, if the client can take one now. It is no part of the answer."""
        self.last = time.perf_counter()
        return self._write(data)
