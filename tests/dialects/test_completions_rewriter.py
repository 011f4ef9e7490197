"""Completions, edited on their way: the client reads one consistent answer, whenever the edit comes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects._completions_writer import CompletionsWriter
from inspector.model.edits import Edits
from inspector.model.message import Growing, Message, Part, Reasoning, ToolCall
from tests.dialects.chat_edits import WORDS, events_of
from tests.dialects.completions_streams import (
    DIALECT,
    DONE,
    HEAD,
    NATIVE_END,
    by_sdk,
    chunk,
    delivered,
    native,
    parallel,
    stream,
    text,
)
from tests.dialects.recorded import payloads, read

Json = dict[str, Any]

WRITER = CompletionsWriter()
HELLO = stream(
    chunk("Hel", logprobs=parallel(("Hel", -1.0)), token_ids=[1]),
    chunk("other", index=1),
    chunk("lo ", logprobs=parallel(("lo ", -1.0))),
    chunk("you", logprobs=parallel(("you", -1.0))),
    chunk("", "length"),
    chunk("", "stop", index=1),
    {**HEAD, "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 3, "total_tokens": 4}},
)
NATIVE = stream(native("Hel"), native("lo "), native("you"), NATIVE_END, done=False)


def edited(upstream: bytes, edits: Edits, count: int = 0, *, early: bool = False) -> bytes:
    """What the client gets of a stream of which it has some events when it is edited."""
    rewriter = WRITER.rewriter(delivered(upstream, count))
    rewriter.edit(edits)
    got = [raw for _, raw in events_of(upstream)[:count]]
    for event, raw in [] if early else events_of(upstream)[count:]:
        given_bytes = rewriter.feed(event)
        got += [raw] if given_bytes is None else given_bytes
    return b"".join([*got, *rewriter.close()])


def message(body: bytes, index: int = 0) -> Message:
    transcript = read(DIALECT, [body])
    assert transcript.notes == []
    return transcript.answer.choices[index]


@pytest.mark.parametrize("count", range(4))
def test_another_text(count: int) -> None:
    body = edited(HELLO, Edits(replaced={0: text("Hello you, wonderful 👩‍👧 world")}), count)
    assert by_sdk(body) == ("Hello you, wonderful 👩‍👧 world", "length")
    assert message(body).text() == "Hello you, wonderful 👩‍👧 world"
    assert (message(body, 1).text(), message(body, 1).finish_reason) == ("other", "stop")
    assert body.endswith(DONE) and payloads(body)[-1]["usage"]["total_tokens"] == 4
    for one in payloads(body):
        for choice in one["choices"]:
            if choice["logprobs"]:
                assert "".join(choice["logprobs"]["tokens"]) == choice["text"]
                assert one in payloads(HELLO)[:count]


@pytest.mark.parametrize("count", range(5))
def test_words_behind_it(count: int) -> None:
    body = edited(HELLO, Edits(added=[text(" and"), text(" me")], finish_reason="stop"), count)
    assert by_sdk(body) == ("Hello you and me", "stop")
    assert [raw for _, raw in events_of(HELLO)[:4]] == [raw for _, raw in events_of(body)[:4]]


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("count", range(4))
def test_an_end_in_the_middle(count: int, early: bool) -> None:
    edits = Edits(added=[text("!")], final=True)
    body = edited(HELLO, edits, count, early=early)
    had = ["", "Hel", "Hel", "Hello "][count]
    assert by_sdk(body) == (had + "!", "stop")
    assert body.endswith(DONE) and body.count(DONE) == 1
    assert read(DIALECT, [body]).answer.complete


def test_the_text_may_be_taken_out() -> None:
    assert by_sdk(edited(HELLO, Edits(replaced={0: None}))) == ("", "length")


def test_what_is_not_edited_passes_as_it_came() -> None:
    rewriter = WRITER.rewriter([])
    assert [rewriter.feed(event) for event, _ in events_of(HELLO)] == [None] * 8
    assert rewriter.close() == []
    same = WRITER.rewriter([])
    same.edit(Edits(finish_reason="length"))
    assert [same.feed(event) for event, _ in events_of(HELLO)] == [None] * 8


@pytest.mark.parametrize("part", [ToolCall("c", "Bash"), Reasoning(Growing("hm"))])
def test_only_text_has_a_place(part: Part) -> None:
    for edits in (Edits(added=[part]), Edits(replaced={0: part})):
        with pytest.raises(ValueError, match="is one text"):
            WRITER.rewriter(delivered(HELLO, 2)).edit(edits)
        with pytest.raises(ValueError, match="is one text"):
            WRITER.edit_document(json.dumps(chunk("a", "stop")).encode(), edits)


def test_what_comes_too_late() -> None:
    with pytest.raises(ValueError, match="up to “Hel”"):
        WRITER.rewriter(delivered(HELLO, 1)).edit(Edits(replaced={0: text("Ha")}))
    with pytest.raises(ValueError, match="over"):
        WRITER.rewriter(delivered(HELLO, 5)).edit(Edits(added=[text("x")]))
    thinking = delivered(stream(chunk("", reasoning="hm"), chunk("a")), 2)
    with pytest.raises(ValueError, match="only the text"):
        WRITER.rewriter(thinking).edit(Edits(replaced={0: text("x")}))


def test_thoughts_stay_where_the_text_is_changed_and_end_with_the_answer() -> None:
    upstream = stream(chunk("", reasoning="hm"), chunk("a"), chunk("", reasoning="so"), chunk("b", "stop"))
    changed = message(edited(upstream, Edits(replaced={1: text("xyz")}), 1))
    assert changed.parts == [Reasoning(Growing("hmso")), text("xyz")]
    ended = message(edited(upstream, Edits(final=True), 2))
    assert ended.parts == [Reasoning(Growing("hm")), text("a")]


def test_llama_cpps_own_stream() -> None:
    body = edited(NATIVE, Edits(replaced={0: text("Hello me, and others")}), 1)
    assert (message(body).text(), message(body).finish_reason) == ("Hello me, and others", "eos")
    assert all(isinstance(one["content"], str) for one in payloads(body)) and DONE not in body
    ended = edited(NATIVE, Edits(added=[text("!")], final=True), 2, early=True)
    assert message(ended).text() == "Hello !" and read(DIALECT, [ended]).answer.complete and DONE not in ended


def test_togethers_two_texts_are_one() -> None:
    upstream = stream(chunk("a", delta={"role": "assistant", "content": "a"}), chunk("", "stop"))
    (first, _) = payloads(edited(upstream, Edits(replaced={0: text("b")})))
    assert (first["choices"][0]["text"], first["choices"][0]["delta"]["content"]) == ("b", "b")


def test_an_error_ends_the_edits() -> None:
    upstream = stream(chunk("a"), {"error": {"message": "no"}}, done=False)
    assert edited(upstream, Edits(added=[text("x")]), 1) == upstream
    assert by_sdk(edited(upstream, Edits(added=[text("x")], final=True), 1)) == ("ax", "stop")


def test_a_document() -> None:
    body = b'{"id":"c",  "choices": [{"text": "Hi", "index":0, "logprobs":{"tokens":["Hi"]}, "finish_reason":"stop"} ]}'
    expected = body.replace(b'"Hi"', b'"Ho!"', 1).replace(b'{"tokens":["Hi"]}', b"null").replace(b'"stop"', b'"length"')
    edits = Edits(replaced={0: text("Ho")}, added=[text("!")], finish_reason="length")
    assert WRITER.edit_document(body, edits) == expected
    assert json.loads(WRITER.edit_document(body, Edits(added=[text("x")], final=True)))["choices"][0]["text"] == "x"
    assert WRITER.edit_document(body, Edits()) == body
    assert json.loads(WRITER.edit_document(b'{"content": "a", "stop": true}', Edits(replaced={0: text("b")}))) == {
        "content": "b",
        "stop": True,
    }
    with pytest.raises(ValueError, match="there is no part 2"):
        WRITER.edit_document(body, Edits(replaced={1: text("x")}))
    with pytest.raises(ValueError, match="no text"):
        WRITER.edit_document(b'{"error": "x"}', Edits(replaced={0: text("x")}))


@settings(max_examples=150)
@given(
    said=st.lists(st.tuples(WORDS, st.integers(0, 1)), min_size=1, max_size=6),
    finish=st.sampled_from(["", "stop", "length"]),
    counts=st.tuples(st.integers(0, 8), st.integers(0, 8)),
    more=WORDS,
    added=WORDS,
    final=st.booleans(),
    own=st.booleans(),
)
def test_whenever_it_is_edited_the_client_reads_the_edited_text(
    said: list[tuple[str, int]],
    finish: str,
    counts: tuple[int, int],
    more: str,
    added: str,
    final: bool,
    own: bool,
) -> None:
    events = (
        [native(words) for words, _ in said] + [NATIVE_END]
        if own
        else [*(chunk(words, index=index) for words, index in said), *([chunk("", finish)] if finish else [])]
    )
    upstream = stream(*events, done=not own)
    first, second = sorted(counts)
    got, rewriter = [raw for _, raw in events_of(upstream)[:first]], WRITER.rewriter(delivered(upstream, first))
    had = read(DIALECT, [b"".join(got)])
    words = had.answer.choices[0].text() if had.answer.choices else ""
    if had.answer.complete or (had.answer.choices and had.answer.choices[0].finish_reason):
        with pytest.raises(ValueError, match="over"):
            rewriter.edit(Edits(added=[text(added)]))
        return
    rewriter.edit(Edits(replaced={0: text(words + more)}))
    for event, raw in events_of(upstream)[first:second]:
        given_bytes = rewriter.feed(event)
        got += [raw] if given_bytes is None else given_bytes
    told = read(DIALECT, [b"".join(got)]).answer.choices
    over = bool(told and told[0].finish_reason) or b"[DONE]" in b"".join(got)
    if not over:
        rewriter.edit(Edits(added=[text(added)], final=final))
    for event, raw in events_of(upstream)[max(first, second) :]:
        given_bytes = rewriter.feed(event)
        got += [raw] if given_bytes is None else given_bytes
    body = b"".join([*got, *rewriter.close()])
    answer = read(DIALECT, [body]).answer
    assert "".join(choice.text() for choice in answer.choices[:1]) == words + more + ("" if over else added)
    assert answer.complete
    others = "".join(words for words, index in said if index and not own)
    assert "".join(choice.text() for choice in answer.choices[1:]) == others
