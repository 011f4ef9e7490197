"""A puller at work: called again and again beside whatever else goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from inspector.proxy.tasks import spawn


@asynccontextmanager
async def pulling(pull: Callable[[], Awaitable[float]], name: str) -> AsyncIterator[None]:
    """Call `pull`, which gives the seconds until it wants to be called again, while the block runs."""
    over = asyncio.Event()

    async def run() -> None:
        while not over.is_set():
            pause = await pull()
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), pause)

    task = spawn(run(), name)
    try:
        yield
    finally:
        over.set()
        await task
