"""The heading of a lane as one line of the list, and what a flow's place in its lane adds to its row. No widget."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

from inspector.model.flow import Flow, State
from inspector.store.lane import Lane, Place, Work
from inspector.store.view import LaneHead
from inspector.tui import format
from inspector.tui.columns import MARGIN
from inspector.tui.rows import Lead, Tone
from inspector.tui.spans import Line, cut, width_of
from inspector.tui.text import clip, one_line

INDENT = 2
"""Cells for each lane that a lane stands under."""
DEEPEST = 8
"""Lanes under one another beyond which no more room is given away."""
LOOKED_AT = 64
"""Flows of a lane that are looked through for the next attempt."""

_LIVE = (State.RECEIVING, State.WAITING, State.STREAMING)


def sign_at(head: LaneHead) -> int:
    """The cell of a heading at which it is folded and unfolded."""
    return MARGIN + INDENT * min(DEEPEST, head.lane.depth)


def heading(head: LaneHead, width: int, flow: Flow | None = None) -> Line:
    """A heading in at most `width` cells, without the margin: spans with their tones.

    With `flow` the cursor stands on it, and that is the flow for which it stands.
    """
    before: Line = [("muted", " " * (sign_at(head) - MARGIN) + ("▸ " if head.folded else "▾ "))]
    marks = _marks(head) if head.folded else []
    end: Line = [("muted", "→ "), ("number", f"#{clip(one_line(flow.number), 12)} ")] if flow is not None else []
    room = width - width_of(before) - width_of(marks) - width_of(end)
    title = one_line(head.lane.title) or "conversation"
    words = _words(head)
    while len(words) > 1 and _info(words) > room - min(len(title), room // 2):
        words.pop()
    about: Line = [("muted", "   " + " · ".join(words))] if words else []
    title = clip(title, max(8, room - width_of(about)))
    line = cut([*before, ("bright", title), *marks, *about], max(0, width - width_of(end)))
    return [*line, ("text", " " * (width - width_of(line) - width_of(end))), *end] if end else line


def _info(words: list[str]) -> int:
    return 3 * len(words) + sum(map(len, words))


def _words(head: LaneHead) -> list[str]:
    """What a lane amounts to: the turns are its own, the cost is that of its sub-agents, too."""
    lane = head.lane
    cause, totals = lane.cause, lane.totals
    sub_agent = lane.parent is not None
    of = f" of {clip(one_line(cause.flow.number), 12)}" if cause is not None else ""
    number, what = (totals.turns, "turn") if totals.turns else (lane.size, "flow")
    cost = head.cost
    return [
        *([f"sub-agent{of}"] if sub_agent else filter(None, [clip(one_line(lane.agent), 24), _session(lane)])),
        f"{number} {what}{'' if number == 1 else 's'}",
        *([format.money(cost)] if cost is not None else []),
        *([f"{format.count(totals.window)} in window"] if totals.window is not None and not sub_agent else []),
    ]


def _session(lane: Lane) -> str:
    """The name that its session was given; clients' own are mostly numbers."""
    return f"session {clip(one_line(lane.session), 24)}" if lane.flows and lane.flows[0].session else ""


def _marks(head: LaneHead) -> Line:
    """What goes on, stands still or went wrong below a folded heading."""
    tally = head.tally()
    marks: list[tuple[Tone, int, str]] = [
        ("live", sum(tally[state] for state in _LIVE), "● {} live"),
        ("held", tally[State.HELD], "‖ {} held"),
        ("failed", tally[State.FAILED], "✗ {}"),
    ]
    return [(tone, "  " + text.format(number)) for tone, number, text in marks if number]


def leads(flow: Flow, place_of: Callable[[Flow], Place | None]) -> tuple[Lead, ...]:
    """What stands before a flow's last words: that it is no turn, an attempt among several, or the first of less."""
    place = place_of(flow)
    if place is None:
        return ()
    found: list[Lead] = []
    if place.storm:
        found.append((f"storm: {place.attempt} attempt{'' if place.attempt == 1 else 's'}", "held"))
    elif place.retry_of is not None:
        found.append((f"retry {place.attempt - 1} of {place.retry_of.number}", "waiting"))
    if flow.state is State.FAILED and (after := _next_attempt(flow, place, place_of)) is not None:
        found.append((f"retried as {after.number}", "failed"))
    if place.work is not Work.TURN:
        found.append((place.work.value, "muted"))
    if place.compacted:
        found.append(("compacted", "bright"))
    return tuple(found)


def _next_attempt(flow: Flow, place: Place, place_of: Callable[[Flow], Place | None]) -> Flow | None:
    """The flow that asks the same again; None where nobody did."""
    flows, first = place.lane.flows, place.retry_of or flow
    start = bisect_right(flows, flow.seq, key=lambda other: other.seq)
    for other in flows[start : start + LOOKED_AT]:
        found = place_of(other)
        if found is not None and found.retry_of is first:
            return other
    return None
