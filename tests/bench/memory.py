"""What captured answers cost in memory: `python -m tests.bench.memory [--answers N] [--tokens N]`.

Many answers with five alternatives for each token pass `inspector serve --profile capture`, which keeps them all. What
its process grows by is set against the bytes that came.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import cast

import uvloop

from tests.bench.contenders import Running, headless
from tests.bench.load import HEAD, chat_chunk

_END = b"data: [DONE]\n\n"
_AT_ONCE = 8


class Upstream(asyncio.Protocol):
    """Answers every request with the same tokens, as fast as they are taken."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or b"0")
        if found and len(rest) >= length:
            self._buffer = rest[length:]
            assert self._transport is not None
            self._transport.write(HEAD + self._body)


def body_of(tokens: int) -> tuple[bytes, int]:
    """A stream of so many tokens, framed for HTTP, and how many bytes of body it has."""
    chunks = [chat_chunk(number, 0.0) for number in range(tokens)]
    framed = b"".join(chunks) + b"%x\r\n%b\r\n0\r\n\r\n" % (len(_END), _END)
    return framed, sum(len(chunk.partition(b"\r\n")[2]) - 2 for chunk in chunks) + len(_END)


def resident(running: Running) -> int:
    """Bytes of memory that a process holds."""
    return _status(running, "VmRSS:")


def peak(running: Running) -> int:
    """The most bytes of memory that it ever held."""
    return _status(running, "VmHWM:")


def _status(running: Running, name: str) -> int:
    lines = Path(f"/proc/{running.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) * 1024


async def ask(port: int, answers: int) -> None:
    """Ask for answers, one after the other on one connection, and throw them away."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = b'{"model": "bench", "stream": true, "messages": [{"role": "user", "content": "Tell me."}]}'
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    for _ in range(answers):
        writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await reader.readuntil(b"\r\n\r\n")
        while size := int(await reader.readuntil(b"\r\n"), 16):
            await reader.readexactly(size + 2)
        await reader.readexactly(2)
    writer.close()


async def measure(answers: int, tokens: int) -> tuple[int, int]:
    """The bytes by which the proxy grew, and the bytes that came."""
    framed, size = body_of(tokens)
    server = await asyncio.get_running_loop().create_server(lambda: Upstream(framed), "127.0.0.1", 0)
    async with server:
        with headless(server.sockets[0].getsockname()[1], "--profile", "capture") as running:
            await ask(running.port, 20)
            before = resident(running)
            await asyncio.gather(*(ask(running.port, answers // _AT_ONCE) for _ in range(_AT_ONCE)))
            await asyncio.sleep(2)
            return resident(running) - before, answers // _AT_ONCE * _AT_ONCE * size


def main() -> None:
    """Measure once, and say it."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.memory", description=__doc__)
    parser.add_argument("--answers", type=int, default=1000)
    parser.add_argument("--tokens", type=int, default=1000)
    given = parser.parse_args()
    grown, came = uvloop.run(measure(given.answers, given.tokens))
    print(f"{given.answers} answers of {given.tokens} tokens with five alternatives: {came / 1e6:.0f} MB came")
    print(f"the proxy grew by {grown / 1e6:.0f} MB, {grown / came:.2f} × that")


if __name__ == "__main__":
    main()
