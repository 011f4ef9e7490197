"""A widget, a frame, an action that raises: the screen says so once, and goes on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from inspector.cli import live
from inspector.cli.config import Settings
from inspector.cli.runtime import LogBuffer
from inspector.store import transcripts as reading
from inspector.store.transcripts import Transcripts
from inspector.tui.app import InspectorApp
from inspector.tui.desk import Desk
from inspector.tui.flow_list import FlowList
from inspector.tui.header import HeaderLine
from inspector.tui.line_view import LineView
from inspector.tui.screen import MainScreen
from inspector.tui.search import Search
from inspector.tui.tabs import TABS
from tests.handmade import done_chat
from tests.test_faults import Fault, flows
from tests.tui.screens import app_on, main, settle, text_of

pytestmark = pytest.mark.anyio

SIZE = (120, 40)


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The tracebacks in the log."""
    return [str(record.exc_info[1]) for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("tab", [tab.tab_id for tab in TABS])
@pytest.mark.parametrize("method", ["open", "grow"])
async def test_a_tab_that_raises_says_so_and_recovers(
    tab: str, method: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app, store = app_on([done_chat("f1"), done_chat("f2")])
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        detail = main(pilot)._detail
        if method == "grow":
            detail.active = tab
        kind = type(detail._tabs[tab])
        with monkeypatch.context() as patched:
            patched.setattr(kind, method, Fault(RecursionError("injected\x1b[31m")))
            detail.active = tab
            if method == "open":
                detail.show(store.get("f1"))
            for flow in store:
                store.touch(flow)
            await settle(pilot)
            await settle(pilot)
            assert text_of(detail.tab.pane)[0].startswith("this tab could not be drawn: RecursionError: injected")
            assert "\x1b" not in text_of(detail.tab.pane)[0]
            assert len(caplog.records) == 1
        for flow in store:
            store.touch(flow)
        await settle(pilot)
        assert "could not be drawn" not in "".join(text_of(detail.tab.pane))
        assert app.is_running


async def test_a_line_that_raises_says_so_and_the_others_stand(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app, _ = app_on([done_chat(f"f{number}") for number in range(5)])
    drawn = FlowList.draw_line

    def draw_line(self: FlowList, index: int, width: int) -> Any:
        if index == 2:
            raise MemoryError("injected")
        return drawn(self, index, width)

    monkeypatch.setattr(FlowList, "draw_line", draw_line)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        lines = text_of(main(pilot)._list)
        assert lines[2].startswith("this line could not be drawn: MemoryError: injected")
        assert not [line for line in (*lines[:2], *lines[3:5]) if "could not" in line]
        await pilot.press("k", "k", "k", "j")
        assert len(told(caplog)) == 1 and app.is_running


STEPS: dict[str, tuple[type, str]] = {
    "the list": (FlowList, "pull"),
    "its rows": (FlowList, "draw_some"),
    "what is held": (MainScreen, "pull_holds"),
    "the header": (MainScreen, "_pull_header"),
    "the header's line": (HeaderLine, "render_line"),
    "how many lines": (LineView, "render_line"),
}


@pytest.mark.parametrize("step", STEPS)
async def test_a_frame_that_raises_ends_neither_the_screen_nor_the_frames(
    step: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app, store = app_on([done_chat("f1")])
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        fault = Fault(RuntimeError("injected"))
        with monkeypatch.context() as patched:
            patched.setattr(*STEPS[step], fault)
            async with asyncio.timeout(20):
                while fault.asked < 3:
                    main(pilot)._list.lines_changed()
                    main(pilot)._header.refresh()
                    await asyncio.sleep(0.01)
        assert 1 <= len(told(caplog)) <= 3
        store.add(done_chat("f2"))
        await settle(pilot)
        frame = main(pilot)._frame
        async with asyncio.timeout(20):
            while main(pilot)._frame < frame + 3:
                await asyncio.sleep(0.01)
        assert len(main(pilot)._view.flows) == 2 and app.is_running


@pytest.mark.parametrize("function", ["summarise", "_stamp"])
async def test_a_price_that_raises_costs_one_row_and_not_the_list(
    function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, store = app_on([done_chat("f1")])
    async with app.run_test(size=SIZE) as pilot:
        with monkeypatch.context() as patched:
            patched.setattr(reading, function, Fault(RuntimeError("injected")))
            store.add(done_chat("f2"))
            await settle(pilot)
        store.add(done_chat("f3"))
        await settle(pilot)
        assert len(main(pilot)._view.flows) == 3 and app.is_running


async def test_a_search_that_raises_is_ended(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    app, _ = app_on([done_chat("f1")])
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        monkeypatch.setattr(Search, "advance", Fault(RuntimeError("injected")))
        main(pilot)._detail._look_for("hello")
        await settle(pilot)
        assert main(pilot)._detail.pane.search is None and app.is_running
        assert told(caplog) == ["injected"]


@pytest.mark.parametrize("key", ["x", "j", "enter", "C"])
async def test_an_action_that_raises_is_told_and_does_nothing(
    key: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app, store = app_on([done_chat("f1"), done_chat("f2")])
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        actions = {"x": "action_export", "C": "action_copy_flow", "j": "action_move", "enter": "action_open"}
        for kind in (MainScreen, FlowList):
            if hasattr(kind, actions[key]):
                monkeypatch.setattr(kind, actions[key], Fault(OSError("injected")))
        await pilot.press(key)
        await settle(pilot)
        assert app.is_running and told(caplog)[:1] == ["injected"]
        store.add(done_chat("f3"))
        await settle(pilot)
        assert len(main(pilot)._view.flows) == 3


async def test_a_screen_that_fails_is_opened_again_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What no border holds up ends Textual's app: the relay lives on beside the next one."""
    opened: list[InspectorApp] = []

    async def fail(app: InspectorApp) -> None:
        opened.append(app)
        app._return_code = live.FAILED if len(opened) != 3 else 0

    monkeypatch.setattr(InspectorApp, "run_async", fail)
    monkeypatch.setattr(live, "on_signal", lambda _: None)
    monkeypatch.setattr(live, "settle", lambda: None)
    desk = Desk(flows(1), Transcripts())
    await live.show(desk, None, LogBuffer(), Settings())
    assert len(opened) == 3 and len(caplog.records) == 2
    await live.show(desk, None, LogBuffer(), Settings())
    assert len(opened) == 3 + 1 + live.REOPENED
