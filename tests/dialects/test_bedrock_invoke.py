"""Invoked models: each speaks the API of its maker, wrapped in frames; Anthropic's SDK reads what is written."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import Any

import anthropic
import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects import detect
from inspector.dialects._fields import text_part
from inspector.dialects._invoke_events import METRICS, base64_marks, chunk
from inspector.dialects._invoke_writer import InvokeRewriter, InvokeWriter
from inspector.dialects.bedrock_invoke import BedrockInvoke
from inspector.model.edits import Edits
from inspector.model.flow import Request
from inspector.model.headers import Headers
from inspector.model.message import (
    Answer,
    Growing,
    Media,
    Message,
    Part,
    Prompt,
    Reasoning,
    Text,
    ToolCall,
    Transcript,
    Usage,
)
from inspector.wire.eventstream import event_frame, exception_frame
from tests.dialects.bedrock_streams import FRAMES, HOST, read_events, sdk_events
from tests.dialects.messages_streams import block_shape, call, parts, shape, spoken
from tests.dialects.recorded import Json, Recorded, answer_of, events_of, parameters, read, recorded
from tests.dialects.test_anthropic_rewriter import changes, expected

DIALECT, WRITER = BedrockInvoke(), InvokeWriter()
CLAUDE: Json = {
    "anthropic_version": "bedrock-2023-05-31",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "x"}],
}
KEYS = (
    "message content_block delta index text choices finish_reason stop_reason outputText results generation outputs "
    "completions data usage tool_calls amazon-bedrock-invocationMetrics inputTokenCount messageStop contentBlockDelta"
)
COUNTS = {"inputTokenCount": 3, "outputTokenCount": 4}
STREAMS = [each for each in recorded("bedrock-invoke-stream") if each.request and b"anthropic_version" in each.request]


def request(path: str) -> Request:
    return Request("POST", HOST + path, Headers())


def heard(*payloads: Json) -> Transcript:
    return read(DIALECT, [b"".join(chunk(json.dumps(payload).encode()) for payload in payloads)], FRAMES)


def whole(body: Json) -> Transcript:
    return read(DIALECT, [json.dumps(body).encode()], "application/json")


def sdk_message(body: bytes) -> Json:
    """A stream as the Bedrock client of Anthropic's SDK reads it."""
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, headers={"content-type": FRAMES}, content=body))
    client = httpx2.Client(transport=transport)
    with (
        anthropic.AnthropicBedrock(api_key="k", aws_region="r", http_client=client, max_retries=0) as bedrock,
        bedrock.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "x"}]) as stream,
    ):
        found: Json = stream.get_final_message().model_dump(by_alias=True, warnings=False)
        return found


@pytest.mark.parametrize(
    ("path", "stream"),
    [("/model/a.b-v1%3A0/invoke", False), ("/x/model/a.b-v1:0/invoke-with-response-stream?a=b", True)],
)
def test_the_paths_that_are_its_own(path: str, stream: bool) -> None:
    assert detect(request(path)).name == "bedrock-invoke"
    prompt = DIALECT.prompt(request(path), b"{}")
    assert (prompt.model, prompt.stream) == ("a.b-v1:0", stream)
    for other in ("/model/m/invoke-with-bidirectional-stream", "/async-invoke", "/model/m/converse"):
        assert not DIALECT.matches(request(other))


@pytest.mark.parametrize(
    ("body", "messages", "settings"),
    [
        (
            {**CLAUDE, "system": "Be brief."},
            [("system", "Be brief."), ("user", "x")],
            {"anthropic_version", "max_tokens"},
        ),
        ({"messages": [{"role": "user", "content": "x"}], "top_p": 1}, [("user", "x")], {"top_p"}),
        (
            {"schemaVersion": "messages-v1", "messages": [{"role": "user", "content": [{"text": "x"}]}]},
            [("user", "x")],
            set(),
        ),
        ({"inputText": "x", "textGenerationConfig": {"topP": 1}}, [("user", "x")], {"topP"}),
        ({"prompt": "x", "max_gen_len": 5}, [("user", "x")], {"max_gen_len"}),
        (
            {
                "preamble": "p",
                "message": "x",
                "chat_history": [{"role": "USER", "message": "a"}, {"role": "CHATBOT", "message": "b"}],
            },
            [("system", "p"), ("user", "a"), ("assistant", "b"), ("user", "x")],
            set(),
        ),
        ({"texts": ["a", "b"], "input_type": "search_query"}, [("user", "a"), ("user", "b")], {"input_type"}),
        ({"taskType": "TEXT_IMAGE", "imageGenerationConfig": {"seed": 1}}, [], {"taskType", "seed"}),
    ],
)
def test_requests(body: Json, messages: list[tuple[str, str]], settings: set[str]) -> None:
    prompt = DIALECT.prompt(request("/model/m/invoke"), json.dumps(body).encode())
    assert [(message.role, message.text()) for message in prompt.messages] == messages
    assert set(prompt.parameters) == settings


def test_a_claude_is_known_by_its_model_too() -> None:
    body = {"messages": [{"role": "user", "content": [{"type": "thinking", "thinking": "hm"}]}]}
    prompt = DIALECT.prompt(request("/model/us.anthropic.claude-x/invoke"), json.dumps(body).encode())
    assert isinstance(prompt.messages[0].parts[0], Reasoning)


@pytest.mark.parametrize(
    ("payloads", "text", "reason"),
    [
        (
            [
                {"outputText": "He", "index": 0, "completionReason": None},
                {"outputText": "y", "index": 0, "completionReason": "FINISH"},
            ],
            "Hey",
            "FINISH",
        ),
        ([{"generation": "He", "stop_reason": None}, {"generation": "y", "stop_reason": "stop"}], "Hey", "stop"),
        (
            [{"outputs": [{"text": "He", "stop_reason": None}]}, {"outputs": [{"text": "y", "stop_reason": "length"}]}],
            "Hey",
            "length",
        ),
        (
            [
                {"completion": "He", "type": "completion", "stop_reason": None},
                {"completion": "y", "stop_reason": "stop_sequence"},
            ],
            "Hey",
            "stop_sequence",
        ),
        (
            [{"text": "He", "is_finished": False}, {"text": "y", "is_finished": True, "finish_reason": "COMPLETE"}],
            "Hey",
            "COMPLETE",
        ),
        (
            [
                {"event_type": "stream-start", "generation_id": "g"},
                {"event_type": "text-generation", "text": "Hey"},
                {"event_type": "stream-end", "finish_reason": "COMPLETE", "response": {"text": "Hey"}},
            ],
            "Hey",
            "COMPLETE",
        ),
        ([{"choices": [{"text": "Hey", "stop_reason": "stop"}]}], "Hey", "stop"),
        (
            [
                {"choices": [{"index": 0, "message": {"role": "assistant", "content": "He"}, "stop_reason": None}]},
                {"choices": [{"index": 0, "message": {"content": "y"}, "stop_reason": "stop"}]},
            ],
            "Hey",
            "stop",
        ),
        (
            [
                {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "Hey"}}]},
                {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
            ],
            "Hey",
            "stop",
        ),
        (
            [
                {"messageStart": {"role": "assistant"}},
                {"contentBlockDelta": {"delta": {"text": "He"}, "contentBlockIndex": 0}},
                {"contentBlockStop": {"contentBlockIndex": 0}},
                {"contentBlockDelta": {"delta": {"text": "y"}, "contentBlockIndex": 1}},
                {"messageStop": {"stopReason": "end_turn"}},
                {"metadata": {"usage": {"inputTokens": 3, "outputTokens": 4}}},
            ],
            "Hey",
            "end_turn",
        ),
    ],
)
def test_streams_of_many_makers(payloads: list[Json], text: str, reason: str) -> None:
    transcript = heard(*payloads[:-1], {**payloads[-1], METRICS: {**COUNTS, "cacheReadInputTokenCount": 2}})
    assert transcript.notes == [] and transcript.answer.complete
    message, usage = answer_of(transcript), transcript.answer.usage
    assert (message.text(), message.finish_reason) == (text, reason)
    assert sum(isinstance(part, Text) for part in message.parts) == 1
    assert usage is not None and usage.output_tokens == 4
    assert usage.input_tokens == (3 if "metadata" in payloads[-1] else 5)
    assert usage.cache_read_input_tokens == 2


@pytest.mark.parametrize(
    ("body", "text", "reason", "counts"),
    [
        (
            {
                "inputTextTokenCount": 3,
                "results": [{"tokenCount": 4, "outputText": "Hey", "completionReason": "FINISH"}],
            },
            "Hey",
            "FINISH",
            (3, 4),
        ),
        (
            {"generation": "Hey", "prompt_token_count": 3, "generation_token_count": 4, "stop_reason": "stop"},
            "Hey",
            "stop",
            (3, 4),
        ),
        ({"outputs": [{"text": "Hey", "stop_reason": "stop"}]}, "Hey", "stop", None),
        (
            {"id": "1", "generations": [{"id": "1", "text": "Hey", "finish_reason": "COMPLETE"}]},
            "Hey",
            "COMPLETE",
            None,
        ),
        (
            {"completions": [{"data": {"text": "Hey"}, "finishReason": {"reason": "endoftext"}}]},
            "Hey",
            "endoftext",
            None,
        ),
        (
            {"choices": [{"message": {"role": "assistant", "content": "Hey"}, "stop_reason": "stop"}]},
            "Hey",
            "stop",
            None,
        ),
        (
            {
                "output": {"message": {"role": "assistant", "content": [{"text": "Hey"}]}},
                "stopReason": "end_turn",
                "usage": {"inputTokens": 3, "outputTokens": 4},
            },
            "Hey",
            "end_turn",
            (3, 4),
        ),
        (
            {
                "type": "message",
                "content": [{"type": "text", "text": "Hey"}],
                "stop_reason": "end_turn",
                "usage": {"input_tokens": 3, "output_tokens": 4},
            },
            "Hey",
            "end_turn",
            (3, 4),
        ),
    ],
)
def test_documents_of_many_makers(body: Json, text: str, reason: str, counts: tuple[int, int] | None) -> None:
    transcript = whole(body)
    assert transcript.notes == [] and transcript.answer.complete
    assert (answer_of(transcript).text(), answer_of(transcript).finish_reason) == (text, reason)
    usage = transcript.answer.usage
    assert (usage and (usage.input_tokens, usage.output_tokens)) == counts


def test_a_log_of_events_is_read_too() -> None:
    payload = {"chunk": {"bytes": b64encode(b'{"generation":"Hey","stop_reason":"stop"}').decode()}}
    lines = [json.dumps(payload).encode() + b"\n"] * 2
    assert answer_of(read(DIALECT, lines, FRAMES)).text() == "HeyHey"


def test_what_is_no_text() -> None:
    embedding = whole({"embedding": [0.1], "inputTextTokenCount": 3})
    assert embedding.notes == [] and embedding.answer.choices == []
    assert embedding.answer.usage is not None and embedding.answer.usage.input_tokens == 3
    assert answer_of(whole({"images": ["AAEC"]})).parts == [Media("image", size=3)]
    calls = whole({"text": "", "finish_reason": "COMPLETE", "tool_calls": [{"name": "look", "parameters": {"a": 1}}]})
    assert answer_of(calls).parts == [ToolCall(name="look", arguments=Growing('{"a":1}'), done=True)]
    assert whole({"x": 1}).notes == ["nothing in this answer is known"]


def test_failures() -> None:
    broken = exception_frame("modelTimeoutException", b'{"message":"Too slow"}')
    transcript = read(DIALECT, [chunk(b'{"generation":"Hel"}'), broken], FRAMES)
    assert (transcript.answer.error, transcript.answer.complete) == ("modelTimeoutException: Too slow", False)
    assert whole({"message": "no"}).answer.error == "no"
    assert whole({"type": "error", "error": {"type": "bad", "message": "no"}}).answer.error == "bad: no"
    assert whole({"error": {"type": "bad", "message": "gateway"}}).answer.error == "bad: gateway"
    odd = read(DIALECT, [event_frame("chunk", b'{"bytes":"a"}'), event_frame("chunk", b'{"bytes":"WzFd"}')], FRAMES)
    assert [note.partition(":")[0] for note in odd.notes] == ["event", "event"]
    assert odd.answer.choices == []


@given(st.lists(events_of("message_start", "message", "completion", "content_block_delta", keys=KEYS), max_size=5))
@settings(max_examples=50, deadline=None)
def test_nothing_but_value_errors_is_raised_whatever_comes(payloads: list[Json]) -> None:
    body = b"".join(chunk(json.dumps(payload).encode()) for payload in payloads)
    assert read(DIALECT, [body], FRAMES) == read(DIALECT, [body[:50], body[50:]], FRAMES)
    for payload in payloads:
        whole({name: value for name, value in payload.items() if name != "type"})
        whole(payload)


@given(st.text(max_size=9), st.text(max_size=9))
def test_marks_are_found_in_base64_wherever_they_stand(before: str, behind: str) -> None:
    [*marks] = base64_marks("tool_use", "x-y")
    payload = chunk((before + "tool_use" + behind).encode(errors="replace"))
    assert any(mark in payload for mark in marks)
    assert len(marks) == 6


# Written


@given(st.lists(spoken, max_size=3))
@settings(max_examples=50, deadline=None)
def test_a_written_answer_is_what_anthropics_sdk_reads(written: list[Part]) -> None:
    answer = Answer("", "m", [Message("assistant", written)], Usage(9, 3))
    body = b"".join(WRITER.stream(answer, CLAUDE))
    transcript, theirs = read(DIALECT, [body], FRAMES), sdk_message(body)
    assert transcript.notes == [] and transcript.answer.complete
    ours = [shape(part) for part in answer_of(transcript).parts] if transcript.answer.choices else []
    assert ours == [shape(part) for part in written] == [block_shape(block) for block in theirs["content"]]
    assert any(mark in body for mark in DIALECT.terminal)
    assert transcript.answer.usage is not None and transcript.answer.usage.input_tokens == 9
    document = WRITER.document(answer, CLAUDE)
    assert [shape(part) for part in answer_of(read(DIALECT, [document], "application/json")).parts] == ours


def test_an_answer_in_the_shape_of_chat_is_written() -> None:
    answer = Answer("", "m", [Message("assistant", [text_part("Hey"), call("look", "{}")])], Usage(9, 3))
    asked = {"messages": [{"role": "user", "content": "x"}]}
    body = b"".join(WRITER.stream(answer, asked))
    message = answer_of(read(DIALECT, [body], FRAMES))
    assert (message.text(), message.finish_reason, message.tool_calls()[0].name) == ("Hey", "tool_calls", "look")
    events = [json.loads(event["chunk"]["bytes"]) for event in sdk_events(body, "ResponseStream")]
    assert events[-1][METRICS] == {"inputTokenCount": 9, "outputTokenCount": 3}
    edited = json.loads(WRITER.edit_document(WRITER.document(answer, asked), Edits({0: text_part("Ho")})))
    assert edited["choices"][0]["message"]["content"] == "Ho"


def test_what_is_only_read_is_not_written() -> None:
    for asked in ({"inputText": "x"}, {"schemaVersion": "messages-v1", "messages": []}):
        with pytest.raises(ValueError, match="can be read, not written"):
            WRITER.stream(Answer(), asked)
    with pytest.raises(ValueError, match="can be read, not written"):
        WRITER.edit_document(b'{"generation": "x"}', Edits(final=True))
    with pytest.raises(ValueError, match="cannot go on with another one"):
        WRITER.splicer([], "", None)
    assert [each.label for each in WRITER.sections({"inputText": "x"})] == ["inputText"]
    assert [each.kind for each in WRITER.sections(CLAUDE)] == ["setting", "setting", "message"]


def test_failures_are_written() -> None:
    failed = Answer(choices=[Message("assistant", [text_part("Hel")])], error="throttlingException: Slow down")
    transcript = read(DIALECT, WRITER.stream(failed, CLAUDE), FRAMES)
    assert (transcript.answer.error, answer_of(transcript).text()) == (failed.error, "Hel")
    with pytest.raises(anthropic.APIError, match="Slow down"):
        sdk_message(b"".join(WRITER.stream(failed, CLAUDE)))
    assert (
        json.loads(WRITER.error(500, "no"))
        == json.loads(WRITER.document(Answer(error="no"), CLAUDE))
        == {"message": "no"}
    )


def test_a_request_is_written_for_a_claude() -> None:
    body, lost = WRITER.write_prompt(Prompt("m", [Message("user", [text_part("x")])], stream=True))
    assert body == {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 4096, "messages": CLAUDE["messages"]}
    assert lost == ["the request names no limit: max_tokens is 4096"]
    assert WRITER.path("a:b") == "/model/a%3Ab/invoke-with-response-stream"


# Rewritten


def passed(events: list[bytes], delivered: int, edits: Edits) -> bytes:
    """What a client gets of a stream that is edited when it has so many events of it."""
    rewriter, client = InvokeRewriter(read_events(events[:delivered])), events[:delivered]
    rewriter.edit(edits)
    for raw in events[delivered:]:
        pieces = rewriter.feed(read_events([raw])[0])
        client += [raw] if pieces is None else pieces
    return b"".join([*client, *rewriter.close()])


@given(st.data(), st.lists(parts, max_size=3), st.integers(0, 30), st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_sdk_reads_exactly_the_edited_message(data: Any, written: list[Part], delivered: int, final: bool) -> None:
    events = WRITER.stream(Answer("", "m", [Message("assistant", written)], Usage(9, 3)), CLAUDE)
    delivered %= len(events)
    edits = data.draw(changes(written))
    edits.final = final
    had = read(DIALECT, events[:delivered], FRAMES).answer.message
    try:
        body = passed(events, delivered, edits)
    except ValueError:
        return
    if not edits:
        assert body == b"".join(events)
        return
    theirs = sdk_message(body)
    after = expected((had.parts if had else []) if final else written, edits)
    names = [(type(part), getattr(part, "name", "")) for part in answer_of(read(DIALECT, [body], FRAMES)).parts]
    assert names == [(type(part), getattr(part, "name", "")) for part in after]
    assert len(theirs["content"]) == len(after)
    assert any(mark in body for mark in DIALECT.terminal)


@pytest.mark.parametrize("recording", parameters(STREAMS))
def test_a_recorded_stream_is_changed_in_one_part_only(recording: Recorded) -> None:
    came = recording.response
    events = [came[event.start : event.end] for event in read_events([came])]
    assert passed(events, 2, Edits()) == came
    before = answer_of(read(DIALECT, [came], FRAMES))
    body = passed(events, 0, Edits({len(before.parts) - 1: text_part("Ho")}, [call("look", '{"a": 1}', "t9")]))
    message = answer_of(read(DIALECT, [body], FRAMES))
    assert message.parts[:-2] == before.parts[:-1]
    assert [block_shape(block) for block in sdk_message(body)["content"][-2:]] == [
        ("text", "Ho", []),
        ("function", "t9", "look", {"a": 1}),
    ]
    assert body.endswith(events[-1]) and message.finish_reason == "tool_use"


def test_a_stream_in_the_shape_of_chat_is_changed() -> None:
    asked = {"messages": [{"role": "user", "content": "x"}]}
    events = WRITER.stream(Answer("", "m", [Message("assistant", [text_part("Hello there")])]), asked)
    body = passed(events, 0, Edits({0: text_part("Bye")}))
    assert answer_of(read(DIALECT, [body], FRAMES)).text() == "Bye"
    assert b"[DONE]" not in b"".join(b64decode(json.loads(event.data)["bytes"]) for event in read_events([body]))


def test_an_exception_passes_an_edited_stream_and_not_one_that_was_ended() -> None:
    broken = exception_frame("throttlingException", b'{"message":"no"}')
    answer = Answer("", "m", [Message("assistant", [text_part("Hello")])])
    events = [*WRITER.stream(answer, CLAUDE)[:3], broken]
    assert broken in passed(events, 1, Edits({0: text_part("Bye")}))
    assert broken not in passed(events, 1, Edits(final=True))


def test_an_answer_that_is_only_read_cannot_be_edited() -> None:
    events = [chunk(b'{"generation":"Hel"}'), chunk(b'{"generation":"lo"}')]
    for delivered in (0, 1):
        with pytest.raises(ValueError, match="can be read, not written"):
            passed(events, delivered, Edits({0: text_part("x")}))
    assert InvokeRewriter([]).close() == []
