"""The list of flows: one line each, in the view's order, with a cursor that stays on its flow."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from inspector.model.flow import Flow
from inspector.store.summary import Summary
from inspector.store.view import View
from inspector.tui import rows
from inspector.tui.columns import MARGIN, fit
from inspector.tui.line_view import LineView
from inspector.tui.rows import TONES, Tone

DRAWING = 0.0015
"""Seconds that one frame may spend on reading changed rows; the rest waits for the next."""


class FlowList(LineView):
    """Shows a view's rows. It follows the newest flow until the person moves, and stays with theirs from then on.

    Nothing is pushed into it: `pull` is called for each frame and redraws only what moved.
    """

    BINDING_GROUP_TITLE = "List"
    HELP = """\
Every request that passed, the newest at the bottom. The list follows it until you move, and then stays on your flow.

`○` waiting  `●` stream  `✓` done  `✗` failed  `⊘` cancelled.
A count with `~` is an estimate until the provider names its own.
"""
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"row--{tone}" for tone in TONES),
        "row--selected",
        "row--selected-blurred",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", id="list.open", tooltip="Show the flow on the whole screen"),
        Binding("j,down", "move(1)", "down", show=False, id="list.down", tooltip="Next flow"),
        Binding("k,up", "move(-1)", "up", show=False, id="list.up", tooltip="Previous flow"),
        Binding("pagedown,ctrl+f", "page(1)", "page down", show=False, id="list.page_down", tooltip="A page down"),
        Binding("pageup,ctrl+b", "page(-1)", "page up", show=False, id="list.page_up", tooltip="A page up"),
        Binding("home", "first", "first", show=False, id="list.first", tooltip="The oldest flow"),
        Binding("end,G", "follow", "follow", show=False, id="list.follow", tooltip="The newest flow, and follow it"),
    ]

    following: reactive[bool] = reactive(True, repaint=False)
    """Whether the cursor goes along with the newest flow."""

    @dataclass
    class Selected(Message):
        """The cursor came to another flow, or to none."""

        flow: Flow | None

    class Opened(Message):
        """The person wants to read the flow under the cursor."""

    def __init__(self, view: View, *, clock: Callable[[], float] = time.time, id: str | None = None) -> None:
        super().__init__(id=id)
        self.current: Flow | None = None
        """The flow under the cursor."""
        self.of_tokens = False
        """Whether a flow was shown whose tokens' probabilities are known: only then have they columns."""
        self._knows_tokens = False
        self._view = view
        self._clock = clock
        self._cursor = -1
        self._wanted: Flow | None = None
        self._second = 0
        self._stale: dict[str, None] = {}
        """Ids of flows whose rows are to be drawn anew, the longest waiting first."""
        self._styles: dict[Tone, Style] = {}

    # What is shown

    def line_count(self) -> int:
        """One line a row; one that says so where nothing matches."""
        return len(self._view.rows) or 1

    def draw_line(self, index: int, width: int) -> Strip:
        """One flow, as far as it was read; or the remark that there is none."""
        styles = self._styles or self._read_styles()
        if not self._view.rows:
            return Strip([Segment(" " * MARGIN + "no flow matches the filter"[: width - MARGIN], styles["muted"])])
        flow = self._view.rows[index]
        summary, holds = self._view.latest(flow)
        if not holds:
            self._stale.setdefault(flow.id)
        self._knows_tokens |= summary is not None and summary.mean_probability is not None
        row = rows.cells(flow, summary or Summary(), self._clock())
        selected = index == self._cursor
        edge = Segment("▌" if selected else " ", styles["cursor"])
        strip = Strip([edge, *rows.draw(fit(width, self.of_tokens), row, styles, width)])
        if not selected:
            return strip
        name = "row--selected" if self.has_focus else "row--selected-blurred"
        style = self.get_component_rich_style(name)
        return strip.adjust_cell_length(width, style).apply_style(Style(bgcolor=style.bgcolor))

    @property
    def newer(self) -> int:
        """How many rows stand below the cursor."""
        return len(self._view.rows) - 1 - self._cursor if self._view.rows else 0

    def pull(self) -> bool:
        """Take in what moved since the last frame. True where anything did."""
        change = self._view.update()
        moved = change.reset or change.first_moved is not None
        if self._knows_tokens and not self.of_tokens:
            self.of_tokens = True
            self.lines_changed()
        if change.reset:
            self.lines_changed()
        elif change.first_moved is not None:
            self.lines_changed(change.first_moved)
        self._stale.update(dict.fromkeys(self._view.rows[index].id for index in change.changed))
        if moved:
            self._place_cursor(seek=change.reset or bool(self._view.pending))
        self._grow_older()
        return moved or bool(change.changed)

    def draw_some(self) -> None:
        """Read, and have drawn anew, a share of the changed rows: all in one frame would keep the relay waiting."""
        visible, until = self.visible_lines, time.perf_counter() + DRAWING
        while self._stale and time.perf_counter() < until:
            flow_id = next(iter(self._stale))
            del self._stale[flow_id]
            index = self._view.index_of(flow_id)
            if index is not None:
                if index in visible:
                    self._view.summary(self._view.rows[index])
                self.lines_changed(index, 1)

    # Moving

    def move_to(self, index: int) -> None:
        """Put the cursor on a row by the person's will; it stays on that flow from now on."""
        if self._view.rows:
            self.following = False
            index = max(0, min(index, len(self._view.rows) - 1))
            self._wanted = self._view.rows[index]
            self._set_cursor(index)
            self.scroll_line_into_view(index)

    def hold_still(self) -> None:
        """Stop following: the person reads what is shown."""
        self.following = False

    def action_move(self, by: int) -> None:
        """Move the cursor by some rows."""
        self.move_to(self._cursor + by)

    def action_page(self, by: int) -> None:
        """Move the cursor by pages."""
        self.move_to(self._cursor + by * max(1, self.size.height - 1))

    def action_first(self) -> None:
        """Go to the first row."""
        self.move_to(0)

    def action_follow(self) -> None:
        """Go to the newest flow and stay with the newest."""
        self.following = True
        self._place_cursor(seek=True)

    def action_open(self) -> None:
        """Ask for the flow on the whole screen."""
        if self.current is not None:
            self.post_message(self.Opened())

    def on_click(self, event: events.Click) -> None:
        """A click selects a row, a second one opens it."""
        index = event.y + int(self.scroll_offset.y)
        if index < len(self._view.rows):
            self.move_to(index)
            if event.chain == 2:
                self.action_open()

    def on_mouse_scroll_up(self) -> None:
        """Whoever scrolls away wants to read there."""
        self.hold_still()

    def on_resize(self) -> None:
        """With fewer or more lines on the screen, the cursor stays on it."""
        if self._cursor >= 0:
            self._place_cursor(seek=True)

    def on_focus(self) -> None:
        """The cursor's colour says where the keys go."""
        self._redraw_cursor()

    def on_blur(self) -> None:
        """The cursor's colour says where the keys go."""
        self._redraw_cursor()

    def notify_style_update(self) -> None:
        """Another theme: other colours."""
        super().notify_style_update()
        self._styles = {}

    # The cursor

    def _place_cursor(self, seek: bool) -> None:
        """Find the cursor's flow again after rows came or went, and keep it where it was on the screen.

        With `seek` it is brought into view; without, whoever scrolled away from it stays there.
        """
        count = len(self._view.rows)
        if self.following or self._wanted is None:
            self._wanted = self._view.rows[-1] if count else None
            self._set_cursor(count - 1)
            self.scroll_to(y=max(0, self.line_count() - self.size.height), animate=False, force=True)
            return
        index = self._view.index_of(self._wanted.id)
        if index is None:
            index = self._neighbour(self._wanted)
        by = index - self._cursor
        self._set_cursor(index)
        if by:
            self.scroll_to(y=max(0, int(self.scroll_offset.y) + by), animate=False, force=True)
        if seek and index >= 0:
            self.scroll_line_into_view(index)

    def _neighbour(self, flow: Flow) -> int:
        """The row that stands nearest before a flow which is not listed."""
        before = bisect_right(self._view.rows, flow.seq, key=lambda row: row.seq)
        return max(0, before - 1) if self._view.rows else -1

    def _set_cursor(self, index: int) -> None:
        before, self._cursor = self._cursor, index
        for line in {before, index}:
            if line >= 0:
                self.lines_changed(line, 1)
        flow = self._view.rows[index] if 0 <= index < len(self._view.rows) else None
        if flow is not self.current:
            self.current = flow
            self.post_message(self.Selected(flow))

    def _redraw_cursor(self) -> None:
        if self._cursor >= 0:
            self.lines_changed(self._cursor, 1)

    def _grow_older(self) -> None:
        second = int(self._clock())
        if second != self._second:
            self._second = second
            visible = self.visible_lines
            self._stale.update(dict.fromkeys(flow.id for flow in self._view.rows[visible.start : visible.stop]))

    def _read_styles(self) -> dict[Tone, Style]:
        self._styles = {tone: self.get_component_rich_style(f"row--{tone}", partial=True) for tone in TONES}
        return self._styles
