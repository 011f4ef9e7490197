"""The main screen: what it shows before the first flow, its layouts, its keys, its figures."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import pytest
from textual.widgets import Footer

from inspector.model.flow import Flow
from inspector.tui.detail import Detail
from inspector.tui.header import HeaderLine
from inspector.tui.list_heads import ListHeads
from inspector.tui.log_screen import LogScreen, LogView
from inspector.tui.splitter import Splitter
from inspector.tui.welcome import Place, Welcome, pointers
from tests.handmade import chat_chunks, chat_flow, done_chat, respond, stream
from tests.tui.screens import app_on, flow_list, main, settle, text_of

SIZE = (120, 40)


def flows(number: int) -> list[Flow]:
    """Flows that are done."""
    return [done_chat(f"f{index}") for index in range(1, number + 1)]


@pytest.mark.anyio
async def test_before_the_first_flow_it_says_how_to_begin() -> None:
    app, store = app_on()
    async with app.run_test(size=(170, 30)) as pilot:
        await settle(pilot)
        welcome = main(pilot).query_one(Welcome)
        shown = "\n".join(text_of(welcome))
        assert "http://127.0.0.1:7077" in shown
        together = "".join(line[18:].rstrip() for line in text_of(welcome))
        for pointer in pointers(Place("127.0.0.1:7077")):
            assert pointer.agent in shown
            assert pointer.line in together
        await pilot.press("j", "enter")
        assert app.clipboard == pointers(Place("127.0.0.1:7077"))[1].line
        store.add(done_chat("f1"))
        await settle(pilot)
        assert not welcome.display
        assert flow_list(pilot).has_focus
        assert main(pilot).query_one(Detail).flow is store.get("f1")


@pytest.mark.anyio
async def test_an_empty_file_is_no_listener() -> None:
    app, _ = app_on(listener=None, title="run[1].jsonl")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        shown = "\n".join(text_of(main(pilot).query_one(Welcome)))
        assert "run[1].jsonl holds no flows." in shown
        assert "ANTHROPIC_BASE_URL" not in shown
        assert "▤ run[1].jsonl" in text_of(main(pilot).query_one(HeaderLine))[0]


@pytest.mark.anyio
async def test_the_header_adds_up() -> None:
    live = stream(respond(chat_flow("live")), chat_chunks(usage=None, finish=None))
    app, _ = app_on([*flows(4), live])
    async with app.run_test(size=(160, 30)) as pilot:
        await settle(pilot)
        main(pilot).tick()
        main(pilot)._header_due = 0.0
        main(pilot).tick()
        shown = text_of(main(pilot).query_one(HeaderLine))[0]
        for piece in ("127.0.0.1:7077", "observe", "1 live", "5 flows", "↑400 ↓80", "cache 80%", "+0.3 ms"):
            assert piece in shown


@pytest.mark.anyio
async def test_enter_gives_the_detail_the_screen_and_escape_takes_it_back() -> None:
    app, _ = app_on(flows(3))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        detail = main(pilot).query_one(Detail)
        before = detail.size.height
        await pilot.press("enter")
        await pilot.pause()
        assert detail.size.height > before
        assert detail in app.focused.ancestors if app.focused else False
        assert not flow_list(pilot).following
        await pilot.press("escape")
        await pilot.pause()
        assert detail.size.height == before
        assert flow_list(pilot).has_focus


@pytest.mark.anyio
async def test_reading_the_detail_ends_the_following() -> None:
    app, store = app_on(flows(3))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("tab")
        store.add(done_chat("f4"))
        await settle(pilot)
        assert main(pilot).query_one(Detail).flow is store.get("f3")
        assert "1 newer" in text_of(main(pilot).query_one(ListHeads))[0]


@pytest.mark.anyio
async def test_the_layout_turns_and_its_line_can_be_dragged() -> None:
    app, _ = app_on(flows(3))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        shown, detail, line = flow_list(pilot), main(pilot).query_one(Detail), main(pilot).query_one(Splitter)
        assert detail.region.y > shown.region.y
        height = shown.size.height
        await pilot.mouse_down(line, offset=(30, 0))
        await pilot.hover(line, offset=(30, 6))
        await pilot.mouse_up(line, offset=(30, 0))
        await pilot.pause()
        assert shown.size.height == height + 6
        await pilot.press("backslash")
        await pilot.pause()
        assert detail.region.x > shown.region.right
        assert detail.region.y < shown.region.y + 2
        width = shown.size.width
        await pilot.press("right_square_bracket")
        await pilot.pause()
        assert shown.size.width > width
        await pilot.press("backslash")
        await pilot.pause()
        assert detail.region.y > shown.region.y


@pytest.mark.anyio
async def test_a_very_wide_terminal_puts_them_side_by_side() -> None:
    app, _ = app_on(flows(3))
    async with app.run_test(size=(260, 40)) as pilot:
        await settle(pilot)
        assert main(pilot).query_one(Detail).region.x > 50
        await pilot.resize_terminal(120, 40)
        await settle(pilot)
        assert main(pilot).query_one(Detail).region.x == 0


@pytest.mark.anyio
async def test_digits_open_the_tabs() -> None:
    app, _ = app_on(flows(1))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        detail = main(pilot).query_one(Detail)
        tabs = ("stream", "tokens", "tools", "context", "request", "response", "timing", "diff", "chat")
        for key, name in zip("234567891", tabs, strict=True):
            await pilot.press(key)
            assert detail.active == name
            assert flow_list(pilot).has_focus


@pytest.mark.anyio
async def test_a_tiny_terminal_still_shows_the_list() -> None:
    app, _ = app_on(flows(9))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        for size in ((20, 5), (3, 2), (1, 1), (80, 24), (20, 5)):
            await pilot.resize_terminal(*size)
            await settle(pilot)
        assert "9 ✓ stop" in "".join(text_of(flow_list(pilot)))
        await pilot.press(
            "f",
            "escape",
            "enter",
            "2",
            "3",
            "4",
            "5",
            "6",
            "7",
            "8",
            "9",
            "escape",
            "question_mark",
            "question_mark",
            "x",
            "escape",
        )
        await settle(pilot)
        assert flow_list(pilot).has_focus


@pytest.mark.anyio
async def test_keys_can_be_changed_and_wrong_names_are_told() -> None:
    app, _ = app_on(flows(1), keymap={"view.layout": "ctrl+y", "no.such": "z"})
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert any("no.such" in notice.message for notice in app._notifications)
        assert not any("view.layout" in notice.message for notice in app._notifications)
        detail = main(pilot).query_one(Detail)
        await pilot.press("backslash")
        await pilot.pause()
        assert detail.region.x == 0
        await pilot.press("ctrl+y")
        await pilot.pause()
        assert detail.region.x > 0


@pytest.mark.anyio
async def test_every_binding_has_a_name_and_an_explanation() -> None:
    app, _ = app_on(flows(1))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        seen: set[str] = set()
        for active in app.screen.active_bindings.values():
            if type(active.node).__module__.startswith("inspector.") and active.binding.id:
                assert active.binding.description
                assert active.binding.tooltip
                seen.add(active.binding.id)
        assert {"flow.export", "flow.filter", "view.layout", "list.open", "tab.chat", "app.quit", "app.help"} <= seen


@pytest.mark.anyio
async def test_help_and_palette_know_the_keys() -> None:
    app, _ = app_on(flows(1))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("question_mark")
        await pilot.pause()
        assert app.screen.query("KeysView")
        await pilot.press("question_mark")
        await pilot.pause()
        assert not app.screen.query("KeysView")
        await pilot.press("ctrl+p")
        await pilot.pause()
        await pilot.press(*"layout", "enter")
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert app.screen is main(pilot)
        assert main(pilot).beside


@pytest.mark.anyio
async def test_the_footer_offers_only_what_works() -> None:
    app, _ = app_on()
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.pause()
        assert app.screen.query_one(Footer).is_attached
        shown = {binding.binding.action for binding in app.screen.active_bindings.values() if binding.binding.show}
        assert not shown & {"export", "layout", "back"}
        assert "copy" in shown


@dataclass
class HandLog:
    """A log made by hand."""

    lines: deque[str] = field(default_factory=deque)
    count: int = 0


@pytest.mark.anyio
async def test_the_log_is_told_of_and_can_be_read() -> None:
    log = HandLog()
    app, _ = app_on(flows(1), log_lines=log)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        log.lines.append("12:00:00 WARNING something [b]odd\x1b[2J")
        log.count += 1
        main(pilot)._header_due = 0.0
        main(pilot).tick()
        assert "1 in the log" in text_of(main(pilot).query_one(HeaderLine))[0]
        await pilot.press("l")
        await pilot.pause()
        assert isinstance(app.screen, LogScreen)
        assert "something [b]odd␛[2J" in text_of(app.screen.query_one(LogView))[0]
        await pilot.press("escape")
        main(pilot)._header_due = 0.0
        main(pilot).tick()
        assert "in the log" not in text_of(main(pilot).query_one(HeaderLine))[0]


@pytest.mark.anyio
async def test_light_and_dark() -> None:
    app, _ = app_on(flows(1), theme="inspector-light")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert not app.current_theme.dark
        await pilot.press("d")
        assert app.current_theme.dark


@pytest.mark.anyio
async def test_every_theme_can_be_worn() -> None:
    app, _ = app_on(flows(1))
    async with app.run_test(size=SIZE) as pilot:
        for name in app.available_themes:
            app.theme = name
            await pilot.pause()
            assert app.theme == name
            assert text_of(flow_list(pilot))


@pytest.mark.anyio
async def test_an_unknown_theme_is_told_and_not_fatal() -> None:
    app, _ = app_on(theme="no-such-theme")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert any("no-such-theme" in notice.message for notice in app._notifications)
        assert app.theme == "inspector-dark"
