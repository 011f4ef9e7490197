"""The items of the Responses API that are more than words, one by one."""

from __future__ import annotations

from typing import Any

import pytest

from inspector.dialects._responses_items import item_parts
from inspector.model.message import (
    Growing,
    Media,
    Other,
    Part,
    ToolCall,
    ToolResult,
)

Json = dict[str, Any]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (
            {"type": "web_search_call", "id": "ws", "action": {"type": "search", "query": "q"}},
            [ToolCall("ws", "web_search", Growing('{"type":"search","query":"q"}'), "web_search_call", done=True)],
        ),
        (
            {"type": "file_search_call", "id": "fs", "queries": ["q"], "results": None},
            [ToolCall("fs", "file_search", Growing('{"queries":["q"]}'), "file_search_call", done=True)],
        ),
        (
            {"type": "code_interpreter_call", "id": "ci", "code": "1+1", "outputs": [{"type": "logs", "logs": "2"}]},
            [
                ToolCall("ci", "code_interpreter", Growing("1+1"), "code_interpreter_call", done=True),
                ToolResult("ci", '[{"type":"logs","logs":"2"}]', name="code_interpreter"),
            ],
        ),
        (
            {"type": "mcp_call", "id": "mcp", "name": "read", "arguments": "{}", "output": "words", "error": None},
            [ToolCall("mcp", "read", Growing("{}"), "mcp_call", done=True), ToolResult("mcp", "words", name="read")],
        ),
        (
            {"type": "mcp_call", "id": "mcp", "name": "read", "arguments": "{}", "error": "refused"},
            [
                ToolCall("mcp", "read", Growing("{}"), "mcp_call", done=True),
                ToolResult("mcp", "refused", is_error=True, name="read"),
            ],
        ),
        (
            {"type": "image_generation_call", "id": "ig", "result": "AAECAw==", "output_format": "webp", "size": "1x1"},
            [
                ToolCall(
                    "ig",
                    "image_generation",
                    Growing('{"output_format":"webp","size":"1x1"}'),
                    "image_generation_call",
                    done=True,
                ),
                Media("image", "image/webp", size=4),
            ],
        ),
        (
            {"type": "mcp_approval_request", "id": "ask", "name": "rm", "arguments": "{}", "server_label": "s"},
            [ToolCall("ask", "rm", Growing("{}"), "mcp_approval_request", done=True)],
        ),
        (
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{", "status": "in_progress"},
            [ToolCall("c", "f", Growing("{"))],
        ),
        (
            {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_image", "file_id": "file_1"}]},
            [ToolResult("c", "[image, file_1]")],
        ),
        (
            {"type": "shell_call_output", "call_id": "sh", "output": [{"stdout": "x", "stderr": ""}]},
            [ToolResult("sh", '[{"stdout":"x","stderr":""}]')],
        ),
        (
            {"type": "compaction", "encrypted_content": "x"},
            [Other("compaction", {"type": "compaction", "encrypted_content": "x"})],
        ),
    ],
)
def test_items_and_the_parts_in_them(item: Json, expected: list[Part]) -> None:
    assert list(item_parts(item).values()) == expected
