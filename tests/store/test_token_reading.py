"""A flow's tokens: read as they come or all at once, with the same outcome."""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterable

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.model.flow import Capture, Flow, Hold, Moment, Response
from inspector.model.headers import Headers
from inspector.model.token import Alternative, Token
from inspector.store.token_reading import TokenReading, with_chosen
from inspector.store.transcripts import Transcripts
from tests.captures import capture_flows
from tests.dialects.recorded import pieces
from tests.handmade import chat_flow, finish, respond, stream

WORDS = ("Hel", "lo", ", ", "w", "ör", "ld", "!")


def told(words: Iterable[str], delta: dict[str, object] | None = None, start: int = 0) -> bytes:
    """An event that brings words, each less probable than the one before."""
    entries = []
    for number, word in enumerate(words, start):
        logprob = -0.1 * (number + 1)
        others = [(word, logprob), (f"{word}2", logprob - 1), (f"{word}3", logprob - 2)]
        entries.append(entry(word, logprob) | {"top_logprobs": [entry(*other) for other in others]})
    delta = {"content": "".join(words)} if delta is None else delta
    choice = {"index": 0, "delta": delta, "logprobs": {"content": entries}, "finish_reason": None}
    return b"data: " + orjson.dumps({"choices": [choice]}) + b"\n\n"


def entry(token: str, logprob: float) -> dict[str, object]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode())}


def whole_stream(words: Iterable[str] = WORDS) -> list[bytes]:
    """A stream with an event for each word, and others between them."""
    chunks = [told([word], start=number) for number, word in enumerate(words)]
    return [b": hello\n\n", *chunks[:2], b'data: {"choices": [{"delta"\n\n', *chunks[2:], b"data: [DONE]\n\n"]


def read(flow: Flow, seconds: float = 10.0) -> TokenReading:
    """All that there is of a flow."""
    reading = TokenReading(flow)
    while reading.pull(seconds):
        pass
    return reading


def everything(reading: TokenReading) -> list[tuple[Token, tuple[Alternative, ...], float | None]]:
    """All that is known of each token."""
    places = range(len(reading.tokens))
    return [(reading.tokens[place], reading.alternatives(place), reading.perplexity(place)) for place in places]


def done(body: bytes, encoding: str = "", content_type: str = "text/event-stream") -> Flow:
    flow = respond(chat_flow(), content_type=content_type)
    assert flow.response is not None
    if encoding:
        flow.response.headers = flow.response.headers.set("Content-Encoding", encoding)
    return finish(stream(flow, [body]))


def test_a_token_knows_its_event_and_its_place() -> None:
    reading = read(done(b"".join([*whole_stream(), told(["a", "b"])])))
    assert [token.text for token in reading.tokens] == [*WORDS, "a", "b"]
    # A comment is an event, and so is what cannot be read.
    assert [token.event for token in reading.tokens] == [1, 2, 4, 5, 6, 7, 8, 10, 10]
    assert [token.place for token in reading.tokens] == [0] * 8 + [1]
    assert [other.text for other in reading.alternatives(8)] == ["b", "b2", "b3"]
    assert [other.text for other in reading.alternatives(0)] == ["Hel", "Hel2", "Hel3"]


@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(0, 4000), max_size=10), encoded=st.booleans())
def test_read_live_it_is_what_it_is_whole(cuts: list[int], encoded: bool) -> None:
    body = b"".join(whole_stream())
    whole = everything(read(done(body)))
    flow = respond(chat_flow())
    assert flow.response is not None
    if encoded:
        flow.response.headers = flow.response.headers.set("Content-Encoding", "gzip")
    reading, seen = TokenReading(flow), 0
    for piece in pieces(gzip.compress(body) if encoded else body, cuts):
        flow.response.body.append(1.0, piece)
        assert not reading.pull(10.0)
        assert reading.is_of(flow)
        assert everything(reading) == whole[: len(reading.tokens)]
        assert len(reading.tokens) >= seen
        seen = len(reading.tokens)
    finish(flow)
    assert not reading.pull(10.0)
    assert everything(reading) == whole


def test_it_reads_in_slices() -> None:
    flow = done(b"".join(whole_stream()))
    reading = TokenReading(flow)
    slices = 1
    while reading.pull(0.0):
        slices += 1
        assert len(reading.tokens) <= slices
    assert slices > len(WORDS)
    assert everything(reading) == everything(read(flow))


def test_encoded_bodies_and_documents() -> None:
    body = b"".join(whole_stream())
    whole = everything(read(done(body)))
    assert everything(read(done(gzip.compress(body), "gzip"))) == whole
    assert everything(read(done(body, "gzip"))) == whole
    choice = {"index": 0, "message": {"content": "ab"}, "logprobs": {"content": [entry("a", -1.0), entry("b", -2.0)]}}
    reading = read(done(gzip.compress(orjson.dumps({"choices": [choice]})), "gzip", "application/json"))
    assert [(token.text, token.event, token.place) for token in reading.tokens] == [("a", 0, 0), ("b", 0, 1)]
    assert reading.alternatives(1) == (Alternative(b"b", -2.0),)


def test_figures_run_with_the_tokens() -> None:
    reading = read(done(b"".join(whole_stream())))
    logprobs = [-0.1 * (number + 1) for number in range(len(WORDS))]
    for place in range(len(WORDS)):
        mean = sum(logprobs[: place + 1]) / (place + 1)
        assert reading.perplexity(place) == pytest.approx(math.exp(-mean))
    assert reading.certainty == Transcripts().of(reading.flow).answer.certainty
    assert reading.certainty.perplexity == reading.perplexity(len(WORDS) - 1)
    unknown = told(["a"]).replace(b'"logprob":-0.1', b'"logprob":null')
    assert read(done(unknown)).perplexity(0) is None


def test_what_was_said_before_is_of_the_same_channel_and_call() -> None:
    def call(index: int, arguments: str) -> dict[str, object]:
        return {"tool_calls": [{"index": index, "function": {"arguments": arguments}}]}

    halves = [told(["\ufffd"]).replace(b"[239,191,189]", half) for half in (b"[240,159]", b"[145,141]")]
    chunks = [
        told(["Hi"]),
        told(["hm"], {"reasoning": "hm"}),
        *halves,
        told(["{"], call(0, "{")),
        told(["["], call(1, "[")),
        told(["}"], call(0, "}")),
        told(["."]),
    ]
    reading = read(done(b"".join(chunks)))
    assert [reading.text_before(place) for place in range(8)] == ["", "", "Hi", "Hi\ufffd", "", "", "{", "Hi👍"]


def test_another_answer_is_another_reading() -> None:
    flow = done(b"".join(whole_stream()))
    reading = read(flow)
    assert reading.is_of(flow)
    assert not reading.is_of(done(b""))
    flow.delivered = Response(200, flow.response.headers if flow.response else Headers(()), "OK", Capture(told(["No"])))
    assert not reading.is_of(flow)
    assert [token.text for token in read(flow).tokens] == ["No"]
    flow.dialect = "raw"
    assert not reading.is_of(flow)
    raw = read(flow)
    assert raw.tokens == []
    assert raw.is_of(flow)


def test_a_held_answer_is_read_as_it_has_come() -> None:
    flow = stream(respond(chat_flow()), [told(["a"]), told(["b"])])
    reading = TokenReading(flow)
    flow.delivered = Response(200, Headers([("content-type", "text/event-stream")]), "OK", Capture())
    flow.hold = Hold(Moment.EVENT, "hand", 1.0)
    assert not reading.pull(1.0)
    assert [token.text for token in reading.tokens] == ["a", "b"]


def test_the_chosen_token_is_among_its_alternatives() -> None:
    first, second = Alternative(b"a", -0.5), Alternative(b"b", -2.0)
    assert with_chosen((first, second), Token(b"b", -2.0)) == (first, second)
    assert with_chosen((first, second), Token(b"c", -1.0)) == (first, Alternative(b"c", -1.0), second)
    assert with_chosen((first,), Token(b"c")) == (first, Alternative(b"c", None))
    assert with_chosen((), Token(b"c", -9999.0)) == (Alternative(b"c", -9999.0),)
    named = (Alternative(b"", -0.5, 7), Alternative(b"", -1.0, 8))
    assert with_chosen(named, Token(b"cat", -1.0, 8)) == (named[0], Alternative(b"cat", -1.0, 8))
    same = (Alternative(b"a", -0.5, 1), Alternative(b"a", -1.0, 2))
    assert with_chosen(same, Token(b"a", -3.0, 3)) == (*same, Alternative(b"a", -3.0, 3))


def test_recorded_answers_are_read_the_same_live_and_whole() -> None:
    found = 0
    for flow in capture_flows():
        whole = read(flow)
        if not whole.tokens:
            continue
        found += 1
        live = Flow(flow.id, flow.request, flow.started, dialect=flow.dialect, timing=flow.timing)
        assert flow.response is not None
        live.response = Response(flow.response.status, flow.response.headers, "OK")
        reading = TokenReading(live)
        for number in range(flow.response.body.chunks):
            live.response.body.append(flow.response.body.times[number], flow.response.body.chunk(number))
            reading.pull(10.0)
        live.end = flow.end
        reading.pull(10.0)
        assert everything(reading) == everything(whole)
        assert whole.certainty == Transcripts().of(flow).answer.certainty
    assert found >= 4


@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=300) | st.builds(lambda text: b"data: " + text + b"\n\n", st.binary(max_size=80)))
def test_bytes_of_any_kind_are_read(body: bytes) -> None:
    reading = read(done(body))
    assert reading.tokens == []
