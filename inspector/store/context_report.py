"""All that the Context tab tells of a request, worked out in steps: a long prompt must not stop anybody."""

from __future__ import annotations

from dataclasses import dataclass, field

from inspector.model.flow import Flow, Request
from inspector.model.message import Prompt
from inspector.store.alignment import Steps
from inspector.store.context import Composition, Item, compose
from inspector.store.context_paths import Paths, paths_of
from inspector.store.history import Histories, History, is_stored
from inspector.store.lane import Place
from inspector.store.prefix import Prefix, compare
from inspector.store.prefix_body import Body, read
from inspector.store.prefix_cache import Cache, judge
from inspector.store.transcripts import REQUEST_LIMIT, Transcripts
from inspector.wire.body import decoded

_NOT_FOR_A_MODEL = frozenset({"raw", "mcp", "models", "openai-embeddings"})
MOST_TURNS = 400
"""Turns of a lane, the last ones, whose sizes are told."""


@dataclass(frozen=True, slots=True)
class Turn:
    """How full the window was at a turn of the lane."""

    flow: Flow
    number: int
    input_tokens: int | None
    cached: int | None
    """How many of them came from the cache."""
    compacted: bool


@dataclass(frozen=True, slots=True)
class Basis:
    """What follows from the requests alone."""

    composition: Composition
    paths: Paths
    place: Place | None = None
    previous: Flow | None = None
    """The lane's turn before, where it can be compared with."""
    stored: bool = False
    """The provider has what was said before, and the request does not send it."""
    new: tuple[Item, ...] = ()
    """What was not in the last turn's prompt; all of it where there is none."""
    prefix: Prefix | None = None
    history: History = field(default_factory=History)


@dataclass(frozen=True, slots=True)
class Report:
    """All of it, as of now."""

    basis: Basis
    composition: Composition
    """Scaled to the provider's count, where it is there."""
    cache: Cache


def has_context(flow: Flow) -> bool:
    """Whether a flow is a request to a model."""
    return flow.dialect not in _NOT_FOR_A_MODEL


def basis(flow: Flow, transcripts: Transcripts, histories: Histories) -> Steps[Basis]:
    """Look at a request and the turn before it. A flow's transcript may be dropped meanwhile: it is read anew then."""
    size = len(flow.sent.body)
    prompt = transcripts.of(flow).prompt
    body, paths, composition = yield from transcripts.through(_look(flow.sent, prompt), size)
    place = transcripts.place(flow)
    previous = place.previous if place is not None else None
    stored = is_stored(prompt)
    if previous is None or stored or previous.dialect != flow.dialect:
        history = yield from histories.steps(flow)
        return Basis(composition, paths, place, None, stored, composition.items, None, history)
    while not transcripts.ready(previous):
        yield True
    last = transcripts.of(previous).prompt
    against = _against(previous.sent, last, body, composition, flow.dialect)
    prefix, new = yield from transcripts.through(against, size + len(previous.sent.body))
    history = yield from histories.steps(flow)
    return Basis(composition, paths, place, previous, False, new, prefix, history)


def report(flow: Flow, transcripts: Transcripts, known: Basis) -> Report:
    """Put what the provider has counted so far beside what is known of the requests. Costs next to nothing."""
    transcript = transcripts.of(flow)
    usage = transcript.answer.usage
    given = usage.input_tokens if usage is not None else None
    previous = (known.previous, transcripts.answered(known.previous)) if known.previous is not None else None
    cache = judge(flow, transcript, known.prefix, previous)
    return Report(known, known.composition.counted(given), cache)


def growth(flow: Flow, transcripts: Transcripts) -> Steps[tuple[Turn, ...]]:
    """The turns of a flow's lane, a flow at a step; of a turn that was tried again, the attempt that was counted."""
    place = transcripts.place(flow)
    turns: dict[int, Turn] = {}
    for each in place.lane.flows[-MOST_TURNS:] if place is not None else ():
        there = transcripts.place(each)
        if there is None or not there.turn:
            continue
        summary = transcripts.summary(each)
        known = turns.get(there.turn)
        if known is None or summary.input_tokens is not None or each is flow:
            counts = summary.input_tokens, summary.cache_read_tokens
            turns[there.turn] = Turn(each, there.turn, *counts, there.compacted)
        yield
    return tuple(turns[number] for number in sorted(turns))


def _look(request: Request, prompt: Prompt) -> Steps[tuple[Body, Paths, Composition]]:
    """A request by itself."""
    body = yield from _body(request)
    paths = yield from paths_of(prompt, body)
    return body, paths, (yield from compose(prompt, paths))


def _against(
    request: Request, prompt: Prompt, body: Body, composition: Composition, dialect: str
) -> Steps[tuple[Prefix, tuple[Item, ...]]]:
    """The last request, and its prompt, against what is known of this one."""
    before = yield from compose(prompt, Paths([], []))
    prefix = yield from compare((yield from _body(request)), body, dialect)
    return prefix, (yield from composition.new_since(before))


def _body(request: Request) -> Steps[Body]:
    data, _ = decoded(request.headers, bytes(request.body), REQUEST_LIMIT)
    yield
    return (yield from read(data))
