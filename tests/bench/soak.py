"""A week in a few minutes: `python -m tests.bench.soak [--flows N] [--size BYTES] [--screen]`.

Small flows pass, one after the other on a few connections, with a session file. For each thousand of them it is told
what a flow cost the proxy in CPU, and how large its process is: both must be the same at the end as at the beginning.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import uvloop

from tests.bench.contenders import Running, headless, with_screen
from tests.bench.memory import Upstream, body_of, peak, resident

EACH = 1000
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Thousand:
    """What a thousand flows took."""

    cpu_us: float
    """CPU of the proxy for a flow."""
    resident: int
    """Bytes that its process has after them."""


def request(number: int, size: int) -> bytes:
    """A request whose prompt is unlike all others, and has about so many bytes."""
    words = f"{number} is a number like {number * 7919} "
    said = (words * (size // len(words) + 1))[:size]
    body = b'{"model": "bench", "stream": true, "messages": [{"role": "user", "content": "%b"}]}' % said.encode()
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    head += f"Authorization: Bearer sk-{'a' * 48}\r\nX-Request: {number}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def ask(port: int, numbers: range, size: int) -> None:
    """Ask for answers on one connection, and throw them away."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in numbers:
        writer.write(request(number, size))
        await reader.readuntil(b"\r\n\r\n")
        while length := int(await reader.readuntil(b"\r\n"), 16):
            await reader.readexactly(length + 2)
        await reader.readexactly(2)
    writer.close()


async def soak(running: Running, flows: int, size: int) -> AsyncIterator[Thousand]:
    """Let flows pass; tells of each thousand."""
    before = running.cpu()
    for start in range(0, flows, EACH):
        numbers = range(start, start + EACH)
        await asyncio.gather(*(ask(running.port, numbers[share::_AT_ONCE], size) for share in range(_AT_ONCE)))
        spent = running.cpu()
        yield Thousand((spent - before) / EACH * 1e6, resident(running))
        before = spent


async def measure(
    contender: Callable[..., AbstractContextManager[Running]], flows: int, size: int, tokens: int
) -> tuple[list[Thousand], int]:
    """Run it all; gives each thousand, and the most bytes that the process ever had."""
    framed, _ = body_of(tokens)
    server = await asyncio.get_running_loop().create_server(lambda: Upstream(framed), "127.0.0.1", 0)
    rows: list[Thousand] = []
    with tempfile.TemporaryDirectory() as folder:
        async with server:
            session = str(Path(folder) / "session.db")
            with contender(server.sockets[0].getsockname()[1], "--session", session) as running:
                async for row in soak(running, flows, size):
                    rows.append(row)
                    print(f"{len(rows) * EACH:7} {row.cpu_us:6.0f} µs {row.resident / 2**20:6.1f} MiB", file=sys.stderr)
                return rows, peak(running)


def main() -> None:
    """Measure once, and say it."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak", description=__doc__)
    parser.add_argument("--flows", type=int, default=200_000)
    parser.add_argument("--size", type=int, default=200, help="bytes of a prompt")
    parser.add_argument("--tokens", type=int, default=2, help="tokens of an answer")
    parser.add_argument("--screen", action="store_true", help="with the screen live")
    given = parser.parse_args()
    rows, most = uvloop.run(measure(with_screen if given.screen else headless, given.flows, given.size, given.tokens))
    first, last = rows[min(1, len(rows) - 1)], rows[-1]
    ratio = sum(row.cpu_us for row in rows[-3:]) / sum(row.cpu_us for row in rows[1:4])
    grown = (last.resident - first.resident) / max(1, len(rows) - 2) / EACH
    print(f"{given.flows} flows: {first.cpu_us:.0f} µs of CPU each at first, {last.cpu_us:.0f} at last: {ratio:.2f} ×")
    print(f"{first.resident / 2**20:.0f} MiB at first, {last.resident / 2**20:.0f} at last, {most / 2**20:.0f} at most")
    print(f"{grown:.0f} bytes more for each flow")


if __name__ == "__main__":
    main()
