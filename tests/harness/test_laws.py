"""The four laws, after every step of whatever clients, upstreams, rules and people may do."""

from __future__ import annotations

import contextlib
import os

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from inspector.model.flow import End, Flow, Reason
from inspector.proxy.held import Step
from inspector.rules.capture import CaptureSettings
from inspector.rules.mocks import MockRule
from inspector.rules.reply_table import parse_reply
from inspector.store.filters import parse
from tests.harness.traffic import KINDS
from tests.harness.world import Exchange, World

EXAMPLES = int(os.environ.get("INSPECTOR_HARNESS_EXAMPLES", "25"))
"""How many histories are lived through: many more where there is time."""
STEPS = int(os.environ.get("INSPECTOR_HARNESS_STEPS", "20"))

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""Without shrinking: a history that hangs would be lived through again and again."""

BREAKPOINTS = ("event", 'event text~"rm"', "head", "end", "request", "event after:2")
MANNERS = ("whole", "slow", "slow", "cut", "reset", "error", "garbage")
places = st.integers(0, 1000)


class Laws(RuleBasedStateMachine):
    """Random histories."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.ends: dict[str, End] = {}

    @initialize(kind=st.sampled_from(sorted(KINDS)))
    def begin(self, kind: str) -> None:
        """There is always something going on."""
        self.world.ask(kind, True, "slow", True)

    @rule(
        kind=st.sampled_from(sorted(KINDS)),
        streamed=st.booleans(),
        manner=st.sampled_from(MANNERS),
        reads=st.booleans(),
    )
    def ask(self, kind: str, streamed: bool, manner: str, reads: bool) -> None:
        """A client asks; one that does not read may begin to later."""
        self.world.ask(kind, streamed, manner, reads)

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
    def go_on(self, place: int) -> None:
        """A slow upstream sends the rest."""
        self._one(place).going.set()

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

    @rule(place=places, step=st.sampled_from((Step.GO_ON, Step.EVENT, Step.BLOCK, Step.END, Step.DROP)))
    def step(self, place: int, step: Step) -> None:
        """The person lets a flow go, wholly or in part, where it can be stepped through."""
        if held := list(self.world.holds):
            with contextlib.suppress(ValueError):
                self.world.call(lambda: held[place % len(held)].step(step))

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

    @invariant()
    def laws(self) -> None:
        """What must be so at any time."""
        for exchange in self.world.exchanges:
            flow = self.world.flow(exchange)
            if flow is None:
                continue
            self._one_end(flow)
            if exchange.status and untouched(flow):
                assert exchange.sent.startswith(exchange.body) or exchange.status >= 500, flow
        assert len(self.world.holds) == sum(flow.hold is not None for flow in self.world.store)

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
            world.control.hold_requests = False
            for exchange in world.exchanges:
                exchange.reading.set()
                exchange.going.set()
            world.until(self._all_over)
            for exchange in world.exchanges:
                self._came_as_sent(exchange)
            self.laws()
        finally:
            for exchange in world.exchanges:
                world.leave(exchange)
            world.close()
        assert not len(world.holds)

    def _all_over(self) -> bool:
        for held in self.world.holds:
            held.step(Step.GO_ON)
        flows = list(self.world.store)
        return all(exchange.over for exchange in self.world.exchanges) and not any(flow.live for flow in flows)

    def _came_as_sent(self, exchange: Exchange) -> None:
        flow = self.world.flow(exchange)
        assert flow is not None and flow.end is not None and flow.hold is None
        if exchange.left or not untouched(flow):
            return
        if flow.end.reason is Reason.DONE:
            assert (exchange.body, exchange.whole) == (exchange.sent, True)
            assert flow.response is not None and bytes(flow.response.body) == exchange.sent
        else:
            assert exchange.manner in ("cut", "reset") or flow.end.reason is Reason.DROPPED
            assert not exchange.whole or exchange.status >= 500


def untouched(flow: Flow) -> bool:
    """Whether nobody says that they changed anything of an answer."""
    return not [mutation for mutation in flow.mutations if mutation.name != "keep-alive"] and not flow.injected


TestLaws = Laws.TestCase
TestLaws.settings = settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, phases=PHASES)
