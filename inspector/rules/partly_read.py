"""Looking into an upstream's body before the client gets it: what was read is given again, in its place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import httpx

PEEK = 256 * 1024
"""Bytes of a body that are looked at."""


class PartlyRead(httpx.AsyncByteStream):
    """A body of which a part was read already. `error` is what broke it off there; `stream` is closed with it."""

    def __init__(
        self, read: Sequence[bytes], rest: AsyncIterator[bytes], error: Exception | None, stream: httpx.AsyncByteStream
    ) -> None:
        self._read = read
        self._rest = rest
        self._error = error
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._read:
            yield chunk
        if self._error is not None:
            raise self._error
        async for chunk in self._rest:
            yield chunk

    async def aclose(self) -> None:
        """End what it comes from."""
        await self._stream.aclose()


async def peek(response: httpx.Response, limit: int = PEEK) -> bytes:
    """A response's body, as it came, up to the chunk with which it has `limit` bytes, or to where it breaks off. The
    response has all of it still.
    """
    if response.is_stream_consumed:
        return response.content
    assert isinstance(response.stream, httpx.AsyncByteStream)
    stream, rest = response.stream, aiter(response.stream)
    read: list[bytes] = []
    error: Exception | None = None
    try:
        while sum(map(len, read)) < limit and (chunk := await anext(rest, None)) is not None:
            read.append(chunk)
    except httpx.TransportError as broken:
        error = broken
    response.stream = PartlyRead(read, rest, error, stream)
    return b"".join(read)
