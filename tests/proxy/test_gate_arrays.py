"""Streams that come as one JSON array through the gate: whatever is done to them, the client gets one sound array."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from google.genai import types
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects._logprobs import Strip
from inspector.model.edits import Edits
from inspector.model.flow import Flow, Reason
from inspector.model.message import Growing, Text
from inspector.proxy.held import Held, Holds, Step
from inspector.proxy.hooks import Decision, Halt, Hooks, Instead, Verdict
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.proxy.way_out import Joints
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from tests.dialects.gemini_edits import call, chunk, message_of, said
from tests.proxy.test_array_streams import KIND, Stripping
from tests.proxy.test_gate import Script, Watching, until
from tests.upstreams import upstream

pytestmark = pytest.mark.anyio

MEMBERS = [
    chunk({"text": "one "}),
    chunk({"text": "two "}),
    chunk({"text": "three"}),
    chunk({"functionCall": {"name": "Bash", "args": {"a": 1}}}),
    chunk(finish="STOP"),
]
PIECES = [b"[" * (not at) + b",\r\n" * bool(at) + json.dumps(member).encode() for at, member in enumerate(MEMBERS)]
"""As Google sends them: each with what joins it to the one before."""
WHOLE = b"".join(PIECES) + b"\n]\n"


@dataclass
class Scene:
    """A client, a proxy and an upstream."""

    server: ProxyServer
    script: Script
    body: bytearray
    """What the client has."""
    reading: asyncio.Task[None]

    async def held(self) -> Held:
        """The hold, once there is one."""
        await until(lambda: len(self.server.holds) == 1)
        [held] = self.server.holds
        return held

    def members(self) -> list[Any]:
        """What the client has in the end, as Google's SDK takes each of them."""
        found = json.loads(bytes(self.body))
        assert all(types.GenerateContentResponse.model_validate(member) for member in found)
        return list(found)

    def has(self) -> Any:
        """What it says."""
        return said(message_of(bytes(self.body), "application/json").parts)

    async def finished(self) -> Flow:
        """The flow, when all is done."""
        await asyncio.wait_for(self.reading, 10)
        [flow] = self.server.store
        await until(lambda: flow.end is not None)
        return flow


@asynccontextmanager
async def scene(hooks: Hooks, *headers: str, **holds: float) -> AsyncIterator[Scene]:
    """Begin a request, and run everything that it meets."""
    script, store, got = Script((KIND, *headers)), FlowStore(), bytearray()

    async def ask(url: str) -> None:
        target = f"{url}/v1beta/models/g:streamGenerateContent"
        async with (
            httpx.AsyncClient(trust_env=False, timeout=20) as client,
            client.stream("POST", target, json={"contents": []}) as response,
        ):
            async for data in response.aiter_raw():
                got.extend(data)

    async with upstream(script.answer) as behind:
        config = ProxyConfig(port=0, upstream=behind.url)
        async with ProxyServer(config, store, hooks=hooks, holds=Holds(store, **holds)) as server:
            reading = asyncio.ensure_future(ask(server.url))  # noqa: TID251
            yield Scene(server, script, got, reading)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


def at(*indices: int, end: str = "") -> Watching:
    """Halts before these members, and at the end."""
    halts = [MEMBERS[index] for index in indices]
    return Watching(lambda event: Halt("test") if json.loads(event.data) in halts else Verdict.PASS, end=end)


def changing(decide: Callable[[int], Decision]) -> Watching:
    """Does something else with each member."""
    return Watching(lambda event: decide(MEMBERS.index(json.loads(event.data))))


@pytest.mark.parametrize("size", [1, 7, 1000, len(WHOLE)])
async def test_what_passes_goes_on_as_it_came(size: int) -> None:
    async with scene(Watching()) as it:
        it.script.say(*(WHOLE[start : start + size] for start in range(0, len(WHOLE), size)), None)
        flow = await it.finished()
    assert bytes(it.body) == WHOLE
    assert flow.delivered is None and not flow.mutations and not flow.notes
    assert flow.end is not None and flow.end.reason is Reason.DONE


@pytest.mark.parametrize(
    "body", [b"[]", b" [ ]\n", b'{"candidates": []}', b"[1, 2]", b"", b"no", WHOLE[:-3], WHOLE[:-30]]
)
async def test_what_is_no_sound_stream_goes_on_as_it_came(body: bytes) -> None:
    async with scene(Watching()) as it:
        it.script.say(*([body] if body else []), None)
        await it.finished()
    assert bytes(it.body) == body


async def test_steps_go_member_by_member() -> None:
    async with scene(at(1), keep_alive_every=0.001) as it:
        it.script.say(WHOLE)
        held = await it.held()
        assert held.stream is not None and held.stream.editable == ""
        assert [item.raw for item in held.stream.waiting] == [json.dumps(each).encode() for each in MEMBERS[1:]]
        assert [item.part for item in held.stream.waiting] == [0, 0, 1, -1]
        await until(lambda: bytes(it.body) == PIECES[0])
        for count in (2, 3):
            held.step(Step.EVENT)
            await until(lambda: bytes(it.body) == b"".join(PIECES[:count]))  # noqa: B023
        assert held.stream.delivered.answer.choices[0].text() == "one two three"
        held.step(Step.BLOCK)
        await until(lambda: bytes(it.body) == b"".join(PIECES[:4]))
        held.step(Step.GO_ON)
        it.script.say(None)
        flow = await it.finished()
    assert bytes(it.body) == WHOLE and flow.mutations == [] and flow.delivered is None


@pytest.mark.parametrize("gone", [(0,), (1,), (4,), (0, 1, 2, 3), (0, 1, 2, 3, 4)])
async def test_members_are_taken_out_by_hand(gone: tuple[int, ...]) -> None:
    async with scene(at(0)) as it:
        it.script.say(WHOLE, None)
        stream = (held := await it.held()).stream
        assert stream is not None
        await until(lambda: len(stream.waiting) == 5)
        for index in gone:
            stream.edit_event(index, b"", "hand")
        held.step(Step.GO_ON)
        flow = await it.finished()
    assert it.members() == [each for index, each in enumerate(MEMBERS) if index not in gone]
    assert flow.mutations[0].before == json.dumps(MEMBERS[gone[0]])
    assert flow.delivered is not None and bytes(flow.delivered.body) == bytes(it.body)


async def test_a_member_is_edited_by_hand_and_must_stay_one() -> None:
    async with scene(at(1)) as it:
        it.script.say(WHOLE, None)
        stream = (held := await it.held()).stream
        assert stream is not None
        await until(lambda: len(stream.waiting) == 4)
        for wrong in (b"{}, {}", b"[1]", b"{"):
            with pytest.raises(ValueError, match="one JSON object"):
                stream.edit_event(0, wrong, "hand")
        stream.edit_event(0, b' {"candidates": []}\n', "hand")
        held.step(Step.GO_ON)
        await it.finished()
    assert it.members() == [MEMBERS[0], {"candidates": []}, *MEMBERS[2:]]
    assert bytes(it.body).startswith(PIECES[0]) and bytes(it.body).endswith(b"".join(PIECES[2:]) + b"\n]\n")


async def test_the_answer_is_edited() -> None:
    async with scene(at(1)) as it:
        it.script.say(WHOLE, None)
        held = await it.held()
        held.edit(Edits({0: Text(Growing("one and only")), 1: call("Read", '{"b": 2}')}, [Text(Growing("!"))]))
        held.step(Step.GO_ON)
        flow = await it.finished()
    it.members()
    assert it.has() == ("one and only!", "", [("Read", {"b": 2})])
    assert flow.delivered is not None and Transcripts().of(flow).notes == []


async def test_the_answer_ends_with_what_the_person_wrote_while_the_upstream_goes_on() -> None:
    async with scene(at(1)) as it:
        it.script.say(*PIECES[:3])
        held = await it.held()
        held.edit(Edits(added=[Text(Growing("END"))], final=True))
        held.step(Step.GO_ON)
        await it.finished()
    assert it.members()[0] == MEMBERS[0]
    assert it.has() == ("one END", "", [])


async def test_something_is_added_when_the_answer_is_over_and_told_no_end() -> None:
    async with scene(at(end="test")) as it:
        it.script.say(b"".join(PIECES[:2]), b"\n]", None)
        held = await it.held()
        await until(lambda: bytes(it.body) == b"".join(PIECES[:2]))
        held.edit(Edits(added=[Text(Growing("more"))], finish_reason="OTHER"))
        held.step(Step.GO_ON)
        flow = await it.finished()
    assert it.members()[:2] == MEMBERS[:2]
    assert it.has() == ("one two more", "", [])
    assert flow.delivered is not None and bytes(flow.delivered.body) == bytes(it.body)


@pytest.mark.parametrize("came", [1, 8, len(PIECES[0]), len(PIECES[0]) + 1, len(PIECES[0]) + 40])
async def test_it_is_held_by_hand_wherever_it_is(came: int) -> None:
    async with scene(Hooks()) as it:
        it.script.say(WHOLE[:came])
        await until(lambda: len(it.body) == came)
        [flow] = it.server.store
        it.server.hold(flow)
        held = await it.held()
        whole = len(PIECES[0]) <= came <= len(PIECES[0]) + 1
        assert held.stream is not None and bool(held.stream.editable) == (came > 1 and not whole)
        it.script.say(WHOLE[came:])
        first = 1 + (came > len(PIECES[0]) + 1) if came > 1 else 0
        await until(lambda: held.stream is not None and len(held.stream.waiting) == len(MEMBERS) - first)
        for index in range(len(MEMBERS) - first):
            held.stream.edit_event(index, b"", "hand")
        held.step(Step.GO_ON)
        it.script.say(None)
        await it.finished()
    assert [each for each in it.members() if each] == MEMBERS[:first]


async def test_a_hook_takes_members_out_changes_and_adds_some() -> None:
    def decide(index: int) -> Decision:
        told = [Instead((), "a"), Instead((b'{"x": 1}', b', {"x": 2}\n'), "a"), Instead((b'data: {"x": 3}\n\n',), "a")]
        return told[index] if index < 3 else Verdict.PASS

    async with scene(changing(decide)) as it:
        it.script.say(*(WHOLE[start : start + 50] for start in range(0, len(WHOLE), 50)), None)
        flow = await it.finished()
    assert json.loads(bytes(it.body)) == [{"x": 1}, {"x": 2}, {"x": 3}, *MEMBERS[3:]]
    assert [each.after for each in flow.mutations] == ["3 events"]


async def test_an_encoded_stream_is_given_decoded() -> None:
    async with scene(at(1), "Content-Encoding: gzip") as it:
        it.script.say(gzip.compress(WHOLE), None)
        held = await it.held()
        held.edit(Edits({0: Text(Growing("one and only"))}))
        held.step(Step.GO_ON)
        await it.finished()
    assert it.has() == ("one and only", "", [("Bash", {"a": 1})])


async def test_one_that_breaks_off_gives_what_came() -> None:
    async with scene(Watching()) as it:
        it.script.say(WHOLE[:-30], ConnectionError())
        with pytest.raises(httpx.RemoteProtocolError):
            await it.finished()
    assert bytes(it.body) == WHOLE[:-30]


async def test_what_was_asked_for_is_taken_out_of_an_edited_one() -> None:
    class Both(Stripping, Watching):
        """Stops, and strips."""

        def strip(self, flow: Flow) -> Strip | None:
            """As the first says."""
            return Stripping.strip(self, flow)

    hooks = Both(at(1).decide)
    tokens = {"logprobsResult": {"chosenCandidates": [{"token": "x"}]}}
    told = [dict(each, candidates=[dict(each["candidates"][0], **tokens)]) for each in MEMBERS[:2]]
    hooks.decide = lambda event: Halt("test") if json.loads(event.data) == told[1] else Verdict.PASS
    async with scene(hooks) as it:
        it.script.say(json.dumps(told).encode(), None)
        held = await it.held()
        assert held.stream is not None
        held.stream.edit_event(0, json.dumps(told[0]).encode(), "hand")
        held.step(Step.GO_ON)
        await it.finished()
    assert it.members() == [MEMBERS[0]] * 2


TEXTS = st.sampled_from(['{"a": "],["}', "[[1], {}]", '{"b": {}}'])


@settings(max_examples=300, deadline=None)
@given(data=st.data(), members=st.lists(TEXTS, max_size=5), glue=st.sampled_from([",", " ,\r\n", "\n, "]))
def test_whatever_becomes_of_its_members_it_stays_an_array(data: st.DataObject, members: list[str], glue: str) -> None:
    pieces = [(glue if at else " [ ") + member for at, member in enumerate(members)]
    tail = "\n]" if members else "[]"
    joints, got, wanted, same = Joints(b""), b"", list[str](), True
    for piece, member in zip(pieces, members, strict=True):
        instead = data.draw(st.none() | st.lists(TEXTS, max_size=2))
        wanted += [member] if instead is None else instead
        same = same and instead is None
        text = [each.encode() for each in instead or ()]
        got += joints.came(piece.encode()) if instead is None else joints.instead(text)
    added = data.draw(st.lists(TEXTS, max_size=2))
    got += joints.end([each.encode() for each in added], tail.encode())
    assert json.loads(got) == [json.loads(each) for each in [*wanted, *added]]
    if same and not added:
        assert got == ("".join(pieces) + tail).encode()
