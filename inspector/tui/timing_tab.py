"""The Timing tab: where the time went."""

from __future__ import annotations

import time

from textual.app import ComposeResult

from inspector.model.flow import Flow
from inspector.store.arrivals import Arrivals
from inspector.store.buffering import buffering
from inspector.store.summary import Summary
from inspector.store.timing import Beside, beside, phases, rates
from inspector.store.transcripts import Transcripts
from inspector.tui.hold_line import now_of
from inspector.tui.lines_pane import LinesPane
from inspector.tui.spans import Line
from inspector.tui.tab import Tab
from inspector.tui.timing_facts import added, facts
from inspector.tui.timing_figures import beside_each_other, buffer_lines, course_facts, gap_lines, pace_lines
from inspector.tui.timing_lines import head_line, waterfall
from inspector.tui.timing_words import LABEL

EVERY = 0.25
"""Seconds between two drawings of what moves."""
SLICE = 0.006
"""Seconds of a frame that reading may take."""
LANE_SLICE = 0.004
BESIDE = 130
"""Cells from which on pace and gaps stand beside each other."""
_PACE_WIDEST = 80
_HIGH = 30
"""Lines from which on there is room for a higher course."""


class TimingTab(Tab):
    """The Timing tab. The chunks are read once, in slices; the lines are made a few times a second while they move."""

    tab_id = "timing"
    title = "Timing"

    def __init__(self, transcripts: Transcripts) -> None:
        super().__init__(transcripts)
        self._pane = LinesPane()
        self._arrivals: Arrivals | None = None
        self._lane: Beside | None = None
        self._drawn: tuple[object, ...] = ()
        self._due = 0.0

    @property
    def pane(self) -> LinesPane:
        """The lines."""
        return self._pane

    @property
    def unfinished(self) -> bool:
        """Whether time goes on, there is more to read, or what is drawn is behind."""
        flow = self.flow
        if flow is None:
            return False
        return self._reading or self._drawn != self._stamp(flow)

    @property
    def _reading(self) -> bool:
        """Whether there are chunks, or turns of the lane, that were not read yet."""
        busy = self._arrivals is not None and self._arrivals.busy
        return busy or (self._lane is not None and self._lane.unread > 0)

    def compose(self) -> ComposeResult:
        """The one pane."""
        yield self._pane

    def open(self, flow: Flow) -> None:
        """Show another flow."""
        self._arrivals, self._lane = None, None
        self._read(flow)
        self._draw(flow)
        self._pane.enter(flow.id, at_end=False)

    def grow(self, flow: Flow) -> None:
        """Read on; show what came, and how far time is, a few times a second."""
        self._read(flow)
        if self._drawn != self._stamp(flow) and time.monotonic() >= self._due:
            self._draw(flow)
            self._pane.grown(0)

    def _stamp(self, flow: Flow) -> tuple[object, ...]:
        """What the lines were made of; while the flow is live, of the time too."""
        place, chunks = self.transcripts.place(flow), self._arrivals.chunks if self._arrivals is not None else 0
        moment = time.monotonic() // EVERY if flow.live else None
        return flow.revision, chunks, self._lane, place, self._pane.width, self._pane.size.height > 0, moment

    def _read(self, flow: Flow) -> None:
        if self._arrivals is None and flow.response is not None:
            self._arrivals = Arrivals(flow, flow.response)
        if self._arrivals is not None:
            self._arrivals.advance(SLICE)
        if self._lane is not None and self._lane.unread:
            self._look_beside(flow)

    def _look_beside(self, flow: Flow) -> None:
        place = self.transcripts.place(flow)
        self._lane = beside(flow, place, self.transcripts, LANE_SLICE) if place is not None else None

    def _draw(self, flow: Flow) -> None:
        width, summary = self._pane.width or 80, self.transcripts.summary(flow)
        now = _now(flow)
        self._look_beside(flow)
        lines = [head_line(flow, summary, added(flow), now, width), []]
        lines += waterfall(flow, summary, phases(flow, summary.ttft), now, width)
        if self._arrivals is not None and self._arrivals.chunks:
            lines += [[], *self._course(flow, summary, self._arrivals, width)]
        if more := facts(flow, summary, self.transcripts.place(flow), self._lane, width):
            lines += [[], *more]
        self._pane.lines = lines
        self._drawn, self._due = self._stamp(flow), time.monotonic() + EVERY

    def _course(self, flow: Flow, summary: Summary, arrivals: Arrivals, width: int) -> list[Line]:
        """How the answer came."""
        assert flow.response is not None
        body = flow.response.body
        wide = width >= BESIDE
        column = width // 2 if wide else width
        found = buffering(arrivals, flow.timing.forwarded or 0.0, not flow.live)
        gaps = gap_lines(arrivals, width - column if wide else width)
        pace = _pace(flow, summary, column, self._pane.size.height)
        course = course_facts(arrivals, width)
        warning = [*buffer_lines(found, width), []] if found is not None else []
        if arrivals.busy:
            course.append([("muted", f" {'':{LABEL - 2}} {arrivals.chunks:,} of {body.chunks:,} chunks were read")])
        if wide and pace:
            return [*warning, *beside_each_other(pace, gaps, column), [], *course]
        return [*warning, *([*pace, []] if pace else []), *gaps, [], *course]


def _pace(flow: Flow, summary: Summary, width: int, height: int) -> list[Line]:
    """Tokens a second over time, where there are enough chunks for a course."""
    response = flow.response
    if response is None or summary.ttft is None or not summary.output_tokens:
        return []
    body = response.body
    slices = min(_PACE_WIDEST, width - LABEL - 4, body.chunks)
    speeds = rates(body, summary.ttft, summary.output_tokens, slices) if slices > 1 else []
    return pace_lines(speeds, summary.ttft, body.times[-1], 8 if height >= _HIGH else 4) if speeds else []


def _now(flow: Flow) -> float:
    """How far the flow is, in ms since its start."""
    return flow.timing.ended if flow.timing.ended is not None else now_of(flow) if flow.clock else _latest(flow)


def _latest(flow: Flow) -> float:
    """The last moment that is known of a flow without a clock: one that was read from a file."""
    timing = flow.timing
    last = flow.response.body.times[-1] if flow.response is not None and flow.response.body.chunks else 0.0
    return max(last, *(at or 0.0 for at in (timing.received, timing.forwarded, timing.head)))
