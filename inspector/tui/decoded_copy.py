"""A body that grows, decoded for reading, piece by piece as it comes."""

from __future__ import annotations

from inspector.model.flow import Capture
from inspector.model.headers import Headers
from inspector.wire.encodings import DecodeError, Decoder, decoder_for

STEP = 1 << 20
"""Bytes that one call of `update` takes at most."""


class DecodedCopy:
    """What a body says, as far as it came. Where it cannot be decoded, `note` says why, and the bytes stand undecoded.

    Without a content encoding nothing is copied: `data` is then the body's own.
    """

    def __init__(self, headers: Headers, body: Capture) -> None:
        self.note = ""
        self.encoding = ",".join(headers.all("content-encoding"))
        self._body = body
        self._chunks = 0
        self._closed = False
        self._decoder: Decoder | None = None
        try:
            self._decoder = decoder_for(self.encoding)
        except DecodeError as error:
            self.note = str(error)
        self.data = bytearray() if self._decoder is not None else body.data

    @property
    def behind(self) -> bool:
        """Whether there are bytes that `update` did not take yet."""
        return self._chunks < self._body.chunks

    def update(self, ended: bool) -> list[tuple[bytes, float]]:
        """Take the next chunks; give what they decode to, each with its time in ms since the flow's start."""
        pieces: list[tuple[bytes, float]] = []
        taken = 0
        while self.behind and taken < STEP:
            chunk, at = self._body.chunk(self._chunks), self._body.times[self._chunks]
            self._chunks += 1
            taken += len(chunk)
            pieces.append((self._decoded(chunk), at))
        if ended and not self.behind and not self._closed:
            self._closed = True
            pieces.append((self._rest(), self._body.times[-1] if self._body.chunks else 0.0))
        return [(piece, at) for piece, at in pieces if piece]

    def read(self, ended: bool) -> None:
        """As `update`, for those who look only at `data`: what need not be decoded is not copied either."""
        if self._decoder is None:
            self._chunks = self._body.chunks
        else:
            self.update(ended)

    def _decoded(self, chunk: bytes) -> bytes:
        if self._decoder is None:
            return chunk
        try:
            piece = self._decoder.feed(chunk)
        except DecodeError as error:
            return self._failed(error)
        self.data += piece
        return piece

    def _rest(self) -> bytes:
        if self._decoder is None:
            return b""
        try:
            piece = self._decoder.close()
        except DecodeError as error:
            return self._failed(error)
        self.data += piece
        return piece

    def _failed(self, error: DecodeError) -> bytes:
        """Show what was decoded; where that is nothing, the bytes that came are shown in its place."""
        self.note = str(error)
        self._decoder = None
        if self.data:
            self._chunks = self._body.chunks
            return b""
        self.data = self._body.data
        return b"".join(self._body.chunk(index) for index in range(self._chunks))
