"""Keys that ask where a flow belongs, how much of a thing it has, and when it was."""

from __future__ import annotations

import time
from datetime import datetime

import orjson
import pytest

from inspector.model.flow import Capture, Flow, Hold, Moment, Mutation
from inspector.store.filter_clock import clock
from inspector.store.filter_live import LiveAnswer
from inspector.store.filter_residual import earliest_moment, residual
from inspector.store.filters import parse
from inspector.store.lane import Cause, Lane, Place, Work
from inspector.store.transcripts import Transcripts
from inspector.store.view_order import reader
from tests.handmade import STARTED, chat_chunks, chat_flow, done_chat, respond


def placed(flow: Flow) -> Transcripts:
    """Somebody who knows that a flow is the third turn of a sub-agent, tried for the second time."""
    first, caller = chat_flow("first"), chat_flow("caller")
    first.seq = 7
    main = Lane("main", "The whole", flows=[caller])
    lane = Lane("L1", 'Fix the "parser"', session="s-123", parent=main, cause=Cause(caller, "call_1", "Task"))
    place = Place(lane, Work.TURN, 3, compacted=True, retry_of=first, attempt=2, storm=True)
    known = Transcripts()
    known.placed_by = lambda asked: place if asked is flow else None
    return known


@pytest.mark.parametrize(
    "text",
    [
        "lane:parser",
        "lane:=L1",
        'lane:"Fix the \\"parser\\""',
        "session:s-123",
        "work:turn",
        "work:compacted",
        "-work:title",
        "retry:*",
        "retry:7",
        "retry:storm",
        "caller:Task",
        "turn:3",
        "depth:1",
        "attempt:>1",
    ],
)
def test_filters_ask_where_a_flow_belongs(text: str) -> None:
    flow = done_chat()
    assert parse(text).errors == ()
    assert parse(text).matches(flow, placed(flow))
    if not text.startswith("-"):
        assert not parse(text).matches(chat_flow("other"), placed(flow))


def test_a_flow_in_no_turn_has_no_number_of_it() -> None:
    flow, known = done_chat(), Transcripts()
    place = Place(Lane("L1"), Work.TITLE)
    known.placed_by = lambda asked: place
    assert reader("turn")(flow, known) is None
    assert reader("retry")(flow, known) is None
    assert reader("caller")(flow, known) is None
    assert reader("depth")(flow, known) == 0


def test_the_place_is_settled_with_the_request_but_for_what_may_still_be_told() -> None:
    flow = respond(chat_flow())
    known = placed(flow)
    for text in ("lane:L1", "session:s-1", "work:turn", "retry:7", "turn:3", "depth:1", "attempt:2"):
        assert earliest_moment(parse(text).term) is Moment.REQUEST
        assert residual(parse(text).term, flow, known) is True
    assert residual(parse("turn:4").term, flow, known) is False
    for text in ("lane:parser", "retry:storm"):
        assert residual(parse(text).term, flow, known) == parse(text).term
    live = LiveAnswer(flow, known.of(flow), known.place(flow))
    term = parse("lane:parser retry:storm").term
    assert term is not None
    assert live.matches(term, None)


def rich() -> Flow:
    """A flow with a bit of everything."""
    flow = done_chat(chunks=chat_chunks(tool=("Bash", '{"command":"ls"}')))
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "hi"}, image]},
        {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "file.txt"},
    ]
    tools = [{"type": "function", "function": {"name": "Bash"}}]
    flow.request.body = Capture(orjson.dumps({"model": "gpt-5", "messages": messages, "tools": tools}))
    flow.mutations.append(Mutation("model", "a profile", "gpt-4", "gpt-5"))
    flow.injected = ("logprobs",)
    flow.timing.held, flow.timing.connected, flow.timing.added = 250.0, 21.5, 0.75
    flow.seq, flow.label = 42, "42.1"
    return flow


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("count.messages", 4),
        ("count.tools", 1),
        ("count.images", 1),
        ("count.results", 1),
        ("count.calls", 1),
        ("count.events", 6),
        ("count.chunks", 6),
        ("count.mutations", 1),
        ("in.cached", 80),
        ("in.written", None),
        ("out.reasoning", None),
        ("received", 1.0),
        ("connect", 20.0),
        ("head", 400.0),
        ("held", 250.0),
        ("added", 0.75),
        ("started", STARTED),
        ("system", "Be brief."),
        ("result", "file.txt"),
        ("declared", "Bash"),
        ("asked", "gpt-4"),
        ("injected", "logprobs"),
        ("number", "42.1"),
        ("hold", None),
        ("state", "done, edited"),
    ],
)
def test_what_the_screen_shows_has_a_key(key: str, expected: object) -> None:
    flow, known = rich(), Transcripts()
    assert reader(key)(flow, known) == expected
    assert reader(key)(flow, known) == expected


def test_the_two_bodies_have_sizes_of_their_own() -> None:
    flow, known = rich(), Transcripts()
    assert flow.response is not None
    assert reader("size.request")(flow, known) == len(flow.request.body)
    assert reader("size.response")(flow, known) == len(flow.response.body)
    assert reader("size.response")(chat_flow(), known) is None


def test_a_flow_that_is_held_says_by_whom() -> None:
    flow = chat_flow()
    flow.hold = Hold(Moment.REQUEST, "hand", 2.0)
    assert parse("hold:hand hold:request state:held -held:*").matches(flow, Transcripts())


def test_a_flow_that_changed_after_its_end_is_asked_anew() -> None:
    flow, known = rich(), Transcripts()
    assert reader("count.messages")(flow, known) == 4
    flow.request = flow.request.with_body(b"{}")
    flow.revision += 1
    assert reader("count.messages")(flow, known) == 0


def test_those_who_know_flows_share_nothing() -> None:
    one, other = rich(), done_chat()
    known = Transcripts(), Transcripts()
    assert [reader("count.messages")(flow, each) for flow, each in zip((one, other), known, strict=True)] == [4, 1]
    assert reader("count.messages")(other, known[0]) == 1


def test_a_time_is_a_stretch_of_the_local_day() -> None:
    begins, lasts = clock("2025-11-21")
    assert datetime.fromtimestamp(begins) == datetime(2025, 11, 21)
    assert 80_000 < lasts < 95_000
    assert clock("2025-11-21T14:30") == (datetime(2025, 11, 21, 14, 30).timestamp(), 60.0)
    assert clock("2025-11-21_14:30:05")[1] == 1.0
    assert datetime.fromtimestamp(clock("14:30")[0]).strftime("%H:%M:%S") == "14:30:00"
    before, ago, after = time.time(), clock("-10m")[0], time.time()
    assert before <= ago + 600.001 and ago + 599.999 <= after


@pytest.mark.parametrize("text", ["", "10", "25:00", "2025-13-01", "2025-11-21T", "9999999-01-01", "noon"])
def test_what_is_no_time_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="no time"):
        clock(text)


def test_filters_ask_for_the_time() -> None:
    flow, known = done_chat(), Transcripts()
    day = f"{datetime.fromtimestamp(STARTED):%Y-%m-%d}"
    minute = f"{datetime.fromtimestamp(STARTED):%Y-%m-%dT%H:%M}"
    for text in (f"started:{day}", f"started:{minute}", f"started:>={minute}", f"started:{day}..2100-01-01"):
        assert parse(text).errors == ()
        assert parse(text).matches(flow, known)
    for text in ("started>-1h", f"started:<{day}", "started:2100-01-01"):
        assert parse(text).errors == ()
        assert not parse(text).matches(flow, known)
