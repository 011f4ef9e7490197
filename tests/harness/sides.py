"""The two sides of the proxy in the harness: clients and an upstream that do what they are told, when they are told."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Sequence
from socket import SO_LINGER, SOL_SOCKET

import httpx

from tests.harness.exchange import Exchange, answers

PORT = "127.0.0.1"


async def ask(exchanges: Sequence[Exchange], port: int) -> None:
    """Ask for one or more answers on one connection, and read them."""
    try:
        if exchanges[0].client == "httpx":
            await _by_httpx(exchanges[0], port)
        else:
            await _by_hand(exchanges, port)
    except asyncio.CancelledError:
        for exchange in exchanges:
            exchange.left = not exchange.whole
        raise
    finally:
        for exchange in exchanges:
            exchange.over = True


async def _by_hand(exchanges: Sequence[Exchange], port: int) -> None:
    reader, writer = await asyncio.open_connection(PORT, port, limit=4096)
    try:
        requests = b"".join(_request(each, last=each is exchanges[-1]) for each in exchanges)
        half = len(requests) - len(exchanges[0].asked) // 2 if exchanges[0].client == "half" else len(requests)
        writer.write(requests[:half])
        await exchanges[0].asking.wait()
        writer.write(requests[half:])
        raw = b""
        while True:
            await exchanges[0].reading.wait()
            if not (data := await reader.read(1 << 16)):
                break
            raw += data
            for exchange, answer in zip(exchanges, answers(raw), strict=False):
                exchange.status, exchange.body, exchange.whole = answer
    except ConnectionError:
        return
    finally:
        writer.transport.abort()


def _request(exchange: Exchange, last: bool) -> bytes:
    lines = [f"POST {exchange.kind.path} HTTP/1.1", "Host: localhost", f"X-Number: {exchange.number}"]
    lines += ["Content-Type: application/json", f"Content-Length: {len(exchange.asked)}"]
    lines += ["Connection: close", "", ""] if last else ["", ""]
    return "\r\n".join(lines).encode() + exchange.asked


async def _by_httpx(exchange: Exchange, port: int) -> None:
    url = f"http://{PORT}:{port}{exchange.kind.path}"
    headers = {"x-number": str(exchange.number), "content-type": "application/json"}
    with contextlib.suppress(httpx.TransportError):
        async with (
            httpx.AsyncClient(timeout=None, trust_env=False) as client,
            client.stream("POST", url, content=_given(exchange), headers=headers) as answered,
        ):
            exchange.status = answered.status_code
            async for chunk in answered.aiter_raw():
                exchange.body += chunk
                await exchange.reading.wait()
            exchange.whole = True


async def _given(exchange: Exchange) -> AsyncIterator[bytes]:
    """The request's body in pieces: it goes out chunked."""
    middle = len(exchange.asked) // 2
    yield exchange.asked[:middle]
    yield exchange.asked[middle:]


class Upstream:
    """Answers each request as its exchange says."""

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self._exchanges = exchanges

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
                exchange = self._exchanges[int(fields["x-number"])]
                exchange.received = await _body(reader, fields)
                exchange.sent = b""
                try:
                    await self._answer(exchange, writer)
                finally:
                    exchange.finished = True
                if exchange.manner in ("unframed", "long", "short", "cut"):
                    writer.close()
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            if not writer.is_closing():
                writer.transport.abort()

    async def _answer(self, exchange: Exchange, writer: asyncio.StreamWriter) -> None:
        manner, answer = exchange.manner, exchange.answer
        if manner in ("silent", "noise"):
            writer.write(b"\x15\x03\x01\x00\x02\x02\x46 not HTTP\r\n\r\n" if manner == "noise" else b"")
            await writer.drain()
            raise ConnectionError
        length = len(answer)
        if manner == "long":
            length = length * exchange.place // 1001
        chunked = manner not in ("short", "long", "unframed") and exchange.streamed
        framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {length}"
        kind = exchange.kind.content_type if exchange.streamed and manner != "error" else "application/json"
        lines = ["HTTP/1.1 529 Overloaded" if manner == "error" else "HTTP/1.1 200 OK", f"Content-Type: {kind}"]
        lines += ["Content-Encoding: gzip"] * exchange.zipped
        lines += ["Connection: close"] if manner == "unframed" else [framing]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        for number, piece in enumerate(exchange.pieces()):
            if manner == "slow":
                await _until_due(exchange, number, writer)
            exchange.sent = (exchange.sent + piece)[:length]
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            await writer.drain()
        if manner == "reset":
            writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
            raise ConnectionError
        if chunked and manner != "cut":
            writer.write(b"0\r\n\r\n")
        await writer.drain()


async def _body(reader: asyncio.StreamReader, fields: dict[str, str]) -> bytes:
    if "chunked" not in fields.get("transfer-encoding", ""):
        return await reader.readexactly(int(fields.get("content-length", "0")))
    body = b""
    while length := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(length + 2))[:-2]
    await reader.readexactly(2)
    return body


async def _until_due(exchange: Exchange, number: int, writer: asyncio.StreamWriter) -> None:
    """Wait until the next piece may go, or nobody is there any more."""
    while exchange.due <= number:
        if writer.transport.is_closing():
            raise ConnectionError
        await asyncio.sleep(0.002)
