"""Breakpoints as they are written, listed and switched."""

from __future__ import annotations

import pytest

from inspector.model.flow import Moment
from inspector.rules.breakpoints import Breakpoints, WrongFilter, parse_breakpoint
from inspector.store.filters import parse


@pytest.mark.parametrize(
    ("text", "moment", "filter_text"),
    [
        ("agent:codex", Moment.REQUEST, "agent:codex"),
        ("parser model:opus", Moment.REQUEST, "parser model:opus"),
        ("status:>=400", Moment.HEAD, "status:>=400"),
        ('tool:Bash arg.command~"rm "', Moment.EVENT, 'tool:Bash arg.command~"rm "'),
        ("  END  tool:Bash ", Moment.END, "tool:Bash"),
        ("event agent:codex", Moment.EVENT, "agent:codex"),
        ("request", Moment.REQUEST, ""),
        ("end\tagent:a", Moment.END, "agent:a"),
        ("end:unreachable", Moment.END, "end:unreachable"),
        ('"request"', Moment.REQUEST, '"request"'),
    ],
)
def test_a_breakpoint_is_read(text: str, moment: Moment, filter_text: str) -> None:
    found = parse_breakpoint(text)
    assert (found.moment, found.filter, found.on, found.hits) == (moment, parse(filter_text), True, 0)
    again = parse_breakpoint(str(found))
    assert (again.moment, again.filter) == (moment, found.filter)


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "a filter, a moment"), ("event in:x", "x is not a number"), ("agnet:x", "no key agnet"), ("()", "nothing")],
)
def test_what_means_nothing_is_refused_in_words(text: str, words: str) -> None:
    told: list[bool] = []
    breakpoints = Breakpoints(changed=lambda: told.append(True))
    with pytest.raises(ValueError, match=words):
        breakpoints.add(text)
    assert not list(breakpoints)
    assert not told


def test_breakpoints_are_listed_switched_and_taken_out() -> None:
    told: list[int] = []
    breakpoints = Breakpoints(["request agent:a"], changed=lambda: told.append(len(breakpoints)))
    added = breakpoints.add("event tool:Bash")
    assert breakpoints.active(Moment.EVENT, Moment.END) == [added]
    breakpoints.switch(added)
    assert not breakpoints.active(Moment.EVENT)
    breakpoints.switch(added)
    breakpoints.remove(added)
    assert not added.on
    assert [str(each) for each in breakpoints] == ["request agent:a"]
    (left,) = breakpoints
    breakpoints.restore([added])
    assert list(breakpoints) == [added]
    assert not left.on
    assert told == [2, 2, 2, 1]


@pytest.mark.parametrize(
    ("text", "moment"),
    [("request tool:Bash", "event"), ("request model:x in:>5", "event"), ("request status:500", "head")],
)
def test_a_moment_at_which_it_could_never_hold_is_refused(text: str, moment: str) -> None:
    with pytest.raises(WrongFilter, match=f"cannot hold at request.*from {moment} on"):
        parse_breakpoint(text)


@pytest.mark.parametrize("text", ["request model:x or status:500", "request -tool:Bash", 'request "words"', "request"])
def test_a_moment_at_which_it_may_hold_is_taken(text: str) -> None:
    assert parse_breakpoint(text).moment is Moment.REQUEST
