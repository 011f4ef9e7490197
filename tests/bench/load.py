"""The load: a paced upstream and its clients, in one process and one event loop, as light as asyncio allows.

Every chunk carries the time at which it was written, so that the client can tell how long it was on its way.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_WORDS = ("The", " quick", " brown", " fox", " jumps", " over", " a", " lazy", " dog", ".")


@dataclass(slots=True)
class Load:
    """How much passes."""

    streams: int = 40
    chunks_per_second: int = 50
    seconds: float = 8.0
    warm_up: float = 2.0
    """Seconds of streaming before anything is counted."""


@dataclass(slots=True)
class Lags:
    """How long chunks were on their way, in ms, of those that were counted."""

    values: list[float] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """The lag that `share` of the chunks stayed below."""
        ordered = sorted(self.values)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def chat_chunk(number: int, sent: float) -> bytes:
    """One Chat Completions chunk with five alternatives for its token, as it stands in a body, framed for HTTP."""
    word = _WORDS[number % len(_WORDS)]
    entry = {"token": word, "logprob": -0.31, "bytes": list(word.encode())}
    alternatives = [
        {"token": f"{word}{i}", "logprob": -0.4 - i, "bytes": list(f"{word}{i}".encode())} for i in range(5)
    ]
    choice = {
        "index": 0,
        "delta": {"content": word},
        "logprobs": {"content": [{**entry, "top_logprobs": alternatives}], "refusal": None},
        "finish_reason": None,
    }
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "bench", "choices": [choice]}
    data = f'data: {{"sent":{sent:.9f},'.encode() + json.dumps(chunk).encode()[1:] + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(data), data)


class _Upstream(asyncio.Protocol):
    """Answers `POST /v1/chat/completions`: a paced stream, or at once where the body says `"stream": false`."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, _, rest = self._buffer.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or b"0")
            if len(rest) < length:
                return
            self._buffer = rest[length:]
            self._answer(rest[:length])

    def _answer(self, body: bytes) -> None:
        assert self._transport is not None
        if b'"stream": false' in body:
            self._transport.write(UNARY)
            return
        self._transport.write(HEAD)
        loop = asyncio.get_running_loop()
        self._tick(loop, loop.time(), 0)

    def _tick(self, loop: asyncio.AbstractEventLoop, start: float, number: int) -> None:
        if self._transport is None:
            return
        if number >= (self._load.seconds + self._load.warm_up) * self._load.chunks_per_second:
            self._transport.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
            return
        self._transport.write(chat_chunk(number, time.perf_counter()))
        at = start + (number + 1) / self._load.chunks_per_second
        loop.call_at(at, self._tick, loop, start, number + 1)


_UNARY_BODY = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "bench",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi. " * 100}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 100, "total_tokens": 110},
    }
).encode()
UNARY = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(_UNARY_BODY) + _UNARY_BODY
)


async def serve(load: Load) -> tuple[asyncio.Server, int]:
    """Start the upstream; gives the server and its port."""
    server = await asyncio.get_running_loop().create_server(lambda: _Upstream(load), "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


def _request(stream: bool, host: str) -> bytes:
    prompt = {"role": "user", "content": "Tell me about the harbour. " * 40}
    body = json.dumps({"model": "bench", "stream": stream, "messages": [prompt]})
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nUser-Agent: bench/1\r\n"
    head += f"Authorization: Bearer sk-bench\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head + body).encode()


class _Client(asyncio.Protocol):
    """Reads one stream and notes each chunk's lag."""

    def __init__(self, lags: Lags, counted_from: float, done: asyncio.Future[None]) -> None:
        self._lags = lags
        self._counted_from = counted_from
        self._done = done
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).write(_request(True, "127.0.0.1"))

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        data = self._rest + data
        at = data.find(b'"sent":')
        while at >= 0 and (comma := data.find(b",", at)) >= 0:
            if now >= self._counted_from:
                self._lags.values.append((now - float(data[at + 7 : comma])) * 1000)
            at = data.find(b'"sent":', comma)
        self._rest = data[at if at >= 0 else max(0, len(data) - 6) :]
        if b"[DONE]" in data and not self._done.done():
            self._done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(ConnectionError("the stream broke off"))


async def stream(load: Load, port: int, at_start: Callable[[], None], at_end: Callable[[], None]) -> Lags:
    """Run all streams at once; calls back where counting starts and ends."""
    loop, lags = asyncio.get_running_loop(), Lags()
    counted_from = time.perf_counter() + load.warm_up + 0.5
    done: list[asyncio.Future[None]] = []
    for number in range(load.streams):
        finished: asyncio.Future[None] = loop.create_future()
        await loop.create_connection(lambda f=finished: _Client(lags, counted_from, f), "127.0.0.1", port)  # type: ignore[misc]
        done.append(finished)
        await asyncio.sleep(0.5 / load.streams if number % 2 else 0)
    await asyncio.sleep(max(0.0, counted_from - time.perf_counter()))
    at_start()
    await asyncio.sleep(load.seconds - 1.0)
    at_end()
    await asyncio.gather(*done)
    return lags


async def unary(port: int, requests: int, connections: int = 4) -> None:
    """Ask for so many answers at once, over a few connections."""

    async def one(share: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(share):
            writer.write(_request(False, "127.0.0.1"))
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
        writer.close()

    await asyncio.gather(*(one(requests // connections) for _ in range(connections)))
