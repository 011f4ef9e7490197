"""A hop that collects a stream is named where it is clear, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.store.buffering import AtOnce, InBatches, buffering
from tests.store.test_arrivals import EVENT, arrived


def judged(chunks: Iterable[tuple[float, int]], over: bool = True) -> AtOnce | InBatches | None:
    """What is said of chunks of so many events, each at its time, of a request that went out at 100 ms."""
    return buffering(arrived(*((at, EVENT * events) for at, events in chunks)), 100.0, over)


def test_all_at_once_after_a_long_silence() -> None:
    found = judged([(6100.0, 3), *((6110.0 + number, 100) for number in range(4)), (6120.0, 2)])
    assert found == AtOnce(400, 405, 3.0, 6010.0)


def test_while_it_goes_on_nobody_knows() -> None:
    assert judged([(6100.0, 100), (6101.0, 100)], over=False) is None


def test_batches_as_regular_as_a_clock() -> None:
    found = judged([(500.0 + 250.0 * number + number % 3, 24) for number in range(12)], over=False)
    assert isinstance(found, InBatches)
    assert (found.batches, found.events) == (12, 24.0)
    assert found.every == pytest.approx(250.0, rel=0.02)


@pytest.mark.parametrize(
    ("why", "chunks"),
    [
        ("too few events", [(6100.0, 10), (6101.0, 5)]),
        ("it did not take long", [(400.0, 200), (401.0, 200)]),
        ("a fast model", [(1500.0 + 2.0 * number, 4) for number in range(20)]),
        ("an event a chunk", [(500.0 + 250.0 * number, 1) for number in range(40)]),
        ("irregular", [(at, 20) for at in accumulate([90, 700, 150, 1200, 300, 90, 2500, 400, 110, 900], initial=200)]),
        ("two batches", [(500.0, 40), (1000.0, 40)]),
    ],
)
def test_what_is_not_clear_is_not_said(why: str, chunks: list[tuple[float, int]]) -> None:
    assert judged(chunks) is None, why


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.floats(2.0, 60.0), st.integers(1, 3)), min_size=2, max_size=60))
def test_an_ordinary_stream_is_never_named(pieces: list[tuple[float, int]]) -> None:
    times = accumulate((gap for gap, _ in pieces), initial=1000.0)
    assert judged([(at, events) for at, (_, events) in zip(times, pieces, strict=False)]) is None
