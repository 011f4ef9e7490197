"""What must not hurt, all the way through: relayed byte for byte, read as far as it goes, written and read back."""

from __future__ import annotations

import contextlib
import gzip
import zlib
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import brotli  # type: ignore[import-untyped]
import httpx
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inspector.formats.jsonl import flow_to_line
from inspector.formats.jsonl_reader import BrokenLine, read
from inspector.model.flow import Flow
from inspector.model.message import Transcript
from inspector.proxy.held import Holds
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.rules.breakpoints import parse_breakpoint
from inspector.rules.control import Control
from inspector.rules.mocks import MockRule
from inspector.rules.recorded import RecordedAnswers
from inspector.rules.reply_table import parse_reply
from inspector.store.filters import parse
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from tests.handmade import done_chat
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


NO_PROMPTS = [
    b"",
    b"not JSON",
    b"\xff\xfe{",
    b"[1]",
    b"null",
    b'{"model": "m", "messages": [',
    b'{"model": 5, "messages": "x"}',
]


@pytest.mark.parametrize("sent", NO_PROMPTS)
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


@contextlib.asynccontextmanager
async def ruled(to: str, answers: RecordedAnswers | None = None) -> AsyncIterator[tuple[ProxyServer, Control]]:
    """A proxy with rules, whose holds go on at once."""
    store, config = FlowStore(), ProxyConfig(port=0, upstream=to)
    control = Control(store, Transcripts(), holds=Holds(store, release_after=0.01), answers=answers)
    async with ProxyServer(config, store, hooks=control, holds=control.holds) as server:
        yield server, control


@pytest.mark.parametrize("stop", ["event tool:never", 'event text~"t"', "head", "end"])
@pytest.mark.parametrize("name", STREAMS)
async def test_streams_that_are_watched_or_held_come_as_they_were(name: str, stop: str) -> None:
    body, text = STREAMS[name]
    async with (
        upstream(plain(response(body, "Content-Type: text/event-stream"))) as up,
        ruled(up.url) as (server, control),
        httpx.AsyncClient() as client,
    ):
        control.breakpoints.add(stop)
        answered = await client.post(f"{server.url}/v1/chat/completions", content=b"{}")
        (flow,) = await ended(server)
    assert answered.content == body
    assert words(understood(flow)) == text
    assert not [note for note in flow.notes if "passed over" in note]


@pytest.mark.parametrize("sent", NO_PROMPTS)
async def test_requests_that_are_no_prompts_meet_every_rule(sent: bytes) -> None:
    answers = RecordedAnswers([done_chat()])
    async with ruled("http://127.0.0.1:9", answers) as (server, control), httpx.AsyncClient() as client:
        control.sticky.add(b'{"role": "user", "content": "x"}', None)
        control.breakpoints.add("request said:x or method:POST")
        control.mocks.add(MockRule(parse("model:*"), parse_reply({"text": "mocked"})))
        control.mocks.add(MockRule(parse(""), parse_reply({"status": 529}), count=1))
        for _ in range(2):
            answered = await client.post(f"{server.url}/v1/chat/completions", content=sent)
            assert answered.status_code in (200, 502, 529)
            assert answered.json()
        flows = await ended(server, 2)
    assert not [note for flow in flows for note in flow.notes if "passed over" in note]


@settings(max_examples=200, deadline=None)
@given(st.text() | st.text(alphabet='event request.head(end)-:~="\\ \n*<>0tool arg'))
def test_a_breakpoint_that_means_nothing_is_a_value_error(text: str) -> None:
    try:
        found = parse_breakpoint(text)
    except ValueError as error:
        assert str(error)
    else:
        assert str(parse_breakpoint(str(found))) == str(found)


LINES = """
[[mock]]
[[sticky]]
[[breakpoint]]
[mock]
reply = 'x'
reply = {status = 529}
reply = {text = 1}
when = 'end'
when = 'x:'
when = 5
before = '{}'
before = 'x'
count = 1
count = nan
seed = 1e400
on = true
on = 2020-01-01
probability = -1
[
""".splitlines()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text() | st.lists(st.sampled_from(LINES)).map("\n".join))
def test_rules_that_mean_nothing_are_a_value_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(text, encoding="utf-8")
    try:
        Control(FlowStore(), Transcripts(), keep=file)
    except ValueError as error:
        assert str(error).startswith(f"{file}: ")


@pytest.mark.parametrize("text", ["x = " + "[" * 20_000, "[[mock]]\nreply = " + "{a=" * 20_000, "[[mock]]\n" * 20_000])
def test_rules_that_are_deep_or_many_are_a_value_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"rules\.toml: "):
        Control(FlowStore(), Transcripts(), keep=file)
