"""Requests of the Anthropic dialect: which are its own, and what they say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects.anthropic import Anthropic
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

DIALECT = Anthropic()
ALL = recorded("anthropic-messages")


def request(url: str, method: str = "POST", **headers: str) -> Request:
    return Request(method, url, Headers((name.replace("_", "-"), value) for name, value in headers.items()))


@pytest.mark.parametrize(
    "url",
    [
        "https://api.anthropic.com/v1/messages",
        "https://api.anthropic.com/v1/messages?beta=true",
        "https://gateway.example/api/provider/anthropic/v1/messages/",
        "http://localhost:8787/anthropic/messages",
        "http://localhost//v1//messages",
        "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/anthropic/models/claude-x@1:streamRawPredict",
        "https://aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/anthropic/models/claude-x:rawPredict?a=b",
    ],
)
def test_the_paths_that_are_anthropics(url: str) -> None:
    assert DIALECT.matches(request(url))


@pytest.mark.parametrize(
    "url",
    [
        "https://api.anthropic.com/v1/messages/count_tokens?beta=true",
        "https://api.anthropic.com/v1/messages/batches",
        "https://api.openai.com/v1/threads/thread_1/messages",
        "http://localhost:3000/messages?session_id=mcp",
        "https://x/v1/messagesx",
        "https://x/v1/other?next=/v1/messages",
        "https://x/publishers/google/models/m:streamRawPredict",
        "https://messages",
    ],
)
def test_the_paths_that_are_not(url: str) -> None:
    assert not DIALECT.matches(request(url))


def test_the_version_header_vouches_for_a_bare_path() -> None:
    assert DIALECT.matches(request("http://localhost/messages", anthropic_version="2023-06-01"))
    assert not DIALECT.matches(request("http://localhost/messages/count_tokens", anthropic_version="2023-06-01"))
    assert not DIALECT.matches(request("https://api.anthropic.com/v1/messages", method="GET"))


def prompt(body: Json, url: str = "https://api.anthropic.com/v1/messages") -> Prompt:
    return DIALECT.prompt(request(url), json.dumps(body).encode())


def test_a_request_with_everything() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAECAw=="}}
    call = {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": "it"}}
    result = {
        "type": "tool_result",
        "tool_use_id": "t1",
        "is_error": True,
        "content": [{"type": "text", "text": "a"}, image],
    }
    seen = prompt(
        {
            "model": "claude-x",
            "max_tokens": 5,
            "stream": True,
            "system": [{"type": "text", "text": "Be "}, {"type": "text", "text": "brief."}],
            "messages": [
                {"role": "user", "content": "Hello"},
                {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": "s"}, call]},
                {"role": "user", "content": [result, {"type": "text", "text": "And?"}]},
            ],
            "tools": [
                {"name": "look", "description": "looks", "input_schema": {"type": "object"}},
                {"type": "web_search_20250305", "name": "web_search", "max_uses": 2},
            ],
        }
    )
    assert seen.messages == [
        Message("system", [Text(Growing("Be ")), Text(Growing("brief."))]),
        Message("user", [Text(Growing("Hello"))]),
        Message(
            "assistant", [Reasoning(Growing("hm"), "s"), ToolCall("t1", "look", Growing('{"at":"it"}'), done=True)]
        ),
        Message("tool", [ToolResult("t1", "a\n[image/png, 4 bytes]", is_error=True, name="look")]),
        Message("user", [Text(Growing("And?"))]),
    ]
    assert (seen.model, seen.stream, seen.parameters) == ("claude-x", True, {"max_tokens": 5})
    assert [(tool.name, tool.kind) for tool in seen.tools] == [
        ("look", "function"),
        ("web_search", "web_search_20250305"),
    ]
    assert (seen.tools[0].schema, seen.tools[1].schema) == ({"type": "object"}, {"max_uses": 2})


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ({"type": "image", "source": {"type": "url", "url": "https://i"}}, Media("image", uri="https://i")),
        ({"type": "image", "source": {"type": "file", "file_id": "f_1"}}, Media("image", uri="f_1")),
        ({"type": "container_upload", "file_id": "f_2"}, Media("file", uri="f_2")),
        ({"type": "search_result", "title": "t"}, Other("search_result", {"type": "search_result", "title": "t"})),
    ],
)
def test_blocks_that_are_no_words(block: Json, part: Media | Other) -> None:
    assert prompt({"messages": [{"role": "user", "content": [block]}]}).messages == [Message("user", [part])]


def test_a_document_of_plain_text_keeps_its_words() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "größer"}
    part = (
        prompt({"messages": [{"role": "user", "content": [{"type": "document", "source": source}]}]})
        .messages[0]
        .parts[0]
    )
    assert part == Media("file", "text/plain", size=8, transcript=Growing("größer"))


def test_vertex_names_the_model_in_the_path() -> None:
    url = "https://h/v1/projects/p/locations/l/publishers/anthropic/models/claude-x@2:rawPredict"
    assert prompt({"messages": []}, url).model == "claude-x@2"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"prompt": "x"}', b'{"messages": "x"}'])
def test_what_is_no_request_of_this_dialect_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        DIALECT.prompt(request("https://api.anthropic.com/v1/messages"), body)


@pytest.mark.parametrize("recording", parameters([recording for recording in ALL if recording.request]))
def test_a_recorded_request_keeps_every_word(recording: Recorded) -> None:
    body = json.loads(recording.request or b"")
    seen = DIALECT.prompt(recording.asked, recording.request or b"")
    given = [_content(body.get("system")), *(_content(message["content"]) for message in body["messages"])]
    words = [block["text"] for content in given for block in content if block["type"] == "text" and block["text"]]
    assert [str(part.content) for part in _parts(seen) if isinstance(part, Text)] == words
    calls = [block for content in given for block in content if block["type"] == "tool_use"]
    ours = [part for part in _parts(seen) if isinstance(part, ToolCall)]
    assert [(call.id, call.name, json.loads(str(call.arguments))) for call in ours] == [
        (block["id"], block["name"], block["input"]) for block in calls
    ]
    results = [block for content in given for block in content if block["type"] == "tool_result"]
    assert [part.id for part in _parts(seen) if isinstance(part, ToolResult)] == [
        block["tool_use_id"] for block in results
    ]
    assert sum(len(message.parts) for message in seen.messages) == sum(map(len, given))
    assert [tool.name for tool in seen.tools] == [tool["name"] for tool in body.get("tools") or []]
    assert (seen.stream, bool(seen.model)) == (body.get("stream") is True, True)


def _content(content: object) -> list[Json]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return content if isinstance(content, list) else []


def _parts(seen: Prompt) -> list[object]:
    return [part for message in seen.messages for part in message.parts]


@given(
    st.lists(
        events_of(
            "text", "tool_use", "tool_result", "image", "document", "custom", keys="type role content source input name"
        ),
        max_size=6,
    )
)
@settings(max_examples=100, deadline=None)
def test_no_json_makes_a_prompt_fail(objects: list[Json]) -> None:
    assert prompt({"messages": objects, "system": objects, "tools": objects}).parameters == {}
