"""Decoding of content encodings: every coding, any split, and bodies that are not what they say."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.wire.encodings import DecodeError, decoder_for


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def in_two(pack: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Two members, or frames, after each other."""
    return lambda data: pack(data[: len(data) // 2]) + pack(data[len(data) // 2 :])


def zstd_stream(data: bytes) -> bytes:
    """A frame that does not say how long its content is, as servers send it."""
    packer = zstandard.ZstdCompressor().compressobj()
    return packer.compress(data) + packer.flush()


ENCODERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "gzip in members": ("x-gzip", in_two(gzip.compress)),
    "gzip with padding": ("GZIP", lambda data: gzip.compress(data) + bytes(7)),
    "zlib": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstandard.compress),
    "zstd in frames": ("zstd", in_two(zstd_stream)),
    "gzip, br": ("gzip, br", lambda data: brotli.compress(gzip.compress(data))),
    "identity, zstd, gzip": ("identity,zstd , gzip", lambda data: gzip.compress(zstd_stream(data))),
}


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, 1),
    "deflate": lambda data: zlib.compress(data, 1),
    "br": lambda data: bytes(brotli.compress(data, quality=1)),
    "zstd": zstandard.compress,
}


def decode(encoding: str, pieces: list[bytes], limit: int = 1 << 24) -> bytes:
    decoder = decoder_for(encoding, limit)
    assert decoder is not None
    return b"".join(decoder.feed(piece) for piece in pieces) + decoder.close()


@pytest.mark.parametrize("case", ENCODERS)
def test_bytes_come_back_however_they_are_split(case: str) -> None:
    encoding, encode = ENCODERS[case]
    data = b"".join(b'data: {"n": %d}\n\n' % number for number in range(300))
    body = encode(data)
    assert decode(encoding, [body]) == data
    assert decode(encoding, [body[index : index + 1] for index in range(len(body))]) == data


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(sorted(ENCODERS)), st.integers(1, 40))
def test_any_bytes_come_back(data: bytes, case: str, size: int) -> None:
    encoding, encode = ENCODERS[case]
    body = encode(data)
    assert decode(encoding, [body[start : start + size] for start in range(0, len(body), size)]) == data


def flushing(case: str) -> Callable[[bytes], bytes]:
    """An encoder that sends out what it has after every piece, as servers of streams do."""
    if case == "br":
        brotli_packer = brotli.Compressor()
        return lambda data: bytes(brotli_packer.process(data) + brotli_packer.flush())
    if case == "zstd":
        zstd_packer = zstandard.ZstdCompressor().compressobj()
        return lambda data: zstd_packer.compress(data) + zstd_packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    packer = zlib.compressobj(wbits={"gzip": 31, "zlib": 15, "raw deflate": -15}[case])
    return lambda data: packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)


@pytest.mark.parametrize("case", ["gzip", "zlib", "raw deflate", "br", "zstd"])
def test_what_is_flushed_can_be_read_at_once(case: str) -> None:
    decoder = decoder_for(ENCODERS[case][0])
    assert decoder is not None
    encode = flushing(case)
    for event in (b"data: one\n\n", b"data: two\n\n", bytes(200_000)):
        assert decoder.feed(encode(event)) == event


@pytest.mark.parametrize("encoding", ["", "identity", " , Identity"])
def test_nothing_to_decode(encoding: str) -> None:
    assert decoder_for(encoding) is None


@pytest.mark.parametrize("encoding", ["compress", "gzip, x", ",".join(["gzip"] * 6)])
def test_unknown_encodings_are_refused(encoding: str) -> None:
    with pytest.raises(DecodeError):
        decoder_for(encoding)


@pytest.mark.parametrize("case", ENCODERS)
def test_a_bomb_is_stopped(case: str) -> None:
    encoding, encode = ENCODERS[case]
    with pytest.raises(DecodeError, match="more than 1000000 bytes"):
        decode(encoding, [encode(bytes(8_000_000))], limit=1_000_000)


@pytest.mark.parametrize("case", ["gzip", "zlib", "raw deflate", "br", "zstd", "zstd in frames", "gzip, br"])
def test_a_cut_body_gives_what_came_and_an_error(case: str) -> None:
    encoding, encode = ENCODERS[case]
    body = encode(bytes(range(256)) * 4000)[:-1]
    decoder = decoder_for(encoding)
    assert decoder is not None
    came = b"".join(decoder.feed(body[start : start + 7]) for start in range(0, len(body), 7))
    assert (bytes(range(256)) * 4000).startswith(came)
    assert came
    with pytest.raises(DecodeError):
        decoder.close()


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("body", [b'{"error": {"message": "no"}}', b'data: {"choices": []}\n\n', b"<html></html>"])
def test_plain_text_is_no_encoding(encoding: str, body: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(encoding, [body])


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, br"])
def test_an_empty_body_is_empty(encoding: str) -> None:
    assert decode(encoding, []) == b""


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "br, gzip"])
@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_noise_raises_nothing_else(encoding: str, body: bytes) -> None:
    decoder = decoder_for(encoding)
    assert decoder is not None
    try:
        decoder.feed(body)
        decoder.close()
    except DecodeError as error:
        assert str(error)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_body_of_empty_parts_is_stopped(encoding: str) -> None:
    empty = gzip.compress(b"") if encoding == "gzip" else zstandard.compress(b"")
    with pytest.raises(DecodeError, match="more than 4096 parts"):
        decode(encoding, [empty * 200_000])


@pytest.mark.parametrize(
    "encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "zstd, zstd", "br, gzip", "zstd, br"]
)
def test_a_bomb_takes_little_memory_while_it_is_read(encoding: str) -> None:
    body, limit = bytes(96 << 20), 4 << 20
    for name in encoding.split(", "):
        body = PACKERS[name](body)
    assert len(body) < 1 << 20
    tracemalloc.start()
    try:
        with pytest.raises(DecodeError, match=f"more than {limit} bytes"):
            decode(encoding, [body], limit)
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()
