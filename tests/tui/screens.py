"""What the tests of the screen share: an app on a real store, and its lines as text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textual.pilot import Pilot
from textual.widget import Widget

from inspector.model.flow import Flow
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from inspector.tui.app import InspectorApp
from inspector.tui.flow_list import FlowList
from inspector.tui.screen import LIST_EVERY, MainScreen


@dataclass
class HandListener:
    """A listener whose figures are made by hand."""

    address: str = "127.0.0.1:7077"
    added_ms: float | None = 0.3
    lag_ms: float = 0.0


def app_on(flows: Iterable[Flow] = (), **settings: object) -> tuple[InspectorApp, FlowStore]:
    """An app that listens, on a store with these flows."""
    store = FlowStore()
    for flow in flows:
        store.add(flow)
    settings.setdefault("listener", HandListener())
    return InspectorApp(store, Transcripts(), **settings), store  # type: ignore[arg-type]


async def settle(pilot: Pilot[None]) -> None:
    """Draw as many frames as it takes until everything that came is shown."""
    await pilot.pause()
    screen = main(pilot)
    for _ in range(LIST_EVERY):
        screen.tick()
    await pilot.pause()


def main(pilot: Pilot[None]) -> MainScreen:
    """The main screen, also below a dialog."""
    screen = pilot.app.screen_stack[0]
    assert isinstance(screen, MainScreen)
    return screen


def flow_list(pilot: Pilot[None]) -> FlowList:
    """The list of flows."""
    return main(pilot).query_one(FlowList)


def text_of(widget: Widget) -> list[str]:
    """The lines of a widget as they stand on the screen."""
    return [widget.render_line(y).text for y in range(widget.size.height)]
