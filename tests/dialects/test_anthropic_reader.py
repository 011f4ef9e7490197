"""Answers of the Anthropic API: their quirks one by one, any split of them, and any nonsense."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects.anthropic import Anthropic
from inspector.model.message import (
    Growing,
    Message,
    Other,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Transcript,
)
from tests.dialects.recorded import answer_of, events_of, pieces, read, recorded, sse

Json = dict[str, Any]

DIALECT = Anthropic()


START: Json = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-x",
        "content": [],
        "stop_reason": None,
        "usage": {
            "input_tokens": 7,
            "cache_creation_input_tokens": 20,
            "cache_read_input_tokens": 100,
            "output_tokens": 1,
        },
    },
}
STOP: Json = {"type": "message_stop"}


def begin(index: int, **block: object) -> Json:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **fields: object) -> Json:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def end(index: int) -> Json:
    return {"type": "content_block_stop", "index": index}


def finish(reason: str, **usage: object) -> Json:
    return {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": usage}


def of(*events: Json) -> Transcript:
    return read(DIALECT, [sse(*events)])


def of_document(document: object) -> Transcript:
    return read(DIALECT, [json.dumps(document).encode()], "application/json")


TWO_TOOLS = (
    START,
    begin(0, type="thinking", thinking="", signature=""),
    delta(0, "thinking_delta", thinking="Let me "),
    delta(0, "thinking_delta", thinking="see."),
    delta(0, "signature_delta", signature="c2ln"),
    end(0),
    {"type": "ping"},
    begin(1, type="text", text=""),
    delta(1, "text_delta", text="Zwei\u2028 Städte:"),
    end(1),
    begin(2, type="tool_use", id="toolu_1", name="weather", input={}),
    begin(3, type="tool_use", id="toolu_2", name="weather", input={}),
    delta(3, "input_json_delta", partial_json='{"city": "Graz"}'),
    delta(2, "input_json_delta", partial_json=""),
    delta(2, "input_json_delta", partial_json='{"city": '),
    delta(2, "input_json_delta", partial_json='"Wien"}'),
    end(3),
    end(2),
    finish("tool_use", output_tokens=42),
    STOP,
)


def test_a_stream_with_thoughts_words_and_interleaved_calls() -> None:
    transcript = of(*TWO_TOOLS)
    message = answer_of(transcript)
    assert message.parts == [
        Reasoning(content=Growing("Let me see."), signature="c2ln"),
        Text(Growing("Zwei\u2028 Städte:")),
        ToolCall("toolu_1", "weather", Growing('{"city": "Wien"}'), done=True),
        ToolCall("toolu_2", "weather", Growing('{"city": "Graz"}'), done=True),
    ]
    assert message.finish_reason == "tool_use"
    assert (transcript.answer.id, transcript.answer.model) == ("msg_1", "claude-x")
    assert transcript.answer.complete
    assert transcript.notes == []


def test_usage_is_cumulative_and_its_input_holds_the_cache() -> None:
    usage = of(*TWO_TOOLS).answer.usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (127, 42)
    assert (usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (100, 20)
    assert usage.raw == {**START["message"]["usage"], "output_tokens": 42}


def test_a_later_count_stands_and_a_later_zero_or_null_clears_nothing() -> None:
    last = {"input_tokens": 9, "cache_read_input_tokens": 0, "cache_creation_input_tokens": None, "output_tokens": 0}
    usage = of(START, finish("end_turn", **last, output_tokens_details={"thinking_tokens": 3})).answer.usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.reasoning_output_tokens) == (129, 0, 3)


def test_an_empty_start_of_usage_gives_no_zeros_of_its_own() -> None:
    start = {"type": "message_start", "message": {"id": "m", "usage": None}}
    assert of(start).answer.usage is None
    usage = of(start, finish("end_turn", output_tokens=5)).answer.usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.cache_read_input_tokens) == (None, 5, None)


@pytest.mark.parametrize(
    ("given_input", "deltas", "expected"),
    [
        ({}, [], "{}"),
        ({}, [""], "{}"),
        ({"a": 1}, [], '{"a":1}'),
        ({"a": 1}, ["", '{"b"', ": 2}"], '{"b": 2}'),
        ({}, ['{"cut": "sho'], '{"cut": "sho'),
    ],
)
def test_a_calls_input_is_what_its_deltas_say_or_else_its_start(
    given_input: Json, deltas: list[str], expected: str
) -> None:
    steps = [delta(0, "input_json_delta", partial_json=piece) for piece in deltas]
    call = answer_of(of(begin(0, type="tool_use", id="t", name="n", input=given_input), *steps, end(0))).parts[0]
    assert call == ToolCall("t", "n", Growing(expected), done=True)


def test_what_is_open_when_the_stream_breaks_stays_open() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "r"}
    transcript = of(
        START,
        begin(0, type="tool_use", id="t", name="n", input={}),
        delta(0, "input_json_delta", partial_json='{"a'),
        error,
    )
    assert answer_of(transcript).parts == [ToolCall("t", "n", Growing('{"a'), done=False)]
    assert transcript.answer.error == "overloaded_error: Overloaded"
    assert not transcript.answer.complete


def test_an_error_that_breaks_off_a_stream_without_framing() -> None:
    error = b'{\n  "error": {"type": "api_error",\n "message": "Internal"}\n}\n'
    transcript = read(DIALECT, [sse(START, begin(0, type="text", text="So far")), error])
    assert (transcript.answer.error, transcript.answer.complete) == ("api_error: Internal", False)
    assert answer_of(transcript).text() == "So far"


def test_server_tools_are_calls_with_the_providers_word_and_their_results_follow() -> None:
    found = [{"type": "web_search_result", "title": "T", "url": "https://t", "encrypted_content": "x"}]
    message = answer_of(
        of(
            START,
            begin(0, type="server_tool_use", id="srv_1", name="web_search", input={}),
            delta(0, "input_json_delta", partial_json='{"query": "q"}'),
            end(0),
            begin(1, type="web_search_tool_result", tool_use_id="srv_1", content=found),
            end(1),
            begin(2, type="mcp_tool_use", id="mcp_1", name="read", server_name="s", input={"f": 1}),
            end(2),
            begin(
                3, type="mcp_tool_result", tool_use_id="mcp_1", is_error=True, content=[{"type": "text", "text": "no"}]
            ),
            end(3),
        )
    )
    search, results, call, failure = message.parts
    assert search == ToolCall("srv_1", "web_search", Growing('{"query": "q"}'), "server_tool_use", done=True)
    assert isinstance(search, ToolCall) and search.server_side
    assert isinstance(results, ToolResult) and json.loads(results.content) == found
    assert (results.id, results.name, results.is_error) == ("srv_1", "web_search", False)
    assert call == ToolCall("mcp_1", "read", Growing('{"f":1}'), "mcp_tool_use", done=True)
    assert failure == ToolResult("mcp_1", "no", is_error=True, name="read")


def test_a_server_tools_error_is_told_by_its_contents_type() -> None:
    content = {"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"}
    part = answer_of(of(begin(0, type="web_search_tool_result", tool_use_id="s", content=content))).parts[0]
    assert isinstance(part, ToolResult) and part.is_error and "max_uses_exceeded" in part.content


def test_citations_sealed_thoughts_compaction_and_unknown_blocks() -> None:
    cited = {"type": "char_location", "cited_text": "c"}
    fallback = {"from": {"model": "a"}, "to": {"model": "b"}}
    message = answer_of(
        of(
            begin(0, type="redacted_thinking", data="c2VhbA=="),
            begin(1, type="text", text="As ", citations=None),
            delta(1, "text_delta", text="said"),
            delta(1, "citations_delta", citation=cited),
            begin(2, type="compaction", content=None),
            delta(2, "compaction_delta", content="so far"),
            begin(3, type="fallback", **fallback),
        )
    )
    assert message.parts == [
        Reasoning(encrypted="c2VhbA=="),
        Text(Growing("As said"), [cited]),
        Other("compaction", {"type": "compaction", "content": "so far"}),
        Other("fallback", {"type": "fallback", **fallback}),
    ]


def test_deltas_without_a_start_make_their_block() -> None:
    message = answer_of(of(delta(0, "text_delta", text="a"), delta(0, "text_delta", text="b")))
    assert message.parts == [Text(Growing("ab"))]


def test_what_is_unknown_is_noted_and_harms_nothing() -> None:
    transcript = of(START, {"type": "novelty"}, delta(0, "strange_delta"), begin(0, type="text", text="fine"), STOP)
    assert transcript.notes == ["unknown event: novelty", "unknown delta: strange_delta"]
    assert answer_of(transcript).text() == "fine"


def test_an_extra_done_marker_and_events_after_the_end() -> None:
    data = sse(START, STOP, finish("end_turn", output_tokens=9)) + b"data: [DONE]\n\n"
    transcript = read(DIALECT, [data])
    assert (answer_of(transcript).finish_reason, transcript.notes) == ("end_turn", [])


def test_a_whole_message_and_what_bodies_say_in_errors() -> None:
    whole = {
        **START["message"],
        "content": [
            {"type": "text", "text": "Hi"},
            {"type": "tool_use", "id": "t", "name": "n", "input": {"ä": [1.5]}},
        ],
        "stop_reason": "tool_use",
    }
    transcript = of_document(whole)
    assert answer_of(transcript) == Message(
        "assistant", [Text(Growing("Hi")), ToolCall("t", "n", Growing('{"ä":[1.5]}'), done=True)], "tool_use"
    )
    assert transcript.answer.complete
    error = {"type": "error", "error": {"type": "invalid_request_error", "message": "too long"}}
    assert of_document(error).answer.error == "invalid_request_error: too long"
    assert of_document({"detail": "Not found"}).answer.error == "Not found"
    assert of_document({"hello": 1}).notes == ["the body is neither a message nor an error"]


BODIES = [
    sse(*TWO_TOOLS),
    *(
        recording.response
        for recording in recorded("anthropic-messages")
        if recording.stream and len(recording.response) < 20_000
    ),
]


@given(st.sampled_from(BODIES), st.lists(st.integers(min_value=0), max_size=12))
@settings(max_examples=150, deadline=None)
def test_any_split_of_a_stream_gives_the_same_transcript(body: bytes, cuts: list[int]) -> None:
    assert read(DIALECT, pieces(body, cuts)) == read(DIALECT, [body])


def test_a_stream_byte_by_byte_gives_the_same_transcript() -> None:
    body = sse(*TWO_TOOLS)
    assert read(DIALECT, [body[n : n + 1] for n in range(len(body))]) == read(DIALECT, [body])


@given(st.sampled_from(BODIES), st.integers(min_value=0))
@settings(max_examples=60, deadline=None)
def test_a_stream_that_is_cut_is_read_as_far_as_it_came(body: bytes, cut: int) -> None:
    whole = read(DIALECT, [body])
    part = read(DIALECT, [body[: cut % (body.rindex(b"message_stop") - 20)]])
    assert not part.answer.complete
    assert answer_of(whole).text().startswith(part.answer.message.text() if part.answer.message else "")


EVENTS = events_of(
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message",
    "error",
    "text",
    "tool_use",
    "tool_result",
    "image",
    "text_delta",
    "input_json_delta",
    keys="type index delta content_block message content usage text input error source id",
)


@given(st.lists(EVENTS, max_size=6))
@settings(max_examples=200, deadline=None)
def test_no_json_makes_the_reader_fail(events: list[Json]) -> None:
    assert not [note for note in of(*events).notes if note.startswith("event: ")]
    of_document(events[0] if events else [])
