"""The amber line: what it says of a hold, and what it leaves out first."""

from __future__ import annotations

import pytest

from inspector.model.flow import Hold, Moment
from inspector.tui.hold_words import clock, hold_line, reason
from inspector.tui.spans import plain, width_of
from tests.tui.detail_app import HOSTILE


def hold(**changes: object) -> Hold:
    """A hold of twelve seconds, in the middle of an answer that has come whole."""
    told: dict[str, object] = {"waiting": 3, "upstream_done": True, "kept_alive": 2, "gives_up": 601_000.0, **changes}
    moment, by = told.pop("moment", Moment.EVENT), told.pop("by", 'event tool:Bash arg.command~"rm "')
    return Hold(moment, by, 1000.0, **told)  # type: ignore[arg-type]


def test_everything_is_said_where_there_is_room() -> None:
    assert plain(hold_line(hold(), 13_000, 250)) == (
        ' ‖ HELD 0:12  before the next event · breakpoint event tool:Bash arg.command~"rm " · upstream finished, '
        "3 events waiting · client kept alive (2 pings), gives up in about 9:48"
    )


def test_who_stopped_it_is_left_out_last() -> None:
    assert plain(hold_line(hold(), 13_000, 80)).startswith(" ‖ HELD 0:12  breakpoint event tool:Bash")
    assert plain(hold_line(hold(), 13_000, 20)) == " ‖ HELD 0:12 "


@pytest.mark.parametrize("width", range(14, 200, 3))
def test_it_fits_its_line(width: int) -> None:
    assert width_of(hold_line(hold(), 13_000, width)) <= width


def test_a_client_that_is_about_to_give_up_is_urgent() -> None:
    assert ("late", "client waits 0:21 more") in hold_line(hold(by="hand"), 580_000, 60)
    assert ("late", "gives up in about 0:21") in hold_line(hold(by="hand"), 580_000, 200)
    assert ("late", "has probably given up") in hold_line(hold(by="hand"), 602_000, 200)


def test_nothing_is_said_of_what_is_not_known() -> None:
    line = plain(hold_line(hold(moment=Moment.REQUEST, by="hand", gives_up=None, kept_alive=0), 13_000, 200))
    assert line == " ‖ HELD 0:12  before the request goes upstream · by hand"


def test_where_it_stands_is_said_on_a_narrow_screen_too() -> None:
    line = plain(hold_line(hold(moment=Moment.REQUEST, by="hand", kept_alive=0), 13_000, 80))
    assert line == " ‖ HELD 0:12  before it goes upstream · by hand · client gives up in about 9:48"


def test_a_better_place_takes_the_place_of_the_moment() -> None:
    line = plain(hold_line(hold(by="hand"), 13_000, 200, "before tool call Bash reaches the agent"))
    assert "HELD 0:12  before tool call Bash reaches the agent · by hand" in line


@pytest.mark.parametrize(("seconds", "shown"), [(-3, "0:00"), (12.9, "0:12"), (588, "9:48"), (3723, "1:02:03")])
def test_the_clock(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


def test_who_stopped_a_flow_is_inert() -> None:
    assert reason("hand") == "by hand"
    assert reason("request model:opus") == "breakpoint request model:opus"
    assert reason(HOSTILE).isprintable()
