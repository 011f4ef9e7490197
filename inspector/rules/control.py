"""Everything that the person controls, as the hooks that the relay asks."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx

from inspector.dialects._logprobs import Strip
from inspector.model.flow import Flow, Moment, Mutation
from inspector.proxy.held import Holds, change_request
from inspector.proxy.hooks import Context, Decision, Hooks, Instead, Watch
from inspector.rules.breakpoints import Breakpoints
from inspector.rules.capture import CaptureProfile
from inspector.rules.mocks import MockRule, Mocks
from inspector.rules.replies import build, spoil
from inspector.rules.rulebook import Rulebook
from inspector.rules.sticky import StickyEdits
from inspector.rules.watching import watch
from inspector.store.filter_field import Cost
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from inspector.wire.body import decoded
from inspector.wire.event import Event

logger = logging.getLogger("inspector.rules")

HAND = "hand"
_PATIENCE = 5.0
"""Seconds for which a large request waits to be read before the rules judge it."""
_SOON = 0.01


class Control(Hooks):
    """Breakpoints, holds, mocks, faults, sticky edits and the profile; behind them, whoever else has a say.

    `keep` names the file that keeps the rules. `answers` may answer what nobody stopped: a recording; `reader` gives
    another watch on an answer, and `listener` is told of every end: a person's hook. Without a `profile`, there is one
    that changes nothing. Raises ValueError where the file cannot be read as meant.
    """

    def __init__(
        self,
        store: FlowStore,
        transcripts: Transcripts,
        *,
        holds: Holds | None = None,
        keep: Path | None = None,
        answers: Hooks | None = None,
        reader: Callable[[Context], Watch | None] | None = None,
        listener: Callable[[Flow], None] | None = None,
        profile: CaptureProfile | None = None,
    ) -> None:
        self._transcripts = transcripts
        self._answers = answers or Hooks()
        self._reader = reader
        self._listener = listener
        self.holds = holds if holds is not None else Holds(store)
        self.breakpoints = Breakpoints(changed=self._save)
        self.mocks = Mocks(changed=self._save)
        self.sticky = StickyEdits(changed=self._save)
        self.profile = profile if profile is not None else CaptureProfile()
        self.hold_requests = False
        """Whether every next request is held."""
        self._spoiled: dict[str, MockRule] = {}
        self._book = Rulebook(keep, self.breakpoints, self.mocks, self.sticky) if keep is not None else None
        if self._book is not None:
            self._book.load()

    async def request(self, context: Context) -> httpx.Response | None:
        """Sticky edits first, then the profile, then whoever holds it, then whoever answers in the upstream's place."""
        flow = context.flow
        self._stick(flow)
        await self._let_read(flow)
        if (refusal := self.profile.request(flow)) is not None:
            return refusal
        if by := self._stops(flow):
            reply = await context.hold(Moment.REQUEST, by)
            if reply is not None:
                return reply
        rule = self.mocks.pick(flow, self._transcripts)
        if rule is None:
            return await self._answers.request(context)
        if rule.reply.answers:
            return build(flow, rule.reply)
        self._spoiled[flow.id] = rule
        return None

    async def response(self, context: Context, response: httpx.Response) -> httpx.Response:
        """An answer of the upstream's, to another try where the profile makes one; spoiled where a rule says so."""
        response = await self.profile.response(context, response)
        rule = self._spoiled.pop(context.flow.id, None)
        return spoil(response, rule.reply) if rule is not None else response

    def watch(self, context: Context, response: httpx.Response) -> Watch | None:
        """A watch where a breakpoint may stop the answer, or another hook reads its events."""
        other = self._reader(context) if self._reader is not None else None
        own = watch(context.flow, self.breakpoints, self._transcripts) if len(self.breakpoints) else None
        return BothWatch(other, own) if other is not None and own is not None else other or own

    def strip(self, flow: Flow) -> Strip | None:
        """What takes the profile's additions out of the answer again."""
        return self.profile.strip(flow)

    def done(self, flow: Flow) -> None:
        """The flow has ended."""
        self.profile.done(flow)
        self._spoiled.pop(flow.id, None)
        if self._listener is not None:
            self._listener(flow)

    async def _let_read(self, flow: Flow) -> None:
        """Where a rule asks what a request says, let a large one be read beside the loop, which others need."""
        asked = [*self.breakpoints, *self.mocks]
        if not any(each.on and each.filter.cost > Cost.FLOW for each in asked):
            return
        until = time.monotonic() + _PATIENCE
        while not self._transcripts.settled(flow) and time.monotonic() < until:
            await asyncio.sleep(_SOON)

    def _stops(self, flow: Flow) -> str:
        """Who holds a request; empty for nobody."""
        for each in self.breakpoints.active(Moment.REQUEST):
            if each.filter.matches(flow, self._transcripts):
                each.hits += 1
                return str(each)
        return HAND if self.hold_requests else ""

    def _stick(self, flow: Flow) -> None:
        if not len(self.sticky):
            return
        data, _ = decoded(flow.sent.headers, bytes(flow.sent.body))
        changed, applied = self.sticky.apply(data)
        if not applied:
            return
        change_request(flow, flow.sent.with_body(changed), "sticky edit")
        flow.mutations.extend(Mutation("sticky edit", "sticky edit", "", str(each)) for each in applied)

    def _save(self) -> None:
        if self._book is None:
            return
        try:
            self._book.save()
        except (OSError, ValueError) as error:
            logger.error("the rules could not be kept: %s", error)


class BothWatch:
    """Two watches on one answer: the first may change its events, the second stop it."""

    def __init__(self, first: Watch, second: Watch) -> None:
        self._first = first
        self._second = second

    def head(self) -> str:
        """Whoever stops it first."""
        return self._first.head() or self._second.head()

    async def event(self, event: Event) -> Decision:
        """What the second decides, with what the first puts in the event's place."""
        changed = self._first.event(event)
        changed = await changed if isinstance(changed, Awaitable) else changed
        decided = self._second.event(event)
        decided = await decided if isinstance(decided, Awaitable) else decided
        if isinstance(changed, Instead) and not isinstance(decided, Instead):
            return Instead(changed.pieces, changed.by, decided)
        return decided

    def end(self) -> str:
        """Whoever stops it first."""
        return self._first.end() or self._second.end()
