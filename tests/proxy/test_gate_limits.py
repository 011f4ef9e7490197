"""The gate where it hurts: slow clients, odd framings and encodings, keep-alives, events cut anywhere."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import re
import socket
import time
import zlib
from collections.abc import AsyncIterator, Callable

import brotli  # type: ignore[import-untyped]
import httpx
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.model.edits import Edits
from inspector.model.flow import Flow, Reason, Request, Response
from inspector.model.headers import Headers
from inspector.model.message import Growing, Text
from inspector.proxy import gate as gate_module
from inspector.proxy.gate import Gate
from inspector.proxy.guarded import GuardedWatch
from inspector.proxy.held import Holds, Step
from inspector.proxy.hooks import Decision, Halt, Hooks, Instead, Verdict
from inspector.proxy.intake import Intake
from inspector.proxy.outlet import Outlet
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from inspector.wire.event import Event
from tests.proxy.test_gate import EVENTS, SSE, WHOLE, Script, Watching, at, scene, until
from tests.proxy.test_holds import nothing_left
from tests.upstreams import upstream

pytestmark = pytest.mark.anyio

SIGN = b": keep-alive\n\n"


@contextlib.asynccontextmanager
async def raw_client(
    hooks: Hooks | None, *headers: str, request: str = "POST /v1/chat/completions HTTP/1.1", **holds: float
) -> AsyncIterator[tuple[ProxyServer, Script, asyncio.StreamReader]]:
    """A client that reads when the test reads, and an upstream that says what the test says."""
    script, store = Script(headers or (SSE,)), FlowStore()
    async with upstream(script.answer) as behind:
        config = ProxyConfig(port=0, upstream=behind.url)
        async with ProxyServer(config, store, hooks=hooks, holds=Holds(store, **holds)) as server:
            host, _, port = server.address.rpartition(":")
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.connect((host, int(port)))
            reader, writer = await asyncio.open_connection(sock=sock, limit=4096)
            writer.write(f"{request}\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode())
            try:
                yield server, script, reader
            finally:
                writer.transport.abort()


def unchunked(data: bytes) -> bytes:
    """The body of a whole response in chunks."""
    _, _, rest = data.partition(b"\r\n\r\n")
    body = b""
    while rest and not rest.startswith(b"0\r\n"):
        size, _, rest = rest.partition(b"\r\n")
        body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    assert rest == b"0\r\n\r\n"
    return body


async def read_whole(reader: asyncio.StreamReader) -> bytes:
    """All of a response in chunks."""
    data = b""
    async with asyncio.timeout(20):
        while not data.endswith(b"\r\n0\r\n\r\n"):
            data += await reader.read(1 << 20)
    return data


async def test_a_client_that_does_not_read_holds_the_upstream_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_module, "BUFFER", 100_000)
    many = [b'data: {"choices":[],"n":"%s"}\n\n' % (b"x" * 50_000) for _ in range(400)]
    hooks = Watching(lambda event: Halt("start") if event.start == 0 else Verdict.PASS)
    async with raw_client(hooks, keep_alive_every=0.005) as (server, script, reader):
        script.say(*many, None)
        await until(lambda: len(server.holds) == 1)
        [held] = server.holds
        await until(lambda: held.flow.hold is not None and held.flow.hold.waiting_bytes > 100_000)
        held.step(Step.GO_ON)
        [flow] = server.store
        await until(lambda: flow.hold is None)
        assert flow.response is not None
        came = -1
        while came != len(flow.response.body):
            came = len(flow.response.body)
            await asyncio.sleep(0.1)
        assert came < len(b"".join(many)) / 2
        body = unchunked(await read_whole(reader))
        await until(lambda: flow.end is not None)
    assert body.replace(SIGN, b"") == b"".join(many)


async def test_signs_of_life_do_not_pile_up_before_a_client_that_does_not_read() -> None:
    large = b"data: %s\n\n" % (b"x" * 8_000_000)
    hooks = Watching(lambda event: Halt("test") if event.start == 0 else Verdict.PASS)
    async with raw_client(hooks, keep_alive_every=0.001) as (server, script, reader):
        script.say(large, *EVENTS, None)
        await until(lambda: len(server.holds) == 1)
        [held] = server.holds
        flow = held.flow
        await until(lambda: flow.hold is not None and flow.hold.upstream_done and flow.hold.kept_alive > 0)
        held.step(Step.EVENT)
        await until(lambda: held.stream is not None and len(held.stream.waiting) == len(EVENTS))
        assert flow.hold is not None
        before = flow.hold.kept_alive
        for _ in range(50):
            await asyncio.sleep(0.001)
        assert flow.hold.kept_alive == before
        held.step(Step.GO_ON)
        body = unchunked(await read_whole(reader))
        await until(lambda: flow.end is not None)
    assert body.replace(SIGN, b"") == large + WHOLE


async def test_a_stream_held_while_its_client_is_slow_keeps_its_order() -> None:
    parts = [b"data: %d %s\n\n" % (number, b"x" * 400_000) for number in range(20)]
    async with raw_client(None) as (server, script, reader):
        script.say(*parts)
        await until(lambda: len(server.store) == 1)
        [flow] = server.store
        came = 0
        while not came or flow.response is None or came != len(flow.response.body):
            came = len(flow.response.body) if flow.response is not None else 0
            await asyncio.sleep(0.05)
        server.hold(flow)
        await until(lambda: len(server.holds) == 1)
        [held] = server.holds
        for _ in parts:
            held.step(Step.EVENT)
        script.say(None)
        reading = asyncio.ensure_future(read_whole(reader))  # noqa: TID251
        await until(lambda: flow.hold is None or flow.hold.upstream_done)
        held.step(Step.GO_ON)
        assert unchunked(await reading) == b"".join(parts)
        await until(lambda: flow.end is not None)


async def test_no_sign_of_life_inside_an_event() -> None:
    async with scene(keep_alive_every=0.002) as it:
        it.script.say(EVENTS[0] + EVENTS[1][:20])
        await until(lambda: len(it.client.body) == len(EVENTS[0]) + 20)
        [flow] = it.server.store
        it.server.hold(flow)
        held = await it.held()
        assert held.stream is not None and "rest of an event" in held.stream.editable
        for _ in range(20):
            await asyncio.sleep(0.002)
        assert it.client.body == EVENTS[0] + EVENTS[1][:20]
        it.script.say(EVENTS[1][20:])
        await until(lambda: it.client.body.endswith(EVENTS[1] + SIGN))
        assert held.stream.editable == ""
        held.edit(Edits(added=[Text(Growing("and more"))], final=True))
        held.step(Step.GO_ON)
        client, flow = await it.finished()
    assert client.body.replace(SIGN, b"").startswith(EVENTS[0] + EVENTS[1])
    assert Transcripts().of(flow).answer.choices[0].text() == "one and more"


async def test_a_blank_line_behind_a_comment_is_no_beginning_of_an_event() -> None:
    async with scene(keep_alive_every=0.002) as it:
        it.script.say(b": PROCESSING\n\n")
        await until(lambda: it.client.body == b": PROCESSING\n\n")
        [flow] = it.server.store
        it.server.hold(flow)
        held = await it.held()
        await until(lambda: flow.hold is not None and flow.hold.kept_alive > 0)
        it.script.say(*EVENTS, None)
        await until(lambda: held.stream is not None and len(held.stream.waiting) == len(EVENTS))
        held.step(Step.GO_ON)
        client, _ = await it.finished()
    assert client.body.replace(SIGN, b"") == b": PROCESSING\n\n" + WHOLE


async def test_signs_of_life_come_only_while_something_is_kept_back() -> None:
    async with scene(Watching(), keep_alive_every=0.002) as it:
        it.script.say(*EVENTS[:3])
        await until(lambda: it.client.body == b"".join(EVENTS[:3]))
        for _ in range(20):
            await asyncio.sleep(0.002)
        it.script.say(*EVENTS[3:], None)
        client, flow = await it.finished()
    assert client.body == WHOLE and not flow.mutations


async def test_an_upstreams_pings_stay_in_their_place_while_something_is_withheld() -> None:
    ping = b": ping\n\n"
    async with scene(Watching(lambda _: Verdict.WITHHOLD), keep_alive_every=0.002) as it:
        it.script.say(*(each for event in EVENTS for each in (event, ping)))
        await until(lambda: it.client.body.startswith(SIGN))
        it.script.say(None)
        client, flow = await it.finished()
    assert client.body.replace(SIGN, b"") == b"".join(event + ping for event in EVENTS)
    assert [mutation.name for mutation in flow.mutations] == ["keep-alive"]
    assert re.match(r"\d+ × ", flow.mutations[0].after)


async def test_an_upstream_that_sends_nothing_but_comments() -> None:
    comments = [b": %d\n\n" % number for number in range(50)]
    async with scene(Watching(lambda event: Halt("test") if event.data == b"25" else Verdict.PASS)) as it:
        it.script.say(*comments, None)
        (await it.held()).step(Step.GO_ON)
        client, flow = await it.finished()
    assert client.body == b"".join(comments)
    assert flow.end is not None and flow.end.reason is Reason.DONE


async def test_a_document_has_no_signs_of_life_in_it() -> None:
    async with scene(Watching(lambda _: Halt("test")), "Content-Type: application/json", keep_alive_every=0.001) as it:
        it.script.say(b"{}", None)
        held = await it.held()
        await until(lambda: asyncio.get_running_loop().time() > held.since + 0.03)
        held.step(Step.GO_ON)
        assert (await it.finished())[0].body == b"{}"


async def test_nothing_in_the_place_of_an_event_does_not_end_the_answer() -> None:
    def decide(event: Event) -> Decision:
        return Instead((b"",) if b"one" in event.data else (), "test") if b"o" in event.data else Verdict.PASS

    kept = [event for event in EVENTS if b"o" not in event[6:]]
    async with scene(Watching(decide)) as it:
        it.script.say(*EVENTS, None)
        client, flow = await it.finished()
    assert client.body == b"".join(kept) and client.error is None
    assert flow.delivered is not None and bytes(flow.delivered.body) == client.body


def _zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": _zstd,
    "gzip, br": lambda data: brotli.compress(gzip.compress(data)),
}


@pytest.mark.parametrize("coding", CODINGS)
async def test_every_encoding_is_watched_and_stepped_through(coding: str) -> None:
    data = CODINGS[coding](WHOLE)
    async with scene(Watching(at(2)), SSE, f"Content-Encoding: {coding}") as it:
        it.script.say(*(data[start : start + 3] for start in range(0, len(data), 3)), None)
        held = await it.held()
        await until(lambda: it.client.body == b"".join(EVENTS[:2]))
        held.step(Step.EVENT)
        await until(lambda: it.client.body == b"".join(EVENTS[:3]))
        held.step(Step.GO_ON)
        client, flow = await it.finished()
    assert client.body == WHOLE
    assert flow.response is not None and bytes(flow.response.body) == data


async def test_an_encoding_that_nobody_knows_passes_and_says_so() -> None:
    async with scene(Watching(at(0)), SSE, "Content-Encoding: rot13") as it:
        it.script.say(b"qngn: 1\n\n")
        await until(lambda: it.client.body != b"")
        [flow] = it.server.store
        it.server.hold(flow)
        (await it.held()).step(Step.GO_ON)
        it.script.say(b"more", None)
        client, flow = await it.finished()
    assert client.body == b"qngn: 1\n\nmore" and client.headers["content-encoding"] == "rot13"
    assert any("rot13" in note for note in flow.notes)


async def test_an_encoded_answer_that_is_cut_is_delivered_as_far_as_it_goes() -> None:
    data = gzip.compress(WHOLE)
    async with scene(Watching(), SSE, "Content-Encoding: gzip") as it:
        it.script.say(data[:-8], None)
        client, flow = await it.finished()
    assert client.body == WHOLE and client.error is None
    assert any("cut" in note for note in flow.notes)
    assert flow.end is not None and flow.end.reason is Reason.DONE


async def test_an_encoded_answer_that_is_broken_ends_where_it_breaks() -> None:
    hooks = Watching()
    async with scene(hooks, SSE, "Content-Encoding: gzip") as it:
        it.script.say(gzip.compress(WHOLE))
        await until(lambda: it.client.body == WHOLE)
        it.script.say(gzip.compress(WHOLE)[:12] + b"\xff" * 9, None)
        client, flow = await it.finished()
        await nothing_left(it, flow, hooks)
    assert client.body == WHOLE
    assert flow.end is not None


async def test_an_encoded_stream_that_is_held_before_its_first_byte_stays_encoded() -> None:
    data = gzip.compress(WHOLE)
    async with scene(None, SSE, "Content-Encoding: gzip") as it:
        await until(lambda: it.client.status == 200)
        [flow] = it.server.store
        it.server.hold(flow)
        it.script.say(data, None)
        (await it.held()).step(Step.GO_ON)
        client, flow = await it.finished()
    assert client.body == data and flow.delivered is None


async def test_an_event_larger_than_any_reader_takes() -> None:
    large = b'data: {"x":"' + b"y" * (20 << 20) + b'"}\n\n'
    async with scene(Watching(lambda event: Halt("test") if event.note else Verdict.PASS)) as it:
        it.script.say(EVENTS[0], *(large[start : start + (1 << 20)] for start in range(0, len(large), 1 << 20)), None)
        held = await it.held()
        assert held.stream is not None and held.stream.waiting[0].raw == large
        held.step(Step.GO_ON)
        client, flow = await it.finished()
    assert client.body == EVENTS[0] + large
    assert flow.delivered is None


@pytest.mark.parametrize("hooks", [Watching(), None], ids=["gate", "tee"])
async def test_a_client_of_http_1_0_gets_no_chunks(hooks: Hooks | None) -> None:
    async with raw_client(hooks, request="POST /v1/chat/completions HTTP/1.0") as (server, script, reader):
        script.say(*EVENTS, None)
        data = await asyncio.wait_for(reader.read(-1), 10)
        [flow] = server.store
        await until(lambda: flow.end is not None)
    head, _, body = data.partition(b"\r\n\r\n")
    assert body == WHOLE and b"chunked" not in head.lower()
    assert flow.end is not None and flow.end.reason is Reason.DONE


@pytest.mark.parametrize("kind", [SSE, "Content-Type: application/json"])
async def test_a_head_request_is_answered_through_a_watch(kind: str) -> None:
    async def answer(_: object, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\n{kind}\r\nContent-Length: 12\r\n\r\n".encode())

    async with upstream(answer) as behind:
        config = ProxyConfig(port=0, upstream=behind.url)
        async with ProxyServer(config, FlowStore(), hooks=Watching()) as server:
            async with httpx.AsyncClient() as client:
                response = await client.head(f"{server.url}/v1/models")
            [flow] = server.store
            await until(lambda: flow.end is not None)
    assert response.status_code == 200 and response.content == b""
    assert flow.end is not None and flow.end.reason is Reason.DONE


async def test_a_stream_with_a_length_is_stepped_but_not_edited() -> None:
    async def answer(_: object, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\n{SSE}\r\nContent-Length: {len(WHOLE)}\r\n\r\n".encode() + EVENTS[0])
        await go_on.wait()
        writer.write(WHOLE[len(EVENTS[0]) :])

    go_on = asyncio.Event()
    async with upstream(answer) as behind:
        config = ProxyConfig(port=0, upstream=behind.url)
        async with ProxyServer(config, FlowStore()) as server:
            async with httpx.AsyncClient() as client:
                asking = asyncio.ensure_future(client.post(f"{server.url}/v1/chat/completions"))  # noqa: TID251
                await until(lambda: any(flow.response and len(flow.response.body) for flow in server.store))
                [flow] = server.store
                server.hold(flow)
                [held] = server.holds
                go_on.set()
                await until(lambda: flow.hold is not None and flow.hold.upstream_done)
                with pytest.raises(ValueError, match="length"):
                    held.edit(Edits(final=True))
                held.step(Step.GO_ON)
                response = await asking
            await until(lambda: flow.end is not None)
    assert response.content == WHOLE


async def test_to_the_end_stops_nothing_and_still_changes_what_a_hook_changes() -> None:
    def decide(event: Event) -> Decision:
        if b"one" in event.data:
            return Halt("test")
        return Instead((b"data: {}\n\n",), "hook", Halt("again")) if b"two" in event.data else Verdict.PASS

    async with scene(Watching(decide, end="the end")) as it:
        it.script.say(*EVENTS[:2])
        (await it.held()).step(Step.END)
        await until(lambda: it.client.body == b"".join(EVENTS[:2]))
        it.script.say(*EVENTS[2:], None)
        client, _ = await it.finished()
    assert client.body == b"".join([*EVENTS[:2], b"data: {}\n\n", *EVENTS[3:]])


async def test_what_is_shown_is_what_came_while_it_is_held_and_what_was_delivered_after() -> None:
    transcripts = Transcripts()
    async with scene(Watching(at(1))) as it:
        it.script.say(*EVENTS, None)
        held = await it.held()
        flow = held.flow
        await until(lambda: flow.hold is not None and flow.hold.upstream_done)
        assert transcripts.of(flow).answer.choices[0].text() == "one two"
        held.edit(Edits(replaced={0: Text(Growing("three"))}))
        assert transcripts.of(flow).answer.choices[0].text() == "one two"
        held.step(Step.GO_ON)
        await it.finished()
    assert transcripts.of(flow).answer.choices[0].text() == "three"


async def test_a_hold_that_begins_while_a_slow_rule_decides() -> None:
    class Slow(Watching):
        def __init__(self) -> None:
            super().__init__()
            self.asked, self.decided = asyncio.Event(), asyncio.Event()

        def event(self, event: Event) -> Decision:
            return self._event(event)  # type: ignore[return-value]

        async def _event(self, event: Event) -> Decision:
            if b"one" in event.data:
                self.asked.set()
                await self.decided.wait()
            return Verdict.PASS

    hooks = Slow()
    async with scene(hooks) as it:
        it.script.say(WHOLE, None)
        await hooks.asked.wait()
        [flow] = it.server.store
        it.server.hold(flow)
        held = await it.held()
        hooks.decided.set()
        await until(lambda: flow.hold is not None and flow.hold.upstream_done)
        assert held.stream is not None
        assert [item.raw for item in held.stream.waiting] == EVENTS[1:]
        assert [item.part for item in held.stream.waiting] == [0, 0, 1, 1, -1, -1]
        assert it.client.body == EVENTS[0]
        held.step(Step.GO_ON)
        client, _ = await it.finished()
    assert client.body == WHOLE


PIECES = st.lists(st.integers(1, 60), min_size=1, max_size=30)
VERDICTS = st.lists(st.sampled_from(["pass", "withhold", "halt", "instead", "nothing"]), min_size=12, max_size=12)
STEPS = st.lists(st.sampled_from([Step.EVENT, Step.BLOCK, Step.GO_ON]), max_size=6)


@settings(max_examples=60, deadline=None)
@given(PIECES, VERDICTS, STEPS, st.booleans())
def test_what_is_kept_is_what_passed(sizes: list[int], verdicts: list[str], steps: list[Step], crlf: bool) -> None:
    whole = (WHOLE + "data: é€😀\n\n: ping\n\n".encode()).replace(b"\n", b"\r\n" if crlf else b"\n")
    chunks: list[bytes] = []
    start = 0
    while start < len(whole):
        size = sizes[len(chunks) % len(sizes)]
        chunks.append(whole[start : start + size])
        start += size
    sent, flow = asyncio.run(_pass(chunks, verdicts, steps))
    assert flow.response is not None and bytes(flow.response.body) == whole
    assert sent == bytes((flow.delivered or flow.response).body)
    if not {"instead", "nothing"} & set(verdicts):
        assert sent == whole and flow.delivered is None
    assert flow.hold is None


async def _pass(chunks: list[bytes], verdicts: list[str], steps: list[Step]) -> tuple[bytes, Flow]:
    """Send chunks through a gate of its own; what the client got, and the flow."""
    decisions: dict[str, Decision] = {
        "pass": Verdict.PASS,
        "withhold": Verdict.WITHHOLD,
        "halt": Halt("test"),
        "instead": Instead((b"data: 1\n\n", b"data: 2\n\n"), "test"),
        "nothing": Instead((), "test", Verdict.WITHHOLD),
    }
    left = iter(verdicts)
    store, sent = FlowStore(), bytearray()
    flow = Flow("a", Request("POST", "http://x/v1/chat/completions", Headers()), 0.0, time.perf_counter())
    flow.dialect, flow.response = "openai-chat", Response(200, Headers([("content-type", "text/event-stream")]))
    store.add(flow)

    async def send(message: dict[str, bytes]) -> None:
        await asyncio.sleep(0)
        sent.extend(message["body"])

    def write(data: bytes) -> bool:
        if len(sent) % 2:
            return False
        sent.extend(data)
        return True

    async def feed() -> AsyncIterator[bytes]:
        for chunk in chunks:
            await asyncio.sleep(0)
            yield chunk

    async def press() -> None:
        todo = list(steps)
        while True:
            for held in holds:
                held.step(todo.pop(0) if todo else Step.GO_ON)
            await asyncio.sleep(0)

    holds = Holds(store)
    watch = GuardedWatch(flow, Watching(lambda _: decisions[next(left, "pass")]))
    task = asyncio.current_task()
    assert task is not None
    gate = Gate(flow, store, holds, Outlet(flow, write, send), Intake(flow.response.headers), watch, task)
    pressing = asyncio.ensure_future(press())  # noqa: TID251
    try:
        async with asyncio.timeout(10):
            await gate.run(feed())
    finally:
        await gate.close()
        pressing.cancel()
    return bytes(sent), flow


async def test_an_edit_that_cannot_be_carried_on_is_noted_and_the_rest_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scene(Watching(at(1))) as it:
        it.script.say(*EVENTS[:3])
        held = await it.held()
        held.edit(Edits(replaced={0: Text(Growing("three"))}))
        assert isinstance(held.stream, Gate)
        monkeypatch.setattr(held.stream._rewriting._rewriter, "feed", _fail)
        held.step(Step.GO_ON)
        it.script.say(*EVENTS[3:], None)
        client, flow = await it.finished()
    assert client.body == WHOLE and client.error is None
    assert any("not edited: ZeroDivisionError" in note for note in flow.notes)


def _fail(_: Event) -> None:
    raise ZeroDivisionError("oops")
