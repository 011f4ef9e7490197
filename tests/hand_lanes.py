"""Lanes sorted by hand, for tests of what shows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from inspector.model.flow import Flow
from inspector.store.lane import Cause, Lane, LaneTotals, Place


class HandLanes:
    """Answers as whoever sorts flows into lanes does; a test says where each flow belongs."""

    def __init__(self) -> None:
        self.revision = 0
        self.lanes: dict[str, Lane] = {}
        self._places: dict[str, tuple[Flow, Place]] = {}
        self._changed: dict[str, tuple[int, Flow]] = {}

    def lane(self, name: str, *, under: str = "", cause: Flow | None = None, **given: Any) -> Lane:
        """A new lane, or one that is changed; `cause` is the flow that started it, in the lane `under`."""
        before = self._paths()
        lane = self.lanes.setdefault(name, Lane(name))
        lane.parent = self.lanes[under] if under else None
        lane.cause = Cause(cause, "call_1", "Task") if cause is not None else None
        for key, value in given.items():
            setattr(lane, key, value)
        self._tell(before)
        return lane

    def put(self, flow: Flow, name: str, **given: Any) -> None:
        """Put a flow in a lane; in none where the name is empty."""
        before = self._paths()
        if (old := self._places.pop(flow.id, None)) is not None:
            old[1].lane.flows.remove(flow)
        if name:
            lane = self.lanes[name]
            lane.flows = sorted([*lane.flows, flow], key=lambda each: each.seq)
            self._places[flow.id] = flow, Place(lane, **given)
        self._tell(before, flow)

    def amount(self, name: str, **totals: Any) -> None:
        """Say what a lane amounts to."""
        self.lanes[name].totals = replace(LaneTotals(), **totals)
        self.revision += 1

    def place(self, flow: Flow) -> Place | None:
        """Where a flow belongs."""
        known = self._places.get(flow.id)
        return known[1] if known is not None else None

    def changes_since(self, cursor: int) -> tuple[int, list[Flow]]:
        """The flows that were put elsewhere, also with their lane."""
        return self.revision, [flow for revision, flow in self._changed.values() if revision > cursor]

    def __iter__(self) -> Iterator[Lane]:
        return iter(sorted(self.lanes.values(), key=lambda lane: lane.path))

    def _paths(self) -> dict[str, tuple[int, ...]]:
        return {flow_id: place.lane.path for flow_id, (_, place) in self._places.items()}

    def _tell(self, before: dict[str, tuple[int, ...]], changed: Flow | None = None) -> None:
        self.revision += 1
        moved = [flow for flow, place in self._places.values() if before.get(flow.id) != place.lane.path]
        for flow in [*moved, *([changed] if changed is not None else [])]:
            self._changed[flow.id] = self.revision, flow
