"""The list of flows: one line each, in the view's order, with a cursor that stays on its flow."""

from __future__ import annotations

import time
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

from inspector.model.flow import Flow, State
from inspector.store.view import LaneHead, Row, Sort, View
from inspector.store.watch import Watched
from inspector.tui.columns import MARGIN, Column
from inspector.tui.lane_rows import sign_at
from inspector.tui.list_actions import ListActions
from inspector.tui.row_painter import RowPainter
from inspector.tui.rows import TONES, Tone

DRAWING = 0.0015
"""Seconds that one frame may spend on reading changed rows; the rest waits for the next."""


class FlowList(ListActions):
    """Shows a view's rows. It follows the newest flow until the person moves, and stays with theirs from then on.

    On a heading the cursor means one flow, too: the lane's newest, until the person goes on to read it.
    Nothing is pushed into it: `pull` is called for each frame and redraws only what moved.
    """

    BINDING_GROUP_TITLE = "List"
    HELP = """\
Every request that passed, the newest at the bottom. The list follows it until you move, and then stays on your flow.

`○` waiting  `●` stream  `✓` done  `✗` failed  `⊘` cancelled.
A count with `~` is an estimate until the provider names its own.

Flows of one conversation stand below its heading, a sub-agent's behind the flow that started it. The turns are the
lane's own; its cost counts that of its sub-agents, too. On a heading the cursor means the lane's newest flow: the
detail shows it, and replays and copies take it. Its number stands at the right end.

A click on a column's heading, or `(` and `)`, sorts: numbers with the greatest first. A sorted list has no lanes.
"""
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"row--{tone}" for tone in TONES),
        "row--selected",
        "row--selected-blurred",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", id="list.open", tooltip="Show the flow on the whole screen"),
        Binding("enter", "fold", "fold", id="list.fold", tooltip="Fold the lane under the cursor, or unfold it"),
        Binding("j,down", "move(1)", "down", show=False, id="list.down", tooltip="Next row"),
        Binding("k,up", "move(-1)", "up", show=False, id="list.up", tooltip="Previous row"),
        Binding("pagedown,ctrl+f", "page(1)", "page down", show=False, id="list.page_down", tooltip="A page down"),
        Binding("pageup,ctrl+b", "page(-1)", "page up", show=False, id="list.page_up", tooltip="A page up"),
        Binding("home", "first", "first", show=False, id="list.first", tooltip="The first row"),
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

    def __init__(
        self,
        view: View,
        *,
        watched: tuple[Watched, ...] = (),
        clock: Callable[[], float] = time.time,
        id: str | None = None,
    ) -> None:
        super().__init__(view, id=id)
        self.current: Flow | None = None
        """The flow under the cursor, or for which the heading under it stands."""
        self._painter = RowPainter(view, clock, watched)
        self._clock = clock
        self._cursor = -1
        self._wanted: Row | None = None
        self._pinned: Flow | None = None
        """The flow that the person reads, for which the heading under the cursor stands, whatever else arrives."""
        self._on_head = False
        self._to_top = False
        """The cursor stays on the first row until the view is whole."""
        self._newer: tuple[Flow | None, int] | None = None
        self._second = self._lanes_seen = 0
        self._stale: dict[Row, None] = {}
        """What is to be drawn anew, the longest waiting first."""
        self._styles: dict[Tone, Style] = {}

    # What is shown

    @property
    def row(self) -> Row | None:
        """What stands under the cursor."""
        return self._view.rows[self._cursor] if 0 <= self._cursor < len(self._view.rows) else None

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that are shown."""
        return self._painter.columns(self.width)

    @property
    def sort(self) -> Sort | None:
        """By what the rows are sorted; None where they stand by lanes and arrival."""
        return self._view.sort

    @property
    def watched(self) -> tuple[Watched, ...]:
        """What has columns besides what every flow has."""
        return self._painter.watched

    @watched.setter
    def watched(self, watched: tuple[Watched, ...]) -> None:
        self._painter.watch(watched)
        self._painter.renew()
        self.lines_changed()

    def line_count(self) -> int:
        """One line a row; one that says so where nothing matches."""
        return len(self._view.rows) or 1

    def draw_line(self, index: int, width: int) -> Strip:
        """One row, as far as it was read; or the remark that there is none."""
        styles = self._styles or self._read_styles()
        if not self._view.rows:
            none = "" if self._view.filter.term is None or self._view.pending else "no flow matches the filter"
            return Strip([Segment(" " * MARGIN + none[: width - MARGIN], styles["muted"])])
        row, selected = self._view.rows[index], index == self._cursor
        if isinstance(row, LaneHead):
            segments = self._painter.head(row, width - MARGIN, styles, self.current if selected else None)
        else:
            segments, holds = self._painter.flow(row, width, styles)
            if not holds:
                self._stale.setdefault(row)
        strip = Strip([Segment("▌" if selected else " ", styles["cursor"]), *segments])
        if not selected:
            return strip
        name = "row--selected" if self.has_focus else "row--selected-blurred"
        style = self.get_component_rich_style(name)
        return strip.adjust_cell_length(width, style).apply_style(Style(bgcolor=style.bgcolor))

    @property
    def newer(self) -> int:
        """How many flows came after the one under the cursor."""
        if self.current is None:
            return 0
        if self._newer is None or self._newer[0] is not self.current:
            self._newer = self.current, self._view.newer(self.current)
        return self._newer[1]

    def pull(self) -> bool:
        """Take in what moved since the last frame. True where anything did."""
        change = self._view.update()
        moved = change.reset or change.first_moved is not None
        if self._painter.renew() or change.reset:
            self.lines_changed()
        elif change.first_moved is not None:
            self.lines_changed(change.first_moved)
        self._stale.update(dict.fromkeys(self._view.rows[index] for index in change.changed))
        if change:
            self._newer = None
        if moved or (self.following and self._view.newest is not self._wanted):
            self._place_cursor(seek=change.reset or bool(self._view.pending))
        elif change.changed:
            self._set_cursor(self._cursor)
        self._grow_older()
        self._take_lanes()
        return moved or bool(change.changed)

    def draw_some(self, most: int | None = None) -> None:
        """Read, and have drawn anew, a share of the changed rows: all in one frame would keep the relay waiting.

        At most so many of those that can be seen; None: as many as there is time for.
        """
        visible, until, drawn = self.visible_lines, time.perf_counter() + DRAWING, 0
        for row in list(self._stale):
            index = self._view.index(row)
            read = index is not None and index in visible and isinstance(row, Flow)
            if isinstance(row, Flow) and read and not self._view.ready(row):
                continue
            del self._stale[row]
            if index is not None:
                if isinstance(row, Flow) and read:
                    self._painter.read(row)
                self.lines_changed(index, 1)
            drawn += index is not None and index in visible
            if drawn == most or time.perf_counter() >= until:
                return

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what does something now."""
        return not self._on_head if action == "open" else super().check_action(action, parameters)

    # Moving

    def move_to(self, index: int) -> None:
        """Put the cursor on a row by the person's will; it stays on it from now on."""
        if self._view.rows:
            self.following = self._to_top = False
            self._pinned = None
            index = max(0, min(index, len(self._view.rows) - 1))
            self._wanted = self._view.rows[index]
            self._set_cursor(index)
            self.scroll_line_into_view(index)

    def go_to(self, flow: Flow) -> bool:
        """Put the cursor on a flow, and unfold what hides it. False where it is not listed."""
        self.pull()
        self._view.reveal(flow)
        self.pull()
        index = self._view.index_of(flow.id)
        if index is not None:
            self.move_to(index)
        return index is not None

    def hold_still(self) -> None:
        """Stop following: the person reads what is shown."""
        self.following = False
        if isinstance(self.row, LaneHead):
            self._pinned = self.current

    def order_changed(self) -> None:
        """Show the first rows of a new order; without one, the cursor's flow among its neighbours."""
        if self._view.sort is not None:
            self.following, self._pinned = False, None
            self._to_top = True

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
        self._pinned, self._to_top = None, False
        self._place_cursor(seek=True)

    def action_open(self) -> None:
        """Ask for the flow on the whole screen."""
        if self.current is not None:
            self.post_message(self.Opened())

    def on_click(self, event: events.Click) -> None:
        """A click selects a row, a second one opens it; one on the sign of a heading folds it."""
        index = event.y + int(self.scroll_offset.y)
        if index >= len(self._view.rows):
            return
        self.move_to(index)
        row = self._view.rows[index]
        if isinstance(row, LaneHead):
            if event.chain == 2 or sign_at(row) <= event.x <= sign_at(row) + 1:
                self.fold(row, not row.folded)
        elif event.chain == 2:
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
        """Find the cursor's row again after rows came or went, and keep it where it was on the screen.

        With `seek` it is brought into view; without, whoever scrolled away from it stays there.
        """
        rows, newest = self._view.rows, self._view.newest
        if self.following or self._wanted is None:
            self._wanted = newest
            index = self._view.index_of(newest.id) if newest is not None else None
            self._set_cursor(-1 if index is None else index)
            if index is None or index == len(rows) - 1:
                self.scroll_to(y=max(0, self.line_count() - self.size.height), animate=False, force=True)
            else:
                self.scroll_line_into_view(index)
            return
        if self._to_top:
            self._to_top = bool(self._view.pending)
            self._wanted = rows[0] if rows else self._wanted
            self._set_cursor(0 if rows else -1)
            self.scroll_to(y=0, animate=False, force=True)
            return
        index = self._view.index(self._wanted)
        if index is None:
            index = self._view.nearest(self._wanted)
        by = index - self._cursor
        self._set_cursor(index)
        if by:
            self.scroll_to(y=max(0, int(self.scroll_offset.y) + by), animate=False, force=True)
        if seek and index >= 0:
            self.scroll_line_into_view(index)

    def _set_cursor(self, index: int) -> None:
        before, self._cursor = self._cursor, index
        for line in {before, index}:
            if line >= 0:
                self.lines_changed(line, 1)
        row = self.row
        if isinstance(row, LaneHead) != self._on_head:
            self._on_head = not self._on_head
            self.refresh_bindings()
        flow = self._meant(row) if isinstance(row, LaneHead) else row
        if flow is not self.current:
            self.current = flow
            self.post_message(self.Selected(flow))

    def _meant(self, head: LaneHead) -> Flow | None:
        """The flow for which the heading under the cursor stands."""
        return self._view.newest if self.following else self._pinned or head.newest

    def _redraw_cursor(self) -> None:
        if self._cursor >= 0:
            self.lines_changed(self._cursor, 1)

    def _grow_older(self) -> None:
        second = int(self._clock())
        if second != self._second:
            self._second = second
            visible = self.visible_lines
            self._stale.update(dict.fromkeys(self._view.rows[visible.start : visible.stop]))

    def _take_lanes(self) -> None:
        """What lanes amount to, and how a failed attempt went on, is told with no change of a flow."""
        if self._view.lanes_revision != self._lanes_seen:
            self._lanes_seen = self._view.lanes_revision
            visible = self.visible_lines
            rows = self._view.rows[visible.start : visible.stop]
            told = (row for row in rows if isinstance(row, LaneHead) or row.state is State.FAILED)
            self._stale.update(dict.fromkeys(told))

    def _read_styles(self) -> dict[Tone, Style]:
        self._styles = {tone: self.get_component_rich_style(f"row--{tone}", partial=True) for tone in TONES}
        return self._styles
