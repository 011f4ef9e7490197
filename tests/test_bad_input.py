"""What must not hurt, all the way through: relayed byte for byte, read as far as it goes, written and read back."""

from __future__ import annotations

import gzip
import zlib
from io import BytesIO

import brotli  # type: ignore[import-untyped]
import httpx
import pytest
import zstandard

from inspector.formats.jsonl import flow_to_line
from inspector.formats.jsonl_reader import BrokenLine, read
from inspector.model.flow import Flow
from inspector.model.message import Transcript
from inspector.store.transcripts import Transcripts
from tests.upstreams import ended, plain, proxy, raw_exchange, response, upstream

pytestmark = pytest.mark.anyio

CHUNK = '{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"%s"},"finish_reason":null}]}'
HOSTILE = "a\\u001b[31m\\u202eb[red]\u2028c\u0085d👩‍👩‍👧é"
WORDS = "a\x1b[31m\u202eb[red]\u2028c\u0085d👩‍👩‍👧é"


def event(text: str, end: str = "\n\n") -> bytes:
    """One event of a Chat Completions stream."""
    return f"data: {CHUNK % text}{end}".encode()


STREAMS: dict[str, tuple[bytes, str]] = {
    "plain": (event("one ") + event("two") + b"data: [DONE]\n\n", "one two"),
    "cr": (event("one ", "\r\r") + event("two", "\r\r") + b"data: [DONE]\r\r", "one two"),
    "crlf": (event("one ", "\r\n\r\n") + event("two", "\r\n\r\n") + b"data: [DONE]\r\n\r\n", "one two"),
    "comments": (b": hello\n\n" + event("one") + b":\n\n: keep-alive\n\n" + b"data: [DONE]\n\n", "one"),
    "bom": (b"\xef\xbb\xbf" + event("one") + b"data: [DONE]\n\n", "one"),
    "multi-line data": (event("one").replace(b'"choices"', b'\ndata: "choices"') + b"data: [DONE]\n\n", "one"),
    "no space": (event("one").replace(b"data: ", b"data:") + b"data:[DONE]\n\n", "one"),
    "hostile text": (event(HOSTILE) + b"data: [DONE]\n\n", WORDS),
    "without an end": (event("one") + event("two", ""), "onetwo"),
    "broken in the middle": (event("one") + b"data: {oops\n\n" + event("two") + b"data: [DONE]\n\n", "onetwo"),
    "not UTF-8": (event("one") + b"data: \xff\xfe{\n\n" + b"data: [DONE]\n\n", "one"),
    "five megabytes in one event": (event("x" * 5_000_000) + b"data: [DONE]\n\n", "x" * 5_000_000),
    "nothing": (b"", ""),
    "error in the middle": (
        event("one") + b'data: {"error": {"message": "no more", "type": "server_error"}}\n\n',
        "one",
    ),
}
ENCODERS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


async def through(body: bytes, *headers: str, sent: bytes = b"{}", sent_headers: dict[str, str] | None = None) -> Flow:
    """Let a body pass, and check that it came out as it went in."""
    async with upstream(plain(response(body, *headers))) as up, proxy(up.url) as server, httpx.AsyncClient() as client:
        url = f"{server.url}/v1/chat/completions"
        async with client.stream("POST", url, content=sent, headers=sent_headers) as answered:
            assert b"".join([chunk async for chunk in answered.aiter_raw()]) == body
        assert up.received[0].body == sent
        return (await ended(server))[0]


def understood(flow: Flow) -> Transcript:
    """Interpret a flow, and check that it survives a file."""
    transcript = Transcripts().of(flow)
    line = flow_to_line(flow, transcript)
    (again,) = read(BytesIO(line))
    assert not isinstance(again, BrokenLine)
    assert flow_to_line(again, Transcripts().of(again)) == line
    return transcript


def words(transcript: Transcript) -> str:
    """What the answer says."""
    return transcript.answer.message.text() if transcript.answer.message else ""


@pytest.mark.parametrize("name", STREAMS)
async def test_streams(name: str) -> None:
    body, text = STREAMS[name]
    transcript = understood(await through(body, "Content-Type: text/event-stream"))
    assert words(transcript) == text
    if name in ("broken in the middle", "not UTF-8", "without an end"):
        assert transcript.notes
    if name == "error in the middle":
        assert transcript.answer.error == "server_error: no more"


@pytest.mark.parametrize("encoding", ENCODERS)
async def test_encoded_streams(encoding: str) -> None:
    body = ENCODERS[encoding](STREAMS["hostile text"][0])
    headers = ("Content-Type: text/event-stream", f"Content-Encoding: {encoding}")
    assert words(understood(await through(body, *headers))) == WORDS


@pytest.mark.parametrize("encoding", ENCODERS)
async def test_encoded_streams_that_are_cut(encoding: str) -> None:
    stream = b"".join(event(f"{number} ") for number in range(2000))
    body = ENCODERS[encoding](stream)
    headers = ("Content-Type: text/event-stream", f"Content-Encoding: {encoding}")
    transcript = understood(await through(body[: len(body) // 2], *headers))
    assert transcript.notes


@pytest.mark.parametrize("encoding", [*ENCODERS, "rot13"])
async def test_wrongly_labelled_bodies(encoding: str) -> None:
    headers = ("Content-Type: text/event-stream", f"Content-Encoding: {encoding}")
    transcript = understood(await through(STREAMS["plain"][0], *headers))
    assert any(encoding in note for note in transcript.notes)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"not JSON",
        b"\xff\xfe{",
        b"[1]",
        b"null",
        b'{"model": "m", "messages": [',
        b'{"model": 5, "messages": "x"}',
    ],
)
async def test_requests_that_are_not_what_they_should_be(sent: bytes) -> None:
    transcript = understood(await through(STREAMS["plain"][0], "Content-Type: text/event-stream", sent=sent))
    assert words(transcript) == "one two"


async def test_a_request_that_is_compressed() -> None:
    prompt = b'{"model": "m", "messages": [{"role": "user", "content": "hello"}]}'
    packed = zstandard.ZstdCompressor().compress(prompt)
    headers = {"content-encoding": "zstd", "content-type": "application/json"}
    transcript = understood(await through(b"{}", sent=packed, sent_headers=headers))
    assert (transcript.prompt.model, transcript.prompt.messages[0].text()) == ("m", "hello")


async def test_a_bomb_is_noted_and_bounded() -> None:
    packed = gzip.compress(b"data: " + b"x" * (80 << 20))
    transcript = understood(await through(packed, "Content-Type: text/event-stream", "Content-Encoding: gzip"))
    assert transcript.notes


async def test_garbage_instead_of_http_leaves_the_listener_well() -> None:
    async with upstream(plain(response(b"ok"))) as up, proxy(up.url) as server, httpx.AsyncClient() as client:
        assert (await raw_exchange(server, b"\x16\x03\x01\x02\x00\x01\x00")).startswith(b"HTTP/1.1 400")
        assert (await raw_exchange(server, b"GET / HTTP/1.1\r\nX: \x00\r\n\r\n")).startswith(b"HTTP/1.1 400")
        assert (await client.post(f"{server.url}/v1/x", content=b"{}")).text == "ok"
