"""One agent's lanes: where its requests belong, by what they hold of what was said before.

Requests are placed in the order of their numbers. The last one can be taken out again, so that one that was not whole
in time can be put before it.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Callable, Set
from operator import attrgetter

from inspector.model.flow import Flow
from inspector.model.message import Transcript
from inspector.store import lane_attempts
from inspector.store.lane import Cause, Place, Work
from inspector.store.lane_asked import Asked
from inspector.store.lane_prints import chain_on, is_telling, title_line, units_of
from inspector.store.lane_search import Search, Spot
from inspector.store.lane_state import Entry, Index, LaneState, Share
from inspector.store.lane_titles import title_of
from inspector.store.lane_work import asks_to_sum_up
from inspector.store.transcripts import Transcripts

_CHOICES = 8
"""How many choices of an answer a conversation may go on from."""
_SAID = 24
"""Characters of an answer's text from which on it tells the conversation."""


class Realm:
    """Places the flows of one agent. `moved` is called for each flow whose place changed, `told` for each new title
    and total."""

    def __init__(self, transcripts: Transcripts, moved: Callable[[Flow], None], told: Callable[[], None]) -> None:
        self._transcripts = transcripts
        self._moved = moved
        self._told = told
        self._index = Index()
        self.lanes: list[LaneState] = []
        self._sessions: dict[str, list[LaneState]] = defaultdict(list)
        self._callers: list[Entry] = []
        self._claimed: dict[tuple[str, str], int] = defaultdict(int)
        self._lengths: Counter[int] = Counter()
        """How many turns have prompts of so many units."""
        self._compactions = 0
        self.settled = 0
        """The highest number of a flow that left: what stands before it stays as it is."""
        self._search = Search(
            transcripts, self._index, self.lanes, self._sessions, self._callers, self._claimed, self._lengths
        )

    @property
    def summed_up(self) -> bool:
        """Whether any conversation was summed up: then a prompt's text may be searched for the summary."""
        return self._compactions > 0

    def place(self, asked: Asked) -> Entry | None:
        """Give a flow its place, behind all that have one. None for a question after an answer that nobody knows."""
        spot, work = self._spot(asked)
        if spot is None:
            return None
        entry = Entry(asked.flow, spot.lane or self._open(asked, spot), work)
        prints = asked.prints
        entry.seed, entry.system, entry.repeat = asked.seed, prints.system, asked.repeat
        entry.chain = prints.chain[-1] if prints.chain else asked.seed
        entry.count = len(prints.chain)
        entry.previous, entry.compacted = spot.previous, spot.compacted and work is Work.TURN
        entry.declared = lane_attempts.declares_retry(asked.flow)
        if entry.previous is not None and work is Work.TURN:
            entry.previous.branches += 1
        stormy = self._try_again(entry) if work is not Work.POLL else False
        entry.lane.add(entry)
        self._note_request(asked, entry)
        if stormy:
            self._renumbered(entry.lane)
        self._name(entry, asked)
        self._move(entry)
        return entry

    def replay(self, flow: Flow, original: Entry) -> Entry:
        """Put what the person sent again beside what it repeats."""
        entry = Entry(flow, original.lane, original.work)
        entry.replay, entry.previous, entry.compacted = True, original.previous, original.compacted
        entry.lane.add(entry)
        self._move(entry)
        return entry

    def remove(self, entry: Entry) -> None:
        """Take the flow that was placed last out again, with all that was noted of it."""
        lane = entry.lane
        self._index.remove(entry)
        if not entry.replay:
            self._count_request(entry, -1)
        if entry.calls:
            self._callers.remove(entry)
        if entry.previous is not None and entry.work is Work.TURN and not entry.replay:
            entry.previous.branches -= 1
        lane.drop()
        if not lane.entries:
            self._close(lane)
        elif entry.first is not entry and lane_attempts.calm(self._attempts(entry), entry.first):
            self._renumbered(lane)
        lane.name()
        self._move(entry)

    def leave(self, entry: Entry) -> None:
        """A flow left the store. It stays where it is until `let_go`."""
        entry.left, entry.place = True, None
        self.settled = max(self.settled, entry.seq)

    def let_go(self, lane: LaneState, unsettled: Set[int]) -> list[LaneState]:
        """Forget what nobody needs of the flows of a lane that left; the lanes that are gone with it.

        `unsettled` are the requests of which an attempt still runs.
        """
        gone = lane.let_go(unsettled)
        went = set(gone)
        for entry in lane.entries:
            self._settle_previous(entry, went)
        for entry in gone:
            self._index.remove(entry)
            if not entry.replay:
                self._count_request(entry, -1)
            entry.calls, entry.previous = False, None
        if lane.entries:
            return []
        self.lanes.remove(lane)
        self._unname(lane)
        above = lane.above
        if above is None:
            return [lane]
        above.below -= 1
        return [lane, *(self.let_go(above, unsettled) if above.idle else ())]

    def sweep(self) -> None:
        """Look through what is kept of all flows for those that were let go."""
        self._callers[:] = [entry for entry in self._callers if entry.calls]
        callers = {entry.flow.id for entry in self._callers}
        for claim in [claim for claim in self._claimed if claim[0] not in callers]:
            del self._claimed[claim]

    def take_answer(self, entry: Entry) -> None:
        """Note what of a flow's answer later requests may show, as far as it has come."""
        flow = entry.flow
        if entry.final or (flow.live and (entry.seen == flow.revision or flow.response is None)):
            return
        entry.seen = flow.revision
        transcript = self._transcripts.answered(flow)
        if not entry.replay:
            self._note_answer(entry, transcript)
        if flow.live:
            return
        entry.final = True
        entry.failed = lane_attempts.failed(flow, transcript)
        if entry.failed and not entry.replay:
            self._part(entry)
        if entry.work is Work.TITLE and not entry.failed and (title := title_of(transcript)):
            entry.lane.titles[entry.seq] = title
        if entry.lane.name():
            self._told()

    def count(self, entry: Entry) -> None:
        """Take an ended flow into its lane's totals."""
        if entry.lane.count(entry, Share.of(self._transcripts.summary(entry.flow))):
            self._told()

    def place_of(self, entry: Entry) -> Place:
        """An entry's place, as it is now."""
        if entry.place is None:
            previous = entry.previous
            if previous is not None:
                previous = lane_attempts.best(self._attempts(previous), previous, entry.seq)
            entry.place = Place(
                entry.lane.lane,
                entry.work,
                entry.turn,
                previous.flow if previous is not None else None,
                entry.compacted,
                entry.first.flow if entry.first is not entry else None,
                entry.attempt,
                entry.first.storm,
            )
        return entry.place

    def _spot(self, asked: Asked) -> tuple[Spot | None, Work]:
        """Where a request belongs, and what it is for."""
        search = self._search
        if asked.work is Work.POLL:
            return search.answer(asked), Work.POLL
        earlier = self._index.get(hash(("again", asked.repeat)))
        if earlier and lane_attempts.goes_with(earlier[-1], asked.flow):
            same = earlier[-1]
            return Spot(same.lane, same.previous, same.compacted), same.work
        going_on = search.continuation(asked)
        if asked.work is not None:
            return going_on or search.beside(asked), asked.work
        if going_on is not None and going_on.previous is not None:
            changed = going_on.previous.system != asked.prints.system
            if asks_to_sum_up(asked.prompt, asked.order, other_system=changed):
                return Spot(going_on.lane, going_on.previous), Work.COMPACTION
        return going_on or search.beginning(asked), Work.TURN

    def _open(self, asked: Asked, spot: Spot) -> LaneState:
        """A new lane for a flow."""
        lane = LaneState(asked.flow, asked.session.name, spot.parent)
        if spot.started is not None:
            started = spot.started
            lane.lane.cause = Cause(started.entry.flow, started.call_id, started.name)
            self._claimed[started.entry.flow.id, started.call_id] += 1
        lane.words = spot.started.title if spot.started is not None else ""
        if spot.parent is not None:
            spot.parent.below += 1
        self.lanes.append(lane)
        for name in _names(asked):
            self._sessions[name].append(lane)
        lane.names = _names(asked)
        return lane

    def _close(self, lane: LaneState) -> None:
        self.lanes.pop()
        if lane.above is not None:
            lane.above.below -= 1
        self._unname(lane)
        if (cause := lane.lane.cause) is not None:
            self._claimed[cause.flow.id, cause.call_id] -= 1

    def _unname(self, lane: LaneState) -> None:
        for name in lane.names:
            self._sessions[name].remove(lane)
            if not self._sessions[name]:
                del self._sessions[name]

    def _settle_previous(self, entry: Entry, gone: Set[Entry]) -> None:
        """Where an attempt that failed is let go, the turn behind it is compared with the one that succeeded."""
        before = entry.previous
        if before is not None and before.failed and before in gone:
            entry.previous = lane_attempts.best(self._attempts(before), before, entry.seq)
            entry.previous.branches += 1

    def _try_again(self, entry: Entry) -> bool:
        """Put an attempt behind those before it; whether they have become a storm by it."""
        self._index.add(hash(("again", entry.repeat)), entry)
        attempts = self._attempts(entry)
        if len(attempts) == 1:
            return False
        before = attempts[-2].first.storm
        lane_attempts.arrange(attempts, entry)
        return entry.first.storm and not before

    def _name(self, entry: Entry, asked: Asked) -> None:
        """Name a lane by its first words, where it has no better name."""
        lane = entry.lane
        if not lane.words or (lane.lane.cause is None and entry.turn == 1 and entry.first is entry):
            lane.words = title_line(asked.opening) or lane.words
        lane.name()

    def _count_request(self, entry: Entry, by: int) -> None:
        self._compactions += by * (entry.work is Work.COMPACTION)
        if entry.work is Work.TURN:
            self._lengths[entry.count] += by
            if not self._lengths[entry.count]:
                del self._lengths[entry.count]

    def _note_request(self, asked: Asked, entry: Entry) -> None:
        self._count_request(entry, 1)
        if entry.work is Work.COMPACTION:
            self._index.add(hash(("compaction", entry.seed)), entry)
        if entry.work is not Work.TURN:
            return
        self._index.add(hash(("asked", entry.chain)), entry)
        if asked.prints.chain and entry.turn == 1 and entry.first is entry:
            self._index.add(hash(("first", asked.prints.chain[0], entry.system)), entry)
        conversation = asked.prompt.parameters.get("conversation")
        name = conversation.get("id") if isinstance(conversation, dict) else conversation
        if isinstance(name, str) and name:
            self._index.add(hash(("conversation", name)), entry)

    def _note_answer(self, entry: Entry, transcript: Transcript) -> None:
        answer = transcript.answer
        keys: list[int] = []
        if entry.work is not Work.POLL and answer.id and entry.flow.dialect == "openai-responses":
            keys.append(hash(("answer", answer.id)))
        if entry.work is Work.TURN:
            made = [call for choice in answer.choices for call in choice.tool_calls() if not call.server_side]
            keys += [hash(("call", call.id)) for call in made if is_telling(call.id)]
            if made and not entry.calls:
                insort(self._callers, entry, key=attrgetter("seq"))
                entry.calls = True
            if answer.complete or not entry.flow.live:
                keys += self._said(entry, transcript)
        for key in keys:
            if key not in entry.keys:
                self._index.add(key, entry)

    def _said(self, entry: Entry, transcript: Transcript) -> list[int]:
        """What the next request shows of a whole answer."""
        keys: list[int] = []
        for choice in transcript.answer.choices[:_CHOICES]:
            if units := units_of(choice):
                keys.append(hash(("answered", chain_on(entry.chain, units))))
                if len(choice.text()) >= _SAID and len(units) == 1:
                    keys.append(hash(("said", entry.seed, units[0][1])))
        return keys

    def _part(self, entry: Entry) -> None:
        """A failed attempt makes the same request behind it a further attempt, where that came before the failure."""
        attempts = self._attempts(entry)
        later = [each for each in attempts if each.seq > entry.seq]
        lanes = lane_attempts.arrange(attempts, later[0]) if later else set()
        if len(attempts) > 1 and entry.lane.entries[-1] is not entry:
            lanes.add(entry.lane)  # where it was the turn before, another attempt may be that now
        for lane in lanes:
            self._renumbered(lane)

    def _renumbered(self, lane: LaneState) -> None:
        lane.renumber()
        for entry in lane.entries:
            self._move(entry)

    def _move(self, entry: Entry) -> None:
        entry.place = None
        self._moved(entry.flow)

    def _attempts(self, entry: Entry) -> list[Entry]:
        return list(self._index.get(hash(("again", entry.repeat))))


def _names(asked: Asked) -> tuple[str, ...]:
    """The names by which a session's lanes are found."""
    session = asked.session
    return tuple(dict.fromkeys(name for name in (session.name, session.thread) if name)) if session.lasting else ()
