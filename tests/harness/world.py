"""A real proxy on loopback, with an upstream and clients around it that do what they are told, when they are told."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from socket import SO_LINGER, SOL_SOCKET
from typing import Any, TypeVar

from inspector.model.flow import Flow
from inspector.proxy.held import Holds
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.proxy.tasks import spawn
from inspector.rules.capture import CaptureProfile
from inspector.rules.control import Control
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from tests.harness.traffic import KINDS, Kind, body_of

T = TypeVar("T")

PATIENCE = 6.0
"""Seconds after which what is waited for is taken not to come."""


@dataclass
class Exchange:
    """One request: what the upstream is to do with it, and what the client has of the answer."""

    number: int
    kind: Kind
    streamed: bool
    manner: str
    """What the upstream does: `whole`, `slow`, `cut`, `reset`, `error`, `garbage`."""
    going: asyncio.Event = field(default_factory=asyncio.Event)
    """A slow upstream goes on when this is set."""
    sent: bytes = b""
    """What the upstream sent of the body."""
    raw: bytes = b""
    """What the client read off the wire."""
    status: int = 0
    body: bytes = b""
    over: bool = False
    """The client has the answer's end, or none will come."""
    whole: bool = False
    """The client was told that the answer is whole."""
    left: bool = False
    """The client hung up first."""
    reading: asyncio.Event = field(default_factory=asyncio.Event)
    """A client that reads slowly reads while this is set."""
    task: asyncio.Task[None] | None = None

    @property
    def answer(self) -> bytes:
        """The body that the upstream means to send."""
        if self.manner == "error":
            return b'{"error": {"message": "overloaded", "type": "overloaded_error"}}'
        if self.manner == "garbage":
            return b"\x16\x03\x01\xff\x00" + self.kind.stream[::-1]
        return self.kind.stream if self.streamed else self.kind.document


class World:
    """The proxy, its upstream and its clients, in an event loop that only runs while something is asked of it."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.exchanges: list[Exchange] = []
        self.store = FlowStore()
        self.holds = Holds(self.store)
        self.control = Control(self.store, Transcripts(), holds=self.holds, profile=CaptureProfile())
        self._stack = contextlib.AsyncExitStack()
        self.run(self._start())

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Let the loop run until something is done."""
        return self.loop.run_until_complete(asyncio.wait_for(coroutine, PATIENCE))

    def call(self, action: Callable[[], object]) -> None:
        """Do something within the loop, as the screen does."""

        async def act() -> None:
            action()

        self.run(act())

    async def _start(self) -> None:
        upstream = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._stack.callback(upstream.close)
        config = ProxyConfig(port=0, upstream=f"http://127.0.0.1:{upstream.sockets[0].getsockname()[1]}")
        self.server = await self._stack.enter_async_context(
            ProxyServer(config, self.store, hooks=self.control, holds=self.holds)
        )

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

    # Clients

    def ask(self, kind: str, streamed: bool, manner: str, reads: bool) -> Exchange:
        """Send a request; gives when the proxy has it."""
        exchange = Exchange(len(self.exchanges), KINDS[kind], streamed, manner)
        self.exchanges.append(exchange)
        if reads:
            exchange.reading.set()
        exchange.task = self.run(self._begin(exchange))
        self.until(lambda: self.flow(exchange) is not None)
        return exchange

    async def _begin(self, exchange: Exchange) -> asyncio.Task[None]:
        return spawn(self._client(exchange), f"client {exchange.number}")

    async def _client(self, exchange: Exchange) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.address.rpartition(":")[2], limit=4096)
        body = body_of(exchange.streamed)
        lines = [f"POST {exchange.kind.path} HTTP/1.1", "Host: localhost", f"X-Number: {exchange.number}"]
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}", "Connection: close", "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        try:
            while True:
                await exchange.reading.wait()
                if not (data := await reader.read(1 << 16)):
                    break
                exchange.raw += data
                take(exchange)
        except ConnectionError:
            pass
        except asyncio.CancelledError:
            exchange.left = True
            raise
        finally:
            exchange.over = True
            writer.transport.abort()

    def leave(self, exchange: Exchange) -> None:
        """The client hangs up."""
        if exchange.task is not None and not exchange.over:
            exchange.task.cancel()
            self.until(lambda: exchange.over)

    # The upstream

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
                await reader.readexactly(int(fields.get("content-length", "0")))
                await self._answer(self.exchanges[int(fields["x-number"])], writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()

    async def _answer(self, exchange: Exchange, writer: asyncio.StreamWriter) -> None:
        answer, slow = exchange.answer, exchange.manner == "slow"
        pieces = exchange.kind.pieces if answer == exchange.kind.stream else (answer,)
        status = "529 Overloaded" if exchange.manner == "error" else "200 OK"
        kind = exchange.kind.content_type if exchange.streamed and exchange.manner != "error" else "application/json"
        framing = "Transfer-Encoding: chunked" if exchange.streamed else f"Content-Length: {len(answer)}"
        exchange.sent = b""
        writer.write(f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{framing}\r\n\r\n".encode())
        for number, piece in enumerate(pieces):
            if slow:
                await self._go(exchange, writer)
            if exchange.manner in ("cut", "reset") and number >= len(pieces) // 2:
                if exchange.manner == "reset":
                    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
                raise ConnectionError
            exchange.sent += piece
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if exchange.streamed else piece)
            await writer.drain()
        if exchange.streamed:
            writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def _go(self, exchange: Exchange, writer: asyncio.StreamWriter) -> None:
        """Wait until it is let go on, or nobody is there any more."""
        while not exchange.going.is_set():
            if writer.transport.is_closing():
                raise ConnectionError
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(exchange.going.wait(), 0.02)


def take(exchange: Exchange) -> None:
    """Read what a client has of an answer."""
    head, found, rest = exchange.raw.partition(b"\r\n\r\n")
    if not found:
        return
    exchange.status = int(head.split(b" ", 2)[1])
    if b"chunked" not in head.lower():
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        exchange.body, exchange.whole = rest[:length], len(rest) >= length
        return
    body = b""
    while (size := rest.partition(b"\r\n"))[1]:
        length = int(size[0], 16)
        if not length:
            exchange.whole = True
            break
        if len(size[2]) < length + 2:
            break
        body += size[2][:length]
        rest = size[2][length + 2 :]
    exchange.body = body
