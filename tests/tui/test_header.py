"""The first line: what matters most stays where there is little room."""

from __future__ import annotations

from dataclasses import replace

from rich.cells import cell_len

from inspector.tui.header import Figures, arrange

FULL = Figures("127.0.0.1:7077", True, "observe", 3, 128, 1_200_000, 48_000, 0.92, 3.41, 0.31, 2.2)


def line(figures: Figures, width: int) -> str:
    """The header as text."""
    return "".join(text for text, _ in arrange(figures, width))


def test_a_wide_header_says_everything() -> None:
    shown = line(FULL, 160)
    for piece in (
        "● 127.0.0.1:7077",
        "observe",
        "3 live",
        "128 flows",
        "↑1.2M ↓48k",
        "cache 92%",
        "$3.41",
        "+0.3 ms",
        "⟳ 2.2 ms",
    ):
        assert piece in shown
    assert shown.index("observe") < shown.index("3 live") < shown.index("↑1.2M")


def test_it_fits_every_width_but_the_name() -> None:
    for width in range(11, 200):
        assert cell_len(line(FULL, width)) == width


def test_eighty_columns_keep_place_flows_and_our_own_cost() -> None:
    shown = line(FULL, 80)
    for piece in ("127.0.0.1:7077", "3 live", "128 flows", "$3.41", "+0.3 ms", "⟳ 2.2 ms"):
        assert piece in shown


def test_a_cost_that_nobody_knows_is_left_out() -> None:
    assert "$" not in line(replace(FULL, cost=None), 160)
    assert "$0 " in line(replace(FULL, cost=0.0), 160)


def test_a_file_has_a_name_and_no_listener() -> None:
    shown = line(replace(FULL, place="run\x1b[31m.jsonl", listening=False), 160)
    assert "▤ run␛[31m.jsonl" in shown
    assert "live" not in shown
    assert "+0.3 ms" not in shown


def test_a_late_loop_and_an_unread_log_stand_out() -> None:
    tones = dict(arrange(replace(FULL, lag_ms=80.0, unread=2), 160))
    assert tones["  ⟳ 80 ms "] == "late"
    assert tones["  ! 2 in the log"] == "late"


def test_what_is_held_stands_out_and_stays() -> None:
    figures = replace(FULL, held=1, hold_requests=True)
    tones = dict(arrange(figures, 160))
    assert tones["  1 held"] == "held"
    assert tones["  ‖ next requests"] == "held"
    for piece in ("1 held", "‖ next requests", "3 live"):
        assert piece in line(figures, 80)
    assert "held" not in line(FULL, 160)


def test_what_is_kept_is_said_calmly_and_what_is_not_in_red() -> None:
    kept = replace(FULL, kept="2026-11-21T14-03-22-claude")
    assert "● rec" in line(kept, 80) and "● rec 2026-11-21T14-03-22-claude" in line(kept, 200)
    assert dict(arrange(kept, 80))["  ● rec"] == "muted"
    stopped = replace(kept, stopped="not recorded since 14:03", why="No space left on device")
    for width, why in ((80, False), (120, True)):
        shown = line(stopped, width)
        assert "⚠ not recorded since 14:03" in shown and "3 live" in shown and "rec " not in shown
        assert ("No space left on device" in shown) == why
    assert dict(arrange(stopped, 80))["  ⚠ not recorded since 14:03"] == "failed"
    assert "leaving · 2 in flight" in line(replace(stopped, leaving="leaving · 2 in flight, 9 s · q now"), 100)
