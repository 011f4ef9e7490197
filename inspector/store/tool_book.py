"""Everything that is known of one flow's tools, gathered a slice at a time."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Sequence

from inspector.model.flow import Flow
from inspector.model.message import Prompt, Transcript
from inspector.store import tool_schema
from inspector.store.tool_calls import CallState, SeenCall, calls_of, earlier, used_names
from inspector.store.tool_check import ToolCheck, Verdict
from inspector.store.tool_declared import Declarations, declarations, injected_names
from inspector.store.tool_lane import LaneCalls
from inspector.store.tool_times import AnswerTimes
from inspector.store.transcripts import Transcripts

_LANES = 8
"""Lanes whose calls are remembered."""
EVERY = 0.25
"""Seconds between two looks at the calls while there is more of the lane to be read."""


class ToolBook:
    """The calls, verdicts and declarations of the flow that is shown. Cheap to throw away."""

    def __init__(self, transcripts: Transcripts) -> None:
        self.calls: list[SeenCall] = []
        """Oldest first, those of the answer last."""
        self.earlier = 0
        """Calls of the conversation before these: see `tool_calls.MOST`."""
        self.verdicts: dict[str, Verdict] = {}
        """By the call's key, as far as they were checked; a call that is being written has none."""
        self.declarations = Declarations()
        self.revision = 0
        """Grows whenever any of these is another."""
        self._transcripts = transcripts
        self._lanes: OrderedDict[str, LaneCalls] = OrderedDict()
        self._lane = LaneCalls(transcripts)
        self._flow: Flow | None = None
        self._times: AnswerTimes | None = None
        self._prompt: Prompt | None = None
        self._before: Prompt | None = None
        self._injected: frozenset[str] = frozenset()
        self._used_earlier: Counter[str] = Counter()
        self._check = ToolCheck(())
        self._stamp: tuple[object, ...] = ()
        self._declared_by: tuple[object, ...] = ()
        self._unchecked: list[SeenCall] = []
        self._due = 0.0

    def open(self, flow: Flow) -> None:
        """Begin with another flow."""
        if self._flow is not flow:
            self._prompt, self._before, self._stamp, self._declared_by = None, None, (), ()
            self._due = 0.0
        self._flow = flow

    def pull(self, seconds: float) -> bool:
        """Read and check what is new, for at most about `seconds`; whether there is more to be done now.

        What can be told at once is told by the first call, however long that takes.
        """
        flow = self._flow
        if flow is None:
            return False
        until = time.perf_counter() + seconds
        place = self._transcripts.place(flow)
        flows: Sequence[Flow] = place.lane.flows if place is not None else (flow,)
        lane = self._lane = self._lane_of(place.lane.id if place is not None else flow.id, flows)
        more = lane.pull(flows, seconds)
        if self._times is None or not self._times.is_of(flow):
            self._times = AnswerTimes(flow)
        more = self._times.pull(max(0.0, until - time.perf_counter())) or more
        transcript = self._transcripts.of(flow)
        stamp = flow.revision, flow.live, lane.revision, more, id(transcript.prompt)
        if stamp != self._stamp and (not more or time.monotonic() >= self._due):
            self._stamp, self._due = stamp, time.monotonic() + EVERY
            self.revision += 1
            self._gather(flow, transcript, self._times)
            # Read last: another transcript may push the one of the flow out of what is kept.
            self._declare(place.previous if place is not None else None)
        return self._check_some(flow, until) or more

    @property
    def behind(self) -> bool:
        """Whether something moved that the last `pull` did not see: another flow of the lane may bring a result."""
        place = self._transcripts.place(self._flow) if self._flow is not None else None
        return place is not None and self._lane.behind(place.lane.flows)

    def _lane_of(self, key: str, flows: Sequence[Flow]) -> LaneCalls:
        lane = self._lanes.get(key)
        if lane is None or not lane.is_of(flows):
            lane = self._lanes[key] = LaneCalls(self._transcripts)
            if len(self._lanes) > _LANES:
                self._lanes.popitem(last=False)
        self._lanes.move_to_end(key)
        return lane

    def _gather(self, flow: Flow, transcript: Transcript, times: AnswerTimes) -> None:
        self.calls = calls_of(flow, transcript)
        if transcript.prompt is not self._prompt:
            self._prompt = transcript.prompt
            self._check = ToolCheck(transcript.prompt.tools)
            self._injected = injected_names(flow, transcript.prompt.tools)
            left_out = earlier(transcript.prompt.messages)
            self.earlier, self._used_earlier = len(left_out), used_names(left_out)
        self._lane.tell(flow, self.calls, times)
        self.verdicts = {}
        self._unchecked = [seen for seen in self.calls if self._is_checked(flow, seen)]

    def _is_checked(self, flow: Flow, seen: SeenCall) -> bool:
        """Whether a call is judged. What asks an MCP server declares nothing, nor does what only sums up."""
        prompt = self._prompt
        known = prompt is not None and bool(prompt.tools or (seen.in_answer and prompt.messages))
        return known and seen.state is not CallState.WRITING and flow.dialect != "mcp"

    def _declare(self, previous: Flow | None) -> None:
        """Look the declarations over, where they or the uses of them are others."""
        assert self._prompt is not None
        before = self._before = self._transcripts.of(previous).prompt if previous is not None else None
        used = self._used()
        stamp = id(self._prompt), id(before), frozenset(used.items())
        if stamp != self._declared_by:
            self._declared_by = stamp
            known = before.tools if before is not None else None
            self.declarations = declarations(self._prompt.tools, used, known, self._injected)

    def _used(self) -> Counter[str]:
        """How often each tool was called: by the lane's answers, or by what this request tells of them."""
        return (used_names(seen.call for seen in self.calls) + self._used_earlier) | self._lane.used

    def _check_some(self, flow: Flow, until: float) -> bool:
        if not self._unchecked:
            return False
        if not tool_schema.ready():
            return True
        self.revision += 1
        while self._unchecked:
            seen = self._unchecked.pop()
            self.verdicts[seen.key] = self._check.check(seen.call.name, str(seen.call.arguments), seen.call.kind)
            if time.perf_counter() >= until:
                break
        return bool(self._unchecked)
