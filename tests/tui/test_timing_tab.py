"""The Timing tab: the waterfall, live and whole, the course of the answer, and what stands beside it."""

from __future__ import annotations

import asyncio
import time

import pytest

from inspector.model.flow import Flow, Hold, Moment, Reason, Response
from inspector.model.headers import Headers
from inspector.store.arrivals import Arrivals
from inspector.store.lane import Lane, Place
from inspector.store.timing import phases
from inspector.store.transcripts import Transcripts
from inspector.tui.spans import plain, width_of
from inspector.tui.timing_figures import course_facts, gap_lines, pace_lines
from inspector.tui.timing_lines import waterfall
from inspector.tui.timing_tab import TimingTab
from inspector.tui.timing_words import exact, fact, tick_label, ticks
from tests.captures import capture_flows
from tests.handmade import chat_chunks, chat_flow, done_chat, finish, respond, stream
from tests.tui.detail_app import HOSTILE, DetailApp, frames, read_all, seen


def whole(held: float = 2000.0, words: int = 60) -> Flow:
    """A flow of which everything is known."""
    flow = chat_flow()
    timing = flow.timing
    timing.held = timing.held_request = held
    timing.forwarded = 1.5 + held
    timing.resolved, timing.reached, timing.connected = held + 4.5, held + 16.5, held + 46.5
    timing.reused = False
    stream(respond(flow), chat_chunks(["word "] * words), start=held + 1000)
    timing.head, timing.held_head = held + 900.0, 0.0
    timing.added, timing.added_most = 3.0, 0.5
    return finish(flow, at=held + 2000)


def tab_of(app: DetailApp) -> TimingTab:
    """The tab."""
    return app.detail.query_one(TimingTab)


def text(app: DetailApp) -> str:
    """All lines of the tab."""
    return "\n".join(plain(line) for line in tab_of(app).pane.lines)


def row(app: DetailApp, name: str) -> str:
    """The line of that name."""
    return next(line for line in text(app).splitlines() if line.strip().startswith(name))


def bar_of(line: str) -> tuple[int, int]:
    """Where the bar of a line begins, and where it ends."""
    filled = [column for column, character in enumerate(line) if character in "█▉▊▋▌▍▎▏▒▸╌"]
    return filled[0], filled[-1]


@pytest.mark.anyio
@pytest.mark.parametrize("size", [(200, 50), (80, 24)])
async def test_the_waterfall_says_what_took_how_long(size: tuple[int, int]) -> None:
    app = DetailApp(whole())
    async with app.run_test(size=size) as pilot:
        app.detail.active = "timing"
        await read_all(pilot)
        assert "1.0 ms" in row(app, "request")
        assert "0.5 ms  rules and hooks" in row(app, "inspector")
        assert "2.00 s  at the request" in row(app, "‖ held")
        assert "45 ms  name 3.0 · TCP 12 · TLS 30 ms" in row(app, "connect")
        assert "854 ms  200 OK" in row(app, "head")
        assert "100 ms" in row(app, "first byte")
        assert "20 tokens" in row(app, "answer")
        assert "done, by upstream" in row(app, "end")
        names = ("request", "inspector", "‖ held", "connect", "head", "first byte", "answer", "end")
        bars = [bar_of(row(app, name)) for name in names]
        assert bars == sorted(bars)
        assert all(first <= last for first, last in bars)
        assert all(width_of(line) <= size[0] for line in tab_of(app).pane.lines)
        assert "2.00 s held" in seen(tab_of(app).pane)[0]


@pytest.mark.anyio
async def test_a_connection_that_was_there_and_one_that_failed() -> None:
    reused = whole()
    reused.timing.resolved = reused.timing.reached = None
    reused.timing.reused = True
    failed = finish(chat_flow("f2"), Reason.UPSTREAM_UNREACHABLE, "proxy", at=90.0)
    failed.error, failed.timing.resolved, failed.timing.reused = "cannot connect", 5.0, False
    app = DetailApp(reused, failed)
    async with app.run_test(size=(120, 30)) as pilot:
        app.detail.active = "timing"
        await read_all(pilot)
        assert "was there already" in row(app, "connect")
        app.detail.show(failed)
        await read_all(pilot)
        assert "upstream unreachable, by proxy" in row(app, "end")
        assert "gaps" not in text(app)


@pytest.mark.anyio
async def test_what_goes_on_moves_though_nothing_comes() -> None:
    flow = chat_flow()
    flow.clock = time.perf_counter() - 3.0
    app = DetailApp(flow)
    async with app.run_test(size=(120, 30)) as pilot:
        app.detail.active = "timing"
        await frames(pilot)
        first = row(app, "connect")
        assert "…" in first and "▸" in first
        async with _bound():
            while row(app, "connect") == first:
                await frames(pilot)
        stream(respond(flow), chat_chunks())
        app.store.touch(flow)
        async with _bound():
            while "answer" not in text(app):
                await frames(pilot)
        assert "no answer yet" not in text(app)


@pytest.mark.anyio
async def test_a_hold_stands_in_amber_while_it_lasts() -> None:
    flow = stream(respond(chat_flow()), chat_chunks())
    flow.clock, flow.hold = time.perf_counter() - 9.0, Hold(Moment.EVENT, "text:rm", 700.0)
    app = DetailApp(flow)
    async with app.run_test(size=(120, 30)) as pilot:
        app.detail.active = "timing"
        await read_all(pilot)
        line = next(line for line in tab_of(app).pane.lines if "‖ held" in plain(line))
        assert "text:rm, event" in plain(line)
        assert [style for style, shown in line if "▒" in shown] == ["warning"]


@pytest.mark.anyio
async def test_the_course_of_an_answer() -> None:
    flow = whole()
    assert flow.response is not None
    flow.response.body.append(5000.0, b": late\n\n")
    finish(flow, at=5100.0)
    app = DetailApp(flow)
    async with app.run_test(size=(100, 60)) as pilot:
        app.detail.active = "timing"
        await read_all(pilot)
        shown = text(app)
        assert "63 gaps between 64 chunks" in shown
        assert "p50 10 ms · p90 10 ms" in shown
        assert "1.38 s before event 64, until 5.00 s" in shown
        assert "62 " in next(line for line in shown.splitlines() if line.strip().startswith("10 – 20 ms"))
        assert "tokens a second" in shown
        assert "0.5 ms before the request went on · 0.05 ms to a chunk in the mean · 0.5 ms at most" in shown


@pytest.mark.anyio
async def test_a_hop_that_collects_the_stream_is_named() -> None:
    flow = chat_flow()
    respond(flow)
    assert flow.response is not None
    for number, at in enumerate((6000.0, 6000.5, 6001.0)):
        flow.response.body.append(at, b"".join(chat_chunks([f"{number} "] * 60, finish=None, usage=None)))
    finish(flow, at=6100.0)
    app = DetailApp(flow)
    async with app.run_test(size=(160, 40)) as pilot:
        app.detail.active = "timing"
        await read_all(pilot)
        assert "collect the stream · 100% of 180 events came within 1.0 ms, after 6.00 s" in text(app)


@pytest.mark.anyio
async def test_the_lane_attempts_and_limits() -> None:
    flow, other = whole(held=4000.0), done_chat("other")
    assert flow.response is not None
    limits = {"x-ratelimit-limit-requests": "500", "x-ratelimit-remaining-requests": "3", "retry-after": "7"}
    flow.response.headers = Headers([*flow.response.headers.pairs, *limits.items(), ("x-ratelimit-limit-\x1b[1m", "5")])
    app = DetailApp(flow, other)
    lane = Lane("other", flows=[other, flow])
    async with app.run_test(size=(160, 60)) as pilot:
        tab = tab_of(app)
        tab.transcripts.placed_by = lambda each: Place(
            lane, retry_of=other if each is flow else None, attempt=2, storm=True
        )
        app.detail.active = "timing"
        await read_all(pilot)
        shown = text(app)
        assert "first token after 500 ms in the median of 1 other turn, 10.0 times that here" in shown
        assert "attempt 2 at what #2 asked first · one of many in a short time" in shown
        assert "ask again in 7s · requests 3 of 500 left" in shown
        assert "\x1b" not in shown


@pytest.mark.anyio
async def test_a_hundred_thousand_chunks_are_read_in_slices() -> None:
    flow, event = respond(chat_flow()), b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'
    stream(flow, [event] * 100_000, gap=1.5)
    app = DetailApp(finish(flow, at=1e6))
    async with app.run_test(size=(100, 40)) as pilot:
        app.detail.active = "timing"
        while not app.detail.pane.display:
            await frames(pilot)
        assert app.detail.tab.unfinished
        assert "of 100,000 chunks were read" in text(app)
        await read_all(pilot)
        assert "99,999 gaps between 100,000 chunks" in text(app)
        assert "chunks were read" not in text(app)


@pytest.mark.anyio
async def test_hostile_words_are_harmless_and_odd_flows_are_shown() -> None:
    flow = done_chat()
    flow.response = Response(599, Headers([("content-type", "text/plain")]), HOSTILE)
    flow.hold = Hold(Moment.REQUEST, HOSTILE, 5.0)
    app = DetailApp(flow, Flow("bare", flow.request, 0.0))
    async with app.run_test(size=(60, 20)) as pilot:
        app.detail.active = "timing"
        await read_all(pilot)
        assert not any(ord(character) < 32 for character in text(app).replace("\n", ""))
        app.detail.show(list(app.store)[1])
        await frames(pilot)
        assert "request" in text(app)


def test_every_capture_has_its_timing() -> None:
    transcripts = Transcripts()
    for flow in capture_flows():
        assert flow.response is not None and flow.timing.ended is not None
        arrivals = Arrivals(flow, flow.response)
        while arrivals.busy:
            arrivals.advance(1.0)
        assert arrivals.chunks == flow.response.body.chunks
        summary = transcripts.summary(flow)
        lines = waterfall(flow, summary, phases(flow, summary.ttft), flow.timing.ended, 100)
        lines += gap_lines(arrivals, 100) + course_facts(arrivals, 100)
        assert all(width_of(line) <= 100 for line in lines)
        assert len(lines) > 4


@pytest.mark.parametrize(
    ("ms", "words"),
    [(0.0, "0 ms"), (0.04, "0.04 ms"), (3.44, "3.4 ms"), (820.4, "820 ms"), (1234, "1.23 s"), (45_600, "45.6 s")],
)
def test_spans_are_written_to_three_figures(ms: float, words: str) -> None:
    assert exact(ms) == words


@pytest.mark.parametrize("total", [0.03, 0.9, 7.0, 120.0, 999.0, 7518.9, 61_000.0, 4e6])
@pytest.mark.parametrize("most", [2, 3, 8, 12])
def test_a_scale_has_round_places(total: float, most: int) -> None:
    places = ticks(total, most)
    assert places[0] == 0 and len(places) <= most
    assert places[-1] <= total < places[-1] + (places[1] if len(places) > 1 else total * 5)
    assert all(len(tick_label(place)) <= 9 for place in places)


def test_facts_go_to_the_next_line_where_there_is_no_room() -> None:
    pieces = [[("", "one " * 5)], [("", "two " * 5)], [("", "three " * 5)]]
    assert len(fact("name", pieces, 200)) == 1
    lines = fact("name", pieces, 60)
    assert len(lines) == 2
    assert all(width_of(line) <= 60 for line in lines)
    assert "name" in plain(lines[0]) and "name" not in plain(lines[1])


def test_a_pace_that_is_not_nothing_is_seen() -> None:
    top, *_, bottom, _ = [plain(line)[14:] for line in pace_lines([0.0, 0.1, 100.0], 0.0, 9.0, 3)[1:]]
    assert (top, bottom) == ("  █", " ▁█")


def _bound() -> asyncio.Timeout:
    return asyncio.timeout(20)
