"""The detail: one flow through one tab, the place kept for each, the answer followed while it grows."""

from __future__ import annotations

import pytest
from textual.geometry import Offset

from inspector.model.flow import Reason
from inspector.tui.chat_tab import ChatPane
from inspector.tui.search_line import SearchLine
from inspector.tui.spans import plain
from inspector.tui.status_line import StatusLine
from inspector.tui.tab_line import TabLine
from inspector.tui.tabs import TABS
from tests.tui.detail_app import (
    HOSTILE,
    DetailApp,
    anthropic_flow,
    begin,
    feed,
    frames,
    read_all,
    seen,
    sse,
    text_events,
)

SIZE = (100, 24)
LONG = [{"role": "user" if n % 2 == 0 else "assistant", "content": f"message {n}"} for n in range(60)]


@pytest.mark.anyio
async def test_the_answer_grows_and_is_followed_until_the_person_looks_back() -> None:
    flow = begin(anthropic_flow(LONG))
    app = DetailApp(flow)
    async with app.run_test(size=SIZE) as pilot:
        await frames(pilot)
        pane = app.detail.query_one(ChatPane)
        feed(flow, app.store, *text_events(["Hello ", "there"]))
        await frames(pilot)
        assert any("model    Hello there▌" in line for line in seen(pane))
        await pilot.press("pageup")
        top, words = pane.scroll_offset.y, seen(pane)
        feed(
            flow, app.store, *[sse("content_block_delta", index=0, delta={"type": "text_delta", "text": "\nmore"})] * 9
        )
        await frames(pilot)
        assert pane.scroll_offset.y == top
        assert seen(pane)[:10] == words[:10]
        await pilot.press("end")
        feed(flow, app.store, sse("message_delta", delta={"stop_reason": "end_turn"}), sse("message_stop"))
        flow.finish(900.0, Reason.DONE, "upstream")
        app.store.touch(flow)
        await frames(pilot)
        assert "✓ end_turn" in seen(pane)[-1]
        assert "▌" not in "".join(seen(pane))


@pytest.mark.anyio
async def test_a_frame_without_news_draws_nothing() -> None:
    flow = begin(anthropic_flow(LONG))
    app = DetailApp(flow)
    async with app.run_test(size=SIZE) as pilot:
        await read_all(pilot)
        chat = app.detail.query_one(ChatPane).chat
        before = [chat.line(index) for index in range(len(chat))]
        strips = dict(app.detail.tab.pane._strips)
        app.detail.pull()
        assert app.detail.tab.pane._strips == strips
        assert [chat.line(index) for index in range(len(chat))] == before


@pytest.mark.anyio
async def test_each_flow_and_tab_keeps_its_place() -> None:
    app = DetailApp(anthropic_flow(LONG, flow_id="a"), anthropic_flow(LONG, flow_id="b"))
    async with app.run_test(size=SIZE) as pilot:
        await frames(pilot)
        await pilot.press("home", "down", "down", "down", "enter")
        pane = app.detail.tab.pane
        assert pane.cursor == 3
        app.detail.show(app.store.get("b"))
        await frames(pilot)
        assert pane.cursor == pane.line_count() - 1
        app.detail.show(app.store.get("a"))
        await frames(pilot)
        assert pane.cursor == 3
        app.detail.active = "request"
        await read_all(pilot)
        assert app.focused is app.detail.tab.pane
        await pilot.press("down")
        app.detail.active = "chat"
        app.detail.active = "request"
        await read_all(pilot)
        assert app.detail.tab.pane.cursor == 1


@pytest.mark.anyio
async def test_what_is_unfolded_stays_so() -> None:
    app = DetailApp(anthropic_flow(LONG, flow_id="a", system="rule\n" * 50), anthropic_flow(LONG, flow_id="b"))
    async with app.run_test(size=SIZE) as pilot:
        await frames(pilot)
        await pilot.press("home", "down", "enter")
        pane = app.detail.query_one(ChatPane)
        unfolded = pane.line_count()
        app.detail.show(app.store.get("b"))
        app.detail.show(app.store.get("a"))
        await frames(pilot)
        assert pane.line_count() == unfolded
        await pilot.press("enter")
        assert pane.line_count() == unfolded - 51
        app.detail.show(app.store.get("b"))
        app.detail.show(app.store.get("a"))
        assert pane.line_count() == unfolded - 51


@pytest.mark.anyio
async def test_tabs_are_chosen_by_name_and_by_mouse() -> None:
    app = DetailApp(anthropic_flow(LONG))
    async with app.run_test(size=(140, 40)) as pilot:
        await frames(pilot)
        line = app.detail.query_one(TabLine)
        for tab in TABS:
            column = line.render_line(0).text.index(tab.title)
            await pilot.click(TabLine, offset=Offset(column + 1, 0))
            assert app.detail.active == tab.tab_id
            assert app.detail.tab.display
        assert "#1 · POST /v1/messages · f1" in line.render_line(0).text
        with pytest.raises(ValueError, match="no tab"):
            app.detail.active = "none"


@pytest.mark.anyio
@pytest.mark.parametrize("width", [70, 50, 30, 12])
async def test_the_line_of_tabs_fits(width: int) -> None:
    app = DetailApp(anthropic_flow(LONG, flow_id="a-name-that-is-too-long-for-any-line-of-seventy-cells"))
    async with app.run_test(size=(width, 10)) as pilot:
        await frames(pilot)
        text = app.detail.query_one(TabLine).render_line(0).text
        assert len(text) == width
        assert text.startswith(" 1 Chat")


@pytest.mark.anyio
async def test_a_click_on_a_mark_unfolds() -> None:
    app = DetailApp(anthropic_flow(LONG[:3], system="rule\n" * 50))
    async with app.run_test(size=SIZE) as pilot:
        await frames(pilot)
        pane = app.detail.query_one(ChatPane)
        row = next(number for number, line in enumerate(seen(pane)) if line.endswith("⊞"))
        before = pane.line_count()
        await pilot.click(ChatPane, offset=Offset(20, row))
        assert pane.line_count() > before


@pytest.mark.anyio
async def test_a_search_counts_and_goes_round() -> None:
    app = DetailApp(anthropic_flow([*LONG, {"role": "user", "content": "\n".join(["x"] * 99 + ["message 1 again"])}]))
    async with app.run_test(size=SIZE) as pilot:
        await frames(pilot)
        await pilot.press("home", "slash", *"Message 1", "enter")
        await frames(pilot, 3)
        pane, count = app.detail.query_one(ChatPane), app.detail.query_one("#search-count", StatusLine)
        lines = [index for index in range(pane.line_count()) if "message 1" in plain(pane.line(index, 100))]
        assert len(lines) == 12
        assert (pane.cursor, count.render_line(0).text.strip()) == (lines[0], "1 of 12")
        assert app.focused is pane
        await pilot.press("N")
        assert pane.cursor == lines[-1]
        await pilot.press("n", "n")
        assert pane.cursor == lines[1]
        await pilot.press("escape")
        assert not app.detail.query_one(SearchLine).display
        assert pane.search is None
        assert app.detail.check_action("match", (1,)) is False


@pytest.mark.anyio
@pytest.mark.parametrize("theme", ["inspector-dark", "inspector-light", "ansi-dark"])
@pytest.mark.parametrize("size", [(160, 50), (80, 24), (20, 5), (3, 2)])
async def test_any_size_and_theme_and_hostile_text(size: tuple[int, int], theme: str) -> None:
    flow = begin(anthropic_flow([{"role": "user", "content": HOSTILE}], system=HOSTILE))
    flow.note(HOSTILE)
    app = DetailApp(flow, theme=theme)
    async with app.run_test(size=size) as pilot:
        feed(flow, app.store, *text_events([HOSTILE, "字" * 100, "e" + "\u0301" * 500]))
        flow.finish(900.0, Reason.UPSTREAM_RESET, "upstream", HOSTILE)
        app.store.touch(flow)
        for tab in TABS:
            app.detail.active = tab.tab_id
            await read_all(pilot)
            await pilot.press("z", "home", "down", "enter", "end")
            await read_all(pilot)
            text = "".join(
                line for widget in (app.detail.tab.pane, app.detail.query_one(TabLine)) for line in seen(widget)
            )
            assert not set(text) & set("\x1b\x07\x9b\u202e\u2066")


@pytest.mark.anyio
async def test_turning_the_screen_keeps_the_place() -> None:
    app = DetailApp(anthropic_flow([{"role": "user", "content": "word " * 300} for _ in range(20)]))
    async with app.run_test(size=(100, 20)) as pilot:
        await frames(pilot)
        pane = app.detail.query_one(ChatPane)
        await pilot.press("home", "J", "J", "J")
        block = pane.chat.block_at(pane.cursor)
        await pilot.resize_terminal(50, 12)
        await frames(pilot)
        assert pane.chat.block_at(pane.cursor) == block
        assert pane.cursor in pane.visible_lines
        await pilot.press("end")
        await pilot.resize_terminal(100, 20)
        await frames(pilot)
        assert pane.visible_lines[-1] == pane.line_count() - 1


@pytest.mark.anyio
async def test_nothing_to_show() -> None:
    app = DetailApp()
    async with app.run_test(size=SIZE) as pilot:
        for tab in TABS:
            app.detail.active = tab.tab_id
            await pilot.press("down", "enter", "z", "slash", "n")
            await frames(pilot)
        app.detail.show(None)
        assert app.detail.flow is None
