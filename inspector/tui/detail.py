"""The lower half of the screen: one flow, seen through one tab at a time."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlsplit

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from inspector.model.flow import Flow
from inspector.model.headers import mask_url
from inspector.proxy.held import Held, Holds
from inspector.store.flows import FlowStore
from inspector.store.search_finder import Excerpt
from inspector.store.transcripts import Transcripts
from inspector.tui.comment_line import CommentLine
from inspector.tui.covered import CoveredSwitcher, CoveredVertical
from inspector.tui.held_draft import AnswerDraft
from inspector.tui.held_pane import HeldPane
from inspector.tui.hold_line import HoldLine
from inspector.tui.line_pane import LinePane
from inspector.tui.search_aim import best_line
from inspector.tui.search_line import SearchLine
from inspector.tui.tab import Tab
from inspector.tui.tab_line import TabLine
from inspector.tui.tabs import TABS
from inspector.tui.text import one_line, printable
from inspector.tui.text_editor import Drafts

_ID_HEADERS = ("request-id", "x-request-id", "x-amzn-requestid", "apim-request-id")


class Detail(CoveredVertical):
    """Shows one flow. Only the open tab reads it; the others catch up when they are opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "search", id="detail.search", tooltip="Search in the open tab"),
        Binding("n", "match(1)", "next", id="detail.next", tooltip="To the next line that was found"),
        Binding("N", "match(-1)", "before", id="detail.previous", tooltip="To the line found before"),
        Binding("escape", "end_search", "end search", id="detail.end-search", tooltip="End the search"),
        Binding("escape", "leave_held", "leave held", id="detail.leave-held", tooltip="Back to the open tab"),
    ]
    DEFAULT_CSS = """
    Detail { & > ContentSwitcher { height: 1fr; } }
    """

    def __init__(
        self,
        transcripts: Transcripts,
        *,
        store: FlowStore | None = None,
        holds: Holds | None = None,
        id: str | None = None,
    ) -> None:
        """`store`: the flows beside the one that is shown. `holds` is there where a proxy runs."""
        super().__init__(id=id)
        self._holds = holds
        self._held: Held | None = None
        """The held answer that is shown in the place of the open tab."""
        self._left: Held | None = None
        """The held answer from which the person went back to the tab."""
        self._offered: tuple[object, ...] = ()
        """What decided about the keys that were offered last."""
        self._hold_line = HoldLine()
        self._comment = CommentLine()
        self.drafts: Drafts[AnswerDraft] = Drafts()
        """What was begun and not sent, by flow."""
        self.held_pane = HeldPane(transcripts, self.drafts)
        self._tabs: dict[str, Tab] = {tab.tab_id: tab(transcripts) for tab in TABS}
        for tab in self._tabs.values():
            tab.store = store if store is not None else tab.store
            tab.holds = holds
        self._active = TABS[0].tab_id
        self._flow: Flow | None = None
        self._line = TabLine([(tab.tab_id, tab.title, tab.short or tab.title) for tab in TABS])
        self._switcher = CoveredSwitcher(*self._tabs.values(), initial=self._active)
        self._search = SearchLine()
        self._seeking = False
        """Whether the cursor is to go to the first match, once there is one."""
        self._aim: tuple[Excerpt, int] | None = None
        """The very match to which it is to go once the whole tab was searched, and how many like it come before."""

    def compose(self) -> ComposeResult:
        """The line of tabs, and the open one below it."""
        yield self._line
        yield self._comment
        yield self._hold_line
        yield self.held_pane
        yield self._switcher
        yield self._search

    def on_mount(self) -> None:
        """Name the open tab."""
        self.held_pane.display = False
        self._say()

    @property
    def flow(self) -> Flow | None:
        """The flow that is shown."""
        return self._flow

    @property
    def tab(self) -> Tab:
        """The open tab."""
        return self._tabs[self._active]

    @property
    def pane(self) -> LinePane:
        """Where the keys go: the held answer, or the open tab."""
        return self.held_pane if self._held is not None else self.tab.pane

    @property
    def shows_held(self) -> bool:
        """Whether the held answer stands in the place of the open tab."""
        return self._held is not None

    @property
    def active(self) -> str:
        """The name of the open tab, its `tab_id`. ValueError where there is none of that name."""
        return self._active

    @active.setter
    def active(self, name: str) -> None:
        if name not in self._tabs:
            raise ValueError(f"no tab {name!r}")
        had_focus = self.pane.has_focus or self.tab.has_focus_within
        self.leave_held()
        self._active = name
        self._switcher.current = name
        self.tab.show(self._flow)
        self._look_for(self._search.pattern)
        if had_focus:
            self.tab.pane.focus()
        self._say()

    def show(self, flow: Flow | None) -> None:
        """Show another flow; None shows nothing."""
        self._flow = flow
        self._left = None
        self.tab.show(flow)
        self._pull_held()
        self._look_for(self._search.pattern)
        self._say()

    def pull(self) -> None:
        """Draw what is new. Called at every frame; next to nothing where the flow did not move."""
        self._pull_held()
        if self._held is None:
            self.tab.pull()
        self._say()
        pane = self.pane
        if self._seeking and pane.search is not None and pane.search.found:
            self._seeking = False
            if not pane.on_match:
                pane.go_to_match(1)
        self._take_aim(pane)
        self._search.count(pane.search, pane.cursor, pane.line_count())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what does something now."""
        if action in ("match", "end_search"):
            return bool(self._search.pattern)
        if action == "leave_held":
            return self._held is not None and not self._search.pattern
        return action != "search" or self._flow is not None

    def action_search(self) -> None:
        """Ask what to look for."""
        self._search.open()

    def action_match(self, step: int) -> None:
        """Go to another line that was found."""
        self.pane.go_to_match(step)

    def action_end_search(self) -> None:
        """End the search."""
        self._search.close()
        self._look_for("")
        self.pane.focus()

    # A held answer

    def show_held(self) -> None:
        """Show the held answer in the place of the open tab."""
        self._left = None
        self._pull_held()
        if self._held is not None:
            self.held_pane.focus()

    def leave_held(self) -> None:
        """Show the open tab again, though the answer is held."""
        self._left = self._held or self._left
        self._pull_held()

    def action_leave_held(self) -> None:
        """Go back to the tab."""
        self.leave_held()
        self.tab.pane.focus()

    def _pull_held(self) -> None:
        """Follow what is held: the line, and the answer in the place of the tab unless the person left it."""
        flow = self._flow
        held = self._holds.get(flow) if self._holds is not None and flow is not None else None
        wanted = held if held is not None and held.stream is not None and held is not self._left else None
        if wanted is not self._held:
            had_focus = self.pane.has_focus or self.tab.has_focus_within
            self._held = wanted
            self.held_pane.display, self._switcher.display = wanted is not None, wanted is None
            self.held_pane.show(wanted)
            self.tab.pull()
            if had_focus:
                self.pane.focus()
        if (stamp := (held, wanted, flow is not None and flow.live)) != self._offered:
            self._offered = stamp
            self.refresh_bindings()
        self.held_pane.pull()
        self._hold_line.show(flow, self.held_pane.where)

    # Searching

    @on(SearchLine.Changed)
    def _typed(self) -> None:
        self._look_for(self._search.pattern)

    @on(SearchLine.Entered)
    def _entered(self) -> None:
        self.pane.focus()
        if self.pane.search is None:
            self.action_end_search()
        self._seeking = True

    @on(SearchLine.Ended)
    def _ended(self) -> None:
        self.action_end_search()

    def look_for(self, excerpt: Excerpt, twin: int = 0) -> None:
        """Search the open tab for what was found elsewhere, and go to the line that holds it."""
        self._search_as(excerpt.needle, excerpt, twin)
        self.pane.focus()

    def _search_as(self, text: str, excerpt: Excerpt, twin: int) -> None:
        self._search.open(text)
        self._look_for(text)
        self._seeking, self._aim = True, (excerpt, twin)

    def _take_aim(self, pane: LinePane) -> None:
        search = pane.search
        if self._aim is None or search is None or search.scanned < pane.line_count() or self.tab.unfinished:
            return
        (excerpt, twin), self._aim = self._aim, None
        if not search.found and excerpt.escaped and search.pattern != excerpt.found.lower():
            self._search_as(excerpt.found, excerpt, twin)
            return
        line = best_line(search.found, pane.search_text, search.pattern, excerpt, twin)
        if line is not None:
            pane.set_cursor(line)

    def _look_for(self, pattern: str) -> None:
        self._seeking, self._aim = False, None
        pane = self.pane
        if pattern or pane.search is not None:
            pane.search_for(pattern)
        self.refresh_bindings()

    @on(TabLine.Chosen)
    def _chosen(self, event: TabLine.Chosen) -> None:
        self.active = event.name

    def _say(self) -> None:
        flow = self._flow
        words = self.tab.words or ((_words(flow),) if flow is not None else ())
        self._line.set(self._active, *words, brief=f"#{printable(flow.number)}" if flow is not None else "")
        self._comment.show(flow)


def _words(flow: Flow) -> str:
    """What names a flow: its number, what was asked for, and the provider's id of it."""
    path = _path(flow.request.url)
    headers = flow.response.headers if flow.response is not None else None
    ids = [headers.get(name) for name in _ID_HEADERS] if headers is not None else []
    known = next((text for text in ids if text), flow.id)
    return one_line(f"#{flow.number} · {flow.request.method} {path} · {known}")


def _path(url: str) -> str:
    """Path and query, credentials masked; without the query where the URL cannot be read."""
    try:
        parts = urlsplit(mask_url(url))
    except ValueError:
        return url.partition("?")[0]
    return parts.path + (f"?{parts.query}" if parts.query else "")
