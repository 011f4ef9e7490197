"""A proxy that is killed, or asked to leave: what is on disk reads back, and what was open is ended."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import httpx
import pytest

from inspector.formats.jsonl_reader import BrokenLine, read
from inspector.model.flow import Flow, Reason
from tests.cli.processes import Serving, serving
from tests.handmade import chat_chunks, chat_request
from tests.upstreams import Received, upstream

pytestmark = pytest.mark.anyio

STREAM = b"".join(chat_chunks())
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


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
        with serving("--upstream", up.url, "--jsonl", file) as served:
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
