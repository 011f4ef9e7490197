"""A body that was looked into is still whole."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from inspector.rules.partly_read import peek

pytestmark = pytest.mark.anyio


class Body(httpx.AsyncByteStream):
    """Pieces, and perhaps an error behind them."""

    def __init__(self, pieces: list[bytes], error: Exception | None = None) -> None:
        self.pieces, self.error, self.given, self.closed = pieces, error, 0, False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            self.given += 1
            yield piece
        if self.error is not None:
            raise self.error

    async def aclose(self) -> None:
        """Remember it."""
        self.closed = True


async def rest_of(response: httpx.Response) -> list[bytes]:
    assert isinstance(response.stream, httpx.AsyncByteStream)
    return [piece async for piece in response.stream]


async def test_no_more_is_read_than_is_looked_at_and_nothing_is_lost() -> None:
    body = Body([b"ab", b"", b"cd", b"ef", b"gh"])
    response = httpx.Response(400, stream=body)
    assert await peek(response, 3) == b"abcd" and body.given == 3
    assert await peek(response, 5) == b"abcdef", "once more, and further"
    assert await rest_of(response) == [b"ab", b"", b"cd", b"ef", b"gh"]
    await response.aclose()
    assert body.closed


async def test_what_breaks_off_breaks_off_again_at_its_place() -> None:
    response = httpx.Response(500, stream=Body([b"ab"], httpx.ReadError("gone")))
    assert await peek(response) == b"ab"
    assert isinstance(response.stream, httpx.AsyncByteStream)
    pieces = aiter(response.stream)
    assert await anext(pieces) == b"ab"
    with pytest.raises(httpx.ReadError, match="gone"):
        await anext(pieces)


async def test_a_body_that_was_read_already_is_given_as_it_is() -> None:
    response = httpx.Response(400, content=b"abc")
    assert await peek(response, 1) == b"abc" and response.content == b"abc"
