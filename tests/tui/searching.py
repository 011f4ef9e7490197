"""An app whose main screen is a detail that can search all flows."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.screen import Screen

from inspector.model.flow import Flow
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from inspector.tui.desk import Desk
from inspector.tui.detail import Detail
from inspector.tui.search_actions import SearchActions
from inspector.tui.search_screen import SearchInput, SearchScreen
from inspector.tui.themes import THEMES


class Here(SearchActions):
    """The screen below the search."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.detail = Detail(desk.transcripts)
        self.wanted: Sequence[Flow] = ()

    def compose(self) -> ComposeResult:
        """Nothing else."""
        yield self.detail

    @property
    def selected(self) -> Flow | None:
        """The flow that is shown."""
        return self.detail.flow

    def show_flow(self, flow: Flow, tab: str = "") -> None:
        """Show it."""
        self.detail.show(flow)
        if tab:
            self.detail.active = tab

    def listed(self) -> Sequence[Flow]:
        """Those that a test lists."""
        return self.wanted


class SearchApp(App[None]):
    """A store, and its flows."""

    def __init__(self, *flows: Flow, transcripts: Transcripts | None = None) -> None:
        super().__init__()
        self.store = FlowStore()
        for flow in flows:
            self.store.add(flow)
        self.here = Here(Desk(self.store, transcripts or Transcripts()))

    def get_default_screen(self) -> Screen[object]:
        """The one with the detail."""
        return self.here

    def on_mount(self) -> None:
        """The program's colours."""
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = "inspector-dark"
        for flow in self.store:
            self.here.desk.transcripts.summary(flow)


def search_of(pilot: Pilot[None]) -> SearchScreen:
    """The search that is open."""
    assert isinstance(pilot.app.screen, SearchScreen)
    return pilot.app.screen


async def look_for(pilot: Pilot[None], text: str) -> SearchScreen:
    """Open the search, type, and let it come to its end."""
    await pilot.press("S")
    await type_in(pilot, text)
    return await all_found(pilot)


async def type_in(pilot: Pilot[None], text: str) -> None:
    """Type this in the place of what is typed there."""
    search_of(pilot).query_one(SearchInput).value = text
    await pilot.pause()


async def all_found(pilot: Pilot[None]) -> SearchScreen:
    """Let the search come to its end."""
    screen = search_of(pilot)
    await pilot.pause()
    for _ in range(1000):
        screen.pull()
        if not screen.searching:
            break
    await pilot.pause()
    return screen


async def drawn(pilot: Pilot[None]) -> Detail:
    """Let the detail draw all that it has."""
    app = pilot.app
    assert isinstance(app, SearchApp)
    detail = app.here.detail
    for _ in range(8):
        await pilot.pause()
        detail.pull()
    return detail
