"""The Gemini dialect: what is of it, how requests are read, and what else an answer may be."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from inspector.dialects import by_name, detect
from inspector.model.flow import Request
from inspector.model.headers import Headers
from inspector.model.message import Media, Message, Other, Part, Reasoning, Refusal, Text, Tool, ToolCall, ToolResult
from tests.dialects.gemini_edits import call, chunk, message_of, stream, text, thought
from tests.dialects.gemini_sdk import DIALECT
from tests.dialects.recorded import events_of, read

Json = dict[str, Any]

HOST = "https://generativelanguage.googleapis.com"


def request(path: str, method: str = "POST") -> Request:
    return Request(method, path if "://" in path else HOST + path, Headers([]))


@pytest.mark.parametrize(
    ("path", "model", "streams"),
    [
        ("/v1beta/models/gemini-2.5-flash:generateContent?key=x", "gemini-2.5-flash", False),
        ("/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", "gemini-2.5-flash", True),
        ("/v1/tunedModels/mine%2Dnow%3AgenerateContent", "mine-now", False),
        ("/v1beta1/projects/p/locations/l/publishers/google/models/g:streamGenerateContent", "g", True),
        ("http://127.0.0.1:80/gemini/v1internal:streamGenerateContent?alt=sse", "body", True),
        ("/v1internal:generateContent", "body", False),
    ],
)
def test_paths(path: str, model: str, streams: bool) -> None:
    asked = request(path)
    assert detect(asked) is by_name("gemini")
    prompt = detect(asked).prompt(asked, b'{"contents": [], "model": "models/body"}')
    assert (prompt.model, prompt.stream) == (model, streams)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1beta/models/g:countTokens", "gemini-count-tokens"),
        ("/v1beta/models/g", "models"),
        ("/v1beta/models/g:predict", "raw"),
        ("/v1beta/openai/chat/completions", "openai-chat"),
        ("/x?y=/models/g:generateContent", "raw"),
    ],
)
def test_other_paths(path: str, name: str) -> None:
    assert detect(request(path, "GET" if name == "models" else "POST")).name == name
    assert detect(request("/v1/models/g:generateContent", "GET")).name != "gemini"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"contents": 1}'])
def test_what_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        DIALECT.prompt(request("/v1/models/g:generateContent"), body)


ASKED: Json = {
    "system_instruction": "Be kind.",
    "contents": [
        {
            "parts": [
                {"text": "Look"},
                {"inlineData": {"mimeType": "image/png", "data": "YWJj"}},
                {"file_data": {"mime_type": "video/mp4", "file_uri": "gs://a/b"}},
            ]
        },
        {
            "role": "model",
            "parts": [
                {"text": "hm", "thought": True},
                {"functionCall": {"name": "a", "args": {"x": 1}}, "thoughtSignature": "s1"},
                {"functionCall": {"name": "b"}},
                {"executableCode": {"language": "PYTHON", "code": "1/0"}},
                {"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "oh"}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "b", "response": {"error": "no"}}},
                {
                    "functionResponse": {
                        "name": "a",
                        "response": {"y": 2},
                        "parts": [{"inlineData": {"mimeType": "audio/wav", "data": "YQ=="}}],
                    }
                },
                {"text": "go"},
            ],
        },
        {"role": "function", "parts": {"functionResponse": {"id": "z", "name": "c", "response": {}}}},
        {"role": "model", "parts": [{"text": "Hi", "thoughtSignature": "s2"}, {"newThing": {"a": 1}}, "bare", 7]},
    ],
    "tools": [
        {"functionDeclarations": [{"name": "a", "description": "A", "parameters": {"type": "OBJECT"}}]},
        {"function_declarations": [{"name": "b", "parametersJsonSchema": {"type": "object"}}]},
        {"googleSearch": {}, "codeExecution": {"x": 1}},
    ],
    "generationConfig": {"temperature": 1, "maxOutputTokens": 5},
    "safetySettings": [1],
    "cachedContent": None,
}


@pytest.mark.parametrize("wrap", ["", "request", "generateContentRequest"])
def test_a_request(wrap: str) -> None:
    body = {"model": "models/g", wrap: ASKED} if wrap else ASKED
    prompt = DIALECT.prompt(request("/v1internal:generateContent"), json.dumps(body).encode())
    failed = ToolResult("call_2", '{"error":"no"}', True, "b")
    code = ToolCall("call_3", "code_execution", text("1/0").content, "code_execution", done=True)
    assert prompt.messages == [
        Message("system", [text("Be kind.")]),
        Message("user", [text("Look"), Media("image", "image/png", size=3), Media("video", "video/mp4", "gs://a/b")]),
        Message(
            "assistant",
            [
                thought("hm", "s1"),
                call("a", '{"x":1}', "call_1"),
                call("b", "{}", "call_2"),
                code,
                ToolResult("call_3", "oh", True, "code_execution"),
            ],
        ),
        Message("tool", [failed, ToolResult("call_1", '{"y":2}', name="a"), Media("audio", "audio/wav", size=1)]),
        Message("user", [text("go")]),
        Message("tool", [ToolResult("z", "{}", name="c")]),
        Message("assistant", [text("Hi"), Reasoning(encrypted="s2"), Other("newThing", {"a": 1}), text("bare")]),
    ]
    assert prompt.tools == [
        Tool("a", "A", {"type": "OBJECT"}),
        Tool("b", "", {"type": "object"}),
        Tool("google_search", kind="google_search"),
        Tool("code_execution", "", {"x": 1}, "code_execution"),
    ]
    assert prompt.parameters == {"temperature": 1, "max_output_tokens": 5, "safety_settings": [1]}
    assert prompt.model == ("g" if wrap else "")


def test_a_prompt_that_was_refused() -> None:
    feedback = {"blockReason": "PROHIBITED_CONTENT", "blockReasonMessage": "Not this."}
    body = stream({"promptFeedback": feedback, "usageMetadata": {"promptTokenCount": 4, "totalTokenCount": 4}})
    answer = read(DIALECT, [body]).answer
    assert answer.complete
    assert answer.choices == [Message("assistant", [Refusal(text("Not this.").content)], "PROHIBITED_CONTENT")]
    assert answer.usage is not None and (answer.usage.input_tokens, answer.usage.output_tokens) == (4, 0)
    numbered = read(DIALECT, [stream({"promptFeedback": {"blockReason": 1}})]).answer
    assert numbered.choices[0].finish_reason == "SAFETY"


def test_a_stream_that_was_cut_is_not_complete() -> None:
    assert not read(DIALECT, [stream(chunk({"text": "a"}))]).answer.complete
    assert read(DIALECT, [stream(chunk({"text": "a"}), chunk(finish="MAX_TOKENS"))]).answer.complete


def test_an_error_in_a_stream() -> None:
    told = {"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}}
    error = json.dumps(told, indent=2).replace("\n", "\r\n").encode()
    for body in (stream(chunk({"text": "a"})) + error, stream(chunk({"text": "a"}), told)):
        answer = read(DIALECT, [body]).answer
        assert (answer.error, answer.complete) == ("UNAVAILABLE: Overloaded", False)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ({"error": {"code": 404, "message": "no"}}, "404: no"),
        ({"error": "invalid_grant", "error_description": "expired"}, "expired"),
        ({"error": {"odd": 1}}, '{"odd":1}'),
    ],
)
def test_odd_errors(error: Json, words: str) -> None:
    answer = read(DIALECT, [json.dumps(error).encode()], "application/json").answer
    assert (answer.error, answer.complete) == (words, True)


def test_several_candidates() -> None:
    body = {
        "candidates": [{"content": {"parts": [{"text": "a"}]}}, {"content": {"parts": [{"text": "b"}]}, "index": 1}]
    }
    more = chunk({"text": "c"}, finish="STOP", index=1)
    assert [choice.text() for choice in read(DIALECT, [stream(body, more)]).answer.choices] == ["a", "bc"]


def test_words_go_on_where_they_were() -> None:
    body = stream(
        chunk({"text": "a", "thought": True}),
        chunk({"text": "b", "thought": True}, {"text": "c"}),
        chunk({"text": "", "thoughtSignature": "seal"}),
        chunk({"text": "d"}, {"text": ""}),
        chunk({"inlineData": {"mimeType": "image/png", "data": "YWJj"}}),
        chunk({"text": "e", "thoughtSignature": "seal 2"}, finish="STOP"),
    )
    parts: list[Part] = [thought("ab", "seal"), text("cd"), Media("image", "image/png", size=3), text("e")]
    assert message_of(body).parts == [*parts, Reasoning(encrypted="seal 2")]


def test_sound_is_one_part() -> None:
    piece = {"inlineData": {"mimeType": "audio/L16", "data": "YWJj"}}
    assert message_of(stream(chunk(piece), chunk(piece))).parts == [Media("audio", "audio/L16", size=6)]


def test_arguments_that_stream() -> None:
    def partial(more: bool, *pieces: Json, **named: str) -> Json:
        return chunk({"functionCall": {**named, "partialArgs": list(pieces), "willContinue": more}})

    body = stream(
        chunk({"functionCall": {"name": "book", "willContinue": True}}),
        partial(True, {"jsonPath": "$.city", "stringValue": "Ne", "willContinue": True}),
        partial(True, {"jsonPath": "$.city", "stringValue": "w York"}, {"jsonPath": "$.days[0].n", "numberValue": 2}),
        partial(
            True, {"jsonPath": "$.days[1]['on']", "boolValue": True}, {"jsonPath": "$.x", "nullValue": "NULL_VALUE"}
        ),
        partial(True, {"jsonPath": "$.days[9].n", "numberValue": 1}, {"jsonPath": "$.city.x", "stringValue": ""}, {}),
        chunk({"functionCall": {}}),
        partial(False, {"jsonPath": "$.a", "stringValue": "b"}, name="next"),
        chunk({"functionCall": {"name": "none", "willContinue": False}}, finish="STOP"),
    )
    arguments = {"city": {"x": ""}, "days": [{"n": 2}, {"on": True}], "x": None}
    calls = message_of(body).tool_calls()
    assert [(each.name, json.loads(str(each.arguments)), each.done) for each in calls] == [
        ("book", arguments, True),
        ("next", {"a": "b"}, True),
        ("none", {}, True),
    ]
    begun = message_of(body[: body.find(b"w York")].rpartition(b"data:")[0]).tool_calls()
    assert [(str(each.arguments), each.done) for each in begun] == [('{"city":"Ne"}', False)]


def test_sources_are_citations() -> None:
    web = {"web": {"uri": "https://a"}}
    body = stream(
        chunk({"text": "a", "thought": True}),
        {"candidates": [{"groundingMetadata": {"groundingChunks": [web]}}]},
        chunk({"text": "b"}),
        {
            "candidates": [
                {"groundingMetadata": {"groundingChunks": [web]}, "citationMetadata": {"citations": [{"uri": 1}]}}
            ]
        },
    )
    (part,) = [part for part in message_of(body).parts if isinstance(part, Text)]
    assert part.citations == [web, {"uri": 1}]


def test_an_end_that_is_explained() -> None:
    last = chunk(finish="MALFORMED_FUNCTION_CALL")
    last["candidates"][0]["finishMessage"] = "Malformed function call: f("
    message = message_of(stream(last, last))
    assert message.parts == [Other("finishMessage", "Malformed function call: f(")]


def test_tools_of_googles_own() -> None:
    body = stream(
        chunk({"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "args": {"q": 1}, "id": "t"}}),
        chunk({"toolResponse": {"toolType": "GOOGLE_SEARCH_WEB", "response": {"r": 1}, "id": "t"}}),
    )
    kind = "google_search_web"
    assert message_of(body).parts == [
        ToolCall("t", kind, text('{"q":1}').content, kind, done=True),
        ToolResult("t", '{"r":1}', name=kind),
    ]


def test_counting() -> None:
    dialect = by_name("gemini-count-tokens")
    asked = request("/v1beta/models/g:countTokens")
    prompt = dialect.prompt(asked, b'{"contents": [{"parts": [{"text": "x"}]}]}')
    assert (prompt.model, prompt.messages[0].text(), prompt.stream) == ("g", "x", False)
    transcript = read(dialect, [b'{"totalTokens": 31, "cachedContentTokenCount": 2}'], "application/json")
    usage = transcript.answer.usage
    assert usage is not None and (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (
        31,
        2,
        None,
    )
    assert transcript.answer.complete
    assert read(dialect, [b'{"error": {"message": "no"}}'], "application/json").answer.error == "no"


KEYS = (
    "candidates content parts text thought thoughtSignature functionCall name args partialArgs jsonPath willContinue "
    "finishReason index usageMetadata promptTokenCount response error status message logprobsResult chosenCandidates "
    "topCandidates token logProbability groundingMetadata groundingChunks inlineData mimeType data promptFeedback "
    "blockReason codeExecutionResult outcome output"
)


@settings(max_examples=60)
@given(events_of("x", keys=KEYS))
def test_odd_answers_are_read_as_far_as_they_go(event: Json) -> None:
    for body in (event, {"candidates": [event]}, {"candidates": [{"content": {"parts": [event]}}]}):
        assert read(DIALECT, [stream(body)]).notes == []
        prompt = json.dumps({"contents": [event, body], "tools": [event], "systemInstruction": event, **body}).encode()
        DIALECT.prompt(request("/v1/models/g:generateContent"), prompt)
