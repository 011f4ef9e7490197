"""Flows that stand still: what the person may do with each, and the register of them all.

A hold belongs to the relay, which waits in it; the person's intents come in by plain calls and take effect at once.
Calls that make no sense at the hold's moment raise ValueError, in words for the person.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

import httpx

from inspector.model.edits import Edits
from inspector.model.flow import Flow, Hold, Moment, Mutation, Request
from inspector.model.message import Transcript
from inspector.proxy.continuation import Continuation
from inspector.proxy.patience import gives_up
from inspector.store.flows import FlowStore
from inspector.wire.event import Event

BY = "inspector.by"
"""The extension of a response that says who made it in the upstream's place."""

KEEP_ALIVE = 10.0
"""Seconds between two signs of life."""


class Dropped(Exception):
    """The person closed the connection of a held flow."""


class Step(Enum):
    """How far a held flow is let go."""

    GO_ON = auto()
    """On, until something stops it again."""
    EVENT = auto()
    BLOCK = auto()
    """To the end of the block (text, thoughts, a tool call) that the next event belongs to."""
    END = auto()
    """To its end: nothing stops it any more."""
    SPLICE = auto()
    """On with another answer in the place of what is still to come."""
    DROP = auto()


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event that the client does not have yet."""

    event: Event
    raw: bytes
    """As it came, or as it was edited; of a binary frame its payload."""
    part: int
    """Index of the part of the answer that it belongs to; -1 before the first and behind the last."""
    edited: bool = False


class Stream(Protocol):
    """A held answer, as far as a person may look into it and change it."""

    @property
    def waiting(self) -> Sequence[Waiting]:
        """The events that the client does not have yet, in their order."""

    @property
    def delivered(self) -> Transcript:
        """What the client has of the answer."""

    @property
    def editable(self) -> str:
        """Why the answer cannot be edited; empty where it can."""

    def edit(self, edits: Edits, by: str) -> None:
        """Change parts of the answer. ValueError where they are with the client already."""

    def edit_event(self, index: int, raw: bytes, by: str) -> None:
        """Give one waiting event other bytes, framing included (a binary frame's may be left out). ValueError for no
        whole event.
        """

    def splice(self, before: str, source: Callable[[], Continuation], by: str) -> None:
        """Have another answer ready to go on with at the next step. ValueError where it would not fit."""


class Held:
    """One flow that stands still."""

    def __init__(self, flow: Flow, moment: Moment, by: str, stream: Stream | None, changed: Callable[[], None]) -> None:
        self.flow = flow
        self.moment = moment
        self.by = by
        self.stream = stream
        """The answer, at `event` and `end`."""
        self.reply: httpx.Response | None = None
        """What the person answers with, at `request` and `head`."""
        self.since = asyncio.get_running_loop().time()
        """The loop's clock when it began, in seconds."""
        self.over = False
        """It moves again."""
        self._changed = changed
        self._steps: asyncio.Queue[Step | None] = asyncio.Queue()

    def step(self, step: Step) -> None:
        """Let the flow go, so far."""
        if step in (Step.EVENT, Step.BLOCK) and self.stream is None:
            raise ValueError("there are no events to step through yet")
        self._steps.put_nowait(step)

    def send(self, request: Request, by: str = "hand") -> None:
        """Forward another request than the one that came, and go on."""
        self._check()
        if self.moment is not Moment.REQUEST:
            raise ValueError("the request has gone upstream already")
        change_request(self.flow, request, by)
        self._changed()
        self.step(Step.GO_ON)

    def answer(self, response: httpx.Response) -> None:
        """Answer in the upstream's place. Its body may be a stream that pauses, or one that raises to break off."""
        self._check()
        if self.stream is not None:
            raise ValueError("the answer has begun: change what is still to come of it")
        response.extensions[BY] = "hand"
        self.reply = response
        self.step(Step.GO_ON)

    def edit(self, edits: Edits, by: str = "hand") -> None:
        """Change parts of the answer; it stays held."""
        self._check()
        if self.stream is None:
            raise ValueError("there is no answer to edit yet")
        if self.stream.editable:
            raise ValueError(self.stream.editable)
        self.stream.edit(edits, by)
        self._changed()

    def splice(self, before: str, source: Callable[[], Continuation], by: str = "hand") -> None:
        """Go on with another answer: the client reads one, whose text is `before` and what the other one says.

        `source` begins the other answer; it is called only where that can be joined to what the client has already:
        ValueError, in words, where not. Where the other answer turns out to be an error, this one stays held.
        """
        self._check()
        if self.stream is None:
            raise ValueError("there is no answer to go on with yet")
        if self.stream.editable:
            raise ValueError(self.stream.editable)
        self.stream.splice(before, source, by)
        self._changed()
        self.step(Step.SPLICE)

    def _check(self) -> None:
        if self.over:
            raise ValueError("it is not held any more")

    def nudge(self) -> None:
        """Something that was waited for has come."""
        self._steps.put_nowait(None)

    async def next_step(self) -> Step | None:
        """Wait for the person, or for a nudge."""
        return await self._steps.get()


class Holds:
    """Every flow that is held now."""

    def __init__(
        self, store: FlowStore, *, release_after: float | None = None, keep_alive_every: float = KEEP_ALIVE
    ) -> None:
        self._store = store
        self.keep_alive_every = keep_alive_every
        """Seconds of silence after which a client whose answer is held gets a sign of life."""
        self.release_after = release_after
        """Seconds after which a held flow goes on by itself; None leaves that to the person."""
        self._held: dict[str, Held] = {}

    def get(self, flow: Flow) -> Held | None:
        """The hold of a flow."""
        return self._held.get(flow.id)

    def __iter__(self) -> Iterator[Held]:
        return iter(list(self._held.values()))

    def __len__(self) -> int:
        return len(self._held)

    def begin(self, flow: Flow, moment: Moment, by: str, stream: Stream | None = None) -> Held:
        """Hold a flow; `end` must be called when it moves again."""
        held = self._held[flow.id] = Held(flow, moment, by, stream, lambda: self._store.touch(flow))
        flow.hold = Hold(moment, by, _now(flow), gives_up=gives_up(flow))
        self._store.touch(flow)
        return held

    def end(self, held: Held) -> None:
        """The flow moves again, or is over."""
        self._held.pop(held.flow.id, None)
        held.over = True
        if (hold := held.flow.hold) is not None:
            held.flow.timing.held += _now(held.flow) - hold.since
            held.flow.hold = None
        self._store.touch(held.flow)

    async def wait(self, held: Held) -> Step | None:
        """The person's next step, but at the latest after `release_after`; None where there is news instead."""
        try:
            async with asyncio.timeout_at(held.since + self.release_after if self.release_after else None):
                return await held.next_step()
        except TimeoutError:
            held.flow.note(f"released after {self.release_after:g} s, as told")
            return Step.GO_ON


def change_request(flow: Flow, request: Request, by: str) -> None:
    """Forward `request` instead of what would have gone upstream; what differs stands on the flow."""
    before = flow.sent
    if request.url != before.url or request.method != before.method:
        target = f"{before.method} {before.url}", f"{request.method} {request.url}"
        flow.mutations.append(Mutation("target", by, *target))
    if bytes(request.body) != bytes(before.body):
        flow.mutations.append(Mutation("body", by, f"{len(before.body)} bytes", f"{len(request.body)} bytes"))
    if request.headers != before.headers:
        flow.mutations.append(Mutation("headers", by))
    flow.forwarded = request


def _now(flow: Flow) -> float:
    return (time.perf_counter() - flow.clock) * 1000
