"""Numbers for a glance: short, of bounded width, and never wrong by rounding."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.tui import format


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (None, "–"),
        (0, "0"),
        (87, "87"),
        (999, "999"),
        (1000, "1k"),
        (41_900, "41.9k"),
        (99_949, "99.9k"),
        (99_960, "100k"),
        (119_800, "120k"),
        (999_499, "999k"),
        (999_600, "1M"),
        (1_234_567, "1.2M"),
        (-1500, "-1.5k"),
    ],
)
def test_counts(number: int | None, shown: str) -> None:
    assert format.count(number) == shown


@given(st.integers(0, 10**18))
@settings(max_examples=200, deadline=None)
def test_a_count_fits_five_cells_and_is_near_the_truth(number: int) -> None:
    shown = format.count(number)
    assert len(shown) <= 5
    if shown != "∞":
        unit = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}.get(shown[-1], 1)
        assert abs(float(shown.rstrip("kMGT")) * unit - number) <= 0.0505 * max(number, 1) / 1


def test_an_estimate_is_marked() -> None:
    assert format.estimate(87, True) == "~87"
    assert format.estimate(87, False) == "87"
    assert format.estimate(None, True) == "–"


@pytest.mark.parametrize(
    ("ms", "shown"),
    [
        (None, "–"),
        (-3.0, "0ms"),
        (45.2, "45ms"),
        (99.6, "0.1s"),
        (812.0, "0.8s"),
        (12_340.0, "12.3s"),
        (99_960.0, "1m40"),
        (245_000.0, "4m05"),
        (7_300_000.0, "2h"),
    ],
)
def test_durations(ms: float | None, shown: str) -> None:
    assert format.duration(ms) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(-5, "0s"), (8.9, "8s"), (61, "1m"), (7300, "2h"), (500_000, "5d"), (10**12, "999d")]
)
def test_ages(seconds: float, shown: str) -> None:
    assert format.age(seconds) == shown


@pytest.mark.parametrize(("part", "shown"), [(None, "–"), (0.0, "0%"), (0.976, "98%"), (0.9999, "99%"), (1.0, "100%")])
def test_shares(part: float | None, shown: str) -> None:
    assert format.share(part) == shown


def test_rates_and_milliseconds() -> None:
    assert [format.rate(value) for value in (None, 0.44, 9.96, 58.4, 1234.0)] == ["–", "0.4", "10", "58", "1.2k"]
    assert [format.milliseconds(value) for value in (None, 0.31, 9.96, 170.2)] == ["– ms", "0.3 ms", "10 ms", "170 ms"]


def test_a_sparkline_shows_what_is_small() -> None:
    assert format.sparkline((0.0, 0.01, 0.5, 1.0, 7.0)) == " ▁▄██"
    assert format.sparkline(()) == ""


@pytest.mark.parametrize(
    ("model", "shown"),
    [
        ("claude-opus-4-5-20251101", "opus-4-5"),
        ("gpt-5-mini-2025-08-07", "gpt-5-mini"),
        ("anthropic/claude-sonnet-4-5", "sonnet-4-5"),
        ("claude-", "claude-"),
        ("", ""),
    ],
)
def test_model_names_lose_what_they_share(model: str, shown: str) -> None:
    assert format.short_model(model) == shown


@pytest.mark.parametrize(
    ("dollars", "shown"),
    [
        (None, "–"),
        (0.0, "$0"),
        (0.000_001, "<.01¢"),
        (0.000_047, "<.01¢"),
        (0.001_2, "0.12¢"),
        (0.009_94, "0.99¢"),
        (0.009_96, "$0.010"),
        (0.042, "$0.042"),
        (0.999_9, "$1.00"),
        (3.414, "$3.41"),
        (99.996, "$100"),
        (1234.0, "$1.2k"),
        (1e40, "$∞"),
    ],
)
def test_money(dollars: float | None, shown: str) -> None:
    assert format.money(dollars) == shown


@given(st.floats(0, 1e300))
def test_money_fits_six_cells(dollars: float) -> None:
    assert len(format.money(dollars)) <= 6


def test_waits() -> None:
    assert [format.wait(seconds) for seconds in (0, 0.12, 1.5, 12, 245, 1e300)] == [
        "0ms",
        "0.1s",
        "1.5s",
        "12s",
        "4m05",
        "277777h",
    ]
