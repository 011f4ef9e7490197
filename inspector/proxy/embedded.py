"""uvicorn as a guest in somebody else's event loop: no signal handlers, no `sys.exit`, no log lines on the screen."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Iterator
from typing import Any, Self

import uvicorn
from starlette.types import ASGIApp

from inspector.proxy.protocol import ExactProtocol
from inspector.proxy.tasks import spawn

GRACE = 1
"""Seconds that open responses get when the server stops."""


class Aborted(Exception):
    """Raised out of an app, it drops the connection in mid-response, so that the client notices; nothing is logged."""


class AddressInUse(OSError):
    """The port is taken. The message names one that is not, on the same host."""

    def __init__(self, host: str, port: int, free: int) -> None:
        super().__init__(errno.EADDRINUSE, f"port {port} on {host} is in use; {free} is free: --port {free}")


def listen(host: str, port: int, *, any_port: bool = False) -> socket.socket:
    """Bind a listening socket; port 0 takes any free one, and so does a port that is taken where any will do.

    Raises AddressInUse where another program listens there, OSError where the address cannot be bound at all.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE and port:
            spare = listen(host, 0)
            if any_port:
                return spare
            with spare:
                raise AddressInUse(host, port, spare.getsockname()[1]) from None
        raise
    listener.setblocking(False)
    return listener


class _Guest(uvicorn.Server):
    """A server that leaves SIGINT and SIGTERM to its host."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class EmbeddedServer:
    """Serves an ASGI app in the running event loop, from `async with` to the end of the block.

    Entering binds the address (see `listen` for its errors); leaving refuses new connections, gives open responses
    a second, and then cancels them.
    """

    def __init__(self, app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0, any_port: bool = False) -> None:
        self.host = host
        self.port = port
        """The port asked for; the real one after entering."""
        self._any_port = any_port
        config = uvicorn.Config(
            app,
            http=ExactProtocol,
            interface="asgi3",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=120,
            timeout_graceful_shutdown=GRACE,
        )
        self._server = _Guest(config)
        logging.getLogger("uvicorn.error").addFilter(_is_a_surprise)
        self._task: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        """`HOST:PORT`, as one would type it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """`http://HOST:PORT`, for clients."""
        return f"http://{self.address}"

    async def __aenter__(self) -> Self:
        listener = listen(self.host, self.port, any_port=self._any_port)
        self.port = listener.getsockname()[1]
        self._task = spawn(self._server.serve(sockets=[listener]), f"listener {self.address}")
        while not self._server.started:
            if self._task.done():
                self._task.result()
                raise RuntimeError(f"the listener on {self.address} stopped before it started")
            await asyncio.sleep(0.001)
        return self

    async def __aexit__(self, *_: Any) -> None:
        if self._task is not None:
            self._server.should_exit = True
            await self._task


def _is_a_surprise(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], Aborted))
