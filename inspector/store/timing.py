"""Where a flow's time went: its phases one after the other, its pace, and how other turns of its lane went."""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from statistics import median

from inspector.model.flow import Capture, Flow, Moment
from inspector.store.lane import Place, Work
from inspector.store.summary import Summary
from inspector.store.transcripts import Transcripts

_TURNS = 50
"""Turns of a lane, the last ones, with which one is compared."""
_SMALL = 256 * 1024
"""Bytes of bodies beyond which a flow is not read only to be compared with."""


class Stage(StrEnum):
    """What a phase of a flow is, in the word that stands for it."""

    REQUEST = "request"
    """The client sends its request."""
    RULES = "inspector"
    """We have it, and rules and hooks look at it."""
    HELD = "held"
    CONNECT = "connect"
    HEAD = "head"
    """The request is upstream, and its answer has not begun."""
    FIRST_BYTE = "first byte"
    FIRST_TOKEN = "first token"
    """Bytes come, but nothing yet of what the model says."""
    ANSWER = "answer"
    END = "end"
    """All of it has come, and goes on to its end: the rest is delivered, connections are given back."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of a flow's time, in ms since its start."""

    stage: Stage
    start: float
    end: float | None
    """None while it goes on."""
    within: float | None = None
    """How long it took, where that was somewhere between start and end, and nobody knows where."""

    def took(self, now: float) -> float:
        """How long it took, or has taken by now, in ms."""
        if self.within is not None:
            return self.within
        return max(0.0, (now if self.end is None else self.end) - self.start)


_Mark = tuple[Stage, float | None]
"""A phase and when it ended, where that is known."""


def phases(flow: Flow, first_token: float | None) -> list[Phase]:
    """The phases of a flow so far, holds in the middle of the answer last. What nobody noted is part of the next.

    `first_token` as its transcript has it.
    """
    marks = [*_request_marks(flow), *_answer_marks(flow, first_token)]
    reached = max((index for index, (_, at) in enumerate(marks) if at is not None), default=-1)
    found: list[Phase] = []
    start = 0.0
    for index, (stage, at) in enumerate(marks):
        if at is None and index < reached:
            continue
        end = max(start, at) if at is not None else None
        if end != start:
            found.append(Phase(stage, start, end))
        if end is None:
            break
        start = end
    return [*found, *_holds_in_the_answer(flow)]


def _request_marks(flow: Flow) -> list[_Mark]:
    """The way of the request up to the answer's head."""
    timing, hold = flow.timing, flow.hold
    went = timing.forwarded
    held = timing.held_request or 0.0
    if went is None:
        # Somebody answered in the upstream's place, or ended it while it was held.
        went = timing.head if flow.response is not None else timing.ended
        held = held if flow.response is not None else timing.held
    marks: list[_Mark] = [(Stage.REQUEST, timing.received)]
    if hold is not None and hold.moment is Moment.REQUEST:
        marks += [(Stage.RULES, hold.since), (Stage.HELD, None)]
    elif held and went is not None:
        marks += [(Stage.RULES, went - held), (Stage.HELD, went)]
    else:
        marks.append((Stage.RULES, timing.forwarded))
    return [*marks, (Stage.CONNECT, timing.connected), (Stage.HEAD, timing.head)]


def _answer_marks(flow: Flow, first_token: float | None) -> list[_Mark]:
    """The way of the answer behind its head."""
    timing, hold = flow.timing, flow.hold
    body = flow.response.body if flow.response is not None else Capture()
    over = not flow.live or (hold is not None and hold.upstream_done)
    marks: list[_Mark] = []
    if hold is not None and hold.moment is Moment.HEAD:
        marks.append((Stage.HELD, None))
    elif timing.held_head and timing.head is not None:
        marks.append((Stage.HELD, timing.head + timing.held_head))
    return [
        *marks,
        (Stage.FIRST_BYTE, body.times[0] if body.chunks else None),
        (Stage.FIRST_TOKEN, first_token),
        (Stage.ANSWER, body.times[-1] if body.chunks and over else None),
        (Stage.END, timing.ended),
    ]


def _holds_in_the_answer(flow: Flow) -> list[Phase]:
    """Holds whose place among the other phases is not known, for the answer went on coming, and the one of now."""
    timing, hold = flow.timing, flow.hold
    found: list[Phase] = []
    if flow.response is not None and timing.held:
        before = timing.held_head
        known = (timing.held_request or 0.0) + (before or 0.0)
        if timing.held - known > 0.001:
            start = timing.head if before is not None and timing.head is not None else 0.0
            found.append(Phase(Stage.HELD, start, timing.ended, timing.held - known))
    if hold is not None and hold.moment in (Moment.EVENT, Moment.END):
        found.append(Phase(Stage.HELD, hold.since, None))
    return found


def before_upstream(flow: Flow) -> float | None:
    """What we took of the time before the request went on, holds left out, in ms; None where it is not known."""
    timing = flow.timing
    if timing.received is None or timing.forwarded is None:
        return None
    return max(0.0, timing.forwarded - timing.received - (timing.held_request or 0.0))


def rates(body: Capture, start: float, tokens: int, slices: int) -> list[float]:
    """Tokens a second in so many equal slices of a body's time from `start` on, tokens spread as the bytes came."""
    last = body.times[-1] if body.chunks else start
    if last <= start or slices < 1:
        return []
    step = (last - start) / slices
    before = bisect_left(body.times, start)
    inner = (bisect_right(body.times, start + step * number) for number in range(1, slices))
    sizes = [_size(body, index) for index in (before, *inner, body.chunks)]
    whole = max(1, sizes[-1] - sizes[0])
    return [(end - begin) / whole * tokens * 1000 / step for begin, end in pairwise(sizes)]


def _size(body: Capture, chunks: int) -> int:
    """Bytes of the first chunks."""
    return body.ends[chunks - 1] if chunks else 0


@dataclass(frozen=True, slots=True)
class Beside:
    """How the other turns of a lane went: medians, None where nothing is known."""

    turns: int
    first_token: float | None
    """In ms."""
    rate: float | None
    """Tokens a second."""
    unread: int = 0
    """Turns that were not looked at yet."""


def beside(flow: Flow, place: Place, transcripts: Transcripts, seconds: float) -> Beside:
    """The lane's other turns, the last ones. What nobody read yet is read for about that long, unless it is large."""
    until = time.perf_counter() + seconds
    known: list[Summary] = []
    unread = 0
    for other in place.lane.flows[-_TURNS:]:
        at = transcripts.place(other)
        if other is flow or (at is not None and at.work is not Work.TURN):
            continue
        summary, _ = transcripts.latest(other)
        if summary is None and _is_small(other):
            if time.perf_counter() < until:
                summary = transcripts.summary(other)
            else:
                unread += 1
        if summary is not None and summary.ttft is not None:
            known.append(summary)
    first = _median(summary.ttft for summary in known)
    return Beside(len(known), first, _median(summary.tokens_per_second for summary in known), unread)


def _is_small(flow: Flow) -> bool:
    return len(flow.sent.body) + (len(flow.answered.body) if flow.answered is not None else 0) <= _SMALL


def _median(numbers: Iterable[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return median(known) if known else None
