"""The conversation as the model gets it, and the answer while it grows."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from inspector.model.flow import Flow
from inspector.store.transcripts import Transcripts
from inspector.tui.chat_lines import ChatLines
from inspector.tui.line_pane import LinePane
from inspector.tui.spans import Line, plain
from inspector.tui.tab import Tab


class ChatPane(LinePane):
    """The lines of a conversation, folded by block."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "fold", "fold", id="chat.fold", tooltip="Fold or unfold the block under the cursor"),
        Binding("z", "fold_all", "fold all", id="chat.fold-all", tooltip="Unfold every block, or fold all again"),
        Binding("J", "block(1)", "next block", id="chat.next", tooltip="To the next block", show=False),
        Binding("K", "block(-1)", "block before", id="chat.previous", tooltip="To the block before", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.chat = ChatLines(80)

    def line_count(self) -> int:
        """How many lines the conversation has as it is folded."""
        return len(self.chat)

    def line(self, index: int, width: int) -> Line:
        """One line of it."""
        return self.chat.line(index)

    def reveal(self, pattern: str) -> None:
        """Unfold the blocks that hold the pattern."""
        self.chat.unfold_holding(pattern)

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
            place = self.chat.block_at(self.cursor)
            self.chat.fold_all()
            self.cursor = self.chat.start_of(place)
            self.lines_changed()
            self.set_cursor(self.cursor)

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

    def __init__(self, transcripts: Transcripts) -> None:
        super().__init__(transcripts)
        self._pane = ChatPane()
        self._shown = ""
        self._opened: dict[str, set[str]] = {}

    @property
    def pane(self) -> ChatPane:
        """The conversation."""
        return self._pane

    def compose(self) -> ComposeResult:
        """The one pane."""
        yield self._pane

    def open(self, flow: Flow) -> None:
        """Show another conversation, from its end."""
        if self._pane.chat.opened or self._shown in self._opened:
            self._opened[self._shown] = self._pane.chat.opened
        self._shown = flow.id
        self._pane.chat = ChatLines(self._pane.width or 80, self._opened.get(flow.id, set()))
        self._pane.chat.update(flow, self.transcripts.of(flow))
        self._pane.enter(flow.id, at_end=True)

    def grow(self, flow: Flow) -> None:
        """Show what came."""
        first = self._pane.chat.update(flow, self.transcripts.of(flow))
        if first is not None:
            self._pane.grown(first)
