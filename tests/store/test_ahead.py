"""Work in a thread: in its order, with its errors, and gone when there is no more of it."""

from __future__ import annotations

import gc
import threading
from concurrent.futures import wait
from functools import partial
from weakref import WeakSet

import pytest

from inspector.store import transcripts
from inspector.store.ahead import MANY, Ahead
from tests.handmade import chat_flow, done_chat


def test_work_is_done_in_its_order_and_the_thread_ends() -> None:
    ahead, go, done = Ahead(), threading.Event(), list[int]()
    first = ahead.submit(go.wait, 0)
    futures = [ahead.submit(partial(done.append, number), 0) for number in range(20)]
    assert ahead.submit(partial(done.append, 99), 0).cancel()
    go.set()
    assert first.result(10)
    wait(futures, 10)
    assert done == list(range(20))
    for thread in threading.enumerate():
        if thread.name == "ahead":
            thread.join(10)
    assert not any(thread.name == "ahead" for thread in threading.enumerate())
    assert ahead.submit(lambda: 7, 0).result(10) == 7


def test_what_goes_wrong_is_told_to_whoever_takes_the_outcome() -> None:
    ahead = Ahead()
    failed = ahead.submit(lambda: 1 // 0, 0)
    assert ahead.submit(lambda: 7, 0).result(10) == 7
    with pytest.raises(ZeroDivisionError):
        failed.result(10)


def test_what_is_made_of_much_is_not_walked_by_any_garbage_collection() -> None:
    def make() -> list[list[int]]:
        assert not gc.isenabled()
        return [[number] for number in range(1000)]

    try:
        made = Ahead().submit(make, MANY).result(10)
        assert gc.isenabled()
        assert not {id(each) for each in made} & {id(each) for each in gc.get_objects()}
    finally:
        gc.unfreeze()


class Knot:
    """Something that holds itself."""

    def __init__(self) -> None:
        self.knot = self


def test_cycles_from_the_time_of_a_large_reading_go_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcripts, "THAW", 8)
    known, flow = transcripts.Transcripts(), chat_flow()
    knots: WeakSet[Knot] = WeakSet()
    counts: list[int] = []
    try:
        for _ in range(8 * 5):
            knots |= (held := {Knot() for _ in range(10)})
            known.beside(lambda: None, MANY).result(10)
            held.clear()
            known.of(flow)
            known.beside(lambda: None, 0).result(10)  # what was put to the thread before is done by now
            counts.append(len(knots))
        gc.collect()
        assert len(knots) == 0
        assert max(counts) == 70
    finally:
        gc.unfreeze()


def test_large_transcripts_are_dropped_before_the_collector_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcripts, "THAW", 2)
    known = transcripts.Transcripts()
    small, large = done_chat("small"), done_chat("large", prompt="x" * MANY)
    try:
        first = known.of(small), known.of(large)
        for _ in range(2):
            known.beside(lambda: None, MANY).result(10)
        assert known.of(small) is first[0]
        assert known.weight < MANY
        assert known.of(large).prompt == first[1].prompt
    finally:
        gc.unfreeze()
