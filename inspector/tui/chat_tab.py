"""The conversation as the model gets it, and the answer while it grows."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from inspector.model.flow import Flow
from inspector.model.message import Transcript
from inspector.store.alignment import Steps
from inspector.store.lane import Cause
from inspector.store.transcripts import Transcripts
from inspector.tui.chat_agents import Started, agents_of
from inspector.tui.chat_blocks import size_of
from inspector.tui.chat_lines import ChatLines, Unfolded
from inspector.tui.chat_turn import Turn, read_turn, with_usage
from inspector.tui.flow_wanted import FlowWanted
from inspector.tui.line_pane import LinePane
from inspector.tui.spans import Line, plain
from inspector.tui.tab import Tab

MOST_KEPT = 500
"""Flows of which it is remembered what was unfolded."""
SLICE = 0.006
"""Seconds that one frame may spend on what is long."""


class ChatPane(LinePane):
    """The lines of a conversation, folded by block."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "fold", "fold", id="chat.fold", tooltip="Fold or unfold the block under the cursor"),
        Binding("z", "fold_all", "fold all", id="chat.fold-all", tooltip="Unfold every block, or fold all again"),
        Binding("w", "caller", "who called", id="chat.caller", tooltip="Go to the call that started this sub-agent"),
        Binding("W", "agent", "sub-agent", id="chat.agent", tooltip="Go to the sub-agent that this call started"),
        Binding("J", "block(1)", "next block", id="chat.next", tooltip="To the next block", show=False),
        Binding("K", "block(-1)", "block before", id="chat.previous", tooltip="To the block before", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.chat = ChatLines(80)
        self.waiting = ""
        """What is waited for, in the place of the conversation."""
        self.aim: Cause | None = None
        """A call that is shown as soon as its flow is."""
        self._leads = False
        """Whether the call under the cursor started a sub-agent."""
        self._seeking: Iterator[bool] = iter(())
        self._sought = True
        self._unsought: tuple[ChatLines, Unfolded] | None = None
        """What was unfolded before the search began."""

    @property
    def busy(self) -> bool:
        """Whether there is more to unfold or to lay out."""
        return not self._sought or self.chat.busy

    def line_count(self) -> int:
        """How many lines the conversation has as it is folded."""
        return 1 if self.waiting else len(self.chat)

    def line(self, index: int, width: int) -> Line:
        """One line of it."""
        return [("muted", self.waiting)] if self.waiting else self.chat.line(index)

    def search_for(self, pattern: str) -> None:
        """As everywhere; what the search unfolded stays so when it ends."""
        super().search_for(pattern)
        if not pattern:
            self._unsought, self._sought = None, True

    def reveal(self, pattern: str) -> None:
        """Unfold what holds the pattern, and not what held the one before; what takes longer goes on with `advance`."""
        if self._unsought is None or self._unsought[0] is not self.chat:
            self._unsought = self.chat, deepcopy(self.chat.unfolded)
        unfolded = self._unsought[1]
        self.change(lambda: self.chat.unfold_as(unfolded))
        self._seeking, self._sought = self.chat.seek(pattern), False
        self.advance()

    def advance(self) -> None:
        """Go on unfolding and laying out for a while."""
        until = time.perf_counter() + SLICE
        while not self._sought and time.perf_counter() < until:
            self.change(self._seek)
        self.change(lambda: self.chat.advance(max(0.0, until - time.perf_counter())))

    def _seek(self) -> int | None:
        step = next(self._seeking, None)
        self._sought = step is None
        return 0 if step else None

    def change(self, change: Callable[[], int | None]) -> None:
        """Let something change the lines, and stay on the block under the cursor. It gives the first line changed."""
        there = len(self.chat) > 0
        place = self.chat.block_at(self.cursor) if there else 0
        key, within = (self.chat.key_at(place), self.cursor - self.chat.start_of(place)) if there else ("", 0)
        first = change()
        if first is None:
            return
        found = self.chat.place_of(key)
        if found is not None and not self.following:
            self.cursor = self.chat.start_of(found) + within
        self.grown(first)

    def on_resize(self) -> None:
        """Wrap anew, and stay with the block under the cursor."""
        if self.width and self.width != self.chat.width:
            place = self.chat.block_at(self.cursor) if len(self.chat) else 0
            within = self.cursor - self.chat.start_of(place) if len(self.chat) else 0
            self.chat.resize(self.width)
            self.cursor = min(self.chat.start_of(place) + within, max(0, len(self.chat) - 1))
            if self.following:
                self.cursor = max(0, len(self.chat) - 1)
        super().on_resize()

    def on_click(self, event: events.Click) -> None:
        """A click on a line that ends with a fold mark turns it."""
        super().on_click(event)
        index = int(self.scroll_offset.y) + event.y
        if index < len(self.chat) and plain(self.chat.line(index)).endswith(("⊞", "⊟")):
            self.action_fold()

    def action_fold(self) -> None:
        """Fold or unfold the block under the cursor."""
        if not len(self.chat):
            return
        place = self.chat.block_at(self.cursor)
        if self.chat.fold(place):
            start = self.chat.start_of(place)
            self.cursor = min(self.cursor, len(self.chat) - 1, start + 1)
            self.lines_changed()
            self.set_cursor(start)

    def action_fold_all(self) -> None:
        """Unfold every block, or fold all where all are unfolded."""
        if len(self.chat):
            self.following = False
            self.change(self._fold_all)
            self.set_cursor(self.cursor)

    def _fold_all(self) -> int:
        self.chat.fold_all()
        return 0

    def action_agent(self) -> None:
        """Ask for the sub-agent that the call under the cursor started."""
        if (started := self._started()) is not None:
            self.post_message(FlowWanted(started.flow, "chat"))

    def action_caller(self) -> None:
        """Ask for the flow whose answer has the call that started this sub-agent."""
        if (cause := self.chat.agents.cause) is not None:
            self.aim = cause
            self.post_message(FlowWanted(cause.flow, "chat"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to go where there is something."""
        if action == "agent":
            return self._started() is not None
        if action == "caller":
            return self.chat.agents.cause is not None
        return super().check_action(action, parameters)

    def cursor_moved(self) -> None:
        """Which sub-agent can be gone to hangs on the call under the cursor."""
        super().cursor_moved()
        if (leads := self._started() is not None) is not self._leads:
            self._leads = leads
            self.refresh_bindings()

    def _started(self) -> Started | None:
        known = self.chat.agents.started
        return known.get(self.chat.call_at(self.chat.block_at(self.cursor))) if known and len(self.chat) else None

    def show_aim(self, flow: Flow) -> None:
        """Put the cursor on the call that was asked for, if it is this flow's."""
        if self.aim is None or self.aim.flow is not flow or not self.chat.blocks:
            return
        place = self.chat.place_of_call(self.aim.call_id)
        self.aim = None
        if place is not None:
            self.following = False
            self.set_cursor(self.chat.start_of(place))

    def action_block(self, by: int) -> None:
        """Move the cursor to the first line of another block."""
        if len(self.chat):
            place = self.chat.block_at(self.cursor)
            if by < 0 and self.cursor > self.chat.start_of(place):
                by = 0
            self.set_cursor(
                self.chat.start_of(max(0, place + by)) if place + by < self.chat.blocks else len(self.chat) - 1
            )


class ChatTab(Tab):
    """The Chat tab."""

    tab_id = "chat"
    title = "Chat"
    reads = False

    def __init__(self, transcripts: Transcripts) -> None:
        super().__init__(transcripts)
        self._pane = ChatPane()
        self._unfolded: OrderedDict[str, Unfolded] = OrderedDict()
        self._turn = Turn()
        self._reading: Steps[Turn] | None = None
        """The comparison with the last turn, while it goes on."""
        self._compared: tuple[object, ...] = ()

    @property
    def pane(self) -> ChatPane:
        """The conversation."""
        return self._pane

    def compose(self) -> ComposeResult:
        """The one pane."""
        yield self._pane

    def open(self, flow: Flow) -> None:
        """Show another conversation, from its end."""
        known = self._unfolded[flow.id] = self._unfolded.pop(flow.id, Unfolded())
        if len(self._unfolded) > MOST_KEPT:
            self._unfolded.popitem(last=False)
        self._turn, self._reading, self._compared = Turn(), None, ()
        self._pane.chat = ChatLines(self._pane.width or 80, known)
        self._pane.waiting = "" if self.transcripts.ready(flow) else f"reading {size_of(_size(flow))} …"
        if not self._pane.waiting:
            self._take(flow)
        self._pane.enter(flow.id, at_end=True)
        self._pane.show_aim(flow)

    def grow(self, flow: Flow) -> None:
        """Show what came."""
        if not self._pane.waiting:
            self._pane.change(lambda: self._take(flow))
            self._pane.advance()
        elif self.transcripts.ready(flow):
            self.open(flow)

    @property
    def unfinished(self) -> bool:
        """Whether more is to be read, compared or laid out; the lane may have moved, too."""
        if self._pane.waiting or self._pane.busy or self._reading is not None:
            return True
        if self.flow is None:
            return False
        return self._compared[1:] != self._stamp(self.flow) or self._pane.chat.agents != agents_of(
            self.flow, self.transcripts
        )

    def _take(self, flow: Flow) -> int | None:
        transcript = self.transcripts.of(flow)
        self._compare(flow, transcript)
        if (agents := agents_of(flow, self.transcripts)) != self._pane.chat.agents:
            self._pane.chat.agents = agents
            self._pane.refresh_bindings()
        return self._pane.chat.update(flow, transcript, with_usage(self._turn, transcript.answer.usage))

    def _compare(self, flow: Flow, transcript: Transcript) -> None:
        """Go on comparing with the last turn, or begin anew where that is another one now."""
        stamp = (id(transcript.prompt), *self._stamp(flow))
        if stamp != self._compared:
            self._compared = stamp
            place = self.transcripts.place(flow)
            previous = place.previous if place is not None else None
            self._turn, self._reading = (self._turn, None) if previous is not None else (Turn(), None)
            if place is not None and previous is not None and transcript.prompt.messages:
                self._reading = read_turn(flow, place, previous, self.transcripts)
        until = time.perf_counter() + SLICE
        while self._reading is not None:
            try:
                waits = next(self._reading)
            except StopIteration as end:
                self._turn, self._reading, waits = end.value, None, False
            if waits or time.perf_counter() >= until:
                break

    def _stamp(self, flow: Flow) -> tuple[object, ...]:
        """What decides about what a flow is compared with."""
        place = self.transcripts.place(flow)
        if place is None or place.previous is None:
            return ()
        return place.previous.id, place.previous.live, place.compacted


def _size(flow: Flow) -> int:
    return len(flow.sent.body) + (len(flow.answered.body) if flow.answered is not None and not flow.live else 0)
