"""Answers that are held: by event, by block, at their end, by hand; with real sockets on both sides."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import httpx
import pytest

from inspector.model.flow import Flow, Moment, Reason, State
from inspector.proxy import gate as gate_module
from inspector.proxy.held import Held, Holds, Step
from inspector.proxy.hooks import Context, Decision, Halt, Hooks, Instead, Verdict, Watch
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.store.flows import FlowStore
from inspector.wire.event import Event
from tests.upstreams import Received, Upstream, upstream

pytestmark = pytest.mark.anyio

SSE = "Content-Type: text/event-stream"
EVENTS = [
    b'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n',
    b'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"one "}}]}\n\n',
    b'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"two"}}]}\n\n',
    b'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t","type":"function",'
    b'"function":{"name":"Bash","arguments":""}}]}}]}\n\n',
    b'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":'
    b'{"arguments":"{}"}}]}}]}\n\n',
    b'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}\n\n',
    b"data: [DONE]\n\n",
]
WHOLE = b"".join(EVENTS)


@dataclass
class Script:
    """An upstream's answer, written when the test says so: a chunk, None for its end, an exception for a reset."""

    headers: tuple[str, ...] = (SSE,)
    chunks: asyncio.Queue[bytes | Exception | None] = field(default_factory=asyncio.Queue)

    def say(self, *chunks: bytes | Exception | None) -> None:
        """Write chunks, one after the other."""
        for chunk in chunks:
            self.chunks.put_nowait(chunk)

    async def answer(self, _: Received, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        writer.write("\r\n".join(["HTTP/1.1 200 OK", *self.headers, "Transfer-Encoding: chunked", "", ""]).encode())
        while (chunk := await self.chunks.get()) is not None:
            if isinstance(chunk, Exception):
                writer.transport.abort()
                return
            writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            await writer.drain()
        writer.write(b"0\r\n\r\n")


class Watching(Hooks):
    """Hooks whose watch decides by a function of the event."""

    def __init__(
        self, decide: Callable[[Event], Decision] = lambda _: Verdict.PASS, head: str = "", end: str = ""
    ) -> None:
        self.decide = decide
        self.at_head = head
        self.at_end = end
        self.ended: list[Flow] = []

    def watch(self, context: Context, response: httpx.Response) -> Watch | None:
        """This is the watch, too."""
        return self

    def head(self) -> str:
        """As told."""
        return self.at_head

    def event(self, event: Event) -> Decision:
        """As told."""
        return self.decide(event)

    def end(self) -> str:
        """As told."""
        return self.at_end

    def done(self, flow: Flow) -> None:
        """Remember it."""
        self.ended.append(flow)


class Client:
    """Reads an answer as it comes."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.body = b""
        self.status = 0
        self.headers = httpx.Headers()
        self.error: Exception | None = None

    async def run(self) -> Client:
        """Ask, and read to the end."""
        try:
            async with (
                httpx.AsyncClient(timeout=20) as client,
                client.stream("POST", f"{self.url}/v1/chat/completions", json={"stream": True}) as response,
            ):
                self.status, self.headers = response.status_code, response.headers
                async for chunk in response.aiter_raw():
                    self.body += chunk
        except httpx.TransportError as error:
            self.error = error
        return self


@dataclass
class Scene:
    """A client, a proxy and an upstream."""

    server: ProxyServer
    script: Script
    behind: Upstream
    client: Client
    reading: asyncio.Task[Client]

    async def held(self, moment: Moment = Moment.EVENT) -> Held:
        """The hold, once there is one."""
        await until(lambda: len(self.server.holds) == 1)
        [held] = self.server.holds
        assert held.moment is moment
        return held

    async def finished(self) -> tuple[Client, Flow]:
        """The client and the flow, when both are done."""
        client = await asyncio.wait_for(self.reading, 10)
        [flow] = self.server.store
        await until(lambda: flow.end is not None)
        assert len(self.server.holds) == 0
        assert flow.hold is None
        return client, flow


async def until(true: Callable[[], bool]) -> None:
    """Wait until something is so, ten seconds at most."""
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.002)


@contextlib.asynccontextmanager
async def scene(hooks: Hooks | None = None, *headers: str, **holds: float) -> AsyncIterator[Scene]:
    """Begin a request, and run everything that it meets."""
    script, store = Script(headers or (SSE,)), FlowStore()
    async with upstream(script.answer) as behind:
        config = ProxyConfig(port=0, upstream=behind.url)
        async with ProxyServer(config, store, hooks=hooks, holds=Holds(store, **holds)) as server:
            client = Client(server.url)
            reading = asyncio.ensure_future(client.run())  # noqa: TID251
            yield Scene(server, script, behind, client, reading)
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading


def at(*indices: int) -> Callable[[Event], Decision]:
    """Halt before these events of `EVENTS`."""
    starts = {sum(map(len, EVENTS[:index])) for index in indices}
    return lambda event: Halt("test") if event.start in starts else Verdict.PASS


async def test_what_passes_goes_on_as_it_came_wherever_it_is_cut() -> None:
    async with scene(Watching()) as it:
        it.script.say(*(WHOLE[start : start + 7] for start in range(0, len(WHOLE), 7)), b": behind\n", None)
        client, flow = await it.finished()
    assert client.body == WHOLE + b": behind\n"
    assert flow.response is not None and bytes(flow.response.body) == client.body
    assert flow.delivered is None and not flow.mutations
    assert flow.end is not None and flow.end.reason is Reason.DONE


async def test_a_halt_keeps_an_event_and_all_behind_it_back() -> None:
    hooks = Watching(at(2))
    async with scene(hooks) as it:
        it.script.say(*EVENTS, None)
        held = await it.held()
        await until(lambda: it.client.body == b"".join(EVENTS[:2]))
        await until(lambda: held.flow.hold is not None and held.flow.hold.upstream_done)
        assert held.flow.state is State.HELD
        assert held.flow.hold is not None and held.flow.hold.waiting == 5
        assert held.stream is not None
        assert [item.raw for item in held.stream.waiting] == EVENTS[2:]
        assert held.stream.delivered.answer.choices[0].text() == "one "
        held.step(Step.GO_ON)
        client, flow = await it.finished()
    assert client.body == WHOLE and client.error is None
    assert flow.timing.held > 0
    assert hooks.ended == [flow]


async def test_steps_go_by_event_and_by_block() -> None:
    async with scene(Watching(at(1))) as it:
        it.script.say(*EVENTS[:3])
        held = await it.held()
        held.step(Step.EVENT)
        await until(lambda: it.client.body == b"".join(EVENTS[:2]))
        held.step(Step.EVENT)
        held.step(Step.EVENT)
        await until(lambda: it.client.body == b"".join(EVENTS[:3]))
        it.script.say(*EVENTS[3:], None)
        await until(lambda: it.client.body == b"".join(EVENTS[:4]))
        assert held.stream is not None
        assert [item.part for item in held.stream.waiting] == [1, -1, -1]
        held.step(Step.BLOCK)
        await until(lambda: it.client.body == b"".join(EVENTS[:5]))
        held.step(Step.BLOCK)
        client, flow = await it.finished()
    assert client.body == WHOLE
    assert flow.end is not None and flow.end.reason is Reason.DONE


async def test_a_block_is_stepped_through_while_it_is_still_being_written() -> None:
    async with scene(Watching(at(1))) as it:
        it.script.say(*EVENTS[:2])
        held = await it.held()
        held.step(Step.BLOCK)
        await until(lambda: it.client.body == b"".join(EVENTS[:2]))
        it.script.say(EVENTS[2], EVENTS[3])
        await until(lambda: it.client.body == b"".join(EVENTS[:3]))
        await until(lambda: held.stream is not None and len(held.stream.waiting) == 1)
        held.step(Step.GO_ON)
        it.script.say(*EVENTS[4:], None)
        assert (await it.finished())[0].body == WHOLE


async def test_to_the_end_means_past_every_other_halt() -> None:
    async with scene(Watching(at(1, 3, 4))) as it:
        it.script.say(*EVENTS[:5])
        (await it.held()).step(Step.GO_ON)
        await until(lambda: it.client.body == b"".join(EVENTS[:3]))
        (await it.held()).step(Step.END)
        await until(lambda: it.client.body == b"".join(EVENTS[:5]))
        it.script.say(*EVENTS[5:], None)
        assert (await it.finished())[0].body == WHOLE


async def test_what_is_withheld_goes_with_the_next_event_that_passes() -> None:
    tools = [EVENTS[3], EVENTS[4]]
    starts = {WHOLE.index(event) for event in tools}
    async with scene(Watching(lambda event: Verdict.WITHHOLD if event.start in starts else Verdict.PASS)) as it:
        it.script.say(*EVENTS[:5])
        await until(lambda: it.client.body == b"".join(EVENTS[:3]))
        [flow] = it.server.store
        await until(lambda: flow.response is not None and len(flow.response.body) == len(b"".join(EVENTS[:5])))
        assert it.client.body == b"".join(EVENTS[:3])
        it.script.say(*EVENTS[5:], None)
        assert (await it.finished())[0].body == WHOLE


async def test_a_halt_inside_what_is_withheld_holds_before_all_of_it() -> None:
    def decide(event: Event) -> Decision:
        starts = [sum(map(len, EVENTS[:index])) for index in range(len(EVENTS))]
        index = starts.index(event.start)
        return Halt("rm") if index == 4 else Verdict.WITHHOLD if index == 3 else Verdict.PASS

    async with scene(Watching(decide)) as it:
        it.script.say(*EVENTS[:5])
        held = await it.held()
        await until(lambda: held.stream is not None and len(held.stream.waiting) == 2)
        await until(lambda: it.client.body == b"".join(EVENTS[:3]))
        held.step(Step.GO_ON)
        it.script.say(*EVENTS[5:], None)
        assert (await it.finished())[0].body == WHOLE


async def test_at_its_end_nothing_of_the_answer_is_with_the_client() -> None:
    async with scene(Watching(lambda _: Verdict.WITHHOLD, end="the end")) as it:
        it.script.say(*EVENTS, None)
        held = await it.held(Moment.END)
        assert it.client.body == b""
        assert held.stream is not None and len(held.stream.waiting) == len(EVENTS)
        held.step(Step.GO_ON)
        assert (await it.finished())[0].body == WHOLE


async def test_other_bytes_in_the_place_of_an_event_stand_beside_the_upstreams() -> None:
    def decide(event: Event) -> Decision:
        return Instead((b'data: {"x":1}\n\n',), "test") if b"two" in event.data else Verdict.PASS

    async with scene(Watching(decide)) as it:
        it.script.say(*EVENTS, None)
        client, flow = await it.finished()
    assert client.body == b"".join([*EVENTS[:2], b'data: {"x":1}\n\n', *EVENTS[3:]])
    assert flow.response is not None and bytes(flow.response.body) == WHOLE
    assert flow.delivered is not None and bytes(flow.delivered.body) == client.body
    assert len(flow.delivered.body.times) == flow.delivered.body.chunks
    assert [(mutation.name, mutation.by) for mutation in flow.mutations] == [("event", "test")]


async def test_a_waiting_event_can_be_given_other_bytes() -> None:
    async with scene(Watching(at(2))) as it:
        it.script.say(*EVENTS, None)
        held = await it.held()
        await until(lambda: held.stream is not None and len(held.stream.waiting) == 5)
        assert held.stream is not None
        with pytest.raises(ValueError, match="empty line"):
            held.stream.edit_event(0, b"data: {}", "hand")
        held.stream.edit_event(0, b"data: {}\n\n", "hand")
        held.stream.edit_event(1, b"", "hand")
        held.step(Step.GO_ON)
        client, flow = await it.finished()
    assert client.body == b"".join([*EVENTS[:2], b"data: {}\n\n", *EVENTS[4:]])
    assert [mutation.name for mutation in flow.mutations] == ["event", "event"]


async def test_dropping_closes_the_connection_in_the_middle() -> None:
    async with scene(Watching(at(2))) as it:
        it.script.say(*EVENTS)
        (await it.held()).step(Step.DROP)
        client, flow = await it.finished()
        await asyncio.wait_for(it.behind.disconnected.wait(), 10)
    assert client.error is not None
    assert client.body == b"".join(EVENTS[:2])
    assert flow.end is not None and (flow.end.reason, flow.end.by) == (Reason.DROPPED, "hand")


async def test_a_client_that_leaves_ends_the_flow_and_the_hold() -> None:
    async with scene(Watching(at(2))) as it:
        it.script.say(*EVENTS)
        held = await it.held()
        it.reading.cancel()
        await until(lambda: held.flow.end is not None)
        assert held.flow.end is not None and held.flow.end.reason is Reason.CLIENT_GONE
        assert len(it.server.holds) == 0 and held.flow.hold is None
        await asyncio.wait_for(it.behind.disconnected.wait(), 10)


async def test_an_upstream_that_breaks_off_meanwhile_is_told_when_all_is_delivered() -> None:
    async with scene(Watching(at(1))) as it:
        it.script.say(*EVENTS[:3], ConnectionResetError())
        held = await it.held()
        await until(lambda: held.flow.hold is not None and held.flow.hold.upstream_done)
        assert held.flow.live
        held.step(Step.GO_ON)
        client, flow = await it.finished()
    assert client.body == b"".join(EVENTS[:3])
    assert client.error is not None
    assert flow.end is not None and flow.end.reason is Reason.UPSTREAM_RESET


async def test_the_upstream_waits_when_too_much_waits_for_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_module, "BUFFER", 1000)
    many = [b'data: {"choices":[],"n":%d}\n\n' % number for number in range(5000)]
    async with scene(Watching(lambda event: Halt("start") if event.start == 0 else Verdict.PASS)) as it:
        it.script.say(*many, None)
        held = await it.held()
        await until(lambda: held.flow.hold is not None and held.flow.hold.waiting_bytes > 1000)
        held.step(Step.EVENT)
        await until(lambda: it.client.body == many[0])
        assert held.flow.hold is not None and not held.flow.hold.upstream_done
        held.step(Step.GO_ON)
        assert (await it.finished())[0].body == b"".join(many)


async def test_a_stream_that_nobody_watched_is_held_by_hand_between_two_events() -> None:
    async with scene() as it:
        it.script.say(EVENTS[0] + EVENTS[1][:20])
        await until(lambda: len(it.client.body) == len(EVENTS[0]) + 20)
        [flow] = it.server.store
        assert it.server.can_hold(flow)
        it.server.hold(flow)
        assert flow.state is State.HELD and not it.server.can_hold(flow)
        it.script.say(EVENTS[1][20:], *EVENTS[2:])
        held = await it.held()
        await until(lambda: held.stream is not None and len(held.stream.waiting) == len(EVENTS) - 2)
        await until(lambda: it.client.body == b"".join(EVENTS[:2]))
        held.step(Step.EVENT)
        await until(lambda: it.client.body == b"".join(EVENTS[:3]))
        held.step(Step.GO_ON)
        it.script.say(None)
        client, flow = await it.finished()
    assert client.body == WHOLE
    assert flow.delivered is None


async def test_a_stream_held_by_hand_can_be_let_go_though_nothing_came() -> None:
    async with scene() as it:
        it.script.say(EVENTS[0])
        await until(lambda: it.client.body == EVENTS[0])
        [flow] = it.server.store
        it.server.hold(flow)
        (await it.held()).step(Step.GO_ON)
        await until(lambda: flow.state is State.STREAMING)
        it.server.hold(flow)
        (await it.held()).step(Step.DROP)
        client, flow = await it.finished()
    assert client.error is not None
    assert flow.end is not None and flow.end.reason is Reason.DROPPED


async def test_an_encoded_stream_is_watched_decoded_and_says_so() -> None:
    async with scene(Watching(at(2)), SSE, "Content-Encoding: gzip") as it:
        data = gzip.compress(WHOLE)
        it.script.say(data[:40], data[40:], None)
        (await it.held()).step(Step.GO_ON)
        client, flow = await it.finished()
    assert client.body == WHOLE
    assert "content-encoding" not in client.headers
    assert flow.response is not None and bytes(flow.response.body) == data
    assert flow.delivered is not None and bytes(flow.delivered.body) == WHOLE
    assert [mutation.name for mutation in flow.mutations] == ["content-encoding"]


async def test_an_encoded_stream_that_is_under_way_is_held_by_chunk() -> None:
    data = gzip.compress(WHOLE)
    async with scene(None, SSE, "Content-Encoding: gzip") as it:
        it.script.say(data[:40])
        await until(lambda: it.client.body == data[:40])
        [flow] = it.server.store
        it.server.hold(flow)
        it.script.say(data[40:80], data[80:], None)
        held = await it.held()
        await until(lambda: held.stream is not None and len(held.stream.waiting) >= 1)
        assert held.stream is not None and held.stream.editable
        held.step(Step.GO_ON)
        assert (await it.finished())[0].body == data


async def test_a_document_is_held_whole() -> None:
    async with scene(Watching(lambda _: Halt("doc")), "Content-Type: application/json") as it:
        it.script.say(b'{"a":', b"1}", None)
        held = await it.held()
        assert it.client.status == 0
        assert held.stream is not None
        held.stream.edit_event(0, b'{"a":2}', "hand")
        held.step(Step.GO_ON)
        client, flow = await it.finished()
    assert client.body == b'{"a":2}' and client.headers["content-length"] == "7"
    assert flow.response is not None and bytes(flow.response.body) == b'{"a":1}'
    assert flow.delivered is not None and bytes(flow.delivered.body) == b'{"a":2}'


async def test_an_answer_is_held_at_its_head_and_replaced() -> None:
    async with scene(Watching(head="the head")) as it:
        held = await it.held(Moment.HEAD)
        assert held.flow.response is not None and held.flow.response.status == 200
        assert it.client.status == 0
        held.answer(httpx.Response(418, text="short and stout"))
        client, flow = await it.finished()
    assert (client.status, client.body) == (418, b"short and stout")
    assert [(mutation.name, mutation.by) for mutation in flow.mutations] == [("response", "hand")]
    assert flow.end is not None and (flow.end.reason, flow.end.by) == (Reason.DONE, "hand")


async def test_a_rule_that_fails_is_noted_and_passed_over() -> None:
    def decide(event: Event) -> Decision:
        if b"two" in event.data:
            raise ZeroDivisionError("oops")
        return Verdict.PASS

    async with scene(Watching(decide)) as it:
        it.script.say(*EVENTS, None)
        client, flow = await it.finished()
    assert client.body == WHOLE
    assert any("oops" in note for note in flow.notes)


async def test_it_goes_on_by_itself_where_that_was_asked_for() -> None:
    async with scene(Watching(at(2)), release_after=0.05) as it:
        it.script.say(*EVENTS, None)
        client, flow = await it.finished()
    assert client.body == WHOLE
    assert any("released" in note for note in flow.notes)
