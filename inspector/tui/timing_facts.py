"""What the Timing tab tells beside an answer's course: what we added, the lane, attempts, limits."""

from __future__ import annotations

from inspector.model.flow import Flow
from inspector.store.lane import Place
from inspector.store.rate_limits import RateLimit, answered_at, rate_limits, retry_after
from inspector.store.summary import Summary
from inspector.store.timing import Beside, before_upstream
from inspector.tui import format
from inspector.tui.spans import Line
from inspector.tui.text import one_line
from inspector.tui.timing_words import about, exact, fact

_SLOWER = 2.0
"""How many times slower than the lane's median is worth a colour."""
_LOW = 0.1
"""The share of a limit that is left from which on it is worth a colour."""


def added(flow: Flow) -> float | None:
    """What we added to the way of a flow's words, in ms: to its request, and to each chunk of its answer."""
    before, chunk = before_upstream(flow), _each(flow)
    return None if before is None and chunk is None else (before or 0.0) + (chunk or 0.0)


def _each(flow: Flow) -> float | None:
    """What we added to a chunk in the mean."""
    chunks = flow.response.body.chunks if flow.response is not None else 0
    return flow.timing.added / chunks if flow.timing.added is not None and chunks else None


def facts(flow: Flow, summary: Summary, place: Place | None, lane: Beside | None, width: int) -> list[Line]:
    """All that is known, a line or two each."""
    lines = fact("we added", _added(flow), width) if added(flow) is not None else []
    if lane is not None and (lane.turns or lane.unread):
        lines += fact("the lane", _beside(summary, lane), width)
    if place is not None and (place.attempt > 1 or place.storm):
        lines += fact("attempts", _attempts(place), width)
    if limits := _limits(flow):
        lines += fact("limits", limits, width)
    return lines


def _added(flow: Flow) -> list[Line]:
    timing, pieces = flow.timing, []
    if (before := before_upstream(flow)) is not None:
        pieces.append([("accent", exact(before)), ("", " before the request went on")])
    if timing.added is not None and (each := _each(flow)) is not None and timing.added_most is not None:
        pieces.append([("accent", exact(each)), ("", " to a chunk in the mean")])
        pieces.append([("", f"{exact(timing.added_most)} at most")])
        pieces.append([("muted", f"{exact(timing.added)} of work in all")])
    return [list(piece) for piece in pieces]


def _beside(summary: Summary, lane: Beside) -> list[Line]:
    pieces: list[Line] = []
    if lane.first_token is not None:
        words = f"first token after {exact(lane.first_token)} in the median of {about(lane.turns, 'other turn')}"
        pieces.append([("", words), *_compared(summary.ttft, lane.first_token)])
    if lane.rate is not None:
        slower = lane.rate / summary.tokens_per_second if summary.tokens_per_second else None
        style = "warning" if slower is not None and slower >= _SLOWER else "muted"
        this = f", {format.rate(summary.tokens_per_second)} here" if slower is not None else ""
        pieces.append([("", f"{format.rate(lane.rate)} tok/s"), (style, this)])
    if lane.unread:
        pieces.append([("muted", f"{about(lane.unread, 'turn')} still to be read")])
    return pieces


def _compared(mine: float | None, median: float) -> Line:
    if mine is None or median <= 0:
        return []
    times = mine / median
    return [("warning" if times >= _SLOWER else "muted", f", {times:.1f} times that here")]


def _attempts(place: Place) -> list[Line]:
    pieces: list[Line] = [[("warning", f"attempt {place.attempt}")]]
    if place.retry_of is not None:
        pieces[0].append(("", f" at what #{one_line(place.retry_of.number)} asked first"))
    if place.storm:
        pieces.append([("warning", "one of many in a short time")])
    return pieces


def _limits(flow: Flow) -> list[Line]:
    if flow.response is None:
        return []
    headers, at = flow.response.headers, answered_at(flow)
    wait = retry_after(headers, at)
    pieces: list[Line] = [[("warning", f"ask again in {format.wait(wait)}")]] if wait is not None else []
    return pieces + [_limit(limit) for limit in rate_limits(headers, at)]


def _limit(limit: RateLimit) -> Line:
    left = 1 - limit.used if limit.used is not None else None
    if left is None and limit.limit and limit.remaining is not None:
        left = limit.remaining / limit.limit
    style = "warning" if left is not None and left <= _LOW else ""
    name = one_line(limit.name) or "limit"
    if limit.remaining is not None:
        of = f" of {format.count(round(limit.limit))}" if limit.limit is not None else ""
        words = f"{name} {format.count(round(limit.remaining))}{of} left"
    elif limit.used is not None:
        words = f"{name} {format.share(limit.used)} used"
    else:
        words = f"{name} {format.count(round(limit.limit))}" if limit.limit is not None else name
    reset = f", whole in {format.wait(limit.reset)}" if limit.reset is not None else ""
    return [(style, words), ("muted", reset)]
