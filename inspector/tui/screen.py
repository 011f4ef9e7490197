"""The main screen: header, filter, list, detail, footer. It owns the frame tick, by which everything live is pulled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from inspector.model.flow import Flow
from inspector.rules.capture import CaptureSettings
from inspector.store.lanes import Lanes
from inspector.store.ledger import Ledger, Totals
from inspector.store.view import View
from inspector.store.watch import Watched
from inspector.tui.comment_actions import CommentActions
from inspector.tui.copy_actions import CopyActions
from inspector.tui.covered import CoveredContainer, CoveredVertical
from inspector.tui.desk import Desk
from inspector.tui.detail import Detail
from inspector.tui.edit_actions import EditActions
from inspector.tui.export_dialog import ExportDialog, Exported
from inspector.tui.failures import Failures
from inspector.tui.filter_bar import FilterBar, FilterInput
from inspector.tui.flow_list import FlowList
from inspector.tui.flow_wanted import FlowWanted
from inspector.tui.frames import FrameClock
from inspector.tui.header import Figures, HeaderLine, Listener
from inspector.tui.hold_actions import HoldActions
from inspector.tui.key_line import KeyLine
from inspector.tui.layout_actions import LayoutActions
from inspector.tui.list_heads import ListHeads
from inspector.tui.log_screen import Log
from inspector.tui.profile_dialog import ProfileDialog
from inspector.tui.recorded import kept_in, leaving, not_kept, older_in
from inspector.tui.replay_actions import ReplayActions
from inspector.tui.search_actions import SearchActions
from inspector.tui.splitter import Splitter
from inspector.tui.token_actions import TokenActions
from inspector.tui.vocabulary import vocabulary
from inspector.tui.watch_actions import WatchActions
from inspector.tui.welcome import Place, Welcome

LIST_EVERY = 2
"""Frames from one look at the list to the next: figures that change faster are not read."""
BUSY_ROWS = 6
"""Rows of the list that one frame draws anew while much passes: painting keeps the relay waiting."""
HEADER_EVERY = 0.5
"""Seconds from one look at the header's figures to the next."""


class MainScreen(
    ReplayActions,
    CommentActions,
    HoldActions,
    EditActions,
    TokenActions,
    CopyActions,
    SearchActions,
    WatchActions,
    LayoutActions,
):
    """What the person sees first and mostly."""

    BLANK: ClassVar[bool] = True
    """It is covered by what it holds."""
    BINDING_GROUP_TITLE = "Screen"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "filter", "filter", id="flow.filter", tooltip="Type a filter"),
        Binding("F", "clear_filter", "clear filter", show=False, id="flow.clear_filter", tooltip="Show all flows"),
        Binding("x", "export", "export", id="flow.export", tooltip="Write the listed flows to a file"),
        Binding("P", "profile", "profile", show=False, id="view.profile", tooltip="What is changed of each request"),
        Binding("escape", "back", "back", id="view.back", tooltip="From the whole-screen detail back to the list"),
        Binding("1", "tab('chat')", "chat", show=False, id="tab.chat", tooltip="The conversation"),
        Binding("2", "tab('stream')", "stream", show=False, id="tab.stream", tooltip="Every event of the answer"),
        Binding("3", "tab('tokens')", "tokens", show=False, id="tab.tokens", tooltip="The answer token by token"),
        Binding(
            "4", "tab('tools')", "tools", show=False, id="tab.tools", tooltip="Tools: declared, called, given back"
        ),
        Binding("5", "tab('context')", "context", show=False, id="tab.context", tooltip="What fills the window"),
        Binding("6", "tab('request')", "request", show=False, id="tab.request", tooltip="What was sent"),
        Binding("7", "tab('response')", "response", show=False, id="tab.response", tooltip="What came back"),
        Binding("8", "tab('timing')", "timing", show=False, id="tab.timing", tooltip="Where the time went"),
        Binding("9", "tab('diff')", "diff", show=False, id="tab.diff", tooltip="Compared with another flow"),
    ]

    def __init__(
        self,
        desk: Desk,
        *,
        listener: Listener | None,
        profile: str = "",
        title: str = "",
        log: Log | None = None,
        watched: tuple[Watched, ...] = (),
    ) -> None:
        super().__init__(desk)
        store, transcripts = desk.store, desk.transcripts
        self._store = store
        self._listener = listener
        self._profile = profile
        self._title = title
        self._log_lines = log
        self._log_seen = 0
        self._lanes = Lanes(store, transcripts)
        self._view = View(store, transcripts, self._lanes)
        self._ledger = Ledger(store, transcripts)
        self._totals = Totals()
        self._clock = FrameClock()
        self._transcripts = transcripts
        self._listed = False
        """Whether there were rows when the footer was last told."""
        self._frame = 0
        self._revision = 0
        self._spent = 0.0
        """Seconds of the loop's time that drawing took since the last frame began."""
        self._failures = Failures()
        self._failed: set[str] = set()
        self._header_due = 0.0
        self._header = HeaderLine(self._figures(), id="header")
        self._bar = FilterBar(self.values, id="filter")
        place = Place.of(desk, listener.address) if listener is not None else None
        self._welcome = Welcome(place, title, id="welcome")
        self._list = FlowList(self._view, watched=watched, id="list")
        self._heads = ListHeads(self._list, id="heads")
        self._detail = Detail(
            transcripts, store=store, holds=desk.control.holds if desk.control is not None else None, id="detail"
        )

    def compose(self) -> ComposeResult:
        """Everything from top to bottom."""
        yield self._header
        yield self._bar
        with CoveredContainer(id="body"):
            yield self._welcome
            with CoveredVertical(id="list-pane"):
                yield self._heads
                yield self._list
            yield Splitter(id="splitter")
            yield self._detail
        yield KeyLine(id="footer")

    def on_mount(self) -> None:
        """Arrange the screen and start the frames."""
        self.arrange_body()
        self.set_class(len(self._store) == 0, "-empty")
        self._focus_list()
        self.tick()
        self.run_worker(self._frames(), name="frames")

    # Frames

    async def _frames(self) -> None:
        while True:
            await asyncio.sleep(self._clock.interval)
            lag = self._listener.lag_ms if self._listener is not None else 0.0
            self._clock.frame(time.monotonic(), self._store.revision - self._revision, lag, self._spent)
            self._revision, self._spent = self._store.revision, 0.0
            with self.app.batch_update():
                for what, step in self._steps():
                    if self._detail.is_running:
                        self._try(what, step)
                        await asyncio.sleep(0)
            self.check_idle()
            self._clock.drawn(time.monotonic())

    def tick(self) -> None:
        """Draw one frame at once: pull what moved since the last one. Nothing is pushed here, whatever passes."""
        for what, step in self._steps():
            self._try(what, step)

    def _try(self, what: str, step: Callable[[], None]) -> bool:
        """Take a step of drawing: what it raises must end neither the screen nor, with it, the relay."""
        began = time.perf_counter()
        try:
            step()
        except Exception as error:  # the border to whatever passes, and to every widget
            self._say_failed(self._failures.tell(what, error))
            return False
        finally:
            self._spent += time.perf_counter() - began
        return True

    def _say_failed(self, words: str) -> None:
        if words not in self._failed:
            self._failed.add(words)
            self.notify(words, severity="error", markup=False)

    def _on_timer_update(self) -> None:
        if not self._try("a part of the screen", super()._on_timer_update):
            self._dirty_widgets.clear()
            self._compositor._dirty_regions.clear()

    def _steps(self) -> tuple[tuple[str, Callable[[], None]], ...]:
        """What a frame consists of. Between two steps the relay has its turn."""
        if not self._detail.is_running:
            return ()
        self._frame += 1
        return (
            ("the lanes", self._pull_lanes),
            ("the list", self._pull_list),
            ("what is held", self.pull_holds),
            ("the list's rows", self._draw_list),
            ("the detail", self._pull_detail),
            ("the header", self._pull_header),
        )

    def _pull_detail(self) -> None:
        if self.desk.budget is not None:
            self.desk.budget.open = self._detail.flow
        self._detail.pull()

    def _pull_header(self) -> None:
        self._totals = self._ledger.update()
        if time.monotonic() >= self._header_due:
            self._header_due = time.monotonic() + HEADER_EVERY
            self._header.show(self._figures())

    def _pull_lanes(self) -> None:
        if not self._frame % LIST_EVERY or self._lanes.pending:
            self._lanes.update()

    def _pull_list(self) -> None:
        self._take_filter()
        if self._frame % LIST_EVERY and not self._view.pending:
            return
        if self.has_class("-empty") and len(self._store):
            self.remove_class("-empty")
            self._list.focus()
        if self._list.pull():
            self._show_count()
            if bool(self._view.rows) != self._listed:
                self._listed = not self._listed
                self.refresh_bindings()
        self._heads.pull()

    def _show_count(self) -> None:
        self._bar.show_count(self._view.count, len(self._store), self._store.left, older_in(self.desk))

    def _draw_list(self) -> None:
        self._list.draw_some(BUSY_ROWS if self._clock.busy else None)

    def _take_filter(self) -> None:
        wanted = self._bar.take()
        if wanted is not None:
            self._view.filter = wanted
            self._list.pull()
            self._show_count()

    def _figures(self) -> Figures:
        totals, control = self._totals, self.desk.control
        stopped, why = not_kept(self.desk, datetime.now())
        return Figures(
            place=self._listener.address if self._listener is not None else self._title or "a file",
            listening=self._listener is not None,
            profile=control.profile.name if control is not None else self._profile,
            live=totals.live,
            flows=totals.flows,
            input_tokens=totals.input_tokens,
            output_tokens=totals.output_tokens,
            cache=totals.cache,
            cost=totals.cost,
            added_ms=self._listener.added_ms if self._listener is not None else None,
            lag_ms=self._clock.lag_ms,
            held=len(control.holds) if control is not None else 0,
            hold_requests=control is not None and control.hold_requests,
            unread=self._log_lines.count - self._log_seen if self._log_lines is not None else 0,
            kept=kept_in(self.desk),
            stopped=stopped,
            why=why,
            leaving=leaving(self.desk.server),
        )

    def log_seen(self) -> None:
        """The person looks at the log: what it holds now is no news any more."""
        if self._log_lines is not None:
            self._log_seen = self._log_lines.count

    def listed(self) -> Sequence[Flow]:
        """The flows that the list shows, and would show if no lane were folded."""
        return self._view.flows

    def values(self) -> Mapping[str, Sequence[str]]:
        """What completion offers, by key of the filter language."""
        listed = [row for row in self._view.rows if isinstance(row, Flow)]
        return vocabulary(reversed(listed or list(self._store)), self._transcripts)

    # Selecting and reading

    @property
    def selected(self) -> Flow | None:
        """The flow that the detail shows."""
        return self._detail.flow

    def show_flow(self, flow: Flow, tab: str = "") -> None:
        """Put the list's cursor on a flow, and open a tab of the detail on it."""
        if not self._list.go_to(flow):
            self._list.hold_still()
        self._detail.show(flow)
        if tab:
            self._detail.active = tab

    @on(FlowWanted)
    def _wanted(self, event: FlowWanted) -> None:
        self.show_flow(event.flow, event.tab)

    @on(FlowList.Selected)
    def _selected(self, event: FlowList.Selected) -> None:
        self._detail.show(event.flow)

    @on(FlowList.Opened)
    def _opened(self) -> None:
        self.zoomed = True
        self._focus_detail()

    def _focus_list(self) -> None:
        (self._welcome if self.has_class("-empty") else self._list).focus()

    def _focus_detail(self) -> None:
        for widget in self.focus_chain:
            if self._detail in widget.ancestors_with_self:
                widget.focus()
                return

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Whoever goes into the detail wants to read this flow: the list no longer follows."""
        if self._detail in event.widget.ancestors_with_self:
            self._list.hold_still()

    @on(FilterInput.Left)
    def _left_filter(self) -> None:
        self._focus_list()

    # Actions

    def action_filter(self) -> None:
        """Go to the filter."""
        self.zoomed = False
        self._bar.input.focus()

    def action_clear_filter(self) -> None:
        """Show all flows."""
        self._bar.input.value = ""

    def action_back(self) -> None:
        """Leave the whole-screen detail, or the detail."""
        self.zoomed = False
        self._left_filter()

    def action_tab(self, name: str) -> None:
        """Open a tab of the detail."""
        self._detail.active = name

    def action_profile(self) -> None:
        """Ask what the proxy is to change of each request by itself."""
        if (control := self.desk.control) is None:
            return
        profile = control.profile

        def chosen(settings: CaptureSettings | None) -> None:
            if settings is not None:
                profile.settings = settings
                self._header_due = 0.0

        self.app.push_screen(ProfileDialog(profile.settings), chosen)

    def action_export(self) -> None:
        """Ask for a file and write the listed flows to it."""
        name = f"flows-{datetime.now():%Y%m%d-%H%M%S}.jsonl"
        self.app.push_screen(ExportDialog(tuple(self._view.flows), name, self._transcripts), self._exported)

    def _exported(self, exported: Exported | None) -> None:
        if exported is not None:
            count = f"{exported.flows} flow{'' if exported.flows == 1 else 's'}"
            self.notify(f"Wrote {count} to {exported.path}", markup=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what does something now."""
        if action == "back":
            return self.zoomed or (self.focused is not None and self._detail in self.focused.ancestors)
        if action == "export":
            return bool(self._view.rows)
        if action == "profile":
            return self.desk.control is not None
        return super().check_action(action, parameters)
