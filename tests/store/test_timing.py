"""Phases follow one another without a hole, holds are told apart, and the pace adds up."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.model.flow import Capture, Flow, Hold, Moment, Reason, Timing
from inspector.store.lane import Lane, Place, Work
from inspector.store.timing import Stage, before_upstream, beside, phases, rates
from inspector.store.transcripts import Transcripts
from tests.handmade import chat_chunks, chat_flow, done_chat, finish, respond, stream

S = Stage


def spans(flow: Flow, first_token: float | None = None) -> list[tuple[Stage, float, float | None]]:
    """The phases as stage, start and end."""
    return [(phase.stage, phase.start, phase.end) for phase in phases(flow, first_token)]


def whole() -> Flow:
    """A flow of which every milestone is known."""
    flow = done_chat()
    flow.timing = Timing(1.0, 1.5, 400.0, 1000.0, held_request=0.0, held_head=0.0, connected=40.0, reused=False)
    return flow


def test_every_milestone_ends_a_phase() -> None:
    assert spans(whole(), 510.0) == [
        (S.REQUEST, 0.0, 1.0),
        (S.RULES, 1.0, 1.5),
        (S.CONNECT, 1.5, 40.0),
        (S.HEAD, 40.0, 400.0),
        (S.FIRST_BYTE, 400.0, 500.0),
        (S.FIRST_TOKEN, 500.0, 510.0),
        (S.ANSWER, 510.0, 540.0),
        (S.END, 540.0, 1000.0),
    ]


def test_what_is_not_known_is_part_of_the_next() -> None:
    flow = done_chat()
    assert spans(flow)[:3] == [(S.REQUEST, 0.0, 1.0), (S.RULES, 1.0, 1.5), (S.HEAD, 1.5, 400.0)]
    flow.timing.forwarded = None
    assert spans(flow)[:2] == [(S.REQUEST, 0.0, 1.0), (S.HEAD, 1.0, 400.0)]


def test_a_live_flow_has_one_phase_that_goes_on() -> None:
    flow = chat_flow()
    assert spans(flow)[-1] == (S.CONNECT, 1.5, None)
    flow.timing.connected = 30.0
    assert spans(flow)[-1] == (S.HEAD, 30.0, None)
    stream(respond(flow), chat_chunks()[:2])
    assert spans(flow, 500.0)[-1] == (S.ANSWER, 500.0, None)
    assert phases(flow, 500.0)[-1].took(750.0) == 250.0


def test_a_flow_that_failed_stops_where_it_stood() -> None:
    flow = finish(chat_flow(), Reason.UPSTREAM_UNREACHABLE, at=90.0)
    assert spans(flow)[-1] == (S.END, 1.5, 90.0)


def test_holds_stand_where_they_were() -> None:
    flow = whole()
    flow.timing.forwarded, flow.timing.connected = 301.5, 310.0
    flow.timing.held, flow.timing.held_request, flow.timing.held_head = 350.0, 300.0, 50.0
    assert spans(flow, 510.0)[1:3] == [(S.RULES, 1.0, 1.5), (S.HELD, 1.5, 301.5)]
    assert spans(flow, 510.0)[5:7] == [(S.HELD, 400.0, 450.0), (S.FIRST_BYTE, 450.0, 500.0)]
    assert before_upstream(flow) == pytest.approx(0.5)


def test_a_hold_in_the_answer_was_somewhere_in_it() -> None:
    flow = whole()
    flow.timing.held = 120.0
    last = phases(flow, 510.0)[-1]
    assert (last.stage, last.start, last.end, last.within) == (S.HELD, 400.0, 1000.0, 120.0)
    assert last.took(0.0) == 120.0


def test_an_older_file_does_not_say_where_a_hold_was() -> None:
    flow = done_chat()
    flow.timing.held = 120.0
    assert phases(flow, None)[-1] == phases(flow, None)[-1].__class__(S.HELD, 0.0, 1000.0, 120.0)


@pytest.mark.parametrize("moment", [Moment.EVENT, Moment.END])
def test_an_answer_that_is_held_now_grows_in_amber(moment: Moment) -> None:
    flow = stream(respond(chat_flow()), chat_chunks())
    flow.hold = Hold(moment, "hand", 600.0, upstream_done=True)
    assert spans(flow, 500.0)[-3:] == [(S.ANSWER, 500.0, 540.0), (S.END, 540.0, None), (S.HELD, 600.0, None)]


def test_a_request_that_is_held_now_goes_no_further() -> None:
    flow = chat_flow()
    flow.timing.forwarded, flow.hold = None, Hold(Moment.REQUEST, "hand", 4.0)
    assert spans(flow) == [(S.REQUEST, 0.0, 1.0), (S.RULES, 1.0, 4.0), (S.HELD, 4.0, None)]


def test_a_head_that_is_held_now_goes_no_further() -> None:
    flow = respond(chat_flow())
    flow.hold = Hold(Moment.HEAD, "hand", 401.0)
    assert spans(flow)[-1] == (S.HELD, 400.0, None)


def test_a_request_that_was_answered_or_dropped_while_it_was_held() -> None:
    answered = done_chat()
    answered.timing.forwarded, answered.timing.held, answered.timing.held_request = None, 350.0, 350.0
    answered.timing.held_head = 0.0
    assert spans(answered)[1:3] == [(S.RULES, 1.0, 50.0), (S.HELD, 50.0, 400.0)]
    dropped = chat_flow()
    dropped.timing.forwarded, dropped.timing.held = None, 80.0
    finish(dropped, Reason.DROPPED, "hand", at=90.0)
    assert spans(dropped) == [(S.REQUEST, 0.0, 1.0), (S.RULES, 1.0, 10.0), (S.HELD, 10.0, 90.0)]


moments = st.none() | st.floats(0, 1e5)


@settings(max_examples=200, deadline=None)
@given(st.builds(Timing, *[moments] * 4, st.floats(0, 1e4), *[moments] * 5), st.booleans(), st.booleans(), moments)
def test_phases_follow_one_another(timing: Timing, streamed: bool, over: bool, token: float | None) -> None:
    flow = chat_flow()
    flow.timing, timing.ended = timing, None
    if streamed:
        timing_head = timing.head
        stream(respond(flow), chat_chunks(), start=600.0)
        timing.head = timing_head
    if over:
        finish(flow, at=2000.0)
    found = [phase for phase in phases(flow, token) if phase.within is None]
    assert found[0].start == 0.0
    for one, other in pairwise(found):
        assert one.end == other.start
        assert one.start < one.end
    assert (found[-1].end is None) == flow.live
    if over:
        assert found[-1].end is not None and found[-1].end >= 2000.0


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.1, 500), st.integers(1, 400)), min_size=2, max_size=40),
    st.integers(1, 5000),
    st.integers(1, 50),
)
def test_the_pace_adds_up_to_the_tokens(chunks: list[tuple[float, int]], tokens: int, slices: int) -> None:
    body, at = Capture(), 100.0
    for gap, size in chunks:
        body.append(at := at + gap, b"x" * size)
    start = body.times[0]
    speeds = rates(body, start, tokens, slices)
    seconds = (body.times[-1] - start) / 1000 / slices
    assert len(speeds) == slices
    assert sum(speed * seconds for speed in speeds) == pytest.approx(tokens)


def test_one_moment_has_no_pace() -> None:
    assert rates(Capture(b"abc"), 0.0, 10, 8) == []
    assert rates(Capture(), 0.0, 10, 8) == []


def test_a_turn_beside_the_others_of_its_lane() -> None:
    flows = [done_chat(f"f{number}") for number in range(4)]
    for number, flow in enumerate(flows):
        flow.seq = number + 1
        stream(respond(flow), chat_chunks(), start=1000.0 * number + 500, gap=10.0)
    lane, transcripts = Lane("f0", flows=flows), Transcripts()
    transcripts.placed_by = lambda flow: Place(lane, Work.TITLE if flow is flows[0] else Work.TURN)
    place = Place(lane)
    assert beside(flows[3], place, transcripts, 0.0).unread == 2
    found = beside(flows[3], place, transcripts, 10.0)
    assert (found.turns, found.first_token, found.unread) == (2, 2000.0, 0)
    assert found.rate == pytest.approx(500.0)


def test_a_large_turn_is_not_read_only_to_be_compared_with() -> None:
    large = done_chat("large")
    large.request.body = Capture(b" " * (1 << 20) + bytes(large.request.body))
    lane, transcripts = Lane("l", flows=[large, this := done_chat("this")]), Transcripts()
    assert beside(this, Place(lane), transcripts, 10.0).turns == 0
    transcripts.summary(large)
    assert beside(this, Place(lane), transcripts, 0.0).turns == 1
