"""Noticing that a client hung up, while something else is awaited for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Self

from starlette.types import Receive

from inspector.proxy.tasks import spawn


class ClientGone(Exception):
    """The client closed its connection before the response was complete."""


class ClientWatch:
    """Ends the block below `async with` as soon as the client is gone: its task is cancelled, ClientGone is raised.

    The request's body must have been received before. `on_gone` is called first.
    """

    def __init__(self, receive: Receive, on_gone: Callable[[], None]) -> None:
        self._receive = receive
        self._on_gone = on_gone
        self._gone = False

    def stop(self) -> None:
        """Watch no longer. To be called before the last piece is sent: a server reports that, too, as a disconnect."""
        self._watcher.cancel()

    async def __aenter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._watcher = spawn(self._watch(), "client watch")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._watcher.cancel()
        if not self._gone:
            return
        if kind is not asyncio.CancelledError:
            # The cancellation is on its way and would hit whatever is awaited next: meet it here.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
        if self._task.uncancel() == 0 and (kind is None or kind is asyncio.CancelledError):
            raise ClientGone from None

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        self._on_gone()
        self._task.cancel()
