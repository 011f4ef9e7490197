"""Two streams of Completions made one: whatever the client has of the first, it reads one answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects._completions_writer import CompletionsWriter
from inspector.model.message import Usage
from inspector.wire.event import Event
from tests.dialects.chat_edits import WORDS, events_of
from tests.dialects.completions_streams import DIALECT, DONE, HEAD, NATIVE_END, by_sdk, chunk, delivered, native, stream
from tests.dialects.recorded import payloads, read
from tests.dialects.responses_answers import Loopback, loopback

Json = dict[str, Any]

WRITER = CompletionsWriter()
SPENT = Usage(10, 4, raw={"prompt_tokens": 10, "completion_tokens": 4})
OTHER: Json = {**HEAD, "id": "cmpl-2", "created": 2, "model": "m-2"}
COUNTS = {"prompt_tokens": 14, "completion_tokens": 6, "total_tokens": 20}
HELLO = stream(chunk("Hel"), chunk("x", index=1), chunk("lo "), chunk("you"), chunk("", "stop"))


def other(words: str, finish: str | None = None, index: int = 0) -> Json:
    """An event of the second answer."""
    return {**OTHER, "choices": chunk(words, finish, index)["choices"]}


MORE = stream(
    other("wor"), other("no", index=1), other("ld"), other("", "length"), {**OTHER, "choices": [], "usage": COUNTS}
)


def spliced(
    first: bytes, count: int, before: str, second: bytes, spent: Usage | None = None, whole: bool = False
) -> bytes:
    """All that the client gets: the first events of one stream, and the other stream."""
    splicer = WRITER.splicer(delivered(first, count), before, spent)
    out = splicer.open()
    for event in [Event(second, "document")] if whole else [event for event, _ in events_of(second)]:
        out += splicer.feed(event)
    out += splicer.close()
    assert splicer.close() == splicer.feed(Event(b'{"choices": []}')) == []
    return b"".join([*(raw for _, raw in events_of(first)[:count]), *out])


@pytest.fixture(scope="module")
def served() -> Iterator[Loopback]:
    with loopback() as running:
        yield running


@pytest.mark.parametrize("count", range(5))
def test_the_sdk_reads_one_answer(served: Loopback, count: int) -> None:
    body = spliced(HELLO, count, "Hello you, ", MORE, SPENT)
    chunks = [*served.serve(body).completions.create(model="m", prompt="x", stream=True)]
    assert "".join(c.text for one in chunks for c in one.choices if c.index == 0) == "Hello you, world"
    assert [c.finish_reason for one in chunks for c in one.choices if c.finish_reason] == ["length"]
    known = ("cmpl-1", "m", 1) if count else ("cmpl-2", "m-2", 2)
    assert {(one.id, one.model, one.created) for one in chunks} == {known}
    usage = chunks[-1].usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (10, 10, 20)
    assert "no" not in [c.text for one in chunks for c in one.choices]
    assert (body.count(DONE), body.endswith(DONE)) == (1, True)
    assert read(DIALECT, [body]).answer.complete


def test_llama_cpps_own_streams() -> None:
    first = stream(native("Hel"), native("x"), done=False)
    second = stream(native("lo"), NATIVE_END, done=False)
    body = spliced(first, 1, "Hel, ", second, Usage(3, 2))
    answer = read(DIALECT, [body]).answer
    assert (answer.choices[0].text(), answer.choices[0].finish_reason, answer.complete) == ("Hel, lo", "eos", True)
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (3, 4)
    assert DONE not in body


@pytest.mark.parametrize("own", [False, True])
def test_a_document_goes_on_as_a_stream(own: bool) -> None:
    first = stream(native("Hel")) if own else HELLO
    whole = {**native("lo"), "stop": True} if own else {**other("lo", "stop"), "usage": COUNTS}
    body = spliced(first, 1, "Hel", json.dumps(whole).encode(), SPENT, whole=True)
    answer = read(DIALECT, [body]).answer
    assert (answer.choices[0].text(), answer.complete, body.endswith(DONE)) == ("Hello", True, not own)


def test_errors() -> None:
    failed = {"error": {"message": "no", "type": "server_error"}}
    for second, whole in ((stream(other("l"), failed, done=False), False), (json.dumps(failed).encode(), True)):
        transcript = read(DIALECT, [spliced(HELLO, 1, "Hello", second, whole=whole)])
        assert transcript.answer.error == "server_error: no"
    strange = spliced(HELLO, 1, "Hello", b'{"x": 1}', whole=True)
    assert read(DIALECT, [strange]).answer.error == "the answer is no completion"


def test_an_answer_that_breaks_off_stays_so() -> None:
    body = spliced(HELLO, 1, "Hello", stream(other("x"), done=False))
    assert by_sdk(body) == ("Hellox", None)
    assert not read(DIALECT, [body]).answer.complete


@pytest.mark.parametrize(
    ("first", "before", "words"),
    [
        (stream(chunk("Hello"), done=False), "Help", "other words already: …Hello"),
        (HELLO, "Hello you", "over"),
        (stream(chunk("a", "stop"), done=False), "a", "over"),
        (stream(chunk("", reasoning="hm"), done=False), "a", "something else than words"),
    ],
)
def test_what_cannot_be_gone_on_from(first: bytes, before: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        WRITER.splicer(delivered(first, 9), before, None)


@settings(max_examples=80)
@given(st.lists(WORDS, max_size=4), st.lists(WORDS, max_size=4), WORDS, st.integers(0, 5), st.booleans())
def test_wherever_it_is_cut_the_words_are_those(
    said: list[str], more: list[str], between: str, count: int, own: bool
) -> None:
    make = native if own else chunk
    first = stream(*map(make, said), done=False)
    second = [native(words) for words in more] + [NATIVE_END] if own else [*map(other, more), other("", "stop")]
    had = "".join(said[:count])
    body = spliced(first, count, had + between, stream(*second, done=not own))
    transcript = read(DIALECT, [body])
    assert transcript.notes == []
    assert transcript.answer.choices[0].text() == had + between + "".join(more)
    assert transcript.answer.complete
    assert own or len({one["id"] for one in payloads(body)}) == 1
