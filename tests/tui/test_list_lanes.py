"""The list by lanes: what its headings say, how they fold, and where the cursor goes."""

from __future__ import annotations

import orjson
import pytest
from rich.cells import cell_len

from inspector.model.flow import Capture, Flow, Reason
from inspector.store.filters import parse
from inspector.store.lane import Work
from inspector.store.view import LaneHead, Sort
from inspector.store.watch import Watched
from inspector.tui.export_dialog import ExportDialog
from inspector.tui.lane_rows import heading
from inspector.tui.spans import plain
from tests.hand_lanes import HandLanes
from tests.handmade import chat_chunks, chat_flow, done_chat, finish, respond, stream
from tests.tui.lanes_app import LanesApp
from tests.tui.screens import app_on, flow_list, main, settle, text_of

SIZE = (120, 24)


def filled() -> LanesApp:
    """A lane with a sub-agent, another lane, and a flow of its own."""
    app = LanesApp()
    app.lanes.lane("main", title="fix the parser", agent="claude-code")
    cause = app.add(done_chat("f1", agent="claude"), "main")
    app.lanes.lane("sub", title="explore tests", agent="claude-code", under="main", cause=cause)
    app.lanes.lane("other", title="summarise CHANGELOG", agent="my_agent.py")
    for name, lane in (("f2", "sub"), ("f3", "other"), ("f4", "main"), ("f5", "sub"), ("f6", "other"), ("f7", "")):
        app.add(done_chat(name), lane)
    app.lanes.amount("main", turns=14, cost=1.84, window=41_900)
    app.lanes.amount("sub", turns=1, cost=0.08, window=2100)
    return app


@pytest.mark.anyio
@pytest.mark.parametrize("size", [(200, 50), (80, 24)])
async def test_headings_say_what_a_lane_is_and_amounts_to(size: tuple[int, int]) -> None:
    app = filled()
    async with app.run_test(size=size) as pilot:
        await app.settle(pilot)
        lines = app.lines
        assert lines[0] == " ▾ fix the parser   claude-code · 14 turns · $1.92 · 41.9k in window"
        assert lines[2] == "   ▾ explore tests   sub-agent of 1 · 1 turn · $0.080"
        assert lines[6] == " ▾ summarise CHANGELOG   my_agent.py · 2 flows"
        assert [line.replace("▌", " ").split()[0] for line in lines] == [*"▾1▾254▾367"]
        first = {line.index("gpt-5-mini") for line in lines if "gpt-5-mini" in line}
        assert len(first) == 1


@pytest.mark.anyio
async def test_a_lane_folds_and_tells_of_what_it_hides() -> None:
    app = filled()
    async with app.run_test(size=SIZE) as pilot:
        live = app.add(respond(chat_flow("f8")), "sub")
        app.add(finish(respond(chat_flow("f9"), 529)), "main")
        await app.settle(pilot)
        await pilot.press("home", "enter")
        await app.settle(pilot)
        assert [line.split()[0] for line in app.lines] == ["▌▸", "▾", "3", "6", "7"]
        assert app.lines[0].startswith("▌▸ fix the parser  ● 1 live  ✗ 1   claude-code · 14 turns")
        finish(live, Reason.DONE)
        app.store.touch(live)
        await app.settle(pilot)
        assert app.lines[0].startswith("▌▸ fix the parser  ✗ 1   claude-code")
        await pilot.press("right")
        await app.settle(pilot)
        assert app.lines[0].startswith("▌▾ fix the parser   claude-code")
        assert len(app.lines) == 12


@pytest.mark.anyio
async def test_left_and_right_go_through_the_lanes_as_through_a_tree() -> None:
    app = filled()
    async with app.run_test(size=SIZE) as pilot:
        await app.settle(pilot)
        await pilot.press("home", "right", "j", "right")
        assert app.cursor.split()[0].strip("▌") in ("2", "")
        assert app.list.current is app.store.get("f2")
        await pilot.press("left")
        assert "explore tests" in app.cursor
        await pilot.press("left")
        await app.settle(pilot)
        assert "▸ explore tests" in app.cursor
        await pilot.press("left")
        assert "▾ fix the parser" in app.cursor
        await pilot.press("J", "J", "J")
        assert "▾ summarise CHANGELOG" in app.cursor
        await pilot.press("K")
        assert "▸ explore tests" in app.cursor


@pytest.mark.anyio
async def test_a_heading_means_the_newest_flow_of_its_lane_and_names_it() -> None:
    app = filled()
    async with app.run_test(size=SIZE) as pilot:
        await app.settle(pilot)
        await pilot.press("home")
        assert app.list.current is app.store.get("f4")
        await app.settle(pilot)
        assert app.cursor.endswith("→ #4")
        newer = app.add(done_chat("f8"), "main")
        await app.settle(pilot)
        assert app.list.current is newer
        assert app.cursor.endswith("→ #8")
        app.list.hold_still()
        app.add(done_chat("f9"), "main")
        await app.settle(pilot)
        assert app.list.current is newer
        assert app.cursor.endswith("→ #8")
        assert app.list.newer == 1
        await pilot.press("enter")
        await app.settle(pilot)
        assert app.opened == 0
        assert app.cursor.startswith("▌▸ fix the parser")


@pytest.mark.anyio
async def test_following_goes_to_the_heading_that_hides_the_newest_and_unfolds_nothing() -> None:
    app = filled()
    async with app.run_test(size=SIZE) as pilot:
        await app.settle(pilot)
        await pilot.press("home", "enter", "G")
        await app.settle(pilot)
        assert app.list.current is app.store.get("f7")
        newest = app.add(done_chat("f8"), "sub")
        await app.settle(pilot)
        assert app.list.following
        assert app.cursor.startswith("▌▸ fix the parser") and app.cursor.endswith("→ #8")
        assert app.list.current is newest
        between = app.add(done_chat("f9"), "other")
        await app.settle(pilot)
        assert app.list.current is between
        assert app.selected[-2:] == [newest, between]


@pytest.mark.anyio
async def test_the_cursor_stays_on_its_flow_when_that_joins_a_lane() -> None:
    app = filled()
    async with app.run_test(size=SIZE) as pilot:
        await app.settle(pilot)
        await pilot.press("G", "k", "j")
        flow = app.list.current
        assert flow is not None and flow is app.store.get("f7")
        app.lanes.put(flow, "main")
        await app.settle(pilot)
        assert app.list.current is flow
        assert app.cursor.strip("▌").split()[0] == "7"
        assert app.lines.index(app.cursor) == 6


@pytest.mark.anyio
async def test_going_to_a_flow_unfolds_what_hides_it() -> None:
    app = filled()
    async with app.run_test(size=SIZE) as pilot:
        await app.settle(pilot)
        await pilot.press("home", "J", "enter", "home", "enter")
        await app.settle(pilot)
        assert len(app.lines) == 5
        hidden = app.store.get("f5")
        assert hidden is not None and app.list.go_to(hidden)
        await app.settle(pilot)
        assert app.list.current is hidden
        assert app.cursor.strip("▌").split()[0] == "5"
        app.view.filter = parse("id:f1")
        await app.settle(pilot)
        assert not app.list.go_to(hidden)


@pytest.mark.anyio
async def test_headings_stand_only_over_what_the_filter_shows_and_stay_folded() -> None:
    app = filled()
    async with app.run_test(size=SIZE) as pilot:
        await app.settle(pilot)
        await pilot.press("home", "J", "enter")
        app.view.filter = parse("id:f2 or id:f7")
        await app.settle(pilot)
        assert [line.replace("▌", " ").split()[0] for line in app.lines] == ["▾", "▸", "7"]
        app.view.filter = parse("")
        await app.settle(pilot)
        assert [line.replace("▌", " ").split()[0] for line in app.lines] == [*"▾1▸4▾367"]
        await pilot.press("L")
        await app.settle(pilot)
        assert [line.replace("▌", " ").split()[0] for line in app.lines] == [*"1234567"]
        await pilot.press("L")
        await app.settle(pilot)
        assert [line.replace("▌", " ").split()[0] for line in app.lines] == [*"▾1▸4▾367"]


@pytest.mark.anyio
async def test_the_mouse_folds_by_the_sign_and_by_a_second_click() -> None:
    app = filled()
    async with app.run_test(size=SIZE) as pilot:
        await app.settle(pilot)
        await pilot.click(app.list, offset=(3, 2))
        await app.settle(pilot)
        assert "▸ explore tests" in app.cursor
        await pilot.click(app.list, offset=(30, 2))
        await app.settle(pilot)
        assert "▸ explore tests" in app.cursor
        await pilot.click(app.list, offset=(30, 2), times=2)
        await app.settle(pilot)
        assert "▾ explore tests" in app.cursor and app.opened == 0


@pytest.mark.anyio
async def test_rows_say_what_is_no_turn_and_what_is_asked_again() -> None:
    app = LanesApp()
    app.lanes.lane("main", title="t")
    app.add(done_chat("f1", chunks=chat_chunks(["Fix it"])), "main", work=Work.TITLE)
    refused = respond(chat_flow("f2"), 529, "application/json")
    stream(refused, [b'{"error": {"type": "overloaded_error", "message": "Overloaded"}}'])
    app.add(finish(refused), "main")
    second = stream(respond(chat_flow("f3"), 529, "application/json"), [b'{"error": {"message": "Again"}}'])
    app.add(finish(second), "main", retry_of=refused, attempt=2)
    app.add(done_chat("f4"), "main", retry_of=refused, attempt=3, storm=True, compacted=True)
    async with app.run_test(size=(200, 24)) as pilot:
        await app.settle(pilot)
        title, first, again, last = app.lines[1:]
        assert title.endswith("  title · Fix it")
        assert first.endswith("  retried as 3 · overloaded_error: Overloaded")
        assert again.endswith("  retry 1 of 2 · retried as 4 · Again")
        assert last.endswith("  storm: 3 attempts · compacted · Hello!")


@pytest.mark.anyio
async def test_hostile_titles_are_inert_and_fit() -> None:
    hostile = "[red]x[/red] \x1b[31m\x1b]52;c;aGk=\x07 \u202edesrever\n\t漢字👩‍👩‍👧 e\u0301" * 3
    for width in (20, 45, 80, 200):
        app = LanesApp()
        app.lanes.lane("main", title=hostile, agent=hostile)
        for name in ("f1", "f2"):
            app.add(done_chat(name), "main")
        app.lanes.amount("main", turns=10**9, cost=1e300, window=10**30)
        async with app.run_test(size=(width, 10)) as pilot:
            await app.settle(pilot)
            await pilot.press("home")
            await app.settle(pilot)
            strips = [app.list.render_line(y) for y in range(3)]
            assert all(cell_len(strip.text) == app.list.width for strip in strips)
            text = "".join(strip.text for strip in strips)
            assert not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u200d" for c in text)
            assert "[red]x" in text


def test_a_heading_gives_up_what_matters_least() -> None:
    lanes = HandLanes()
    lane = lanes.lane("main", title="fix the parser of the whole language", agent="claude-code")
    lanes.amount("main", turns=14, cost=1.92, window=41_900)
    head = LaneHead(lane)

    def shown(width: int, flow: Flow | None = None) -> str:
        return plain(heading(head, width, flow))

    assert shown(90).endswith("language   claude-code · 14 turns · $1.92 · 41.9k in window")
    assert shown(60).startswith("▾ fix the parser of th") and "14 turns" in shown(60)
    assert "window" not in shown(40)
    flow = chat_flow("f1")
    flow.seq = 42
    for width in range(12, 120):
        assert cell_len(shown(width)) <= width
        assert cell_len(shown(width, flow)) == width and shown(width, flow).endswith("→ #42 ")


# Order


@pytest.mark.anyio
async def test_a_click_on_a_heading_sorts_turns_and_ends() -> None:
    app = LanesApp()
    app.lanes.lane("main", title="t")
    for name, tokens in (("f1", 50), ("f2", 900), ("f3", 10)):
        app.add(done_chat(name, chunks=chat_chunks(usage=(tokens, 5, 0))), "main")
    async with app.run_test(size=SIZE) as pilot:
        await app.settle(pilot)
        heads = app.heads.render_line(0).text
        place = (heads.index(" in ") + 1, 0)

        async def click() -> tuple[str, list[str]]:
            await pilot.click(app.heads, offset=place)
            await app.settle(pilot)
            return app.heads.render_line(0).text, [line.strip("▌").split()[0] for line in app.lines]

        heads, numbers = await click()
        assert "▼in " in heads and numbers == ["2", "1", "3"]
        assert app.list.current is app.store.get("f2") and not app.list.following
        heads, numbers = await click()
        assert "▲in " in heads and numbers == ["3", "1", "2"]
        heads, numbers = await click()
        assert "▼" not in heads and "▲" not in heads and numbers == ["▾", "1", "2", "3"]
        assert app.list.current is app.store.get("f3")
        await pilot.click(app.heads, offset=(heads.index("agent"), 0))
        await app.settle(pilot)
        assert "agent▲" in app.heads.render_line(0).text
        await pilot.click(app.heads, offset=(app.heads.size.width - 3, 0))
        assert app.list.following


@pytest.mark.anyio
async def test_keys_go_through_the_columns_and_turn_the_order() -> None:
    app = filled()
    async with app.run_test(size=SIZE) as pilot:
        await app.settle(pilot)
        seen = []
        for _ in range(20):
            await pilot.press("s")
            if app.view.sort is None:
                break
            seen.append(app.view.sort.key)
        assert seen[:4] == ["seq", "agent", "model", "state"] and "in" in seen
        await pilot.press("left_parenthesis")
        assert app.view.sort is not None and app.view.sort.key == seen[-1]
        await pilot.press("O")
        assert app.view.sort is None
        await pilot.press("o")
        assert app.view.sort is not None and app.view.sort.key == seen[-1]
        before = app.view.sort.descending
        await pilot.press("o")
        assert app.view.sort == Sort(seen[-1], not before)


@pytest.mark.anyio
async def test_watched_values_have_columns_that_grow_and_sort() -> None:
    app = LanesApp()
    app.list.watched = (Watched("size", "size"), Watched("arg.command", "command"))
    for name, command in (("f1", "ls"), ("f2", "rm -rf \x1b[31m/tmp/everything"), ("f3", "cat")):
        tool = ("Bash", orjson.dumps({"command": command}).decode())
        app.add(done_chat(name, chunks=chat_chunks([], tool=tool)))
    async with app.run_test(size=SIZE) as pilot:
        await app.settle(pilot)
        heads = app.heads.render_line(0).text
        assert " size " in heads and " command " in heads
        assert any("      cat  " in line for line in app.lines)
        assert any("rm -rf ␛[31m/…" in line for line in app.lines)
        column = next(column for column in app.list.columns if column.sort == "arg.command")
        app.list.sort_by(column)
        await app.settle(pilot)
        assert app.view.sort == Sort("arg.command", descending=True)
        assert [line.strip("▌").split()[0] for line in app.lines] == ["2", "1", "3"]
        app.list.watched = ()
        await app.settle(pilot)
        assert "size" not in app.heads.render_line(0).text
        assert "watch" not in "".join(column.key for column in app.list.columns)


def turn(name: str, *said: str) -> Flow:
    """A request that goes on with a conversation: what was said by turns, the user first."""
    roles = ("user", "assistant")
    messages = [{"role": roles[number % 2], "content": text} for number, text in enumerate(said)]
    flow = chat_flow(name)
    flow.request.body = Capture(orjson.dumps({"model": "gpt-5-mini", "stream": True, "messages": messages}))
    return finish(stream(respond(flow), chat_chunks([f"answer to {said[-1]}"])))


@pytest.mark.anyio
@pytest.mark.parametrize("size", [(200, 50), (80, 24)])
async def test_the_main_screen_sorts_a_conversation_into_a_lane(size: tuple[int, int]) -> None:
    said = ("fix the parser", "answer to fix the parser", "now the tests")
    app, store = app_on([turn("f1", *said[:1]), done_chat("f2", prompt="by itself"), turn("f3", *said)])
    async with app.run_test(size=size) as pilot:
        for _ in range(3):
            await settle(pilot)
        shown = flow_list(pilot)
        lines = [line.rstrip() for line in text_of(shown) if line.strip()]
        assert lines[0].startswith(" ▾ fix the parser   2 turns")
        assert [line.strip("▌ ").split()[0] for line in lines[1:]] == ["1", "3", "2"]
        assert shown.current is store.get("f3")
        await pilot.press("home", "enter")
        await settle(pilot)
        lines = [line.rstrip() for line in text_of(shown) if line.strip()]
        assert lines[0].startswith("▌▸ fix the parser") and lines[0].endswith("→ #3") and len(lines) == 2
        assert main(pilot).selected is store.get("f3")
        await pilot.press("x")
        await pilot.pause()
        assert isinstance(app.screen, ExportDialog)
        await pilot.press("escape")
        first = store.get("f1")
        assert first is not None
        main(pilot).show_flow(first)
        await settle(pilot)
        assert shown.current is first and main(pilot).selected is first
        assert text_of(shown)[1].startswith("▌")


@pytest.mark.anyio
async def test_a_frame_draws_so_many_rows_and_the_next_ones_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspector.tui.flow_list.DRAWING", 60.0)
    app = LanesApp()
    live = [app.add(stream(respond(chat_flow(f"f{number}")), chat_chunks(["old"])[:1])) for number in range(5)]
    async with app.run_test(size=SIZE) as pilot:
        await app.settle(pilot)
        assert sum("old" in line for line in app.lines) == 5
        for flow in live:
            stream(flow, chat_chunks(["er and new"])[:1], start=900)
            app.store.touch(flow)
        app.list.pull()
        for known in (2, 4, 5):
            app.list.draw_some(2)
            assert sum("new" in line for line in app.lines) == known
