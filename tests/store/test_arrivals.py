"""Gaps, bursts and stalls: counted as they are, however the body is cut and however it is read."""

from __future__ import annotations

import gzip
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.model.flow import Response
from inspector.model.headers import Headers
from inspector.store.arrivals import EDGES, Arrivals, Gaps
from tests.handmade import chat_chunks, chat_flow, respond


def arrived(*chunks: tuple[float, bytes], encoding: str = "", kind: str = "text/event-stream") -> Arrivals:
    """All that came of a response with these chunks."""
    flow = respond(chat_flow())
    pairs = [("content-type", kind), *([("content-encoding", encoding)] if encoding else [])]
    flow.response = Response(200, Headers(pairs))
    for at, chunk in chunks:
        flow.response.body.append(at, chunk)
    arrivals = Arrivals(flow, flow.response)
    while arrivals.busy:
        arrivals.advance(1.0)
    return arrivals


EVENT = b"data: {}\n\n"


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=60), st.floats(0.01, 1.0))
def test_quantiles_are_right_within_two_percent(lengths: list[float], share: float) -> None:
    gaps = Gaps()
    for length in lengths:
        gaps.add(length)
    exact = sorted(lengths)[ceil(share * len(lengths)) - 1]
    assert gaps.quantile(share) == pytest.approx(exact, rel=0.021)
    assert gaps.longest == max(lengths)
    assert sum(gaps.histogram) == gaps.count == len(lengths)
    for index, edge in enumerate(EDGES):
        assert sum(gaps.histogram[: index + 1]) == sum(length < edge for length in lengths)


def test_no_gaps_have_no_quantile() -> None:
    assert Gaps().quantile(0.5) is None


def test_a_gap_of_nothing_and_one_of_days_are_counted() -> None:
    gaps = Gaps()
    for length in (0.0, 1e12):
        gaps.add(length)
    assert (gaps.quantile(0.5), gaps.longest) == (0.01, 1e12)


def test_what_comes_within_a_millisecond_is_a_burst() -> None:
    arrivals = arrived((10.0, EVENT * 3), (10.5, EVENT), (20.0, EVENT), (30.0, EVENT * 2))
    assert (arrivals.events, arrivals.chunks, arrivals.bursts) == (7, 4, 2)
    assert list(arrivals.totals) == [4, 5, 7]
    assert list(arrivals.starts) == [10.0, 20.0, 30.0]
    assert list(arrivals.ends) == [10.5, 20.0, 30.0]
    assert arrivals.largest == (4, 10.0)
    assert (arrivals.gaps.count, arrivals.gaps.longest) == (3, 10.0)


def test_the_longest_gaps_say_before_which_event_they_were() -> None:
    times = [0.0, 5.0, 905.0, 910.0, 3000.0, 3005.0, 3010.0, 3020.0]
    stalls = arrived(*((at, EVENT) for at in times)).stalls
    assert len(stalls) == 5
    assert [(stall.gap, stall.at, stall.number) for stall in stalls if stall.gap > 100] == [
        (900.0, 905.0, 3),
        (2090.0, 3000.0, 5),
    ]


def test_without_events_chunks_are_counted() -> None:
    arrivals = arrived((1.0, b'{"a":'), (2.5, b" 1}"), kind="application/json")
    assert (arrivals.events, arrivals.units, list(arrivals.totals)) == (0, 2, [1, 2])


def test_chunks_before_the_first_event_are_none_of_them() -> None:
    arrivals = arrived((1.0, b"da"), (2.5, b"ta: "), (9.0, b"{}\n\n" + EVENT))
    assert (arrivals.units, list(arrivals.totals), arrivals.bursts) == (2, [0, 0, 2], 1)
    assert arrivals.largest == (2, 9.0)


def test_an_encoded_stream_is_counted_decoded() -> None:
    packed = gzip.compress(EVENT * 5)
    assert arrived((1.0, packed[:20]), (2.0, packed[20:]), encoding="gzip").events == 5


def test_a_large_body_without_events_is_not_kept() -> None:
    arrivals = arrived((1.0, b'{"a": "' + b"x" * (3 << 20)), (9.0, b'"}'), kind="application/json")
    assert (arrivals.events, arrivals.chunks) == (0, 2)
    assert arrivals._reader is None


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_growing_is_the_same_as_all_at_once(data: st.DataObject) -> None:
    body = b"".join(chat_chunks(["a", "b", "c"] * 4))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=12)))
    gaps = data.draw(st.lists(st.sampled_from([0.0, 0.3, 4.0, 800.0]), min_size=13, max_size=13))
    flow = respond(chat_flow())
    assert flow.response is not None
    growing, at, start = Arrivals(flow, flow.response), 100.0, 0
    for end, gap in zip([*cuts, len(body)], gaps, strict=False):
        flow.response.body.append(at := at + gap, body[start:end])
        start = end
        if data.draw(st.booleans()):
            growing.advance(1.0)
    growing.advance(1.0)
    whole = Arrivals(flow, flow.response)
    whole.advance(1.0)
    for one in (growing, whole):
        assert (one.events, one.busy) == (15, False)
    assert (growing.totals, growing.starts, growing.ends) == (whole.totals, whole.starts, whole.ends)
    assert (growing.bursts, growing.largest, growing.stalls) == (whole.bursts, whole.largest, whole.stalls)
    assert growing.gaps.histogram == whole.gaps.histogram
