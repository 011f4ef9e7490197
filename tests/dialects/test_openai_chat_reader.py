"""Chat Completions answers, quirk by quirk: words, thoughts, citations, ends."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.model.message import (
    Growing,
    Media,
    Message,
    Reasoning,
    Refusal,
    Text,
    Transcript,
)
from tests.dialects.chat_streams import DIALECT, chunk, part, stream, streamed, whole
from tests.dialects.recorded import answer_of, read

Json = dict[str, Any]


def test_a_stream() -> None:
    body = stream(
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "Hel"}),
        chunk({"role": "assistant", "content": "lo", "refusal": None, "tool_calls": None}),
        chunk(finish="stop"),
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}},
    )
    answer = read(DIALECT, [body]).answer
    assert (answer.id, answer.model, answer.complete, answer.error) == ("c1", "m", True, None)
    assert answer_of(Transcript(answer=answer)) == Message("assistant", [Text(Growing("Hello"))], "stop")


def test_choices_are_kept_apart() -> None:
    body = stream(*(chunk({"content": text}, index=index) for index, text in ((1, "b"), (0, "a"), (1, "d"), (0, "c"))))
    assert [choice.text() for choice in read(DIALECT, [body]).answer.choices] == ["ac", "bd"]


def test_a_choice_without_an_index_is_the_first() -> None:
    body = stream({"choices": [{"delta": {"content": "a"}}]}, {"choices": [{"index": None, "delta": {"content": "b"}}]})
    assert answer_of(read(DIALECT, [body])).text() == "ab"


def test_the_last_finish_reason_wins_and_an_empty_one_says_nothing() -> None:
    body = stream(
        chunk({"content": "a"}, ""), chunk(finish="stop"), chunk({"content": "b"}, "length"), chunk(finish=""), chunk()
    )
    message = answer_of(read(DIALECT, [body]))
    assert (message.text(), message.finish_reason) == ("ab", "length")


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning(field: str) -> None:
    message = streamed({field: "I th"}, {field: "ink"}, {field: None, "content": "so"})
    assert message.parts == [Reasoning(Growing("I think")), Text(Growing("so"))]


def test_reasoning_in_several_fields_is_shown_once() -> None:
    message = streamed(
        {"reasoning": "a", "reasoning_details": [{"type": "reasoning.text", "text": "a", "index": 0}]},
        {"reasoning": "b", "reasoning_content": "b"},
        {"reasoning_details": [{"type": "reasoning.text", "text": "c"}, {"type": "reasoning.summary", "summary": "d"}]},
        {"reasoning_details": [{"type": "reasoning.text", "text": "", "signature": "sig"}]},
    )
    assert message.parts == [Reasoning(Growing("abcd"), "sig")]


def test_sealed_reasoning_is_kept_beside_the_words() -> None:
    seal = {"type": "reasoning.encrypted", "data": "one"}
    message = streamed(
        {"reasoning": "a", "reasoning_details": [seal]},
        {"reasoning_details": [seal, {"type": "reasoning.encrypted", "data": "two"}]},
    )
    assert message.parts == [Reasoning(Growing("a"), encrypted="one"), Reasoning(encrypted="two")]


def test_mistral_sends_content_lists() -> None:
    message = streamed(
        {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "th"}, {"type": "text", "text": "in"}]}
            ]
        },
        {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "k"}]},
                {"type": "text", "text": "say"},
            ]
        },
        {"content": " it"},
        {"content": [{"type": "reference", "reference_ids": [1]}]},
    )
    assert message.parts == [
        Reasoning(Growing("think")),
        Text(Growing("say it"), [{"type": "reference", "reference_ids": [1]}]),
    ]


def test_refusals_and_sound() -> None:
    message = streamed(
        {"refusal": "I'm "},
        {"refusal": "sorry"},
        {"audio": {"id": "audio_1"}},
        {"audio": {"data": "AAAA", "transcript": "he"}},
        {"audio": {"data": "AAA=", "transcript": "llo", "expires_at": 1}},
    )
    assert message.parts == [
        Refusal(Growing("I'm sorry")),
        Media("audio", uri="audio_1", size=5, transcript=Growing("hello")),
    ]


def test_empty_fields_make_no_parts() -> None:
    empty = {
        "audio": {"id": "", "data": ""},
        "function_call": {"name": "", "arguments": ""},
        "tool_calls": [],
        "refusal": "",
    }
    assert answer_of(read(DIALECT, [whole({"content": "4", **empty})], "application/json")).parts == [
        Text(Growing("4"))
    ]


def test_drawn_images_are_described() -> None:
    message = streamed({"images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]})
    assert message.parts == [Media("image", "image/png", size=3)]


def test_citations() -> None:
    note = {"type": "url_citation", "url_citation": {"url": "https://a"}}
    body = stream(
        chunk({"content": "a"}, citations=["x"]),
        chunk({"annotations": [note]}, citations=["x"]),
        chunk({"annotations": [note]}),
        {"choices": [], "citations": ["x", "y"]},
    )
    [text] = answer_of(read(DIALECT, [body])).parts
    assert text == Text(Growing("a"), [note, note, "x", "y"])


def test_a_message_beside_a_delta_is_passed_over_and_alone_it_replaces() -> None:
    beside = chunk({"content": "b"})
    beside["choices"][0]["message"] = {"content": "ab"}
    alone = {"choices": [{"index": 0, "message": {"content": "abc", "tool_calls": [part(0, "1", "f", "{}")]}}]}
    assert answer_of(read(DIALECT, [stream(chunk({"content": "a"}), beside)])).text() == "ab"
    message = answer_of(read(DIALECT, [stream(chunk({"content": "a"}), beside, alone, alone)]))
    assert message.text() == "abc"
    assert len(message.tool_calls()) == 1


def test_a_stream_that_stops_before_its_end_is_not_complete() -> None:
    cut = stream(chunk({"content": "a"}), chunk({"tool_calls": [part(0, "a", "f", '{"x')]}), done=False)
    transcript = read(DIALECT, [cut])
    assert not transcript.answer.complete
    assert [call.done for call in answer_of(transcript).tool_calls()] == [False]


def test_a_reason_ends_a_stream_of_servers_that_send_no_done() -> None:
    body = stream(chunk({"content": "a"}, "stop"), done=False)
    assert read(DIALECT, [body]).answer.complete
    half = stream(chunk({"content": "a"}, "stop"), chunk({"content": "b"}, index=1), done=False)
    assert not read(DIALECT, [half]).answer.complete


def test_what_comes_after_the_end_still_counts() -> None:
    transcript = read(DIALECT, [stream(chunk({"content": "a"}, "stop")) + stream(chunk({"content": "b"}))])
    assert answer_of(transcript).text() == "ab"
    assert transcript.notes == []


def test_a_bad_event_does_not_spoil_the_rest() -> None:
    good = stream(chunk({"content": "a"}), done=False)
    transcript = read(DIALECT, [good + b"data: {oops\n\ndata: 7\n\ndata:\n\n" + good])
    assert answer_of(transcript).text() == "aa"
    assert len(transcript.notes) == 2


def test_an_answer_in_an_envelope() -> None:
    body = b'{"status": "OK", "data": {"data": ' + whole({"content": "x"}) + b"}}"
    assert answer_of(read(DIALECT, [body], "application/json")).text() == "x"


def test_a_whole_answer_sent_as_an_event() -> None:
    assert answer_of(read(DIALECT, [b"data: " + whole({"content": "x"}) + b"\n\n"])).text() == "x"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 1 << 40) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)
TOOL_CALL = st.fixed_dictionaries(
    {},
    optional={
        "index": JSON,
        "id": JSON,
        "type": JSON,
        "function": JSON | st.fixed_dictionaries({"name": JSON, "arguments": JSON}),
    },
)
DELTA = st.fixed_dictionaries(
    {},
    optional={
        "content": JSON
        | st.lists(st.fixed_dictionaries({"type": st.sampled_from(["text", "thinking", "image_url"])}), max_size=2),
        "reasoning": JSON,
        "reasoning_details": JSON | st.lists(st.fixed_dictionaries({"text": JSON, "data": JSON}), max_size=2),
        "tool_calls": JSON | st.lists(TOOL_CALL, max_size=2),
        "function_call": JSON,
        "executed_tools": JSON | st.lists(TOOL_CALL, max_size=2),
        "audio": JSON,
        "annotations": JSON,
    },
)
CHOICE = st.fixed_dictionaries(
    {}, optional={"index": JSON, "delta": JSON | DELTA, "message": JSON | DELTA, "finish_reason": JSON}
)
CHUNK = st.fixed_dictionaries(
    {},
    optional={
        "choices": JSON | st.lists(CHOICE, max_size=2),
        "usage": JSON,
        "error": JSON,
        "x_groq": JSON,
        "citations": JSON,
        "id": JSON,
    },
)


@settings(max_examples=200, deadline=None)
@given(st.lists(CHUNK, max_size=3))
def test_fields_of_any_shape_raise_nothing(chunks: list[Json]) -> None:
    assert read(DIALECT, [stream(*chunks)]).notes == []
