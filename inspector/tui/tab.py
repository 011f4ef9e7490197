"""What a tab of the detail is: one way to look at one flow, drawn from what is known of it when it is pulled."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from inspector.model.flow import Flow
from inspector.proxy.held import Holds
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from inspector.tui.covered import CoveredVertical
from inspector.tui.failures import Failures
from inspector.tui.line_pane import LinePane

SEARCH_SLICE = 0.006
"""Seconds of a frame that a search may take."""


class Tab(CoveredVertical):
    """One view of a flow. A subclass composes its panes, and takes a flow with `open` and its news with `grow`."""

    tab_id: ClassVar[str]
    """As `Detail.active` calls it."""
    title: ClassVar[str]
    """As the tab line calls it."""
    short: ClassVar[str] = ""
    """As a short tab line calls it; empty where the title is short enough."""
    reads: ClassVar[bool] = True
    """Whether it needs the transcript at once; a large one is read beside, and the tab is empty meanwhile."""

    def __init__(self, transcripts: Transcripts) -> None:
        super().__init__(id=self.tab_id)
        self.transcripts = transcripts
        self.store = FlowStore()
        """The flows beside the one that is shown."""
        self.holds: Holds | None = None
        """What is held, where a proxy runs."""
        self.flow: Flow | None = None
        self._seen = -1
        self._failures = Failures()
        self._failed = False
        self._is_open = False

    @property
    def pane(self) -> LinePane:
        """Where the keys go, and what a search looks through."""
        raise NotImplementedError

    def open(self, flow: Flow) -> None:
        """Show another flow, at the place where it was left."""
        raise NotImplementedError

    def grow(self, flow: Flow) -> None:
        """Show what is new in the flow that is shown."""
        raise NotImplementedError

    @property
    def unfinished(self) -> bool:
        """Whether there is more to draw, though the flow did not move."""
        return False

    @property
    def words(self) -> tuple[str, ...]:
        """What the tab line says of the flow, printable, the longest first: the first that fits is shown. Empty for
        what it says in every other tab.
        """
        return ()

    def show(self, flow: Flow | None) -> None:
        """Show a flow; None shows nothing."""
        if flow is self.flow and flow is not None:
            self.pull()
            return
        if self.flow is not None:
            self.pane.leave(self.flow.id)
        self.flow = flow
        self._seen = -1 if flow is None else flow.revision
        self._is_open = False
        self.pane.display = False
        self._open_when_read()

    def _open_when_read(self) -> None:
        flow = self.flow
        if flow is None or (self.reads and not self.transcripts.ready(flow)):
            return
        self._is_open, self._seen = True, flow.revision
        self.pane.display = True
        self._try(self.open, flow)

    def pull(self) -> None:
        """Take what is new. Costs next to nothing where nothing is."""
        flow = self.flow
        if flow is not None and not self._is_open:
            self._open_when_read()
        elif flow is not None and (flow.revision != self._seen or (not self._failed and self.unfinished)):
            self._seen = flow.revision
            self._try(self.open if self._failed else self.grow, flow)
        if not self._failed:
            self._search()

    def _search(self) -> None:
        try:
            self.pane.search_on(SEARCH_SLICE)
        except Exception as error:  # the border to whatever a flow holds
            self.pane.search = None
            self.notify(self._failures.tell("what was found", error), severity="error", markup=False)

    def _try(self, draw: Callable[[Flow], None], flow: Flow) -> None:
        """Draw; what cannot be drawn says so, and is drawn from its beginning when the flow moves."""
        try:
            draw(flow)
        except Exception as error:  # the border to whatever a flow holds
            self._failed = True
            self.pane.fail(self._failures.tell("this tab", error))
        else:
            self._failed = False
            self.pane.fail("")
