"""The footer: whole keys only, the way to all others at every width, and nothing that a field would take as text."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot
from textual.widgets._footer import FooterKey

from inspector.tui.key_line import KeyLine
from tests.handmade import done_chat
from tests.tui.screens import app_on, main, settle


def told(pilot: Pilot[None]) -> list[str]:
    """The keys that stand in the footer, from left to right."""
    return [f"{key.key_display} {key.description}" for key in pilot.app.screen.query_one(KeyLine).query(FooterKey)]


@pytest.mark.anyio
@pytest.mark.parametrize("width", [30, 52, 80, 120, 200])
async def test_every_key_that_is_shown_is_whole_and_help_is_one_of_them(width: int) -> None:
    app, _ = app_on([done_chat("f1")])
    async with app.run_test(size=(width, 24)) as pilot:
        await settle(pilot)
        assert all(key.region.right <= width for key in app.screen.query_one(KeyLine).query(FooterKey))
        assert "? help" in told(pilot)


@pytest.mark.anyio
async def test_a_wider_screen_shows_more_keys() -> None:
    app, _ = app_on([done_chat("f1")])
    async with app.run_test(size=(50, 24)) as pilot:
        await settle(pilot)
        narrow = told(pilot)
        await pilot.resize_terminal(200, 24)
        await settle(pilot)
        assert set(narrow) < set(told(pilot))
        assert told(pilot)[-3:] == ["? help", "^p actions", "q quit"]


@pytest.mark.anyio
async def test_what_a_field_takes_as_text_is_not_offered_in_it() -> None:
    app, _ = app_on([done_chat("f1")])
    async with app.run_test(size=(120, 24)) as pilot:
        await settle(pilot)
        assert {"/ search", "\\ layout"} <= set(told(pilot))
        await pilot.press("f")
        await settle(pilot)
        assert app.focused is main(pilot).query_one("FilterInput")
        assert "esc leave" in told(pilot)
        assert not {"/ search", "\\ layout", "? help"} & set(told(pilot))
