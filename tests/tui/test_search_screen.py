"""The search through all flows: typed, watched, left and taken up again, and the way to a hit."""

from __future__ import annotations

import json

import pytest
from rich.cells import cell_len

from inspector.store.search import FlowHits, Hit
from inspector.store.search_finder import Excerpt
from inspector.store.search_places import Where
from inspector.store.summary import Summary
from inspector.tui.search_aim import best_line
from inspector.tui.search_rows import HitRows, flow_line, hit_line
from inspector.tui.spans import plain, width_of
from tests.handmade import chat_chunks, done_chat
from tests.store.test_search import lane_of, talk, turns
from tests.tui.detail_app import HOSTILE, seen
from tests.tui.searching import SearchApp, all_found, drawn, look_for, search_of, type_in


def texts(app: SearchApp) -> list[str]:
    """The screen, line by line."""
    return [line.rstrip() for line in "\n".join(seen_all(app)).split("\n")]


def seen_all(app: SearchApp) -> list[str]:
    """The lines of the head and the hits."""
    head, pane = app.screen.query_one("#search-all-head"), app.screen.query_one("#hits")
    return [*seen(head), *seen(pane)]


@pytest.mark.anyio
async def test_hits_stand_below_their_flows_and_are_counted() -> None:
    app = SearchApp(done_chat("a", prompt="a pear"), done_chat("b"), done_chat("c", chunks=chat_chunks(["Pear, pear"])))
    async with app.run_test(size=(100, 20)) as pilot:
        await look_for(pilot, "pear")
        head, *rows = texts(app)
        assert "3 hits in 2 flows" in head and "searching" not in head
        assert rows[0].startswith(" #3") and rows[0].endswith("2 hits")
        assert [row.split()[1] for row in rows[1:3]] == ["answer", "answer"]
        assert rows[3].startswith(" #1") and rows[3].endswith("1 hit") and rows[4].split()[1:4] == ["user", "a", "pear"]


@pytest.mark.anyio
async def test_what_turns_repeat_is_one_hit_until_somebody_asks_for_all() -> None:
    flows = turns(5)
    app = SearchApp(*flows, transcripts=lane_of(*flows))
    async with app.run_test(size=(100, 30)) as pilot:
        await look_for(pilot, "needle")
        assert "1 hit in 1 flow" in texts(app)[0] and texts(app)[2].endswith("+4 turns")
        await pilot.press("ctrl+r")
        await all_found(pilot)
        assert "5 hits in 5 flows" in texts(app)[0] and "with repeats" in texts(app)[0]


@pytest.mark.anyio
async def test_only_listed_flows_where_that_is_asked_for() -> None:
    app = SearchApp(done_chat("a"), done_chat("b"))
    app.here.wanted = list(app.store)[:1]
    async with app.run_test(size=(100, 20)) as pilot:
        await look_for(pilot, "hello")
        assert "4 hits in 2 flows" in texts(app)[0]
        await pilot.press("tab")
        await all_found(pilot)
        assert "2 hits in 1 flow" in texts(app)[0]


@pytest.mark.parametrize(
    ("key", "text", "tab"),
    [("answer", "Hello number 7", "chat"), ("header", "text/event-stream", "response"), ("body", "fp_7", "response")],
)
@pytest.mark.anyio
async def test_enter_opens_the_flow_at_the_hit(key: str, text: str, tab: str) -> None:
    odd = b'data: {"choices":[],"system_fingerprint":"fp_7"}\n\n'
    words = "\n".join(f"Hello number {number}" for number in range(60))
    app = SearchApp(done_chat("b", chunks=[odd, *chat_chunks([words])]))
    async with app.run_test(size=(100, 24)) as pilot:
        await look_for(pilot, text)
        await pilot.press("enter", "down", "enter")
        detail = await drawn(pilot)
        assert detail.flow is app.here.selected and detail.active == tab
        assert detail.pane.has_focus and detail.pane.on_match
        assert text in detail.pane.search_text(detail.pane.cursor)


@pytest.mark.anyio
async def test_the_very_hit_is_found_among_many() -> None:
    words = "\n".join(f"Hello number {number} here" for number in range(60))
    app = SearchApp(done_chat("b", prompt="Hello too", chunks=chat_chunks([words])))
    async with app.run_test(size=(100, 24)) as pilot:
        await look_for(pilot, "hello")
        await pilot.press("enter", *["down"] * 14, "enter")
        detail = await drawn(pilot)
        assert "Hello number 12 here" in detail.pane.search_text(detail.pane.cursor)


@pytest.mark.anyio
async def test_words_that_json_escapes_are_found_in_the_conversation() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "Write", "arguments": json.dumps({"text": 'a\n"odd"'})}}
    app = SearchApp(talk("f", [{"role": "assistant", "content": None, "tool_calls": [call]}]))
    async with app.run_test(size=(100, 24)) as pilot:
        await look_for(pilot, '"odd"')
        await pilot.press("enter", "down", "enter")
        detail = await drawn(pilot)
        assert detail.active == "chat" and detail.pane.on_match


@pytest.mark.anyio
async def test_coming_back_finds_the_search_as_it_was_left_and_what_came_meanwhile() -> None:
    app = SearchApp(*(done_chat(f"f{number}") for number in range(3)))
    async with app.run_test(size=(100, 24)) as pilot:
        await look_for(pilot, "hello")
        await pilot.press("enter", "J", "down", "enter")
        await drawn(pilot)
        assert app.here.detail.flow is list(app.store)[1]
        app.store.add(done_chat("new"))
        await pilot.press("S")
        screen = await all_found(pilot)
        pane = screen.query_one("#hits")
        assert pane.has_focus and "8 hits in 4 flows" in texts(app)[0]
        group, number = screen.query_one(type(pane)).rows.at(pane.cursor)  # type: ignore[attr-defined]
        assert (group.flow.id, number) == ("f1", 1)


@pytest.mark.anyio
async def test_the_cursor_stays_on_its_hit_while_others_are_found() -> None:
    app = SearchApp(done_chat("a"))
    async with app.run_test(size=(100, 24)) as pilot:
        screen = await look_for(pilot, "hello")
        await pilot.press("enter", "down", "down")
        before = texts(app)[3]
        app.store.add(done_chat("b"))
        screen._news_due = 0.0
        await all_found(pilot)
        pane = screen._pane
        assert pane.cursor == 5 and plain(pane.line(5, pane.width)).rstrip() == before


@pytest.mark.anyio
async def test_escape_stops_a_search_and_then_closes_it() -> None:
    app = SearchApp(*(done_chat(f"f{number}") for number in range(50)))
    async with app.run_test(size=(100, 24)) as pilot:
        await pilot.press("S")
        screen = search_of(pilot)
        screen._timer.stop()
        await type_in(pilot, "hello")
        searching = screen._searching
        assert searching.search is not None
        searching.search.add(list(app.store))
        searching.search.step(0)
        assert screen.searching
        await pilot.press("escape")
        assert "stopped at" in texts(app)[0] and not screen.searching
        await pilot.press("escape")
        assert app.screen is app.here


@pytest.mark.anyio
async def test_what_is_wrong_with_a_pattern_is_said_in_words() -> None:
    app = SearchApp(done_chat("a"))
    async with app.run_test(size=(80, 24)) as pilot:
        await look_for(pilot, "/(a+)+/")
        assert "may take for ever" in " ".join(" ".join(texts(app)).split())
        await type_in(pilot, "/[/")
        await all_found(pilot)
        assert "no regex: unterminated character set" in " ".join(texts(app))
        await type_in(pilot, "zzz")
        await all_found(pilot)
        assert "nothing found" in texts(app)[0]


@pytest.mark.parametrize("size", [(80, 24), (200, 50), (20, 5)])
@pytest.mark.anyio
async def test_hostile_text_is_inert(size: tuple[int, int]) -> None:
    flow = done_chat("a", prompt=HOSTILE, model=HOSTILE, chunks=chat_chunks([HOSTILE + " red"]))
    flow.agent = flow.error = HOSTILE
    app = SearchApp(flow)
    async with app.run_test(size=size) as pilot:
        await look_for(pilot, "red")
        for line in texts(app):
            assert line.isprintable() and "\u202e" not in line and cell_len(line) <= size[0]


@pytest.mark.parametrize("width", [20, 40, 80, 120, 200])
def test_a_hit_is_seen_whole_where_there_is_room(width: int) -> None:
    excerpt = Excerpt(0, "so many words that stand before it, all on one line ", "the match", " and words after it" * 4)
    hit = Hit(Where("result of_a_tool_with_a_long_name", "chat"), excerpt, 0)
    for later in (0, 1, 250):
        line = hit_line(hit, later, width)
        assert any(style == "match" and (text == "the match" or width < 60) for style, text in line)
        assert width < 40 or width_of(line) <= width
    flow = done_chat("a")
    assert width_of(flow_line(FlowHits(flow, [hit], 1), Summary(model="m" * 90, words="w" * 300), width)) <= width


def test_rows_tell_of_hits_that_are_not_shown() -> None:
    rows = HitRows()
    flow = done_chat("a")
    hits = [Hit(Where("user", "chat"), Excerpt(at, "", "x", ""), at) for at in range(3)]
    rows.set([FlowHits(flow, hits, 10)])
    assert len(rows) == 5
    assert [rows.hit(row)[1] for row in range(5)] == [hits[0], *hits, hits[2]]
    assert rows.row_of("a", 99) == 4 and rows.row_of("b", 0) is None


def test_among_lines_just_alike_the_place_decides() -> None:
    excerpt = Excerpt(0, "see ", "x", " here")
    lines = ["see x here", "see x there", "x", "see  x  here"]
    assert best_line(range(4), lines.__getitem__, "x", excerpt) == 0
    assert best_line(range(4), lines.__getitem__, "x", excerpt, 1) == 3
    assert best_line([], lines.__getitem__, "x", excerpt) is None
