"""Sending flows again, marking and branching on the real screen, with a proxy and a model behind it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from inspector.model.flow import Capture, End, Flow, Reason, Request, Timing
from inspector.model.headers import Headers, masked
from inspector.proxy.replay import Replayer
from inspector.proxy.upstream import AiohttpTransport
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from inspector.tui.app import InspectorApp
from inspector.tui.desk import Desk
from inspector.tui.fork_dialog import ForkDialog
from inspector.tui.replay_dialog import ReplayDialog
from inspector.tui.request_editor import RequestEditor
from inspector.tui.runs_screen import RunsScreen
from tests.tui.replaying import ASK, bench, chat
from tests.tui.screens import flow_list, main, settle, text_of

pytestmark = pytest.mark.anyio


async def test_r_makes_a_child_and_a_child_of_the_child_with_the_diff_open() -> None:
    async with bench() as b:
        await b.press("r")
        (child,) = b.children
        assert main(b.pilot).selected is child and b.detail.active == "diff"
        await b.until(lambda: child.end is not None)
        await settle(b.pilot)
        assert child.end == End(Reason.DONE, "upstream")
        assert any(line.lstrip("▌ ").startswith("1.1 ") for line in text_of(flow_list(b.pilot)))
        await b.press("r")
        assert [flow.number for flow in b.children] == ["1.1", "1.1.1"]
        assert main(b.pilot).selected is b.children[-1]
        await b.until(lambda: "+ #1.1.1" in "\n".join(text_of(b.detail.pane)))


async def test_a_key_that_a_recording_lacks_is_named() -> None:
    pairs = [("authorization", "Bearer sk-proj-0123456789abcdefghij"), ("content-type", "application/json")]
    headers = Headers(masked(Headers(pairs)))
    body = Capture(json.dumps(chat()).encode())
    flow = Flow("f", Request("POST", "https://api.openai.com/v1/chat/completions", headers, body), 1.0)
    flow.dialect, flow.timing, flow.end = "openai-chat", Timing(received=1.0), End(Reason.DONE, "upstream")
    store, transcripts = FlowStore(), Transcripts()
    store.add(flow)
    async with AiohttpTransport() as transport:
        desk = Desk(store, transcripts, replayer=Replayer(store, transport, {}))
        app = InspectorApp(store, transcripts, desk=desk)
        async with app.run_test(size=(100, 30)) as pilot:
            await settle(pilot)
            await pilot.press("r")
            await pilot.pause()
            assert len(store) == 1
            assert "OPENAI_API_KEY" in "".join(said.message for said in app._notifications)


async def test_twenty_replays_fill_the_table_and_enter_goes_to_one() -> None:
    async with bench() as b:
        await b.press("R")
        assert isinstance(b.pilot.app.screen, ReplayDialog)
        await b.press("shift+tab", "shift+tab", "shift+tab", "shift+tab", *"20", "enter")
        screen = b.pilot.app.screen
        assert isinstance(screen, RunsScreen)
        await b.until(lambda: len(b.children) == 20 and all(flow.end is not None for flow in b.children))
        await b.until(lambda: "20 of 20 done" in screen._head.render_line(0).text)
        await b.press("down", "enter")
        assert main(b.pilot).selected is b.children[0] and b.detail.active == "diff"
        await b.press("t")
        assert isinstance(b.pilot.app.screen, RunsScreen)


async def test_replays_go_on_behind_the_closed_table_and_s_stops_them() -> None:
    async with bench(pace=5) as b:
        await b.press("R", "tab", "tab", *"slow", "tab", "tab", *"6", "enter")
        await b.press("escape")
        assert b.pilot.app.screen is main(b.pilot)
        await b.until(lambda: any(flow.response is not None and flow.response.body.chunks for flow in b.children))
        assert all(flow.live for flow in b.children)
        await b.press("t", "s")
        await b.until(lambda: all(flow.end is not None for flow in b.children))
        assert len(b.children) == 4
        assert {flow.end.reason for flow in b.children if flow.end} == {Reason.DROPPED}
        await b.until(lambda: "stopped" in b.pilot.app.screen.query_one("#runs-head").render_line(0).text)


async def test_a_branch_is_cut_edited_and_sent_with_the_cut_noted() -> None:
    turns = [{"role": "system", "content": "Be brief."}, ASK, {"role": "assistant", "content": "At six."}, ASK]
    async with bench(chat(*turns)) as b:
        await b.press("B")
        assert isinstance(b.pilot.app.screen, ForkDialog)
        await b.press("home", "down")
        await b.until(lambda: "2 of 4 messages stay" in str(b.pilot.app.screen.query_one("#fork-said").render()))
        await b.press("enter")
        assert isinstance(b.pilot.app.screen, RequestEditor)
        await b.press("ctrl+s")
        (child,) = b.children
        assert [(change.name, change.before, change.after) for change in child.mutations] == [
            ("fork", "4 messages", "2 messages")
        ]
        assert json.loads(bytes(child.request.body))["messages"] == turns[:2]
        await b.until(lambda: child.end is not None)


async def test_a_cut_that_leaves_a_call_without_its_result_says_so() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "Ba[b]sh\x1b", "arguments": "{}"}}
    turns: list[dict[str, Any]] = [ASK, {"role": "assistant", "content": None, "tool_calls": [call]}]
    turns += [{"role": "tool", "tool_call_id": "c1", "content": "ok"}]
    async with bench(chat(*turns), size=(80, 24)) as b:
        await b.press("B", "home", "down")
        said = b.pilot.app.screen.query_one("#fork-said")
        await b.until(lambda: "the call of Ba[b]sh␛ has no result yet" in str(said.render()))


async def test_a_mark_stands_before_the_number() -> None:
    async with bench() as b:
        await b.press("asterisk")
        await b.until(lambda: any("*1 " in line for line in text_of(flow_list(b.pilot))))
        await b.press("asterisk")
        await b.until(lambda: not any("*1 " in line for line in text_of(flow_list(b.pilot))))
