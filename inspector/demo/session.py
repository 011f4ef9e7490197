"""The demo's model server on a loopback port, from `async with` to the end of the block."""

from __future__ import annotations

from types import TracebackType
from typing import Self

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
        await self._server.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.__aexit__(kind, error, trace)
