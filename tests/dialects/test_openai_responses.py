"""Requests of the Responses dialect: which are its own, and what they say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects.openai_responses import OpenAIResponses
from inspector.model.flow import Request
from inspector.model.headers import Headers
from inspector.model.message import (
    Growing,
    Media,
    Message,
    Other,
    Prompt,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from tests.dialects.recorded import Recorded, events_of, parameters, recorded

Json = dict[str, Any]

DIALECT = OpenAIResponses()
ALL = recorded("openai-responses")


def message(*texts: str) -> Json:
    return {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": text} for text in texts],
    }


def request(url: str, method: str = "POST") -> Request:
    return Request(method, url, Headers())


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("POST", "https://api.openai.com/v1/responses"),
        ("POST", "https://chatgpt.com/backend-api/codex/responses"),
        ("POST", "https://x.openai.azure.com/openai/responses?api-version=2025-03-01-preview"),
        ("POST", "http://localhost:8787//responses/"),
        ("GET", "https://api.openai.com/v1/responses/resp_1?starting_after=0&stream=true"),
    ],
)
def test_the_paths_of_responses(method: str, url: str) -> None:
    assert DIALECT.matches(request(url, method))


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", "https://api.openai.com/v1/responses"),
        ("GET", "https://api.openai.com/v1/responses/resp_1"),
        ("GET", "https://api.openai.com/v1/responses/resp_1/input_items"),
        ("POST", "https://api.openai.com/v1/responses/compact"),
        ("POST", "https://api.openai.com/v1/responses/resp_1/cancel"),
        ("POST", "https://api.openai.com/v1/chat/completions?then=/responses"),
        ("POST", "https://responses"),
    ],
)
def test_the_paths_that_are_not(method: str, url: str) -> None:
    assert not DIALECT.matches(request(url, method))


def prompt(body: Json) -> Prompt:
    return DIALECT.prompt(request("https://api.openai.com/v1/responses"), json.dumps(body).encode())


def test_a_request_with_everything() -> None:
    seen = prompt(
        {
            "model": "gpt-x",
            "stream": True,
            "temperature": 0,
            "instructions": "Be brief.",
            "input": [
                {"role": "developer", "content": "Rules"},
                {"role": "user", "content": [{"type": "input_text", "text": "Hello"}]},
                {"type": "reasoning", "summary": [], "encrypted_content": "seal"},
                message("Let me look"),
                {"type": "function_call", "call_id": "c1", "name": "look", "arguments": '{"at": 1}'},
                {"type": "custom_tool_call", "call_id": "c2", "name": "sql", "input": "SELECT 1"},
                {"type": "function_call_output", "call_id": "c1", "output": "seen"},
                {"type": "custom_tool_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "1"}]},
                {"type": "item_reference", "id": "msg_0"},
            ],
            "tools": [
                {"type": "function", "name": "look", "description": "looks", "parameters": {"type": "object"}},
                {"type": "custom", "name": "sql", "format": {"type": "text"}},
                {"type": "web_search", "external_web_access": True},
                {"type": "mcp", "server_label": "docs", "server_url": "https://d"},
            ],
        }
    )
    assert seen.messages == [
        Message("system", [Text(Growing("Be brief."))]),
        Message("system", [Text(Growing("Rules"))]),
        Message("user", [Text(Growing("Hello"))]),
        Message(
            "assistant",
            [
                Reasoning(encrypted="seal"),
                Text(Growing("Let me look")),
                ToolCall("c1", "look", Growing('{"at": 1}'), done=True),
                ToolCall("c2", "sql", Growing("SELECT 1"), "custom", done=True),
            ],
        ),
        Message("tool", [ToolResult("c1", "seen", name="look")]),
        Message("tool", [ToolResult("c2", "1", name="sql")]),
        Message("assistant", [Other("item_reference", {"type": "item_reference", "id": "msg_0"})]),
    ]
    assert (seen.model, seen.stream, seen.parameters) == ("gpt-x", True, {"temperature": 0})
    assert [(tool.name, tool.kind, tool.schema) for tool in seen.tools] == [
        ("look", "function", {"type": "object"}),
        ("sql", "custom", {"type": "text"}),
        ("web_search", "web_search", {"external_web_access": True}),
        ("docs", "mcp", {"server_label": "docs", "server_url": "https://d"}),
    ]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "input_image", "image_url": "data:image/png;base64,AAECAw=="}, Media("image", "image/png", size=4)),
        ({"type": "input_image", "image_url": "https://i"}, Media("image", uri="https://i")),
        ({"type": "input_image", "file_id": "file_1"}, Media("image", uri="file_1")),
        ({"type": "input_file", "file_data": "AAEC", "filename": "a.pdf"}, Media("file", size=3)),
        (
            {"type": "input_audio", "input_audio": {"format": "wav", "data": "AAEC"}},
            Media("audio", "audio/wav", size=3),
        ),
    ],
)
def test_media_is_described(part: Json, expected: Media) -> None:
    assert prompt({"input": [{"role": "user", "content": [part]}]}).messages == [Message("user", [expected])]


def test_inputs_that_are_no_list_of_items() -> None:
    assert prompt({"input": "Hi"}).messages == [Message("user", [Text(Growing("Hi"))])]
    later = prompt({"previous_response_id": "resp_0", "model": "m"})
    assert (later.messages, later.parameters) == ([], {"previous_response_id": "resp_0"})
    assert DIALECT.prompt(request("https://h/v1/responses/r?stream=true", "GET"), b"").stream


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"messages": []}'])
def test_what_is_no_request_of_this_dialect_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        DIALECT.prompt(request("https://api.openai.com/v1/responses"), body)


@pytest.mark.parametrize("recording", parameters([recording for recording in ALL if recording.request]))
def test_a_recorded_request_keeps_every_word(recording: Recorded) -> None:
    body = json.loads(recording.request or b"")
    seen = DIALECT.prompt(recording.asked, recording.request or b"")
    given = body["input"] if isinstance(body["input"], list) else [{"role": "user", "content": body["input"]}]
    words = [text for text in [body.get("instructions"), *_words(given)] if text]
    ours = [part for message in seen.messages for part in message.parts]
    assert [str(part.content) for part in ours if isinstance(part, Text)] == words
    assert [(part.id, part.name, str(part.arguments)) for part in ours if isinstance(part, ToolCall)] == [
        (item["call_id"], item["name"], item["arguments"]) for item in given if item.get("type") == "function_call"
    ]
    assert [(part.id, part.content) for part in ours if isinstance(part, ToolResult)] == [
        (item["call_id"], item["output"]) for item in given if item.get("type") == "function_call_output"
    ]
    assert len(seen.tools) == len(body.get("tools") or [])
    assert (seen.model, seen.stream) == (body["model"], body.get("stream") is True)


def _words(items: list[Json]) -> list[str]:
    contents = [item["content"] for item in items if item.get("content") and item.get("role")]
    return [
        part["text"]
        for content in contents
        for part in ([{"text": content}] if isinstance(content, str) else content)
        if "text" in part
    ]


@given(
    st.lists(
        events_of(
            "message",
            "reasoning",
            "function_call",
            "function_call_output",
            "mcp_call",
            "input_text",
            "input_image",
            "custom",
            keys="type role content text image_url arguments output summary action name",
        ),
        max_size=6,
    )
)
@settings(max_examples=100, deadline=None)
def test_no_json_makes_a_prompt_fail(objects: list[Json]) -> None:
    assert prompt({"input": objects, "instructions": objects, "tools": objects}).parameters == {}
