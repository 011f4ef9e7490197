"""Whatever a person, a client and an upstream do to a held answer: the stream stays valid, and the flow ends once."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects import by_name
from inspector.dialects._writing import Json
from inspector.model.edits import Edits
from inspector.model.flow import Flow, Reason
from inspector.model.headers import Headers
from inspector.model.message import Answer, Growing, Message, Part, Text, ToolCall, Usage
from inspector.proxy.held import Held, Holds, Step
from inspector.proxy.intake import Intake
from inspector.proxy.progress import Progress
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.rules.control import Control
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from tests.proxy.test_gate import SSE, Script, until
from tests.upstreams import upstream

PATHS = {
    "openai-chat": "/v1/chat/completions",
    "openai-responses": "/v1/responses",
    "anthropic-messages": "/v1/messages",
}
PARTS: list[Part] = [
    Text(Growing("Häuser 👩‍👩‍👧 and more, to be cut anywhere. ")),
    ToolCall("call_1", "Bash", Growing('{"command": "rm -rf build"}'), done=True),
    ToolCall("call_2", "Read", Growing('{"file_path": "a.py"}'), done=True),
]
ASKED: Json = {"model": "m", "stream": True, "messages": [], "input": "x", "max_tokens": 5}

ACTIONS = st.one_of(
    st.tuples(st.just("say"), st.integers(1, 8)),
    st.tuples(st.just("step"), st.sampled_from([Step.EVENT, Step.BLOCK, Step.GO_ON, Step.END])),
    st.tuples(st.just("hold"), st.none()),
    st.tuples(st.just("edit"), st.tuples(st.integers(0, 2), st.sampled_from(["", "short", "ganz anders 🙂 " * 3]))),
    st.tuples(st.just("wait"), st.none()),
)
ENDINGS = st.sampled_from(["end", "end", "end", "drop", "leave", "reset"])
BREAKPOINTS = st.sampled_from([(), ("event tool:Bash",), ("end",), ('event text~"more"', "event tool:Read arg~a")])


@dataclass
class Play:
    """One script as it is played."""

    dialect: str
    server: ProxyServer
    control: Control
    script: Script
    events: list[bytes]
    expected: list[Part] = field(default_factory=lambda: list(PARTS))
    client: Any = None
    body: bytes = b""
    broken: bool = False

    @property
    def flow(self) -> Flow:
        """The one flow."""
        (flow,) = self.server.store
        return flow

    @property
    def held(self) -> Held | None:
        """Its hold."""
        return next(iter(self.control.holds), None)

    async def read(self) -> None:
        """Be the client."""
        try:
            async with (
                httpx.AsyncClient(timeout=20) as client,
                client.stream("POST", self.server.url + PATHS[self.dialect], json=ASKED) as response,
            ):
                async for chunk in response.aiter_raw():
                    self.body += chunk
        except httpx.TransportError:
            self.broken = True

    def act(self, action: str, value: Any) -> None:
        """Do one thing, if it can be done now."""
        held = self.held
        if action == "say":
            said, self.events = self.events[:value], self.events[value:]
            self.script.say(*said)
        elif action == "hold" and self.server.can_hold(self.flow):
            self.server.hold(self.flow)
        elif action == "step" and held is not None and held.stream is not None:
            held.step(value)
        elif action == "edit" and held is not None:
            self._edit(held, *value)

    def _edit(self, held: Held, place: int, words: str) -> None:
        part = PARTS[place]
        new: Part = Text(Growing(words))
        if isinstance(part, ToolCall):
            new = ToolCall(part.id, part.name, Growing(f'{{"x": "{words}"}}'), done=True)
        try:
            held.edit(Edits(replaced={place: new}))
        except ValueError:
            return
        self.expected[place] = new


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(list(PATHS)), BREAKPOINTS, st.lists(ACTIONS, max_size=14), ENDINGS)
def test_any_script(dialect: str, breakpoints: tuple[str, ...], actions: list[tuple[str, Any]], ending: str) -> None:
    asyncio.run(play(dialect, breakpoints, actions, ending))


async def play(dialect: str, breakpoints: tuple[str, ...], actions: list[tuple[str, Any]], ending: str) -> None:
    """Play a script, and check what must be true at its end."""
    writer = by_name(dialect).writer
    assert writer is not None
    answer = Answer("a1", "m", [Message("assistant", list(PARTS))], Usage(3, 4), complete=True)
    store, script = FlowStore(), Script((SSE,))
    control = Control(store, Transcripts(), holds=Holds(store, keep_alive_every=0.02))
    done: list[Flow] = []
    control.done = done.append  # type: ignore[assignment, method-assign]
    for text in breakpoints:
        control.breakpoints.add(text)
    async with upstream(script.answer) as behind:
        config = ProxyConfig(port=0, upstream=behind.url)
        async with ProxyServer(config, store, hooks=control, holds=control.holds) as server:
            it = Play(dialect, server, control, script, writer.stream(answer, ASKED))
            reading = asyncio.ensure_future(it.read())  # noqa: TID251
            await until(lambda: len(store) == 1)
            for action, value in actions:
                it.act(action, value)
                await asyncio.sleep(0.002)
            await finish(it, ending, reading)
            assert done == [it.flow]
            assert len(control.holds) == 0 and it.flow.hold is None
            assert not [task for task in asyncio.all_tasks() if task.get_name() == "held delivery"]
            check(it, ending)


async def finish(it: Play, ending: str, reading: asyncio.Future[None]) -> None:
    """Bring it to its end."""
    if ending == "end":
        it.script.say(*it.events, None)
    elif ending == "reset":
        it.script.say(ConnectionResetError())
    elif ending == "leave":
        reading.cancel()
    async with asyncio.timeout(10):
        while it.flow.end is None:
            if (held := it.held) is not None:
                held.step(Step.DROP if ending == "drop" else Step.GO_ON)
            elif ending == "drop" and it.server.can_hold(it.flow):
                it.server.hold(it.flow)
            await asyncio.sleep(0.002)
    with contextlib.suppress(asyncio.CancelledError):
        await reading


def check(it: Play, ending: str) -> None:
    """The client has whole events that make sense; all of them, and as edited, where nothing cut them."""
    assert it.flow.end is not None
    headers = Headers([("content-type", "text/event-stream")])
    events = [event for event, _ in Intake(headers).feed(it.body, 0.0)]
    progress = Progress(it.flow, events)
    assert not progress.transcript.notes
    if ending == "end":
        assert it.flow.end.reason is Reason.DONE
        assert not it.broken
        answer = progress.transcript.answer
        assert answer.complete
        assert list(filter(None, map(said, answer.choices[0].parts))) == list(filter(None, map(said, it.expected)))
        assert answer.choices[0].finish_reason or it.dialect == "openai-responses"
    elif ending == "drop":
        assert it.flow.end.reason in (Reason.DROPPED, Reason.DONE)
    elif ending == "leave":
        assert it.flow.end.reason in (Reason.CLIENT_GONE, Reason.DONE)
    else:
        assert it.flow.end.reason in (Reason.UPSTREAM_RESET, Reason.UPSTREAM_UNREACHABLE, Reason.DONE)


def said(part: Part) -> str:
    """What counts of a part."""
    if isinstance(part, ToolCall):
        return f"{part.name} {part.arguments}"
    assert isinstance(part, Text)
    return str(part.content)


@pytest.mark.anyio
@pytest.mark.parametrize("dialect", list(PATHS))
async def test_the_client_of_a_held_answer_is_kept_alive(dialect: str) -> None:
    await play(dialect, ("end",), [("say", 8), *[("wait", None)] * 60], "end")
