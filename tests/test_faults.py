"""What raises, wherever it may: it is noted, the agent gets the bytes that it gets anyway, and everything else goes on.

Each fault is injected at its seam, into a real proxy between a real client and a real upstream, or a real screen.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from io import FileIO
from pathlib import Path
from typing import Any

import httpx
import pytest

from inspector.cli.recording import Recorder
from inspector.cli.serve import Narrator
from inspector.dialects._logprobs import Strip
from inspector.formats.session import SessionWriter
from inspector.formats.session_schema import SessionError
from inspector.model.flow import Flow, Reason
from inspector.proxy import relay
from inspector.proxy.held import Holds, Step
from inspector.proxy.hooks import Context, Hooks, Verdict, Watch
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.rules import breakpoints, mocks, sticky
from inspector.rules.capture import CaptureProfile
from inspector.rules.control import Control
from inspector.rules.mocks import MockRule
from inspector.rules.reply_table import parse_reply
from inspector.store import filters
from inspector.store.filters import parse
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from tests.formats.sessions import written
from tests.handmade import chat_chunks, chat_request, done_chat
from tests.upstreams import ended, plain, upstream

pytestmark = pytest.mark.anyio

STREAM = b"".join(chat_chunks())
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n" % len(STREAM)
EVENTS = [HEAD, *chat_chunks()]

RAISED: list[Exception] = [RuntimeError("injected"), MemoryError("injected"), RecursionError("injected")]


class Fault:
    """Raises whatever it is asked, and counts how often it was asked."""

    def __init__(self, error: Exception, after: int = 0) -> None:
        self.asked = 0
        self._error = error
        self._after = after

    def __call__(self, *_: Any, **__: Any) -> Any:
        self.asked += 1
        if self.asked > self._after:
            raise self._error
        return b""


@contextlib.asynccontextmanager
async def controlled(to: str) -> AsyncIterator[tuple[ProxyServer, Control]]:
    """A proxy with rules of every kind, none of which is meant to change or stop anything."""
    store, config = FlowStore(), ProxyConfig(port=0, upstream=to)
    control = Control(store, Transcripts(), holds=Holds(store, release_after=5), profile=CaptureProfile())
    control.breakpoints.add("event tool:never")
    control.breakpoints.add("request model:never")
    control.mocks.add(MockRule(parse("model:never"), parse_reply({"text": "mocked"})))
    async with ProxyServer(config, store, hooks=control, holds=control.holds) as server:
        yield server, control


async def ask(server: ProxyServer) -> bytes:
    """What a client gets."""
    async with httpx.AsyncClient(timeout=20) as client:
        answered = await client.post(f"{server.url}/v1/chat/completions", content=chat_request())
        assert answered.status_code == 200
        return answered.content


async def raising(*_: Any, **__: Any) -> Any:
    """A hook of the asynchronous kind that fails."""
    raise RuntimeError("injected")


SEAMS: dict[str, tuple[object, str]] = {
    "hook request": (Control, "request"),
    "hook response": (Control, "response"),
    "hook watch": (Control, "watch"),
    "hook strip": (Control, "strip"),
    "hook done": (Control, "done"),
    "breakpoints": (breakpoints.Breakpoints, "active"),
    "a filter": (filters.Filter, "matches"),
    "mocks": (mocks.Mocks, "pick"),
    "sticky edits": (sticky.StickyEdits, "__len__"),
    "the profile's request": (CaptureProfile, "request"),
    "the profile's response": (CaptureProfile, "response"),
    "the profile's strip": (CaptureProfile, "strip"),
    "the profile's end": (CaptureProfile, "done"),
    "the dialect's name": (relay, "detect"),
    "the agent's name": (relay, "agent_of"),
}


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("seam", SEAMS)
async def test_a_rule_that_raises_is_noted_and_the_agent_never_notices(
    seam: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with upstream(plain(*EVENTS, pause=0.001)) as up, controlled(up.url) as (server, _):
        fault = Fault(error)
        with monkeypatch.context() as patched:
            patched.setattr(*SEAMS[seam], fault)
            assert await ask(server) == STREAM
            (flow,) = await ended(server)
        assert fault.asked
        assert flow.end is not None and flow.end.reason is Reason.DONE
        assert [note for note in flow.notes if "injected" in note] and not flow.mutations
        assert await ask(server) == STREAM
        clean = (await ended(server, 2))[1]
        assert clean.end is not None and clean.end.reason is Reason.DONE and not clean.notes


class Watching(Hooks):
    """Watches every answer with a watch that fails at one of its moments."""

    def __init__(self, moment: str, error: Exception) -> None:
        self.moment, self.fault = moment, Fault(error)

    def watch(self, context: Context, response: httpx.Response) -> Watch | None:
        hooks = self

        class Failing:
            def __getattribute__(self, name: str) -> Any:
                if name == hooks.moment:
                    return hooks.fault
                return {"head": lambda: "", "event": lambda _: Verdict.PASS, "end": lambda: ""}[name]

        return Failing()


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json"])
@pytest.mark.parametrize("moment", ["head", "event", "end"])
async def test_a_watch_that_raises_is_passed_over(moment: str, kind: str) -> None:
    head = HEAD.replace(b"text/event-stream", kind.encode())
    hooks = Watching(moment, RuntimeError("injected"))
    async with (
        upstream(plain(head, STREAM)) as up,
        ProxyServer(ProxyConfig(port=0, upstream=up.url), FlowStore(), hooks=hooks) as server,
    ):
        for number in (1, 2):
            assert await ask(server) == STREAM
            flow = (await ended(server, number))[-1]
            assert flow.end is not None and flow.end.reason is Reason.DONE
            assert flow.notes == ["a rule failed and was passed over: RuntimeError: injected"]
        assert hooks.fault.asked == 2


class FailingStrip:
    """Keeps everything back, and then fails."""

    def __init__(self, after: int) -> None:
        self.kept = b""
        self.after = after

    def feed(self, data: bytes) -> bytes:
        self.after -= 1
        if self.after < 0:
            raise RuntimeError("injected")
        self.kept += data
        return b""

    def close(self) -> bytes:
        return self.kept

    def document(self, body: bytes) -> bytes:
        raise RuntimeError("injected")


class Stripping(Hooks):
    """Has every answer stripped by what fails, read by event or not."""

    def __init__(self, after: int, watched: bool) -> None:
        self.after, self.watched = after, watched

    def strip(self, flow: Flow) -> Strip | None:
        return FailingStrip(self.after)

    def watch(self, context: Context, response: httpx.Response) -> Watch | None:
        return Watching("never", RuntimeError()).watch(context, response) if self.watched else None


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json"])
@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("after", [0, 1, 2])
async def test_a_strip_that_raises_gives_what_it_kept_and_all_the_rest(after: int, watched: bool, kind: str) -> None:
    head = HEAD.replace(b"text/event-stream", kind.encode())
    config = ProxyConfig(port=0)
    async with upstream(plain(head, *chat_chunks(), pause=0.005)) as up:
        config = ProxyConfig(port=0, upstream=up.url)
        async with ProxyServer(config, FlowStore(), hooks=Stripping(after, watched)) as server:
            assert await ask(server) == STREAM
            (flow,) = await ended(server)
    assert flow.end is not None and flow.end.reason is Reason.DONE
    assert [note for note in flow.notes if "injected" in note]


async def test_a_dialect_that_raises_while_an_answer_is_held_and_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    fault = Fault(RecursionError("injected"))
    async with upstream(plain(*EVENTS, pause=0.002)) as up, controlled(up.url) as (server, control):
        control.breakpoints.add('event text~"Hel"')
        asking = asyncio.ensure_future(ask(server))  # noqa: TID251
        async with asyncio.timeout(10):
            while not len(control.holds):
                await asyncio.sleep(0.005)
        (held,) = control.holds
        with monkeypatch.context() as patched:
            patched.setattr("inspector.dialects._openai_chat_reader.ChatReader.event", fault)
            held.step(Step.EVENT)
            held.step(Step.GO_ON)
            assert await asking == STREAM
        (flow,) = await ended(server)
        assert flow.end is not None and flow.end.reason is Reason.DONE and flow.delivered is None


DEEP = b"[" * 200_000


@pytest.mark.parametrize("depth", [DEEP, b'{"messages":' + DEEP, b'{"a":' * 100_000])
async def test_json_that_is_too_deep_passes_and_is_read_as_far_as_it_goes(depth: bytes) -> None:
    body = b"data: " + depth + b"\n\n" + STREAM
    head = HEAD.replace(b"%d" % len(STREAM), b"%d" % len(body))
    async with upstream(plain(head, body)) as up, controlled(up.url) as (server, control):
        control.sticky.add(b'{"role": "user", "content": "x"}', None)
        async with httpx.AsyncClient(timeout=20) as client:
            answered = await client.post(f"{server.url}/v1/chat/completions", content=depth)
        assert answered.content == body
        (flow,) = await ended(server)
        assert up.received[0].body == depth
    transcript = Transcripts().of(flow)
    assert transcript.answer.message is not None and transcript.answer.message.text() == "Hello!"
    assert transcript.notes


# Pullers


def flows(number: int) -> FlowStore:
    """A store of flows that have ended."""
    store = FlowStore()
    for index in range(number):
        store.add(done_chat(f"f{index}"))
    return store


@pytest.mark.parametrize("aside", [False, True])
async def test_a_flow_that_cannot_be_written_costs_none_of_the_others(
    aside: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = flows(3)

    def line(flow: Flow) -> bytes:
        if flow.seq == 2:
            raise RecursionError("injected")
        return b"%d\n" % flow.seq

    with FileIO(tmp_path / "out", "w") as file:
        recorder = Recorder(store, line, lambda _: file)
        for _ in range(2):
            if aside:
                await recorder.pull_aside()
            else:
                recorder.pull()
    assert (tmp_path / "out").read_bytes() == b"1\n3\n"
    assert caplog.messages == ["#2 could not be recorded"]


def test_a_flow_that_cannot_be_told_of_costs_none_of_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    store = FlowStore()
    narrator = Narrator(store, Transcripts())
    for index in range(2):
        store.add(done_chat(f"f{index}"))
    monkeypatch.setattr("inspector.cli.serve.summarise", Fault(RuntimeError("injected")))
    narrator.pull()
    monkeypatch.undo()
    store.add(done_chat("last"))
    narrator.pull()
    told = capsys.readouterr().err.splitlines()
    assert told[:2] == [f"#{number} could not be summed up: RuntimeError" for number in (1, 2)]
    assert told[2].startswith("#3 ") and "200" in told[2]
    assert len(caplog.records) == 2


def test_a_run_without_a_screen_says_once_that_it_is_not_recorded_and_once_that_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, path = flows(1), tmp_path / "folder" / "s.db"
    path.parent.write_text("in the way")
    writer = SessionWriter(store, path)
    narrator = Narrator(store, Transcripts(), [writer])
    with pytest.raises(SessionError):
        writer.open()
    for _ in range(3):
        narrator.pull()
    path.parent.unlink()
    written(writer)
    for _ in range(3):
        narrator.pull()
    writer.close()
    stopped, again = capsys.readouterr().err.splitlines()
    assert "not recorded since" in stopped and "Not a directory" in stopped and "the relay goes on" in stopped
    assert again == f"recorded again, with all that came meanwhile: {path}"
