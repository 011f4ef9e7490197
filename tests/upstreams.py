"""Upstreams for tests: real sockets, with every byte of the response under the test's control."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from inspector.model.flow import Flow
from inspector.proxy.hooks import RequestHandler
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.store.flows import FlowStore


@dataclass(slots=True)
class Received:
    """A request as an upstream read it off the wire."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes
    port: int
    """The client's port: equal for two requests on one connection."""


STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

Answer = Callable[[Received, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class Upstream:
    """A listening server that answers with whatever bytes `answer` writes, and remembers what it was asked."""

    answer: Answer
    received: list[Received] = field(default_factory=list)
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a client hung up."""
    url: str = ""
    serving: set[asyncio.Task[object]] = field(default_factory=set)
    """The connections that are open."""

    async def close(self) -> None:
        """Close the connections that clients still keep."""
        for task in (tasks := list(self.serving)):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, until the client closes it or the upstream is closed."""
        with contextlib.suppress(asyncio.CancelledError):
            await self._serve(reader, writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.serving.add(task)
        try:
            while True:
                request = await self._read(reader, writer)
                self.received.append(request)
                answering = asyncio.ensure_future(self.answer(request, writer))  # noqa: TID251
                leaving = asyncio.ensure_future(self._watch(reader, answering))  # noqa: TID251
                try:
                    await asyncio.wait([answering, leaving], return_when=asyncio.FIRST_COMPLETED)
                finally:
                    answering.cancel()
                    leaving.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await leaving
                with contextlib.suppress(asyncio.CancelledError):
                    await answering
        except (asyncio.IncompleteReadError, ConnectionError):
            self.disconnected.set()
        finally:
            self.serving.discard(task)
            writer.close()

    async def _watch(self, reader: asyncio.StreamReader, answering: asyncio.Future[None]) -> None:
        while not reader.at_eof() and not answering.done():
            await asyncio.sleep(0.005)
        if reader.at_eof():
            self.disconnected.set()

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Received:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *rest = head[:-4].split("\r\n")
        headers = [(name, value.strip()) for name, _, value in (item.partition(":") for item in rest)]
        lengths = [int(value) for name, value in headers if name.lower() == "content-length"]
        body = await reader.readexactly(lengths[0]) if lengths else b""
        return Received(line, headers, body, writer.get_extra_info("peername")[1])


@contextlib.asynccontextmanager
async def upstream(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[Upstream]:
    """Run an upstream while the block runs."""
    double = Upstream(answer)
    server = await asyncio.start_server(double.serve, "127.0.0.1", 0, limit=1 << 20, ssl=tls)
    scheme, host = ("https", "localhost") if tls else ("http", "127.0.0.1")
    double.url = f"{scheme}://{host}:{server.sockets[0].getsockname()[1]}"
    try:
        yield double
    finally:
        server.close()
        await double.close()


def plain(*parts: bytes, pause: float = 0.0) -> Answer:
    """An answer of fixed bytes, written part by part."""

    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)

    return answer


def response(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """A whole response with a content-length."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def chunked(data: bytes) -> bytes:
    """One chunk as HTTP/1.1 frames it."""
    return b"%x\r\n%b\r\n" % (len(data), data)


@contextlib.asynccontextmanager
async def proxy(
    to: str | None = None, *, handler: RequestHandler | None = None, config: ProxyConfig | None = None
) -> AsyncIterator[ProxyServer]:
    """Run a proxy that sends everything to one upstream."""
    async with ProxyServer(config or ProxyConfig(port=0, upstream=to), FlowStore(), handler) as server:
        yield server


async def ended(server: ProxyServer, count: int = 1) -> list[Flow]:
    """The flows, once `count` of them have ended."""
    async with asyncio.timeout(10):
        while sum(flow.end is not None for flow in server.store) < count:
            await asyncio.sleep(0.005)
    return list(server.store)


async def raw_exchange(server: ProxyServer, request: bytes) -> bytes:
    """Send bytes to the proxy as they are, and read until it closes or falls silent for a moment."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.address.rpartition(":")[2])
    writer.write(request)
    chunks: list[bytes] = []
    with contextlib.suppress(TimeoutError):
        while chunk := await asyncio.wait_for(reader.read(1 << 16), 0.3):
            chunks.append(chunk)
    writer.close()
    return b"".join(chunks)
