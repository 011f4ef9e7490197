"""Holds at every moment of a flow's way: one end, told once, and nothing left behind, however it ends."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from inspector.model.flow import Flow, Moment, Reason
from inspector.proxy.held import Held, Step
from inspector.proxy.hooks import Context, Decision, Halt, Hooks, Verdict
from inspector.wire.event import Event
from tests.proxy.test_gate import EVENTS, SSE, WHOLE, Scene, Watching, scene, until

pytestmark = pytest.mark.anyio

MOMENTS = list(Moment)
JSON = "Content-Type: application/json"


class Stopping(Watching):
    """Holds every flow at one moment."""

    def __init__(self, moment: Moment) -> None:
        super().__init__(
            lambda event: (
                Halt("test")
                if moment is Moment.EVENT and event.start == 0
                else Verdict.WITHHOLD
                if moment is Moment.END
                else Verdict.PASS
            ),
            head="test" if moment is Moment.HEAD else "",
            end="test" if moment is Moment.END else "",
        )
        self.moment = moment

    async def request(self, context: Context) -> httpx.Response | None:
        """Held here, where that is the moment."""
        return await context.hold(Moment.REQUEST, "test") if self.moment is Moment.REQUEST else None


def tasks() -> set[str]:
    """The names of all that runs for a flow."""
    return {task.get_name() for task in asyncio.all_tasks() if task.get_name() == "held delivery"}


async def nothing_left(it: Scene, flow: Flow, hooks: Watching | None = None) -> None:
    """Whatever stood for a flow is gone, and its end was told once."""
    await until(lambda: flow.end is not None and not it.server._running.live)
    await until(lambda: not tasks())
    assert len(it.server.holds) == 0 and flow.hold is None
    assert not it.server.can_hold(flow)
    if hooks is not None:
        assert hooks.ended == [flow]


async def stopped(it: Scene, moment: Moment) -> Held:
    """The hold at a moment; the upstream has said what it takes to get there."""
    it.script.say(*EVENTS, *([None] if moment is Moment.END else []))
    return await it.held(moment)


@pytest.mark.parametrize("moment", MOMENTS)
async def test_go_on(moment: Moment) -> None:
    hooks = Stopping(moment)
    async with scene(hooks) as it:
        held = await stopped(it, moment)
        held.step(Step.GO_ON)
        held.step(Step.GO_ON)
        it.script.say(None)
        client, flow = await it.finished()
        await nothing_left(it, flow, hooks)
        held.step(Step.GO_ON)
        with pytest.raises(ValueError, match="not held any more"):
            held.answer(httpx.Response(200))
        with pytest.raises(ValueError, match="not held any more"):
            held.send(flow.request.with_body(b"other"))
    assert client.body == WHOLE and flow.forwarded is None
    assert flow.end is not None and (flow.end.reason, flow.end.by) == (Reason.DONE, "upstream")


@pytest.mark.parametrize("moment", MOMENTS)
async def test_drop(moment: Moment) -> None:
    hooks = Stopping(moment)
    async with scene(hooks) as it:
        held = await stopped(it, moment)
        held.step(Step.DROP)
        held.step(Step.GO_ON)
        client, flow = await it.finished()
        await nothing_left(it, flow, hooks)
    assert client.error is not None and client.body == b""
    assert flow.end is not None and (flow.end.reason, flow.end.by) == (Reason.DROPPED, "hand")


@pytest.mark.parametrize("moment", MOMENTS)
async def test_the_client_leaves(moment: Moment) -> None:
    hooks = Stopping(moment)
    async with scene(hooks) as it:
        held = await stopped(it, moment)
        it.reading.cancel()
        await nothing_left(it, held.flow, hooks)
        if moment not in (Moment.REQUEST, Moment.END):
            await asyncio.wait_for(it.behind.disconnected.wait(), 10)
    assert held.flow.end is not None and (held.flow.end.reason, held.flow.end.by) == (Reason.CLIENT_GONE, "client")


@pytest.mark.parametrize("moment", MOMENTS)
async def test_the_client_leaves_as_the_person_drops(moment: Moment) -> None:
    hooks = Stopping(moment)
    async with scene(hooks) as it:
        held = await stopped(it, moment)
        it.reading.cancel()
        held.step(Step.DROP)
        await nothing_left(it, held.flow, hooks)
    assert held.flow.end is not None and held.flow.end.reason in (Reason.CLIENT_GONE, Reason.DROPPED)


@pytest.mark.parametrize("moment", MOMENTS)
async def test_inspector_stops(moment: Moment) -> None:
    hooks = Stopping(moment)
    async with scene(hooks) as it:
        held = await stopped(it, moment)
        await it.server.__aexit__()
        await nothing_left(it, held.flow, hooks)
    assert held.flow.end is not None and held.flow.end.reason is Reason.SHUTDOWN


@pytest.mark.parametrize("moment", [Moment.HEAD, Moment.EVENT])
async def test_the_upstream_breaks_off(moment: Moment) -> None:
    hooks = Stopping(moment)
    async with scene(hooks) as it:
        it.script.say(EVENTS[0], EVENTS[1][:9], ConnectionResetError())
        held = await it.held(moment)
        if moment is Moment.EVENT:
            await until(lambda: held.flow.hold is not None and held.flow.hold.upstream_done)
        held.step(Step.GO_ON)
        client, flow = await it.finished()
        await nothing_left(it, flow, hooks)
    assert client.error is not None
    assert flow.end is not None and flow.end.reason is Reason.UPSTREAM_RESET
    assert flow.response is not None and flow.delivered is None
    assert client.body == bytes(flow.response.body)
    if moment is Moment.EVENT:
        assert client.body == EVENTS[0] + EVENTS[1][:9]


@pytest.mark.parametrize("moment", [Moment.REQUEST, Moment.HEAD])
async def test_the_person_answers(moment: Moment) -> None:
    hooks = Stopping(moment)
    async with scene(hooks) as it:
        held = await stopped(it, moment)
        held.answer(httpx.Response(200, text="mine"))
        client, flow = await it.finished()
        await nothing_left(it, flow, hooks)
        assert len(it.behind.received) == (moment is Moment.HEAD)
    assert client.body == b"mine"
    assert flow.end is not None and (flow.end.reason, flow.end.by) == (Reason.DONE, "hand")


@pytest.mark.parametrize("step", [Step.GO_ON, Step.DROP])
async def test_a_document_is_let_go_or_dropped(step: Step) -> None:
    hooks = Stopping(Moment.EVENT)
    async with scene(hooks, JSON) as it:
        it.script.say(b'{"a":', b"1}", None)
        (await it.held()).step(step)
        client, flow = await it.finished()
        await nothing_left(it, flow, hooks)
    assert client.body == (b'{"a":1}' if step is Step.GO_ON else b"")


async def test_a_document_that_breaks_off_breaks_off_for_the_client_too() -> None:
    async with scene(Stopping(Moment.EVENT), JSON) as it:
        it.script.say(b'{"a":', ConnectionResetError())
        client, flow = await it.finished()
        await nothing_left(it, flow)
    assert (client.status, client.body) == (200, b'{"a":') and client.error is not None
    assert flow.end is not None and flow.end.reason is Reason.UPSTREAM_RESET


async def test_to_the_end_passes_every_later_stop_of_a_document() -> None:
    async with scene(Watching(lambda _: Halt("test"), end="the end"), JSON) as it:
        it.script.say(b"{}", None)
        (await it.held()).step(Step.END)
        client, _ = await it.finished()
    assert client.body == b"{}"


@pytest.mark.parametrize("how", ["client", "drop", "stop", "go on"])
async def test_a_stream_that_is_held_by_hand_while_the_upstream_is_silent(how: str) -> None:
    async with scene(keep_alive_every=0.01) as it:
        it.script.say(EVENTS[0])
        await until(lambda: it.client.body == EVENTS[0])
        [flow] = it.server.store
        it.server.hold(flow)
        it.server.hold(flow)
        held = await it.held()
        await until(lambda: flow.hold is not None and flow.hold.kept_alive > 1)
        match how:
            case "client":
                it.reading.cancel()
            case "drop":
                held.step(Step.DROP)
            case "stop":
                await it.server.__aexit__()
            case _:
                held.step(Step.GO_ON)
                it.script.say(None)
                await it.finished()
        await nothing_left(it, flow)
    assert [mutation.name for mutation in flow.mutations] == ["keep-alive"]
    assert bytes(flow.response.body) == EVENTS[0] if flow.response else False


class Slow(Hooks):
    """Takes its time with an answer's head."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.pressed = asyncio.Event()

    async def response(self, context: Context, response: httpx.Response) -> httpx.Response:
        """Wait for somebody to press a key."""
        self.asked.set()
        await self.pressed.wait()
        return response


@pytest.mark.parametrize("kind", [SSE, JSON])
async def test_a_hold_that_is_asked_for_before_the_head_stops_the_answer(kind: str) -> None:
    hooks = Slow()
    async with scene(hooks, kind) as it:
        await hooks.asked.wait()
        [flow] = it.server.store
        it.server.hold(flow)
        hooks.pressed.set()
        it.script.say(*EVENTS, None)
        held = await it.held()
        assert held.by == "hand" and it.client.body == b""
        held.step(Step.GO_ON)
        client, _ = await it.finished()
        await nothing_left(it, flow)
    assert client.body == WHOLE


async def test_a_client_that_leaves_while_a_rule_looks_at_the_head_frees_the_upstream() -> None:
    hooks = Slow()
    async with scene(hooks) as it:
        await hooks.asked.wait()
        [flow] = it.server.store
        it.reading.cancel()
        await nothing_left(it, flow)
        await asyncio.wait_for(it.behind.disconnected.wait(), 10)
    assert flow.end is not None and flow.end.reason is Reason.CLIENT_GONE


class Replacing(Hooks):
    """Answers otherwise, and forgets about the upstream."""

    async def response(self, context: Context, response: httpx.Response) -> httpx.Response:
        """Something else."""
        return httpx.Response(200, text="else")


async def test_an_upstream_whose_answer_was_replaced_is_let_go() -> None:
    async with scene(Replacing()) as it:
        it.script.say(EVENTS[0])
        client, _ = await it.finished()
        await asyncio.wait_for(it.behind.disconnected.wait(), 10)
    assert client.body == b"else"


class Failing(Watching):
    """Fails at one place."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place

    def fail(self, place: str) -> None:
        """Fail where that was asked for."""
        if place == self.place:
            raise ZeroDivisionError(place)

    async def request(self, context: Context) -> None:
        """Fails, perhaps; so do the others."""
        self.fail("request")

    async def response(self, context: Context, response: httpx.Response) -> httpx.Response:
        self.fail("response")
        return response

    def watch(self, context: Context, response: httpx.Response) -> Watching:
        self.fail("watch")
        return self

    def head(self) -> str:
        self.fail("head")
        return ""

    def event(self, event: Event) -> Decision:
        self.fail("event")
        return Verdict.PASS

    def end(self) -> str:
        self.fail("end")
        return ""

    def done(self, flow: Flow) -> None:
        super().done(flow)
        self.fail("done")


@pytest.mark.parametrize("kind", [SSE, JSON])
@pytest.mark.parametrize("place", ["request", "response", "watch", "head", "event", "end", "done"])
async def test_rules_that_fail_are_noted_and_the_agent_does_not_notice(place: str, kind: str) -> None:
    hooks = Failing(place)
    async with scene(hooks, kind) as it:
        it.script.say(*EVENTS, None)
        client, flow = await it.finished()
        await nothing_left(it, flow, hooks)
    assert client.body == WHOLE and client.error is None
    assert [place in note for note in flow.notes] == [True]
    assert flow.end is not None and flow.end.reason is Reason.DONE
