"""Keys that work from the list on the flow under its cursor."""

from __future__ import annotations

import pytest

from inspector.tui.copy_dialog import CopyDialog
from inspector.tui.detail import Detail
from inspector.tui.filter_bar import FilterInput
from tests.handmade import done_chat
from tests.tui.screens import app_on, flow_list, main, settle, text_of


@pytest.mark.anyio
async def test_tab_goes_to_and_fro_and_never_into_a_field() -> None:
    app, _ = app_on([done_chat("f1")])
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        seen = []
        for _ in range(4):
            await pilot.press("tab")
            seen.append(app.focused)
        assert seen == [main(pilot).query_one(Detail).pane, flow_list(pilot)] * 2
        await pilot.press("f", "tab")
        assert not isinstance(app.focused, FilterInput)


@pytest.mark.anyio
async def test_a_search_begins_and_goes_on_from_the_list() -> None:
    app, _ = app_on([done_chat("f1", prompt="Say needle")])
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press("slash", *"needle", "enter")
        await settle(pilot)
        pane = main(pilot).query_one(Detail).pane
        assert pane.on_match
        pane.set_cursor(0)
        flow_list(pilot).focus()
        await pilot.press("n")
        await settle(pilot)
        assert pane.on_match


@pytest.mark.anyio
async def test_y_copies_the_flow_from_the_list() -> None:
    app, _ = app_on([done_chat("f1")])
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press("y")
        await pilot.pause()
        assert isinstance(app.screen, CopyDialog)


@pytest.mark.anyio
async def test_a_list_that_was_not_read_yet_blames_no_filter() -> None:
    app, store = app_on()
    async with app.run_test(size=(100, 30)) as pilot:
        main(pilot).remove_class("-empty")
        await pilot.pause()
        store.add(done_chat("f1"))
        assert not "".join(text_of(flow_list(pilot))).strip()
