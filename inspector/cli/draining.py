"""Leaving while requests are on their way: their agents still want the rest of their answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from inspector.cli.runtime import on_signal
from inspector.proxy.server import ProxyServer

_INTERVAL = 0.05
"""Seconds between two looks at what is still on its way."""


async def drained(server: ProxyServer, say: Callable[[str], None]) -> None:
    """Take no more requests, and wait for those on their way, up to `--drain` seconds. Another signal ends it."""
    server.leave(server.config.drain)
    on_signal(lambda: server.leave(0))
    if server.in_flight and server.patience:
        one = server.in_flight == 1
        words = f"waiting for {server.in_flight} request{'' if one else 's'} in flight, up to {server.patience:.0f} s"
        say(f"{words}; ctrl+c leaves at once")
    while server.in_flight and server.patience:
        await asyncio.sleep(_INTERVAL)
