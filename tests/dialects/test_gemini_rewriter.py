"""Gemini answers that are edited on their way: what the client gets is exactly the edited message."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inspector.dialects._gemini_rewriter import GeminiRewriter
from inspector.model.edits import Edits
from inspector.model.message import Answer, Message, Part, Reasoning, Text, ToolCall
from tests.dialects.chat_edits import events_of
from tests.dialects.gemini_edits import (
    PARTS,
    WORDS,
    call,
    chunk,
    edited,
    message_of,
    said,
    stream,
    text,
    thought,
)
from tests.dialects.gemini_sdk import DIALECT, Google, by_sdk, google
from tests.dialects.recorded import Recorded, parameters, payloads, recorded

Json = dict[str, Any]

WRITER = DIALECT.writer
assert WRITER is not None

HELLO = stream(
    chunk({"text": "Let me ", "thought": True}),
    chunk({"text": "see.", "thought": True}),
    chunk({"text": "Hel"}),
    chunk({"text": "lo"}, {"functionCall": {"name": "Bash", "args": {"a": 1}}, "thoughtSignature": "seal"}),
    chunk({"text": "bye"}),
    chunk(finish="STOP", usageMetadata={"promptTokenCount": 3, "candidatesTokenCount": 5, "totalTokenCount": 8}),
)
"""Thoughts, text, a call, text."""


@pytest.fixture(scope="module")
def server() -> Iterator[Google]:
    """One server for all streams."""
    with google() as running:
        yield running


def upstream(parts: list[Part]) -> bytes:
    """A stream that says these parts."""
    assert WRITER is not None
    whole = Answer(id="r", model="g", choices=[Message("assistant", parts)])
    return b"".join(WRITER.stream(whole, {})).replace(b"\n\n", b"\r\n\r\n")


def merged(parts: list[Part]) -> list[Part]:
    """Neighbours of one kind as one part."""
    return message_of(upstream(parts)).parts if parts else []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(PARTS, st.data())
def test_the_client_gets_the_edited_message(server: Google, model: list[Part], data: st.DataObject) -> None:
    body = upstream(model)
    model = message_of(body).parts
    new = (
        st.none() | WORDS.map(text) | WORDS.map(thought) | WORDS.map(lambda word: call("Edit", json.dumps(word and {})))
    )
    places = st.integers(0, max(len(model) - 1, 0))
    replaced = data.draw(st.dictionaries(places, new, max_size=3)) if model else {}
    added = data.draw(st.lists(WORDS.map(text) | WORDS.map(thought), max_size=1))
    got = edited(body, Edits({**replaced}, [*added]))
    wanted = [replaced.get(index, part) for index, part in enumerate(model)]
    expected = said([part for part in [*wanted, *added] if part is not None])
    assert said(message_of(got).parts) == expected
    assert by_sdk(server, got, stream=True).said == expected
    assert message_of(got).finish_reason == "STOP"


@given(PARTS, st.integers(0, 30), WORDS)
def test_words_go_on_behind_what_was_delivered(model: list[Part], delivered: int, more: str) -> None:
    body = upstream(model)
    rewriter = GeminiRewriter([event for event, _ in events_of(body)[:delivered]])
    had = message_of(stream(*payloads_of(body)[:delivered])).parts if delivered else []
    if not had or not isinstance(had[-1], Text | Reasoning) or delivered >= len(events_of(body)):
        return
    part = type(had[-1])(had[-1].content.__class__(str(had[-1].content) + more))
    rewriter.edit(Edits({len(had) - 1: part}))
    got = edited(body, Edits({len(had) - 1: part}), delivered)
    whole = message_of(body).parts
    assert said(message_of(got).parts) == said([*had[:-1], part, *whole[len(had) :]])


def payloads_of(body: bytes) -> list[Json]:
    """The pieces of a stream."""
    return payloads(body.replace(b"\r\n", b"\n"))


def test_what_nobody_changed_goes_as_its_own_bytes() -> None:
    assert edited(HELLO, Edits(), 2) == HELLO
    got = edited(HELLO, Edits({3: text("see you")}))
    for event, raw in events_of(HELLO)[:4]:
        assert raw in got, event
    assert said(message_of(got).parts) == ("Hellosee you", "Let me see.", [("Bash", {"a": 1})])


@pytest.mark.parametrize("delivered", range(6))
def test_a_part_can_be_added_at_any_time(delivered: int) -> None:
    got = edited(HELLO, Edits(added=[call("Read", '{"b": 2}')], finish_reason="OTHER"), delivered)
    message = message_of(got)
    assert said(message.parts) == ("Hellobye", "Let me see.", [("Bash", {"a": 1}), ("Read", {"b": 2})])
    assert message.finish_reason == "OTHER"


@pytest.mark.parametrize("delivered", range(6))
@pytest.mark.parametrize("early", [True, False])
def test_an_answer_that_ends_here(delivered: int, early: bool) -> None:
    got = edited(HELLO, Edits(added=[text("That is all.")], final=True), delivered, early=early)
    message = message_of(got)
    had = message_of(stream(*payloads_of(HELLO)[:delivered])) if delivered else Message("assistant")
    assert said(message.parts) == said([*had.parts, text("That is all.")])
    assert message.finish_reason == "STOP"


def test_a_call_keeps_its_seal() -> None:
    got = edited(HELLO, Edits({2: call("Bash", '{"a": 2}')}))
    parts = [part for body in payloads_of(got) for part in body["candidates"][0]["content"]["parts"]]
    assert parts[3] == {"text": "lo"}
    assert parts[4] == {"functionCall": {"name": "Bash", "args": {"a": 2}}, "thoughtSignature": "seal"}


def test_a_piece_that_has_nothing_left_is_left_out() -> None:
    got = edited(HELLO, Edits({0: None}))
    assert len(payloads_of(got)) == len(payloads_of(HELLO)) - 2
    assert message_of(got).parts[0] == text("Hello")


def test_edits_come_one_after_the_other() -> None:
    rewriter = GeminiRewriter([])
    rewriter.edit(Edits({1: text("Hi")}))
    got = b"".join(given for event, _ in events_of(HELLO)[:3] for given in rewriter.feed(event) or [])
    assert b'"Hi"' in got
    rewriter.edit(Edits({1: text("Hi there")}, added=[text("!")]))
    for event, raw in events_of(HELLO)[3:]:
        given = rewriter.feed(event)
        got += raw if given is None else b"".join(given)
    assert rewriter.close() == []
    assert said(message_of(got).parts)[0] == "Hi therebye!"


@pytest.mark.parametrize(
    ("delivered", "edits", "words"),
    [
        (3, Edits({0: thought("Let me see. Well")}), "behind this part"),
        (3, Edits({1: text("Goodbye")}), "up to “Hel”"),
        (3, Edits({1: None}), "taken back"),
        (3, Edits({1: thought("Hel")}), "any more"),
        (4, Edits({2: call("Bash", "{}")}), "any more"),
        (6, Edits(added=[text("x")]), "over"),
        (0, Edits({0: call("Bash", "[]")}), "no JSON object"),
        (0, Edits(added=[ToolCall(kind="code_execution")]), "own tools"),
    ],
)
def test_what_comes_too_late_is_refused(delivered: int, edits: Edits, words: str) -> None:
    rewriter = GeminiRewriter([event for event, _ in events_of(HELLO)[:delivered]])
    with pytest.raises(ValueError, match=words):
        rewriter.edit(edits)
    got = [rewriter.feed(event) for event, _ in events_of(HELLO)[delivered:]]
    assert got == [None] * len(got)
    assert rewriter.close() == []


def test_a_stream_that_breaks_off_is_ended_where_it_was_edited() -> None:
    cut = stream(*payloads_of(HELLO)[:3])
    assert edited(cut, Edits(), 1) == cut
    message = message_of(edited(cut, Edits({1: text("Hello")}), 1))
    assert (said(message.parts)[0], message.finish_reason) == ("Hello", "STOP")


def test_an_error_ends_what_was_edited() -> None:
    failed = (
        HELLO[: HELLO.rfind(b"data:")] + b'{\n  "error": {"code": 503, "message": "no", "status": "UNAVAILABLE"}\n}'
    )
    got = edited(failed, Edits(added=[text("x")]), 1)
    assert got == failed
    ended = edited(failed, Edits(added=[text("x")], final=True), 1)
    assert b"error" not in ended and message_of(ended).finish_reason == "STOP"


def test_other_candidates_stay() -> None:
    both: Json = chunk({"text": "one"}, finish="STOP")
    both["candidates"].append({"content": {"parts": [{"text": "two"}]}, "index": 1, "finishReason": "STOP"})
    first = {"candidates": [{"content": {"parts": [{"text": "two"}]}, "index": 1}]}
    got = edited(stream(first, both), Edits({0: None}))
    assert [each["content"] for each in payloads_of(got)[1]["candidates"]] == [
        {"parts": [], "role": "model"},
        {"parts": [{"text": "two"}]},
    ]
    assert payloads_of(got)[0] == first


def test_code_assist_stays_within_its_envelope() -> None:
    wrapped = stream(*({"response": body, "traceId": "t"} for body in payloads_of(HELLO)[:4]))
    bodies = payloads_of(edited(wrapped, Edits({1: text("Hi")}, added=[text("!")]), 1))
    assert all("candidates" in body["response"] and body["traceId"] == "t" for body in bodies)


def test_log_probabilities_go_with_their_words() -> None:
    body: Json = chunk({"text": "a"}, finish="STOP")
    body["candidates"][0] |= {"logprobsResult": {"chosenCandidates": []}, "avgLogprobs": -1.0}
    (got,) = payloads_of(edited(stream(body), Edits({0: text("b")})))
    assert got["candidates"] == chunk({"text": "b"}, finish="STOP")["candidates"]


RECORDED = [*recorded("gemini-stream"), *recorded("gemini-unary")]


@pytest.mark.parametrize("recording", parameters([each for each in RECORDED if each.stream]))
def test_recorded_streams_can_be_edited(recording: Recorded, server: Google) -> None:
    assert WRITER is not None
    whole = message_of(recording.response)
    edits = {index: text("other") for index, part in enumerate(whole.parts) if isinstance(part, Text)}
    got = edited(recording.response, Edits({**edits}, added=[call("Read", "{}")]))
    message = message_of(got)
    kept = [*(edits.get(index, part) for index, part in enumerate(whole.parts)), call("Read", "{}")]
    assert said(_own(message.parts)) == said(_own(kept))
    if b'"finish_reason"' not in recording.response:
        assert by_sdk(server, got, stream=True).said == said(_own(kept))


def _own(parts: list[Part]) -> list[Part]:
    return [part for part in parts if not (isinstance(part, ToolCall) and part.server_side)]


@pytest.mark.parametrize("recording", parameters([each for each in RECORDED if not each.stream]))
def test_recorded_documents_can_be_edited(recording: Recorded) -> None:
    assert WRITER is not None
    if recording.row["status"] >= 400:
        with pytest.raises(ValueError, match="no candidate"):
            WRITER.edit_document(recording.response, Edits(added=[text("x")]))
        return
    whole = message_of(recording.response, "application/json")
    edits: dict[int, Part | None] = {n: text("other") for n, part in enumerate(whole.parts) if isinstance(part, Text)}
    got = WRITER.edit_document(recording.response, Edits(edits, added=[call("Read", "{}")]))
    message = message_of(got, "application/json")
    kept = [*(edits.get(index, part) for index, part in enumerate(whole.parts)), call("Read", "{}")]
    assert said(message.parts) == said([part for part in kept if part is not None])
    assert message.finish_reason == whole.finish_reason
    ended = message_of(
        WRITER.edit_document(recording.response, Edits(added=[text("x")], final=True)), "application/json"
    )
    assert (said(ended.parts), ended.finish_reason) == (said([text("x")]), "STOP")
    with pytest.raises(ValueError, match="there is no part"):
        WRITER.edit_document(recording.response, Edits({99: None}))


def test_a_document_keeps_every_other_byte() -> None:
    assert WRITER is not None
    parts = b'[ {"text":"a", "x":1.50},{"functionCall":{"name":"f","args":{"n":1e3}}}]'
    body = b'[ {"candidates":[{"content":{"parts":%b}}]}' % parts
    rest = b' ,\r\n{"candidates":[{"finishReason":"STOP"}],"big":12345678901234567890}]'
    got = WRITER.edit_document(body + rest, Edits({0: text("b")}))
    assert got == body.replace(b'"a"', b'"b"') + rest
    assert WRITER.edit_document(body + rest, Edits(finish_reason="OTHER")) == body + rest.replace(b"STOP", b"OTHER")
