"""Converse: which requests are its own, what they and the answers say, and answers written and edited."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects import detect
from inspector.dialects._bedrock import is_signed
from inspector.dialects._converse_writer import ConverseWriter
from inspector.dialects._fields import text_part
from inspector.dialects.bedrock_converse import BedrockConverse
from inspector.model.edits import Edits
from inspector.model.flow import Request
from inspector.model.headers import Headers
from inspector.model.message import (
    Answer,
    Growing,
    Media,
    Message,
    Other,
    Part,
    Prompt,
    Reasoning,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Transcript,
    Usage,
)
from inspector.wire.eventstream import event_frame, exception_frame, frame
from tests.dialects.bedrock_streams import FRAMES, HOST, block_shape, sdk_document, sdk_message, shape, shapes, visible
from tests.dialects.messages_streams import call, spoken, thoughts
from tests.dialects.recorded import Json, answer_of, events_of, read

DIALECT, WRITER = BedrockConverse(), ConverseWriter()
ARN = "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx"
KEYS = "contentBlockIndex delta start text toolUse toolUseId name input reasoningContent signature stopReason"
WORDS = [
    "messageStart",
    "contentBlockStart",
    "contentBlockDelta",
    "contentBlockStop",
    "messageStop",
    "metadata",
    "other",
]


def request(path: str, method: str = "POST", **headers: str) -> Request:
    return Request(method, HOST + path, Headers(headers.items()))


def frames(*events: tuple[str, Json]) -> bytes:
    return b"".join(event_frame(name, json.dumps({**data, "p": "abc"}).encode()) for name, data in events)


def delta(index: int, **said: object) -> tuple[str, Json]:
    return "contentBlockDelta", {"contentBlockIndex": index, "delta": said}


def stop(index: int) -> tuple[str, Json]:
    return "contentBlockStop", {"contentBlockIndex": index}


def heard(*events: tuple[str, Json]) -> Transcript:
    return read(DIALECT, [frames(*events)], FRAMES)


@pytest.mark.parametrize(
    ("path", "model", "stream"),
    [
        ("/model/anthropic.claude-3-haiku-20240307-v1:0/converse", "anthropic.claude-3-haiku-20240307-v1:0", False),
        ("/model/us.amazon.nova-lite-v1%3A0/converse-stream?x=1", "us.amazon.nova-lite-v1:0", True),
        (f"/bedrock/model/{ARN}/converse-stream/", "arn:aws:bedrock:us-east-1:1:inference-profile/x", True),
        ("/model/arn:aws:bedrock:r:1:inference-profile/x/converse", "arn:aws:bedrock:r:1:inference-profile/x", False),
    ],
)
def test_the_paths_that_are_its_own(path: str, model: str, stream: bool) -> None:
    assert detect(request(path)).name == "bedrock-converse"
    prompt = DIALECT.prompt(request(path), b'{"messages": []}')
    assert (prompt.model, prompt.stream) == (model, stream)


@pytest.mark.parametrize(
    "path",
    [
        "/model/x/count-tokens",
        "/model/x/invoke",
        "/model/converse",
        "/guardrail/x/converse",
        "/v1/x?to=/model/x/converse",
    ],
)
def test_the_paths_that_are_not(path: str) -> None:
    assert not DIALECT.matches(request(path))
    assert not DIALECT.matches(request("/model/x/converse", method="GET"))


def test_a_signed_request_is_known_as_such() -> None:
    assert is_signed(
        request("/model/x/converse", authorization="AWS4-HMAC-SHA256 Credential=A/1/r/bedrock/aws4_request")
    )
    assert is_signed(request("/model/x/converse?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00"))
    assert not is_signed(request("/model/x/converse", authorization="Bearer bedrock-api-key-1"))


def test_a_request_with_everything() -> None:
    image = {"image": {"format": "png", "source": {"bytes": "AAECAw=="}}}
    prompt = DIALECT.prompt(
        request("/model/m/converse"),
        json.dumps(
            {
                "system": [{"text": "Be brief."}, {"cachePoint": {"type": "default"}}],
                "messages": [
                    {"role": "user", "content": [{"text": "Look"}, image, {"guardContent": {"text": {"text": "!"}}}]},
                    {
                        "role": "assistant",
                        "content": [
                            {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}},
                            {"reasoningContent": {"redactedContent": "c2VhbGVk"}},
                            {"toolUse": {"toolUseId": "t1", "name": "look", "input": {"at": "it"}}},
                        ],
                    },
                    {
                        "role": "user",
                        "content": [
                            {
                                "toolResult": {
                                    "toolUseId": "t1",
                                    "status": "error",
                                    "content": [{"text": "a"}, {"json": {"b": 1}}, image],
                                }
                            },
                            {"document": {"format": "pdf", "name": "d", "source": {"s3Location": {"uri": "s3://b/d"}}}},
                            {"video": {"format": "mp4", "source": {"bytes": "AAEC"}}},
                            {"document": {"format": "txt", "name": "t", "source": {"text": "ä"}}},
                            {"novelty": {"x": 1}},
                        ],
                    },
                ],
                "toolConfig": {
                    "tools": [
                        {
                            "toolSpec": {
                                "name": "look",
                                "description": "looks",
                                "inputSchema": {"json": {"type": "object"}},
                            }
                        },
                        {"cachePoint": {"type": "default"}},
                        {"systemTool": {"name": "nova_grounding"}},
                    ],
                    "toolChoice": {"tool": {"name": "look"}},
                },
                "inferenceConfig": {"maxTokens": 5, "topP": 0.5, "temperature": 0, "stopSequences": ["|"]},
                "additionalModelRequestFields": {"top_k": 3},
            }
        ).encode(),
    )
    assert prompt.messages == [
        Message("system", [text_part("Be brief."), Other("cachePoint", {"cachePoint": {"type": "default"}})]),
        Message("user", [text_part("Look"), Media("image", "image/png", size=4), text_part("!")]),
        Message(
            "assistant",
            [
                thoughts("hm", "s"),
                Reasoning(encrypted="c2VhbGVk"),
                ToolCall("t1", "look", Growing('{"at":"it"}'), done=True),
            ],
        ),
        Message("tool", [ToolResult("t1", 'a\n{"b":1}\n[image/png, 4 bytes]', is_error=True, name="look")]),
        Message(
            "user",
            [
                Media("file", "application/pdf", uri="s3://b/d"),
                Media("video", "video/mp4", size=3),
                Media("file", "text/plain", size=2, transcript=Growing("ä")),
                Other("novelty", {"novelty": {"x": 1}}),
            ],
        ),
    ]
    assert prompt.tools == [
        Tool("look", "looks", {"type": "object"}),
        Tool("nova_grounding", schema={"name": "nova_grounding"}, kind="systemTool"),
    ]
    assert prompt.parameters == {
        "max_tokens": 5,
        "top_p": 0.5,
        "temperature": 0,
        "stop_sequences": ["|"],
        "tool_choice": {"type": "tool", "name": "look"},
        "additionalModelRequestFields": {"top_k": 3},
    }


def test_a_stream_with_everything() -> None:
    transcript = heard(
        ("messageStart", {"role": "assistant"}),
        delta(0, reasoningContent={"text": "hm"}),
        delta(0, reasoningContent={"signature": "s"}),
        stop(0),
        delta(1, reasoningContent={"redactedContent": "c2Vh"}),
        delta(1, reasoningContent={"redactedContent": "bGVk"}),
        stop(1),
        delta(2, text="Hel"),
        delta(2, text="lo"),
        delta(2, citation={"title": "t"}),
        delta(2),
        stop(2),
        ("contentBlockStart", {"contentBlockIndex": 3, "start": {"toolUse": {"toolUseId": "t1", "name": "look"}}}),
        delta(3, toolUse={"input": '{"a"'}),
        delta(3, toolUse={"input": ": 1}"}),
        stop(3),
        (
            "contentBlockStart",
            {
                "contentBlockIndex": 4,
                "start": {"toolUse": {"toolUseId": "t2", "name": "run", "type": "server_tool_use"}},
            },
        ),
        stop(4),
        (
            "contentBlockStart",
            {"contentBlockIndex": 5, "start": {"toolResult": {"toolUseId": "t2", "status": "error"}}},
        ),
        delta(5, toolResult=[{"text": "no"}]),
        stop(5),
        ("contentBlockStart", {"contentBlockIndex": 6, "start": {"image": {"format": "png"}}}),
        delta(6, image={"source": {"bytes": "AAEC"}}),
        ("messageStop", {"stopReason": "tool_use", "additionalModelResponseFields": {}}),
        (
            "metadata",
            {"usage": {"inputTokens": 3, "outputTokens": 4, "cacheReadInputTokens": 5, "cacheWriteInputTokens": 6}},
        ),
    )
    assert transcript.notes == []
    assert answer_of(transcript).parts == [
        thoughts("hm", "s"),
        Reasoning(encrypted="c2VhbGVk"),
        Text(Growing("Hello"), [{"title": "t"}]),
        ToolCall("t1", "look", Growing('{"a": 1}'), done=True),
        ToolCall("t2", "run", Growing("{}"), "server_tool_use", done=True),
        ToolResult("t2", "no", is_error=True, name="run"),
        Media("image", "image/png", size=3),
    ]
    usage = transcript.answer.usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (14, 4)
    assert (usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (5, 6)


@pytest.mark.parametrize(
    ("last", "error"),
    [
        (exception_frame("throttlingException", b'{"message":"Slow down"}'), "throttlingException: Slow down"),
        (exception_frame("modelStreamErrorException", b"{}"), "modelStreamErrorException"),
        (
            frame({":message-type": "error", ":error-code": "InternalFailure", ":error-message": "It broke."}),
            "InternalFailure: It broke.",
        ),
    ],
)
def test_a_stream_that_fails(last: bytes, error: str) -> None:
    transcript = read(DIALECT, [frames(("messageStart", {"role": "assistant"}), delta(0, text="Hel")), last], FRAMES)
    assert (transcript.answer.error, transcript.answer.complete, transcript.notes) == (error, False, [])
    assert answer_of(transcript).text() == "Hel"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"message":"Too many requests"}', "Too many requests"),
        (b'{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"no"}', "AccessDeniedException: no"),
        (b'{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"}}', "UnknownOperationException"),
        (b'{"error":{"type":"bad","message":"gateway"}}', "bad: gateway"),
    ],
)
def test_errors_as_documents(body: bytes, error: str) -> None:
    for kind in ("application/json", FRAMES):
        transcript = read(DIALECT, [body], kind)
        assert (transcript.answer.error, transcript.answer.complete, transcript.notes) == (error, True, [])


def test_a_document() -> None:
    content = [
        {"text": "Hi"},
        {"citationsContent": {"content": [{"text": "a"}, {"text": "b"}], "citations": [{"title": "t"}]}},
        {"toolUse": {"toolUseId": "t1", "name": "look", "input": {"a": 1}}},
    ]
    body = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": "tool_use",
        "usage": {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7},
        "metrics": {"latencyMs": 1},
    }
    transcript = read(DIALECT, [json.dumps(body).encode()], "application/json")
    assert answer_of(transcript) == Message(
        "assistant",
        [text_part("Hi"), text_part("ab", [{"title": "t"}]), ToolCall("t1", "look", Growing('{"a":1}'), done=True)],
        "tool_use",
    )
    assert transcript.answer.complete and transcript.notes == []
    assert read(DIALECT, [b'{"x": 1}'], "application/json").notes == ["the body is neither a message nor an error"]


def test_what_is_unknown_is_noted() -> None:
    transcript = heard(
        ("ping", {}), ("novelty", {}), delta(0, novelty={"x": 1}), delta(1, text="a"), delta(1, image={})
    )
    assert transcript.notes == ["unknown event: novelty", "unknown delta: image"]
    assert answer_of(transcript).parts == [Other("novelty", {"type": "novelty", "novelty": {"x": 1}}), text_part("a")]


@given(st.lists(st.tuples(st.sampled_from(WORDS), events_of(*WORDS, keys=KEYS)), max_size=6))
@settings(max_examples=50, deadline=None)
def test_nothing_is_raised_whatever_comes(events: list[tuple[str, Json]]) -> None:
    body = frames(*events)
    assert read(DIALECT, [body], FRAMES) == read(DIALECT, [body[at : at + 1] for at in range(len(body))], FRAMES)


# Written


@given(st.lists(spoken, max_size=4), st.sampled_from([None, "max_tokens"]))
@settings(deadline=None)
def test_a_written_answer_is_what_botocore_reads(written: list[Part], reason: str | None) -> None:
    answer = Answer("", "m", [Message("assistant", written, reason)], Usage(9, 3, 4, 2), complete=True)
    body = b"".join(WRITER.stream(answer, {}))
    theirs, ours = sdk_message(body), read(DIALECT, [body], FRAMES)
    follows = "tool_use" if any(isinstance(part, ToolCall) for part in written) else "end_turn"
    assert shapes(answer_of(ours)) == [shape(part) for part in visible(written)]
    assert [each for block in theirs["blocks"] if (each := block_shape(block)) != ("text", "", 0)] == shapes(
        answer_of(ours)
    )
    assert theirs["reason"] == answer_of(ours).finish_reason == (reason or follows)
    assert theirs["usage"] == {
        "inputTokens": 3,
        "outputTokens": 3,
        "totalTokens": 12,
        "cacheReadInputTokens": 4,
        "cacheWriteInputTokens": 2,
    }
    assert ours.notes == [] and ours.answer.complete
    assert ours.answer.usage is not None and ours.answer.usage.input_tokens == 9
    assert any(mark in body for mark in DIALECT.terminal)


@given(st.lists(spoken, max_size=4))
def test_a_written_document_is_what_botocore_reads(written: list[Part]) -> None:
    body = WRITER.document(Answer("", "m", [Message("assistant", written)], Usage(9, 3)), {})
    content = sdk_document(body)["output"]["message"]["content"]
    calls = [block["toolUse"] for block in content if "toolUse" in block]
    assert [(call["toolUseId"], call["name"], call["input"]) for call in calls] == [
        (part.id, part.name, json.loads(str(part.arguments))) for part in written if isinstance(part, ToolCall)
    ]
    ours = answer_of(read(DIALECT, [body], "application/json"))
    assert [type(part) for part in ours.parts] == [type(part) for part in written]
    assert ours.text() == "".join(str(part.content) for part in written if isinstance(part, Text))
    assert len(content) == len(written)


def test_failures_are_written() -> None:
    failed = Answer(choices=[Message("assistant", [text_part("Hel")])], error="throttlingException: Slow down")
    stream = read(DIALECT, WRITER.stream(failed, {}), FRAMES)
    assert (stream.answer.error, answer_of(stream).text()) == ("throttlingException: Slow down", "Hel")
    other = read(DIALECT, WRITER.stream(Answer(error="overloaded"), {}), FRAMES)
    assert other.answer.error == "modelStreamErrorException: overloaded"
    assert json.loads(WRITER.error(429, "no")) == {"message": "no"}
    assert json.loads(WRITER.document(failed, {})) == {"message": failed.error}


def test_a_document_is_edited_and_keeps_its_other_bytes() -> None:
    body = (
        b'{ "output" : {"message": {"content": [{"text": "Hi"}, {"toolUse": {"toolUseId": "t", "name": "rm", '
        b'"input": {}}}], "role": "assistant"}},\n "stopReason": "tool_use", "usage": {"inputTokens": 1.0} }'
    )
    edited = WRITER.edit_document(body, Edits({1: None}, [text_part("Bye")]))
    assert edited.startswith(b'{ "output" : {"message": {"content": [{"text": "Hi"},')
    assert edited.endswith(b'], "role": "assistant"}},\n "stopReason": "end_turn", "usage": {"inputTokens": 1.0} }')
    assert json.loads(edited)["output"]["message"]["content"] == [{"text": "Hi"}, {"text": "Bye"}]
    ended = json.loads(WRITER.edit_document(body, Edits(added=[call("look", '{"a": 1}', "t2")], final=True)))
    assert ended["output"]["message"]["content"] == [
        {"toolUse": {"toolUseId": "t2", "name": "look", "input": {"a": 1}}}
    ]
    assert ended["stopReason"] == "tool_use"
    named = json.loads(WRITER.edit_document(body, Edits({0: text_part("Ho")}, finish_reason="max_tokens")))
    assert (named["output"]["message"]["content"][0], named["stopReason"]) == ({"text": "Ho"}, "max_tokens")


@pytest.mark.parametrize(
    ("body", "edits", "words"),
    [
        (b'{"message": "no"}', Edits(final=True), "is not a message"),
        (b'{"output": {"message": {"content": []}}}', Edits({0: text_part("x")}), "has 0 parts"),
        (b'{"output": {"message": {"content": []}}}', Edits(added=[call("a", "[1")]), "no JSON object"),
        (b'{"output": {"message": {"content": []}}}', Edits(added=[Other("fallback", {})]), "cannot be written"),
    ],
)
def test_edits_that_do_not_fit_a_document(body: bytes, edits: Edits, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        WRITER.edit_document(body, edits)


def test_a_request_of_another_api_is_written_and_reads_the_same() -> None:
    prompt = Prompt(
        "m",
        [
            Message("system", [text_part("Be brief.")]),
            Message(
                "user", [text_part("Look"), Media("image", uri="https://i"), Media("file", transcript=Growing("w"))]
            ),
            Message("assistant", [thoughts("hm", "s"), call("look", '{"at": "it"}', "t1")]),
            Message("tool", [ToolResult("t1", "seen", is_error=True, name="look")]),
        ],
        [Tool("look", "looks", {"type": "object", "properties": {}}), Tool("web_search", kind="web_search_20250305")],
        stream=True,
        parameters={
            "max_tokens": 5,
            "top_k": 2,
            "stop": ["|"],
            "tool_choice": {"type": "tool", "name": "look"},
            "additionalModelRequestFields": {"x": 1},
            "guardrailConfig": {"guardrailIdentifier": "g"},
            "service_tier": "auto",
        },
    )
    body, lost = WRITER.write_prompt(prompt)
    assert lost == [
        "media at a URL is left out: Bedrock fetches from S3 only",
        "tools that Anthropic runs are left out",
        "service_tier has no counterpart",
    ]
    assert set(body) == {
        *("system", "messages", "inferenceConfig", "toolConfig", "additionalModelRequestFields", "guardrailConfig")
    }
    again = DIALECT.prompt(request(WRITER.path("a/b:0")), json.dumps(body).encode())
    assert (again.model, again.stream) == ("a/b:0", True)
    assert again.messages[1].parts == [text_part("Look"), Media("file", "text/plain", size=1, transcript=Growing("w"))]
    assert again.messages[0] == prompt.messages[0]
    assert again.messages[3] == prompt.messages[3]
    assert again.messages[2].parts == [thoughts("hm", "s"), call("look", '{"at":"it"}', "t1")]
    assert again.tools == prompt.tools[:1]
    assert again.parameters == {
        "max_tokens": 5,
        "stop_sequences": ["|"],
        "tool_choice": {"type": "tool", "name": "look"},
        "additionalModelRequestFields": {"top_k": 2, "x": 1},
        "guardrailConfig": {"guardrailIdentifier": "g"},
    }


def test_calling_no_tool_at_all_is_not_declaring_any() -> None:
    tool = Tool("look", schema={"type": "object"})
    body, lost = WRITER.write_prompt(Prompt(tools=[tool], parameters={"tool_choice": "none", "max_tokens": 1}))
    assert "toolConfig" not in body
    assert lost == ["that no tool may be called: none is declared"]
    settings = {"parallel_tool_calls": False, "max_tokens": 1}
    body, lost = WRITER.write_prompt(Prompt(tools=[tool], parameters=settings))
    assert body["toolConfig"]["toolChoice"] == {"auto": {}}
    assert lost == ["that tools are called one at a time"]


def test_the_sections_of_a_request() -> None:
    body = {
        "system": [{"text": "a"}],
        "messages": [{"role": "user", "content": [{"text": "x"}]}, {"role": "user", "content": [{"toolResult": {}}]}],
        "toolConfig": {"tools": [{"toolSpec": {"name": "look"}}, {"cachePoint": {}}], "toolChoice": {"auto": {}}},
        "inferenceConfig": {"temperature": 0},
        "requestMetadata": {},
    }
    assert [(each.kind, each.label, each.path) for each in WRITER.sections(body)] == [
        ("system", "system", ("system", 0)),
        ("message", "user", ("messages", 0)),
        ("message", "tool result", ("messages", 1)),
        ("tool", "look", ("toolConfig", "tools", 0)),
        ("tool", "cachePoint", ("toolConfig", "tools", 1)),
        ("setting", "toolChoice", ("toolConfig", "toolChoice")),
        ("setting", "temperature", ("inferenceConfig", "temperature")),
        ("setting", "requestMetadata", ("requestMetadata",)),
    ]


def test_nothing_is_spliced() -> None:
    with pytest.raises(ValueError, match="do not go on from a beginning"):
        WRITER.splicer([], "", None)
