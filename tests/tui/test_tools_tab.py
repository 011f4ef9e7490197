"""The Tools tab: calls with what came of them, and the tools that are declared."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from textual import on
from textual.pilot import Pilot

from inspector.model.flow import Flow, Reason
from inspector.store import tool_calls, tool_schema
from inspector.tui.flow_wanted import FlowWanted
from inspector.tui.tools_tab import EVERY, ToolsPane
from tests.store.tools import ANTHROPIC, CITY, Json, answered, anthropic_turns, asked, extend
from tests.tui.detail_app import HOSTILE, DetailApp, anthropic_flow, begin, feed, frames, read_all, seen, sse

pytestmark = pytest.mark.anyio

TOOLS: list[Json] = [
    {"name": "weather", "description": "Tells the weather.", "input_schema": CITY},
    {"name": "Bash", "description": "Runs a command.", "input_schema": {"type": "object"}},
]


class ToolsApp(DetailApp):
    """The detail with its Tools tab open on the last flow."""

    def __init__(self, *flows: Flow) -> None:
        super().__init__(*flows)
        self.wanted: list[tuple[str, str]] = []

    async def on_ready(self) -> None:
        """Show the last flow."""
        assert tool_schema.wait(60)
        self.detail.active = "tools"
        self.detail.show(list(self.store)[-1])
        self.detail.tab.pane.focus()

    @on(FlowWanted)
    def note_wish(self, event: FlowWanted) -> None:
        """Remember which flow was asked for."""
        self.wanted.append((event.flow.id, event.tab))


def lane(*flows: Flow) -> ToolsApp:
    """An app on flows that are the turns of one lane."""
    app = ToolsApp(*flows)
    extend(app.detail.tab.transcripts, list(flows))
    return app


def pane(app: ToolsApp) -> ToolsPane:
    """The pane of the open tab."""
    found = app.detail.tab.pane
    assert isinstance(found, ToolsPane)
    return found


def text(app: ToolsApp) -> str:
    """What is seen of it."""
    return "\n".join(seen(pane(app)))


async def drawn(pilot: Pilot[None], app: ToolsApp) -> None:
    """Draw until all that came is shown: what grows is looked at only now and then."""
    until = time.monotonic() + 60
    await frames(pilot)
    while app.detail.tab.unfinished and time.monotonic() < until:
        await pilot.pause(EVERY / 4)
        await frames(pilot)


def growing(*pieces: str, name: str = "weather", **top: Any) -> tuple[Flow, list[bytes]]:
    """A flow that is being answered, and the events of a call whose arguments come in these pieces."""
    flow = begin(anthropic_flow([{"role": "user", "content": "go"}], tools=TOOLS, **top))
    block = {"type": "tool_use", "id": "toolu_1", "name": name, "input": {}}
    start = [sse("message_start", message={"id": "m", "content": []})]
    start.append(sse("content_block_start", index=0, content_block=block))
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    return flow, [*start, *(sse("content_block_delta", index=0, delta=delta) for delta in deltas)]


async def test_arguments_grow_and_are_judged_when_they_are_whole() -> None:
    flow, events = growing('{"city": "Ro', 'me", "days": 3}')
    app = ToolsApp(flow)
    feed(flow, app.store, *events[:3])
    async with app.run_test(size=(100, 20)) as pilot:
        await drawn(pilot, app)
        assert "● writing   weather" in text(app) and "12 B · valid so far" in text(app)
        assert '{"city": "Ro▌' in text(app) and "This answer  1 · 1 writing" in text(app)
        feed(flow, app.store, events[3])
        await drawn(pilot, app)
        assert '{"city": "Rome", "days": 3}▌' in text(app)
        feed(flow, app.store, sse("content_block_stop", index=0))
        await drawn(pilot, app)
        lines = seen(pane(app))
    assert lines[1].startswith("  ! invalid   weather city Rome, days 3 ▲ days there is no such property")
    assert lines[5].strip() == '"days": 3' and lines[6].strip() == "▲ there is no such property"
    assert "1 waiting · 1 invalid" in lines[0]


async def test_invalid_json_is_marked_while_it_grows_and_explained_when_it_is_whole() -> None:
    flow, events = growing('{"city": Ro', "me}")
    app = ToolsApp(flow)
    feed(flow, app.store, *events[:3])
    async with app.run_test(size=(100, 20)) as pilot:
        await drawn(pilot, app)
        assert "not valid JSON" in text(app)
        feed(flow, app.store, events[3], sse("content_block_stop", index=0))
        await drawn(pilot, app)
        assert "! invalid   weather" in text(app) and "▲ not JSON: Rome is no value" in text(app)
        assert "▲ line 1, column 10: Rome is no value: strings stand in double quotes" in text(app)


async def test_a_call_its_result_and_the_flows_between_stand_on_one_line() -> None:
    first, second = anthropic_turns()
    app = lane(first, second)
    async with app.run_test(size=(120, 20)) as pilot:
        await read_all(pilot)
        lines = seen(pane(app))
        past = [line for line in lines if "✓ result" in line]
        assert [line.split() for line in past] == [
            ["✓", "result", "weather", "Rome", "5", "B", "~2", "tok", "2.5s", "#1→#2", "⊞"],
            ["✓", "result", "weather", "Oslo", "4", "B", "~1", "tok", "2.5s", "#1→#2", "⊞"],
        ]
        assert any(line.startswith("▾ Declared  1 · ~") for line in lines)
        assert any(line.split()[:2] == ["weather", "×3"] for line in lines)
        app.detail.show(first)
        await read_all(pilot)
        text_of_first = text(app)
    assert "result  5 B  ~2 tok · tool ran 2.5s · with #2" in text_of_first and "│ sunny" in text_of_first


async def test_calls_fold_and_unfold() -> None:
    first, second = anthropic_turns()
    app = lane(first, second)
    async with app.run_test(size=(100, 30)) as pilot:
        await read_all(pilot)
        assert "sunny" not in text(app)
        start = next(index for index, line in enumerate(seen(pane(app))) if "Rome" in line)
        pane(app).set_cursor(start)
        await pilot.press("enter")
        assert "│ sunny" in text(app) and "│ snow" not in text(app)
        await pilot.press("z")
        assert "│ sunny" in text(app) and "│ snow" in text(app)
        await pilot.press("z")
        assert "│ sunny" not in text(app) and "toolu_Bonn" not in text(app)
        pane(app).set_cursor(0)
        await pilot.press("enter")
        assert seen(pane(app))[0].startswith("▸ This answer") and seen(pane(app))[1].startswith("▾ Before it")
        await pilot.press("J")
        assert pane(app).cursor == 1
        await pilot.press("J", "J", "J", "enter", "K")
        assert pane(app).cursor == 3
        app.detail.show(first)
        app.detail.show(second)
        await read_all(pilot)
        assert seen(pane(app))[0].startswith("▸ This answer")


async def test_a_click_on_a_fold_mark_or_a_heading_turns_it() -> None:
    app = lane(*anthropic_turns())
    async with app.run_test(size=(100, 30)) as pilot:
        await read_all(pilot)
        start = next(index for index, line in enumerate(seen(pane(app))) if "Rome" in line)
        await pilot.click(ToolsPane, offset=(5, start))
        assert "│ sunny" in text(app)
        await pilot.click(ToolsPane, offset=(5, 0))
        assert seen(pane(app))[0].startswith("▸ This answer")


async def test_the_flows_of_a_call_can_be_gone_to() -> None:
    first, second = anthropic_turns()
    app = lane(first, second)
    async with app.run_test(size=(100, 30)) as pilot:
        await read_all(pilot)
        await pilot.press("w", "W")
        assert app.wanted == []
        pane(app).set_cursor(next(index for index, line in enumerate(seen(pane(app))) if "Rome" in line))
        await pilot.press("w", "W")
        await pilot.pause()
    assert app.wanted == [("f1", "tools"), ("f2", "tools")]


async def test_a_result_arrives_though_the_flow_is_over() -> None:
    first, second = anthropic_turns()
    app = lane(first)
    async with app.run_test(size=(100, 30)) as pilot:
        await read_all(pilot)
        assert "2 waiting" in text(app)
        extend(app.detail.tab.transcripts, [first, second])
        await drawn(pilot, app)
        assert "✓ result" in text(app) and "waiting" not in text(app)


async def test_what_is_declared_unused_changed_and_injected_is_told() -> None:
    first, second = anthropic_turns()
    body = json.loads(bytes(second.request.body))
    body["tools"] += [*TOOLS[1:], {"type": "web_search_20250305", "name": "web_search"}]
    second.forwarded = second.request.with_body(json.dumps(body).encode())
    app = lane(first, second)
    async with app.run_test(size=(120, 30)) as pilot:
        await read_all(pilot)
        lines = [" ".join(line.split()) for line in seen(pane(app))]
        assert any("2 never used in this lane: ~" in line for line in lines)
        assert "≠ since the last turn: 2 added (the prompt cache begins anew)" in lines
        assert any(line.startswith("Bash unused ~") and "⚙ injected + added Runs a command." in line for line in lines)
        assert any("+ added web_search_20250305" in line for line in lines)


async def test_the_same_call_again_and_a_missing_result_are_told() -> None:
    def use(number: int, result: bool = True) -> list[Json]:
        call = {"type": "tool_use", "id": f"t{number}", "name": "Bash", "input": {"command": "pytest"}}
        given = {"type": "tool_result", "tool_use_id": f"t{number}", "content": "no", "is_error": True}
        rest = [given] if result else [{"type": "text", "text": "never mind"}]
        return [{"role": "assistant", "content": [call]}, {"role": "user", "content": rest}]

    messages = [{"role": "user", "content": "go"}, *use(1), *use(2), *use(3, False)]
    flow = asked(ANTHROPIC, {"model": "m", "tools": TOOLS, "messages": messages})
    app = ToolsApp(answered(flow, {"type": "message", "content": [{"type": "text", "text": "done"}]}))
    async with app.run_test(size=(100, 30)) as pilot:
        await read_all(pilot)
        lines = seen(pane(app))
    assert lines[0].startswith("▾ This answer  no calls")
    assert lines[1].startswith("▾ Before it  3 · 2 failed · 1 without result · 3 repeated")
    assert lines[2].startswith("  ○ no result Bash pytest ↻ 3 of 3 same")
    assert lines[4].startswith("  ✗ error     Bash pytest ↻ 1 of 3 same")


async def test_hostile_names_arguments_and_results_are_inert() -> None:
    call = {"type": "tool_use", "id": HOSTILE, "name": HOSTILE, "input": {HOSTILE: HOSTILE, "city": 3}}
    result = {"type": "tool_result", "tool_use_id": HOSTILE, "content": HOSTILE, "is_error": True}
    tools = [
        {"name": HOSTILE, "description": HOSTILE, "input_schema": {**CITY, HOSTILE: {"enum": [HOSTILE]}}},
        {"type": HOSTILE, "name": HOSTILE + "2"},
    ]
    messages = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]
    flow = asked(ANTHROPIC, {"model": "m", "tools": tools, "messages": messages})
    raw = {"type": "message", "content": [{**call, "type": HOSTILE + "_tool_use"}, {**call, "id": "2"}]}
    app = lane(answered(flow, raw))
    async with app.run_test(size=(80, 60)) as pilot:
        await read_all(pilot)
        await pilot.press("z")
        for line in range(pane(app).line_count() - 1, 0, -1):
            pane(app).set_cursor(line)
            if "⊞" in "".join(span for _, span in pane(app).line(line, 80)):
                await pilot.press("enter")
        await frames(pilot)
        whole = "".join("".join(span for _, span in pane(app).line(n, 80)) for n in range(pane(app).line_count()))
    assert "␛[31mred" in whole and "[bold red]markup[/]" in whole
    assert not [character for character in whole if not character.isprintable()]


async def test_it_stands_in_80_by_24_and_searches() -> None:
    first, second = anthropic_turns()
    app = lane(first, second)
    async with app.run_test(size=(80, 24)) as pilot:
        await read_all(pilot)
        for line in seen(pane(app)):
            assert len(line) <= 80
        past = next(line for line in seen(pane(app)) if "✓ result" in line)
        assert past.split() == ["✓", "result", "weather", "Rome", "5", "B", "2.5s", "#1→#2", "⊞"]
        await pilot.press("slash", *"sunny", "enter")
        await frames(pilot)
        assert "│ sunny" in text(app)
        await pilot.resize_terminal(40, 12)
        await frames(pilot)
        assert "weather" in text(app)
    assert app.return_code in (None, 0)


async def test_nothing_is_lost_of_the_place_while_a_call_grows_above() -> None:
    messages: list[Json] = [{"role": "user", "content": "go"}]
    for number in range(40):
        call = {"type": "tool_use", "id": f"t{number}", "name": "Bash", "input": {"command": f"echo {number}"}}
        result = {"type": "tool_result", "tool_use_id": f"t{number}", "content": "x"}
        messages += [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    flow, events = growing('{"city": "Ro', *[" and on and on" * 12] * 4)
    flow.request.body = asked(ANTHROPIC, {"model": "m", "tools": TOOLS, "messages": messages}).request.body
    app = ToolsApp(flow)
    feed(flow, app.store, *events[:3])
    async with app.run_test(size=(100, 14)) as pilot:
        await drawn(pilot, app)
        row = next(n for n in range(pane(app).line_count()) if "echo 17" in str(pane(app).line(n, 100)))
        pane(app).set_cursor(row)
        await frames(pilot)
        before = text(app)
        feed(flow, app.store, *events[3:])
        await drawn(pilot, app)
        assert "echo 17" in str(pane(app).line(pane(app).cursor, 100)) and pane(app).cursor > row
        assert text(app) == before


async def test_a_flow_without_any_tools_says_so() -> None:
    flow = begin(anthropic_flow([{"role": "user", "content": "hello"}]))
    app = ToolsApp(flow)
    assert flow.finish(10.0, Reason.DONE, "upstream")
    async with app.run_test(size=(80, 24)) as pilot:
        await read_all(pilot)
        await pilot.press("enter", "enter", "z", "J", "K", "w")
        lines = seen(pane(app))
    assert lines[:3] == ["▾ This answer  no calls", "▾ Before it  no calls", "▾ Declared  none"]


async def test_hundreds_of_calls_unfold_without_holding_up_a_frame() -> None:
    messages: list[Json] = [{"role": "user", "content": "go"}]
    for number in range(400):
        call = {"type": "tool_use", "id": f"t{number}", "name": "weather", "input": {"city": "x" * 900}}
        result = {"type": "tool_result", "tool_use_id": f"t{number}", "content": "line\n" * 30}
        messages += [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    flow = asked(ANTHROPIC, {"model": "m", "tools": TOOLS, "messages": messages})
    app = ToolsApp(answered(flow, {"type": "message", "content": [{"type": "text", "text": "done"}]}))
    async with app.run_test(size=(100, 30)) as pilot:
        await read_all(pilot)
        folded = pane(app).line_count()
        pane(app).set_cursor(300)
        await pilot.press("z")
        assert app.detail.tab.unfinished
        here = pane(app).tools.items[pane(app).tools.item_at(pane(app).cursor)].key
        await read_all(pilot)
        assert pane(app).tools.items[pane(app).tools.item_at(pane(app).cursor)].key == here
        # Below each head: what names the call, its arguments, and its result with what it leaves out.
        (lines,) = {len(pane(app).tools.body(item)) for item in pane(app).tools.items if item.call is not None}
        assert pane(app).line_count() == folded + 400 * lines and lines > 30


async def test_calls_that_are_too_many_are_said_to_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool_calls, "MOST", 1)
    app = lane(*anthropic_turns())
    async with app.run_test(size=(80, 24)) as pilot:
        await drawn(pilot, app)
        assert "1 call before these is not listed: the Chat tab has it" in text(app)
