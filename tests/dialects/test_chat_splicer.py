"""Two Chat Completions streams made one: whatever the client has of the first, it reads one answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion

from inspector.dialects._openai_chat_writer import ChatWriter
from inspector.dialects.openai_responses import OpenAIResponses
from inspector.model.message import Message, Part, Reasoning, Refusal, Text, Transcript, Usage
from inspector.wire.event import Event
from tests.dialects.chat_edits import MESSAGES, WORDS, by_sdk, calls_of, events_of, said, said_to_sdk, text
from tests.dialects.chat_streams import DIALECT, chunk, part, stream, whole
from tests.dialects.recorded import Recorded, parameters, payloads, read, recorded
from tests.dialects.responses_answers import Loopback, loopback
from tests.dialects.test_openai_chat_rewriter import DONE, NEARLY, SERVERS, Server, head

Json = dict[str, Any]

RECORDED = [recording for recording in recorded("openai-chat") if recording.stream]
WRITER = ChatWriter()
SPENT = Usage(
    10,
    4,
    raw={
        "prompt_tokens": 10,
        "completion_tokens": 4,
        "prompt_tokens_details": {"cached_tokens": 8},
        "completion_tokens_details": {"reasoning_tokens": 1},
    },
)
COUNTS = {
    "prompt_tokens": 14,
    "completion_tokens": 6,
    "total_tokens": 20,
    "prompt_tokens_details": {"cached_tokens": 12},
    "completion_tokens_details": {"reasoning_tokens": 2, "audio_tokens": 0},
}
SUMMED = {
    "prompt_tokens": 10,
    "completion_tokens": 10,
    "total_tokens": 20,
    "prompt_tokens_details": {"cached_tokens": 8},
    "completion_tokens_details": {"reasoning_tokens": 3, "audio_tokens": 0},
}
OWN: Any = {"system_fingerprint": "fp_1", "created": 1, "service_tier": "default"}
OTHER: Any = {"id": "c2", "model": "m-2", "system_fingerprint": "fp_2", "created": 2, "service_tier": "default"}


def other(delta: Json | None = None, finish: str | None = None, **fields: object) -> Json:
    """A chunk of the second answer."""
    return {**chunk(delta, finish), **OTHER, **fields}


HELLO = stream(
    *(chunk(delta, **OWN) for delta in ({"role": "assistant", "content": ""}, {"content": "Hel"}, {"content": "lo "})),
    chunk({"content": "you"}, **OWN),
    chunk(finish="stop", **OWN),
)
MORE = stream(
    other({"role": "assistant", "content": ""}),
    other({"content": "wor"}),
    other({"content": "ld"}),
    other({"tool_calls": [head(0, "call_a", "Bash")]}),
    other({"tool_calls": [part(0, args='{"command": "ls"}')]}),
    other({"tool_calls": [head(1, "call_b", "Read", "{}")]}),
    other(finish="tool_calls"),
    other(choices=[], usage=COUNTS),
)


def spliced(first: bytes, delivered: int, before: str, second: bytes, spent: Usage | None = None) -> bytes:
    """What the client gets behind the first events of one stream."""
    splicer = WRITER.splicer(delivered_of(first, delivered), before, spent)
    out = splicer.open()
    for event, _ in events_of(second):
        out += splicer.feed(event)
    out += splicer.close()
    assert splicer.close() == splicer.feed(Event(b'{"choices": []}')) == []
    return b"".join(out)


def client(first: bytes, delivered: int, before: str, second: bytes, spent: Usage | None = None) -> bytes:
    """All that the client gets."""
    return had(first, delivered) + spliced(first, delivered, before, second, spent)


def delivered_of(first: bytes, delivered: int) -> list[Event]:
    return [event for event, _ in events_of(first)[:delivered]]


def had(first: bytes, delivered: int) -> bytes:
    return b"".join(raw for _, raw in events_of(first)[:delivered])


def answer(body: bytes) -> Transcript:
    """What this program reads of it, without remarks."""
    transcript = read(DIALECT, [body])
    assert transcript.notes == []
    return transcript


@pytest.fixture(scope="module")
def served() -> Iterator[Loopback]:
    with loopback() as running:
        yield running


def sdk_reads(served: Loopback, body: bytes) -> ChatCompletion:
    """The answer as the SDK has it, read off a socket: by its helper, which its raw stream agrees with."""
    asked = served.serve(body)
    with asked.chat.completions.stream(model="m", messages=[]) as streaming:
        helped = streaming.get_final_completion()
    chunks = [*asked.chat.completions.create(model="m", messages=[], stream=True)]
    assert {one.id for one in chunks} == {helped.id}
    assert {one.model for one in chunks} == {helped.model}
    words = "".join(choice.delta.content or "" for one in chunks for choice in one.choices)
    assert words == (helped.choices[0].message.content or "")
    return helped


@pytest.mark.parametrize("delivered", range(5))
def test_the_sdk_reads_one_answer(served: Loopback, delivered: int) -> None:
    body = client(HELLO, delivered, "Hello you, ", MORE, SPENT)
    read_by_sdk = sdk_reads(served, body)
    (choice,) = read_by_sdk.choices
    assert (choice.message.content, choice.message.role, choice.finish_reason) == (
        "Hello you, world",
        "assistant",
        "tool_calls",
    )
    assert said_to_sdk(read_by_sdk)[3] == [("call_a", "Bash", '{"command": "ls"}'), ("call_b", "Read", "{}")]
    known = ("c1", "m", 1) if delivered else ("c2", "m-2", 2)
    assert (read_by_sdk.id, read_by_sdk.model, read_by_sdk.created) == known
    assert read_by_sdk.usage is not None
    assert read_by_sdk.usage.model_dump(exclude_none=True) == SUMMED
    assert (body.count(DONE), body.endswith(DONE)) == (1, True)
    ours = answer(body).answer
    assert (ours.complete, ours.choices[0].text(), ours.choices[0].finish_reason) == (
        True,
        "Hello you, world",
        "tool_calls",
    )


def test_every_chunk_looks_like_those_before_it() -> None:
    first, *_ = payloads(HELLO)
    got = payloads(spliced(HELLO, 2, "Hello you, ", MORE))
    for one in got:
        outside = {name: value for name, value in one.items() if name != "usage"}
        assert {**outside, "choices": first["choices"]} == first
        assert all("role" not in choice["delta"] for choice in one["choices"])


def test_words_go_in_pieces_that_no_grapheme_is_cut_in() -> None:
    family = "👩‍👩‍👧 and 🇩🇪🇫🇷 and e\u0301 " * 3
    (*between, _) = payloads(spliced(HELLO, 3, "Hello " + family, stream(other({"content": "x"}), done=False)))
    words = [one["choices"][0]["delta"]["content"] for one in between]
    assert "".join(words) == family
    assert len(words) > 5
    assert not any(word.startswith(("\u200d", "\u0301")) or word.endswith("\u200d") for word in words)


def test_the_head_is_the_second_answers_where_the_client_has_none() -> None:
    body = spliced(HELLO, 0, "Oh, ", MORE)
    first, *between, finish, usage = payloads(body)
    assert first == payloads(MORE)[0]
    led = other({"role": "assistant", "content": ""}, prompt_token_ids=[1, 2])
    assert payloads(spliced(HELLO, 0, "Oh, ", stream(led)))[0] == led
    assert {one["id"] for one in [*between, finish, usage]} == {"c2"}
    at_once = stream(other({"role": "assistant", "content": "hi"}, "stop"))
    got = payloads(spliced(HELLO, 0, "Oh, ", at_once))
    assert [one["choices"][0]["delta"] for one in got] == [
        {"role": "assistant", "content": ""},
        {"content": "Oh, "},
        {"content": "hi"},
    ]


def test_azures_first_chunk_is_no_head(served: Loopback) -> None:
    filtered = {"choices": [], "id": "", "model": "", "prompt_filter_results": [{"prompt_index": 0}]}
    first = stream(filtered, chunk({"role": "assistant", "content": "Hel"}))
    second = stream(filtered, other({"role": "assistant", "content": "lo"}), other(finish="stop"))
    ours = answer(client(first, 1, "Hel", second)).answer
    assert (ours.id, ours.choices[0].text(), ours.complete) == ("c2", "Hello", True)
    assert answer(client(first, 2, "Hel", second)).answer.id == "c1"


@pytest.mark.parametrize(
    ("deltas", "before", "words"),
    [
        ([{"content": "Hello"}], "Help", "other words already: …Hello"),
        ([{"content": "Hello"}], "Hel", "other words already"),
        ([{"content": "Hi"}, {"tool_calls": [head(0, "a", "Read")]}], "Hi you", "tool call already"),
        ([{"function_call": {"name": "Read", "arguments": ""}}], "Hi", "tool call already"),
        ([{"executed_tools": [{"index": 0, "type": "search", "arguments": "{}"}]}], "Hi", "tool call already"),
        ([{"refusal": "I will"}], "I will", "something else than words"),
    ],
)
def test_some_things_nothing_can_follow(deltas: list[Json], before: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        spliced(stream(*map(chunk, deltas)), len(deltas), before, MORE)


@pytest.mark.parametrize(
    "told",
    [
        stream(chunk({"content": "Hi"}), chunk(finish="stop")),
        stream(chunk({"content": "Hi"}), chunk(), done=True),
        stream(chunk({"content": "Hi"}), {"error": {"message": "overloaded"}}),
    ],
)
def test_nothing_follows_the_end(told: bytes) -> None:
    with pytest.raises(ValueError, match="message is over"):
        spliced(told, 3, "Hi", MORE)


def test_the_responses_api_says_that_it_cannot() -> None:
    writer = OpenAIResponses().writer
    assert writer is not None
    with pytest.raises(ValueError, match="no way to go on"):
        writer.splicer([], "", None)


def test_thoughts_may_stand_before_the_words() -> None:
    first = stream(chunk({"role": "assistant", "reasoning_content": "Hm"}), chunk({"content": "So"}))
    for delivered in (1, 2):
        message = answer(client(first, delivered, "So", MORE)).answer.choices[0]
        assert said(message.parts)[:2] == ("Hm", "Soworld")


def test_only_the_first_choice_goes_on() -> None:
    both = other({"content": "one"})
    both["choices"].append({"index": 1, "delta": {"content": "uno"}, "finish_reason": None})
    second = stream(both, {**other(), "choices": [{"index": 1, "delta": {"content": "due"}}]}, other(finish="stop"))
    for delivered in (0, 1):
        body = client(HELLO, delivered, "", second)
        assert [choice.text() for choice in answer(body).answer.choices] == ["one"]
        assert all(one["choices"] for one in payloads(body))
    ahead = stream(chunk({"role": "assistant", "content": "uno"}, index=1))
    body = client(ahead, 1, "one, ", second)
    assert [choice.text() for choice in answer(body).answer.choices] == ["one, one", "uno"]
    assert payloads(body)[1]["choices"] == [
        {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}
    ]


def test_what_is_known_of_tokens_stays() -> None:
    known = {"logprobs": {"content": [{"token": "x", "logprob": -1.5, "bytes": [120]}]}, "token_ids": [7]}
    spoken = other({"role": "assistant", "content": "x"})
    spoken["choices"][0] |= known
    silent = other({"role": "assistant", "content": ""})
    silent["choices"][0] |= known
    *_, one, two = payloads(spliced(HELLO, 2, "Hello", stream(spoken, silent)))
    for got, content in ((one, "x"), (two, "")):
        assert got["choices"] == [{"index": 0, "delta": {"content": content}, "finish_reason": None, **known}]


# Usage


@pytest.mark.parametrize(
    ("spent", "second", "both"),
    [
        (None, COUNTS, COUNTS),
        (Usage(output_tokens=4), COUNTS, {**COUNTS, "completion_tokens": 10, "total_tokens": 24}),
        (
            Usage(10),
            {"prompt_tokens": 14, "completion_tokens": 6, "total_tokens": 20},
            {"prompt_tokens": 10, "completion_tokens": 6, "total_tokens": 16},
        ),
        (
            Usage(10, 4, raw={"prompt_cache_hit_tokens": 2, "cost": 0.5}),
            {"prompt_cache_hit_tokens": 9, "prompt_cache_miss_tokens": 1, "completion_tokens": 1, "cost": 0.25},
            {"prompt_cache_hit_tokens": 2, "completion_tokens": 5, "cost": 0.75},
        ),
        (
            # Reasoning stands in the total only.
            Usage(10, 4),
            {"prompt_tokens": 14, "completion_tokens": 6, "total_tokens": 120},
            {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 120},
        ),
        (Usage(10, 4), {"input_tokens": 14, "output_tokens": 6}, {"input_tokens": 10, "output_tokens": 10}),
        (Usage(10, 4), {"prompt_tokens": None, "total_tokens": 9}, {"prompt_tokens": 10, "total_tokens": 13}),
    ],
)
def test_tokens_are_those_of_both(spent: Usage | None, second: Json, both: Json) -> None:
    places: list[Json] = [{"usage": second}, {"x_groq": {"usage": second}}]
    for place in places:
        (got,) = payloads(spliced(HELLO, 3, "Hello ", stream({**other(), "choices": [], **place}), spent))
        assert (got.get("usage") or got["x_groq"]["usage"]) == both
    counted = other(finish="stop")
    counted["choices"][0]["usage"] = second
    (got,) = payloads(spliced(HELLO, 3, "Hello ", stream(counted), spent))
    assert got["choices"][0]["usage"] == both


def test_without_usage_there_is_none() -> None:
    assert b"usage" not in spliced(HELLO, 3, "Hello ", stream(other({"content": "x"}), other(finish="stop")), SPENT)


# Where the second answer repeats, fails, breaks off, or is no stream

LONG = "Hello there, this is long enough. "


@pytest.mark.parametrize("size", [1, 3, 7, 100])
@pytest.mark.parametrize("delivered", [0, 1, 2])
def test_a_repetition_is_left_out(size: int, delivered: int) -> None:
    said_again = LONG + "And more."
    cut = [said_again[at : at + size] for at in range(0, len(said_again), size)]
    second = stream(other({"role": "assistant"}), *(other({"content": word}) for word in cut), other(finish="stop"))
    message = answer(client(HELLO, delivered, LONG, second)).answer.choices[0]
    assert (message.text(), message.finish_reason) == (LONG + "And more.", "stop")


def test_what_only_begins_like_a_repetition_stays() -> None:
    for words in (LONG[:-3], "Hello there!", LONG[1:]):
        second = stream(other({"content": words[:4]}), other({"content": words[4:]}), other(finish="stop"))
        assert answer(client(HELLO, 2, LONG, second)).answer.choices[0].text() == LONG + words
        for cut in (stream(other({"content": words}), done=False), stream(other({"content": words}))):
            assert answer(client(HELLO, 2, LONG, cut)).answer.choices[0].text() == LONG + words
    splicer = WRITER.splicer(delivered_of(HELLO, 2), LONG, None)
    told = [splicer.feed(event) for event, _ in events_of(stream(other({"content": "Hello"}), other(finish="stop")))]
    assert [bool(out) for out in told] == [False, True, True]
    short = stream(other({"content": "Hello "}), other({"content": "you"}))
    assert answer(client(HELLO, 2, "Hello ", short)).answer.choices[0].text() == "Hello Hello you"
    endless = stream(other({"content": "Hello"}), *[other({"reasoning": "Hm"})] * 200, done=False)
    splicer = WRITER.splicer([], LONG, None)
    assert any([splicer.feed(event) for event, _ in events_of(endless)][1:])


def test_what_is_half_repeated_loses_its_tokens() -> None:
    spoken = other({"content": LONG + "Yes"})
    spoken["choices"][0] |= {"logprobs": {"content": [1]}, "token_ids": [7], "text": LONG + "Yes"}
    listed = other({"content": [{"type": "text", "text": LONG[:5]}, {"type": "text", "text": LONG[5:] + "Yes"}]})
    (got,) = payloads(spliced(stream(chunk({"content": LONG})), 1, LONG, stream(spoken)))
    assert got["choices"][0] == {
        "index": 0,
        "delta": {"content": "Yes"},
        "finish_reason": None,
        "logprobs": None,
        "text": "Yes",
    }
    assert answer(client(HELLO, 2, LONG, stream(listed))).answer.choices[0].text() == LONG + "Yes"


def test_an_answer_that_breaks_off_gets_no_end(served: Loopback) -> None:
    for events in range(1, 7):
        body = client(HELLO, 2, "Hello ", had(MORE, events))
        ours = answer(body).answer
        assert (ours.complete, ours.choices[0].finish_reason, DONE in body) == (False, None, False)
        assert sdk_reads(served, body).choices[0].message.content == "Hello " + "world"[: max(events - 1, 0) * 3]
    assert spliced(HELLO, 0, "Hello ", b"") == b""
    assert answer(client(HELLO, 1, "Hello ", b"")).answer.choices[0].text() == "Hello "


def test_an_answer_of_nothing_is_one() -> None:
    ours = answer(spliced(HELLO, 0, "Hello ", stream())).answer
    assert (ours.complete, ours.choices[0].text()) == (True, "Hello ")


def test_a_failure_is_told(served: Loopback) -> None:
    failed = {"error": {"message": "overloaded", "type": "server_error"}}
    for delivered in (0, 2):
        for second in (
            stream(other({"content": "wor"}), failed),
            stream(other({"content": "wor"}), done=False) + b'data: [{"error": {"message": "overloaded"}}]\n\n',
            json.dumps(failed).encode(),
            b'[{"error": {"message": "overloaded"}}]',
            b'{"object": "error", "message": "overloaded"}',
        ):
            body = client(HELLO, delivered, "Hello ", second)
            error = answer(body).answer.error
            assert error is not None and "overloaded" in error
            with pytest.raises(openai.APIError, match="overloaded"):
                [*served.serve(body).chat.completions.create(model="m", messages=[], stream=True)]
    assert client(HELLO, 0, "Hello ", stream(failed)) == stream(failed)
    assert b"no completion" in spliced(HELLO, 0, "", b"{}")


@pytest.mark.parametrize("delivered", range(5))
def test_a_document_becomes_events(served: Loopback, delivered: int) -> None:
    calls = [{"id": "call_a", "type": "function", "function": {"name": "Bash", "arguments": "{}"}}]
    message = {"role": "assistant", "content": "world", "tool_calls": calls, "refusal": None, "annotations": []}
    second = whole(message, usage=COUNTS, **{**OTHER, "object": "chat.completion"})
    body = client(HELLO, delivered, "Hello you, ", second.replace(b'"stop"', b'"tool_calls"'), SPENT)
    read_by_sdk = sdk_reads(served, body)
    assert said_to_sdk(read_by_sdk) == ("", "Hello you, world", "", [("call_a", "Bash", "{}")])
    assert read_by_sdk.choices[0].finish_reason == "tool_calls"
    assert read_by_sdk.usage is not None and read_by_sdk.usage.total_tokens == 20
    assert body.endswith(DONE)
    assert answer(body).answer.complete


def test_messages_that_say_all_again_do_not() -> None:
    chunks = [other({"content": "wor"}), other({"content": "ld"}, "stop")]
    for each, words in zip(chunks, ("wor", "world"), strict=True):
        each["choices"][0]["message"] = {"role": "assistant", "content": words}
    done = {**other(), "object": "chat.completion.done", "choices": [{"index": 0, "message": {"content": "world"}}]}
    ours = answer(client(HELLO, 3, "Hello ", stream(*chunks, done, done=False))).answer
    assert (ours.choices[0].text(), ours.complete) == ("Hello world", True)
    only = {**other(), "choices": [{"index": 0, "message": {"content": "world"}, "finish_reason": "stop"}]}
    assert answer(client(HELLO, 3, "Hello ", stream(only))).answer.choices[0].text() == "Hello world"


def test_an_envelope_stays_around_every_chunk() -> None:
    first = stream({"status": 0, "data": chunk({"content": "Hel"})})
    second = stream({"status": 0, "data": other({"content": "o"})}, {"status": 0, "data": other(finish="stop")})
    got = payloads(spliced(first, 1, "Hell", second))
    assert [set(one) for one in got] == [{"status", "data"}] * 3
    assert {one["data"]["id"] for one in got} == {"c1"}


# Any two streams

THOUGHT_AND_SAID = st.tuples(WORDS, WORDS.filter(bool), calls_of("first")).map(
    lambda drawn: [*([Reasoning(text(drawn[0]).content)] if drawn[0] else []), text(drawn[1]), *drawn[2]]
)


def second_of(server: Server, parts: list[Part]) -> bytes:
    """The second answer's stream."""
    body = server.chunks(parts).replace(b'"c1"', b'"c2"').replace(b'"m"', b'"m-2"')
    return body.replace(b'{"prompt_tokens": 3}', json.dumps(COUNTS).encode())


def message_of(transcript: Transcript) -> Message:
    return transcript.answer.message or Message("assistant")


@settings(max_examples=200, deadline=None)
@given(THOUGHT_AND_SAID, MESSAGES, SERVERS, st.data())
def test_any_two_streams_are_one_answer(
    written: list[Part], then: list[Part], server: Server, data: st.DataObject
) -> None:
    first = server.chunks(written)
    delivered = data.draw(st.integers(0, len(events_of(first))), label="delivered")
    given_first = read(DIALECT, [had(first, delivered)])
    given_parts = message_of(given_first).parts
    sent = message_of(given_first).text()
    more = data.draw(WORDS | st.just(LONG), label="more")
    before = data.draw(st.sampled_from([sent + more, sent + more, sent[:-1]]), label="before")
    if data.draw(st.booleans(), label="echo"):
        then = [text(before), *then]
    second = second_of(server, then)
    count = len(events_of(second))
    events = data.draw(st.just(count) | st.integers(0, count), label="events")
    continued = read(DIALECT, [had(second, events)])
    spent = data.draw(st.sampled_from([None, SPENT]), label="spent")
    over = given_first.answer.complete or message_of(given_first).finish_reason is not None
    if over or said(given_parts)[3] or not before.startswith(sent):
        with pytest.raises(ValueError, match="the client"):
            client(first, delivered, before, had(second, events), spent)
        return
    body = client(first, delivered, before, had(second, events), spent)
    new = said(message_of(continued).parts)
    words = new[1].removeprefix(before) if len(before) > 20 else new[1]
    silent = not delivered and not events
    expected = (said(given_parts)[0] + new[0], "" if silent else before + words, new[2], new[3])
    ours = answer(body)
    assert said(message_of(ours).parts) == expected
    assert ours.answer.complete == continued.answer.complete
    assert body.count(DONE) == had(second, events).count(DONE)
    assert message_of(ours).finish_reason == message_of(continued).finish_reason
    assert {one["id"] for one in payloads(body)} <= ({"c1"} if delivered else {"c2"})
    check_shape(payloads(body), delivered, server)
    if usage := continued.answer.usage:
        assert ours.answer.usage is not None
        assert usage.raw == COUNTS
        assert ours.answer.usage.raw == (SUMMED if spent else COUNTS)
    if server.indexed and not silent:
        assert said_to_sdk(by_sdk(body)) == expected


def check_shape(got: list[Json], delivered: int, server: Server) -> None:
    """One role, one finish reason at most, and calls that are counted from the first."""
    choices = [choice for one in got for choice in one["choices"]]
    assert sum(choice["finish_reason"] is not None for choice in choices) <= 1
    assert [bool(choice["delta"].get("role")) for choice in choices[delivered:]] == [
        not delivered and number == 0 for number in range(len(choices[delivered:]))
    ]
    if server.indexed:
        fragments = [fragment for choice in choices for fragment in choice["delta"].get("tool_calls") or []]
        heads = [fragment["index"] for fragment in fragments if "id" in fragment]
        assert heads == [*range(len(heads))]


@settings(max_examples=80, deadline=None)
@given(st.lists(NEARLY, max_size=3), st.lists(NEARLY, max_size=5), st.data())
def test_whatever_a_server_sends_it_never_raises(first: list[Json], second: list[Json], data: st.DataObject) -> None:
    sent = message_of(read(DIALECT, [stream(*first, done=False)])).text()
    delivered = [event for event, _ in events_of(stream(*first, done=False))]
    try:
        splicer = WRITER.splicer(delivered, sent + data.draw(st.sampled_from(["", LONG])), None)
    except ValueError:
        return
    out = splicer.open()
    for event, _ in events_of(stream(*second)):
        out += splicer.feed(event)
    out += splicer.close()
    assert b"".join(out).count(DONE) == 1
    for one in second:
        assert WRITER.splicer([], "", None).feed(Event(json.dumps(one).encode(), "document"))


# Recorded streams


def spliceable(parts: list[Part]) -> bool:
    return all(isinstance(one, Text | Reasoning) for one in parts)


@pytest.mark.parametrize("recording", parameters(RECORDED))
def test_recorded_streams_go_on_with_another_and_behind_another(recording: Recorded) -> None:
    body = recording.response
    whole_answer = read(DIALECT, [body]).answer
    message = whole_answer.choices[0]
    for delivered in (0, 1, 3):
        ours = read(DIALECT, [client(HELLO, delivered, "Hello ", body)])
        assert ours.notes == read(DIALECT, [body]).notes
        kinds = Reasoning, Refusal
        theirs = said([one for one in message.parts if not isinstance(one, kinds)])
        assert said([one for one in ours.answer.choices[0].parts if not isinstance(one, kinds)]) == (
            "",
            "Hello " + theirs[1],
            "",
            theirs[3],
        )
        assert (ours.answer.complete, ours.answer.error) == (whole_answer.complete, whole_answer.error)
        assert ours.answer.choices[0].finish_reason == message.finish_reason
        if delivered:
            assert {one["id"] for one in payloads(client(HELLO, delivered, "Hello ", body)) if "id" in one} == {"c1"}
    cuts = events_of(body)
    for delivered in {1, len(cuts) // 3, len(cuts) // 2}:
        sent = read(DIALECT, [had(body, delivered)]).answer
        got = sent.message or Message("assistant")
        if sent.complete or got.finish_reason or not spliceable(got.parts):
            continue
        ours = read(DIALECT, [client(body, delivered, got.text() + "So: ", MORE)])
        assert ours.answer.choices[0].text() == got.text() + "So: world"
        assert [one.name for one in ours.answer.choices[0].tool_calls()] == ["Bash", "Read"]
        assert ours.answer.complete
