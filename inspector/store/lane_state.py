"""What is kept of the flows that have their place: small facts, so that no request is read twice."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence, Set
from operator import attrgetter
from typing import NamedTuple

from inspector.model.flow import Flow
from inspector.store.lane import Lane, LaneTotals, Place, Work
from inspector.store.summary import Summary

_UNITS = 10**12
_STAY = 4
"""Flows at the end of a lane that later requests may go on from, also when they left the store."""


class Share(NamedTuple):
    """What a flow counts with in the totals of its lane. None where it is not known."""

    given: int | None
    output: int
    cost: int | None
    """In units of 10^-12 US dollars: sums of whole numbers are the same in any order."""

    @classmethod
    def of(cls, summary: Summary) -> Share:
        """The share of an ended flow; guesses are not added."""
        output = 0 if summary.output_estimated else summary.output_tokens or 0
        return cls(summary.input_tokens, output, None if summary.billed is None else round(summary.billed * _UNITS))


class Entry:
    """A flow in its lane."""

    __slots__ = (
        "attempt",
        "branches",
        "calls",
        "chain",
        "compacted",
        "count",
        "declared",
        "failed",
        "final",
        "first",
        "flow",
        "keys",
        "lane",
        "left",
        "place",
        "previous",
        "repeat",
        "replay",
        "seed",
        "seen",
        "seq",
        "share",
        "skipped",
        "storm",
        "system",
        "turn",
        "work",
    )

    def __init__(self, flow: Flow, lane: LaneState, work: Work = Work.TURN) -> None:
        self.flow = flow
        self.seq = flow.seq
        self.lane = lane
        self.work = work
        self.previous: Entry | None = None
        self.compacted = False
        self.turn = 0
        self.replay = False
        """The person sent it, not the agent: it moves nothing."""
        self.chain = self.seed = self.system = self.repeat = 0
        self.count = 0
        """Units in its prompt."""
        self.keys: list[int] = []
        """Under which it stands in the index."""
        self.branches = 0
        """How many requests go on from it."""
        self.first = self
        """The first attempt at the same request."""
        self.attempt = 1
        self.declared = False
        """Its client says that it is a further attempt."""
        self.storm = False
        """Set at a first attempt, for all of them."""
        self.failed = False
        self.final = False
        """All of its answer is known."""
        self.seen = -1
        self.calls = False
        """Whether its answer calls tools."""
        self.place: Place | None = None
        """Its place as it was told last; None where that may have changed."""
        self.share: Share | None = None
        """What it counts with in the lane's totals."""
        self.left = False
        """Its flow is in the store no more."""
        self.skipped = 0
        """Turns right before it that were let go."""

    @property
    def ended(self) -> float:
        """When it ended, in seconds since the epoch; never, while it runs."""
        at = self.flow.timing.ended
        return float("inf") if at is None else self.flow.started + at / 1000


class Index:
    """Entries by what they can be found by, those of one key by their number."""

    def __init__(self) -> None:
        self._entries: dict[int, Entry | list[Entry]] = {}

    def add(self, key: int, entry: Entry) -> None:
        """Let an entry be found; once for each key."""
        known = self._entries.get(key)
        if known is None:
            self._entries[key] = entry
        elif isinstance(known, list):
            insort(known, entry, key=_SEQ)
        else:
            self._entries[key] = sorted((known, entry), key=_SEQ)
        entry.keys.append(key)

    def remove(self, entry: Entry) -> None:
        """Let an entry be found no more."""
        for key in entry.keys:
            known = self._entries[key]
            if isinstance(known, list) and len(known) > 1:
                known.remove(entry)
            else:
                del self._entries[key]
        entry.keys.clear()

    def get(self, key: int) -> Sequence[Entry]:
        """The entries of a key, the latest last."""
        known = self._entries.get(key, ())
        return (known,) if isinstance(known, Entry) else known


_SEQ = attrgetter("seq")


class LaneState:
    """A lane with what is needed to go on with it."""

    __slots__ = (
        "_cost",
        "_given",
        "_output",
        "_priced",
        "_window",
        "above",
        "below",
        "entries",
        "lane",
        "names",
        "titles",
        "turns",
        "words",
    )

    def __init__(self, flow: Flow, session: str = "", parent: LaneState | None = None) -> None:
        self.lane: Lane = Lane(flow.id, agent=flow.agent, session=session, parent=parent.lane if parent else None)
        self.lane.begun = flow.seq
        self.above = parent
        self.below = 0
        """How many lanes it started that are there."""
        self.entries: list[Entry] = []
        self.names: tuple[str, ...] = ()
        """Under which its session's lanes are found."""
        self.turns = 0
        self.words = ""
        """The title by the first words or by the call, where the agent made none."""
        self.titles: dict[int, str] = {}
        """The titles that the agent had made, by the numbers of the flows that asked for them."""
        self._given = self._output = self._priced = self._cost = 0
        self._window: Entry | None = None

    @property
    def last(self) -> Entry | None:
        """The last turn that is there."""
        return next((entry for entry in reversed(self.entries) if entry.turn), None)

    def add(self, entry: Entry) -> None:
        """Put a flow at the end."""
        self.entries.append(entry)
        self.lane.flows.append(entry.flow)
        self._number(entry)
        self._total()

    def drop(self) -> None:
        """Take the last flow out again."""
        entry = self.entries.pop()
        self.lane.flows.pop()
        self.titles.pop(entry.seq, None)
        self.count(entry, None)
        self.renumber()

    @property
    def idle(self) -> bool:
        """Whether all of its flows left, and those of all lanes that it started."""
        return not self.below and all(entry.left for entry in self.entries)

    def let_go(self, unsettled: Set[int]) -> list[Entry]:
        """Take out the flows that left, but for the few by which the conversation may go on; those taken out.

        All of an idle lane's are taken out. They stay counted. `unsettled` are requests of which an attempt still
        runs: all attempts at these stay.
        """
        goes_on = not self.idle
        turns = [entry for entry in self.entries if entry.turn]
        stay = {*turns[:1], *turns[-1:], *self.entries[-_STAY:]}
        gone: list[Entry] = []
        kept: list[Entry] = []
        skipped = 0
        for entry in self.entries:
            if not entry.left or (goes_on and (entry in stay or entry.repeat in unsettled)):
                entry.skipped += skipped
                skipped = 0
                kept.append(entry)
            else:
                skipped += entry.skipped + _is_counted(entry)
                gone.append(entry)
        self.entries = kept
        here = [entry.flow for entry in kept if not entry.left]
        self.lane.left += len(self.lane.flows) - len(here)
        self.lane.flows[:] = here
        newest = max(self.titles, default=0)
        for entry in gone:
            if entry.seq != newest:
                self.titles.pop(entry.seq, None)
        return gone

    def renumber(self) -> None:
        """Number the turns anew, after attempts were told apart."""
        self.turns = 0
        for entry in self.entries:
            self._number(entry)
        self._total()

    def name(self) -> bool:
        """Set the title; whether it changed."""
        before = self.lane.title
        self.lane.title = self.titles[max(self.titles)] if self.titles else self.words
        return self.lane.title != before

    def count(self, entry: Entry, share: Share | None) -> bool:
        """Let a flow count with `share` in the totals; whether they changed."""
        for sign, part in ((-1, entry.share), (1, share)):
            if part is not None:
                self._given += sign * (part.given or 0)
                self._output += sign * part.output
                self._priced += sign * (part.cost is not None)
                self._cost += sign * (part.cost or 0)
        entry.share = share
        if _tells_window(entry) and (self._window is None or self._window.seq <= entry.seq):
            self._window = entry
        elif self._window is entry and not _tells_window(entry):
            self._window = next((each for each in reversed(self.entries) if _tells_window(each)), None)
        before = self.lane.totals
        self._total()
        return self.lane.totals != before

    def _number(self, entry: Entry) -> None:
        entry.turn = 0
        self.turns += entry.skipped
        if entry.work is Work.TURN and not entry.replay:
            self.turns += entry.first is entry
            entry.turn = entry.first.turn if entry.first is not entry else self.turns

    def _total(self) -> None:
        window = self._window.share if self._window is not None else None
        self.lane.totals = LaneTotals(
            self.turns,
            self._given,
            self._output,
            self._cost / _UNITS if self._priced else None,
            window.given if window is not None else None,
        )


def _is_counted(entry: Entry) -> bool:
    """Whether it has a turn's number of its own."""
    return entry.turn > 0 and entry.first is entry


def _tells_window(entry: Entry) -> bool:
    return entry.turn > 0 and entry.share is not None and entry.share.given is not None
