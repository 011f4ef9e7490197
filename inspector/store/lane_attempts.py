"""Attempts at the same request: which follow a failed one, and when they are so many that they are a storm."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from operator import attrgetter

from inspector.dialects import by_name
from inspector.model.flow import Flow, State
from inspector.model.message import Transcript
from inspector.store.lane_state import Entry, LaneState

AGAIN_WITHIN = 300.0
"""Seconds after an attempt in which the same request is one more attempt."""
STORM = 4
"""So many attempts …"""
STORM_WITHIN = 60.0
"""… in so many seconds are a storm."""


def failed(flow: Flow, transcript: Transcript) -> bool:
    """Whether an ended flow failed in its client's eyes: refused, broken off, or with an error in its answer.

    Agents leave as soon as they have the end of an answer: that alone is no failure.
    """
    if flow.state is State.FAILED:
        return True
    answer = transcript.answer
    whole = answer.complete or not by_name(flow.dialect).terminal
    return answer.error is not None or not whole or (flow.state is State.CANCELLED and not answer.complete)


def declares_retry(flow: Flow) -> bool:
    """Whether the client says that it tried before, as the SDKs that Stainless makes do."""
    count = flow.request.headers.get("x-stainless-retry-count")
    return count.isdecimal() and int(count) > 0


def goes_with(earlier: Entry, flow: Flow) -> bool:
    """Whether the same request, sent again, belongs beside an earlier one: it is not a new beginning.

    It is one where the earlier one had been answered before.
    """
    begun = flow.started
    if begun - earlier.flow.started > AGAIN_WITHIN:
        return False
    return earlier.failed or earlier.ended > begun or declares_retry(flow)


def arrange(attempts: Sequence[Entry], start: Entry) -> set[LaneState]:
    """Tell attempts and new beginnings apart, from `start` on; the lanes in which something changed.

    `attempts` have the same request and stand by their numbers. What comes behind the first that stays as it was stays
    as well.
    """
    place = bisect_left(attempts, start.seq, key=attrgetter("seq"))
    changed: set[LaneState] = set()
    for index in range(place, len(attempts)):
        entry, before = attempts[index], attempts[index - 1] if index else None
        again = before is not None and _follows(before, entry)
        first, attempt = (before.first, before.attempt + 1) if before is not None and again else (entry, 1)
        if (first, attempt) == (entry.first, entry.attempt) and entry is not start:
            break
        if (first, attempt) != (entry.first, entry.attempt):
            changed.add(entry.lane)
        entry.first, entry.attempt = first, attempt
        changed |= _storm(attempts, index)
    return changed


def _follows(before: Entry, entry: Entry) -> bool:
    soon = entry.flow.started - before.flow.started <= AGAIN_WITHIN
    return soon and entry.lane is before.lane and (before.failed or entry.declared)


def _storm(attempts: Sequence[Entry], index: int) -> set[LaneState]:
    """See whether an attempt is one too many in too short a time; its lane where that is news."""
    entry = attempts[index]
    if entry.attempt == 1:
        entry.storm = False
    oldest = attempts[index - STORM + 1] if entry.attempt >= STORM <= index + 1 else entry
    if oldest is entry or entry.flow.started - oldest.flow.started > STORM_WITHIN or entry.first.storm:
        return set()
    entry.first.storm = True
    return {entry.lane}


def calm(attempts: Sequence[Entry], first: Entry) -> set[LaneState]:
    """See anew whether attempts are a storm, after one of them was taken out; the lanes where that changed."""
    before, first.storm = first.storm, False
    for index, entry in enumerate(attempts):
        if entry.first is first:
            _storm(attempts, index)
    return {first.lane} if first.storm != before else set()


def best(attempts: Sequence[Entry], entry: Entry, before: int) -> Entry:
    """Of the attempts at the same thing as `entry`, the last with a number below `before` that succeeded."""
    if not entry.failed:
        return entry
    same = (each for each in reversed(attempts) if each.first is entry.first and each.seq < before)
    return next((each for each in same if each.final and not each.failed), entry)
