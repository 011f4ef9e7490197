"""Two streams of Ollama's API made one: whatever the client has of the first, it reads one answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects._ollama_writer import OllamaWriter
from inspector.model.message import Answer, Message, Part, Text, Usage
from inspector.wire.event import Event
from tests.dialects.ollama_streams import (
    DIALECT,
    LINES,
    MESSAGES,
    WORDS,
    Loopback,
    call_entry,
    done,
    events_of,
    generated,
    lines,
    loopback,
    message_of,
    payloads,
    said,
    said_by,
    text,
)
from tests.dialects.recorded import read

WRITER = OllamaWriter()
OTHER: Any = {"model": "m-2", "created_at": "2027-01-01T00:00:00Z"}
HELLO = lines(said("Hel"), said("lo "), said("you"), done())
MORE = lines(
    said("wor", **OTHER),
    said("ld", **OTHER),
    said(tool_calls=[call_entry("Bash", {})], **OTHER),
    done("length", **OTHER),
)
SPENT = Usage(5, 4, raw={"prompt_eval_count": 6, "prompt_eval_duration": 40, "eval_count": 9, "eval_duration": 10})


@pytest.fixture(scope="module")
def served() -> Iterator[Loopback]:
    with loopback() as running:
        yield running


def had(first: bytes, delivered: int) -> bytes:
    return b"".join(raw for _, raw in events_of(first)[:delivered])


def spliced(first: bytes, delivered: int, before: str, second: bytes, spent: Usage | None = None) -> bytes:
    """All that the client gets."""
    splicer = WRITER.splicer([event for event, _ in events_of(first)[:delivered]], before, spent)
    out = splicer.open()
    for event, _ in events_of(second):
        out += splicer.feed(event)
    out += splicer.close()
    assert splicer.close() == splicer.feed(Event(b"{}")) == []
    return had(first, delivered) + b"".join(out)


@pytest.mark.parametrize("delivered", [0, 1, 2])
def test_the_client_reads_one_answer(delivered: int, served: Loopback) -> None:
    body = spliced(HELLO, delivered, "Hello ", MORE, SPENT)
    assert served.reads(body) == ("", "Hello world", [("Bash", {})])
    answer = read(DIALECT, [body], LINES).answer
    assert (answer.model, answer.complete, answer.choices[0].finish_reason) == (
        "m" if delivered else "m-2",
        True,
        "length",
    )
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (5, 7)
    assert answer.usage.raw["prompt_eval_duration"] == 40
    assert {each["model"] for each in payloads(body)} == {answer.model}


def test_without_a_count_of_the_first_its_prompt_is_that_of_the_second() -> None:
    answer = read(DIALECT, [spliced(HELLO, 1, "Hel", MORE)], LINES).answer
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (7, 3)


def test_a_beginning_that_comes_again_is_left_out() -> None:
    before = "It was a dark and stormy night; "
    second = lines(said("It was a dark and "), said("stormy night; the rain", logprobs=[]), done())
    assert message_of(spliced(b"", 0, before, second)).text() == before + "the rain"
    assert (
        message_of(spliced(b"", 0, before, lines(said("It was a dark and"), done()))).text()
        == before + "It was a dark and"
    )


def test_a_generated_answer_goes_on() -> None:
    first = lines(generated("Hel"), generated("lo"))
    body = spliced(first, 2, "Hello", lines(generated(" you"), {**generated(), "done": True, "done_reason": "stop"}))
    assert (message_of(body).text(), read(DIALECT, [body], LINES).answer.complete) == ("Hello you", True)


def test_an_answer_that_came_whole_goes_on() -> None:
    whole = json.dumps({**done(), "message": {"role": "assistant", "content": "world"}}).encode()
    splicer = WRITER.splicer([], "Hello ", None)
    body = b"".join([*splicer.open(), *splicer.feed(Event(whole, "document")), *splicer.close()])
    assert message_of(body).text() == "Hello world"


def test_an_answer_that_fails_or_breaks_off_stays_so() -> None:
    failed = spliced(HELLO, 1, "Hel", lines(said("lo"), {"error": "no memory"}))
    assert read(DIALECT, [failed], LINES).answer.error == "no memory"
    cut = read(DIALECT, [spliced(HELLO, 1, "Hel", lines(said("lo")))], LINES).answer
    assert (cut.complete, cut.choices[0].text()) == (False, "Hello")
    assert spliced(HELLO, 1, "Hel", b"nonsense\n") == had(HELLO, 1) + b"nonsense\n"


@pytest.mark.parametrize(
    ("first", "delivered", "before", "word"),
    [
        (HELLO, 2, "Help", "other words"),
        (HELLO, 4, "Hello you", "over"),
        (lines(said(tool_calls=[call_entry("Bash", {})])), 1, "", "tool call"),
        (lines(said(images=["AAAA"])), 1, "", "something else"),
        (lines({"error": "x"}), 1, "", "over"),
    ],
)
def test_where_nothing_can_follow(first: bytes, delivered: int, before: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        spliced(first, delivered, before, MORE)


@settings(max_examples=60, deadline=None)
@given(st.data(), WORDS, WORDS, MESSAGES)
def test_any_two_answers_make_one(
    served: Loopback, data: st.DataObject, begun: str, more: str, parts: list[Part]
) -> None:
    first = b"".join(WRITER.stream(Answer(model="m", choices=[Message("assistant", [text(begun)])]), {}))
    second = b"".join(WRITER.stream(Answer(model="n", choices=[Message("assistant", parts)]), {}))
    delivered = data.draw(st.integers(0, len(events_of(first)) - 1))
    got = spliced(first, delivered, begun + more, second)
    told = said_by(parts)
    assert served.reads(got) == (told[0], begun + more + told[1], told[2])
    assert all(isinstance(part, Text) for part in message_of(first).parts) or not begun
