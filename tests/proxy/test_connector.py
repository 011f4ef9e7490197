"""When the connection stood, what held and what added: over real sockets, in order, never against the clock."""

from __future__ import annotations

import asyncio
import ssl
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
import trustme

from inspector.model.flow import Flow, Moment, Reason
from inspector.proxy.held import Step
from inspector.store.timing import Stage, before_upstream, phases
from inspector.store.transcripts import Transcripts
from tests.handmade import chat_chunks, chat_request
from tests.proxy.test_gate import scene
from tests.proxy.test_holds import Stopping, stopped
from tests.upstreams import STREAM_HEAD, Received, chunked, ended, plain, proxy, response, upstream

pytestmark = pytest.mark.anyio


def in_order(flow: Flow) -> None:
    """The milestones of a flow that got its whole answer come in their order."""
    timing, body = flow.timing, flow.response.body if flow.response is not None else None
    assert body is not None and body.chunks
    steps = [0.0, timing.received, timing.forwarded]
    steps += [] if timing.reused else [timing.resolved, timing.reached]
    steps += [timing.connected, timing.head, *body.times, timing.ended]
    assert None not in steps
    assert all(before <= after for before, after in pairwise(steps) if before is not None and after is not None)
    found = phases(flow, Transcripts().of(flow).first_token)
    assert sum(phase.took(0.0) for phase in found) == pytest.approx(timing.ended)


async def test_a_new_connection_has_its_steps_and_the_next_request_finds_it_there() -> None:
    async with upstream(plain(response(b"ok"))) as up, proxy(up.url) as server, httpx.AsyncClient() as client:
        for _ in range(2):
            await client.post(f"{server.url}/v1/x", content=b"{}")
        first, second = await ended(server, 2)
        assert up.received[0].port == up.received[1].port
        assert (first.timing.reused, second.timing.reused) == (False, True)
        assert (second.timing.resolved, second.timing.reached) == (None, None)
        in_order(first)
        in_order(second)


async def test_requests_at_the_same_time_have_connections_of_their_own() -> None:
    gate = asyncio.Event()

    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        await gate.wait()
        writer.write(response(b"ok"))

    async with upstream(answer) as up, proxy(up.url) as server, httpx.AsyncClient() as client:
        async with asyncio.TaskGroup() as group:
            for number in range(3):
                group.create_task(client.post(f"{server.url}/v1/{number}", content=b"{}"))
            async with asyncio.timeout(10):
                while len(up.received) < 3:
                    await asyncio.sleep(0.005)
            gate.set()
        for flow in await ended(server, 3):
            assert flow.timing.reused is False
            in_order(flow)


async def test_a_name_and_tls_are_steps_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    async with upstream(plain(response(b"ok")), tls) as up, proxy(up.url) as server, httpx.AsyncClient() as client:
        await client.post(f"{server.url}/v1/x", content=b"{}")
        (flow,) = await ended(server)
        in_order(flow)
        timing = flow.timing
        assert timing.reached is not None and timing.connected is not None and timing.reached < timing.connected


async def test_a_connection_that_fails_stops_where_it_stood() -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(tls)
    async with upstream(plain(response(b"ok")), tls) as up, proxy(up.url) as server, httpx.AsyncClient() as client:
        assert (await client.post(f"{server.url}/v1/x", content=b"{}")).status_code == 502
        (flow,) = await ended(server)
        assert flow.end is not None and flow.end.reason is Reason.UPSTREAM_UNREACHABLE
        assert flow.timing.reached is not None
        assert (flow.timing.connected, flow.timing.reused) == (None, False)


async def test_a_slow_head_and_a_stall_are_seen_while_they_last() -> None:
    head, rest = asyncio.Event(), asyncio.Event()
    first, *others = chat_chunks()

    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        await head.wait()
        writer.write(STREAM_HEAD + chunked(first))
        await rest.wait()
        writer.write(b"".join(map(chunked, others)) + b"0\r\n\r\n")

    async with upstream(answer) as up, proxy(up.url) as server, httpx.AsyncClient() as client:
        url = f"{server.url}/v1/chat/completions"
        asking = asyncio.ensure_future(client.post(url, content=chat_request()))  # noqa: TID251
        async with asyncio.timeout(10):
            while not up.received:
                await asyncio.sleep(0.005)
        (flow,) = server.store
        last = phases(flow, None)[-1]
        assert (last.stage, last.start, last.end) == (Stage.HEAD, flow.timing.connected, None)
        head.set()
        async with asyncio.timeout(10):
            while flow.response is None or not flow.response.body.chunks:
                await asyncio.sleep(0.005)
        token = Transcripts().of(flow).first_token
        assert [phase.end for phase in phases(flow, token)][-1] is None
        assert phases(flow, token)[-1].stage is Stage.ANSWER
        rest.set()
        await asking
        await ended(server)
        in_order(flow)
        assert phases(flow, token)[-1].stage is Stage.END


@pytest.mark.parametrize("moment", list(Moment))
async def test_held_time_is_told_by_where_it_was_and_is_none_of_what_we_added(moment: Moment) -> None:
    async with scene(Stopping(moment)) as it:
        held = await stopped(it, moment)
        now = [phase for phase in phases(held.flow, None) if phase.end is None]
        assert now[-1].stage is Stage.HELD
        held.step(Step.GO_ON)
        it.script.say(None)
        _, flow = await it.finished()
    timing, ours = flow.timing, before_upstream(flow)
    assert timing.held > 0
    assert timing.held_request == (timing.held if moment is Moment.REQUEST else 0)
    assert timing.held_head == (timing.held if moment is Moment.HEAD else 0)
    assert timing.received is not None and timing.forwarded is not None and ours is not None
    assert ours + (timing.held_request or 0) == pytest.approx(timing.forwarded - timing.received)
    assert (timing.added is None) == (moment is Moment.EVENT), "the one chunk was held there"
    (phase,) = [phase for phase in phases(flow, None) if phase.stage is Stage.HELD]
    assert phase.took(0.0) == pytest.approx(timing.held)
    assert (phase.within is None) == (moment in (Moment.REQUEST, Moment.HEAD))


async def test_what_relaying_the_chunks_took_is_told() -> None:
    body = b"".join(map(chunked, chat_chunks()))
    async with (
        upstream(plain(STREAM_HEAD, body + b"0\r\n\r\n")) as up,
        proxy(up.url) as server,
        httpx.AsyncClient() as client,
    ):
        await client.post(f"{server.url}/v1/chat/completions", content=chat_request())
        (flow,) = await ended(server)
        assert flow.response is not None
        timing, chunks = flow.timing, flow.response.body.chunks
        assert timing.added is not None and timing.added_most is not None
        assert 0 < timing.added_most <= timing.added <= timing.added_most * chunks * 1.000001
        assert server.added_ms is not None


async def test_a_flow_that_never_went_upstream_knows_of_no_connection() -> None:
    async with proxy() as server, httpx.AsyncClient() as client:
        await client.post(f"{server.url}/nowhere", content=b"{}")
        (flow,) = await ended(server)
        assert (flow.timing.connected, flow.timing.reused, flow.timing.added) == (None, None, None)
