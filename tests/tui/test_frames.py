"""The frame clock: it gives way when the loop is late or frames are dear, and recovers when all is calm."""

from __future__ import annotations

import asyncio

import pytest

from inspector.tui.frames import BUSY, CALM_FRAMES, CALM_MS, FASTEST, LATE_MS, MUCH, SHARE, SLOWEST, FrameClock
from tests.handmade import done_chat
from tests.tui.screens import HandListener, app_on, main, settle


def run(
    clock: FrameClock, start: float, frames: int, late: float = 0.0, loop_ms: float = 0.0, cost: float = 0
) -> float:
    """Let frames come `late` seconds after they are due; the time after the last one."""
    now = start
    for _ in range(frames):
        now += clock.interval + late
        clock.frame(now, loop_ms=loop_ms, cost=cost)
        clock.drawn(now)
    return now


def much(clock: FrameClock, frames: int, cost: float = 0.0) -> None:
    """Let frames come while much passes."""
    for _ in range(frames):
        clock.frame(0.0, changes=int(3 * MUCH * clock.interval), cost=cost)


def test_it_slows_down_while_the_loop_is_late_and_recovers() -> None:
    clock = FrameClock()
    clock.drawn(0.0)
    now = run(clock, 0.0, 1, late=0.05)
    assert clock.interval == SLOWEST
    run(clock, now, 60, late=0.001)
    assert clock.interval == FASTEST


def test_it_gives_way_before_a_chunk_waits_and_the_more_the_later_the_loop_is() -> None:
    """From 30 frames a second to 5, by what others know of the loop."""
    intervals = []
    for loop_ms in (0.0, CALM_MS, 8.0, 12.0, 16.0, LATE_MS, 500.0):
        clock = FrameClock()
        run(clock, 0.0, 1, loop_ms=loop_ms)
        intervals.append(clock.interval)
    assert intervals == sorted(intervals)
    assert intervals[:2] == [FASTEST, FASTEST]
    assert FASTEST < intervals[2] < intervals[3] < intervals[4] < SLOWEST
    assert intervals[5:] == [SLOWEST, SLOWEST]


def test_it_draws_more_often_only_when_it_was_calm_for_a_while() -> None:
    clock = FrameClock()
    now = run(clock, 0.0, 1, loop_ms=LATE_MS)
    for _ in range(20):
        now = run(clock, now, CALM_FRAMES)
        now = run(clock, now, 1, loop_ms=LATE_MS)
        assert clock.interval == SLOWEST
    now = run(clock, now, CALM_FRAMES)
    assert clock.interval == SLOWEST
    run(clock, now, 1)
    assert FASTEST < clock.interval < SLOWEST


def test_frames_take_no_more_than_their_share_while_much_passes() -> None:
    clock, cost = FrameClock(), 0.03
    much(clock, 40, cost)
    assert clock.interval == pytest.approx(cost / SHARE, rel=0.01)
    much(clock, 40, cost=1.0)
    assert clock.interval == SLOWEST
    much(clock, 80, cost=0.001)
    assert clock.interval == BUSY


def test_dear_frames_harm_nobody_while_nothing_passes() -> None:
    clock = FrameClock()
    run(clock, 0.0, 40, cost=0.03)
    assert clock.interval == FASTEST


def test_it_tells_the_greatest_lag_of_the_last_second() -> None:
    clock = FrameClock()
    clock.drawn(0.0)
    now = run(clock, 0.0, 1, late=0.012)
    now = run(clock, now, 3, late=0.001)
    assert clock.lag_ms == pytest.approx(12.0)
    clock.drawn(now + 2)
    now = run(clock, now + 2, 1, late=0.003)
    assert clock.lag_ms == pytest.approx(3.0)
    run(clock, now, 1, loop_ms=40.0)
    assert clock.lag_ms == 40.0


def test_time_spent_on_drawing_is_no_lag_of_the_loop() -> None:
    clock = FrameClock()
    clock.drawn(1.0)
    clock.frame(1.0 + clock.interval)
    clock.drawn(1.5)
    assert clock.frame(1.5 + clock.interval) == pytest.approx(0.0)


def test_it_draws_less_often_while_much_passes() -> None:
    clock = FrameClock()
    much(clock, 20)
    assert clock.interval == BUSY and clock.busy
    run(clock, 0.0, 40)
    assert clock.interval == FASTEST and not clock.busy


@pytest.mark.anyio
async def test_the_screen_gives_way_to_a_late_loop_and_counts_what_painting_costs() -> None:
    """What comes with a frame is drawn by Textual after it: that is the frame's cost, too."""
    listener = HandListener(lag_ms=100.0)
    app, store = app_on([done_chat(f"f{number}") for number in range(30)], listener=listener)
    async with app.run_test(size=(160, 40)) as pilot:
        await settle(pilot)
        clock = main(pilot)._clock
        async with asyncio.timeout(20):
            while clock.interval < SLOWEST or clock.lag_ms < 100:
                await asyncio.sleep(0.01)
            spent = main(pilot)._spent
            main(pilot)._list.lines_changed()
            while main(pilot)._spent == spent:
                await asyncio.sleep(0)
            listener.lag_ms = 0.0
            while clock.interval > SLOWEST * 0.95:
                store.touch(next(iter(store)))
                await asyncio.sleep(0.01)
        assert clock.cost > 0
