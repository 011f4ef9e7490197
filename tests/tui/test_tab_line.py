"""The line of tabs: their names at 80 cells, too."""

from __future__ import annotations

import pytest

from inspector.tui.tab_line import TabLine
from tests.handmade import done_chat
from tests.tui.screens import app_on, main, settle, text_of


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("width", "told"),
    [
        (80, " 1 Chat  2 Stream 3 Tokens 4 Tools 5 Ctx 6 Req 7 Resp 8 Timing 9 Diff"),
        (100, " 1 Chat  2 Stream  3 Tokens  4 Tools  5 Context  6 Request  7 Response  8 Timing  9 Diff"),
        (50, " 1 Chat  2  3  4  5  6  7  8  9"),
    ],
)
async def test_the_tabs_are_named_as_far_as_there_is_room_and_so_is_the_flow(width: int, told: str) -> None:
    app, _ = app_on([done_chat("f1")])
    async with app.run_test(size=(width, 24)) as pilot:
        await settle(pilot)
        (line,) = text_of(main(pilot).query_one(TabLine))
        assert line.startswith(told)
        assert line.rstrip().endswith(f"#{main(pilot).selected.number}")  # type: ignore[union-attr]


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["chat", "context", "request", "response", "diff"])
async def test_every_short_tab_can_be_clicked_whichever_is_open(name: str) -> None:
    app, _ = app_on([done_chat("f1")])
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        detail = main(pilot).query_one("Detail")
        detail.active = name  # type: ignore[attr-defined]
        await settle(pilot)
        line = main(pilot).query_one(TabLine)
        at = text_of(line)[0].index(" 8 Timing")
        await pilot.click(TabLine, offset=(at + 2, 0))
        await settle(pilot)
        assert detail.active == "timing"  # type: ignore[attr-defined]
