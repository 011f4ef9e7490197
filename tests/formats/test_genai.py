"""Messages under the names of the OpenTelemetry GenAI conventions."""

from __future__ import annotations

import pytest

from inspector.formats.genai import Json, answer_json, message_json, part_json, usage_json
from inspector.model.message import (
    Growing,
    Media,
    Message,
    Other,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (Text(Growing("hi")), {"type": "text", "content": "hi"}),
        (Text(Growing("hi"), [{"url": "u"}]), {"type": "text", "content": "hi", "citations": [{"url": "u"}]}),
        (Reasoning(Growing("hm")), {"type": "reasoning", "content": "hm"}),
        (Reasoning(signature="s"), {"type": "reasoning", "content": "", "signature": "s"}),
        (Reasoning(encrypted="e"), {"type": "reasoning", "content": "", "encrypted": "e"}),
        (Refusal(Growing("no")), {"type": "refusal", "content": "no"}),
        (
            ToolCall("1", "Bash", Growing('{"a": [1, 2.5]}')),
            {"type": "tool_call", "id": "1", "name": "Bash", "arguments": {"a": [1, 2.5]}},
        ),
        (
            ToolCall("", "Bash", Growing('{"a": ')),
            {"type": "tool_call", "id": None, "name": "Bash", "arguments": '{"a": '},
        ),
        (
            ToolCall("1", "patch", Growing("[1]"), kind="custom"),
            {"type": "tool_call", "id": "1", "name": "patch", "arguments": "[1]"},
        ),
        (
            ToolCall("1", "web_search", Growing('{"q": "x"}'), kind="web_search_call"),
            {
                "type": "server_tool_call",
                "id": "1",
                "name": "web_search",
                "server_tool_call": {"type": "web_search_call", "arguments": {"q": "x"}},
            },
        ),
        (ToolResult("1", "out"), {"type": "tool_call_response", "id": "1", "response": "out"}),
        (
            ToolResult("1", "bad", is_error=True),
            {"type": "tool_call_response", "id": "1", "response": "bad", "is_error": True},
        ),
        (
            Media("image", "image/png", size=5),
            {"type": "blob", "modality": "image", "mime_type": "image/png", "size": 5},
        ),
        (
            Media("image", uri="https://h/x.png"),
            {"type": "uri", "modality": "image", "mime_type": None, "uri": "https://h/x.png"},
        ),
        (
            Media("file", uri="file-123"),
            {"type": "file", "modality": "file", "mime_type": None, "file_id": "file-123"},
        ),
        (
            Media("audio", transcript=Growing("hello")),
            {"type": "blob", "modality": "audio", "mime_type": None, "transcript": "hello"},
        ),
        (Other("compaction", {"x": 1}), {"type": "compaction", "data": {"x": 1}}),
    ],
)
def test_parts(part: Part, expected: Json) -> None:
    assert part_json(part) == expected


def test_messages() -> None:
    message = Message("user", [Text(Growing("hi"))], name="ann")
    assert message_json(message) == {"role": "user", "parts": [{"type": "text", "content": "hi"}], "name": "ann"}
    answer = Message("assistant", finish_reason="max_tokens")
    assert answer_json(answer) == {"role": "assistant", "parts": [], "finish_reason": "max_tokens"}


def test_usage_leaves_out_what_is_not_known() -> None:
    assert usage_json(Usage()) == {}
    assert usage_json(Usage(10, 5, 3, 2, 0, 0.01, {"raw": 1})) == {
        "input_tokens": 10,
        "output_tokens": 5,
        "cache_read.input_tokens": 3,
        "cache_creation.input_tokens": 2,
        "reasoning.output_tokens": 0,
        "cost": 0.01,
    }
