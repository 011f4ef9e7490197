"""The watch dialog: lines are judged as they are typed, moved, removed, and given back as columns."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Static

from inspector.model.flow import Flow
from inspector.store.transcripts import Transcripts
from inspector.store.watch import Watched, parse_watch
from inspector.tui.themes import THEMES
from inspector.tui.vocabulary import vocabulary
from inspector.tui.watch_dialog import WatchDialog, WatchInput, WatchLine
from tests.handmade import done_chat
from tests.tui.detail_app import HOSTILE

pytestmark = pytest.mark.anyio

TWO = (parse_watch("count.messages"), parse_watch("max=request.max_tokens"))


class WatchApp(App[None]):
    """Nothing but the dialog."""

    def __init__(self, watched: Sequence[Watched] = (), flow: Flow | None = None) -> None:
        super().__init__()
        self.known = Transcripts()
        self.flow = flow or numbered(done_chat())
        self.watched = watched
        self.given: list[tuple[Watched, ...] | None] = []

    def on_mount(self) -> None:
        """Open it."""
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = THEMES[0].name
        values = vocabulary([self.flow], self.known)
        self.push_screen(WatchDialog(self.watched, self.flow, self.known, values), self.given.append)


def numbered(flow: Flow) -> Flow:
    """A flow as a store numbers it."""
    flow.seq = 42
    return flow


def texts(pilot: Pilot[None]) -> list[str]:
    """What stands in the lines that are shown."""
    return [line.input.value for line in pilot.app.screen.query(WatchLine) if line.display]


def beside(pilot: Pilot[None], number: int) -> str:
    """What stands beside a line."""
    said = str(list(pilot.app.screen.query(".watch-value").results(Static))[number].content)
    return " ".join(said.split())


def message(pilot: Pilot[None]) -> str:
    """The remark."""
    return str(pilot.app.screen.query_one("#watch-message", Static).content)


async def test_what_is_typed_is_judged_and_given_back() -> None:
    app = WatchApp()
    async with app.run_test(size=(110, 24)) as pilot:
        await pilot.press(*"in=usage.prompt_tokens")
        assert beside(pilot, 0) == "in 100"
        await pilot.press("down", *"request.nothing")
        assert beside(pilot, 1) == "nothing –"
        assert texts(pilot) == ["in=usage.prompt_tokens", "request.nothing", ""]
        await pilot.press("enter")
    assert app.given == [(Watched("usage.prompt_tokens", "in"), Watched("request.nothing", "nothing"))]


async def test_a_wrong_line_is_told_and_not_taken() -> None:
    app = WatchApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"request.a[x]")
        assert "is not understood" in beside(pilot, 0)
        assert "is not understood" in message(pilot)
        await pilot.press("enter")
        assert isinstance(app.screen, WatchDialog)
        await pilot.press("backspace", "backspace", "0", "]", "enter")
    assert app.given == [(Watched("request.a[0]", "a"),)]


async def test_the_same_key_twice_is_refused() -> None:
    app = WatchApp(TWO)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"count.messages", "enter")
        await pilot.pause()
        assert "twice" in message(pilot)
        assert app.given == []
        await pilot.press("escape")
    assert app.given == [None]


async def test_lines_are_moved_and_removed() -> None:
    app = WatchApp((*TWO, parse_watch("dur")))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("up", "ctrl+up", "ctrl+up")
        assert texts(pilot) == ["dur", "count.messages", "max=request.max_tokens", ""]
        assert pilot.app.focused is pilot.app.screen.query(WatchInput).first()
        await pilot.press("ctrl+down", "ctrl+l")
        assert texts(pilot) == ["count.messages", "max=request.max_tokens", ""]
        await pilot.click("#watch-go")
    assert app.given == [TWO]


async def test_keys_and_paths_are_completed() -> None:
    app = WatchApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"cached=usage.prompt_tokens_d")
        await pilot.pause()
        await pilot.press("tab")
        assert texts(pilot)[0] == "cached=usage.prompt_tokens_details.cached_tokens"
        assert beside(pilot, 0) == "cached 80"


async def test_hostile_values_are_shown_as_what_they_are() -> None:
    flow = numbered(done_chat(prompt=HOSTILE))
    app = WatchApp([parse_watch("request.messages[0].content")], flow)
    async with app.run_test(size=(80, 24)) as pilot:
        said = beside(pilot, 0)
        assert "␛[31mred" in said and "[bold red]markup" in said
        assert not any(character in said for character in "\x1b\x07\u202e")
        list(app.screen.query(WatchInput))[1].value = "\u202e[/]"
        await pilot.press("enter")
        await pilot.pause()
        assert "‹U+202E›" in message(pilot)


async def test_more_columns_than_lines_are_kept() -> None:
    many = tuple(parse_watch(f"request.key{number}") for number in range(20))
    app = WatchApp(many)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
    assert app.given == [many]
