"""The gate: an answer that streams goes to the client event by event, and can be held, stepped through and edited.

An event that nobody stops leaves as the bytes that it came in. While the answer is held, the upstream is read on into
a bounded buffer, and the client is kept alive in its own dialect.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import httpx

from inspector.model.edits import Edits
from inspector.model.flow import Flow, Moment, Mutation, Response
from inspector.model.message import Transcript
from inspector.proxy.continuation import Continuation
from inspector.proxy.guarded import GuardedWatch
from inspector.proxy.held import Held, Holds, Step, Waiting
from inspector.proxy.hooks import Decision, Instead, Verdict
from inspector.proxy.intake import Intake, named
from inspector.proxy.lineup import Changes, Item, Lineup, readable
from inspector.proxy.outlet import Outlet
from inspector.proxy.progress import Standing
from inspector.proxy.pulse import Pulse, sign_of
from inspector.proxy.rewriting import Rewriting
from inspector.proxy.splice import Splice, spent_on, words_at
from inspector.proxy.stepping import Stepping
from inspector.proxy.tasks import spawn
from inspector.proxy.way_out import WayOut
from inspector.store.flows import FlowStore
from inspector.wire.encodings import DecodeError
from inspector.wire.event import Event

BUFFER = 8 << 20
"""Bytes that wait for the client, beyond which the upstream is no longer read."""


class Gate:
    """One answer on its way through. `task` is the one that relays it: it is cancelled when the person ends the answer.

    `passed`: bytes of the answer that went to the client before there was a gate. `fixed` says why it cannot be edited,
    where that is so from the start.
    """

    def __init__(
        self,
        flow: Flow,
        store: FlowStore,
        holds: Holds,
        outlet: Outlet,
        intake: Intake,
        watch: GuardedWatch | None,
        task: asyncio.Task[object],
        passed: int = 0,
        fixed: str = "",
    ) -> None:
        assert flow.response is not None
        self._flow = flow
        self._response: Response = flow.response
        self._store = store
        self._holds = holds
        self._outlet = outlet
        self._intake = intake
        self._watch = watch
        self._fixed = fixed
        self._task = task
        self._lineup = Lineup(intake.ends)
        self._rewriting = Rewriting(flow)
        readable = named(flow, flow.response.headers.without("content-encoding"))
        self._way = WayOut(flow, outlet, intake, self._rewriting, readable, passed)
        self._held: Held | None = None
        self._delivery: asyncio.Task[None] | None = None
        self._room = asyncio.Event()
        self._stepping = Stepping(self._lineup, self._deliver)
        self._splice: Splice | None = None
        self.cut: Callable[[], Awaitable[None]] | None = None
        """Breaks off the upstream's answer."""
        self._over = False
        self._closed = False
        self._spliced = False
        """The client gets another answer's rest; what else comes of the upstream's is only kept."""
        self._begun = intake.begun
        """The client has the beginning of an event, and gets its rest whatever comes."""
        self._undecided: int | None = None
        """From where on the events that have come are still to be decided on, while something is awaited for it."""
        self.outcome: Step | None = None
        """How the person ended the answer, if so: DROP, or END where it ends with what they wrote."""
        self._standing: Standing | None = None
        self._changes = Changes()
        sign = sign_of(flow) if intake.framed else b""
        self._pulse = Pulse(flow, store, outlet, sign, holds.keep_alive_every, self._stands_still)

    @property
    def given(self) -> bytes:
        """What the client has of the answer, decoded."""
        return self._rewriting.given(self._way.released)

    async def run(self, chunks: AsyncIterator[bytes]) -> None:
        """Relay the rest of an answer. What `chunks` raises is raised when all that came before is delivered."""
        try:
            async for chunk in chunks:
                await self.take(chunk)
        except Exception:
            if self._watch is not None:
                self._watch.retire()
            await self._take_end()
            await self._settle()
            await self._way.break_off()
            raise
        await self._take_end()
        await self._settle()
        await self._way.end()

    async def take(self, chunk: bytes) -> None:
        """The upstream's next bytes."""
        at = (time.perf_counter() - self._flow.clock) * 1000
        self._response.body.append(at, chunk)
        if self._spliced:
            return
        try:
            events = self._intake.feed(chunk, at)
        except DecodeError as error:
            raise httpx.ReadError(str(error)) from error
        await self._arrive(events)
        self._store.touch(self._flow)
        while self._lineup.size > BUFFER and self._delivery is not None and not self._delivery.done():
            self._room.clear()
            await self._room.wait()

    async def close(self) -> None:
        """Leave nothing behind. What was changed stands on the flow now."""
        self._closed = True
        self._pulse.stop()
        self._changes.tell(self._flow)
        if (task := self._delivery) is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _take_end(self) -> None:
        """Nothing more comes of the upstream."""
        self._over = True
        if self._spliced:
            return
        await self._arrive(self._intake.close((time.perf_counter() - self._flow.clock) * 1000))
        if self._intake.remark:
            self._flow.note(self._intake.remark)
        if self._flow.hold is not None:
            self._flow.hold.upstream_done = True
            self._store.touch(self._flow)
        self._nudge()
        by = self._watch.end() if self._watch is not None else ""
        if by and not self._lineup.halt(by, Moment.END) and self._held is None:
            self._begin(Moment.END, by)
        self._lineup.release()

    async def _settle(self) -> None:
        """Deliver all that there is, as far and as soon as nobody holds it."""
        if self._delivery is None:
            await self._flush()
        while (task := self._delivery) is not None:
            await task

    async def _arrive(self, events: list[tuple[Event, bytes]]) -> None:
        """Decide on events, and deliver what may go. What simply passes goes in one piece."""
        if self._begun and events:
            await self._complete(*events.pop(0))
        straight: list[tuple[Event, bytes]] = []
        watch, short = self._watch, self._passes_all()
        for pair in events:
            event, raw = pair
            decision = watch.event(event) if watch is not None else Verdict.PASS
            if slow := isinstance(decision, Awaitable):
                self._undecided = straight[0][0].start if straight else event.start
                decision = await decision
                if short and not self._passes_all():
                    short = False
                    for earlier in straight:
                        self._line_up(Item(*earlier), Verdict.PASS)
                    straight = []
            if short and decision is Verdict.PASS:
                straight.append(pair)
            else:
                short = False
                self._line_up(Item(event, raw), decision)
            if slow:
                self._undecided = event.end
                await self._pass_on(straight)
                self._undecided = None
                straight, short = [], self._passes_all()
        await self._pass_on(straight)

    async def _pass_on(self, straight: list[tuple[Event, bytes]]) -> None:
        if straight:
            data = straight[0][1] if len(straight) == 1 else b"".join([raw for _, raw in straight])
            await self._way.put(data)
        if self._lineup:
            self._count()
            if self._delivery is None:
                await self._flush()
            elif self._delivery.done():
                await self._delivery
            else:
                self._nudge()

    def _passes_all(self) -> bool:
        """Whether nothing stands in an event's way, and nothing is before it."""
        return not self._lineup and self._delivery is None and not self._rewriting.active

    async def _complete(self, event: Event, raw: bytes) -> None:
        """The rest of an event that the client has the beginning of."""
        self._begun = False
        if self._standing is not None:
            self._standing.take(event)
        self._undecided = event.end
        await self._way.put(raw)
        self._undecided = None

    def _line_up(self, item: Item, decision: Decision) -> None:
        if self._standing is not None:
            item.part = self._standing.arrived.take(item.event)
        if isinstance(decision, Instead):
            self._changes.add(decision.by, item)
        self._lineup.add(item, decision)

    async def _flush(self) -> None:
        """Deliver what may go, up to the next halt."""
        while self._held is None and (item := self._lineup.front()) is not None:
            if item.halt:
                by, item.halt = item.halt, ""
                self._begin(item.moment, by)
            else:
                await self._deliver(self._lineup.take())

    async def _deliver(self, item: Item) -> None:
        pieces = item.pieces if item.pieces is not None else self._rewriting.feed(item.event)
        if pieces is None:
            await self._way.put(item.raw)
            given = [item.event]
        else:
            await self._way.put_instead(pieces)
            given = self._way.read(pieces) if self._standing is not None else []
        if self._standing is not None:
            self._standing.had.take_all(given)
        self._room.set()
        self._count()

    def _count(self) -> None:
        if (hold := self._flow.hold) is not None:
            hold.waiting, hold.waiting_bytes = len(self._lineup), self._lineup.size
            self._store.touch(self._flow)

    def _stands_still(self) -> bool:
        return (self._held is not None or self._lineup.withholds) and not self._begun

    def hold(self, by: str) -> None:
        """Stop here; what is over does not stop any more."""
        if not (self._closed or self._spliced) and self._held is None and self.outcome is None:
            self._begin(Moment.EVENT, by)

    def _begin(self, moment: Moment, by: str) -> None:
        framed, rewriting = self._intake.framed, self._rewriting
        first = self._lineup[0].event.start if self._lineup else self._undecided
        came = [event for event in rewriting.arrived() if first is None or event.start < first] if framed else []
        self._standing = Standing(self._flow, came, rewriting.delivered(self._way.released) if framed else [])
        for item in self._lineup:
            item.part = self._standing.arrived.take(item.event)
        self._held = self._holds.begin(self._flow, moment, by, self)
        assert self._flow.hold is not None
        self._flow.hold.upstream_done = self._over
        self._count()
        if self._delivery is None:
            self._delivery = spawn(self._delivering(), "held delivery")

    async def _delivering(self) -> None:
        """Deliver while somebody holds the answer. Where it fails, `_delivery` stays, and says why."""
        try:
            while (held := self._held) is not None and self.outcome is None:
                await self._step_through(held)
                self._let_go()
                if self.outcome is None:
                    await self._flush()
                else:
                    self._task.cancel()
            self._delivery = None
        finally:
            self._let_go()
            self._room.set()

    def _let_go(self) -> None:
        if (held := self._held) is not None:
            self._held = self._standing = None
            self._stepping.reset()
            self._holds.end(held)

    async def _step_through(self, held: Held) -> None:
        """Follow the person's steps until the answer is let go."""
        while True:
            step = await self._holds.wait(held)
            if step is Step.DROP:
                self.outcome = step
                return
            if self._rewriting.final and step not in (None, Step.SPLICE):
                await self._end_here()
                return
            match step:
                case Step.GO_ON:
                    return
                case Step.END:
                    if self._watch is not None:
                        self._watch.stops = False
                    self._lineup.free()
                    return
                case Step.EVENT:
                    self._stepping.event()
                case Step.BLOCK:
                    self._stepping.block()
                case Step.SPLICE if await self._go_on_elsewhere():
                    return
            paid = await self._stepping.pay()
            if self._over and not self._lineup and (paid or step is not None):
                return

    async def _end_here(self) -> None:
        """The answer ends with what the person wrote."""
        while self._lineup:
            await self._deliver(self._lineup.take())
        self._way.part()
        await self._way.end()
        self.outcome = Step.END

    async def _go_on_elsewhere(self) -> bool:
        """The answer goes on with another one; False where that gives none, and then nothing has happened."""
        splice, self._splice = self._splice, None
        assert splice is not None
        try:
            if why := await splice.ready():
                self._flow.note(f"#{splice.flow.number} gave nothing to go on with: {why}")
                return False
            self._spliced = True
            for _ in range(splice.ahead):
                await self._deliver(self._lineup.take())
            self._let_go()
            self._lineup.clear()
            if self.cut is not None:
                await self.cut()
            self._way.part()
            await splice.run()
            self.outcome = Step.END
            return True
        finally:
            await splice.close()

    def _nudge(self) -> None:
        if self._held is not None and (self._stepping.owes or self._over):
            self._held.nudge()

    # What the person sees and changes

    @property
    def waiting(self) -> Sequence[Waiting]:
        """The events that the client does not have yet."""
        return self._lineup.waiting()

    @property
    def delivered(self) -> Transcript:
        """What the client has of the answer."""
        return self._standing.had.transcript if self._standing is not None else Transcript()

    @property
    def editable(self) -> str:
        """Why the answer cannot be edited; empty where it can."""
        return self._fixed or ("the rest of an event is still to come: wait for it" if self._begun else "")

    def edit(self, edits: Edits, by: str) -> None:
        """Change parts of the answer."""
        written = self._standing.arrived.transcript.answer.message if self._standing is not None else None
        self._rewriting.edit(edits, by, written, self._way.released)

    def splice(self, before: str, source: Callable[[], Continuation], by: str) -> None:
        """Go on behind `before` with another answer."""
        assert self._standing is not None
        ahead = self._lineup.until(words_at(self._standing.arrived.transcript.answer))
        had = [*self._rewriting.delivered(self._way.released), *(item.event for item in ahead)]
        splicer = self._rewriting.splicer(had, before, spent_on(self._flow, before, self._standing.arrived.transcript))
        self._splice = Splice(splicer, source(), self._outlet, lambda: self._store.touch(self._flow), len(ahead))
        self._flow.mutations.append(self._splice.mutation(before, by))

    def edit_event(self, index: int, raw: bytes, by: str) -> None:
        """Give one waiting event other bytes."""
        if self.editable:
            raise ValueError(self.editable)
        before = self._lineup.change(index, raw)
        self._flow.mutations.append(Mutation("event", by, before, readable(raw)))
