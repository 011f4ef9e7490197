"""The Tools tab: what can be called, what was called, with which arguments, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from inspector.model.flow import Flow
from inspector.store.tool_book import ToolBook
from inspector.store.tool_calls import SeenCall
from inspector.store.transcripts import Transcripts
from inspector.tui.flow_wanted import FlowWanted
from inspector.tui.line_pane import LinePane
from inspector.tui.spans import Line, plain
from inspector.tui.tab import Tab
from inspector.tui.tool_lines import ToolLines

EVERY = 0.25
"""Seconds between two looks at a flow that grows."""
SLICE = 0.006
"""Seconds of a frame that may be spent on reading and checking."""


class ToolsPane(LinePane):
    """The calls and the declarations of a flow, each folded by itself."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "fold", "fold", id="tools.fold", tooltip="Fold or unfold what the cursor is on"),
        Binding("z", "fold_all", "fold all", id="tools.fold-all", tooltip="Unfold every call, or fold all again"),
        Binding("J", "item(1)", "next call", id="tools.next", tooltip="To the next call or tool", show=False),
        Binding("K", "item(-1)", "call before", id="tools.previous", tooltip="To the call or tool before", show=False),
        Binding(
            "w", "flow_of('made_by')", "who called", id="tools.maker", tooltip="Go to the flow that made this call"
        ),
        Binding(
            "W", "flow_of('brought_by')", "result's flow", id="tools.bringer", tooltip="Go to the flow with its result"
        ),
    ]

    def __init__(self, book: ToolBook) -> None:
        super().__init__()
        self.tools = ToolLines(80)
        self._book = book

    def line_count(self) -> int:
        """How many lines there are as it is folded."""
        return len(self.tools)

    def line(self, index: int, width: int) -> Line:
        """One line."""
        return self.tools.line(index)

    def reveal(self, pattern: str) -> None:
        """Unfold the calls that hold the pattern."""
        self.tools.unfold_holding(pattern, self._book)

    def take_news(self, *, only_more: bool = False) -> None:
        """Show what the book says now, or only more of what is unfolded. What is read stays where it is."""
        first: int | None = None

        def update() -> None:
            nonlocal first
            first = self.tools.lay_more() if only_more else self.tools.update(self._book)

        before, top = self.cursor, int(self.scroll_offset.y)
        self.keep_place(update)
        if first is None:
            return
        moved = self.cursor - before
        self.grown(first)
        if moved and top and not self.following:
            self.scroll_to(y=top + moved, animate=False, force=True)
        self.refresh_bindings()

    def keep_place(self, change: Callable[[], object]) -> None:
        """Do what moves the lines; the cursor stays on its item, on the same line of it where that is still there."""
        if not len(self.tools):
            change()
            return
        place = self.tools.item_at(self.cursor)
        key, within = self.tools.items[place].key, self.cursor - self.tools.start_of(place)
        change()
        place = next((index for index, item in enumerate(self.tools.items) if item.key == key), -1)
        if place >= 0:
            end = self.tools.start_of(place + 1) if place + 1 < len(self.tools.items) else len(self.tools)
            self.cursor = min(self.tools.start_of(place) + within, end - 1)
        self.cursor = max(0, min(self.cursor, len(self.tools) - 1))

    def on_resize(self) -> None:
        """Lay out anew, and stay with what is under the cursor."""
        if self.width and self.width != self.tools.width:
            self.keep_place(lambda: self.tools.resize(self.width))
        super().on_resize()

    def on_click(self, event: events.Click) -> None:
        """A click on a heading or on a fold mark turns it."""
        super().on_click(event)
        index = int(self.scroll_offset.y) + event.y
        text = plain(self.tools.line(index)) if index < len(self.tools) else ""
        if text.startswith(("▾", "▸")) or text.endswith(("⊞", "⊟")):
            self.action_fold()

    def action_fold(self) -> None:
        """Fold or unfold what the cursor is on."""
        if len(self.tools):
            place = self.tools.item_at(self.cursor)
            self.tools.fold(place, self._book)
            self._turned(place)

    def action_fold_all(self) -> None:
        """Unfold every call, or fold all where all are unfolded."""
        if len(self.tools):
            self.keep_place(lambda: self.tools.fold_all(self._book))
            self._turned(self.tools.item_at(self.cursor))

    def action_item(self, by: int) -> None:
        """Move the cursor to the first line of another item."""
        if len(self.tools):
            place = self.tools.item_at(self.cursor)
            if by < 0 and self.cursor > self.tools.start_of(place):
                by = 0
            self.set_cursor(self.tools.start_of(max(0, min(place + by, len(self.tools.items) - 1))))

    def action_flow_of(self, which: str) -> None:
        """Ask for the flow that made the call under the cursor, or for the one that brought its result."""
        flow = self._flow_of(which)
        if flow is not None:
            self.post_message(FlowWanted(flow, "tools"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to go where there is something."""
        if action == "flow_of":
            return self._flow_of(str(parameters[0])) is not None
        return super().check_action(action, parameters)

    def cursor_moved(self) -> None:
        """Which flows can be gone to hangs on the call under the cursor."""
        super().cursor_moved()
        self.refresh_bindings()

    def _flow_of(self, which: str) -> Flow | None:
        call: SeenCall | None = self.tools.items[self.tools.item_at(self.cursor)].call if len(self.tools) else None
        if call is None:
            return None
        return call.made_by if which == "made_by" else call.brought_by

    def _turned(self, place: int) -> None:
        """The lines from an item on are other ones; the cursor goes to its head."""
        start = self.tools.start_of(place)
        self.cursor = max(0, min(self.cursor, len(self.tools) - 1))
        self.lines_changed()
        self.set_cursor(start)


class ToolsTab(Tab):
    """The Tools tab. What it tells is gathered in slices; a flow that grows is looked at a few times a second."""

    tab_id = "tools"
    title = "Tools"

    def __init__(self, transcripts: Transcripts) -> None:
        super().__init__(transcripts)
        self._book = ToolBook(transcripts)
        self._pane = ToolsPane(self._book)
        self._turned: dict[str, set[str]] = {}
        self._shown = ""
        self._more = False
        self._stamp: tuple[object, ...] = ()
        self._due = 0.0

    @property
    def pane(self) -> ToolsPane:
        """The lines."""
        return self._pane

    def compose(self) -> ComposeResult:
        """The one pane."""
        yield self._pane

    def open(self, flow: Flow) -> None:
        """Show another flow, as it was folded when it was left."""
        if self._pane.tools.turned or self._shown in self._turned:
            self._turned[self._shown] = self._pane.tools.turned
        self._shown = flow.id
        self._pane.tools = ToolLines(self._pane.width or 80, self._turned.get(flow.id))
        self._book.open(flow)
        self._read(flow)
        self._pane.tools.update(self._book)
        self._pane.enter(flow.id, at_end=False)

    def grow(self, flow: Flow) -> None:
        """Show what came: in this flow, or of its results in those behind it."""
        if self._pane.tools.unfinished:
            self._pane.take_news(only_more=True)
            return
        if not self._more and time.monotonic() < self._due:
            return
        known = self._book.revision
        self._read(flow)
        if self._book.revision != known:
            self._pane.take_news()

    @property
    def unfinished(self) -> bool:
        """Whether what is shown is behind what is known; other flows of the lane bring results, too."""
        flow = self.flow
        more = self._more or self._pane.tools.unfinished
        return flow is not None and (more or self._stamp != _stamp(flow) or self._book.behind)

    def _read(self, flow: Flow) -> None:
        self._stamp, self._due = _stamp(flow), time.monotonic() + EVERY
        self._more = self._book.pull(SLICE)


def _stamp(flow: Flow) -> tuple[object, ...]:
    return flow.revision, flow.live
