"""Work in slices."""

from __future__ import annotations

from itertools import count

from inspector.store.backlog import Backlog
from tests.handmade import chat_flow


def test_the_last_that_came_is_first_and_each_comes_once() -> None:
    backlog = Backlog()
    a, b, c = (chat_flow(name) for name in "abc")
    backlog.add([a, b, c])
    backlog.add([a])
    assert len(backlog) == 3
    assert list(backlog.take()) == [a, c, b]
    assert list(backlog.take()) == []


def test_a_slice_ends_when_its_time_is_up() -> None:
    ticks = count()
    backlog = Backlog(clock=lambda: next(ticks) / 1000)
    backlog.add(chat_flow(str(number)) for number in range(10))
    assert len(list(backlog.take(3))) == 3
    assert len(list(backlog.take(0))) == 1
    assert len(backlog) == 6
    backlog.clear()
    assert list(backlog.take(3)) == []


def test_what_is_not_ready_waits_and_so_does_what_came_before_it() -> None:
    backlog = Backlog()
    a, b, c = (chat_flow(name) for name in "abc")
    backlog.add([a, b, c])
    assert list(backlog.take(ready=lambda flow: flow is not b)) == [c]
    assert len(backlog) == 2
    assert list(backlog.take()) == [b, a]
