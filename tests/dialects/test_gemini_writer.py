"""Answers, errors and requests that are written for the Gemini API: Google's own SDK takes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from google.genai import errors, types
from hypothesis import HealthCheck, given, settings

from inspector.dialects import by_name
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
    Refusal,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
)
from tests.dialects.gemini_edits import PARTS, call, message_of, said, text, thought
from tests.dialects.gemini_sdk import DIALECT, Google, by_sdk, google
from tests.dialects.recorded import payloads, read

Json = dict[str, Any]

WRITER = DIALECT.writer
assert WRITER is not None
ASKED = {"model": "gemini-x", "contents": []}


@pytest.fixture(scope="module")
def server() -> Iterator[Google]:
    """One server for all answers."""
    with google() as running:
        yield running


def answer(*parts: Part, **more: Any) -> Answer:
    """An answer of these parts."""
    return Answer(choices=[Message("assistant", list(parts))], usage=Usage(7, 9, 2, None, 4), **more)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(PARTS)
def test_the_sdk_reads_what_was_written(server: Google, parts: list[Part]) -> None:
    assert WRITER is not None
    whole = answer(*parts)
    streamed = by_sdk(server, b"".join(WRITER.stream(whole, ASKED)), stream=True)
    at_once = by_sdk(server, WRITER.document(whole, ASKED), stream=False)
    for seen in (streamed, at_once):
        assert seen.said == said(parts)
        assert (seen.finish, seen.given, seen.written, seen.model) == ("STOP", 7, 9, "gemini-x")
    assert said(message_of(b"".join(WRITER.stream(whole, ASKED))).parts) == said(parts)


def test_an_array_for_clients_that_asked_for_no_events() -> None:
    assert WRITER is not None
    whole = answer(text("Hello you"), call("Read", '{"a": 1}'))
    body = b"".join(WRITER.stream(whole, {**ASKED, "alt": "json"}))
    assert len(json.loads(body)) == 4
    assert said(message_of(body, "application/json").parts) == said(whole.choices[0].parts)


def test_code_assist_is_answered_within_its_envelope() -> None:
    assert WRITER is not None
    asked = {"model": "gemini-x", "project": "p", "request": {"contents": []}}
    whole = answer(text("Hello"), model="g")
    bodies = payloads(b"".join(WRITER.stream(whole, asked)))
    assert all(set(body) == {"response"} for body in bodies)
    assert set(json.loads(WRITER.document(whole, asked))) == {"response"}
    assert message_of(WRITER.document(whole, asked), "application/json").text() == "Hello"


def test_seals_stand_where_google_looks_for_them() -> None:
    assert WRITER is not None
    whole = answer(thought("hm", "seal"), call("Read"), text("so"), Reasoning(encrypted="more"))
    parts = json.loads(WRITER.document(whole, ASKED))["candidates"][0]["content"]["parts"]
    assert parts == [
        {"text": "hm", "thought": True},
        {"functionCall": {"name": "Read", "args": {}}, "thoughtSignature": "seal"},
        {"text": "so"},
        {"text": "", "thoughtSignature": "more"},
    ]
    assert message_of(WRITER.document(whole, ASKED), "application/json").parts == whole.choices[0].parts
    assert message_of(b"".join(WRITER.stream(whole, ASKED))).parts == whole.choices[0].parts


def test_counts_of_googles_own_go_back_as_they_came() -> None:
    assert WRITER is not None
    raw = {"promptTokenCount": 1, "trafficType": "ON_DEMAND"}
    body = WRITER.document(Answer(choices=[Message("assistant")], usage=Usage(raw=raw)), ASKED)
    assert json.loads(body)["usageMetadata"] == raw


@pytest.mark.parametrize(
    "part", [Media("image", "image/png", size=3), ToolCall("", "search", kind="google_search"), call("Read", "[1]")]
)
def test_what_an_answer_has_no_place_for_is_refused(part: Part) -> None:
    assert WRITER is not None
    with pytest.raises(ValueError, match=r"answer|arguments"):
        WRITER.document(answer(part), ASKED)


@pytest.mark.parametrize(
    ("status", "word"), [(400, "INVALID_ARGUMENT"), (429, "RESOURCE_EXHAUSTED"), (503, "UNAVAILABLE"), (418, "UNKNOWN")]
)
def test_errors(server: Google, status: int, word: str) -> None:
    assert WRITER is not None
    body = WRITER.error(status, "no more")
    try:
        server.status = status
        for stream in (True, False):
            with pytest.raises(errors.APIError) as raised:
                by_sdk(server, body, stream=stream)
            assert (raised.value.code, raised.value.status, raised.value.message) == (status, word, "no more")
    finally:
        server.status = 200
    transcript = read(DIALECT, [body], "application/json")
    assert (transcript.answer.error, transcript.answer.complete) == (f"{word}: no more", True)
    assert read(DIALECT, [b"[" + body + b"]"], "application/json").answer == transcript.answer


def test_an_answer_that_failed_on_its_way(server: Google) -> None:
    assert WRITER is not None
    failed = answer(text("Hel"), error="UNAVAILABLE: overloaded")
    body = b"".join(WRITER.stream(failed, ASKED))
    transcript = read(DIALECT, [body])
    assert (transcript.answer.error, transcript.answer.complete) == ("UNAVAILABLE: overloaded", False)
    with pytest.raises(errors.APIError):
        by_sdk(server, body, stream=True)


def test_a_beginning_cannot_be_gone_on_from() -> None:
    assert WRITER is not None
    with pytest.raises(ValueError, match="cannot go on"):
        WRITER.splicer([], "Hel", None)
    assert WRITER.keep_alive == b""


PROMPT = Prompt(
    model="m",
    messages=[
        Message("system", [text("Be kind.")]),
        Message("user", [text("Weather?"), Media("image", "image/png", "https://host/a.png")]),
        Message("assistant", [thought("hm", "seal"), call("weather", '{"city":"Rome"}', "call_1")]),
        Message("tool", [ToolResult("call_1", '{"sun": true}'), ToolResult("call_2", "broken", True, "other")]),
        Message("user", [text("And?")]),
    ],
    tools=[Tool("weather", "Tells.", {"type": "object"}), Tool("google_search", kind="google_search")],
    parameters={"temperature": 0.5, "max_tokens": 9, "stop": "x", "n": 1, "tool_choice": "required", "odd": 1},
)


def test_a_request_says_the_same() -> None:
    assert WRITER is not None
    body, lost = WRITER.write_prompt(PROMPT)
    assert lost == ["odd: 1"]
    for content in body["contents"]:
        types.Content.model_validate(content)
    assert [content["role"] for content in body["contents"]] == ["user", "model", "user"]
    assert body["generationConfig"] == {
        "temperature": 0.5,
        "maxOutputTokens": 9,
        "stopSequences": ["x"],
        "candidateCount": 1,
    }
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}
    request = Request("POST", "https://host" + WRITER.path("models/m"), Headers([]))
    again = by_name("gemini").prompt(request, json.dumps(body).encode())
    assert (again.model, again.stream, again.tools) == ("m", True, PROMPT.tools)
    assert again.messages[:3] == PROMPT.messages[:3]
    results = [part for message in again.messages for part in message.parts if isinstance(part, ToolResult)]
    assert results == [
        ToolResult("call_1", '{"sun":true}', name="weather"),
        ToolResult("call_2", '{"error":"broken"}', True, "other"),
    ]
    assert again.parameters["max_output_tokens"] == 9


@pytest.mark.parametrize(
    ("given", "written", "lost"),
    [
        ({"logprobs": True, "top_logprobs": 3}, {"responseLogprobs": True, "logprobs": 3}, 0),
        ({"logprobs": False}, {}, 0),
        ({"logprobs": 4, "response_logprobs": True}, {"responseLogprobs": True, "logprobs": 4}, 0),
        ({"response_format": {"type": "json_object"}}, {"responseMimeType": "application/json"}, 0),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": {"a": 1}}}},
            {"responseMimeType": "application/json", "responseJsonSchema": {"a": 1}},
            0,
        ),
        ({"text": {"format": {"type": "text"}}}, {}, 0),
        ({"text": {"verbosity": "low"}}, {}, 1),
        ({"thinking": {"type": "enabled", "budget_tokens": 100}}, {"thinkingConfig": {"thinkingBudget": 100}}, 0),
        ({"thinking": {"type": "adaptive"}}, {}, 1),
        ({"store": False, "stream_options": {}, "user": "me"}, {}, 1),
        ({"top_p": 0.5, "top_k": 3, "seed": 1}, {"topP": 0.5, "topK": 3, "seed": 1}, 0),
    ],
)
def test_settings(given: Json, written: Json, lost: int) -> None:
    assert WRITER is not None
    body, unsaid = WRITER.write_prompt(Prompt(messages=[Message("user", [text("x")])], parameters=given))
    assert body.get("generationConfig", {}) == written
    assert len(unsaid) == lost


@pytest.mark.parametrize(
    "choice",
    [{"type": "tool", "name": "weather"}, {"type": "function", "function": {"name": "weather"}}],
)
def test_one_tool_may_be_asked_for(choice: Json) -> None:
    assert WRITER is not None
    body, lost = WRITER.write_prompt(Prompt(tools=PROMPT.tools, parameters={"tool_choice": choice}))
    assert body["toolConfig"]["functionCallingConfig"] == {"mode": "ANY", "allowedFunctionNames": ["weather"]}
    assert lost == []


def test_what_cannot_be_said_is_told() -> None:
    assert WRITER is not None
    parts: list[Part] = [Media("image", "image/png", size=3), Media("image", "image/png", size=3)]
    said_by_model: list[Part] = [ToolCall("a", "run", Growing("{"), done=True), ToolCall("b", "web", kind="web_search")]
    tools = [Tool("patch", kind="custom"), Tool("web_search", kind="web_search_20250305")]
    prompt = Prompt(messages=[Message("user", parts), Message("assistant", said_by_model)], tools=tools)
    body, lost = WRITER.write_prompt(prompt)
    assert body == {"contents": []}
    assert lost == [
        "a piece of media (image/png of 3 bytes) (2 times)",
        "the call of run, whose arguments are no JSON object",
        "the call of web, a tool that the provider ran itself",
        "the tool patch, which takes free text",
        "the tool web_search, which its provider runs itself",
    ]


def test_the_pieces_of_a_request() -> None:
    assert WRITER is not None
    asked = {
        "systemInstruction": {"parts": [{"text": "x"}]},
        "contents": [
            {"parts": [{"text": "x"}]},
            {"role": "model", "parts": []},
            {"role": "user", "parts": [{"functionResponse": {}}]},
        ],
        "tools": [{"function_declarations": [{"name": "a"}, {"name": "b"}]}, {"googleSearch": {}}],
        "generationConfig": {"temperature": 1, "topP": 2},
        "safetySettings": [],
    }
    sections = [(each.kind, each.label, each.path) for each in WRITER.sections(asked)]
    assert sections == [
        ("system", "system", ("systemInstruction",)),
        ("message", "user", ("contents", 0)),
        ("message", "assistant", ("contents", 1)),
        ("message", "tool result", ("contents", 2)),
        ("tool", "a", ("tools", 0, "function_declarations", 0)),
        ("tool", "b", ("tools", 0, "function_declarations", 1)),
        ("tool", "googleSearch", ("tools", 1)),
        ("setting", "temperature", ("generationConfig", "temperature")),
        ("setting", "topP", ("generationConfig", "topP")),
        ("setting", "safetySettings", ("safetySettings",)),
    ]
    inner = WRITER.sections({"model": "m", "request": asked})
    assert inner[0].path == ("model",)
    assert [each.path for each in inner[1:]] == [("request", *path) for _, _, path in sections]


def test_refusals_are_words_here() -> None:
    assert WRITER is not None
    message = message_of(WRITER.document(answer(Refusal(Growing("No."))), ASKED), "application/json")
    assert message.parts == [Text(Growing("No."))]
