"""Decoding copies of content-encoded bodies, piece by piece, for reading. What is relayed stays encoded.

Content codings: RFC 9110, 8.4.1 (gzip, deflate), RFC 7932 (br), RFC 8878 and RFC 9659 (zstd).
"""

from __future__ import annotations

import zlib
from typing import Protocol

import brotli  # type: ignore[import-untyped]
import zstandard

OUTPUT_LIMIT = 64 * 1024 * 1024
"""Bytes that a decoder gives before it takes its input for a bomb."""

_STEP = 64 * 1024
"""Bytes of output that are asked for at a time."""
_ZSTD_SLICE = 512
"""Bytes of input a step. Four bytes can stand for a block of 128 KiB, and this library's output cannot be bounded."""
_ZSTD_WINDOW = 8 * 1024 * 1024
"""The largest window that RFC 9659 lets a sender use."""
_ZLIB_SLICE = 64 * 1024
"""Bytes of input a step: what stands behind the end of a member is copied for each member."""
_MAX_STACK = 5
_MAX_PARTS = 4096
"""Members or frames of one body. Each costs time, and may be empty; writers in blocks give them 64 KiB."""


class DecodeError(ValueError):
    """A body is not what its content-encoding says, is cut, or grows beyond the limit."""


class Decoder(Protocol):
    """Decodes one body."""

    def feed(self, data: bytes) -> bytes:
        """Take the next encoded bytes; give what they decode to. DecodeError where they do not."""

    def close(self) -> bytes:
        """Take the end of the body; give what was still pending. DecodeError where it was cut."""


def decoder_for(content_encoding: str, limit: int = OUTPUT_LIMIT) -> Decoder | None:
    """A decoder for a `content-encoding` value, which may name several codings; None where nothing is to be done.

    Gives at most `limit` bytes. DecodeError where a coding is unknown.
    """
    names = [name for part in content_encoding.split(",") if (name := part.strip().lower()) not in ("", "identity")]
    if len(names) > _MAX_STACK:
        raise DecodeError(f"{len(names)} content encodings on top of each other")
    decoders = [_single(name, limit) for name in reversed(names)]
    if len(decoders) < 2:
        return decoders[0] if decoders else None
    return _Stack(decoders)


def _single(name: str, limit: int) -> Decoder:
    match name:
        case "gzip" | "x-gzip" | "deflate":
            return _Zlib(name, limit)
        case "br":
            return _Brotli(limit)
        case "zstd":
            return _Zstd(limit)
        case _:
            raise DecodeError(f"unknown content encoding {name!r}")


class _Output:
    """What one feed gives, counted against the limit of the whole body."""

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._limit = limit
        self._total = 0
        self._parts = 0
        self._pieces: list[bytes] = []

    def add(self, piece: bytes) -> None:
        """Add a piece. DecodeError where the body has grown too large."""
        self._total += len(piece)
        if self._total > self._limit:
            raise DecodeError(f"{self._name}: decodes to more than {self._limit} bytes")
        self._pieces.append(piece)

    def begin_part(self) -> None:
        """Count a member or frame. DecodeError where there are too many."""
        self._parts += 1
        if self._parts > _MAX_PARTS:
            raise DecodeError(f"{self._name}: more than {_MAX_PARTS} parts")

    def take(self) -> bytes:
        """What was added since the last call."""
        whole, self._pieces = b"".join(self._pieces), []
        return whole


class _Zlib:
    """gzip, of one or more members, and deflate, with zlib's header (as the RFC says) or without (as some do)."""

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._out = _Output(name, limit)
        self._head = b""
        self._stream: zlib._Decompress | None = None
        self._members = 0
        self._over = False

    def feed(self, data: bytes) -> bytes:
        """Decode the next bytes. What follows the last member, padding mostly, is passed over."""
        for start in range(0, len(data), _ZLIB_SLICE):
            self._feed(data[start : start + _ZLIB_SLICE])
        return self._out.take()

    def _feed(self, data: bytes) -> None:
        while data and not self._over:
            if self._stream is None:
                data = self._head + data
                self._head = data if len(data) < 2 else b""
                if self._head:
                    break
                if self._members and not (data.startswith(b"\x1f\x8b") and self._name != "deflate"):
                    self._over = True
                    break
                self._out.begin_part()
                self._stream = zlib.decompressobj(self._window(data))
            data = self._inflate(self._stream, data)

    def close(self) -> bytes:
        """Give the rest. DecodeError where the body is cut."""
        if self._stream is not None or (self._head and not self._members):
            raise DecodeError(f"{self._name}: the body is cut")
        return b""

    def _window(self, data: bytes) -> int:
        """zlib's `wbits` for what begins here: 31 for gzip, 15 for zlib's header, -15 for none."""
        if self._name != "deflate":
            return 31
        return 15 if data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0 else -15

    def _inflate(self, stream: zlib._Decompress, data: bytes) -> bytes:
        """Decode into the output; give what stands behind the end of the member."""
        more = True
        while more:
            try:
                piece = stream.decompress(data, _STEP)
            except zlib.error as error:
                raise DecodeError(f"{self._name}: {_reason(error)}") from error
            self._out.add(piece)
            if stream.eof:
                self._members += 1
                self._stream = None
                return stream.unused_data
            data = stream.unconsumed_tail
            more = bool(data) or len(piece) == _STEP
        return b""


class _Brotli:
    """br."""

    def __init__(self, limit: int) -> None:
        self._out = _Output("br", limit)
        self._stream = brotli.Decompressor()
        self._started = False

    def feed(self, data: bytes) -> bytes:
        """Decode the next bytes; what follows the end is passed over."""
        self._started = self._started or bool(data)
        more = bool(data)
        while more and not self._stream.is_finished():
            more = self._process(data) or not self._stream.can_accept_more_data()
            data = b""
        return self._out.take()

    def close(self) -> bytes:
        """Give the rest. DecodeError where the body is cut."""
        if self._started and not self._stream.is_finished():
            raise DecodeError("br: the body is cut")
        return b""

    def _process(self, data: bytes) -> bool:
        """Decode one step; False where nothing came of it."""
        try:
            piece: bytes = self._stream.process(data, output_buffer_limit=_STEP)
        except brotli.error as error:
            raise DecodeError(f"br: {_reason(error)}") from error
        self._out.add(piece)
        return bool(piece)


class _Zstd:
    """zstd, of one or more frames."""

    def __init__(self, limit: int) -> None:
        self._out = _Output("zstd", limit)
        self._frame: zstandard.ZstdDecompressionObj | None = None

    def feed(self, data: bytes) -> bytes:
        """Decode the next bytes."""
        for start in range(0, len(data), _ZSTD_SLICE):
            rest = data[start : start + _ZSTD_SLICE]
            while rest:
                rest = self._decompress(rest)
        return self._out.take()

    def close(self) -> bytes:
        """Give the rest. DecodeError where the body is cut."""
        if self._frame is not None:
            raise DecodeError("zstd: the body is cut")
        return b""

    def _decompress(self, data: bytes) -> bytes:
        """Decode into the output; give what stands behind the end of the frame."""
        if self._frame is None:
            self._out.begin_part()
            self._frame = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
        frame = self._frame
        try:
            self._out.add(frame.decompress(data))
        except zstandard.ZstdError as error:
            raise DecodeError(f"zstd: {_reason(error)}") from error
        if not frame.eof:
            return b""
        self._frame = None
        return frame.unused_data


class _Stack:
    """Several codings on top of each other: the last one named was applied last, and is taken off first."""

    def __init__(self, decoders: list[Decoder]) -> None:
        self._decoders = decoders

    def feed(self, data: bytes) -> bytes:
        """Decode the next bytes."""
        for decoder in self._decoders:
            data = decoder.feed(data)
        return data

    def close(self) -> bytes:
        """Give the rest. DecodeError where one of the layers is cut."""
        data = b""
        for decoder in self._decoders:
            data = decoder.feed(data) + decoder.close()
        return data


def _reason(error: Exception) -> str:
    """The last words of a library's message, which say what was wrong."""
    return str(error).rpartition(": ")[2]
