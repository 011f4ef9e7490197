"""The demo's model server on a loopback port, from `async with` to the end of the block."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import Self

from inspector.demo.reply import CutShort
from inspector.demo.server import DemoApp
from inspector.proxy.embedded import EmbeddedServer


class DemoServer:
    """Serves the demo's model on a free port of 127.0.0.1, in the running event loop.

    `pace` is in tokens a second; 0 speaks as fast as possible.
    """

    def __init__(self, *, pace: float = 0.0, seed: int = 0) -> None:
        self._server = EmbeddedServer(DemoApp(pace=pace, seed=seed).app(), host="127.0.0.1", port=0)

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`, once entered."""
        return self._server.url

    async def __aenter__(self) -> Self:
        _quiet_cuts()
        await self._server.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.__aexit__(kind, error, trace)


def _quiet_cuts() -> None:
    """uvicorn logs a traceback for each stream that is cut; here that is what was asked for."""
    logger = logging.getLogger("uvicorn.error")
    if _not_a_cut not in logger.filters:
        logger.addFilter(_not_a_cut)


def _not_a_cut(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], CutShort))
