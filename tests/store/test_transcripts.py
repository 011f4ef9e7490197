"""Transcripts: incremental, cached, and the same however they were come by."""

from __future__ import annotations

import gzip
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.model.flow import Capture, Flow, Reason
from inspector.model.headers import Headers
from inspector.store.alignment import Steps
from inspector.store.alignment import finish as walk
from inspector.store.transcripts import LARGE, Transcripts
from tests.captures import capture_flows
from tests.handmade import chat_chunks, chat_flow, chat_request, done_chat, finish, respond, stream


def test_it_grows_with_the_flow() -> None:
    flow = chat_flow()
    flow.timing.received = None
    transcripts = Transcripts()
    transcript = transcripts.of(flow)
    assert transcript.prompt.messages == []

    flow.timing.received = 1.0
    assert transcripts.of(flow) is transcript
    assert transcript.prompt.messages[0].text() == "Say hello"
    assert transcript.answer.choices == []

    first, *rest = chat_chunks()
    stream(respond(flow), [first[:10]], start=450)
    assert transcripts.of(flow).first_token is None
    stream(flow, [first[10:]])
    assert transcripts.of(flow).answer.choices[0].text() == "Hel"
    assert transcript.first_token == 500.0
    stream(flow, rest, start=510)
    finish(flow)
    transcripts.of(flow)
    assert transcript.answer.complete
    assert transcript.answer.choices[0].text() == "Hello!"
    assert transcript.first_token == 500.0
    assert transcript.notes == []


def test_what_is_thrown_away_comes_back_equal() -> None:
    flows = [done_chat(str(number), prompt=str(number)) for number in range(5)]
    transcripts = Transcripts(limit=2)
    first = [transcripts.of(flow) for flow in flows]
    again = [transcripts.of(flow) for flow in flows]
    assert first == again
    assert all(one is not two for one, two in zip(first, again, strict=True))
    assert transcripts.of(flows[-1]) is again[-1]


def test_large_flows_are_kept_by_their_size() -> None:
    small, large = done_chat("small"), done_chat("large", prompt="x" * 5000)
    transcripts = Transcripts(budget=4000)
    kept = transcripts.of(small)
    assert transcripts.of(small) is kept
    big = transcripts.of(large)
    assert transcripts.of(large) is big
    assert transcripts.of(small) is not kept


def test_a_summary_is_worked_out_once_for_a_state() -> None:
    flow = respond(chat_flow())
    transcripts = Transcripts()
    before = transcripts.summary(flow)
    assert transcripts.summary(flow) is before
    stream(flow, chat_chunks())
    after = transcripts.summary(flow)
    assert (before.words, after.words) == ("", "Hello!")
    finish(flow)
    assert transcripts.summary(flow) is not after


def test_summaries_are_bounded() -> None:
    flows = [done_chat(str(number)) for number in range(3)]
    transcripts = Transcripts(summaries=2)
    first = [transcripts.summary(flow) for flow in flows]
    assert transcripts.summary(flows[2]) is first[2]
    assert transcripts.summary(flows[0]) is not first[0]
    assert transcripts.summary(flows[0]) == first[0]


def test_another_flow_of_the_same_id_is_another() -> None:
    transcripts = Transcripts()
    assert transcripts.of(done_chat("f", prompt="one")).prompt.messages[0].text() == "one"
    assert transcripts.of(done_chat("f", prompt="two")).prompt.messages[0].text() == "two"
    assert transcripts.summary(done_chat("f", prompt="three")).prompt == "three"


def test_a_flow_that_is_changed_behind_is_read_anew() -> None:
    flow = done_chat()
    transcripts = Transcripts()
    before = transcripts.of(flow)
    flow.forwarded = flow.request.copy(body=Capture(chat_request("Say goodbye")))
    assert transcripts.of(flow).prompt.messages[0].text() == "Say goodbye"
    assert transcripts.of(flow) is not before
    flow.dialect = "raw"
    assert transcripts.of(flow).prompt.messages == []


def test_malformed_input_becomes_a_note() -> None:
    flow = done_chat(chunks=[b"data: {nonsense\n\n", *chat_chunks()])
    flow.request = flow.request.copy(body=Capture(b"not json"))
    transcript = Transcripts().of(flow)
    assert transcript.answer.choices[0].text() == "Hello!"
    assert [note.partition(":")[0] for note in transcript.notes] == ["request", "event 1"]


def test_an_encoded_body_is_read_and_a_wrong_label_noted() -> None:
    flow = chat_flow()
    encoding = Headers([("content-encoding", "gzip")])
    flow.request = flow.request.copy(headers=encoding, body=Capture(gzip.compress(chat_request())))
    assert Transcripts().of(flow).prompt.messages[0].text() == "Say hello"
    flow.request = flow.request.copy(body=Capture(b"\x1f\x8b\x00\x00nonsense"))
    notes = Transcripts().of(flow).notes
    assert notes
    assert all(note.startswith("request: ") for note in notes)


@pytest.mark.parametrize("reason", [Reason.DONE, Reason.UPSTREAM_RESET, Reason.CLIENT_GONE])
def test_a_cut_stream_is_noted(reason: Reason) -> None:
    flow = stream(respond(chat_flow()), chat_chunks()[:2])
    transcripts = Transcripts()
    assert transcripts.of(flow).notes == []
    finish(flow, reason)
    assert transcripts.of(flow).notes == ["the answer stops before its end"]
    assert transcripts.of(flow).answer.choices[0].text() == "Hello!"


def test_an_http_error_is_read_too() -> None:
    flow = respond(chat_flow(), 429, "application/json")
    stream(flow, [b'{"error": {"message": "slow down", "type": "rate_limit"}}'])
    transcript = Transcripts().of(finish(flow))
    assert transcript.answer.error is not None
    assert "slow down" in transcript.answer.error
    assert transcript.notes == []


def test_a_flow_without_a_response_is_only_a_prompt() -> None:
    transcript = Transcripts().of(finish(chat_flow(), Reason.UPSTREAM_UNREACHABLE))
    assert transcript.prompt.model == "gpt-5-mini"
    assert transcript.notes == []
    assert not transcript.answer.complete


def recut(flow: Flow, cuts: list[int]) -> Flow:
    """The same flow, its response cut elsewhere."""
    assert flow.response is not None
    data = bytes(flow.response.body)
    flow.response.body = Capture()
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in pairwise(edges):
        flow.response.body.append(500.0, data[start:end])
    return flow


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 10_000), max_size=8), st.integers(0, 9))
def test_cuts_and_looks_do_not_matter(cuts: list[int], look: int) -> None:
    chunks = chat_chunks(("Grüße, ", "\u2028", "Welt"), tool=("Bash", '{"command": "ls"}'))
    whole = recut(done_chat(chunks=chunks), cuts)
    expected = Transcripts().of(recut(done_chat(chunks=chunks), []))
    assert whole.response is not None

    flow = respond(chat_flow())
    assert flow.response is not None
    transcripts = Transcripts()
    for index in range(whole.response.body.chunks):
        if index == look:
            transcripts.of(flow)
        flow.response.body.append(500.0, whole.response.body.chunk(index))
    assert transcripts.of(finish(flow)) == expected


def test_every_capture_reads_the_same_at_once_and_in_pieces() -> None:
    for flow in capture_flows():
        assert flow.response is not None
        at_once = Transcripts().of(flow)
        body, end = flow.response.body, flow.end
        flow.response.body, flow.end = Capture(), None
        transcripts = Transcripts()
        for index in range(body.chunks):
            flow.response.body.append(body.times[index], body.chunk(index))
            transcripts.of(flow)
        flow.end = end
        assert transcripts.of(flow) == at_once


@pytest.fixture
def all_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every flow counts as large."""
    monkeypatch.setattr("inspector.store.transcripts.LARGE", 1)


def read_ahead(transcripts: Transcripts, flow: Flow) -> None:
    """Ask until the thread is done."""
    for _ in range(2000):
        if transcripts.ready(flow):
            return
        time.sleep(0.005)
    raise AssertionError("never read")


@pytest.mark.usefixtures("all_are_large")
def test_a_large_flow_is_read_in_a_thread_to_the_same_transcript() -> None:
    flow = done_chat()
    transcripts = Transcripts()
    assert not transcripts.ready(flow)
    read_ahead(transcripts, flow)
    assert transcripts.of(flow) == Transcripts().of(flow)
    assert transcripts.ready(flow)


@pytest.mark.usefixtures("all_are_large")
def test_who_needs_a_large_flow_at_once_gets_it() -> None:
    flow = done_chat()
    transcripts = Transcripts()
    transcripts.ready(flow)
    assert transcripts.of(flow).answer.complete
    assert transcripts.ready(flow)


@pytest.mark.usefixtures("all_are_large")
def test_of_a_large_flow_that_lives_the_request_is_read_ahead_and_the_answer_as_it_comes() -> None:
    flow = respond(chat_flow())
    transcripts = Transcripts()
    transcripts.ready(flow)
    read_ahead(transcripts, flow)
    stream(flow, chat_chunks())
    assert transcripts.of(flow).answer.choices[0].text() == "Hello!"
    assert transcripts.ready(flow)
    flow.forwarded = flow.request.with_body(chat_request("Something else"))
    assert not transcripts.ready(flow)
    read_ahead(transcripts, flow)
    assert transcripts.of(flow).prompt.messages[0].text() == "Something else"


def test_small_flows_and_those_whose_request_is_still_coming_are_ready() -> None:
    flow = chat_flow(prompt="x" * 2_000_000)
    flow.timing.received = None
    assert Transcripts().ready(flow)
    assert Transcripts().ready(done_chat())


@pytest.mark.usefixtures("all_are_large")
def test_the_answer_of_a_large_flow_can_be_had_without_reading_its_request() -> None:
    flow = done_chat()
    transcripts = Transcripts()
    answered = transcripts.answered(flow)
    assert answered.answer == Transcripts().of(flow).answer
    assert not answered.prompt.messages
    assert not transcripts.weight
    assert transcripts.answered(flow) == answered
    known = transcripts.of(flow)
    assert transcripts.answered(flow) is known


def _count(number: int) -> Steps[int]:
    for _ in range(number):
        yield
    return 10 // number


@pytest.mark.parametrize("size", [0, LARGE])
def test_steps_give_the_same_here_and_in_the_thread(size: int) -> None:
    transcripts = Transcripts()
    assert walk(transcripts.through(_count(5), size)) == 2
    with pytest.raises(ZeroDivisionError):
        walk(transcripts.through(_count(0), size))
