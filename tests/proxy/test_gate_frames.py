"""Answers in Amazon's binary frames, held on their way; botocore reads what the client gets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from inspector.dialects._converse_writer import ConverseWriter
from inspector.dialects._fields import text_part
from inspector.model.edits import Edits
from inspector.model.flow import Reason
from inspector.model.message import Answer, Message, Usage
from inspector.proxy.held import Holds, Step
from inspector.proxy.hooks import Halt, Hooks, Verdict
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.store.flows import FlowStore
from inspector.wire.eventstream import event_frame, payload_of
from tests.dialects.bedrock_streams import FRAMES, sdk_message
from tests.dialects.messages_streams import call
from tests.proxy.test_gate import Client, Scene, Script, Watching, until
from tests.upstreams import upstream

pytestmark = pytest.mark.anyio

ANSWER = Answer("", "m", [Message("assistant", [text_part("one two!\n\n"), call("Bash", "{}")])], Usage(3, 4))
EVENTS = ConverseWriter().stream(ANSWER, {})
WHOLE = b"".join(EVENTS)
CHANGED = b'{"contentBlockIndex":0,"delta":{"text":"ONE "}}'


@contextlib.asynccontextmanager
async def scene(hooks: Hooks | None = None, **holds: float) -> AsyncIterator[Scene]:
    """As that of other gates; the client asks Converse."""
    script, store = Script((f"Content-Type: {FRAMES}",)), FlowStore()
    async with upstream(script.answer) as behind:
        config = ProxyConfig(port=0, upstream=behind.url)
        async with ProxyServer(config, store, hooks=hooks, holds=Holds(store, **holds)) as server:
            client = Client(f"{server.url}/model/m/converse-stream?")
            reading = asyncio.ensure_future(client.run())  # noqa: TID251
            yield Scene(server, script, behind, client, reading)
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading


def before(index: int) -> Watching:
    """Halts before that event."""
    start = len(b"".join(EVENTS[:index]))
    return Watching(lambda event: Halt("test") if event.start == start else Verdict.PASS)


async def test_what_passes_goes_on_as_it_came_wherever_it_is_cut() -> None:
    async with scene(Watching()) as it:
        it.script.say(*(WHOLE[start : start + 7] for start in range(0, len(WHOLE), 7)), None)
        client, flow = await it.finished()
    assert client.body == WHOLE
    assert flow.dialect == "bedrock-converse" and flow.delivered is None and not flow.mutations


async def test_it_is_held_stepped_through_and_edited() -> None:
    async with scene(before(1)) as it:
        it.script.say(*EVENTS, None)
        held = await it.held()
        await until(lambda: it.client.body == EVENTS[0])
        await until(lambda: held.stream is not None and len(held.stream.waiting) == len(EVENTS) - 1)
        assert held.stream is not None
        assert [each.raw for each in held.stream.waiting] == [payload_of(raw) for raw in EVENTS[1:]]
        held.step(Step.EVENT)
        await until(lambda: it.client.body == b"".join(EVENTS[:2]))
        held.edit(Edits({0: text_part("one to none")}))
        held.step(Step.GO_ON)
        client, flow = await it.finished()
    blocks = sdk_message(client.body)["blocks"]
    assert [block["text"] for block in blocks] == ["one to none", "{}"]
    assert flow.delivered is not None and bytes(flow.delivered.body) == client.body
    assert flow.end is not None and flow.end.reason is Reason.DONE


@pytest.mark.parametrize("given", [CHANGED, CHANGED + b"\n\n", event_frame("contentBlockDelta", CHANGED)])
async def test_one_event_is_changed_by_its_payload_or_as_a_whole(given: bytes) -> None:
    async with scene(before(1)) as it:
        it.script.say(*EVENTS, None)
        held = await it.held()
        await until(lambda: held.stream is not None and len(held.stream.waiting) == len(EVENTS) - 1)
        assert held.stream is not None
        held.stream.edit_event(0, given, by="hand")
        assert held.stream.waiting[0].raw == CHANGED and held.stream.waiting[0].edited
        held.stream.edit_event(len(EVENTS) - 2, b"", by="hand")
        held.step(Step.GO_ON)
        client, flow = await it.finished()
    assert client.body == EVENTS[0] + event_frame("contentBlockDelta", CHANGED) + b"".join(EVENTS[2:-1])
    told = [(change.before, change.after) for change in flow.mutations]
    assert told[0] == (payload_of(EVENTS[1]).decode(), CHANGED.decode())


async def test_a_frame_whose_beginning_is_with_the_client_goes_out_whole() -> None:
    async with scene(keep_alive_every=0.002) as it:
        it.script.say(EVENTS[0] + EVENTS[1][:20])
        await until(lambda: len(it.client.body) == len(EVENTS[0]) + 20)
        [flow] = it.server.store
        it.server.hold(flow)
        held = await it.held()
        assert held.stream is not None and "rest of an event" in held.stream.editable
        it.script.say(EVENTS[1][20:] + EVENTS[2])
        await until(lambda: it.client.body == b"".join(EVENTS[:2]))
        assert held.stream.editable == ""
        held.edit(Edits(added=[text_part("!")], final=True))
        held.step(Step.GO_ON)
        client, flow = await it.finished()
    message = sdk_message(client.body)
    assert [block["text"] for block in message["blocks"]] == ["one t", "!"]
    assert message["reason"] == "end_turn"
    assert flow.end is not None


async def test_a_mangled_frame_can_only_be_taken_out() -> None:
    mangled = EVENTS[1][:8] + b"\0\0\0\0" + EVENTS[1][12:]
    async with scene(before(1)) as it:
        it.script.say(EVENTS[0], mangled, *EVENTS[2:], None)
        held = await it.held()
        await until(lambda: held.stream is not None and len(held.stream.waiting) == len(EVENTS) - 1)
        assert held.stream is not None
        with pytest.raises(ValueError, match="did not come as a sound frame"):
            held.stream.edit_event(0, CHANGED, by="hand")
        held.stream.edit_event(0, b"", by="hand")
        held.step(Step.GO_ON)
        client, _ = await it.finished()
    assert client.body == EVENTS[0] + b"".join(EVENTS[2:])
