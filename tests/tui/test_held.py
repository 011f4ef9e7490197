"""Holding on the screen: the line, the held view, the keys, and editing a held answer."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from textual.drivers.headless_driver import HeadlessDriver
from textual.pilot import Pilot
from textual.widgets import Input
from textual.widgets._footer import FooterKey

from inspector.model.edits import Edits
from inspector.model.flow import End, Flow, Moment, Reason, State
from inspector.model.message import Growing, Text, ToolCall
from inspector.proxy.held import Held, Step, Waiting
from inspector.rules.control import HAND
from inspector.tui.answer_editor import AnswerEditor
from inspector.tui.answer_editor_panes import Listing
from inspector.tui.detail import Detail
from inspector.tui.held_lines import HeldLines
from inspector.tui.hold_line import HoldLine
from inspector.tui.spans import plain
from inspector.tui.status_line import StatusLine
from inspector.tui.text_editor import EditArea
from inspector.wire.sse import SSE
from tests.tui.detail_app import HOSTILE, feed, sse
from tests.tui.held import COMMAND, Bench, bench, call_flow
from tests.tui.screens import flow_list, main, settle, text_of

SIZE = (150, 40)


def steps(held: Held) -> list[Step | None]:
    """The steps that were asked of a hold."""
    asked: list[Step | None] = []
    while not held._steps.empty():
        asked.append(held._steps.get_nowait())
    return asked


def another(name: str) -> Flow:
    """One more flow, under a name of its own."""
    flow, _ = call_flow()
    flow.id = name
    return flow


async def open_editor(pilot: Pilot[None]) -> AnswerEditor:
    """Press the key that edits the held answer."""
    await settle(pilot)
    await pilot.press("e")
    await pilot.pause()
    screen = pilot.app.screen
    assert isinstance(screen, AnswerEditor)
    return screen


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    """Draw frames until something is so."""
    async with asyncio.timeout(20):
        while not holds():
            await settle(pilot)


def area(pilot: Pilot[None]) -> EditArea:
    """Where the text is edited."""
    return pilot.app.screen.query_one(EditArea)


def said(pilot: Pilot[None]) -> str:
    """What the editor has to say."""
    return "\n".join(text_of(pilot.app.screen.query_one("#held-message", StatusLine))).strip()


def arguments(edits: Edits, index: int = 1) -> str:
    """The arguments of a replaced call."""
    part = edits.replaced[index]
    assert isinstance(part, ToolCall)
    return str(part.arguments)


@pytest.mark.anyio
async def test_a_held_answer_takes_the_place_of_the_tab() -> None:
    held = bench()
    async with held.app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        detail = main(pilot).query_one(Detail)
        line = text_of(detail.query_one(HoldLine))[0]
        assert "HELD 0:1" in line and "before tool call Bash reaches the agent" in line
        lines = [each.rstrip() for each in text_of(detail.held_pane)]
        said = next(each for each in lines if "The build folder is stale." in each)
        assert said.endswith("already with the agent")
        assert any("Bash" in each and each.endswith("not yet with the agent") for each in lines)
        assert any(each.endswith('"command": "rm -rf build && make",') for each in lines)
        assert any("waiting" in each and "6 events" in each for each in lines)
        assert any("stop_reason tool_use · output_tokens 61" in each for each in lines)
        row = next(each for each in text_of(main(pilot).query_one("#list")) if "held" in each)
        assert "breakpoint event tool:Bash" in row


@pytest.mark.anyio
async def test_the_person_leaves_the_held_answer_and_comes_back() -> None:
    held = bench()
    async with held.app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        detail = main(pilot).query_one(Detail)
        await pilot.press("enter")
        assert detail.held_pane.has_focus
        await pilot.press("escape")
        await settle(pilot)
        assert not detail.shows_held and detail.tab.pane.has_focus
        await pilot.press("h")
        assert detail.shows_held and detail.held_pane.has_focus
        await pilot.press("2")
        await settle(pilot)
        assert not detail.shows_held and detail.active == "stream"
        held.control.holds.end(held.held)
        await settle(pilot)
        assert detail.query_one(HoldLine).display is False


@pytest.mark.anyio
async def test_it_grows_while_the_upstream_writes() -> None:
    held = bench(whole=False)
    async with held.app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        pane = main(pilot).query_one(Detail).held_pane
        assert any("still being written" in each for each in text_of(pane))
        held.stream.parts = [*held.stream.parts, 1, 1]
        rest = sse("content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": COMMAND[38:]})
        feed(held.flow, held.store, rest, sse("content_block_stop", index=1))
        for _ in range(100):
            await pilot.pause(0.02)
            if any("json · valid" in each for each in text_of(pane)):
                break
        assert any("Rebuild from scratch" in each for each in text_of(pane))


@pytest.mark.anyio
async def test_keys_let_it_go() -> None:
    keys = {
        "space": Step.GO_ON,
        "g": Step.GO_ON,
        "full_stop": Step.EVENT,
        "greater_than_sign": Step.BLOCK,
        "ctrl+g": Step.END,
        "D": Step.DROP,
    }
    held = bench()
    async with held.app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press(*keys)
        await pilot.pause()
        assert steps(held.held) == list(keys.values())


@pytest.mark.anyio
async def test_keys_are_offered_where_they_do_something() -> None:
    held = bench()
    async with held.app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        screen = main(pilot)
        held.control.holds.end(held.held)
        offered = {
            name: screen.check_action(*name) for name in (("step", ("DROP",)), ("edit_answer", ()), ("hold", ()))
        }
        assert not any(offered.values())
        await pilot.press("D", "g", "e")
        assert pilot.app.screen is screen and not steps(held.held)
        held.control.holds.begin(held.flow, Moment.REQUEST, "hand")
        assert screen.check_action("step", ("GO_ON",)) and not screen.check_action("step", ("EVENT",))
        assert not screen.check_action("edit_answer", ())


@pytest.mark.anyio
async def test_the_next_requests_are_held_until_no_more() -> None:
    held = bench()
    async with held.app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("p")
        assert held.control.hold_requests
        await pilot.press("p")
        assert not held.control.hold_requests


@pytest.mark.anyio
async def test_the_edited_call_is_sent_and_the_answer_goes_on() -> None:
    held = bench()
    async with held.app.run_test(size=SIZE) as pilot:
        await open_editor(pilot)
        assert area(pilot).text.startswith('{\n  "command": "rm -rf build && make"')
        area(pilot).replace("ls", (1, 14), (1, 34))
        await pilot.pause()
        changes = "\n".join(text_of(pilot.app.screen.query_one("#held-changes", Listing)))
        assert "- command rm -rf build && make" in changes and "+ command ls" in changes
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert pilot.app.screen is main(pilot)
        assert arguments(held.stream.edited[0]) == '{"command": "ls", "description": "Rebuild from scratch"}'
        assert steps(held.held) == [Step.GO_ON]
        assert main(pilot).query_one(Detail).drafts.get(held.flow.id) is None


@pytest.mark.anyio
async def test_invalid_arguments_are_not_sent_by_accident() -> None:
    held = bench()
    async with held.app.run_test(size=SIZE) as pilot:
        await open_editor(pilot)
        area(pilot).replace("", (3, 0), (3, 1))
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert not held.stream.edited
        assert said(pilot).startswith("Not sent: line 4, column 1") and "once more" in said(pilot)
        await pilot.press("space", "ctrl+s")
        await pilot.pause()
        assert not held.stream.edited
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert arguments(held.stream.edited[0]).startswith('{\n  "command"')
        assert steps(held.held) == [Step.GO_ON]


@pytest.mark.anyio
async def test_what_is_typed_is_sent_also_before_anybody_heard_of_it() -> None:
    held = bench()
    async with held.app.run_test(size=SIZE) as pilot:
        editor = await open_editor(pilot)
        area(pilot).replace("ls", (1, 14), (1, 34))
        editor.query_one("#held-name", Input).value = "Shell"
        editor.action_send()
        assert arguments(held.stream.edited[0]).startswith('{"command": "ls"')
        [sent] = held.stream.edited[0].replaced.values()
        assert isinstance(sent, ToolCall) and sent.name == "Shell"


@pytest.mark.anyio
async def test_what_comes_meanwhile_does_not_undo_what_is_typed() -> None:
    held = bench()
    async with held.app.run_test(size=SIZE) as pilot:
        editor = await open_editor(pilot)
        area(pilot).replace("ls", (1, 14), (1, 34))
        editor._pull()
        assert '"command": "ls"' in area(pilot).text


@pytest.mark.anyio
async def test_a_refused_edit_stays_in_the_editor() -> None:
    held = bench()
    held.stream.refuses = "the client has this already"
    async with held.app.run_test(size=SIZE) as pilot:
        editor = await open_editor(pilot)
        area(pilot).replace("ls", (1, 14), (1, 34))
        await until(pilot, lambda: editor._draft.changed)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: said(pilot) == "Not sent: the client has this already")
        assert pilot.app.screen is editor
        assert '"ls"' in area(pilot).text and not steps(held.held)


@pytest.mark.anyio
async def test_leaving_the_editor_loses_nothing() -> None:
    held = bench()
    async with held.app.run_test(size=SIZE) as pilot:
        await open_editor(pilot)
        area(pilot).replace("ls", (1, 14), (1, 34))
        await pilot.pause()
        await pilot.press("escape")
        await settle(pilot)
        assert any("not sent yet" in each for each in text_of(main(pilot).query_one(Detail).held_pane))
        await open_editor(pilot)
        assert '"command": "ls"' in area(pilot).text
        await pilot.press("ctrl+r")
        assert "rm -rf build" in area(pilot).text


@pytest.mark.anyio
async def test_parts_are_added_and_taken_out() -> None:
    held = bench()
    async with held.app.run_test(size=SIZE) as pilot:
        await open_editor(pilot)
        await pilot.press("ctrl+t", "ctrl+n", *"Done.")
        await pilot.press("ctrl+b", *"Read", "enter")
        area(pilot).replace_all('{"path": "a"}')
        await pilot.press("ctrl+down")
        area(pilot).replace_all("end_turn")
        await pilot.pause()
        await pilot.press("ctrl+s")
        await pilot.pause()
        edits = held.stream.edited[0]
        assert edits.replaced == {1: None}
        done, read = edits.added
        assert done == Text(Growing("Done."))
        assert isinstance(read, ToolCall)
        assert (read.name, str(read.arguments)) == ("Read", '{"path": "a"}')
        assert read.id.startswith("toolu_")
        assert edits.finish_reason == "end_turn"


@pytest.mark.anyio
async def test_what_the_agent_has_cannot_be_changed() -> None:
    held = bench()
    async with held.app.run_test(size=SIZE) as pilot:
        await open_editor(pilot)
        await pilot.press("ctrl+up")
        assert area(pilot).text.startswith("The build folder") and area(pilot).read_only
        await pilot.press("ctrl+s")
        assert said(pilot).startswith("Nothing is changed yet")


@pytest.mark.anyio
async def test_a_waiting_event_is_edited_as_it_stands_on_the_wire() -> None:
    held = bench()
    async with held.app.run_test(size=SIZE) as pilot:
        await open_editor(pilot)
        pilot.app.screen.query_one("#held-waiting", Listing).focus()
        await pilot.pause()
        await pilot.press("end", "enter")
        assert area(pilot).text == 'event: message_stop\ndata: {"type": "message_stop"}\n\n'
        area(pilot).replace("", (1, 29), (1, 30))
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert not held.stream.raw and said(pilot).startswith("Not changed: the data is no JSON")
        area(pilot).replace(', "x": 1}', (1, 29), (3, 0))
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert held.stream.raw == {10: b'event: message_stop\ndata: {"type": "message_stop", "x": 1}\n\n'}
        assert said(pilot).startswith("This event is changed") and not steps(held.held)


@pytest.mark.anyio
async def test_a_hold_that_ended_meanwhile_is_told() -> None:
    held = bench()
    async with held.app.run_test(size=SIZE) as pilot:
        await open_editor(pilot)
        area(pilot).replace("ls", (1, 14), (1, 34))
        held.control.holds.end(held.held)
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert "not held any more" in said(pilot)
        assert not held.stream.edited and '"ls"' in area(pilot).text


@pytest.mark.anyio
async def test_the_same_text_in_the_persons_own_editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HeadlessDriver, "can_suspend", property(lambda self: True))
    script = tmp_path / "editor.py"
    script.write_text("import sys; p = sys.argv[1]; t = open(p).read(); open(p, 'w').write(t.replace('rm -rf', 'ls'))")
    monkeypatch.setenv("VISUAL", f"{sys.executable} {script}")
    held = bench()
    async with held.app.run_test(size=SIZE) as pilot:
        await open_editor(pilot)
        await pilot.press("ctrl+o")
        async with asyncio.timeout(20):
            while '"command": "ls build && make"' not in area(pilot).text:
                await pilot.pause(0.02)
        await pilot.press("ctrl+z")
        assert "rm -rf" in area(pilot).text


@pytest.mark.anyio
@pytest.mark.parametrize("size", [(80, 24), (40, 12)])
async def test_hostile_arguments_are_inert_at_every_size(size: tuple[int, int]) -> None:
    held: Bench = bench(arguments=HOSTILE)
    async with held.app.run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await open_editor(pilot)
        drawn = held.app.export_screenshot()
        assert held.flow.state is State.HELD
        assert not [character for character in drawn if character in "\x1b\x07\u202e\u2066\x9b"]


@pytest.mark.anyio
async def test_what_matters_to_a_held_answer_stands_first_in_a_narrow_footer() -> None:
    held = bench()
    async with held.app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        keys = [key for key in main(pilot).query(FooterKey) if key.region.right <= 80]
        told = [f"{key.key_display} {key.description}" for key in keys]
        assert told == ["⏎ open", "e edit", "a answer", "g go on", ". event", "> block", "D drop", "f filter", "? help"]


@pytest.mark.anyio
async def test_the_list_stays_with_a_held_flow_until_it_has_ended() -> None:
    held = bench()
    async with held.app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        newer = another("f2")
        held.store.add(newer)
        await settle(pilot)
        assert main(pilot).selected is held.flow and not flow_list(pilot).following
        held.control.holds.end(held.held)
        await settle(pilot)
        assert main(pilot).selected is held.flow
        held.flow.end = End(Reason.DONE, "upstream")
        held.store.touch(held.flow)
        await until(pilot, lambda: main(pilot).selected is newer and flow_list(pilot).following)


@pytest.mark.anyio
async def test_whoever_went_elsewhere_is_left_there() -> None:
    held = bench()
    async with held.app.run_test(size=SIZE) as pilot:
        held.store.add(another("f2"))
        await settle(pilot)
        await pilot.press("up", "down", "up")
        held.control.holds.end(held.held)
        held.flow.end = End(Reason.DONE, "upstream")
        held.store.touch(held.flow)
        held.store.add(another("f3"))
        await settle(pilot)
        assert main(pilot).selected is held.flow


@pytest.mark.anyio
async def test_a_stop_out_of_sight_is_told_once() -> None:
    held = bench()
    async with held.app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert not len(held.app._notifications)
        others = [another(f"f{number}") for number in (2, 3, 4)]
        for flow in others:
            held.store.add(flow)
        for flow, by in zip(others, (HAND, "request model:[b]", "request model:[b]"), strict=True):
            held.control.holds.begin(flow, Moment.REQUEST, by)
        async with asyncio.timeout(10):
            while not len(held.app._notifications):
                await settle(pilot)
        (notice,) = held.app._notifications
        assert "is held, breakpoint request model:[b]. H goes there." in notice.message


def test_of_an_event_only_what_tells_something_is_listed() -> None:
    logprobs = {"content": [{"token": "hi", "logprob": -0.1, "bytes": [104]}]}
    choice = {"index": 0, "delta": {"tool_calls": [{"index": 0}], "content": "hi"}, "logprobs": logprobs}
    (event,) = SSE().feed(sse("chunk", choices=[choice]))
    (line,) = HeldLines().events([Waiting(event, b"", 0, False)], 100)
    assert plain(line).endswith('index 0 · "hi"')
    deep = replace(event, data=b"[" * 4000)
    assert len(HeldLines().events([Waiting(deep, b"", 0, False)], 100)) == 1
