"""The pauses between tokens, without waiting for any."""

from __future__ import annotations

import random

import pytest

from inspector.demo.pace import Pace


def _mean(pace: Pace, spoken: int, prompt: int = 0) -> float:
    chance = random.Random(1)
    return sum(pace.gap(spoken, prompt, chance) for _ in range(2000)) / 2000


def test_without_a_rate_nothing_waits() -> None:
    assert Pace(0.0, slow=True).gap(0, 10_000, random.Random(1)) == 0.0


def test_gaps_make_the_rate() -> None:
    assert _mean(Pace(50.0), spoken=1) == pytest.approx(1 / 50, rel=0.05)


def test_the_first_token_takes_longer_and_a_long_prompt_longer_still() -> None:
    pace = Pace(50.0)
    assert _mean(pace, 1) * 5 < _mean(pace, 0) < _mean(pace, 0, prompt=10_000)


def test_slow_is_slow_from_the_start() -> None:
    assert _mean(Pace(50.0, slow=True), 0) > 8 * _mean(Pace(50.0), 0)
    assert _mean(Pace(50.0, slow=True), 1) > 2 * _mean(Pace(50.0), 1)
