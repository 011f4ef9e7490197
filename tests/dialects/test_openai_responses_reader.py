"""Answers of the Responses API: their quirks one by one, any split of them, and any nonsense."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects.openai_responses import OpenAIResponses
from inspector.model.message import (
    Growing,
    Media,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Transcript,
)
from tests.dialects.recorded import answer_of, events_of, pieces, read, recorded, sse

Json = dict[str, Any]

DIALECT = OpenAIResponses()


def event(kind: str, output_index: int | None = None, **fields: object) -> Json:
    place = {} if output_index is None else {"output_index": output_index}
    return {"type": f"response.{kind}", **place, **fields}


def added(index: int, **item: object) -> Json:
    return event("output_item.added", index, item=item)


def done(index: int, **item: object) -> Json:
    return event("output_item.done", index, item=item)


def ended(status: str = "completed", **response: object) -> Json:
    return event(status, response={"id": "resp_1", "model": "gpt-x", "status": status, **response})


def of(*events: Json) -> Transcript:
    return read(DIALECT, [sse(*events)])


def of_document(document: object) -> Transcript:
    return read(DIALECT, [json.dumps(document).encode()], "application/json")


def parts(*events: Json) -> list[Part]:
    return answer_of(of(*events)).parts


def message(*texts: str) -> Json:
    return {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": text} for text in texts],
    }


USAGE: Json = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 8},
    "output_tokens": 30,
    "output_tokens_details": {"reasoning_tokens": 12},
    "total_tokens": 130,
    "cost": 0.25,
}

TURN = (
    event("created", response={"id": "resp_1", "model": "gpt-x", "status": "in_progress", "output": [], "usage": None}),
    event("in_progress", response={"id": "resp_1", "model": "gpt-x", "status": "in_progress", "output": []}),
    added(0, type="reasoning", id="rs_a", summary=[], encrypted_content="c2VhbA=="),
    event("reasoning_summary_part.added", 0, summary_index=0, part={"type": "summary_text", "text": ""}),
    event("reasoning_summary_text.delta", 0, item_id="rs_b", summary_index=0, delta="**Think"),
    event("reasoning_summary_text.delta", 0, item_id="rs_c", summary_index=0, delta="ing**"),
    event("reasoning_summary_text.done", 0, item_id="rs_d", summary_index=0, text="**Thinking**"),
    added(1, type="message", id="msg_a", role="assistant", content=[]),
    added(2, type="function_call", id="fc_a", call_id="call_1", name="weather", arguments=""),
    event("content_part.added", 1, item_id="msg_b", content_index=0, part={"type": "output_text", "text": ""}),
    event("function_call_arguments.delta", 2, item_id="fc_b", delta='{"city": '),
    event("output_text.delta", 1, item_id="msg_c", content_index=0, delta="Zwei\u2028 ", logprobs=[]),
    {"type": "keepalive", "sequence_number": 9},
    event("function_call_arguments.delta", 2, item_id="fc_c", delta='"Wien"}'),
    event("output_text.delta", 1, item_id="msg_d", content_index=0, delta="Städte"),
)

END = (
    event("output_text.done", 1, content_index=0, text="Zwei\u2028 Städte"),
    event("function_call_arguments.done", 2, arguments='{"city": "Wien"}'),
    done(
        0,
        type="reasoning",
        id="rs_z",
        summary=[{"type": "summary_text", "text": "**Thinking**"}],
        encrypted_content="x",
    ),
    done(1, id="msg_z", **message("Zwei\u2028 Städte")),
    done(2, type="function_call", id="fc_z", call_id="call_1", name="weather", arguments='{"city": "Wien"}'),
    ended(output=[], usage=USAGE),
)


def test_a_stream_whose_item_ids_change_and_whose_end_is_empty() -> None:
    transcript = of(*TURN, *END)
    answer = answer_of(transcript)
    assert answer.parts == [
        Reasoning(Growing("**Thinking**"), encrypted="x"),
        Text(Growing("Zwei\u2028 Städte")),
        ToolCall("call_1", "weather", Growing('{"city": "Wien"}'), done=True),
    ]
    assert answer.finish_reason == "completed"
    assert (transcript.answer.id, transcript.answer.model, transcript.answer.complete) == ("resp_1", "gpt-x", True)
    assert transcript.notes == []


def test_before_its_end_a_stream_reads_the_same_but_open() -> None:
    transcript = of(*TURN)
    assert answer_of(transcript).parts == [
        Reasoning(Growing("**Thinking**"), encrypted="c2VhbA=="),
        Text(Growing("Zwei\u2028 Städte")),
        ToolCall("call_1", "weather", Growing('{"city": "Wien"}'), done=False),
    ]
    assert not transcript.answer.complete
    assert transcript.answer.usage is None


def test_usage_in_opentelemetrys_names() -> None:
    usage = of(ended(usage=USAGE)).answer.usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.reasoning_output_tokens) == (100, 30, 12)
    assert (usage.cache_read_input_tokens, usage.cache_creation_input_tokens, usage.cost) == (64, 8, 0.25)
    assert usage.raw == USAGE


@pytest.mark.parametrize(
    ("status", "details", "reason"),
    [
        ("completed", None, "completed"),
        ("incomplete", {"reason": "max_output_tokens"}, "max_output_tokens"),
        ("incomplete", None, "incomplete"),
        ("cancelled", None, "cancelled"),
        ("failed", None, "failed"),
    ],
)
def test_every_end_is_one(status: str, details: Json | None, reason: str) -> None:
    transcript = of(ended(status, incomplete_details=details, output=[message("so far")]))
    assert (answer_of(transcript).finish_reason, transcript.answer.complete) == (reason, True)
    assert answer_of(transcript).text() == "so far"


@pytest.mark.parametrize(
    "error",
    [
        {"type": "error", "code": "rate_limit_exceeded", "message": "Slow down", "param": None},
        {"type": "error", "error": {"type": "rate_limit_exceeded", "code": "x", "message": "Slow down"}},
        {"type": "error", "error": {"code": "rate_limit_exceeded", "message": "Slow down"}},
        ended("failed", error={"code": "rate_limit_exceeded", "message": "Slow down"}, output=[], usage=None),
    ],
)
def test_errors_in_the_stream_leave_open_what_was_open(error: Json) -> None:
    transcript = of(*TURN, error)
    assert (transcript.answer.error, transcript.answer.complete) == ("rate_limit_exceeded: Slow down", True)
    call = answer_of(transcript).parts[2]
    assert isinstance(call, ToolCall) and not call.done and str(call.arguments) == '{"city": "Wien"}'


def test_whole_values_replace_what_their_deltas_built_and_empty_ones_do_not() -> None:
    first = (added(0, **message()), event("output_text.delta", 0, content_index=0, delta="Hallo"))
    assert parts(*first, event("output_text.done", 0, content_index=0, text="Hello")) == [Text(Growing("Hello"))]
    assert parts(*first, event("output_text.done", 0, content_index=0, text="")) == [Text(Growing("Hallo"))]
    assert parts(*first, done(0, **message("Hey"))) == [Text(Growing("Hey"))]
    assert parts(*first, done(0, **message())) == [Text(Growing("Hallo"))]
    assert parts(*first, ended(output=[message("Hi")])) == [Text(Growing("Hi"))]
    assert parts(*first, ended(output=[message("Hi"), message("there")])) == [
        Text(Growing("Hi")),
        Text(Growing("there")),
    ]
    call = added(0, type="custom_tool_call", call_id="c", name="sql", input="")
    asked = event("custom_tool_call_input.delta", 0, delta="SELECT 1")
    assert parts(call, asked, done(0, type="custom_tool_call", call_id="c", name="sql")) == [
        ToolCall("c", "sql", Growing("SELECT 1"), "custom", done=True)
    ]


def test_parts_stand_by_their_index_whatever_the_order_of_arrival() -> None:
    assert parts(
        event("output_text.delta", 1, content_index=1, delta="c"),
        event("output_text.delta", 1, content_index=0, delta="b"),
        event("reasoning_text.delta", 0, content_index=0, delta="a"),
    ) == [Reasoning(Growing("a")), Text(Growing("b")), Text(Growing("c"))]


def test_several_summaries_and_raw_thoughts() -> None:
    steps = [
        event("reasoning_summary_text.delta", 0, summary_index=index, delta=text) for index, text in enumerate("xy")
    ]
    assert parts(added(0, type="reasoning", summary=[]), *steps) == [Reasoning(Growing("x")), Reasoning(Growing("y"))]
    raw = event("reasoning_text.delta", 0, content_index=0, delta="raw")
    part = event("reasoning_part.added", 0, content_index=0, part={"type": "reasoning_text", "text": ""})
    whole = done(0, type="reasoning", summary=[], content=[{"type": "reasoning_text", "text": "raw"}])
    sealed = done(0, type="reasoning", summary=[], encrypted_content="seal")
    first = added(0, type="reasoning", summary=[])
    assert parts(first) == [Reasoning()]
    assert parts(first, raw) == parts(first, part, raw) == parts(first, part, raw, whole) == [Reasoning(Growing("raw"))]
    assert parts(first, part, raw, sealed) == [Reasoning(Growing("raw"), encrypted="seal")]
    assert parts(first, sealed) == [Reasoning(encrypted="seal")]


def test_refusals_and_citations() -> None:
    cited = {"type": "url_citation", "url": "https://u", "start_index": 0, "end_index": 2}
    assert parts(
        event("refusal.delta", 0, content_index=0, delta="I can"),
        event("refusal.delta", 0, content_index=0, delta="not"),
        event("refusal.done", 0, content_index=0, refusal="I cannot"),
        event("output_text.delta", 1, content_index=0, delta="So"),
        event("output_text.annotation.added", 1, content_index=0, annotation_index=0, annotation=cited),
        event("content_part.done", 1, content_index=0, part={"type": "output_text", "text": "So", "annotations": []}),
    ) == [Refusal(Growing("I cannot")), Text(Growing("So"), [cited])]


def test_an_item_is_the_same_in_a_stream_and_in_a_document() -> None:
    item = {"type": "mcp_call", "id": "mcp", "name": "read", "arguments": "{}", "output": "words", "error": None}
    expected = [ToolCall("mcp", "read", Growing("{}"), "mcp_call", done=True), ToolResult("mcp", "words", name="read")]
    assert parts(done(0, **item)) == expected
    assert answer_of(of_document({"object": "response", "output": [item]})).parts == expected


def test_calls_of_other_kinds_grow_as_they_come() -> None:
    commands = (
        added(0, type="shell_call", call_id="sh", action={"commands": []}),
        event("shell_call_command.added", 0, command_index=0, command=""),
        event("shell_call_command.delta", 0, command_index=0, delta="ls"),
        event("shell_call_command.done", 0, command_index=0, command="ls"),
        added(1, type="shell_call_output", call_id="sh", output=[]),
        event("shell_call_output_content.delta", 1, command_index=0, delta={"stdout": "a b"}),
    )
    call, result = parts(*commands)
    assert isinstance(call, ToolCall) and "ls" in str(call.arguments) and not call.done
    assert result == ToolResult("sh", "a b", name="shell")
    patch = event("apply_patch_call_operation_diff.delta", 0, delta="+x")
    assert parts(patch) == [ToolCall("", "", Growing("+x"), "apply_patch_call")]


def test_speech_comes_after_all_items() -> None:
    spoken = parts(
        event("audio.delta", delta="AAEC"),
        event("audio.transcript.delta", delta="Hi "),
        event("output_text.delta", 0, content_index=0, delta="Text"),
        event("audio.transcript.delta", delta="there"),
        event("audio.delta", delta="AAECAw=="),
        event("audio.done"),
        ended(output=[message("Text")]),
    )
    assert spoken == [Text(Growing("Text")), Media("audio", size=7, transcript=Growing("Hi there"))]


def test_what_is_unknown_is_noted_and_steps_of_hosted_calls_are_not() -> None:
    transcript = of(
        event("web_search_call.searching", 0), event("novelty.delta", 0), {"type": "codex.rate_limits"}, *TURN, *END
    )
    assert transcript.notes == ["unknown event: response.novelty.delta", "unknown event: codex.rate_limits"]
    assert answer_of(transcript).text() == "Zwei\u2028 Städte"


def test_a_stream_without_event_names_and_with_a_done_marker() -> None:
    lines = [line for line in sse(*TURN, *END).split(b"\n") if not line.startswith(b"event:")]
    assert read(DIALECT, [b": PROCESSING\n\n", b"\n".join(lines), b"data: [DONE]\n\n"]) == of(*TURN, *END)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"error": {"message": "No", "type": "invalid_request_error", "code": None}}, "invalid_request_error: No"),
        ({"error": "Model not found", "code": "invalid-argument"}, "invalid-argument: Model not found"),
        ({"detail": "Sign in again"}, "Sign in again"),
        ({"detail": [{"loc": "body"}]}, '[{"loc":"body"}]'),
    ],
)
def test_what_bodies_say_in_errors(body: Json, error: str) -> None:
    transcript = of_document(body)
    assert (transcript.answer.error, transcript.answer.complete, transcript.notes) == (error, True, [])


def test_a_gateway_that_answers_in_the_shape_of_chat() -> None:
    said = {"object": "chat.completion", "choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}
    transcript = of_document(said)
    assert (answer_of(transcript).text(), answer_of(transcript).finish_reason) == ("Hi", "stop")
    assert transcript.answer.complete


BODIES = [
    sse(*TURN, *END),
    *(
        recording.response
        for recording in recorded("openai-responses")
        if recording.stream and len(recording.response) < 20_000
    ),
]


@given(st.sampled_from(BODIES), st.lists(st.integers(min_value=0), max_size=12))
@settings(max_examples=150, deadline=None)
def test_any_split_of_a_stream_gives_the_same_transcript(body: bytes, cuts: list[int]) -> None:
    assert read(DIALECT, pieces(body, cuts)) == read(DIALECT, [body])


def test_a_stream_byte_by_byte_gives_the_same_transcript() -> None:
    body = sse(*TURN, *END)
    assert read(DIALECT, [body[n : n + 1] for n in range(len(body))]) == read(DIALECT, [body])


@given(st.sampled_from(BODIES), st.integers(min_value=0))
@settings(max_examples=60, deadline=None)
def test_a_stream_that_is_cut_is_read_as_far_as_it_came(body: bytes, cut: int) -> None:
    whole = read(DIALECT, [body])
    part = read(DIALECT, [body[: cut % body.rindex(b"response.")]])
    words = part.answer.message.text() if part.answer.message else ""
    assert answer_of(whole).text().startswith(words)


EVENTS = events_of(
    "response.created",
    "response.completed",
    "response.output_item.added",
    "response.output_item.done",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.output_text.annotation.added",
    "response.reasoning_text.delta",
    "response.shell_call_command.delta",
    "error",
    "message",
    "reasoning",
    "function_call",
    "function_call_output",
    "mcp_call",
    "output_text",
    keys="type output_index content_index delta item part content text arguments response output usage error summary",
)


@given(st.lists(EVENTS, max_size=6))
@settings(max_examples=200, deadline=None)
def test_no_json_makes_the_reader_fail(events: list[Json]) -> None:
    assert not [note for note in of(*events).notes if note.startswith("event: ")]
    of_document({"output": events, "usage": events, "error": events})
