"""The search for the conversation that a request goes on with, by what it holds of that."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

from inspector.model.message import Other
from inspector.store.lane import Work
from inspector.store.lane_asked import Asked, prompt_of
from inspector.store.lane_calls import SHORTEST, Started, open_task, started_by
from inspector.store.lane_prints import opening_of, own_words
from inspector.store.lane_state import Entry, Index, LaneState
from inspector.store.transcripts import Transcripts

_LOOKED = 16
"""How many lanes, or summaries, are looked at where only their words can tell, the latest first."""
_YOUNG = 2
"""Turns that a conversation has at most when a small call belongs to it by its words alone."""
_QUOTES = 4
"""Small calls that are looked at for the words of a conversation that has not begun."""
_SUMMARY_LINE = 20
"""Characters of a summary's line by which it is known again."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a request belongs: in a lane, or in a new one where there is none."""

    lane: LaneState | None = None
    previous: Entry | None = None
    compacted: bool = False
    parent: LaneState | None = None
    started: Started | None = None


class Search:
    """Looks through what one agent's realm keeps; changes nothing of it."""

    def __init__(
        self,
        transcripts: Transcripts,
        index: Index,
        lanes: list[LaneState],
        sessions: Mapping[str, list[LaneState]],
        callers: list[Entry],
        claimed: Mapping[tuple[str, str], int],
        lengths: Collection[int],
    ) -> None:
        """`lengths`: of how many units the prompts of turns are, each once."""
        self._transcripts = transcripts
        self._index = index
        self._lanes = lanes
        self._sessions = sessions
        self._callers = callers
        self._claimed = claimed
        self._lengths = lengths

    def answer(self, asked: Asked) -> Spot | None:
        """The lane of the answer that a request asks after."""
        made = self._get("answer", asked.polled)
        return Spot(made[-1].lane, made[-1]) if made else None

    def continuation(self, asked: Asked) -> Spot | None:
        """The conversation that a request goes on with; None where it goes on with none that is known."""
        named = self._named(asked) or self._next(asked) or self._known_answer(asked)
        return named or self._summed_up(asked) or self._branch(asked) or self._shrunk(asked)

    def beside(self, asked: Asked) -> Spot:
        """The lane of a small call that shows nothing of a conversation but, maybe, its first words."""
        words = asked.words
        own = self._session(asked)
        for lane in islice(reversed(own or self._lanes), _LOOKED):
            if (own or lane.turns <= _YOUNG) and _quotes(words, self._opening(lane)):
                return Spot(lane)
        return Spot(own[0]) if own else Spot()

    def beginning(self, asked: Asked) -> Spot:
        """The place of a new conversation: a sub-agent's, one whose small calls came first, or one of its own."""
        started = started_by(asked, self._callers, self._claimed, self._transcripts)
        own = self._session(asked)
        if started is None:
            opening = asked.opening
            for lane in islice(reversed(own or self._lanes), _LOOKED):
                if not lane.turns and (own or _quotes(self._words(lane), opening)):
                    return Spot(lane)
            main = self._main(asked) or (own[0] if own else None)
            started = open_task(main.last, self._transcripts) if main is not None else None
            if started is None:
                return Spot(parent=self._main(asked))
        return Spot(parent=started.entry.lane, started=started)

    def _named(self, asked: Asked) -> Spot | None:
        """By the id of the answer, or of the conversation, that the provider is to go on from."""
        given = asked.prompt.parameters
        conversation = given.get("conversation")
        name = conversation.get("id") if isinstance(conversation, dict) else conversation
        for key, value in (("answer", given.get("previous_response_id")), ("conversation", name)):
            if isinstance(value, str) and value and (known := self._get(key, value)):
                entry = known[-1]
                return Spot(entry.lane, entry if entry.work is Work.TURN else entry.previous)
        return None

    def _next(self, asked: Asked) -> Spot | None:
        """By all that was said up to the model's last answer, and that answer; one that nobody went on from first."""
        prints = asked.prints
        known = self._get("answered", prints.chain[prints.said - 1]) if prints.said else ()
        return _spot(next((entry for entry in reversed(known) if not entry.branches), known[-1] if known else None))

    def _known_answer(self, asked: Asked) -> Spot | None:
        """By the model's last answer alone: what stood before it was changed, or left out."""
        prints = asked.prints
        keys = [self._get("call", call) for call in prints.calls]
        keys += [self._get("said", asked.seed, prints.answer)] if prints.answer else []
        known = next((entries for entries in keys if entries), ())
        if not known:
            return None
        entry = next((each for each in reversed(known) if each.seed == asked.seed), known[-1])
        lost = entry.count - prints.before
        return Spot(entry.lane, entry, prints.said > 0 and lost > max(2, entry.count // 4))

    def _summed_up(self, asked: Asked) -> Spot | None:
        """By the summary that stands in the place of a conversation."""
        made = self._get("compaction", asked.seed)[-_LOOKED:]
        if not made:
            return None
        for entry in reversed(made):
            last = entry.lane.last
            if last is not None and last.count > len(asked.prints.chain) and self._holds_summary(asked, entry):
                return Spot(entry.lane, last, compacted=True)
        return None

    def _holds_summary(self, asked: Asked, entry: Entry) -> bool:
        message = self._transcripts.answered(entry.flow).answer.message
        lines = message.text().splitlines() if message is not None else []
        line = max((" ".join(own_words(line).split()) for line in lines), key=len, default="")
        if len(line) >= _SUMMARY_LINE:
            return line in asked.text
        # An answer that nobody can read, as that of `…/responses/compact`, is known by the bytes that it comes as.
        response = entry.flow.response
        sealed = _sealed(asked)
        return bool(sealed) and response is not None and any(seal in response.body.data for seal in sealed)

    def _branch(self, asked: Asked) -> Spot | None:
        """By the longest earlier request that this one begins with."""
        chain, roles, said = asked.prints.chain, asked.prints.roles, asked.prints.said
        alike = self._get("asked", chain[-1]) if chain else ()
        if alike and (said or self._goes_on_anew(asked, alike[-1])):
            turn = alike[-1]
            return Spot(turn.lane, turn if asked.work is not None else turn.previous)
        for place in sorted((length for length in self._lengths if 0 < length < len(chain)), reverse=True):
            known = [
                each for each in self._get("asked", chain[place - 1]) if said or each.system == asked.prints.system
            ]
            if not known:
                continue
            entry, last = known[-1], known[-1].lane.last
            answers = sum(role == "assistant" for role, _ in groupby(roles[place:]))
            settled = entry.final and not entry.failed
            altered = answers > 1 or (settled and (answers == 0 or bool(self._session(asked))))
            if altered and last is not None and len(chain) < last.count:
                return Spot(entry.lane, last, compacted=True)
            return Spot(entry.lane, entry)
        return None

    def _goes_on_anew(self, asked: Asked, turn: Entry) -> bool:
        """Whether the same first words belong to the same conversation, not to another run of the same task."""
        if asked.work is not None:
            return not turn.branches or bool(self._session(asked))
        return bool(self._session(asked)) and turn.system == asked.prints.system and not self._started(asked)

    def _started(self, asked: Asked) -> bool:
        started = started_by(asked, self._callers, self._claimed, self._transcripts)
        return started is not None and not self._claimed.get((started.entry.flow.id, started.call_id))

    def _shrunk(self, asked: Asked) -> Spot | None:
        """By its session, its instructions and its first words, where there was more than is left."""
        prints = asked.prints
        if not prints.said or not self._session(asked):
            return None
        known = self._get("first", prints.chain[0], prints.system)
        last = known[-1].lane.last if known else None
        return Spot(last.lane, last, compacted=True) if last is not None and len(prints.chain) < last.count else None

    def _get(self, *key: object) -> Sequence[Entry]:
        return self._index.get(hash(key))

    def _session(self, asked: Asked) -> list[LaneState]:
        """The lanes of the session that a request names."""
        session = asked.session
        return self._sessions.get(session.thread or session.name, []) if session.lasting else []

    def _main(self, asked: Asked) -> LaneState | None:
        """The lane of the session that a request names as its parent."""
        lanes = self._sessions.get(asked.session.parent, []) if asked.session.parent else []
        return lanes[0] if lanes else None

    def _opening(self, lane: LaneState) -> str:
        """What the user said first in a lane, or what its first call quotes where it has no turns."""
        first = next((entry for entry in lane.entries if entry.turn), lane.entries[0])
        return opening_of(prompt_of(first.flow, self._transcripts))

    def _words(self, lane: LaneState) -> str:
        """What the small calls of a lane without turns quote."""
        return "\n".join(opening_of(prompt_of(entry.flow, self._transcripts)) for entry in lane.entries[:_QUOTES])


def _spot(entry: Entry | None) -> Spot | None:
    return Spot(entry.lane, entry) if entry is not None else None


def _quotes(words: str, opening: str) -> bool:
    """Whether a text holds what a conversation began with."""
    return bool(opening) and (words == opening or (len(opening) >= SHORTEST and opening in words))


def _sealed(asked: Asked) -> list[bytes]:
    """Summaries in a prompt that only the provider can read."""
    items = (part for message in asked.prompt.messages for part in message.parts if isinstance(part, Other))
    data = (part.data for part in items if "compaction" in part.kind and isinstance(part.data, dict))
    sealed = (each.get("encrypted_content") for each in data)
    return [text.encode("utf-8", "replace") for text in sealed if isinstance(text, str) and text]
