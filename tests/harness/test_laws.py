"""The four laws, after every step of whatever clients, upstreams, rules, disks, screens and people may do."""

from __future__ import annotations

import contextlib
import os

import httpx
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from inspector.model.edits import Edits
from inspector.model.flow import Capture, End, Flow, Moment, Reason
from inspector.model.message import Growing, Text
from inspector.proxy.held import Held, Step
from inspector.proxy.pulse import sign_of
from inspector.rules.capture import CaptureSettings
from inspector.rules.mocks import MockRule
from inspector.rules.reply_table import parse_reply
from inspector.store.filters import parse
from inspector.store.transcripts import Transcripts
from tests.formats.sessions import flows_of
from tests.harness import faults
from tests.harness.exchange import BROKEN, CLIENTS, MANNERS, Exchange
from tests.harness.traffic import KINDS
from tests.harness.world import World

EXAMPLES = int(os.environ.get("INSPECTOR_HARNESS_EXAMPLES", "25"))
"""How many histories are lived through: many more where there is time."""
STEPS = int(os.environ.get("INSPECTOR_HARNESS_STEPS", "20"))

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""Without shrinking: a history that hangs would be lived through again and again."""

BREAKPOINTS = ("event", 'event text~"rm"', "head", "end", "request", "event after:2")
KEYS = ("j", "k", "1", "2", "3", "4", "5", "6", "7", "8", "9", "enter", "escape", "m", "L")
places = st.integers(0, 1000)


class Laws(RuleBasedStateMachine):
    """Random histories."""

    SCREEN = False

    def __init__(self) -> None:
        super().__init__()
        self.world = World(screen=self.SCREEN)
        self.ends: dict[str, End] = {}
        self.misread = False
        """A dialect failed: what was read then is not what is read now."""

    @initialize(kind=st.sampled_from(sorted(KINDS)))
    def begin(self, kind: str) -> None:
        """There is always something going on."""
        self.world.ask(Exchange(0, KINDS[kind], True, "slow"), reads=True)

    # Clients and upstreams

    @rule(
        kind=st.sampled_from(sorted(KINDS)),
        streamed=st.booleans(),
        manner=st.sampled_from(MANNERS),
        client=st.sampled_from(CLIENTS),
        reads=st.booleans(),
        zipped=st.sampled_from((False, False, True)),
        place=places,
    )
    def ask(self, kind: str, streamed: bool, manner: str, client: str, reads: bool, zipped: bool, place: int) -> None:
        """A client asks; one that does not read may begin to later."""
        number = len(self.world.exchanges)
        first = Exchange(number, KINDS[kind], streamed, manner, client, zipped, place)
        if client != "pair":
            self.world.ask(first, reads=reads)
            return
        second = Exchange(number + 1, KINDS[kind], True, "whole", client, place=place, after=first)
        self.world.ask(first, second, reads=reads)

    def _one(self, place: int) -> Exchange:
        return self.world.exchanges[place % len(self.world.exchanges)]

    @rule(place=places)
    def leave(self, place: int) -> None:
        """A client hangs up, wherever it is."""
        self.world.leave(self._one(place))

    @rule(place=places)
    def read_on(self, place: int) -> None:
        """A client that did not read reads."""
        self._one(place).reading.set()

    @rule(place=places)
    def ask_on(self, place: int) -> None:
        """A client that asked by half asks for the rest."""
        self._one(place).asking.set()

    @rule(place=places, pieces=st.integers(1, 4))
    def go_on(self, place: int, pieces: int) -> None:
        """A slow upstream sends more."""
        self._one(place).due += pieces

    # The person

    @rule(on=st.booleans())
    def hold_requests(self, on: bool) -> None:
        """The person stops the next requests, or no longer."""
        self.world.control.hold_requests = on

    @rule(place=places)
    def hold(self, place: int) -> None:
        """The person stops a flow."""
        flow = self.world.flow(self._one(place))
        if flow is not None and self.world.server.can_hold(flow):
            self.world.call(lambda: self.world.server.hold(flow))

    def _with_held(self, place: int, moments: tuple[Moment, ...]) -> Held | None:
        held = [each for each in self.world.holds if each.moment in moments]
        return held[place % len(held)] if held else None

    @rule(place=places, step=st.sampled_from((Step.GO_ON, Step.EVENT, Step.BLOCK, Step.END, Step.DROP)))
    def step(self, place: int, step: Step) -> None:
        """The person lets a flow go, wholly or in part, where it can be stepped through."""
        if (held := self._with_held(place, tuple(Moment))) is not None:
            with contextlib.suppress(ValueError):
                self.world.call(lambda: held.step(step))

    @rule(place=places, text=st.sampled_from(("other", "\u2028 ünd", "")))
    def edit_request(self, place: int, text: str) -> None:
        """The person sends another request than the one that came."""
        if (held := self._with_held(place, (Moment.REQUEST,))) is not None:
            body = bytes(held.flow.request.body).replace(b"hi", text.encode())
            with contextlib.suppress(ValueError):
                self.world.call(lambda: held.send(held.flow.sent.with_body(body)))

    @rule(place=places, final=st.booleans())
    def edit_answer(self, place: int, final: bool) -> None:
        """The person writes something into an answer that is held, or ends it."""
        if (held := self._with_held(place, (Moment.EVENT, Moment.END))) is not None:
            with contextlib.suppress(ValueError):
                self.world.call(lambda: held.edit(Edits(added=[Text(Growing("by hand"))], final=final)))

    @rule(place=places)
    def edit_event(self, place: int) -> None:
        """The person writes one waiting event anew."""
        held = self._with_held(place, (Moment.EVENT, Moment.END))
        if held is not None and (stream := held.stream) is not None and (waiting := len(stream.waiting)):
            raw = stream.waiting[place % waiting].raw
            with contextlib.suppress(ValueError):
                self.world.call(lambda: stream.edit_event(place % waiting, raw.replace(b"o", b"0"), "hand"))

    @rule(place=places)
    def answer(self, place: int) -> None:
        """The person answers in the upstream's place."""
        if (held := self._with_held(place, (Moment.REQUEST, Moment.HEAD))) is not None:
            with contextlib.suppress(ValueError):
                self.world.call(lambda: held.answer(httpx.Response(200, json={"by": "hand"})))

    # Rules

    @rule(text=st.sampled_from(BREAKPOINTS))
    def stop_at(self, text: str) -> None:
        """There is one more breakpoint."""
        try:
            self.world.control.breakpoints.add(text)
        except ValueError:
            assert text not in BREAKPOINTS[:5]

    @rule()
    def stop_nowhere(self) -> None:
        """There are no breakpoints any more."""
        for each in list(self.world.control.breakpoints):
            self.world.control.breakpoints.remove(each)

    @rule(on=st.booleans())
    def capture(self, on: bool) -> None:
        """The profile is another one from now on."""
        self.world.control.profile.settings = CaptureSettings(top_logprobs=5 if on else None)

    @rule(reply=st.sampled_from(({"text": "mocked"}, {"status": 529}, {"cut_after": 1})))
    def mock(self, reply: dict[str, object]) -> None:
        """The next request is answered in the upstream's place, or its answer is spoiled."""
        self.world.control.mocks.add(MockRule(parse(""), parse_reply(reply), count=1))

    # Faults

    @rule(where=st.sampled_from(sorted(faults.BEHIND)), error=st.sampled_from(faults.ERRORS), after=st.integers(0, 3))
    def raise_(self, where: str, error: type[Exception], after: int) -> None:
        """Something raises from now on: a rule, a filter, a price, a dialect."""
        self.misread |= where in faults.READERS
        self.world.raising.begin(faults.BEHIND[where], error, after)

    @rule()
    def mend(self) -> None:
        """Nothing raises any more."""
        self.world.raising.mend()

    @rule(fault=st.sampled_from(faults.DISK_FAULTS))
    def break_disk(self, fault: str) -> None:
        """The session cannot be written, or is gone."""
        self.world.disk.fail(fault)

    @rule()
    def mend_disk(self) -> None:
        """The session can be written again."""
        self.world.disk.mend()

    # The laws

    @invariant()
    def laws(self) -> None:
        """What must be so at any time."""
        for exchange in self.world.exchanges:
            if (flow := self.world.flow(exchange)) is not None:
                self._nothing_waits(exchange, flow)
                self._bytes_are_the_truth(exchange, flow)
                self._nothing_in_silence(exchange, flow)
                self._one_end(flow)
        assert len(self.world.holds) == sum(flow.hold is not None for flow in self.world.store)

    def _nothing_waits(self, exchange: Exchange, flow: Flow) -> None:
        """What the upstream sent is with the client, whoever looks on, unless somebody keeps it."""

        def there() -> bool:
            reads = exchange.reading.is_set() and not exchange.over
            passes = untouched(flow) and flow.hold is None and flow.live and not self._by_event(flow)
            return not (reads and passes and flow.response is not None) or heard(exchange, flow) == exchange.sent

        if exchange.after is None:
            self.world.until(there)

    def _by_event(self, flow: Flow) -> bool:
        """Whether an answer passes by event, or whole: then what is no whole event yet waits for its rest."""
        relay = self.world.server._relay
        assert relay is not None
        exchange = relay.live.get(flow.id)
        return exchange is None or exchange.delivery._gate is not None or exchange.watch is not None

    def _bytes_are_the_truth(self, exchange: Exchange, flow: Flow) -> None:
        """What is kept of both bodies is what passed; what it means is the same whenever it is read."""
        assert exchange.asked.startswith(bytes(flow.request.body))
        assert flow.timing.received is None or bytes(flow.request.body) == exchange.asked
        if flow.response is not None and "response" not in changed(flow) and flow.response.status == 200:
            assert exchange.sent.startswith(bytes(flow.response.body))
        if not self.misread:
            known, anew = self.world.transcripts.of(flow), Transcripts().of(flow)
            assert (known.prompt, known.answer, known.notes) == (anew.prompt, anew.answer, anew.notes)

    def _nothing_in_silence(self, exchange: Exchange, flow: Flow) -> None:
        """Where nobody says that they changed something, nothing is changed."""
        if exchange.received is not None and exchange.finished:
            assert exchange.received == bytes(flow.sent.body)
            assert flow.sent is flow.request or flow.mutations
        if exchange.status and untouched(flow):
            assert exchange.sent.startswith(heard(exchange, flow)) or exchange.status >= 500, flow

    def _one_end(self, flow: Flow) -> None:
        """A flow ends once, and no more of it stands still then."""
        if flow.end is not None:
            assert self.ends.setdefault(flow.id, flow.end) is flow.end
            assert flow.timing.ended is not None and not flow.live

    def teardown(self) -> None:
        """Let everything come to its end, and see that it does, and that it comes as it must."""
        world = self.world
        try:
            self.stop_nowhere()
            self.mend()
            self.mend_disk()
            world.control.hold_requests = False
            for exchange in world.exchanges:
                exchange.reading.set()
                exchange.asking.set()
                exchange.due += 1000
            world.until(self._all_over)
            for exchange in world.exchanges:
                self._came_as_sent(exchange)
            self.laws()
            self._recorded()
        finally:
            for exchange in world.exchanges:
                world.leave(exchange)
            self.mend()
            self.mend_disk()
            world.close()
        assert not len(world.holds)

    def _all_over(self) -> bool:
        for held in self.world.holds:
            held.step(Step.GO_ON)
        flows = list(self.world.store)
        return all(exchange.over for exchange in self.world.exchanges) and not any(flow.live for flow in flows)

    def _came_as_sent(self, exchange: Exchange) -> None:
        flow = self.world.flow(exchange)
        if flow is None:
            assert exchange.after is not None and (exchange.left or not exchange.after.whole)
            return
        assert flow.end is not None and flow.hold is None
        if exchange.left:
            return
        if flow.end.reason is Reason.DONE:
            answered = flow.delivered or flow.response
            # A stream that was cut behind its own last event is done; the client is told of the cut all the same.
            assert answered is not None and (exchange.whole or exchange.manner in BROKEN)
            if not flow.injected and "content-encoding" not in changed(flow):
                assert heard(exchange, flow) == bytes(answered.body)
        if not untouched(flow):
            return
        if flow.end.reason is Reason.DONE:
            assert heard(exchange, flow) == exchange.sent
            assert flow.response is not None and bytes(flow.response.body) == exchange.sent
        else:
            assert exchange.manner in BROKEN or flow.end.reason is Reason.DROPPED, flow
            assert not exchange.whole or exchange.status >= 500

    def _recorded(self) -> None:
        """The session has all of it, whatever befell the disk."""
        world = self.world
        world.until(lambda: world.writer.is_idle and world.writer._cursor == world.store.revision)
        kept = {flow.id: flow for flow in flows_of(world.path)}
        assert len(kept) == len(world.store)
        for flow in world.store:
            assert kept[flow.id].end == flow.end and kept[flow.id].notes == flow.notes
            assert bytes(kept[flow.id].request.body) == bytes(flow.request.body)
            for found, passed in zip(bodies(kept[flow.id]), bodies(flow), strict=True):
                assert bytes(found) == bytes(passed) and found.ends == passed.ends
                assert found.times.tolist() == pytest.approx(passed.times.tolist(), abs=0.01)


class LawsOfTheScreen(Laws):
    """The same with somebody looking on, and with widgets that raise."""

    SCREEN = True

    @rule(key=st.sampled_from(KEYS))
    def press(self, key: str) -> None:
        """The person looks at something else."""
        self.world.press(key)

    @rule(
        where=st.sampled_from(sorted(faults.WIDGETS)), error=st.sampled_from(faults.ERRORS), key=st.sampled_from(KEYS)
    )
    def widget_raises(self, where: str, error: type[Exception], key: str) -> None:
        """Some of the screen cannot be drawn from now on."""
        self.world.raising.begin(faults.WIDGETS[where], error, 0)
        self.world.press(key)

    @invariant()
    def goes_on(self) -> None:
        """Nothing ends the screen."""
        assert self.world.app is not None and self.world.app.is_running


def changed(flow: Flow) -> set[str]:
    """What somebody says that they changed."""
    return {mutation.name for mutation in flow.mutations}


def untouched(flow: Flow) -> bool:
    """Whether nobody says that they changed anything of an answer."""
    return not changed(flow) - {"keep-alive"} and not flow.injected


def heard(exchange: Exchange, flow: Flow) -> bytes:
    """What a client has of an answer, without the signs of life that it was given meanwhile."""
    sign = sign_of(flow)
    return exchange.body.replace(sign, b"") if sign else exchange.body


def bodies(flow: Flow) -> list[Capture]:
    """What is kept of an answer."""
    return [each.body for each in (flow.response, flow.delivered) if each is not None]


TestLaws = Laws.TestCase
TestLaws.settings = settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, phases=PHASES)

TestLawsOfTheScreen = LawsOfTheScreen.TestCase
TestLawsOfTheScreen.settings = settings(TestLaws.settings, max_examples=max(1, EXAMPLES // 5))
