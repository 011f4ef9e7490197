"""Chat Completions requests, read into prompts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from inspector.model.flow import Request
from inspector.model.headers import Headers
from inspector.model.message import (
    Growing,
    Media,
    Message,
    Other,
    Prompt,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from tests.dialects.chat_streams import DIALECT

Json = dict[str, Any]


def prompt(*messages: Json, **fields: object) -> Prompt:
    body = json.dumps({"model": "m", "messages": messages, **fields}).encode()
    return DIALECT.prompt(Request("POST", "https://x/v1/chat/completions", Headers()), body)


def test_a_request() -> None:
    given = prompt(
        {"role": "developer", "content": "Be brief"},
        {"role": "user", "content": "Weather?", "name": "ann"},
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "Hm",
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "w", "arguments": "{}"}}],
        },
        {
            "role": "tool",
            "tool_call_id": "c",
            "content": [{"type": "text", "text": "40"}, {"type": "text", "text": " C"}],
        },
        {"role": "assistant", "content": "40 C", "refusal": "no", "audio": {"id": "audio_1"}},
        stream=True,
        temperature=0,
        stream_options={"include_usage": True},
    )
    assert (given.model, given.stream) == ("m", True)
    assert given.parameters == {"temperature": 0, "stream_options": {"include_usage": True}}
    assert given.messages == [
        Message("system", [Text(Growing("Be brief"))]),
        Message("user", [Text(Growing("Weather?"))], name="ann"),
        Message("assistant", [Reasoning(Growing("Hm")), ToolCall("c", "w", Growing("{}"), done=True)]),
        Message("tool", [ToolResult("c", "40 C", name="w")]),
        Message("assistant", [Text(Growing("40 C")), Refusal(Growing("no")), Media("audio", uri="audio_1")]),
    ]


def test_content_lists_of_a_request() -> None:
    given = prompt(
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "See"},
                {"type": "image_url", "image_url": {"url": "https://a/b.png", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAAAA=="}},
                {"type": "image_url", "image_url": "data:image/svg+xml,%3Csvg"},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
                {"type": "file", "file": {"file_id": "file_1"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
                {"type": "hologram", "x": 1},
            ],
        }
    )
    assert given.messages[0].parts == [
        Text(Growing("See")),
        Media("image", uri="https://a/b.png"),
        Media("image", "image/png", size=4),
        Media("image", "image/svg+xml", size=4),
        Media("audio", "audio/wav", size=3),
        Media("file", uri="file_1"),
        Media("file", "application/pdf", size=3),
        Other("hologram", {"type": "hologram", "x": 1}),
    ]


def test_tools_of_a_request() -> None:
    given = prompt(
        tools=[
            {"type": "function", "function": {"name": "f", "description": "does", "parameters": {"type": "object"}}},
            {"type": "custom", "custom": {"name": "sh", "format": {"type": "text"}}},
            {"type": "web_search", "web_search": {"enable": True}},
        ],
        functions=[{"name": "old", "parameters": {}}],
    )
    assert [(tool.name, tool.kind, tool.description, tool.schema) for tool in given.tools] == [
        ("f", "function", "does", {"type": "object"}),
        ("sh", "custom", "", {"type": "text"}),
        ("web_search", "web_search", "", {"enable": True}),
        ("old", "function", "", {}),
    ]


def test_the_function_messages_of_the_first_years() -> None:
    given = prompt(
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "1"},
    )
    assert given.messages[0].parts == [ToolCall("", "f", Growing("{}"), done=True)]
    assert given.messages[1].parts == [ToolResult("", "1", name="f")]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"messages": 1}', b"\xff"])
def test_what_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        DIALECT.prompt(Request("POST", "https://x/chat/completions", Headers()), body)
