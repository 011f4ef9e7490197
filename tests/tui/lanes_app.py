"""The list alone, on flows whose lanes are sorted by hand."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.pilot import Pilot

from inspector.model.flow import Flow
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from inspector.store.view import View
from inspector.tui.flow_list import FlowList
from inspector.tui.list_heads import ListHeads
from tests.hand_lanes import HandLanes


class LanesApp(App[None]):
    """Headings of columns and the list. The frames are drawn by hand."""

    ENABLE_COMMAND_PALETTE = False
    CSS: ClassVar[str] = "FlowList { height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self.store = FlowStore()
        self.lanes = HandLanes()
        transcripts = Transcripts()
        transcripts.placed_by = self.lanes.place
        self.view = View(self.store, transcripts, self.lanes)
        self.list = FlowList(self.view)
        self.heads = ListHeads(self.list)
        self.selected: list[Flow | None] = []
        self.opened = 0

    def compose(self) -> ComposeResult:
        """Headings above, the list below."""
        yield self.heads
        yield self.list

    def on_mount(self) -> None:
        """The keys go to the list."""
        self.list.focus()

    def on_flow_list_selected(self, event: FlowList.Selected) -> None:
        """Remember what was selected."""
        self.selected.append(event.flow)

    def on_flow_list_opened(self) -> None:
        """Count what was opened."""
        self.opened += 1

    def add(self, flow: Flow, lane: str = "", **place: Any) -> Flow:
        """A flow arrives, and is put in a lane."""
        self.store.add(flow)
        if lane:
            self.lanes.put(flow, lane, **place)
        return flow

    async def settle(self, pilot: Pilot[None]) -> None:
        """Draw until everything that came is shown."""
        await pilot.pause()
        for _ in range(3):
            while self.list.pull():
                pass
            self.list.draw_some()
            self.heads.pull()
            await pilot.pause()

    @property
    def cursor(self) -> str:
        """The line under the cursor."""
        return next(line for line in self.lines if line.startswith("▌"))

    @property
    def lines(self) -> list[str]:
        """The list as it stands on the screen, without blanks at the ends."""
        lines = [self.list.render_line(y).text.rstrip() for y in range(self.list.size.height)]
        return [line for line in lines if line]
