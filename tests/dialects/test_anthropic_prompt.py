"""Requests of any provider, written for the Messages API."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from anthropic.types.message_create_params import MessageCreateParams
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from inspector.dialects._anthropic_prompt import write_prompt
from inspector.dialects._fields import text_part
from inspector.dialects.anthropic import Anthropic
from inspector.dialects.openai_chat import OpenAIChat
from inspector.dialects.openai_responses import OpenAIResponses
from inspector.model.flow import Request
from inspector.model.headers import Headers
from inspector.model.message import (
    Growing,
    Media,
    Message,
    Other,
    Part,
    Prompt,
    Reasoning,
    Refusal,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from tests.dialects.messages_streams import call, thoughts, words
from tests.dialects.recorded import Json, Recorded, parameters, recorded

ANTHROPIC = Anthropic()
SCHEMA: TypeAdapter[Any] = TypeAdapter(MessageCreateParams)
LIMIT = "the request names no limit: max_tokens is 4096"
BODIES = {name: [found for found in recorded(name) if found.request] for name in ("openai-chat", "openai-responses")}


def written(*messages: Message, tools: list[Tool] | None = None, **parameters: Any) -> tuple[Json, list[str]]:
    """A prompt's body, which must be legal, and what was lost."""
    prompt = Prompt("claude-x", list(messages), tools or [], False, {"max_tokens": 9, **parameters})
    body, lost = write_prompt(prompt)
    check(body)
    return body, lost


def check(body: Json) -> None:
    """What the SDK's types and the API's documentation demand of a request."""
    read = SCHEMA.validate_python(body)
    for message in read["messages"]:
        assert isinstance(message["content"], str) or list(message["content"])
    assert list(read.get("tools", ())) == body.get("tools", [])
    roles = [message["role"] for message in body["messages"]]
    assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"] * (len(roles) % 2)
    called: list[str] = []
    used: list[str] = []
    for message in body["messages"]:
        blocks = (
            [{"type": "text", "text": message["content"]}]
            if isinstance(message["content"], str)
            else message["content"]
        )
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        if message["role"] == "user":
            assert sorted(results) == sorted(called)
            assert all(block["type"] == "tool_result" for block in blocks[: len(results)])
        called = [block["id"] for block in blocks if block["type"] == "tool_use"]
        used += called
        assert all(block["text"].strip() for block in blocks if block["type"] == "text")
    assert len(used) == len(set(used))
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]+", name) for name in used)


def user(*parts: Part) -> Message:
    return Message("user", list(parts))


def assistant(*parts: Part) -> Message:
    return Message("assistant", list(parts))


def test_a_conversation_with_a_tool() -> None:
    body, lost = written(
        Message("system", [text_part("Be brief")]),
        user(text_part("Weather in Köln?")),
        assistant(text_part("I look."), call("w", '{"city": "Köln"}', "call_1"), call("w", "", "call_2")),
        Message("tool", [ToolResult("call_2", "no", is_error=True)]),
        Message("tool", [ToolResult("call_1", "40 C", name="w")]),
        user(text_part("And now?")),
        tools=[Tool("w", "The weather", {"type": "object", "properties": {}})],
    )
    assert lost == []
    assert body == {
        "model": "claude-x",
        "max_tokens": 9,
        "system": "Be brief",
        "messages": [
            {"role": "user", "content": "Weather in Köln?"},
            {
                "role": "assistant",
                "content": [
                    {"type": "text", "text": "I look."},
                    {"type": "tool_use", "id": "call_1", "name": "w", "input": {"city": "Köln"}},
                    {"type": "tool_use", "id": "call_2", "name": "w", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "call_2", "content": "no", "is_error": True},
                    {"type": "tool_result", "tool_use_id": "call_1", "content": "40 C"},
                    {"type": "text", "text": "And now?"},
                ],
            },
        ],
        "tools": [{"name": "w", "description": "The weather", "input_schema": {"type": "object", "properties": {}}}],
    }


def test_a_request_of_the_same_api_says_the_same() -> None:
    given_body = {
        "model": "claude-x",
        "max_tokens": 100,
        "system": [{"type": "text", "text": "Be"}, {"type": "text", "text": "brief"}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "image", "source": IMAGE}]},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm", "signature": "c2ln"}, USE]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "1"}]},
        ],
        "tools": [
            {"name": "f", "input_schema": {"type": "object"}},
            {"type": "web_search_20250305", "name": "web_search", "max_uses": 3},
        ],
        "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
        "temperature": 0.5,
        "thinking": {"type": "enabled", "budget_tokens": 50},
        "metadata": {"user_id": "u"},
        "service_tier": "auto",
        "stop_sequences": ["X"],
        "stream": True,
    }
    body, lost = write_prompt(ANTHROPIC.prompt(HEAD, json.dumps(given_body).encode()))
    check(body)
    assert (body, lost) == (given_body, [])


IMAGE = {"type": "url", "url": "https://x/y.png"}
USE = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}}
HEAD = Request("POST", "https://x/v1/messages", Headers())


@pytest.mark.parametrize(
    ("given_parameters", "body", "lost"),
    [
        ({"max_tokens": None, "max_completion_tokens": 7}, {"max_tokens": 7}, []),
        ({"max_tokens": None, "max_output_tokens": 8}, {"max_tokens": 8}, []),
        ({"max_tokens": None}, {"max_tokens": 4096}, [LIMIT]),
        (
            {"temperature": 1.5, "top_p": 0.5, "top_k": 3},
            {"temperature": 1, "top_p": 0.5, "top_k": 3},
            ["temperature 1.5 is 1, the highest"],
        ),
        ({"stop": "X"}, {"stop_sequences": ["X"]}, []),
        ({"stop": ["X", "Y"], "user": "u1"}, {"stop_sequences": ["X", "Y"], "metadata": {"user_id": "u1"}}, []),
        ({"reasoning_effort": "high"}, {}, ['reasoning_effort "high" has no counterpart']),
        ({"reasoning": {"effort": "low"}}, {}, ['reasoning {"effort":"low"} has no counterpart']),
        ({"metadata": {"run": "7"}}, {}, ['metadata {"run":"7"} has no counterpart']),
        ({"service_tier": "flex"}, {}, ['service_tier "flex" has no counterpart']),
        ({"n": 2, "seed": None}, {}, ["n 2 has no counterpart"]),
        ({"n": 1, "stream_options": {"include_usage": True}, "store": False, "logprobs": False}, {}, []),
        ({"response_format": {"type": "json_object"}}, {}, ["response_format json_object has no counterpart"]),
        ({"response_format": {"type": "text"}, "text": {"format": {"type": "text"}, "verbosity": "medium"}}, {}, []),
        ({"text": {"verbosity": "low"}}, {}, ["text.verbosity low has no counterpart"]),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}},
            {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
            [],
        ),
        (
            {"text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}}},
            {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
            [],
        ),
    ],
)
def test_settings(given_parameters: Json, body: Json, lost: list[str]) -> None:
    found, told = written(user(text_part("Hi")), **given_parameters)
    wanted = {"model": "claude-x", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}], **body}
    assert (found, told) == (wanted, lost)


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        ({"type": "function", "function": {"name": "f"}}, {"type": "tool", "name": "f"}),
        ({"type": "function", "name": "f"}, {"type": "tool", "name": "f"}),
        ({"type": "custom", "custom": {"name": "f"}}, {"type": "tool", "name": "f"}),
        ({"type": "any"}, {"type": "any"}),
        ({"type": "function", "name": "other"}, None),
        ({"type": "web_search"}, None),
        ("odd", None),
        (None, None),
    ],
)
def test_the_choice_of_tools(choice: object, wanted: Json | None) -> None:
    body, lost = written(user(text_part("Hi")), tools=[Tool("f")], tool_choice=choice)
    assert body.get("tool_choice") == wanted
    assert lost == ([f"tool_choice {_short(choice)} has no counterpart"] if choice is not None and not wanted else [])
    body, _ = written(user(text_part("Hi")), tools=[Tool("f")], tool_choice=choice, parallel_tool_calls=False)
    one = {} if choice == "none" else {"disable_parallel_tool_use": True}
    assert body["tool_choice"] == {**(wanted or {"type": "auto"}), **one}
    assert "tool_choice" not in written(user(text_part("Hi")), tool_choice=choice)[0]


def _short(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def test_tools_of_other_kinds() -> None:
    body, lost = written(
        user(text_part("Hi")),
        tools=[
            Tool("f"),
            Tool("patch", "Patches", {"type": "grammar"}, "custom"),
            Tool("web_search", kind="web_search"),
        ],
    )
    assert body["tools"] == [
        {"name": "f", "input_schema": {"type": "object", "properties": {}}},
        {
            "name": "patch",
            "description": "Patches",
            "input_schema": {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]},
        },
    ]
    assert lost == [
        "patch takes free text: it is declared with the text in `input`",
        "the tool web_search, which the provider runs itself, is left out",
    ]


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (thoughts("Hm"), "thoughts without Anthropic's signature are left out"),
        (Reasoning(Growing("Hm"), "sig", "sealed"), "thoughts without Anthropic's signature are left out"),
        (Reasoning(encrypted="gAAAA"), "thoughts without Anthropic's signature are left out"),
        (
            ToolCall("w", "search", Growing("{}"), "web_search_call"),
            "the provider ran search itself: the call is left out",
        ),
        (ToolResult("w", "found", name="search"), "what the provider's own search gave back is left out"),
        (Media("image", size=5), "the assistant's image is left out"),
        (Other("item_reference", {}), "a part of the type item_reference is left out"),
    ],
)
def test_what_an_assistant_cannot_say_here(part: Part, told: str) -> None:
    body, lost = written(user(text_part("Hi")), assistant(part, text_part("Yes"), part), user(text_part("So?")))
    assert [message["content"] for message in body["messages"]] == ["Hi", "Yes", "So?"]
    assert lost == [f"{told} (2 times)"]


@pytest.mark.parametrize(
    ("part", "block", "told"),
    [
        (Media("image", uri="https://x/y"), {"type": "image", "source": {"type": "url", "url": "https://x/y"}}, None),
        (Media("file", uri="http://x/y"), {"type": "document", "source": {"type": "url", "url": "http://x/y"}}, None),
        (
            Media("file", "text/plain", size=2, transcript=Growing("ab")),
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "ab"}},
            None,
        ),
        (Refusal(Growing("No")), {"type": "text", "text": "No"}, None),
        (Media("image", "image/png", size=12), None, "image of 12 bytes: only its size is known"),
        (Media("audio", uri="https://x/y"), None, "audio https://x/y cannot be sent"),
        (Media("file", uri="file-1"), None, "file file-1 cannot be sent"),
        (Other("odd", {}), None, "a part of the type odd is left out"),
        (thoughts("Hm"), None, "a part of the type reasoning is left out"),
        (text_part(" \n"), None, None),
    ],
)
def test_what_a_user_brings(part: Part, block: Json | None, told: str | None) -> None:
    body, lost = written(user(text_part("See:"), part))
    see = {"type": "text", "text": "See:"}
    assert body["messages"][0]["content"] == ([see, block] if block else "See:")
    assert lost == ([told] if told else [])


def test_arguments_become_objects() -> None:
    custom = ToolCall("c3", "patch", Growing("*** Begin"), "custom")
    body, lost = written(user(text_part("Hi")), assistant(call("f", "{cut", "c1"), call("f", "[1]", "c2"), custom))
    inputs = [block["input"] for block in body["messages"][1]["content"]]
    assert inputs == [{"arguments": "{cut"}, {"arguments": "[1]"}, {"input": "*** Begin"}]
    assert lost == [
        "the arguments of f are no JSON object: they stand as text in `arguments` (2 times)",
        "patch takes free text: it is written as an object with the text in `input`",
    ]


def test_ids_that_the_api_refuses_or_knows_already() -> None:
    body, lost = written(
        user(text_part("Hi")),
        assistant(call("f", "{}", "call:1"), call("f", "{}", ""), call("f", "{}", "")),
        Message("tool", [ToolResult("call:1", "a"), ToolResult("", "b"), ToolResult("", "c")]),
        assistant(call("f", "{}", "call:1")),
        Message("tool", [ToolResult("call:1", "d")]),
    )
    blocks = [block for message in body["messages"][1:] for block in message["content"]]
    given_ids = [block["id"] for block in blocks if block["type"] == "tool_use"]
    results = {block["tool_use_id"]: block["content"] for block in blocks if block["type"] == "tool_result"}
    assert [results[call_id] for call_id in given_ids] == ["a", "b", "c", "d"]
    assert given_ids[0] == "call_1"
    assert lost == []


def test_turns_are_made_legal() -> None:
    body, lost = written(
        assistant(text_part("Hello"), call("f", "{}", "c1")),
        assistant(text_part("!")),
        user(text_part("Stop")),
        Message("system", [text_part("Now be kind"), Media("image", size=3)]),
        Message("user"),
        Message("tool", [ToolResult("gone", "42")]),
    )
    assert body["system"] == "Now be kind"
    assert [message["content"] for message in body["messages"]] == [
        "Go on.",
        [
            {"type": "text", "text": "Hello"},
            {"type": "tool_use", "id": "c1", "name": "f", "input": {}},
            {"type": "text", "text": "!"},
        ],
        [
            {"type": "tool_result", "tool_use_id": "c1", "content": "", "is_error": True},
            {"type": "text", "text": "Stop"},
            {"type": "text", "text": "[tool result] 42"},
        ],
    ]
    assert lost == [
        "instructions from within the conversation stand before it",
        "the system's instructions had a part that is not words: it is left out",
        "a tool's result without its call was written as words",
        "a tool call has no result: an empty one was put there",
        "the conversation began with the assistant: a turn of the user was put before it",
    ]


ids = st.sampled_from(["", "a", "b:c"])
any_part: st.SearchStrategy[Part] = st.one_of(
    st.builds(text_part, words),
    st.builds(thoughts, words, st.sampled_from(["", "c2ln"])),
    st.builds(call, st.just("f"), words, ids),
    st.builds(ToolResult, ids, words),
    st.builds(Media, st.sampled_from(["image", "file", "audio"]), st.just(""), st.sampled_from(["", "https://x/y"])),
    st.builds(Other, st.just("odd")),
)
roles: st.SearchStrategy[Role] = st.sampled_from(["system", "user", "assistant", "tool"])


@given(st.lists(st.builds(Message, roles, st.lists(any_part, max_size=4)), max_size=6))
@settings(max_examples=150, deadline=None)
def test_any_conversation_becomes_legal(messages: list[Message]) -> None:
    body, _ = written(*messages)
    again = ANTHROPIC.prompt(HEAD, json.dumps(body).encode())
    assert texts(messages) <= texts(again.messages)


def texts(messages: list[Message]) -> set[str]:
    """Every text in a conversation."""
    found = [str(part.content) for message in messages for part in message.parts if isinstance(part, Text)]
    return {text for text in found if text.strip()}


@pytest.mark.parametrize("recording", parameters(BODIES["openai-chat"] + BODIES["openai-responses"]))
def test_recorded_requests_of_other_apis(recording: Recorded) -> None:
    dialect = OpenAIChat() if recording.row["dialect"] == "openai-chat" else OpenAIResponses()
    try:
        prompt = dialect.prompt(recording.asked, recording.request or b"")
    except ValueError:
        pytest.skip("no request of that API")
    body, _ = write_prompt(prompt)
    check(body)
    again = ANTHROPIC.prompt(HEAD, json.dumps(body).encode())
    assert again.model == prompt.model
    assert texts(prompt.messages) <= texts(again.messages)
    calls = [call for message in prompt.messages for call in message.tool_calls() if not call.server_side]
    assert [call.name for call in calls] == [call.name for message in again.messages for call in message.tool_calls()]
