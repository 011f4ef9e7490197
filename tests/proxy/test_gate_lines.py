"""Streams of JSON lines through the gate: stepped, edited and stripped, as Ollama's SDK reads them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import ollama
import pytest

from inspector.dialects._logprobs import Strip
from inspector.dialects._ollama_logprobs import OllamaLogprobs
from inspector.model.edits import Edits
from inspector.model.flow import Flow, Reason
from inspector.model.message import Growing, Text
from inspector.proxy.held import Held, Holds, Step
from inspector.proxy.hooks import Halt, Hooks, Verdict
from inspector.proxy.replay import Replayer
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.store.flows import FlowStore
from tests.dialects.ollama_streams import Said, call, call_entry, done, entry, lines, said
from tests.proxy.test_gate import Script, Watching, until
from tests.upstreams import upstream

pytestmark = pytest.mark.anyio

LINES = [
    lines(said("one ")),
    lines(said("two ")),
    lines(said("three")),
    lines(said(tool_calls=[call_entry("Bash", {"a": 1})])),
    lines(done()),
]
WHOLE = b"".join(LINES)
KINDS = ["application/x-ndjson", "application/json"]


class Stripping(Hooks):
    """Takes out what was asked for."""

    def strip(self, flow: Flow) -> Strip | None:
        """A new one."""
        return OllamaLogprobs().strip(("logprobs",))


@dataclass
class Scene:
    """A client of the SDK, a proxy and an upstream."""

    server: ProxyServer
    script: Script
    lines: list[Any]
    """What the client has."""
    reading: asyncio.Task[None]

    async def held(self) -> Held:
        """The hold, once there is one."""
        await until(lambda: len(self.server.holds) == 1)
        [held] = self.server.holds
        return held

    def has(self) -> Said:
        """What the client has, as it reads it."""
        calls = [made.function for line in self.lines for made in line.message.tool_calls or []]
        words = "".join(line.message.content or "" for line in self.lines)
        return "", words, [(made.name, dict(made.arguments)) for made in calls]

    async def finished(self) -> Flow:
        """The flow, when all is done."""
        await asyncio.wait_for(self.reading, 10)
        [flow] = self.server.store
        await until(lambda: flow.end is not None)
        assert flow.end is not None and flow.end.reason is Reason.DONE
        return flow


@asynccontextmanager
async def scene(hooks: Hooks, kind: str = "application/x-ndjson", **holds: float) -> AsyncIterator[Scene]:
    """Begin a chat, and run everything that it meets."""
    script, store, got = Script((f"Content-Type: {kind}",)), FlowStore(), list[Any]()

    async def chat(url: str) -> None:
        async with ollama.AsyncClient(host=url, trust_env=False) as client:
            async for line in await client.chat("m", messages=[{"role": "user", "content": "x"}], stream=True):
                got.append(line)

    async with upstream(script.answer) as behind:
        config = ProxyConfig(port=0, upstream=behind.url)
        async with ProxyServer(config, store, hooks=hooks, holds=Holds(store, **holds)) as server:
            reading = asyncio.ensure_future(chat(server.url))  # noqa: TID251
            yield Scene(server, script, got, reading)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


def at(index: int) -> Watching:
    """Halts before one of `LINES`."""
    start = sum(map(len, LINES[:index]))
    return Watching(lambda event: Halt("test") if event.start == start else Verdict.PASS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_what_passes_goes_on_as_it_came(size: int, kind: str) -> None:
    async with scene(Watching(), kind) as it:
        it.script.say(*(WHOLE[start : start + size] for start in range(0, len(WHOLE), size)), None)
        flow = await it.finished()
    assert it.has() == ("", "one two three", [("Bash", {"a": 1})])
    assert flow.delivered is None and flow.response is not None and bytes(flow.response.body) == WHOLE


@pytest.mark.parametrize("kind", KINDS)
async def test_steps_go_line_by_line_and_no_sign_of_life_is_given(kind: str) -> None:
    async with scene(at(1), kind, keep_alive_every=0.001) as it:
        it.script.say(*LINES)
        held = await it.held()
        assert held.stream is not None
        assert [item.raw for item in held.stream.waiting] == LINES[1:]
        assert [item.part for item in held.stream.waiting] == [0, 0, 1, -1]
        for count in (2, 3):
            held.step(Step.EVENT)
            await until(lambda: len(it.lines) == count)  # noqa: B023
        held.step(Step.BLOCK)
        await until(lambda: len(it.lines) == 4)
        held.step(Step.GO_ON)
        it.script.say(None)
        flow = await it.finished()
    assert len(it.lines) == 5
    assert flow.mutations == []


@pytest.mark.parametrize("kind", KINDS)
async def test_a_line_is_edited_and_one_taken_out(kind: str) -> None:
    async with scene(at(1), kind) as it:
        it.script.say(*LINES, None)
        held = await it.held()
        stream = held.stream
        assert stream is not None
        await until(lambda: len(stream.waiting) == 4)
        with pytest.raises(ValueError, match="line feed"):
            stream.edit_event(0, lines(said("2 "))[:-1], "hand")
        stream.edit_event(0, lines(said("2 ")), "hand")
        stream.edit_event(2, b"", "hand")
        held.step(Step.GO_ON)
        flow = await it.finished()
    assert it.has() == ("", "one 2 three", [])
    assert [(each.before, each.after) for each in flow.mutations] == [
        (LINES[1].decode().strip(), lines(said("2 ")).decode().strip()),
        (LINES[3].decode().strip(), ""),
    ]


@pytest.mark.parametrize("kind", KINDS)
async def test_the_answer_is_edited(kind: str) -> None:
    async with scene(at(1), kind) as it:
        it.script.say(*LINES, None)
        held = await it.held()
        assert held.stream is not None
        held.stream.edit(Edits({0: Text(Growing("one and only")), 1: call("Read", '{"b": 2}', "")}), "hand")
        held.step(Step.GO_ON)
        flow = await it.finished()
    assert it.has() == ("", "one and only", [("Read", {"b": 2})])
    assert flow.delivered is not None and bytes(flow.delivered.body).startswith(LINES[0])


@pytest.mark.parametrize("kind", KINDS)
async def test_it_is_held_by_hand_in_the_middle_of_a_line(kind: str) -> None:
    async with scene(Hooks(), kind) as it:
        it.script.say(WHOLE[: len(LINES[0]) + 20])
        await until(lambda: len(it.lines) == 1)
        [flow] = it.server.store
        await until(lambda: flow.response is not None and len(flow.response.body) == len(LINES[0]) + 20)
        it.server.hold(flow)
        held = await it.held()
        assert held.stream is not None and "rest of an event" in held.stream.editable
        it.script.say(WHOLE[len(LINES[0]) + 20 :])
        await until(lambda: len(it.lines) == 2)
        await until(lambda: held.stream is not None and len(held.stream.waiting) == 3)
        assert held.stream.editable == ""
        held.stream.edit(Edits(added=[Text(Growing("END"))], final=True), "hand")
        held.step(Step.GO_ON)
        it.script.say(None)
        await it.finished()
    assert it.has() == ("", "one two END", [])
    assert it.lines[-1].done


@pytest.mark.parametrize("kind", KINDS)
async def test_what_was_asked_for_is_taken_out_line_by_line(kind: str) -> None:
    async with scene(Stripping(), kind) as it:
        it.script.say(lines(said("zero", logprobs=[entry("zero")])))
        await until(lambda: len(it.lines) == 1)
        it.script.say(lines(said("one", logprobs=[entry("one")])), lines(said(logprobs=[entry("x")])), LINES[-1], None)
        flow = await it.finished()
    assert [line.logprobs for line in it.lines] == [None, None, None]
    assert flow.response is not None and bytes(flow.response.body).count(b"logprobs") == 3


@pytest.mark.parametrize("kind", KINDS)
async def test_whatever_it_is_called_the_answer_can_be_edited(kind: str) -> None:
    """Ollama's cloud says `application/json` of its streams."""
    async with scene(at(0), kind) as it:
        it.script.say(*LINES, None)
        held = await it.held()
        assert held.stream is not None
        held.stream.edit(Edits({0: Text(Growing("1"))}), "hand")
        held.step(Step.GO_ON)
        await it.finished()
    assert it.has() == ("", "1", [("Bash", {"a": 1})])


async def test_it_goes_on_with_another_answer() -> None:
    async with scene(at(2)) as it:
        it.script.say(*LINES[:3])
        held = await it.held()
        replayer = Replayer(it.server.store, it.server.transport)
        held.splice("one two fo", lambda: replayer.continuation(held.flow, held.flow.request, []))
        it.script.say(None)
        it.script.say(lines(said("ur")), lines(done()), None)
        held.step(Step.SPLICE)
        await asyncio.wait_for(it.reading, 10)
    assert it.has() == ("", "one two four", [])
    assert (it.lines[-1].done, it.lines[-1].eval_count) == (True, 3)
