"""What goes wrong with an answer on purpose: it is slow, breaks off, falls silent, or is no JSON."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass

import httpx

from inspector.model.headers import Headers
from inspector.proxy.intake import Intake, is_stream
from inspector.store.summary import CHARACTERS_PER_TOKEN
from inspector.wire.encodings import DecodeError, decoder_for


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with an answer; nothing, by default."""

    tokens_per_second: float | None = None
    """Its pace. An event counts as one token, and so do four bytes of a document."""
    cut_after: int | None = None
    """After so many tokens it breaks off; with `silence` or `malformed`, that is what happens there instead."""
    silence: bool = False
    """Nothing more comes, and the connection stays open."""
    malformed: bool = False
    """A piece of it is no JSON: the second event, where no place is named; of a document, the whole."""

    def __bool__(self) -> bool:
        return self != SOUND

    @property
    def dribbles(self) -> bool:
        """Whether it matters of how many tokens a document is made."""
        return self.tokens_per_second is not None or (self.cut_after is not None and not self.malformed)


SOUND = Fault()
"""Nothing goes wrong."""


class Spoiled(httpx.AsyncByteStream):
    """A body that goes wrong as told. `events`: its pieces are those of a stream; `close` ends what it comes from."""

    def __init__(
        self,
        pieces: Iterable[bytes] | AsyncIterator[bytes],
        fault: Fault,
        *,
        events: bool,
        close: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._pieces = pieces
        self._fault = fault
        self._events = events
        self._close = close

    async def __aiter__(self) -> AsyncIterator[bytes]:
        fault, clock = self._fault, asyncio.get_running_loop().time
        place = self._place()
        begun, gap = clock(), 1 / fault.tokens_per_second if fault.tokens_per_second else 0.0
        number = 0
        async for piece in _each(self._pieces):
            if gap:
                await asyncio.sleep(max(0.0, begun + (number + 1) * gap - clock()))
            if number == place:
                piece = await self._go_wrong(piece)
            yield piece
            number += 1
        if number == place and not fault.malformed:
            await self._go_wrong(b"")

    async def aclose(self) -> None:
        """End what it comes from."""
        if self._close is not None:
            await self._close()

    def _place(self) -> int | None:
        """The piece at which it goes wrong."""
        fault = self._fault
        if fault.malformed:
            return (1 if fault.cut_after is None else fault.cut_after) if self._events else 0
        return 0 if fault.silence and fault.cut_after is None else fault.cut_after

    async def _go_wrong(self, piece: bytes) -> bytes:
        if self._fault.malformed:
            return mangled(piece)
        if self._fault.silence:
            await asyncio.Event().wait()
        raise httpx.ReadError(f"broken off after {self._fault.cut_after} tokens, as told")


def mangled(piece: bytes) -> bytes:
    """The same with its JSON spoiled, and as long: the object's opening brace is gone."""
    return piece.replace(b"{", b" ", 1)


def pieces_of_document(body: bytes, fault: Fault) -> list[bytes]:
    """A document as one piece, or token by token where that matters."""
    size = CHARACTERS_PER_TOKEN if fault.dribbles else len(body) or 1
    return [body[start : start + size] for start in range(0, len(body), size)]


async def pieces_of(response: httpx.Response, headers: Headers, fault: Fault) -> AsyncIterator[bytes]:
    """The pieces of an upstream's answer, decoded: a stream's events, or a document as above.

    httpx.ReadError where it is not in the encoding that it claims.
    """
    assert isinstance(response.stream, httpx.AsyncByteStream)
    pieces = _events(response.stream, headers) if is_stream(headers) else _tokens(response.stream, headers, fault)
    try:
        async for piece in pieces:
            yield piece
    except DecodeError as error:
        raise httpx.ReadError(str(error)) from error


async def _events(chunks: AsyncIterable[bytes], headers: Headers) -> AsyncIterator[bytes]:
    intake = Intake(headers)
    async for chunk in chunks:
        for _, raw in intake.feed(chunk, 0.0):
            yield raw
    for _, raw in intake.close(0.0):
        yield raw
    if intake.tail:
        yield intake.tail


async def _tokens(chunks: AsyncIterable[bytes], headers: Headers, fault: Fault) -> AsyncIterator[bytes]:
    decoder = decoder_for(",".join(headers.all("content-encoding")))
    async for chunk in chunks:
        for piece in pieces_of_document(decoder.feed(chunk) if decoder is not None else chunk, fault):
            yield piece
    for piece in pieces_of_document(decoder.close() if decoder is not None else b"", fault):
        yield piece


async def _each(pieces: Iterable[bytes] | AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if isinstance(pieces, AsyncIterator):
        async for piece in pieces:
            yield piece
    else:
        for piece in pieces:
            yield piece
