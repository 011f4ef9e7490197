"""The frame clock: it gives way when the loop is late, and recovers."""

from __future__ import annotations

import pytest

from inspector.tui.frames import BUSY, FASTEST, MUCH, SLOWEST, FrameClock


def run(clock: FrameClock, start: float, frames: int, late: float) -> float:
    """Let frames come `late` seconds after they are due; the time after the last one."""
    now = start
    for _ in range(frames):
        now += clock.interval + late
        clock.frame(now)
        clock.drawn(now)
    return now


def test_it_slows_down_while_the_loop_is_late_and_recovers() -> None:
    clock = FrameClock()
    clock.drawn(0.0)
    now = run(clock, 0.0, 5, late=0.05)
    assert clock.interval == SLOWEST
    run(clock, now, 60, late=0.001)
    assert clock.interval == FASTEST


def test_it_tells_the_greatest_lag_of_the_last_second() -> None:
    clock = FrameClock()
    clock.drawn(0.0)
    now = run(clock, 0.0, 1, late=0.012)
    now = run(clock, now, 3, late=0.001)
    assert clock.lag_ms == pytest.approx(12.0)
    clock.drawn(now + 2)
    run(clock, now + 2, 1, late=0.003)
    assert clock.lag_ms == pytest.approx(3.0)


def test_time_spent_on_drawing_is_no_lag_of_the_loop() -> None:
    clock = FrameClock()
    clock.drawn(1.0)
    clock.frame(1.0 + clock.interval)
    clock.drawn(1.5)
    assert clock.frame(1.5 + clock.interval) == pytest.approx(0.0)


def test_it_draws_less_often_while_much_passes() -> None:
    clock = FrameClock()
    now = 0.0
    for _ in range(20):
        now += clock.interval
        clock.drawn(now - clock.interval)
        clock.frame(now, changes=int(3 * MUCH * clock.interval))
    assert clock.interval == BUSY and clock.busy
    for _ in range(20):
        now += clock.interval
        clock.drawn(now - clock.interval)
        clock.frame(now, changes=1)
    assert clock.interval == FASTEST and not clock.busy
