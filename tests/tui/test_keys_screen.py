"""The help: all keys of the focused part, those that do nothing now too, in columns, by the keyboard alone."""

from __future__ import annotations

import pytest

from inspector.tui.app import InspectorApp
from inspector.tui.keys_lines import KeyHelp, lay_out, sections
from inspector.tui.keys_screen import KeysScreen, KeysView
from inspector.tui.spans import plain, width_of
from tests.handmade import done_chat
from tests.tui.screens import app_on, main, settle, text_of


def shown(app: InspectorApp) -> str:
    """All lines of the help that is open."""
    view = app.screen.query_one(KeysView)
    return "\n".join(view.draw_line(index, view.width).text for index in range(view.line_count()))


@pytest.mark.anyio
@pytest.mark.parametrize("size", [(80, 24), (120, 35), (200, 50)])
async def test_the_help_names_every_key_of_the_focused_part_and_of_the_screen(size: tuple[int, int]) -> None:
    app, _ = app_on([done_chat("f1")])
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        wanted = [active.binding for active in app.screen.active_bindings.values() if active.binding.id]
        await pilot.press("question_mark")
        await pilot.pause()
        text = shown(app)
        assert len(wanted) > 40
        assert not [binding.id for binding in wanted if binding.tooltip[:36] not in text]
        assert "Close the held flow's connection" in text


@pytest.mark.anyio
async def test_the_keyboard_reaches_the_end_of_the_help_and_closes_it() -> None:
    app, _ = app_on([done_chat("f1")])
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("question_mark")
        await pilot.pause()
        view = app.screen.query_one(KeysView)
        assert "Leave the program" not in "\n".join(text_of(view))
        await pilot.press("end")
        await pilot.pause()
        assert "A sorted list has no lanes." in "\n".join(text_of(view))
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is main(pilot)


@pytest.mark.anyio
async def test_a_changed_key_is_told_and_a_key_that_does_nothing_now_is_faint() -> None:
    app, _ = app_on([done_chat("f1")], keymap={"flow.export": "ctrl+x", "hold.drop": "ctrl+d"})
    async with app.run_test(size=(200, 50)) as pilot:
        await settle(pilot)
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(app.screen, KeysScreen)
        text = shown(app)
        assert "^x  Write the listed flows to a file" in text
        assert "^d  Close the held flow's connection" in text


@pytest.mark.parametrize("width", [1, 20, 78, 118, 198, 400])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    keys = [KeyHelp(f"part{n % 7}.{n}", ("ctrl+x", "X"), f"Something to do {n} " * 3, n % 2 == 0) for n in range(60)]
    lines = lay_out("Some `words` about it.\n\nMore of them.", sections(keys), width)
    assert all(width_of(line) <= max(width, 1) for line in lines)
    if width >= 78:
        text = "\n".join(plain(line) for line in lines)
        assert all(f"Something to do {n} " in text for n in range(60))
