"""Every event with its time, gap, size and a few words; read in slices, as it comes."""

from __future__ import annotations

import gzip

import pytest

from inspector.model.flow import Flow, Reason
from inspector.store.flows import FlowStore
from inspector.tui.event_rows import EventRows, bar, bracket, digest, row_line, when
from inspector.tui.spans import plain, width_of
from inspector.tui.stream_tab import EventPane, RawPane, StreamTab
from tests.captures import capture_flows
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


def rows_of(flow: Flow) -> EventRows:
    """All rows of a flow."""
    assert flow.response is not None
    rows = EventRows(flow, flow.response)
    while rows.busy:
        rows.advance(0.01)
    return rows


def streamed(*chunks: bytes, content_type: str = "text/event-stream", encoding: str = "") -> Flow:
    """A flow that is done."""
    headers = {"content-encoding": encoding} if encoding else {}
    flow, store = begin(anthropic_flow([]), content_type, headers), FlowStore()
    store.add(flow)
    feed(flow, store, *chunks)
    flow.finish(2000.0, Reason.DONE, "upstream")
    return flow


def test_events_have_their_times_gaps_and_places() -> None:
    chunks = [sse("ping"), sse("message_stop")[:10], sse("message_stop")[10:]]
    rows = rows_of(streamed(*chunks)).rows
    assert [(row.name, row.at, row.gap) for row in rows] == [("ping", 110.0, 0.0), ("message_stop", 130.0, 20.0)]
    assert [(row.start, row.end) for row in rows][1][1] == sum(map(len, chunks))


def test_an_encoded_stream_is_read_decoded() -> None:
    plain_rows = rows_of(streamed(sse("ping"), sse("message_stop")))
    body = gzip.compress(sse("ping") + sse("message_stop"))
    packed = rows_of(streamed(body[:20], body[20:], encoding="gzip"))
    assert [row.data for row in packed.rows] == [row.data for row in plain_rows.rows]
    assert bytes(packed.copy.data) == sse("ping") + sse("message_stop")


def test_a_body_without_events_is_shown_by_chunk() -> None:
    rows = rows_of(streamed(b'{"a":', b" 1}", content_type="application/json")).rows
    assert [(row.kind, row.data) for row in rows] == [("chunk", b'{"a":'), ("chunk", b" 1}")]


def test_an_event_without_end_is_shown_when_the_stream_ends() -> None:
    rows = rows_of(streamed(b"data: {}\n\ndata: {")).rows
    assert [row.data for row in rows] == [b"{}", b"{"]
    assert rows[1].note


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"choices": [{"index": 0, "delta": {"content": " Hi"}}], "id": "c"}, '" Hi"'),
        ({"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": '{"a'}}, '"{\\"a"'),
        ({"type": "response.output_text.delta", "delta": "so\n", "item_id": "i"}, '"so\\n"'),
        ({"choices": [{"delta": {"content": ""}, "finish_reason": "stop"}]}, '"stop"'),
        ({"error": {"message": "Overloaded"}}, '"Overloaded"'),
        ({"candidates": [{"content": {"parts": [{"text": "Gem"}]}}]}, '"Gem"'),
        ({"n": 1}, ""),
        ([1, ["a"]], ""),
        ("text", ""),
    ],
)
def test_what_an_event_says(payload: object, words: str) -> None:
    assert digest(payload) == words


def test_bars_grow_with_the_gap() -> None:
    lengths = [len(bar(gap).strip()) for gap in (0, 5, 50, 500, 5000, 50_000)]
    assert lengths == sorted(lengths)
    assert (lengths[0], lengths[-1]) == (0, 6)


def test_what_came_at_once_is_bracketed() -> None:
    rows = rows_of(streamed(sse("ping"), sse("a") + sse("b") + sse("c"), sse("d"), sse("e") + sse("message_stop"))).rows
    assert "".join(bracket(rows, index) for index in range(len(rows))) == " ┌│└ ┌└"
    assert when(rows, 0) == "at 0.110 s"
    assert when(rows, 1) == "at 0.120 s, 10ms after data 1 · in a burst of 3"
    assert when(rows, 4) == "at 0.130 s, 10ms after data 4"
    assert plain(row_line(rows[2], 120, bracket(rows, 2))).startswith("    3 │")


def test_a_burst_without_end_is_not_counted_to_its_end() -> None:
    rows = rows_of(streamed(sse("ping") * 5000)).rows
    assert when(rows, 2500).endswith("in a burst of 2,000 or more")


@pytest.mark.anyio
async def test_a_burst_that_grows_is_bracketed_anew() -> None:
    flow = begin(anthropic_flow([]))
    app = DetailApp(flow)
    async with app.run_test(size=(120, 24)) as pilot:
        app.detail.active = "stream"
        feed(flow, app.store, sse("ping"))
        await frames(pilot)
        feed(flow, app.store, sse("pong"), gap=0.2)
        await frames(pilot)
        pane, raw = app.detail.query_one(EventPane), app.detail.query_one(RawPane)
        assert [line[6] for line in seen(pane)[:2]] == ["┌", "└"]
        assert "0.2ms after data 1 · in a burst of 2" in seen(raw)[1]


@pytest.mark.parametrize("width", [10, 20, 45, 60, 90, 200])
def test_a_row_fits_and_names_its_event_at_any_width(width: int) -> None:
    row = rows_of(streamed(sse("content_block_delta", delta={"text": HOSTILE}))).rows[0]
    line = row_line(row, width)
    assert "content" in plain(line)
    assert not any(ord(character) < 32 for character in plain(line))
    assert width < 40 or width_of(line[:-1]) < width


def test_every_capture_has_rows() -> None:
    for flow in capture_flows():
        assert flow.response is not None
        rows = rows_of(flow)
        assert bool(rows.rows) == bool(len(flow.response.body))
        for row in rows.rows[:200]:
            row_line(row, 120)


@pytest.mark.anyio
async def test_it_follows_the_stream_until_the_person_looks_back() -> None:
    flow = begin(anthropic_flow([]))
    app = DetailApp(flow)
    async with app.run_test(size=(120, 24)) as pilot:
        app.detail.active = "stream"
        feed(flow, app.store, *[sse("ping", number=n) for n in range(50)])
        await frames(pilot)
        pane, raw = app.detail.query_one(EventPane), app.detail.query_one(RawPane)
        assert pane.cursor == 49
        assert any('"number": 49' in line for line in seen(raw))
        await pilot.press("up")
        feed(flow, app.store, *[sse("ping", number=n) for n in range(50, 60)])
        await frames(pilot)
        assert pane.cursor == 48
        await pilot.press("G")
        feed(flow, app.store, sse("message_stop"))
        await frames(pilot)
        assert pane.cursor == 60
        assert "message_stop" in seen(pane)[-1]


@pytest.mark.anyio
async def test_a_hundred_thousand_events_are_read_in_slices() -> None:
    events = b"".join(b'data: {"choices":[{"delta":{"content":"%d"}}]}\n\n' % n for n in range(100_000))
    flow = streamed(*[events[at : at + 65_536] for at in range(0, len(events), 65_536)])
    app = DetailApp(flow)
    async with app.run_test(size=(100, 24)) as pilot:
        app.detail.active = "stream"
        await pilot.pause()
        pane = app.detail.query_one(EventPane)
        assert app.detail.tab.unfinished
        assert pane.line_count() < 100_000
        await read_all(pilot)
        assert pane.line_count() == 100_000
        await pilot.press("end")
        await frames(pilot)
        assert "99999" in seen(pane)[-1]


@pytest.mark.anyio
async def test_bytes_that_are_no_text_are_shown_in_hex() -> None:
    app = DetailApp(streamed(b"\x00\x01\xff" * 20, content_type="application/octet-stream"))
    async with app.run_test(size=(140, 24)) as pilot:
        app.detail.active = "stream"
        await frames(pilot)
        assert app.detail.query_one(StreamTab).has_class("-beside")
        assert any("00 01 ff 00" in line for line in seen(app.detail.query_one(RawPane)))


@pytest.mark.anyio
async def test_the_search_looks_into_whole_events() -> None:
    chunks = [*text_events(["a"] * 30), sse("x", deep={"far": [{"hidden": "x" * 500 + "NEEDLE"}]}), sse("y")]
    app = DetailApp(streamed(*chunks))
    async with app.run_test(size=(100, 24)) as pilot:
        app.detail.active = "stream"
        await pilot.press("slash", *"needle", "enter")
        await frames(pilot)
        await pilot.press("n")
        assert app.detail.query_one(EventPane).cursor == 31
