"""How much memory flows may take: bodies that nobody looked at for long are let go, and come back from where they lie.

Of each body there are two copies as a rule: one in memory, and one in the session file. The first is dropped when there
are too many of them. Very old flows leave altogether: they are found in the session file.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from itertools import islice
from threading import RLock
from typing import Literal, Protocol, cast

from inspector.model.flow import Capture, Flow
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts

MEMORY = 256 << 20
"""Bytes that all may take together."""
PROGRAM = 120 << 20
"""Bytes of `MEMORY` that the program takes itself, with its screen and what the session file's writer remembers."""
FLOW = 8 << 10
"""Bytes that a flow takes beside its bodies, at most about: half of it is what the allocator cannot use again."""
READ = 2
"""Bytes that a transcript takes for a byte of the bodies that it was read from, at most about."""
FLOWS = 50_000
"""Flows that are kept at all."""
_AT_ONCE = 1000
"""Flows that one call looks at, to find some that may go."""

Side = Literal["request", "forwarded", "response", "delivered"]


class Shelf(Protocol):
    """Where bodies lie that are not in memory."""

    def holds(self, flow: Flow) -> bool:
        """Whether everything of a flow is there, up to its last byte."""

    def load(self, flow_id: str, side: Side) -> Capture:
        """One body, from any thread. Raises whatever it will where it cannot be read."""


class MemoryBudget:
    """Keeps the flows of a store within `limit` bytes. A puller, to be called a few times a second.

    Live, held and marked flows stay, and all that the shelf does not hold: without a shelf nothing goes.
    """

    def __init__(
        self,
        store: FlowStore,
        shelf: Shelf | None,
        limit: int = MEMORY - PROGRAM,
        *,
        flows: int = FLOWS,
        transcripts: Transcripts | None = None,
    ) -> None:
        self.used = 0
        """Bytes of memory that bodies take, with the times of their chunks."""
        self.open: Flow | None = None
        """The flow that the person has before them: it stays."""
        self._store = store
        self._shelf = shelf
        self._limit = limit
        self._flows = flows
        self._transcripts = transcripts
        self._cursor = 0
        self._here: OrderedDict[Flow, int] = OrderedDict()
        """The flows whose bodies are in memory, with what these take; the one not looked at longest comes first."""
        self._damaged: list[Flow] = []
        self._lock = RLock()
        if transcripts is not None:
            transcripts.looked = self.looked
        for flow in store:
            for side, body in bodies_of(flow):
                if not body.here:
                    body.let_go(self.fetch, flow.id, side)

    def looked(self, flow: Flow) -> None:
        """Somebody looks at a flow: its bodies are the last to go."""
        with self._lock:
            if flow in self._here:
                self._here.move_to_end(flow)

    @property
    def room(self) -> int:
        """Bytes that bodies may take now; there is always some, whatever else there is."""
        taken = len(self._store) * FLOW
        if self._transcripts is not None:
            taken += self._transcripts.weight * READ
        return max(self._limit - taken, self._limit // 8)

    def pull(self) -> None:
        """Take in what changed, and let go of what is too much."""
        with self._lock:
            self._cursor, changed = self._store.changes_since(self._cursor)
            for flow in changed:
                self._weigh(flow)
            self._let_go()
            self._let_leave()
            damaged, self._damaged = self._damaged, []
        for flow in damaged:
            self._store.touch(flow)

    def _weigh(self, flow: Flow) -> None:
        size = sum(body.memory for _, body in bodies_of(flow))
        self.used += size - self._here.pop(flow, 0)
        if size:
            self._here[flow] = size

    def _let_go(self, but: Flow | None = None) -> None:
        room = self.room
        if self.used <= room:
            return
        for flow in list(islice(self._here, _AT_ONCE)):
            if flow is but or not self._may_go(flow):
                self._here.move_to_end(flow)
                continue
            for side, body in bodies_of(flow):
                if body.here:
                    body.let_go(self.fetch, flow.id, side)
            self.used -= self._here.pop(flow)
            if self.used <= room:
                return

    def _may_go(self, flow: Flow) -> bool:
        if flow.live or flow.hold is not None or flow.marked or flow is self.open:
            return False
        return self._shelf is not None and self._shelf.holds(flow)

    def _let_leave(self) -> None:
        """Let the oldest flows leave: many at once, for whoever keeps something of each looks through it then."""
        extra = len(self._store) - self._flows
        if extra < max(1, self._flows // 100):
            return
        oldest = islice(self._store, extra + _AT_ONCE)
        leaving = list(islice((flow for flow in oldest if self._may_go(flow)), extra))
        self._store.leave(leaving)
        for flow in leaving:
            self.used -= self._here.pop(flow, 0)
            # Somebody may hold on to it, and look at it later.
            for side, body in bodies_of(flow):
                if body.here:
                    body.let_go(self.fetch, flow.id, side)
            if self._transcripts is not None:
                self._transcripts.forget(flow)

    def fetch(self, body: Capture, flow_id: str, side: str) -> Capture:
        """Bring a body back. Runs in whatever thread looks at it; see `Fetch`."""
        assert self._shelf is not None
        flow, found = self._store.get(flow_id), brought_back(body, flow_id, side, self._shelf.load)
        with self._lock:
            body.put_back(found)
            if flow is not None:
                self._came_back(flow, found)
        return found

    def _came_back(self, flow: Flow, found: Capture) -> None:
        if found.lost:
            flow.note(found.lost)
            self._damaged.append(flow)
        self._weigh(flow)
        self._let_go(but=flow)


def brought_back(body: Capture, flow_id: str, side: str, load: Callable[[str, Side], Capture]) -> Capture:
    """What a shelf has of a body that was let go; nothing, with the reason, where it cannot be read as it passed."""
    try:
        found = load(flow_id, cast(Side, side))
        if (len(found), found.chunks) != (len(body), body.chunks):
            raise ValueError("it is not there as it passed")
    except Exception as error:  # the border to files, which may be anything by now: the screen must go on
        return body.nothing(f"the {side}'s body could not be read back: {str(error) or type(error).__name__}")
    return found


def bodies_of(flow: Flow) -> Iterator[tuple[Side, Capture]]:
    """The bodies of a flow that can be let go: those with anything in them, each once."""
    request, forwarded = flow.request.body, flow.forwarded.body if flow.forwarded is not None else None
    if request.chunks:
        yield "request", request
    if forwarded is not None and forwarded is not request and forwarded.chunks:
        yield "forwarded", forwarded
    if flow.response is not None and flow.response.body.chunks:
        yield "response", flow.response.body
    if flow.delivered is not None and flow.delivered.body.chunks:
        yield "delivered", flow.delivered.body
