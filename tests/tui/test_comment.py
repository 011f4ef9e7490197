"""Comments: written with one key, seen in the list and above the tab, found by the filter, and kept."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from inspector.tui.comment_dialog import LONGEST, CommentDialog
from inspector.tui.comment_line import CommentLine
from tests.handmade import done_chat
from tests.tui.detail_app import HOSTILE
from tests.tui.screens import app_on, flow_list, main, settle, text_of

pytestmark = pytest.mark.anyio

SMALL = (80, 24)


async def comment_on(pilot: Pilot[None], words: str, key: str = "enter") -> None:
    """Write on the selected flow."""
    await pilot.press("semicolon")
    await pilot.pause()
    dialog = pilot.app.screen
    assert isinstance(dialog, CommentDialog)
    dialog.query_one(Input).value = words
    await pilot.press(key)
    await settle(pilot)


def shown(pilot: Pilot[None]) -> str:
    """What the detail says of the comment; empty where it says nothing."""
    line = main(pilot).query_one(CommentLine)
    return " ".join(" ".join(text_of(line)).split()) if line.display else ""


@pytest.mark.parametrize("size", [SMALL, (200, 50)])
async def test_it_is_written_shown_changed_and_removed(size: tuple[int, int]) -> None:
    flow = done_chat("f1")
    app, store = app_on([flow])
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        assert shown(pilot) == ""
        before = store.revision
        await comment_on(pilot, "  asks   twice ")
        assert flow.comment == "asks twice" and store.revision > before
        assert shown(pilot) == "; asks twice"
        assert any("; asks twice" in line for line in text_of(flow_list(pilot)))
        await pilot.press("semicolon")
        await pilot.pause()
        assert app.screen.query_one(Input).value == "asks twice"
        await pilot.press(*"!!", "enter")
        await settle(pilot)
        assert (flow.comment, shown(pilot)) == ("asks twice!!", "; asks twice!!")
        await comment_on(pilot, "")
        assert (flow.comment, shown(pilot)) == ("", "")
        assert not any("asks twice" in line for line in text_of(flow_list(pilot)))


async def test_escape_leaves_it_as_it_was() -> None:
    flow = done_chat("f1")
    flow.comment = "first"
    app, store = app_on([flow])
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        before = store.revision
        await comment_on(pilot, "second", "escape")
        assert (flow.comment, store.revision) == ("first", before)


async def test_it_can_be_written_from_the_detail() -> None:
    flow = done_chat("f1")
    app, _ = app_on([flow])
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await comment_on(pilot, "here")
        assert flow.comment == "here" and shown(pilot) == "; here"


async def test_the_list_of_a_filter_follows() -> None:
    flows = [done_chat("f1"), done_chat("f2")]
    flows[0].comment = "look at this"
    app, _ = app_on(flows)
    async with app.run_test(size=SMALL) as pilot:
        main(pilot).query_one(Input).value = 'comment:"look at"'
        await settle(pilot)
        assert [flow.id for flow in main(pilot).listed()] == ["f1"]


async def test_hostile_words_are_inert_and_stay_as_they_are() -> None:
    flow = done_chat("f1")
    flow.comment = HOSTILE
    app, _ = app_on([flow])
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        seen = shown(pilot) + "".join(text_of(flow_list(pilot)))
        assert "; " in seen and seen.isprintable()
        await pilot.press("semicolon")
        await pilot.pause()
        assert app.screen.query_one(Input).value.isprintable()
        await pilot.press("enter")
        await settle(pilot)
        assert flow.comment == HOSTILE


async def test_a_long_one_takes_three_lines_and_leaves_the_row_its_last_words() -> None:
    flow = done_chat("f1")
    flow.comment = "word " * 300
    app, _ = app_on([flow])
    async with app.run_test(size=(200, 50)) as pilot:
        await settle(pilot)
        assert main(pilot).query_one(CommentLine).size.height == 3
        assert any("Hello!" in line for line in text_of(flow_list(pilot)))
        await pilot.press("semicolon")
        await pilot.pause()
        text = app.screen.query_one(Input)
        assert len(text.value) == text.cursor_position == LONGEST and text.scroll_x > 0


async def test_without_a_flow_there_is_nothing_to_write_on() -> None:
    app, _ = app_on()
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press("semicolon")
        await pilot.pause()
        assert app.screen is main(pilot)
