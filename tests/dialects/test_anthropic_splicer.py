"""Two streams of the Messages API made one: whatever the client has of the first, it reads one answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import anthropic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects._anthropic_writer import AnthropicWriter
from inspector.dialects._fields import text_part
from inspector.dialects.anthropic import Anthropic
from inspector.model.message import Growing, Other, Part, Reasoning, Text, ToolCall, Transcript, Usage
from inspector.wire.event import Event
from tests.dialects.messages_streams import (
    ASKED,
    block_shape,
    call,
    check_stream,
    framed,
    message_of,
    parts,
    plain_stream,
    read_events,
    sdk_message,
    shape,
    thoughts,
    words,
)
from tests.dialects.recorded import Recorded, events_of, parameters, payloads, read, recorded, sse
from tests.dialects.responses_answers import Loopback, loopback
from tests.dialects.test_anthropic_rewriter import NOISE, cut, with_noise

Json = dict[str, Any]

DIALECT = Anthropic()
STREAMS = [recording for recording in recorded("anthropic-messages") if recording.stream]
WRITER = AnthropicWriter()
SPENT = Usage(12, 7, raw={"input_tokens": 12, "output_tokens": 7, "output_tokens_details": {"thinking_tokens": 3}})
COUNTS = {"input_tokens": 99, "cache_read_input_tokens": 9, "output_tokens": 5}
LONG = "Hello there, this is long enough. "
KINDS = ("message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "error")


def second_stream(written: list[Part], reason: str = "end_turn", usage: Json | None = None) -> list[bytes]:
    """Another answer's events."""
    events = plain_stream(written, reason)
    events[0]["message"] |= {"id": "msg_2", "model": "claude-y", "usage": {"input_tokens": 99, "output_tokens": 1}}
    events[-2]["usage"] = usage or COUNTS
    return framed(events)


def spliced(delivered: list[bytes], before: str, second: list[bytes], spent: Usage | None = None) -> bytes:
    """What the client gets behind what it has."""
    splicer = WRITER.splicer(read_events(delivered), before, spent)
    out = splicer.open()
    for event in read_events(second):
        out += splicer.feed(event)
    return b"".join(out + splicer.close() + splicer.close())


def client(delivered: list[bytes], before: str, second: list[bytes], spent: Usage | None = None) -> bytes:
    """All that the client gets."""
    return b"".join(delivered) + spliced(delivered, before, second, spent)


def answer(body: bytes) -> Transcript:
    """What this program reads of it, without remarks; the SDK reads the same."""
    transcript = read(DIALECT, [body])
    assert [note for note in transcript.notes if "new_kind" not in note] == []
    if transcript.answer.choices and not transcript.answer.error:
        theirs = sdk_message(body, streamed=True)
        assert [block_shape(block) for block in theirs["content"]] == [
            shape(part) for part in message_of(transcript).parts
        ]
        assert (theirs["id"], theirs["stop_reason"]) == (
            transcript.answer.id,
            message_of(transcript).finish_reason,
        )
    return transcript


def texts(transcript: Transcript) -> list[str]:
    return [str(part.content) for part in message_of(transcript).parts if isinstance(part, Text)]


@pytest.fixture(scope="module")
def served() -> Iterator[Loopback]:
    with loopback() as running:
        yield running


def of_anthropic(served: Loopback, body: bytes) -> anthropic.Anthropic:
    url = str(served.serve(body).base_url)
    return anthropic.Anthropic(api_key="k", base_url=url, max_retries=0)


HELLO = framed(plain_stream([text_part("Hello you")], "end_turn"))
MORE = second_stream([text_part("world"), call("Bash", '{"a": 1}'), call("Read", "{}", "toolu_2")], "tool_use")


@pytest.mark.parametrize("delivered", range(6))
def test_the_sdk_reads_one_answer(served: Loopback, delivered: int) -> None:
    body = client(HELLO[:delivered], "Hello you, ", MORE, SPENT)
    with (
        of_anthropic(served, body) as asked,
        asked.messages.stream(**ASKED) as streaming,
    ):
        message = streaming.get_final_message()
    text, *calls = message.content[-3:]
    assert text.type == "text"
    assert "".join(block.text for block in message.content if block.type == "text") == "Hello you, world"
    assert [(one.id, one.name, one.input) for one in calls if one.type == "tool_use"] == [
        ("toolu_1", "Bash", {"a": 1}),
        ("toolu_2", "Read", {}),
    ]
    assert (message.id, message.model) == (("msg_1", "claude-x") if delivered else ("msg_2", "claude-y"))
    assert (message.stop_reason, message.usage.input_tokens, message.usage.output_tokens) == ("tool_use", 12, 12)
    assert len(message.content) == 3
    check_stream(body)
    assert answer(body).answer.complete


def test_the_words_go_on_in_the_open_block() -> None:
    got = payloads(spliced(HELLO[:3], "Hello you, ", MORE))
    first = [event for event in got if event.get("index") == 0]
    assert [event["type"] for event in first] == [*["content_block_delta"] * 4, "content_block_stop"]
    assert [event["index"] for event in got if event["type"] == "content_block_start"] == [1, 2]
    family = "👩‍👩‍👧 and 🇩🇪🇫🇷 and e\u0301 " * 3
    between = payloads(b"".join(WRITER.splicer(read_events(HELLO[:2]), family, None).open()))
    said = [event["delta"]["text"] for event in between]
    assert "".join(said) == family
    assert len(said) > 5
    assert not any(word.startswith(("\u200d", "\u0301")) or word.endswith("\u200d") for word in said)


def test_a_block_may_begin_with_words() -> None:
    events = plain_stream([text_part("")], "end_turn")
    events[1]["content_block"]["text"] = " there"
    assert texts(answer(client(HELLO[:6], "Hello you", framed(events)))) == ["Hello you", " there"]
    assert texts(answer(client(HELLO[:3], "Hello", framed(events)))) == ["Hello there"]


def test_a_closed_block_is_followed_by_another() -> None:
    body = client(HELLO[:6], "Hello you, ", MORE)
    assert texts(answer(body)) == ["Hello you", ", world"]
    check_stream(body)


def test_thoughts_stay_as_far_as_the_client_has_them(served: Loopback) -> None:
    first = framed(plain_stream([thoughts("Hm, hm", "c2ln"), text_part("Hello")], "end_turn"))
    shapes = {
        3: ("thinking", "Hm, ", ""),
        4: ("thinking", "Hm, hm", ""),
        5: ("thinking", "Hm, hm", "c2ln"),
        6: ("thinking", "Hm, hm", "c2ln"),
        7: ("thinking", "Hm, hm", "c2ln"),
        8: ("thinking", "Hm, hm", "c2ln"),
    }
    for delivered, had in shapes.items():
        for before in ("Hello ", "Hell"):
            body = client(first[:delivered], before, MORE)
            transcript = answer(body)
            assert shape(message_of(transcript).parts[0]) == had
            assert texts(transcript) == [before + "world"]
            check_stream(body)


def test_an_answer_that_begins_otherwise_closes_the_words() -> None:
    for begins in (call("Bash", "{}"), thoughts("Hm", "c2ln")):
        body = client(HELLO[:3], "Hello", second_stream([begins, text_part("so")]))
        transcript = answer(body)
        assert [shape(part) for part in message_of(transcript).parts] == [
            ("text", "Hello", []),
            shape(begins),
            ("text", "so", []),
        ]
        check_stream(body)


def test_nothing_need_come() -> None:
    for delivered in range(6):
        body = client(HELLO[:delivered], "Hello you", second_stream([]), SPENT)
        transcript = answer(body)
        assert texts(transcript) == ["Hello you"]
        check_stream(body)


@pytest.mark.parametrize(
    ("written", "before", "message"),
    [
        ([text_part("Hello")], "Help", "other words already: …Hello"),
        ([text_part("Hello")], "Hel", "other words already"),
        ([text_part("Hi"), call("Bash", "{}")], "Hi", "tool call already"),
        ([ToolCall("srv_1", "search", Growing("{}"), "server_tool_use")], "Hi", "tool call already"),
        ([Other("web_search_tool_result", {"type": "web_search_tool_result", "content": []})], "", "tool call already"),
    ],
)
def test_some_things_nothing_can_follow(written: list[Part], before: str, message: str) -> None:
    for left_out in (2, 3):
        with pytest.raises(ValueError, match=message):
            spliced(framed(plain_stream(written, "end_turn"))[:-left_out], before, MORE)


@pytest.mark.parametrize("left_out", [0, 1])
def test_nothing_follows_the_end(left_out: int) -> None:
    error = sse({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
    for told in (HELLO[: len(HELLO) - left_out], [*HELLO[:3], error]):
        with pytest.raises(ValueError, match="message is over"):
            spliced(told, "Hello you", MORE)


# Usage


def usage_of(body: bytes) -> Json:
    return {name: value for name, value in sdk_message(body, streamed=True)["usage"].items() if value is not None}


def test_tokens_are_those_of_both() -> None:
    second = second_stream([text_part("x")], usage={**COUNTS, "output_tokens_details": {"thinking_tokens": 2}})
    begun = usage_of(client(HELLO[:3], "Hello", second, SPENT))
    assert (begun["input_tokens"], begun["output_tokens"], begun.get("cache_read_input_tokens")) == (12, 12, None)
    assert begun["output_tokens_details"]["thinking_tokens"] == 5
    fresh = usage_of(client([], "Hello", second, SPENT))
    assert (fresh["input_tokens"], fresh["output_tokens"], fresh.get("cache_read_input_tokens")) == (12, 12, None)
    (head, *_) = payloads(spliced([], "Hello", second, SPENT))
    assert head["message"]["usage"] == {"input_tokens": 12, "output_tokens": 1}
    unknown = usage_of(client(HELLO[:3], "Hello", second))
    assert (unknown["input_tokens"], unknown["output_tokens"]) == (12, 5)
    nothing = usage_of(client([], "Hello", second))
    assert (nothing["input_tokens"], nothing["output_tokens"], nothing["cache_read_input_tokens"]) == (99, 5, 9)


# Where the second answer repeats, fails, breaks off, or is no stream


@pytest.mark.parametrize("size", [1, 3, 7, 100])
@pytest.mark.parametrize("delivered", [0, 1, 2, 3])
def test_a_repetition_is_left_out(size: int, delivered: int) -> None:
    events = plain_stream([text_part("")], "end_turn")
    said = LONG + "And more."
    deltas: list[Json] = [{"type": "text_delta", "text": said[at : at + size]} for at in range(0, len(said), size)]
    events[2:2] = [{"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas]
    for second in (events, deepcopy(events)):
        transcript = answer(client(HELLO[:delivered], LONG, framed(second)))
        assert texts(transcript) == [LONG + "And more."]
    del events[2]
    events[1]["content_block"]["text"] = said[:size]
    assert texts(answer(client(HELLO[:delivered], LONG, framed(events)))) == [LONG + "And more."]


def test_what_only_begins_like_a_repetition_stays() -> None:
    for said in (LONG[:-3], "Hello there!", LONG[1:]):
        second = second_stream([text_part(said)])
        assert texts(answer(client(HELLO[:3], LONG, second))) == [LONG + said]
        for events in (2 + len(said) // 4, 3 + len(said) // 4):
            assert texts(answer(client(HELLO[:3], LONG, second[:events]))) == [LONG + said[: (events - 2) * 4]]
    assert texts(answer(client(HELLO[:3], "Hello ", second_stream([text_part("Hello you")])))) == ["Hello Hello you"]
    splicer = WRITER.splicer(read_events(HELLO[:3]), LONG, None)
    told = [bool(splicer.feed(event)) for event in read_events(second_stream([text_part("Hell")]))]
    assert told == [False, False, False, False, True, True]


def test_an_answer_that_breaks_off_gets_no_end() -> None:
    for events in range(len(MORE) - 2):
        body = client(HELLO[:3], "Hello ", MORE[:events])
        transcript = answer(body) if b"input_json" not in b"".join(MORE[:events]) else read(DIALECT, [body])
        assert (transcript.answer.complete, message_of(transcript).finish_reason) == (False, None)
        assert texts(transcript) == ["Hello " + "world"[: max(events - 2, 0) * 4]]
        left_open = {event.get("index") for event in payloads(body) if event["type"] == "content_block_start"}
        left_open -= {event.get("index") for event in payloads(body) if event["type"] == "content_block_stop"}
        assert left_open == {number for number in (1, 2) if f'"id": "toolu_{number}"' in MORE[events - 1].decode()} or (
            b"input_json_delta" in MORE[events - 1]
        )
    assert spliced([], "Hello ", []) == b""


def test_an_answer_whose_reason_is_known_gets_its_end() -> None:
    body = client(HELLO[:3], "Hello ", MORE[:-1])
    check_stream(body)
    assert answer(body).answer.complete


def test_a_failure_is_told(served: Loopback) -> None:
    failed = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    for delivered in ([], HELLO[:3]):
        for last in (sse(failed), json.dumps(failed).encode(), b'data: {"error": {"message": "Overloaded"}}\n\n'):
            for second in ([last], [*MORE[:3], last]):
                if not last.startswith((b"data", b"event")) and len(second) > 1:
                    continue
                body = client(delivered, "Hello ", second)
                error = read(DIALECT, [body]).answer.error
                assert error is not None and "Overloaded" in error
                assert not read(DIALECT, [body]).answer.complete
                assert body.count(b"event: error\n") == 1
                with of_anthropic(served, body) as asked, pytest.raises(anthropic.APIStatusError, match="Overloaded"):
                    [*asked.messages.create(**ASKED, stream=True)]
    assert b"no message" in spliced(HELLO[:3], "Hello ", [b"{}"])


@pytest.mark.parametrize("delivered", range(6))
def test_a_document_becomes_events(delivered: int) -> None:
    content = [
        {"type": "text", "text": "world 👩‍👩‍👧", "citations": None},
        {"type": "thinking", "thinking": "Hm", "signature": "c2ln"},
        {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"a": 1}},
    ]
    message: Json = {"id": "msg_2", "type": "message", "role": "assistant", "model": "claude-y", "content": content}
    message |= {"stop_reason": "tool_use", "stop_sequence": None, "usage": COUNTS}
    body = client(HELLO[:delivered], "Hello you, ", [json.dumps(message).encode()], SPENT)
    assert client(HELLO[:delivered], "Hello you, ", [sse(message)], SPENT) == body
    check_stream(body)
    transcript = answer(body)
    assert "".join(texts(transcript)) == "Hello you, world 👩‍👩‍👧"
    assert [shape(part) for part in message_of(transcript).parts[-2:]] == [
        ("thinking", "Hm", "c2ln"),
        ("function", "toolu_1", "Bash", {"a": 1}),
    ]
    assert (usage_of(body)["output_tokens"], message_of(transcript).finish_reason) == (12, "tool_use")


def test_pings_and_news_pass_and_oddities_are_borne() -> None:
    second = [*NOISE, b"data: {not json\n\n", *MORE[1:], b"data: [DONE]\n\n", *NOISE]
    got = spliced(HELLO[:3], "Hello ", second)
    assert got.count(b"event: ping") == got.count(b"event: new_kind") == 1
    assert b"DONE" not in got
    late = sse({"type": "content_block_delta", "index": 7, "delta": {"type": "text_delta", "text": "late"}})
    stray = sse({"type": "content_block_stop", "index": 8}) + sse({"type": "content_block_delta", "index": 9})
    body = client([], "Hello ", [late, stray, *MORE[-2:]])
    check_stream(body)
    assert texts(answer(body)) == ["Hello late"]
    again = sse({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "late"}})
    body = client(HELLO[:3], "Hello ", [*MORE[:5], again, *MORE[5:]])
    check_stream(body)
    assert texts(answer(body)) == ["Hello world"]
    unexplained = payloads(client(HELLO[:3], "Hello ", [MORE[0], *MORE[-1:]]))
    assert [event["type"] for event in unexplained[-2:]] == ["content_block_stop", "message_stop"]


def test_blocks_may_stand_in_the_head() -> None:
    first, second = plain_stream([], "end_turn"), plain_stream([call("Bash", "{}")], "tool_use")
    first[0]["message"]["content"] = [{"type": "text", "text": "Hel"}]
    second[0]["message"]["content"] = [{"type": "text", "text": "wor"}, {"type": "text", "text": "ld"}]
    for event in second[1:4]:
        event["index"] = 2
    for delivered, parts_of_both in ((0, ["Hello wor", "ld"]), (1, ["Hel", "lo wor", "ld"])):
        body = client(framed(first[:delivered]), "Hello ", framed(second))
        transcript = answer(body)
        assert texts(transcript) == parts_of_both
        assert [one.name for one in message_of(transcript).tool_calls()] == ["Bash"]


def test_blocks_that_are_open_at_once_stay_so() -> None:
    events = plain_stream([text_part("world"), call("Bash", '{"a": 1}')], "tool_use")
    events.insert(2, events.pop(5))
    for delivered in (0, 3):
        body = client(HELLO[:delivered], "Hello ", framed(events))
        check_stream(body)
        assert texts(answer(body)) == ["Hello world"]
    events = plain_stream([text_part("wor"), text_part("ld")], "end_turn")
    events.insert(2, events.pop(4))
    assert texts(answer(client(HELLO[:3], "Hello ", framed(events)))) == ["Hello wor", "ld"]


# Any two streams


def joined(before: str, had: Transcript, open_text: bool, begun: bool, then: list[Part]) -> list[Part]:
    """The parts of both answers."""
    made = deepcopy(message_of(had).parts)
    lacking = before[len(message_of(had).text()) :]
    if not begun:
        return made
    if lacking and not open_text:
        made.append(text_part(""))
        open_text = True
    if lacking:
        made[-1] = text_part(str(made[-1].content) + lacking) if isinstance(made[-1], Text) else made[-1]
    if then and isinstance(then[0], Text) and open_text and isinstance(made[-1], Text):
        first, *then = then
        assert isinstance(first, Text)
        made[-1] = text_part(str(made[-1].content) + str(first.content), first.citations)
    return made + then


def without(repeated: str, parts: list[Part]) -> list[Part]:
    """The parts without the words with which they begin."""
    left: list[Part] = []
    for part in parts:
        if isinstance(part, Text):
            said = str(part.content)
            shared = min(len(said), len(repeated))
            part, repeated = replace(part, content=Growing(said[shared:])), repeated[shared:]
        left.append(part)
    return left


noise = st.lists(st.tuples(st.integers(0, 99), st.sampled_from(NOISE)), max_size=2)
thought_and_said = st.tuples(st.booleans(), words, st.booleans()).map(
    lambda drawn: [
        *([thoughts("Hm, hm", "c2ln")] if drawn[0] else []),
        text_part(drawn[1]),
        *([call("Bash", '{"a": 1}', "toolu_0")] if drawn[2] else []),
    ]
)


@given(thought_and_said, st.lists(parts, max_size=4), noise, noise, st.data())
@settings(max_examples=200, deadline=None)
def test_any_two_streams_are_one_answer(
    written: list[Part],
    then: list[Part],
    between: list[tuple[int, bytes]],
    among: list[tuple[int, bytes]],
    data: st.DataObject,
) -> None:
    first = with_noise(framed(plain_stream(written, "end_turn")), between)
    delivered = first[: data.draw(st.integers(0, len(first)), label="delivered")]
    had = read(DIALECT, delivered)
    sent = message_of(had).text()
    more = data.draw(words | st.just(LONG), label="more")
    before = data.draw(st.sampled_from([sent + more, sent + more, sent[:-1]]), label="before")
    if data.draw(st.booleans(), label="echo"):
        at = data.draw(st.integers(0, len(then)), label="at")
        then = [*then[:at], text_part(before), *then[at:]]
    second = with_noise(second_stream(then), among)
    events = second[: data.draw(st.just(len(second)) | st.integers(0, len(second)), label="events")]
    continued = read(DIALECT, events)
    spent = data.draw(st.sampled_from([None, SPENT]), label="spent")
    over = had.answer.complete or message_of(had).finish_reason or message_of(had).tool_calls()
    if over or not before.startswith(sent):
        with pytest.raises(ValueError, match="the client"):
            spliced(delivered, before, events, spent)
        return
    body = client(delivered, before, events, spent)
    new = message_of(continued).parts
    if len(before) > 20 and message_of(continued).text().startswith(before):
        new = without(before, new)
    kinds = [event["type"] for event in payloads(b"".join(delivered))]
    open_text = kinds.count("content_block_start") > kinds.count("content_block_stop") and isinstance(
        message_of(had).parts[-1], Text
    )
    begun = bool(had.answer.choices or continued.answer.choices)
    transcript = read(DIALECT, [body])
    assert [shape_of(part) for part in message_of(transcript).parts] == [
        shape_of(part) for part in joined(before, had, open_text, begun, new)
    ]
    assert transcript.answer.complete == (message_of(continued).finish_reason is not None)
    assert message_of(transcript).finish_reason == message_of(continued).finish_reason
    assert transcript.answer.id == had.answer.id or continued.answer.id
    assert [note for note in transcript.notes if "new_kind" not in note] == []
    if transcript.answer.complete:
        check_stream(body)
        assert answer(body).answer.usage == transcript.answer.usage
        assert transcript.answer.usage is not None
        assert transcript.answer.usage.output_tokens == 5 + (7 if spent else 0)
        assert transcript.answer.usage.raw["input_tokens"] == (12 if had.answer.choices or spent else 99)


def shape_of(part: Part) -> object:
    """A part whose arguments may have been cut."""
    if isinstance(part, ToolCall):
        return part.id, part.name, str(part.arguments), part.done
    return shape(part)


NEARLY = events_of(
    *KINDS, "text", "thinking", "text_delta", keys="index content_block delta text thinking type message usage error id"
)


@settings(max_examples=80, deadline=None)
@given(st.lists(NEARLY, max_size=4), st.lists(NEARLY, max_size=6), st.sampled_from(["", LONG]))
def test_whatever_a_server_sends_it_never_raises(first: list[Json], second: list[Json], more: str) -> None:
    delivered = framed(first)
    try:
        splicer = WRITER.splicer(read_events(delivered), message_of(read(DIALECT, delivered)).text() + more, None)
    except ValueError:
        return
    out = splicer.open()
    for event in read_events(framed(second)):
        out += splicer.feed(event)
    out += splicer.close()
    assert all(raw.endswith(b"\n\n") for raw in out)
    for one in second:
        assert WRITER.splicer([], "", None).feed(Event(json.dumps(one).encode(), "document"))


# Recorded streams


@pytest.mark.parametrize("recording", parameters(STREAMS))
def test_recorded_streams_go_on_with_another_and_behind_another(recording: Recorded) -> None:
    events = cut(recording.response)
    own = read(DIALECT, events)
    for delivered in (0, 1, 2, 3, 6):
        body = client(HELLO[:delivered], "Hello you: ", events)
        ours = read(DIALECT, [body])
        assert ours.notes == own.notes
        assert message_of(ours).text() == "Hello you: " + message_of(own).text()
        assert [shape_of(part) for part in message_of(ours).tool_calls()] == [
            shape_of(part) for part in message_of(own).tool_calls()
        ]
        assert (ours.answer.error, message_of(ours).finish_reason) == (own.answer.error, message_of(own).finish_reason)
        if own.answer.complete and not own.answer.error:
            assert ours.answer.complete
            kinds = [event["type"] for event in payloads(recording.response)]
            if kinds.count("content_block_start") == kinds.count("content_block_stop"):
                check_stream(body)
    for count in {1, len(events) // 3, len(events) // 2}:
        had = read(DIALECT, events[:count])
        parts_so_far = message_of(had).parts
        spoken = all(isinstance(part, Text | Reasoning | Other) for part in parts_so_far)
        if had.answer.error or message_of(had).finish_reason or not spoken:
            continue
        text = message_of(had).text() + "So: "
        ours = read(DIALECT, [client(events[:count], text, MORE)])
        assert message_of(ours).text() == text + "world"
        assert [one.name for one in message_of(ours).tool_calls()] == ["Bash", "Read"]
        assert ours.answer.complete
