"""A proxy that is killed, or asked to leave: what is on disk reads back, and what was open is ended."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from inspector.cli.open import following
from inspector.formats.jsonl_reader import BrokenLine, read
from inspector.formats.trace import read_trace
from inspector.model.flow import End, Flow, Reason
from inspector.proxy.tasks import spawn
from inspector.store.flows import FlowStore
from tests.cli.processes import Serving, serving
from tests.handmade import chat_chunks, chat_request
from tests.upstreams import Received, upstream

pytestmark = pytest.mark.anyio

STREAM = b"".join(chat_chunks())
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


KILLS = int(os.environ.get("INSPECTOR_KILLS", "3"))
"""How often a proxy is killed at a random moment: more often where there is time."""
SURE = 0.25
"""Seconds after which what passed is in the session file, whatever happens."""


async def answer(received: Received, writer: asyncio.StreamWriter) -> None:
    """Answer at once, or, where the prompt asks for it, begin and never end."""
    pieces = chat_chunks()
    endless = b"endless" in received.body
    framed = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (pieces[:1] if endless else pieces)]
    writer.write(HEAD + b"".join(framed) + (b"" if endless else b"0\r\n\r\n"))
    await writer.drain()
    if endless:
        await asyncio.Event().wait()


def flows(file: Path) -> list[Flow]:
    """What is on disk, all of which must be readable."""
    with file.open("rb") as lines:
        found = list(read(lines))
    assert not [line for line in found if isinstance(line, BrokenLine)]
    return [flow for flow in found if isinstance(flow, Flow)]


async def ask(client: httpx.AsyncClient, served: Serving, times: int) -> None:
    """Have some answers relayed."""
    for _ in range(times):
        answered = await client.post(f"{served.url}/v1/chat/completions", content=chat_request())
        assert answered.content == STREAM


async def written(file: Path, count: int) -> None:
    """Wait until so many flows are on disk."""
    async with asyncio.timeout(20):
        while not file.exists() or file.read_bytes().count(b"\n") < count:
            await asyncio.sleep(0.01)


async def test_what_was_written_before_a_kill_reads_back_and_the_file_goes_on(tmp_path: Path) -> None:
    file, count = tmp_path / "flows.jsonl", 0
    async with upstream(answer) as up, httpx.AsyncClient(timeout=20) as client:
        for _ in range(2):
            with serving("--upstream", up.url, "--jsonl", file) as served:
                await ask(client, served, 10)
                count += 10
                url = f"{served.url}/v1/chat/completions"
                async with client.stream("POST", url, content=chat_request("endless")) as answered:
                    chunks = answered.aiter_raw()
                    assert await anext(chunks) == chat_chunks()[0]
                    await written(file, count)
                    served.process.send_signal(signal.SIGKILL)
                    with pytest.raises(httpx.TransportError):
                        await anext(chunks)
                served.process.wait(10)
            assert [bytes(flow.response.body) for flow in flows(file) if flow.response] == [STREAM] * count


async def test_whoever_is_asked_to_leave_ends_and_records_what_is_open(tmp_path: Path) -> None:
    file = tmp_path / "flows.jsonl"
    async with upstream(answer) as up, httpx.AsyncClient(timeout=20) as client:
        with serving("--upstream", up.url, "--jsonl", file, "--drain", "0") as served:
            await ask(client, served, 3)
            url = f"{served.url}/v1/chat/completions"
            async with client.stream("POST", url, content=chat_request("endless")) as answered:
                chunks = answered.aiter_raw()
                assert await anext(chunks) == chat_chunks()[0]
                served.process.send_signal(signal.SIGTERM)
                with pytest.raises(httpx.TransportError):
                    await anext(chunks)
    *done, cut = flows(file)
    assert [flow.end.reason for flow in done if flow.end] == [Reason.DONE] * 3
    assert cut.end is not None and cut.end.reason is Reason.SHUTDOWN
    assert cut.response is not None and bytes(cut.response.body) == chat_chunks()[0]


@dataclass
class Outside:
    """What a client saw of a proxy until that was killed, by the clock of its own."""

    came: list[tuple[float, int]] = field(default_factory=list)
    """When the client had so many bytes of the stream, in seconds."""
    ended: list[float] = field(default_factory=list)
    """When it had a whole answer of another request."""
    late: float = 0.0
    """The longest that this machine kept the client itself waiting, in seconds."""


async def dripping(received: Received, writer: asyncio.StreamWriter) -> None:
    """Answer at once, or, where the prompt asks for it, bit by bit and without an end."""
    if b"endless" not in received.body:
        await answer(received, writer)
        return
    writer.write(HEAD)
    for number in range(1_000_000):
        piece = b'data: {"choices":[{"index":0,"delta":{"content":"%d "}}]}\n\n' % number
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        await writer.drain()
        await asyncio.sleep(0.002)


async def watch(outside: Outside) -> None:
    """See how late this machine is."""
    while True:
        due = time.monotonic() + 0.01
        await asyncio.sleep(0.01)
        outside.late = max(outside.late, time.monotonic() - due)


async def keep_asking(client: httpx.AsyncClient, served: Serving, outside: Outside) -> None:
    """One small request after the other."""
    while True:
        await ask(client, served, 1)
        outside.ended.append(time.monotonic())


@pytest.mark.parametrize("moment", range(KILLS))
async def test_what_is_older_than_a_quarter_of_a_second_outlives_a_kill(moment: int, tmp_path: Path) -> None:
    """Whenever it comes; the time that the machine itself stood still is not counted."""
    session, lines, trace = (tmp_path / name for name in ("s.db", "flows.jsonl", "trace.jsonl"))
    outside, after = Outside(), random.uniform(0.3, 1.5)
    async with upstream(dripping) as up, httpx.AsyncClient(timeout=20) as client:
        with serving("--upstream", up.url, "--session", session, "--jsonl", lines, "--trace", trace) as served:
            tasks = [spawn(watch(outside), "watch"), spawn(keep_asking(client, served, outside), "asking")]
            size, url = 0, f"{served.url}/v1/chat/completions"
            async with client.stream("POST", url, content=chat_request("endless")) as answered:
                began = time.monotonic()
                async for chunk in answered.aiter_raw():
                    size += len(chunk)
                    outside.came.append((time.monotonic(), size))
                    if time.monotonic() > began + after:
                        break
                killed = time.monotonic()
                served.process.send_signal(signal.SIGKILL)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            served.process.wait(10)
    gaps = [later - earlier for (earlier, _), (later, _) in zip(outside.came, outside.came[1:], strict=False)]
    sure = killed - SURE - 2 * max(outside.late, *gaps)
    store = FlowStore()
    async with following(session, store):
        async with asyncio.timeout(20):
            while not (ended := [flow for flow in store if b"endless" in bytes(flow.request.body) and not flow.live]):
                await asyncio.sleep(0.01)
        (cut,) = ended
        assert cut.end == End(Reason.INTERRUPTED, "file")
        assert cut.response is not None and bytes(cut.response.body).startswith(b'data: {"choices"')
        assert len(cut.response.body) >= max((size for at, size in outside.came if at < sure), default=0)
        whole = [flow for flow in store if flow.end is not None and flow.end.reason is Reason.DONE]
        assert len(whole) >= sum(at < sure for at in outside.ended)
        assert all(flow.response and bytes(flow.response.body) == STREAM for flow in whole)
    assert all(flow.end and flow.end.reason is Reason.DONE for flow in flows(lines))
    assert len(read_trace(trace)) == trace.read_bytes().count(b"\n")
