"""A search through all flows, done in slices: what was said first, and the bytes of what nobody could read as words.

Agents send their whole history with every request. What stood in the lane's turn before, too, is counted where it was
new: a word of a prompt is one hit, however many turns repeat it.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field

from inspector.model.flow import Flow, Request, Response
from inspector.store.backlog import Backlog
from inspector.store.search_finder import Excerpt, Finder, Matches
from inspector.store.search_pattern import Pattern
from inspector.store.search_places import Section, View, Where, answered, asked, heads
from inspector.store.search_raw import body_texts, stands_in
from inspector.store.transcripts import Transcripts

PER_FLOW = 200
"""Hits of a flow that are kept to be shown; all are counted."""
IN_ALL = 10_000
"""Hits that are kept to be shown, those of all flows together."""
READ_LIMIT = 4 << 20
"""Bytes of a flow's bodies beyond which it is searched as it came: reading it would take longer than a frame."""
_NEAR = 4
"""Flows whose texts are at hand: the one that is searched, and the turn before it."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A place that holds what is searched for."""

    where: Where
    excerpt: Excerpt
    key: int
    """What is the same for the same hit in another turn."""

    def like(self, other: Hit) -> bool:
        """Whether both stand in the same view with the same around them."""
        return self.where.view == other.where.view and self.excerpt.around == other.excerpt.around


@dataclass(slots=True, eq=False)
class FlowHits:
    """What was found in one flow."""

    flow: Flow
    hits: list[Hit] = field(default_factory=list)
    """At most `PER_FLOW`, in the order of the conversation."""
    count: int = 0
    """How many there are."""
    repeated: list[tuple[str, int]] = field(default_factory=list)
    """By lane and key, what stood in the turn before, too."""


@dataclass(slots=True)
class _Texts:
    """A flow's texts, as long as it is the same."""

    revision: int
    asked: list[Section]
    answered: list[Section]


@dataclass(slots=True)
class _Before:
    """What stood in the turn before a flow, how often each; nothing where there was none."""

    lane: str
    flow: Flow | None
    known: bool = False
    keys: Counter[int] = field(default_factory=Counter)


class Search:
    """Looks for a pattern in flows, the newest first, a slice at a time. Keeps no texts but excerpts.

    `folds`: what stood in the lane's turn before, too, is no hit of its own.
    """

    def __init__(self, pattern: Pattern, transcripts: Transcripts, *, folds: bool = True) -> None:
        self._transcripts = transcripts
        self._folds = folds
        self._finder = Finder(pattern)
        self._backlog = Backlog()
        self._flows: dict[str, Flow] = {}
        self._revisions: dict[str, int] = {}
        self._awaited: set[str] = set()
        """Flows that were not searched once."""
        self._work: Iterator[None] | None = None
        self._groups: dict[str, FlowHits] = {}
        self._kept = 0
        self._later: dict[tuple[str, int], dict[str, int]] = {}
        """The flows in which a hit stands again, and their places in the session."""
        self._texts: OrderedDict[str, _Texts] = OrderedDict()

    def add(self, flows: Iterable[Flow]) -> None:
        """Search these, too, the last of them first. One that is known is searched anew where it has changed."""
        for flow in flows:
            if self._flows.get(flow.id) is not flow or self._revisions[flow.id] != flow.revision:
                if flow.id not in self._flows:
                    self._awaited.add(flow.id)
                self._flows[flow.id] = flow
                self._revisions[flow.id] = flow.revision
                self._backlog.add([flow])

    def step(self, budget_ms: float) -> bool:
        """Search on for about that long; False where there was nothing to do."""
        until = time.perf_counter() + budget_ms / 1000
        worked = not self.finished
        while not self.finished:
            if self._work is None:
                self._work = self._search(next(self._backlog.take()))
            if next(self._work, self) is self:
                self._work = None
            if time.perf_counter() >= until:
                break
        return worked

    @property
    def finished(self) -> bool:
        """Whether all that was given is searched."""
        return self._work is None and not len(self._backlog)

    @property
    def progress(self) -> float:
        """How many of the flows were searched, 0 to 1."""
        return 1 - len(self._awaited) / len(self._flows) if self._flows else 1.0

    @property
    def groups(self) -> list[FlowHits]:
        """The flows with hits, the newest first."""
        found = [group for group in self._groups.values() if group.count]
        return sorted(found, key=lambda group: group.flow.seq, reverse=True)

    def later(self, group: FlowHits, hit: Hit) -> int:
        """In how many later turns of the lane a hit stands, too."""
        place = self._transcripts.place(group.flow)
        again = self._later.get((place.lane.id, hit.key), {}) if place is not None else {}
        return sum(seq > group.flow.seq for seq in again.values())

    def _search(self, flow: Flow) -> Iterator[None]:
        """Search one flow. What is found shows at once; where it was searched before, when all is found."""
        group, old = FlowHits(flow), self._groups.get(flow.id)
        if old is None:
            self._groups[flow.id] = group
        before = self._before(flow)
        readable = len(flow.sent.body) + (len(flow.answered.body) if flow.answered is not None else 0) <= READ_LIMIT
        in_prompt = in_answer = False
        if readable:
            texts = self._texts_of(flow)
            yield
            in_prompt = yield from self._sections(group, texts.asked, before)
            in_answer = yield from self._sections(group, texts.answered, None)
        if not in_prompt:
            yield from self._raw(group, flow.request, "request", before)
        if not in_answer and flow.response is not None:
            yield from self._raw(group, flow.response, "response", None)
        yield from self._sections(group, list(heads(flow)), before)
        self._awaited.discard(flow.id)
        if old is not None:
            self._replace(old, group)

    def _sections(
        self, group: FlowHits, sections: list[Section], before: _Before | None
    ) -> Generator[None, None, bool]:
        """Search texts, and say whether any holds it. `before` folds what it has."""
        any_found = False
        for section in sections:
            count = self._finder.count_of(section.text, is_json=section.is_json)
            matches: Matches | None = None
            if count is None:
                keep = before is not None or not group.flow.live
                matches = yield from self._finder.in_text(section.text, is_json=section.is_json, keep=keep)
                count = matches.count
            if not count:
                continue
            any_found = True
            key = section.key
            if before is not None and self._keys(before)[key] > 0:
                before.keys[key] -= 1
                self._repeat(group, before.lane, key)
                continue
            if matches is None:
                matches = yield from self._finder.in_text(section.text, is_json=section.is_json)
            group.count += count
            self._keep(group, [Hit(section.where, excerpt, key) for excerpt in matches.excerpts])
        return any_found

    def _raw(
        self, group: FlowHits, message: Request | Response, view: View, before: _Before | None
    ) -> Generator[None, None, None]:
        """Search a body as it came; what stands in the request before, with all around it, is folded."""
        matches = yield from self._finder.in_pieces(body_texts(message))
        group.count += matches.count
        for excerpt in matches.excerpts:
            key = hash((view, excerpt.around))
            if before is not None and before.flow is not None and stands_in(before.flow.request, excerpt.around):
                group.count -= 1
                self._repeat(group, before.lane, key)
            else:
                self._keep(group, [Hit(Where(f"{view} body", view), excerpt, key)])
            yield

    def _keep(self, group: FlowHits, hits: list[Hit]) -> None:
        room = max(0, min(PER_FLOW - len(group.hits), IN_ALL - self._kept))
        group.hits += hits[:room]
        self._kept += len(hits[:room])

    def _repeat(self, group: FlowHits, lane: str, key: int) -> None:
        group.repeated.append((lane, key))
        self._later.setdefault((lane, key), {})[group.flow.id] = group.flow.seq

    def _replace(self, old: FlowHits, group: FlowHits) -> None:
        for known in set(old.repeated) - set(group.repeated):
            self._later[known].pop(group.flow.id)
        self._kept -= len(old.hits)
        self._groups[group.flow.id] = group

    def _before(self, flow: Flow) -> _Before:
        """The turn before a flow among those that are searched."""
        place = self._transcripts.place(flow) if self._folds else None
        lane = place.lane.id if place is not None else ""
        earlier = (place.retry_of or place.previous) if place is not None else None
        while earlier is not None and earlier.id not in self._flows:
            place = self._transcripts.place(earlier)
            earlier = place.previous if place is not None else None
        return _Before(lane, earlier)

    def _keys(self, before: _Before) -> Counter[int]:
        """What stood there, worked out where it is first asked."""
        if before.flow is not None and not before.known:
            texts = self._texts_of(before.flow)
            before.keys.update(section.key for section in (*texts.asked, *texts.answered, *heads(before.flow)))
            before.known = True
        return before.keys

    def _texts_of(self, flow: Flow) -> _Texts:
        """A flow's texts; those of the last few are at hand."""
        texts = self._texts.get(flow.id)
        if texts is None or texts.revision != flow.revision:
            transcript = self._transcripts.of(flow)
            answer = list(answered(flow, transcript))
            texts = self._texts[flow.id] = _Texts(flow.revision, list(asked(transcript.prompt)), answer)
            if len(self._texts) > _NEAR:
                self._texts.popitem(last=False)
        return texts
