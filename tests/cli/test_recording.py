"""`--jsonl` and `--trace`: what is appended as flows end: over real sockets, on a full disk, under SIGKILL."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import threading
from collections.abc import AsyncIterator
from http.server import ThreadingHTTPServer
from io import BytesIO, RawIOBase
from pathlib import Path
from typing import Any

import click
import httpx
import pytest

from inspector.cli.recording import Recorder, recording
from inspector.formats import EXPORTERS
from inspector.formats.jsonl_reader import BrokenLine, read
from inspector.formats.trace import LiveTrace, TurnRecord, read_trace
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from tests.cli.processes import serving
from tests.cli.test_commands import Model, run
from tests.formats.traces import KEYS, chunk, entry, events, founding_read
from tests.handmade import chat_request, done_chat
from tests.upstreams import Answer, Received, ended, plain, proxy, response, upstream

STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
WORDS = "a\u2028b"
PIECES = [chunk({"content": WORDS}, [entry(WORDS, -0.5)]), chunk({"content": "c"}, [entry("c", -1.0)], "stop")]
PATH = "/v1/chat/completions"


class Disk(RawIOBase):
    """Takes `room` bytes, then no more."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.data = b""

    def write(self, data: Any) -> int:
        """Write what there is room for."""
        taken = bytes(data)[: self.room]
        if not taken:
            raise OSError(28, "No space left on device")
        self.room -= len(taken)
        self.data += taken
        return len(taken)


def test_what_a_full_disk_refuses_is_written_later_whole_and_once() -> None:
    store, disk = FlowStore(), Disk(100)
    for number in range(3):
        store.add(done_chat(f"f{number}"))
    recorder = Recorder(store, EXPORTERS["jsonl"].lines(store, Transcripts()), lambda _: disk)
    for _ in range(2):
        with pytest.raises(OSError, match="No space"):
            recorder.pull()
    assert len(disk.data) == 100
    disk.room = 1 << 20
    while recorder.pull():
        pass
    flows = [flow for flow in read(BytesIO(disk.data)) if not isinstance(flow, BrokenLine)]
    assert [flow.id for flow in flows] == ["f0", "f1", "f2"]
    assert disk.data.count(b"\n") == 3


@pytest.mark.anyio
async def test_the_same_of_a_trace_that_is_written_aside() -> None:
    store, disk, turns = FlowStore(), Disk(100), LiveTrace()
    recorder = Recorder(store, turns.line, lambda _: disk, turns.came)
    for number in range(3):
        store.add(done_chat(f"f{number}"))
    for _ in range(2):
        with pytest.raises(OSError, match="No space"):
            await recorder.pull_aside()
    disk.room = 1 << 20
    store.add(done_chat("f3"))
    while await recorder.pull_aside():
        pass
    assert [json.loads(line)["turn"] for line in disk.data.splitlines()] == [1, 2, 3, 4]
    assert disk.data.endswith(b"\n")


@contextlib.asynccontextmanager
async def traced(to: str, path: Path, **config: Any) -> AsyncIterator[ProxyServer]:
    """A proxy with a trace."""
    set_up = ProxyConfig(port=0, upstream=to, **config)
    async with proxy(config=set_up) as server, recording(server.store, Transcripts(), None, path):
        yield server


async def turn(answer: Answer, path: Path, **config: Any) -> TurnRecord:
    """The record of one request to an upstream that answers so."""
    async with upstream(answer) as up, traced(up.url, path, **config) as server:
        async with httpx.AsyncClient() as client:
            with contextlib.suppress(httpx.TransportError):
                await client.post(server.url + PATH, content=chat_request())
        await ended(server)
    (record,) = read_trace(path)
    assert founding_read(path) == [record]
    assert list(record)[: len(KEYS)] == KEYS
    return record


@pytest.mark.anyio
async def test_a_turn_that_goes_well(tmp_path: Path) -> None:
    body = b"".join(events(*PIECES))
    record = await turn(plain(response(body, "Content-Type: text/event-stream")), tmp_path / "deep" / "er" / "t.jsonl")
    assert (record["completion_tokens"], record["per_token_logps"]) == ([WORDS, "c"], [-0.5, -1.0])
    assert (record["turn"], record["finish_reason"], "partial" in record) == (1, "stop", False)
    assert record["request"] == json.loads(chat_request())
    assert record["timestamp"] > 1.7e9 and 0 < record["latency_s"] < 60


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "kind", "body", "error"),
    [
        ("429 Too Many Requests", "application/json", b'{"error": {"code": 1}}', {"error": {"code": 1}}),
        ("502 Bad Gateway", "text/html", b"<html>no</html>", {"error": "<html>no</html>"}),
        ("500 Oops", "text/event-stream", b"", {}),
    ],
)
async def test_a_turn_that_the_upstream_refuses(
    tmp_path: Path, status: str, kind: str, body: bytes, error: object
) -> None:
    record = await turn(plain(response(body, f"Content-Type: {kind}", status=status)), tmp_path / "t.jsonl")
    told = {"choices": [], "usage": None, "upstream_status": int(status[:3]), "upstream_error": error}
    assert record["response"] == told
    assert "partial" not in record


@pytest.mark.anyio
async def test_an_upstream_that_breaks_off_in_the_middle(tmp_path: Path) -> None:
    body = b"".join(events(PIECES[0], done=False))
    answer = plain(STREAM_HEAD + b"Content-Length: 9999\r\n\r\n" + body)

    async def cut(received: Received, writer: asyncio.StreamWriter) -> None:
        await answer(received, writer)
        writer.transport.abort()

    record = await turn(cut, tmp_path / "t.jsonl")
    assert record.get("partial") is True
    assert (record["completion_tokens"], record["finish_reason"]) == ([WORDS], None)
    assert record["response"]["choices"][0]["message"]["content"] == WORDS


@pytest.mark.anyio
async def test_an_upstream_that_falls_silent(tmp_path: Path) -> None:
    async def silent(_: Received, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    record = await turn(silent, tmp_path / "t.jsonl", request_timeout=0.1)
    assert record["response"]["upstream_status"] is None
    assert "imeout" in record["response"]["upstream_error"]["error"]


@pytest.mark.anyio
async def test_an_upstream_that_is_not_there(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    async with traced(url, tmp_path / "t.jsonl") as server, httpx.AsyncClient() as client:
        assert (await client.post(server.url + PATH, content=chat_request())).status_code == 502
        (flow,) = await ended(server)
    (record,) = read_trace(tmp_path / "t.jsonl")
    assert flow.error
    assert record["response"] == {
        "choices": [],
        "usage": None,
        "upstream_status": None,
        "upstream_error": {"error": flow.error},
    }


@pytest.mark.anyio
async def test_a_client_that_leaves_in_the_middle(tmp_path: Path) -> None:
    body, path = b"".join(events(PIECES[0], done=False)), tmp_path / "t.jsonl"

    async def endless(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD + b"Content-Length: 9999\r\n\r\n" + body)
        await asyncio.Event().wait()

    async with upstream(endless) as up, traced(up.url, path) as server, httpx.AsyncClient() as client:
        async with client.stream("POST", server.url + PATH, content=chat_request()) as answer:
            await anext(aiter(answer.aiter_bytes()))
        await ended(server)
    (record,) = read_trace(path)
    assert record.get("partial") is True and record["per_token_logps"] == [-0.5]


@pytest.mark.anyio
async def test_other_requests_are_no_turns_and_turns_are_written_as_they_end(tmp_path: Path) -> None:
    """The first turn waits for the second; the file has the second while the proxy still runs."""
    later = asyncio.Event()
    body = response(b'{"choices": [{"message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}]}')

    async def answer(received: Received, writer: asyncio.StreamWriter) -> None:
        if b"first" in received.body:
            await later.wait()
        writer.write(body)

    path = tmp_path / "t.jsonl"
    async with upstream(answer) as up, traced(up.url, path) as server, httpx.AsyncClient() as client:
        await client.get(server.url + "/v1/models")
        first = asyncio.ensure_future(client.post(server.url + PATH, content=chat_request("first")))  # noqa: TID251
        async with asyncio.timeout(10):
            while len(server.store) < 2:
                await asyncio.sleep(0.005)
            await client.post(server.url + PATH, content=chat_request("second"))
            while not path.read_bytes():
                await asyncio.sleep(0.005)
        assert [record["turn"] for record in read_trace(path)] == [2]
        later.set()
        await first
    assert [record["turn"] for record in read_trace(path)] == [2, 1]


@pytest.mark.anyio
async def test_a_file_that_ends_in_the_middle_of_a_line_goes_on_with_the_next(tmp_path: Path) -> None:
    paths = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    for path in paths:
        path.write_bytes(b'{"turn":')
    store = FlowStore()
    async with recording(store, Transcripts(), *paths):
        store.add(done_chat())
    for path in paths:
        broken, line = path.read_bytes().splitlines()
        assert broken == b'{"turn":' and json.loads(line)


@pytest.mark.anyio
async def test_one_file_cannot_be_both(tmp_path: Path) -> None:
    with pytest.raises(click.ClickException, match="cannot be both"):
        async with recording(FlowStore(), Transcripts(), tmp_path / "x", tmp_path / "." / "x"):
            raise AssertionError("it began")


def test_a_trace_that_cannot_be_written_is_told_at_once() -> None:
    result = run("serve", "--port", "0", "--trace", "/proc/nowhere/x.jsonl")
    assert result.returncode == 1 and "cannot write /proc/nowhere/x.jsonl" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_killed_proxy_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECTOR_CONFIG", str(tmp_path / "none.toml"))
    path = tmp_path / "t.jsonl"
    with ThreadingHTTPServer(("127.0.0.1", 0), Model) as model, contextlib.ExitStack() as stack:
        threading.Thread(target=model.serve_forever, daemon=True).start()
        stack.callback(model.shutdown)
        served = stack.enter_context(serving("--upstream", f"http://127.0.0.1:{model.server_port}", "--trace", path))
        with httpx.Client() as client:
            for number in range(1000):
                client.post(served.url + PATH, content=chat_request(f"{number} " + "x" * 50_000))
                if path.stat().st_size > 300_000:
                    break
        served.process.send_signal(signal.SIGKILL)
        served.process.wait(10)
    data = path.read_bytes()
    assert data.endswith(b"\n") and len(read_trace(path)) == data.count(b"\n") > 5
