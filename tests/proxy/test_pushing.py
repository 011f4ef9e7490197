"""Bodies whose pieces are handed on as they come: nothing is lost, doubled or out of order, wherever one stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.proxy.upstream import AiohttpTransport, Body
from tests.upstreams import STREAM_HEAD, Answer, Received, chunked, plain, response, upstream

pytestmark = pytest.mark.anyio

PIECES = [b"<%d>" % number for number in range(40)]
END = b"0\r\n\r\n"


@asynccontextmanager
async def body_of(answer: Answer) -> AsyncIterator[Body]:
    """The body of an upstream's answer, and nobody reads it yet."""
    transport = AiohttpTransport()
    async with upstream(answer) as up:
        answered = await transport.handle_async_request(httpx.Request("GET", up.url))
        assert isinstance(answered.stream, Body)
        yield answered.stream
        await answered.aclose()
        await transport.aclose()


def in_two(more: asyncio.Event) -> Answer:
    """An answer in two pieces, the second when it is let come."""

    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD + chunked(b"first"))
        await more.wait()
        writer.write(chunked(b"second") + END)

    return answer


def until(taken: list[bytes], count: int) -> Callable[[bytes], bool]:
    """Take pieces until there are so many."""

    def take(piece: bytes) -> bool:
        taken.append(piece)
        return len(taken) < count

    return take


async def test_each_piece_is_handed_on_when_it_comes() -> None:
    more = asyncio.Event()
    taken: list[bytes] = []
    async with body_of(in_two(more)) as body:
        pushing = asyncio.ensure_future(body.push(until(taken, 100)))  # noqa: TID251
        async with asyncio.timeout(10):
            while taken != [b"first"]:
                await asyncio.sleep(0.002)
        more.set()
        assert not await pushing
    assert taken == [b"first", b"second"]


@settings(max_examples=25, deadline=None)
@given(stops=st.lists(st.integers(1, 9), max_size=8), at_once=st.integers(1, len(PIECES)))
def test_who_stops_gets_the_rest_later(stops: list[int], at_once: int) -> None:
    """By pushing, or by reading as any other body is read."""
    groups = [PIECES[start : start + at_once] for start in range(0, len(PIECES), at_once)]
    writes = [b"".join(map(chunked, group)) for group in groups]

    async def go() -> bytes:
        taken: list[bytes] = []
        async with body_of(plain(STREAM_HEAD, *writes, END)) as body:
            for count in stops:
                if not await body.push(until(taken, len(taken) + count)):
                    return b"".join(taken)
            return b"".join(taken) + b"".join([piece async for piece in body])

    assert asyncio.run(go()) == b"".join(PIECES)


async def test_what_a_taker_raises_is_raised_to_who_reads() -> None:
    def take(_: bytes) -> bool:
        raise RuntimeError("no room")

    async with body_of(plain(response(b"ok"))) as body:
        with pytest.raises(RuntimeError, match="no room"):
            await body.push(take)


async def test_a_body_that_breaks_off_raises_when_all_was_handed_on() -> None:
    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD + chunked(b"all"))
        await writer.drain()
        writer.close()

    taken: list[bytes] = []
    async with body_of(answer) as body:
        with pytest.raises(httpx.ReadError, match="broke off"):
            await body.push(until(taken, 100))
    assert taken == [b"all"]


async def test_an_empty_body_ends_at_once() -> None:
    async with body_of(plain(b"HTTP/1.1 204 No Content\r\n\r\n")) as body:
        assert not await body.push(until([], 1))


async def test_who_is_cancelled_takes_nothing_more() -> None:
    more = asyncio.Event()
    taken: list[bytes] = []
    async with body_of(in_two(more)) as body:
        pushing = asyncio.ensure_future(body.push(until(taken, 100)))  # noqa: TID251
        async with asyncio.timeout(10):
            while not taken:
                await asyncio.sleep(0.002)
        pushing.cancel()
        more.set()
        with pytest.raises(asyncio.CancelledError):
            await pushing
        rest = [piece async for piece in body]
    assert (taken, rest) == ([b"first"], [b"second"])
