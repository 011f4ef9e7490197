"""A held answer that goes on with another one: the client reads a single stream, and each upstream's bytes are kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import openai
import pytest

from inspector.model.flow import Flow, Mutation, Reason, State
from inspector.proxy.held import Held, Holds, Step
from inspector.proxy.hooks import Halt, Verdict
from inspector.proxy.replay import Replayer
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.store.flows import FlowStore
from inspector.wire.event import Event
from tests.proxy.test_gate import SSE, Script, Watching, until
from tests.upstreams import Received, response, upstream

pytestmark = pytest.mark.anyio

CHANGES = [Mutation("prefill", "hand", "", "The capital is Sydney")]


def chunk(delta: dict[str, object], finish: str | None = None, answer: str = "one", **more: object) -> bytes:
    """A chunk of an answer."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    data = {"id": f"chatcmpl-{answer}", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"data: " + json.dumps({**data, "choices": [choice], **more}).encode() + b"\n\n"


FIRST = [
    chunk({"role": "assistant", "content": ""}),
    chunk({"content": "The capital"}),
    chunk({"content": " is"}),
    chunk({"content": " Canberra"}),
    chunk({"content": "."}),
    chunk({}, "stop"),
]
SECOND = [
    chunk({"role": "assistant", "content": ""}, answer="two"),
    chunk({"content": ", they"}, answer="two"),
    chunk({"content": " think."}, answer="two"),
    chunk({}, "stop", answer="two"),
    b"data: [DONE]\n\n",
]


@dataclass
class Table:
    """An agent's SDK, a proxy that holds its answer, and a server for both answers."""

    server: ProxyServer
    replayer: Replayer
    first: Script
    second: Script
    asked: list[Received]
    reading: asyncio.Future[list[openai.types.chat.ChatCompletionChunk]]

    async def held(self) -> Held:
        """The hold."""
        await until(lambda: len(self.server.holds) == 1)
        [held] = self.server.holds
        return held

    def splice(self, held: Held, before: str = "The capital is Sydney") -> None:
        """Go on with another answer."""
        request = held.flow.request.with_body(b'{"stream": true, "again": true}')
        held.splice(before, lambda: self.replayer.continuation(held.flow, request, CHANGES))

    async def read(self) -> tuple[str, set[str], list[str]]:
        """What the SDK read: the text, the ids, the finish reasons."""
        chunks = await asyncio.wait_for(self.reading, 10)
        choices = [choice for each in chunks for choice in each.choices]
        text = "".join(choice.delta.content or "" for choice in choices)
        return text, {each.id for each in chunks}, [c.finish_reason for c in choices if c.finish_reason]

    async def flow(self) -> Flow:
        """The agent's flow, ended."""
        flow = next(iter(self.server.store))
        await until(lambda: flow.end is not None)
        return flow


@asynccontextmanager
async def table(stop_at: bytes = b" Canberra", error: bytes = b"") -> AsyncIterator[Table]:
    """Everything, with the first answer under way. `error`: what the second request is answered with instead."""
    first, second, store = Script((SSE,)), Script((SSE,)), FlowStore()

    async def answer(received: Received, writer: asyncio.StreamWriter) -> None:
        if b'"again"' not in received.body:
            await first.answer(received, writer)
        elif error:
            writer.write(response(error, "Content-Type: application/json", status="400 Bad Request"))
        else:
            await second.answer(received, writer)

    def decide(event: Event) -> Halt | Verdict:
        return Halt("test") if stop_at in event.data else Verdict.PASS

    async with upstream(answer) as behind:
        config = ProxyConfig(port=0, upstream=behind.url)
        async with ProxyServer(config, store, hooks=Watching(decide), holds=Holds(store)) as server:
            replayer = Replayer(store, server.transport)
            reading = asyncio.ensure_future(_ask(server.url))  # noqa: TID251
            yield Table(server, replayer, first, second, behind.received, reading)
            reading.cancel()
            await asyncio.wait([reading])
            await replayer.aclose()


async def _ask(url: str) -> list[openai.types.chat.ChatCompletionChunk]:
    async with openai.AsyncOpenAI(api_key="sk-test", base_url=f"{url}/v1", max_retries=0) as client:
        stream = await client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Which?"}], stream=True
        )
        return [each async for each in stream]


async def test_the_agent_reads_one_answer() -> None:
    async with table() as it:
        it.first.say(*FIRST, b"data: [DONE]\n\n", None)
        held = await it.held()
        it.second.say(*SECOND, None)
        it.splice(held)
        text, ids, finish = await it.read()
        flow = await it.flow()
        child = list(it.server.store)[1]
    assert text == "The capital is Sydney, they think."
    assert ids == {"chatcmpl-one"} and finish == ["stop"]
    assert flow.end is not None and flow.end.reason is Reason.DONE and flow.end.by == "hand"
    assert flow.response is not None and b" Canberra" in bytes(flow.response.body)
    assert flow.delivered is not None and b" Canberra" not in bytes(flow.delivered.body)
    assert child.parent == flow.id and child.label == "1.1" and child.mutations == CHANGES
    assert child.response is not None and bytes(child.response.body) == b"".join(SECOND)
    assert any(mutation.name == "answer" and "#1.1" in mutation.after for mutation in flow.mutations)


async def test_it_streams_on_and_the_first_upstream_is_let_off() -> None:
    async with table() as it:
        it.first.say(*FIRST[:4])
        held = await it.held()
        it.second.say(*SECOND[:2])
        it.splice(held)
        await until(lambda: b", they" in bytes(held.flow.delivered.body) if held.flow.delivered else False)
        assert held.flow.state is State.STREAMING and len(it.server.holds) == 0
        it.second.say(*SECOND[2:], None)
        text, _, _ = await it.read()
        await it.flow()
    assert text == "The capital is Sydney, they think."


async def test_what_does_not_fit_is_said_before_anything_is_asked() -> None:
    async with table() as it:
        it.first.say(*FIRST, b"data: [DONE]\n\n", None)
        held = await it.held()
        await until(lambda: held.flow.hold is not None and held.flow.hold.waiting > 0)
        with pytest.raises(ValueError, match="already"):
            it.splice(held, "A town is Sydney")
        assert len(it.asked) == 1 and not held.over
        held.step(Step.GO_ON)
        text, _, _ = await it.read()
    assert text == "The capital is Canberra."


async def test_a_refusal_leaves_it_held_and_nothing_is_lost() -> None:
    async with table(error=b'{"error":{"message":"no prefill here"}}') as it:
        it.first.say(*FIRST, b"data: [DONE]\n\n", None)
        held = await it.held()
        it.splice(held)
        await until(lambda: any("no prefill here" in note for note in held.flow.notes))
        assert not held.over and held.flow.state is State.HELD
        held.step(Step.END)
        text, _, _ = await it.read()
        flow = await it.flow()
    assert text == "The capital is Canberra."
    assert flow.end is not None and flow.end.reason is Reason.DONE


@pytest.mark.parametrize("first", [FIRST[:4], [*FIRST, b"data: [DONE]\n\n", None]], ids=["under way", "over"])
async def test_a_continuation_that_breaks_off_breaks_the_answer_off(first: list[bytes | None]) -> None:
    async with table() as it:
        it.first.say(*first)
        held = await it.held()
        it.second.say(*SECOND[:2])
        it.splice(held)
        await until(lambda: b", they" in bytes(held.flow.delivered.body) if held.flow.delivered else False)
        it.second.say(ConnectionResetError())
        with pytest.raises(openai.APIConnectionError):
            await it.read()
        flow = await it.flow()
    assert flow.end is not None and flow.end.reason is Reason.UPSTREAM_RESET
    assert flow.error is not None and "continuation" in flow.error


async def test_a_client_that_leaves_ends_both() -> None:
    async with table() as it:
        it.first.say(*FIRST[:4])
        held = await it.held()
        it.second.say(*SECOND[:2])
        it.splice(held)
        await until(lambda: b", they" in bytes(held.flow.delivered.body) if held.flow.delivered else False)
        it.reading.cancel()
        flow = await it.flow()
        child = list(it.server.store)[1]
        await until(lambda: child.end is not None)
    assert flow.end is not None and flow.end.reason is Reason.CLIENT_GONE
    assert child.end is not None and child.end.reason is Reason.DROPPED


async def test_thoughts_that_wait_go_first_and_the_tokens_are_counted() -> None:
    thoughts = [chunk({"role": "assistant", "reasoning_content": "Hm"}), chunk({"reasoning_content": "."})]

    def said(word: str) -> bytes:
        entry = {"token": word, "logprob": -0.1, "bytes": list(word.encode()), "top_logprobs": []}
        return chunk({"content": word}).replace(
            b'"finish_reason": null', b'"logprobs": ' + json.dumps({"content": [entry]}).encode()
        )

    spoken = [said(word) for word in ("The capital", " is", " Canberra", ".")]
    usage = b'data: {"id":"chatcmpl-two","object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":9,'
    usage += b'"completion_tokens":3,"total_tokens":12}}\n\n'
    async with table(stop_at=b"Hm") as it:
        it.first.say(*thoughts, *spoken, chunk({}, "stop"), b"data: [DONE]\n\n", None)
        held = await it.held()
        await until(lambda: held.flow.hold is not None and held.flow.hold.upstream_done)
        it.second.say(*SECOND[:-1], usage, SECOND[-1], None)
        it.splice(held)
        chunks = await asyncio.wait_for(it.reading, 10)
    deltas = [choice.delta for each in chunks for choice in each.choices]
    assert "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas) == "Hm."
    assert "".join(delta.content or "" for delta in deltas) == "The capital is Sydney, they think."
    [told] = [each.usage for each in chunks if each.usage]
    assert told.completion_tokens == 2 + 3
