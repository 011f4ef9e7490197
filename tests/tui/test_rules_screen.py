"""The screen of breakpoints and rules, and the question on leaving."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from inspector.model.message import Growing, Text
from inspector.rules.mocks import MockRule
from inspector.rules.replies import Reply
from inspector.rules.spoiling import Fault
from inspector.store.filters import parse
from inspector.tui.quit_dialog import QuitDialog
from inspector.tui.rule_input import RuleInput, filter_start
from inspector.tui.rules_rows import filter_line, reply_words
from inspector.tui.rules_screen import RulesPane, RulesScreen
from inspector.tui.spans import plain
from inspector.tui.status_line import StatusLine
from tests.tui.detail_app import HOSTILE
from tests.tui.held import bench
from tests.tui.screens import settle, text_of

SIZE = (100, 34)


async def open_rules(pilot: Pilot[None]) -> RulesPane:
    """Press the key that shows the rules."""
    await settle(pilot)
    await pilot.press("b")
    await pilot.pause()
    assert isinstance(pilot.app.screen, RulesScreen)
    return pilot.app.screen.query_one(RulesPane)


def said(pilot: Pilot[None]) -> str:
    """What is said of the text that is typed."""
    return text_of(pilot.app.screen.query_one("#rules-message", StatusLine))[0].strip()


@pytest.mark.anyio
async def test_a_breakpoint_is_made_by_typing_it() -> None:
    held = bench()
    async with held.app.run_test(size=SIZE) as pilot:
        pane = await open_rules(pilot)
        await pilot.press("a", *"tol:x", "enter")
        await pilot.pause()
        assert "there is no key tol" in said(pilot) and not len(held.control.breakpoints)
        pilot.app.screen.query_one(RuleInput).value = 'event tool:Bash arg.command~"rm "'
        await pilot.press("enter")
        await pilot.pause()
        assert [str(each) for each in held.control.breakpoints] == ['event tool:Bash arg.command~"rm "']
        assert pane.has_focus
        assert any('tool:Bash arg.command~"rm "' in line and "not yet" in line for line in text_of(pane))


@pytest.mark.anyio
async def test_a_breakpoint_is_switched_edited_and_removed() -> None:
    held = bench()
    first, second = held.control.breakpoints.add("request model:opus"), held.control.breakpoints.add("end model:x")
    first.hits = 3
    async with held.app.run_test(size=SIZE) as pilot:
        pane = await open_rules(pilot)
        assert any("model:opus" in line and "3 times" in line for line in text_of(pane))
        await pilot.press("space")
        assert not first.on and second.on
        assert any("model:opus" in line and "off · 3 times" in line for line in text_of(pane))
        await pilot.press("enter", *"5", "enter")
        await pilot.pause()
        assert [(str(each), each.on) for each in held.control.breakpoints] == [
            ("end model:x", True),
            ("request model:opus5", False),
        ]
        assert pane.entry is not None and str(pane.entry.breakpoint) == "request model:opus5"
        await pilot.press("home", "down", "delete")
        assert [str(each) for each in held.control.breakpoints] == ["request model:opus5"]


@pytest.mark.anyio
async def test_leaving_the_line_makes_nothing() -> None:
    held = bench()
    async with held.app.run_test(size=SIZE) as pilot:
        pane = await open_rules(pilot)
        await pilot.press("a", "x", "escape")
        await pilot.pause()
        assert pane.has_focus and not len(held.control.breakpoints)
        await pilot.press("escape")
        await pilot.pause()
        assert not isinstance(pilot.app.screen, RulesScreen)


@pytest.mark.anyio
async def test_words_are_completed() -> None:
    held = bench()
    async with held.app.run_test(size=SIZE) as pilot:
        await open_rules(pilot)
        await pilot.press("a", *"ev")
        await pilot.pause(0.1)
        await pilot.press("tab", *"agent:cl")
        await pilot.pause(0.1)
        await pilot.press("tab")
        assert pilot.app.screen.query_one(RuleInput).value == "event agent:claude-code"


@pytest.mark.anyio
async def test_mocks_and_sticky_edits_are_listed_and_switched() -> None:
    held = bench()
    mock = MockRule(parse("model:opus"), Reply(status=429, retry_after=3))
    held.control.mocks.add(mock)
    sticky = held.control.sticky.add(b'{"role": "user", "content": "a"}', None, "user message")
    async with held.app.run_test(size=SIZE) as pilot:
        pane = await open_rules(pilot)
        assert any("model:opus  →  429 · retry after 3 s" in line for line in text_of(pane))
        assert any("user message → nothing" in line for line in text_of(pane))
        await pilot.press("space")
        assert not mock.on
        await pilot.press("delete")
        assert not len(held.control.mocks) and sticky in list(held.control.sticky)


def test_replies_in_short() -> None:
    assert reply_words(Reply((Text(Growing("Hello")),), fault=Fault(tokens_per_second=5, cut_after=9))) == (
        "Hello · 5 tokens a second · cut after 9 tokens"
    )
    assert reply_words(Reply(fault=Fault(silence=True))) == "silence"
    assert reply_words(Reply(status=500, message=HOSTILE)).isprintable()


def test_a_filter_keeps_its_text_and_is_inert() -> None:
    text = 'tool:Bash or -(agent:"x y" and tol:z)'
    assert plain(filter_line(parse(text))) == text
    assert plain(filter_line(parse(HOSTILE))).isprintable()


@pytest.mark.parametrize(
    ("text", "start"), [("event tool:x", 6), ("  end  x", 7), ("tool:x", 0), ("event", 5), ("events x", 0), ("", 0)]
)
def test_where_the_filter_of_a_breakpoint_begins(text: str, start: int) -> None:
    assert filter_start(text) == start


@pytest.mark.anyio
async def test_leaving_with_flows_held_asks() -> None:
    held = bench()
    answers: list[object] = []
    async with held.app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for key in ("r", "d", "escape", "enter"):
            held.app.push_screen(QuitDialog(2), answers.append)
            await pilot.pause()
            assert "2 flows are held" in held.app.export_screenshot().replace("&#160;", " ")
            await pilot.press(key)
            await pilot.pause()
    assert answers == ["release", "drop", None, "release"]
