"""When the connection to the upstream stood: taken where aiohttp makes a new one, which is seldom.

A request whose connection was there already costs three assignments. (aiohttp's own tracing awaits a dozen hooks for
each request, wanted or not.)
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import aiohttp

from inspector.model.flow import Flow, Timing

_TIMES: ContextVar[tuple[Timing, float] | None] = ContextVar("times", default=None)
"""Where the steps towards a connection are noted, and the clock that is their zero."""


def connecting_for(flow: Flow) -> None:
    """Say for which flow this task, and those that it starts, send their requests from now on."""
    _TIMES.set((flow.timing, flow.clock))


def connecting() -> None:
    """A request is about to get its connection: it has one, unless `Connector` makes a new one."""
    if (times := _TIMES.get()) is not None:
        timing, clock = times
        timing.connected, timing.reused = _since(clock), True


class Connector(aiohttp.TCPConnector):
    """Notes the steps towards every new connection on the flow that it is made for."""

    async def _create_connection(self, *args: Any, **kwargs: Any) -> Any:
        if (times := _TIMES.get()) is None:
            return await super()._create_connection(*args, **kwargs)
        timing, clock = times
        timing.resolved = timing.reached = timing.connected = None
        timing.reused = False
        connection = await super()._create_connection(*args, **kwargs)
        timing.connected = _since(clock)
        return connection

    async def _wrap_create_connection(self, factory: Callable[[], Any], **kwargs: Any) -> Any:  # type: ignore[override]
        """Connect to an address. aiohttp has it made its protocol as soon as TCP stands, and before TLS begins."""
        if (times := _TIMES.get()) is None:
            return await super()._wrap_create_connection(factory, **kwargs)
        timing, clock = times
        if timing.resolved is None:
            timing.resolved = _since(clock)

        def made() -> Any:
            timing.reached = _since(clock)
            return factory()

        return await super()._wrap_create_connection(made, **kwargs)


def _since(clock: float) -> float:
    return (time.perf_counter() - clock) * 1000
