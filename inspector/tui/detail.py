"""The lower half of the screen: one flow, seen through one tab at a time."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlsplit

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from inspector.model.flow import Flow
from inspector.model.headers import mask_url
from inspector.store.transcripts import Transcripts
from inspector.tui.covered import CoveredSwitcher, CoveredVertical
from inspector.tui.search_line import SearchLine
from inspector.tui.tab import Tab
from inspector.tui.tab_line import TabLine
from inspector.tui.tabs import TABS
from inspector.tui.text import one_line

_ID_HEADERS = ("request-id", "x-request-id", "x-amzn-requestid", "apim-request-id")


class Detail(CoveredVertical):
    """Shows one flow. Only the open tab reads it; the others catch up when they are opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "search", id="detail.search", tooltip="Search in the open tab"),
        Binding("n", "match(1)", "next", id="detail.next", tooltip="To the next line that was found"),
        Binding("N", "match(-1)", "before", id="detail.previous", tooltip="To the line found before"),
        Binding("escape", "end_search", "end search", id="detail.end-search", tooltip="End the search"),
    ]
    DEFAULT_CSS = """
    Detail { & > ContentSwitcher { height: 1fr; } }
    """

    def __init__(self, transcripts: Transcripts, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._tabs: dict[str, Tab] = {tab.tab_id: tab(transcripts) for tab in TABS}
        self._active = TABS[0].tab_id
        self._flow: Flow | None = None
        self._line = TabLine([(tab.tab_id, tab.title) for tab in TABS])
        self._switcher = CoveredSwitcher(*self._tabs.values(), initial=self._active)
        self._search = SearchLine()
        self._seeking = False
        """Whether the cursor is to go to the first match, once there is one."""

    def compose(self) -> ComposeResult:
        """The line of tabs, and the open one below it."""
        yield self._line
        yield self._switcher
        yield self._search

    def on_mount(self) -> None:
        """Name the open tab."""
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
    def active(self) -> str:
        """The name of the open tab: `chat`, `stream`, `request` or `response`. ValueError for any other."""
        return self._active

    @active.setter
    def active(self, name: str) -> None:
        if name not in self._tabs:
            raise ValueError(f"no tab {name!r}")
        had_focus = self.tab.has_focus_within
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
        self.tab.show(flow)
        self._look_for(self._search.pattern)
        self._say()

    def pull(self) -> None:
        """Draw what is new. Called at every frame; next to nothing where the flow did not move."""
        self.tab.pull()
        self._say()
        pane = self.tab.pane
        if self._seeking and pane.search is not None and pane.search.found:
            self._seeking = False
            if not pane.search.place(pane.cursor):
                pane.go_to_match(1)
        self._search.count(pane.search, pane.cursor, pane.line_count())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what does something now."""
        if action in ("match", "end_search"):
            return bool(self._search.pattern)
        return action != "search" or self._flow is not None

    def action_search(self) -> None:
        """Ask what to look for."""
        self._search.open()

    def action_match(self, step: int) -> None:
        """Go to another line that was found."""
        self.tab.pane.go_to_match(step)

    def action_end_search(self) -> None:
        """End the search."""
        self._search.close()
        self._look_for("")
        self.tab.pane.focus()

    @on(SearchLine.Changed)
    def _typed(self) -> None:
        self._look_for(self._search.pattern)

    @on(SearchLine.Entered)
    def _entered(self) -> None:
        self.tab.pane.focus()
        if self.tab.pane.search is None:
            self.action_end_search()
        self._seeking = True

    @on(SearchLine.Ended)
    def _ended(self) -> None:
        self.action_end_search()

    def _look_for(self, pattern: str) -> None:
        self._seeking = False
        pane = self.tab.pane
        if pattern or pane.search is not None:
            pane.search_for(pattern)
        self.refresh_bindings()

    @on(TabLine.Chosen)
    def _chosen(self, event: TabLine.Chosen) -> None:
        self.active = event.name

    def _say(self) -> None:
        self._line.set(self._active, _words(self._flow) if self._flow is not None else "")


def _words(flow: Flow) -> str:
    """What names a flow: its number, what was asked for, and the provider's id of it."""
    path = _path(flow.request.url)
    headers = flow.response.headers if flow.response is not None else None
    ids = [headers.get(name) for name in _ID_HEADERS] if headers is not None else []
    known = next((text for text in ids if text), flow.id)
    return one_line(f"#{flow.seq} · {flow.request.method} {path} · {known}")


def _path(url: str) -> str:
    """Path and query, credentials masked; without the query where the URL cannot be read."""
    try:
        parts = urlsplit(mask_url(url))
    except ValueError:
        return url.partition("?")[0]
    return parts.path + (f"?{parts.query}" if parts.query else "")
