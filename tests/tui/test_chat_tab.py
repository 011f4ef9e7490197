"""The Chat tab against the lane's last turn: what is new, folded or odd; and how it opens what is huge."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual.pilot import Pilot

from inspector.model.flow import Flow, Reason
from inspector.store.lane import Cause, Lane, LaneTotals, Place
from inspector.tui.chat_tab import ChatPane
from inspector.tui.flow_wanted import FlowWanted
from tests.tui.detail_app import DetailApp, anthropic_flow, begin, feed, frames, seen, sse, text_events

pytestmark = pytest.mark.anyio


def said(role: str, text: str) -> dict[str, Any]:
    """A message of one text."""
    return {"role": role, "content": text}


def call(number: int) -> dict[str, Any]:
    """A call of a tool."""
    use = {"type": "tool_use", "id": f"t{number}", "name": "Bash", "input": {"command": f"cat {number}.py"}}
    return {"role": "assistant", "content": [use]}


def result(number: int) -> dict[str, Any]:
    """What it gave."""
    given = {"type": "tool_result", "tool_use_id": f"t{number}", "content": f"the text of {number}"}
    return {"role": "user", "content": [given]}


def talk(turns: int) -> list[dict[str, Any]]:
    """A conversation: one question, and so many calls with their results."""
    return [said("user", "Fix the parser."), *(part for n in range(turns) for part in (call(n), result(n)))]


def turn(flow_id: str, messages: list[dict[str, Any]], *, started: float = 0.0, **top: Any) -> Flow:
    """A turn that waits for its answer."""
    flow = anthropic_flow(messages, flow_id=flow_id, **top)
    flow.started = started
    return flow


class LaneApp(DetailApp):
    """The detail on the last flow of a lane."""

    def __init__(self, *flows: Flow, compacted: bool = False) -> None:
        super().__init__(*flows)
        lane = Lane("a", flows=list(flows))

        def place(flow: Flow) -> Place:
            index = flows.index(flow)
            return Place(lane, turn=index + 1, previous=flows[index - 1] if index else None, compacted=compacted)

        self.detail.tab.transcripts.placed_by = place

    async def on_ready(self) -> None:
        """Show the last flow."""
        self.detail.show(list(self.store)[-1])

    @property
    def chat(self) -> ChatPane:
        """The conversation."""
        pane = self.detail.tab.pane
        assert isinstance(pane, ChatPane)
        return pane


async def settled(pilot: Pilot[None]) -> list[str]:
    """All lines, once all is read, compared and laid out."""
    app = pilot.app
    assert isinstance(app, LaneApp)
    await frames(pilot)
    for _ in range(2000):
        if not app.detail.tab.unfinished:
            break
        app.detail.pull()
        await asyncio.sleep(0.002)
    await frames(pilot)
    return ["".join(text for _, text in app.chat.line(i, 100)).rstrip() for i in range(app.chat.line_count())]


def answered(flow: Flow, *events: bytes, ended: float = 500.0, **usage: int) -> Flow:
    """The flow with an answer that has ended."""
    begin(flow)
    assert flow.response is not None
    whole = [
        sse("message_start", message={"id": "m", "content": [], "usage": usage}),
        *events,
        sse("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 5}),
        sse("message_stop"),
    ]
    for number, event in enumerate(whole):
        flow.response.body.append(100.0 + number, event)
    flow.finish(ended, Reason.DONE, "upstream")
    return flow


async def test_what_is_new_is_marked_and_what_is_not_folded_to_a_line() -> None:
    app = LaneApp(turn("a", talk(4)), turn("b", talk(5)))
    async with app.run_test(size=(100, 30)) as pilot:
        lines = await settled(pilot)
        assert " user     Fix the parser." in lines
        assert " ⋮ 8 messages unchanged since #1  ⊞" in lines
        new = next(line for line in lines if "cat 4.py" in line)
        assert new.startswith(" tool   ┃ Bash cat 4.py") and new.endswith("+ new")
        assert "        ┃ the text of 4" in lines
        assert not any("cat 3.py" in line for line in lines)


async def test_the_first_turn_has_no_marks() -> None:
    app = LaneApp(turn("a", talk(4)))
    async with app.run_test(size=(100, 40)) as pilot:
        lines = await settled(pilot)
    assert not any("new" in line or "⋮" in line or "┃" in line for line in lines)
    assert sum("Bash cat" in line for line in lines) == 4


async def test_a_fold_opens_and_closes_and_is_remembered() -> None:
    first, second = turn("a", talk(4)), turn("b", talk(5))
    app = LaneApp(first, second)
    async with app.run_test(size=(100, 40)) as pilot:
        before = await settled(pilot)
        app.chat.set_cursor(next(i for i, line in enumerate(before) if "⋮" in line))
        await pilot.press("enter")
        opened = await settled(pilot)
        assert " ⋮ 8 messages unchanged since #1  ⊟" in opened
        assert sum("Bash cat" in line for line in opened) == 5
        app.detail.show(first)
        app.detail.show(second)
        assert await settled(pilot) == opened
        await pilot.press("enter")
        assert await settled(pilot) == before


async def test_only_what_the_usage_says_is_called_cached() -> None:
    usage = {"input_tokens": 10, "cache_creation_input_tokens": 0}
    first = answered(turn("a", talk(4)), *text_events(["x"]), cache_read_input_tokens=990, **usage)
    second = turn("b", talk(5))
    app = LaneApp(first, second)
    async with app.run_test(size=(100, 40)) as pilot:
        assert not any("cached" in line for line in await settled(pilot))
        begin(second)
        feed(
            second,
            app.store,
            sse(
                "message_start", message={"id": "m", "content": [], "usage": {**usage, "cache_read_input_tokens": 1000}}
            ),
        )
        assert " ⋮ 8 messages unchanged since #1, cached  ⊞" in await settled(pilot)


async def test_how_long_a_call_took_stands_beside_it() -> None:
    use = {"type": "tool_use", "id": "t4", "name": "Bash", "input": {}}
    events = [
        sse("content_block_start", index=0, content_block=use),
        sse(
            "content_block_delta",
            index=0,
            delta={"type": "input_json_delta", "partial_json": '{"command": "cat 4.py"}'},
        ),
        sse("content_block_stop", index=0),
    ]
    first = answered(turn("a", talk(4), started=100.0), *events, ended=500.0)
    app = LaneApp(first, turn("b", talk(5), started=100.54))
    async with app.run_test(size=(100, 40)) as pilot:
        line = next(line for line in await settled(pilot) if "cat 4.py" in line)
    assert line.startswith(" tool   ┃ Bash cat 4.py   40ms")


async def test_a_compacted_history_is_said_to_be_one() -> None:
    app = LaneApp(turn("a", talk(20)), turn("b", [said("user", "A summary of it.")]), compacted=True)
    async with app.run_test(size=(100, 40)) as pilot:
        assert " ⋮ history compacted: 41 messages → 1" in await settled(pilot)


async def test_a_turn_that_was_sent_back_altered_is_marked() -> None:
    first = answered(turn("a", [said("user", "Hello")]), *text_events(["I will not delete anything."]))
    back = [
        said("user", "Hello"),
        said("assistant", "I will now delete anything. \x1b[31m\u202e"),
        said("user", "Good"),
    ]
    app = LaneApp(first, turn("b", back))
    async with app.run_test(size=(100, 40)) as pilot:
        lines = await settled(pilot)
    place = next(index for index, line in enumerate(lines) if line.startswith(" model"))
    assert "! altered" in lines[place] and "┃" in lines[place]
    assert "I will now delete" in lines[place + 1]
    assert not set("".join(lines)) & set("\x1b\x07\x9b\u202e\u2066")


async def test_an_altered_result_is_marked_where_it_stands_with_its_call() -> None:
    back = talk(4)
    back[4] = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "the text of 1!"}]}
    app = LaneApp(answered(turn("a", talk(3)), *text_events(["x"])), turn("b", back))
    async with app.run_test(size=(100, 40)) as pilot:
        lines = await settled(pilot)
    marked = [line for line in lines if "! altered" in line]
    assert len(marked) == 1 and marked[0].startswith(" tool   ┃ Bash cat 1.py  ! altered: the result of Bash")


async def test_a_lane_that_is_found_late_marks_what_is_shown() -> None:
    first, second = turn("a", talk(4)), turn("b", talk(5))
    app = LaneApp(first, second)
    placed, app.detail.tab.transcripts.placed_by = app.detail.tab.transcripts.placed_by, lambda flow: None
    async with app.run_test(size=(100, 40)) as pilot:
        assert not any("⋮" in line for line in await settled(pilot))
        app.detail.tab.transcripts.placed_by = placed
        assert any("⋮ 8 messages" in line for line in await settled(pilot))


@pytest.mark.parametrize("size", [(80, 24), (30, 8)])
async def test_small_terminals_show_the_bar_and_cut_the_fold(size: tuple[int, int]) -> None:
    app = LaneApp(turn("a", talk(4)), turn("b", talk(5)))
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await pilot.press("home")
        await frames(pilot)
        text = "\n".join(seen(app.chat))
    assert "┃" in text or size[1] < 24
    assert "⋮ 8 messages" in text


async def test_of_a_very_long_history_the_end_is_shown_and_the_rest_step_by_step() -> None:
    app = LaneApp(turn("a", [said("user" if n % 2 == 0 else "assistant", f"word {n}.") for n in range(1201)]))
    async with app.run_test(size=(100, 30)) as pilot:
        lines = await settled(pilot)
        assert " ⋮ 1,100 messages before  ⊞" in lines
        assert sum("word" in line for line in lines) == 101
        app.chat.set_cursor(next(i for i, line in enumerate(lines) if "⋮" in line))
        await pilot.press("enter")
        lines = await settled(pilot)
        assert " ⋮ 600 of 1,100 messages before  ⊞" in lines
        assert sum("word" in line for line in lines) == 601
        await pilot.press("enter", "enter")
        assert sum("word" in line for line in await settled(pilot)) == 1201


async def test_a_search_unfolds_the_history_that_holds_the_word() -> None:
    app = LaneApp(turn("a", talk(4)), turn("b", talk(5)))
    async with app.run_test(size=(100, 40)) as pilot:
        await settled(pilot)
        await pilot.press("slash", *"cat 2", "enter")
        lines = await settled(pilot)
        await frames(pilot, 5)
        assert any("cat 2.py" in line for line in lines)
        assert not any("cat 0.py" in line for line in lines)
        assert "cat 2.py" in lines[app.chat.cursor]


async def test_the_cursor_stays_on_its_block_while_more_unfolds() -> None:
    app = LaneApp(turn("a", talk(4)), turn("b", talk(5)))
    async with app.run_test(size=(100, 40)) as pilot:
        lines = await settled(pilot)
        app.chat.set_cursor(next(i for i, line in enumerate(lines) if "the text of 4" in line) - 1)
        await pilot.press("z")
        lines = await settled(pilot)
        assert sum("Bash cat" in line for line in lines) == 5
        assert "cat 4.py" in lines[app.chat.cursor]


async def test_what_is_huge_is_read_beside_the_screen_and_then_shown() -> None:
    huge = "".join(f"line {number} of a huge file\n" for number in range(60_000))
    app = LaneApp(turn("small", talk(1)), turn("big", [said("user", huge)]))
    async with app.run_test(size=(100, 30)) as pilot:
        assert app.chat.waiting.startswith("reading 1.") or app.chat.line_count() > 1
        lines = await settled(pilot)
        assert any("line 0 of a huge file" in line for line in lines) and len(lines) < 40
        await pilot.press("home", "down", "enter")
        lines = await settled(pilot)
        assert sum("of a huge file" in line for line in lines) == 60_000


class AgentApp(LaneApp):
    """A conversation that starts a sub-agent, and that one's first flow; the app does what the screen does."""

    def __init__(self) -> None:
        use = {"type": "tool_use", "id": "t9", "name": "Task", "input": {}}
        start = sse("content_block_start", index=0, content_block=use)
        self.caller = answered(turn("caller", [said("user", "Explore.")]), start, sse("content_block_stop", index=0))
        self.first = turn("first", [said("user", "Look at the tests.")])
        later = turn(
            "later", [said("user", "Explore."), {"role": "assistant", "content": [use]}, said("user", "Go on")]
        )
        super().__init__(self.caller, self.first, later)
        self.later = later
        main = Lane("main", flows=[self.caller, later])
        sub = Lane("sub", flows=[self.first], parent=main, cause=Cause(self.caller, "t9", "Task"))
        sub.totals = LaneTotals(turns=5, input_tokens=11_900, output_tokens=100)
        self.sub: list[Lane] = [sub]
        known = self.detail.tab.transcripts
        known.placed_by = lambda flow: Place(sub if flow is self.first else main)
        known.below = lambda lane: self.sub if lane is main else []

    def on_flow_wanted(self, event: FlowWanted) -> None:
        """Go there."""
        self.detail.show(event.flow)


async def test_a_call_that_started_a_sub_agent_leads_to_it_and_back() -> None:
    app = AgentApp()
    async with app.run_test(size=(100, 30)) as pilot:
        app.detail.show(app.caller)
        lines = await settled(pilot)
        number = app.first.number
        [line] = [line for line in lines if "Task" in line]
        assert f"→ #{number} · sub-agent · 5 turns · 12k tokens" in line
        await pilot.press("end")
        assert app.detail.tab.pane.check_action("agent", ()) is False
        await pilot.press("W")
        assert app.detail.flow is app.caller
        await pilot.press("K", "W")
        lines = await settled(pilot)
        assert app.detail.flow is app.first
        assert f"← #{app.caller.number} · sub-agent, started by Task" in lines[0]
        await pilot.press("w")
        lines = await settled(pilot)
        assert app.detail.flow is app.caller
        pane = app.detail.tab.pane
        assert isinstance(pane, ChatPane)
        assert pane.chat.call_at(pane.chat.block_at(pane.cursor)) == "t9"
        assert pane.check_action("caller", ()) is False


async def test_a_sub_agent_that_is_found_later_is_marked_also_in_the_history() -> None:
    app = AgentApp()
    found, app.sub = app.sub, []
    async with app.run_test(size=(80, 24)) as pilot:
        app.detail.show(app.later)
        assert not any("→ #" in line for line in await settled(pilot))
        app.sub = found
        assert [line for line in await settled(pilot) if "Task" in line and "→ #" in line]
