"""The filter's line: applied as it is typed, coloured, completed, and clear about what is wrong."""

from __future__ import annotations

import pytest
from textual.content import Content
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from inspector.model.flow import Flow
from inspector.tui.filter_bar import FilterBar, FilterInput
from tests.handmade import chat_chunks, done_chat
from tests.tui.screens import app_on, flow_list, main, settle, text_of

SIZE = (120, 30)


def mixed() -> list[Flow]:
    """Flows of two agents, one of which calls a tool."""
    call = chat_chunks([], tool=("Bash", '{"command": "ls"}'), finish="tool_calls")
    return [
        done_chat("f1", agent="claude-code", model="opus-4-5", chunks=call),
        done_chat("f2", agent="codex", model="gpt-5-codex"),
        done_chat("f3", agent="claude-code", model="haiku-4-5"),
    ]


async def typed(pilot: Pilot[None], text: str) -> None:
    """Type into the filter."""
    main(pilot).query_one(FilterInput).insert_text_at_cursor(text)
    await settle(pilot)


def status(pilot: Pilot[None]) -> str:
    """What stands at the right end of the line."""
    content = main(pilot).query_one("#filter-status", Static).content
    assert isinstance(content, Content | str)
    return str(content)


@pytest.mark.anyio
async def test_it_applies_while_it_is_typed() -> None:
    app, _ = app_on(mixed())
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert status(pilot) == ""
        await pilot.press("f")
        await typed(pilot, "agent:codex")
        assert status(pilot) == "1 of 3"
        rows = text_of(flow_list(pilot))
        assert "codex" in rows[0]
        assert not rows[1].strip()
        await pilot.press("ctrl+l")
        await settle(pilot)
        assert status(pilot) == ""
        assert rows != text_of(flow_list(pilot))


@pytest.mark.anyio
async def test_a_filter_that_nothing_passes_says_so() -> None:
    app, _ = app_on(mixed())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("f")
        await typed(pilot, "agent:nobody")
        assert status(pilot) == "0 of 3"
        assert "no flow matches the filter" in text_of(flow_list(pilot))[0]


@pytest.mark.anyio
async def test_wrong_words_are_marked_and_named() -> None:
    app, _ = app_on(mixed())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("f")
        await typed(pilot, "bogus:1 agent:claude")
        bar = main(pilot).query_one(FilterBar)
        assert "bogus" in status(pilot)
        assert main(pilot).query_one("#filter-status").has_class("-error")
        error = bar.input.get_component_rich_style("filter--error", partial=True)
        marked = [segment.text for segment in bar.input.render_line(0) if segment.style and segment.style.underline]
        assert error.underline
        assert "".join(marked) == "bogus"
        assert "claude" in text_of(flow_list(pilot))[1]


@pytest.mark.anyio
async def test_keys_and_values_are_completed() -> None:
    app, _ = app_on(mixed())
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("f")
        await typed(pilot, "ag")
        bar = main(pilot).query_one(FilterBar)
        menu = main(pilot).query_one(OptionList)
        assert menu.display
        await pilot.press("tab")
        assert bar.input.value == "agent:"
        assert bar.input.has_focus
        assert [str(option.prompt) for option in menu.options] == ["claude-code", "codex"]
        await pilot.press("down", "tab")
        await settle(pilot)
        assert bar.input.value == "agent:codex"
        assert not menu.display
        assert status(pilot) == "1 of 3"


@pytest.mark.anyio
async def test_values_from_the_wire_are_inert_in_the_menu() -> None:
    app, _ = app_on([done_chat("f1", agent="[red]x\x1b[31m")])
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("f")
        await typed(pilot, "agent:")
        menu = main(pilot).query_one(OptionList)
        assert str(menu.options[0].prompt) == '"[red]x␛[31m"' or str(menu.options[0].prompt) == "[red]x␛[31m"
        await pilot.press("tab")
        await settle(pilot)
        assert status(pilot) == "1 of 1"


@pytest.mark.anyio
async def test_escape_closes_the_completions_first_and_then_leaves() -> None:
    app, _ = app_on(mixed())
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("f")
        await typed(pilot, "mo")
        bar = main(pilot).query_one(FilterBar)
        assert bar.input.offering
        await pilot.press("escape")
        assert not bar.input.offering
        assert bar.input.has_focus
        await pilot.press("escape")
        assert flow_list(pilot).has_focus
        assert bar.input.value == "mo"
        await pilot.press("F")
        assert bar.input.value == ""


@pytest.mark.anyio
async def test_keys_of_the_list_are_letters_in_the_filter() -> None:
    app, _ = app_on(mixed())
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("f", "q", "d", "question_mark", "backslash", "x")
        assert main(pilot).query_one(FilterInput).value == "qd?\\x"
        offered = {binding.binding.action for binding in app.screen.active_bindings.values() if binding.binding.show}
        assert not offered & {"layout", "export", "quit", "help"}
