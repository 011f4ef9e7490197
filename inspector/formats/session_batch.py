"""What goes from the event loop to the thread that writes the session: what is new of each flow, as it is now.

Made on the loop, so it slices bytes, copies a few small lists, and leaves all that is to be worked out to the thread.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from dataclasses import fields
from operator import attrgetter
from typing import NamedTuple

from inspector.formats.session_schema import SIDES
from inspector.model.flow import Capture, Flow, Request, Response, Timing

_SLICE = 4 << 20
"""Bytes that are taken of a body at once: copying them takes the loop about a millisecond."""

# Ten times as fast as `dataclasses.replace`, and this is done for each flow on the event loop.
_FIELDS = attrgetter(*(field.name for field in fields(Flow)))
_TIMES = attrgetter(*(field.name for field in fields(Timing)))


class Part(NamedTuple):
    """New bytes of one side."""

    side: int
    """Its place in SIDES."""
    number: int
    """How many pieces went before; 0 where the side begins, or begins again."""
    data: bytes
    times: array[float]
    ends: array[int]
    last: bool
    """The body is whole with this."""
    again: bool = False
    """What was written of this side before is to be thrown away."""


class Change(NamedTuple):
    """What is new of one flow."""

    id: str
    head: Flow | None
    """A copy without bodies that stays as it is; None where nothing but bodies grew."""
    parts: tuple[Part, ...]
    whole: bool
    """It has ended, and all of it is there."""
    kind: str
    """Whose bodies its own are likely to be like."""
    rest: bool = False
    """There is more of its bodies than was taken."""

    @property
    def size(self) -> int:
        """Bytes of all parts."""
        return sum(len(part.data) for part in self.parts)


class _Mark(NamedTuple):
    """How much was taken of one side."""

    body: Capture
    size: int
    chunks: int
    pieces: int
    last: bool


class Track(NamedTuple):
    """How much was taken of a flow that had not ended."""

    marks: tuple[_Mark | None, ...] = (None,) * len(SIDES)
    head: tuple[object, ...] = ()
    """What its head was made of."""


def change_of(flow: Flow, before: Track) -> tuple[Change, Track]:
    """What is new of a flow since `before`, and how much has been taken with it."""
    parts: list[Part] = []
    marks: list[_Mark | None] = []
    for side, body in enumerate(_bodies(flow)):
        mark = before.marks[side]
        if body is not None:
            part, mark = _taken(side, body, mark, _is_closed(flow, side))
            if part is not None:
                parts.append(part)
        marks.append(mark)
    whole = flow.end is not None and all(mark is None or mark.last for mark in marks)
    seen = () if whole else _seen(flow)
    head = head_of(flow, cut=not whole) if whole or seen != before.head else None
    rest = not whole and any(mark is not None and mark.size < len(mark.body) for mark in marks)
    change = Change(flow.id, head, tuple(parts), whole, f"{flow.agent} {flow.dialect}", rest)
    return change, Track(tuple(marks), seen)


def head_only(flow: Flow) -> Change:
    """What may be new of a flow whose bodies were all taken."""
    return Change(flow.id, head_of(flow), (), True, "")


def head_of(flow: Flow, *, cut: bool = False) -> Flow:
    """A copy of all but the bodies; `cut` off before its end, where its bodies are not all there yet."""
    head = Flow(*_FIELDS(flow))
    head.request = _bare_request(flow.request)
    head.forwarded = _bare_request(flow.forwarded) if flow.forwarded is not None else None
    head.response = _bare_response(flow.response) if flow.response is not None else None
    head.delivered = _bare_response(flow.delivered) if flow.delivered is not None else None
    head.mutations, head.notes = [*flow.mutations], [*flow.notes]
    head.timing = Timing(*_TIMES(flow.timing))
    if cut:
        head.end = None
    return head


def _bodies(flow: Flow) -> tuple[Capture | None, ...]:
    return (
        flow.request.body,
        flow.forwarded.body if flow.forwarded is not None else None,
        flow.response.body if flow.response is not None else None,
        flow.delivered.body if flow.delivered is not None else None,
    )


def _is_closed(flow: Flow, side: int) -> bool:
    """Whether a body grows no more."""
    if flow.end is not None:
        return True
    return flow.timing.received is not None if side == 0 else side == 1 and flow.response is not None


def _taken(side: int, body: Capture, mark: _Mark | None, closed: bool) -> tuple[Part | None, _Mark]:
    """The next part of a body; one that was put in another's place, or grew after its end, begins again."""
    raw, ends, again = body.data, body.ends, False
    size, chunks = len(raw), len(ends)
    if mark is None or mark.body is not body or (mark.last and mark.chunks != chunks):
        mark, again = _Mark(body, 0, 0, 0, False), mark is not None
    if mark.chunks == chunks and (mark.last or not closed):
        return None, mark
    end = min(size, mark.size + _SLICE)
    done = chunks if end == size else bisect_right(ends, end)
    last = closed and end == size
    with memoryview(raw) as view:
        data = bytes(view[mark.size : end])
    span = slice(mark.chunks, done)
    part = Part(side, mark.pieces, data, body.times[span], ends[span], last, again)
    return part, _Mark(body, end, done, mark.pieces + 1, last)


def _seen(flow: Flow) -> tuple[object, ...]:
    """All that a live flow's head tells and that may change: equal where the head need not be written again."""
    sides = [(one.method, one.url, one.headers) if one is not None else None for one in (flow.request, flow.forwarded)]
    answers = [
        (one.status, one.reason, one.headers) if one is not None else None for one in (flow.response, flow.delivered)
    ]
    names = (flow.agent, flow.dialect, flow.provider, flow.parent, flow.label, flow.error, flow.injected)
    timing = (flow.timing.received, flow.timing.forwarded, flow.timing.head, flow.timing.ended, flow.timing.held)
    return (*sides, *answers, *names, flow.marked, flow.comment, *timing, *flow.mutations, *flow.notes)


def _bare_request(request: Request) -> Request:
    return Request(request.method, request.url, request.headers)


def _bare_response(response: Response) -> Response:
    return Response(response.status, response.headers, response.reason)
