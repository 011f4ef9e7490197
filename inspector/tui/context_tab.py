"""The Context tab: what fills the window, what is new, where the prefix differs, what that cost, and what is odd."""

from __future__ import annotations

import time
from collections import OrderedDict

from textual.app import ComposeResult

from inspector.model.flow import Flow
from inspector.store import price_list
from inspector.store.alignment import Steps
from inspector.store.context_report import Basis, Turn, basis, growth, has_context, report
from inspector.store.history import Histories
from inspector.store.transcripts import Transcripts
from inspector.tui.context_lines import context_lines
from inspector.tui.lines_pane import LinesPane
from inspector.tui.spans import Line
from inspector.tui.tab import Tab

EVERY = 0.3
"""Seconds between two looks at a flow that grows."""
SLICE = 0.008
"""Seconds that one frame may spend."""
_KEPT = 64
"""Requests whose basis is kept."""
_WAIT: list[Line] = [[("muted", "reading the prompt …")]]
_COMING: list[Line] = [[("muted", "the request is still coming")]]
_NONE: list[Line] = [[("muted", "This is no request to a model: it has no context.")]]


class ContextTab(Tab):
    """The Context tab. What follows from the requests is worked out once, in slices; the counts are put in later."""

    tab_id = "context"
    title = "Context"
    short = "Ctx"

    def __init__(self, transcripts: Transcripts) -> None:
        super().__init__(transcripts)
        self._pane = LinesPane()
        self._histories = Histories(transcripts)
        self._bases: OrderedDict[str, tuple[tuple[object, ...], Basis]] = OrderedDict()
        self._basis: Basis | None = None
        self._work: Steps[Basis] | None = None
        self._stamp: tuple[object, ...] = ()
        """What the basis is of."""
        self._turns: tuple[Turn, ...] = ()
        self._counting: Steps[tuple[Turn, ...]] | None = None
        self._drawn: tuple[object, ...] = ()
        self._due = 0.0

    @property
    def pane(self) -> LinesPane:
        """The lines."""
        return self._pane

    def compose(self) -> ComposeResult:
        """The one pane."""
        yield self._pane

    def open(self, flow: Flow) -> None:
        """Show another flow."""
        self._drawn, self._turns, self._basis, self._work, self._stamp = (), (), None, None, ()
        self._counting, self._due = None, 0.0
        self._pane.lines = list(_WAIT)
        self._go_on(flow)
        self._pane.enter(flow.id, at_end=False)

    def grow(self, flow: Flow) -> None:
        """Go on with what is not worked out yet, and show what the provider counted since."""
        lines = self._pane.lines
        self._go_on(flow)
        if self._pane.lines is not lines:
            self._pane.grown(0)

    @property
    def unfinished(self) -> bool:
        """Whether something is still to be worked out or drawn; the turn before may have moved, too."""
        flow = self.flow
        if flow is None or not has_context(flow) or not _has_come(flow):
            return False
        return self._work is not None or self._counting is not None or self._drawn != self._now(flow)

    def _go_on(self, flow: Flow) -> None:
        if not has_context(flow) or not _has_come(flow):
            self._pane.lines = list(_COMING if has_context(flow) else _NONE)
            return
        until = time.perf_counter() + SLICE
        self._begin(flow)
        self._analyse(flow, until)
        if self._basis is None:
            return
        if self._drawn != self._now(flow) and self._counting is None and time.monotonic() >= self._due:
            self._due = time.monotonic() + EVERY
            self._counting = growth(flow, self.transcripts)
        self._count(flow, until)

    def _begin(self, flow: Flow) -> None:
        """Begin with a request anew where it, or the turn before it, is another one than it was."""
        stamp = self._request_stamp(flow)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        kept = self._bases.get(flow.id)
        if kept is not None and kept[0] == stamp:
            self._basis, self._work = kept[1], None
        else:
            # What was known stays on the screen until the new is there.
            self._work = basis(flow, self.transcripts, self._histories)

    def _analyse(self, flow: Flow, until: float) -> None:
        while self._work is not None and time.perf_counter() < until:
            try:
                if next(self._work):
                    break
            except StopIteration as end:
                self._work, self._basis, self._drawn = None, end.value, ()
                self._bases[flow.id] = self._stamp, end.value
                self._bases.move_to_end(flow.id)
                while len(self._bases) > _KEPT:
                    self._bases.popitem(last=False)

    def _count(self, flow: Flow, until: float) -> None:
        while self._counting is not None and time.perf_counter() < until:
            try:
                next(self._counting)
            except StopIteration as end:
                self._counting, self._turns = None, end.value
                self._draw(flow)

    def _draw(self, flow: Flow) -> None:
        if self._basis is not None:
            self._drawn = self._now(flow)
            shown = report(flow, self.transcripts, self._basis)
            self._pane.lines = context_lines(flow, shown, self._turns, self._pane.width or 80)

    def _request_stamp(self, flow: Flow) -> tuple[object, ...]:
        """What moves when the request or the turn before it becomes another one."""
        place = self.transcripts.place(flow)
        previous = place.previous if place is not None else None
        before = (previous.id, previous.live, id(previous.sent), id(previous.answered)) if previous is not None else ()
        return flow.id, id(flow.sent), _has_come(flow), before, place is not None and place.compacted

    def _now(self, flow: Flow) -> tuple[object, ...]:
        """What moves when something else must be drawn."""
        place = self.transcripts.place(flow)
        turns = len(place.lane.flows) if place is not None else 0
        return self._request_stamp(flow), flow.revision, turns, self._pane.width, price_list.ready()


def _has_come(flow: Flow) -> bool:
    """Whether the request is there as a whole."""
    return flow.timing.received is not None or flow.response is not None or not flow.live
