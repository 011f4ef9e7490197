"""Who is asked first where several rules are for one request, and what becomes of the file that keeps them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import orjson
import pytest

from inspector.model.flow import End, Flow, Moment, Reason
from inspector.model.message import Growing, Text
from inspector.proxy.held import Held, Step
from inspector.proxy.hooks import Context, Decision, Halt, Hooks, Instead, Verdict, Watch
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.rules.capture import CaptureProfile, CaptureSettings
from inspector.rules.control import BothWatch, Control
from inspector.rules.mocks import MockRule
from inspector.rules.replies import Reply
from inspector.rules.spoiling import Fault
from inspector.store.filters import parse
from inspector.store.flows import FlowStore
from inspector.store.lanes import Lanes
from inspector.store.transcripts import Transcripts
from inspector.wire.event import Event
from tests.handmade import chat_chunks
from tests.proxy.test_gate import until
from tests.upstreams import Received, Upstream, ended, plain, response, upstream

pytestmark = pytest.mark.anyio

SAID = {"role": "user", "content": "one"}
OTHER = {"role": "user", "content": "two"}
UPSTREAM = b'{"from": "upstream"}'
MOCK = b'{"from": "mock"}'
RECORDING = b'{"from": "recording"}'
EVENT = Event(b"{}")


@dataclass
class Answers(Hooks):
    """A recording with one answer for everything."""

    asked: int = 0

    async def request(self, context: Context) -> httpx.Response | None:
        """Answer."""
        self.asked += 1
        return httpx.Response(200, content=RECORDING)


@dataclass
class Asking:
    """What an agent got that asked in the background."""

    answers: list[httpx.Response] = field(default_factory=list)
    errors: list[httpx.TransportError] = field(default_factory=list)

    async def run(self, it: Scene) -> None:
        """Ask once."""
        try:
            self.answers.append(await it.ask())
        except httpx.TransportError as error:
            self.errors.append(error)


@contextlib.asynccontextmanager
async def asking_meanwhile(it: Scene) -> AsyncIterator[Asking]:
    """Ask while the block runs; at its end there is an answer, or an error."""
    asking = Asking()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(asking.run(it))
        yield asking


@dataclass
class Scene:
    """A proxy with rules, a client, and the upstream behind."""

    control: Control
    server: ProxyServer
    behind: Upstream
    client: httpx.AsyncClient
    path: str = "/v1/x"
    transcripts: Transcripts = field(default_factory=Transcripts)

    async def ask(self) -> httpx.Response:
        """Be the agent."""
        return await self.client.post(self.server.url + self.path, json={"model": "m", "messages": [SAID]})

    async def held(self) -> Held:
        """The one flow that is held, once there is one."""
        await until(lambda: len(self.control.holds) == 1)
        return next(iter(self.control.holds))


@contextlib.asynccontextmanager
async def scene(answer: bytes = b"", **more: object) -> AsyncIterator[Scene]:
    """Run a proxy with nothing but rules."""
    store = FlowStore()
    transcripts = Transcripts()
    control = Control(store, transcripts, **more)  # type: ignore[arg-type]
    async with upstream(plain(answer or response(UPSTREAM))) as behind, httpx.AsyncClient(trust_env=False) as client:
        config = ProxyConfig(port=0, upstream=behind.url)
        async with ProxyServer(config, store, hooks=control, holds=control.holds) as server:
            yield Scene(control, server, behind, client, transcripts=transcripts)


def mock(reply: Reply | None = None, **more: object) -> MockRule:
    """A rule for every request; without a reply it answers `MOCK`."""
    reply = reply or Reply((Text(Growing(MOCK.decode())),))
    return MockRule(parse(""), reply, **more)  # type: ignore[arg-type]


async def test_sticky_edits_then_breakpoints_then_mocks_then_the_recording() -> None:
    answers = Answers()
    async with scene(answers=answers) as it:
        it.control.sticky.add(orjson.dumps(SAID), orjson.dumps(OTHER))
        breakpoint = it.control.breakpoints.add('request by:"sticky edit"')
        rule = mock(count=1)
        it.control.mocks.add(rule)
        async with asking_meanwhile(it) as asking:
            held = await it.held()
            assert held.moment is Moment.REQUEST and held.by == str(breakpoint)
            assert orjson.loads(bytes(held.flow.sent.body))["messages"] == [OTHER]
            assert (rule.hits, answers.asked, it.behind.received) == (0, 0, [])
            held.step(Step.GO_ON)
        assert asking.answers[0].content == MOCK
        assert (breakpoint.hits, rule.hits, answers.asked) == (1, 1, 0)
        it.control.breakpoints.switch(breakpoint)
        assert (await it.ask()).content == RECORDING, "the mock is spent"
        assert (breakpoint.hits, answers.asked, it.behind.received) == (1, 1, [])
        ends = [flow.end for flow in await ended(it.server, 2)]
    assert ends == [End(Reason.DONE, "mock"), End(Reason.DONE, "hook")]


async def test_a_large_request_is_read_and_placed_before_the_rules_judge_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspector.store.transcripts.LARGE", 1)
    async with scene() as it:
        it.path = "/v1/chat/completions"
        lanes = Lanes(it.server.store, it.transcripts)
        it.control.mocks.add(replace(mock(), filter=parse("turn:1")))
        assert orjson.loads((await it.ask()).content)["choices"][0]["message"]["content"] == MOCK.decode()
        assert [lane.totals.turns for lane in lanes] == [1]


async def test_the_profile_has_its_say_between_sticky_edits_and_breakpoints() -> None:
    profile = CaptureProfile(CaptureSettings(top_logprobs=2))
    async with scene(profile=profile) as it:
        assert it.control.profile is profile
        it.path = "/v1/chat/completions"
        it.control.sticky.add(orjson.dumps(SAID), orjson.dumps(OTHER))
        it.control.breakpoints.add('request by:"sticky edit" by:capture')
        async with asking_meanwhile(it) as asking:
            held = await it.held()
            sent = orjson.loads(bytes(held.flow.sent.body))
            assert sent == {"model": "m", "messages": [OTHER], "logprobs": True, "top_logprobs": 2}
            held.step(Step.GO_ON)
        assert asking.answers[0].content == UPSTREAM


async def test_a_second_try_of_the_profile_s_is_spoiled_like_a_first() -> None:
    refusal = response(b'{"error": "no logprobs"}', status="400 Bad Request")

    async def answer(received: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(refusal if b"logprobs" in received.body else response(UPSTREAM))

    async with scene(profile=CaptureProfile(CaptureSettings(top_logprobs=2))) as it:
        it.path = "/v1/chat/completions"
        it.behind.answer = answer
        it.control.mocks.add(mock(Reply(fault=Fault(malformed=True, cut_after=0))))
        assert (await it.ask()).content == UPSTREAM.replace(b"{", b" ")
        assert len(it.behind.received) == 2


async def test_without_a_profile_nothing_is_changed() -> None:
    async with scene() as it:
        it.path = "/v1/chat/completions"
        await it.ask()
        (flow,) = await ended(it.server)
        assert not it.control.profile.settings.on and flow.forwarded is None and not flow.mutations


async def test_with_nobody_to_answer_the_edited_request_goes_upstream() -> None:
    async with scene() as it:
        it.control.sticky.add(orjson.dumps(SAID), orjson.dumps(OTHER))
        assert (await it.ask()).content == UPSTREAM
        (flow,) = await ended(it.server)
        assert orjson.loads(it.behind.received[0].body)["messages"] == [OTHER]
        assert orjson.loads(bytes(flow.request.body))["messages"] == [SAID]
        assert {mutation.by for mutation in flow.mutations} == {"sticky edit"}


async def test_what_the_person_answers_goes_before_every_rule() -> None:
    answers = Answers()
    async with scene(answers=answers) as it:
        it.control.hold_requests = True
        rule = mock()
        it.control.mocks.add(rule)
        async with asking_meanwhile(it) as asking:
            held = await it.held()
            assert held.by == "hand"
            held.answer(httpx.Response(203, content=b"mine"))
        assert (asking.answers[0].status_code, asking.answers[0].content) == (203, b"mine")
        assert (rule.hits, answers.asked, it.behind.received) == (0, 0, [])


async def test_a_breakpoint_is_named_before_the_hand_that_holds_all() -> None:
    async with scene() as it:
        it.control.hold_requests = True
        off, on = it.control.breakpoints.add("request"), it.control.breakpoints.add("request method:POST")
        it.control.breakpoints.switch(off)
        async with asking_meanwhile(it):
            held = await it.held()
            assert held.by == "request method:POST"
            held.step(Step.GO_ON)
        assert (off.hits, on.hits) == (0, 1)


async def test_a_dropped_request_meets_no_rule() -> None:
    async with scene() as it:
        it.control.hold_requests = True
        rule = mock()
        it.control.mocks.add(rule)
        async with asking_meanwhile(it) as asking:
            (await it.held()).step(Step.DROP)
        (flow,) = await ended(it.server)
        assert flow.end == End(Reason.DROPPED, "hand") and rule.hits == 0
        assert isinstance(asking.errors[0], httpx.RemoteProtocolError)


async def test_a_fault_alone_spoils_the_upstreams_own_answer_once() -> None:
    async with scene(answers=Answers()) as it:
        it.control.mocks.add(mock(Reply(fault=Fault(malformed=True, cut_after=0)), count=1))
        assert (await it.ask()).content == UPSTREAM.replace(b"{", b" ")
        assert (await it.ask()).content == RECORDING
        spoiled, _ = await ended(it.server, 2)
    assert len(it.behind.received) == 1
    assert [mutation.by for mutation in spoiled.mutations] == ["mock"]


async def test_a_fault_whose_answer_never_came_is_forgotten() -> None:
    async with scene() as it:
        it.control.mocks.add(mock(Reply(fault=Fault(cut_after=1))))
        it.path = "/v1/chat/completions"
        it.server.routes.default = "http://127.0.0.1:9"
        assert (await it.ask()).status_code == 502
        await ended(it.server)
        assert not it.control._spoiled


@dataclass
class Scripted:
    """A watch that says what it was told to say."""

    decision: Decision = Verdict.PASS
    at_head: str = ""
    at_end: str = ""
    read: list[Event] = field(default_factory=list)

    def head(self) -> str:
        """Who stops it."""
        return self.at_head

    def event(self, event: Event) -> Decision:
        """Decide."""
        self.read.append(event)
        return self.decision

    def end(self) -> str:
        """Who stops it."""
        return self.at_end


class Slow(Scripted):
    """One that takes its time."""

    async def event(self, event: Event) -> Decision:  # type: ignore[override]
        """Decide."""
        return super().event(event)


HALT = Halt("b")
CHANGED = Instead((b"x",), "hook")


@pytest.mark.parametrize("kind", [Scripted, Slow])
@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        (Verdict.PASS, Verdict.PASS, Verdict.PASS),
        (Verdict.PASS, HALT, HALT),
        (Verdict.PASS, Verdict.WITHHOLD, Verdict.WITHHOLD),
        (CHANGED, Verdict.PASS, CHANGED),
        (CHANGED, HALT, Instead((b"x",), "hook", HALT)),
        (CHANGED, Verdict.WITHHOLD, Instead((b"x",), "hook", Verdict.WITHHOLD)),
        (Instead((), "hook"), HALT, Instead((), "hook", HALT)),
    ],
)
async def test_two_watches_have_both_their_say(
    kind: type[Scripted], first: Decision, second: Decision, both: Decision
) -> None:
    one, other = kind(first), kind(second)
    assert await BothWatch(one, other).event(EVENT) == both
    assert one.read == other.read == [EVENT]


def test_the_first_of_two_watches_is_named() -> None:
    assert BothWatch(Scripted(at_head="a"), Scripted(at_head="b", at_end="b")).head() == "a"
    assert BothWatch(Scripted(), Scripted(at_head="b")).head() == "b"
    assert BothWatch(Scripted(at_end="a"), Scripted(at_end="b")).end() == "a"
    assert BothWatch(Scripted(at_head="a"), Scripted(at_end="b")).end() == "b"


class Louder(Scripted):
    """A person's hook that shouts."""

    def event(self, event: Event) -> Decision:
        """Change the words."""
        return Instead((b"data: " + event.data.replace(b"lo!", b"LO!") + b"\n\n",), "hook")


async def test_an_answer_that_a_hook_changes_is_held_by_a_breakpoint_all_the_same() -> None:
    def reader(context: Context) -> Watch | None:
        return Louder()

    body = b"".join(chat_chunks())
    async with scene(response(body, "Content-Type: text/event-stream"), reader=reader) as it:
        it.path = "/v1/chat/completions"
        it.control.breakpoints.add('event text~"lo!"')
        async with asking_meanwhile(it) as asking:
            held = await it.held()
            assert held.moment is Moment.EVENT and held.by == 'event text~"lo!"'
            assert held.stream is not None and b"LO!" in held.stream.waiting[0].raw
            held.step(Step.GO_ON)
        assert asking.answers[0].content == body.replace(b"lo!", b"LO!")


async def test_done_is_called_for_every_end() -> None:
    class Heard(Control):
        ended: list[str]

        def done(self, flow: Flow) -> None:
            super().done(flow)
            self.ended.append(flow.id)

    store = FlowStore()
    control = Heard(store, Transcripts())
    control.ended = []
    control.mocks.add(mock(Reply(status=429), count=1))
    async with upstream(plain(response(UPSTREAM))) as behind, httpx.AsyncClient(trust_env=False) as client:
        config = ProxyConfig(port=0, upstream=behind.url)
        async with ProxyServer(config, store, hooks=control, holds=control.holds) as server:
            it = Scene(control, server, behind, client)
            assert [(await it.ask()).status_code for _ in range(2)] == [429, 200]
            flows = await ended(server, 2)
            await until(lambda: len(control.ended) == 2)
    assert control.ended == [flow.id for flow in flows]


def kept(path: Path) -> Control:
    """The rules of a file."""
    return Control(FlowStore(), Transcripts(), keep=path)


def test_every_change_is_kept_and_what_the_command_line_said_is_not(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    control = kept(path)
    passing = control.breakpoints.add("request agent:passing", kept=False)
    control.breakpoints.switch(passing)
    assert not path.exists(), "nothing of the person's was changed"
    breakpoint = control.breakpoints.add('tool:Bash arg.command~"rm "')
    assert [str(each) for each in kept(path).breakpoints] == ['event tool:Bash arg.command~"rm "']
    control.breakpoints.switch(breakpoint)
    assert [each.on for each in kept(path).breakpoints] == [False]
    control.mocks.add(mock(Reply(status=529, retry_after=3)))
    assert [each.reply for each in kept(path).mocks] == [Reply(status=529, retry_after=3)]
    control.sticky.add(orjson.dumps(SAID), None)
    assert kept(path).sticky.dump() == control.sticky.dump() != []
    control.breakpoints.remove(breakpoint)
    assert not len(kept(path).breakpoints) and "passing" not in path.read_text()


def test_a_file_written_by_hand_stays_as_it_is_until_a_rule_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text("# mine\n[[breakpoint]]\nwhen = 'end'\n")
    control = kept(path)
    control.breakpoints.remove(control.breakpoints.add("request", kept=False))
    assert path.read_text().startswith("# mine")
    control.breakpoints.switch(next(iter(control.breakpoints)))
    assert "# mine" not in path.read_text()


def test_a_file_that_cannot_be_read_as_meant_is_an_error_from_the_start(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text("\n[[breakpoint]]\nwhen = 'end'\n\n  [[ breakpoint ]]\nwhen = 'in:x'\n")
    with pytest.raises(ValueError, match="line 5: breakpoint 2: x is not a number") as raised:
        kept(path)
    assert str(raised.value).startswith(f"{path}: ")


def test_rules_that_cannot_be_kept_are_said_and_act(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    control = kept(tmp_path / "rules.toml")
    assert control._book is not None
    control._book.path = tmp_path / "file" / "rules.toml"
    with caplog.at_level(logging.ERROR):
        control.breakpoints.add("end")
    assert "the rules could not be kept: " in caplog.text
    assert len(control.breakpoints) == 1
