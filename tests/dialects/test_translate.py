"""Requests said in another provider's API, and back: all nine pairs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects import DIALECTS, by_name
from inspector.dialects._base import Dialect
from inspector.dialects.raw import Raw
from inspector.dialects.translate import translate
from inspector.model.flow import Capture, Request
from inspector.model.headers import Headers
from inspector.model.message import Growing, Media, Message, Part, Prompt, Text, Tool, ToolCall, ToolResult

Json = dict[str, Any]

CHAT, RESPONSES, ANTHROPIC = by_name("openai-chat"), by_name("openai-responses"), by_name("anthropic-messages")
WRITTEN = [CHAT, RESPONSES, ANTHROPIC]
SAID_IN = [by_name(name) for name in ("gemini", "bedrock-converse", "ollama", "cohere-chat")]
"""Dialects in which a conversation is said, but not all that goes with it: some know no ids of calls."""
ELSEWHERE = [by_name(name) for name in ("bedrock-invoke", "openai-completions")]
"""Written in another API's shape, or as one text."""
PAIRS = [pytest.param(one, other, id=f"{one.name} to {other.name}") for one in WRITTEN for other in WRITTEN]

SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}

words = st.text(alphabet='ab \n"\\é漢👩\u2028', min_size=1, max_size=12).filter(lambda text: text.strip() != "")
names = st.sampled_from(["Bash", "read_file", "list-dir"])
arguments = st.dictionaries(words, words | st.integers(-5, 5) | st.booleans() | st.none(), max_size=3).map(
    lambda given: json.dumps(given, ensure_ascii=False, separators=(",", ":"))
)


@st.composite
def conversations(draw: st.DrawFn) -> Prompt:
    """A conversation as agents hold it: words, rounds of tool calls, words."""
    messages = [Message("system", [Text(Growing(text))]) for text in draw(st.lists(words, max_size=1))]
    number = 0
    for _ in range(draw(st.integers(1, 3))):
        messages.append(
            Message("user", [Text(Growing(text)) for text in draw(st.lists(words, min_size=1, max_size=2))])
        )
        for _ in range(draw(st.integers(0, 2))):
            said: list[Part] = [Text(Growing(text)) for text in draw(st.lists(words, max_size=1))]
            calls = draw(st.lists(st.tuples(names, arguments), min_size=1, max_size=3))
            found = range(number, number + len(calls))
            number += len(calls)
            said += [
                ToolCall(f"call_{one}", name, Growing(text)) for one, (name, text) in zip(found, calls, strict=True)
            ]
            messages.append(Message("assistant", said))
            messages += [Message("tool", [ToolResult(f"call_{one}", draw(words))]) for one in found]
        messages.append(Message("assistant", [Text(Growing(draw(words)))]))
    tools = [Tool(name, draw(words), SCHEMA) for name in draw(st.lists(names, max_size=3, unique=True))]
    settings = {"temperature": draw(st.sampled_from([0, 0.5, 1])), "max_tokens": draw(st.integers(1, 9999))}
    return Prompt("m", messages, tools, draw(st.booleans()), settings)


def request(dialect: Dialect, body: bytes, model: str = "m") -> Request:
    assert dialect.writer is not None
    url = f"https://host{dialect.writer.path(model)}"
    headers = Headers([("content-type", "application/json"), ("anthropic-version", "2023-06-01")])
    return Request("POST", url, headers, Capture(body))


def said(prompt: Prompt) -> list[tuple[str, ...]]:
    """What is said, part by part, by whom."""
    return [_said(message, part) for message in prompt.messages for part in message.parts]


def _said(message: Message, part: Part) -> tuple[str, ...]:
    match part:
        case Text():
            return message.role, str(part.content)
        case ToolCall():
            return message.role, "calls", part.id, part.name, json.dumps(json.loads(str(part.arguments)))
        case ToolResult():
            return message.role, "gave", part.id, part.content
        case _:
            raise AssertionError(part)


def tools(prompt: Prompt) -> list[tuple[str, str, object]]:
    return [(tool.name, tool.description, tool.schema) for tool in prompt.tools]


@pytest.mark.parametrize(("source", "target"), PAIRS)
@given(prompt=conversations())
@settings(max_examples=40, deadline=None)
def test_there_and_back_a_conversation_says_the_same(source: Dialect, target: Dialect, prompt: Prompt) -> None:
    assert source.writer is not None
    written, lost = source.writer.write_prompt(prompt)
    assert lost == []
    body = json.dumps(written).encode()
    there = translate(request(source, body), body, source, target, "other-model")
    assert there.lost == []
    read = target.prompt(request(target, there.body), there.body)
    assert target.matches(request(target, there.body))
    assert (said(read), tools(read), read.model, read.stream) == (
        said(prompt),
        tools(prompt),
        "other-model",
        prompt.stream,
    )
    back = translate(request(target, there.body), there.body, target, source, "m")
    again = source.prompt(request(source, back.body), back.body)
    assert (said(again), tools(again), again.stream) == (said(prompt), tools(prompt), prompt.stream)
    assert again.parameters["temperature"] == prompt.parameters["temperature"]
    limits = [value for name, value in again.parameters.items() if name.startswith("max_")]
    assert limits == [prompt.parameters["max_tokens"]]


BODIES: dict[str, Json] = {
    "openai-chat": {
        "model": "gpt-x",
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "List."}]},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "ls", "arguments": '{"path":"."}'}}
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "a b"},
        ],
        "tools": [{"type": "function", "function": {"name": "ls", "description": "Lists", "parameters": SCHEMA}}],
        "tool_choice": {"type": "function", "function": {"name": "ls"}},
        "max_completion_tokens": 50,
        "stream": True,
        "stream_options": {"include_usage": True},
        "seed": 7,
    },
    "openai-responses": {
        "model": "gpt-x",
        "instructions": "Be brief.",
        "input": [
            {"role": "user", "content": "List."},
            {"type": "function_call", "call_id": "c1", "name": "ls", "arguments": '{"path":"."}'},
            {"type": "function_call_output", "call_id": "c1", "output": "a b"},
        ],
        "tools": [{"type": "function", "name": "ls", "description": "Lists", "parameters": SCHEMA, "strict": True}],
        "tool_choice": {"type": "function", "name": "ls"},
        "max_output_tokens": 50,
        "stream": True,
        "previous_response_id": "resp_1",
    },
    "anthropic-messages": {
        "model": "claude-x",
        "max_tokens": 50,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": "List."},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "ls", "input": {"path": "."}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "a b"}]},
        ],
        "tools": [{"name": "ls", "description": "Lists", "input_schema": SCHEMA}],
        "tool_choice": {"type": "tool", "name": "ls"},
        "stream": True,
        "top_k": 3,
    },
}
LOST = {"openai-chat": "seed", "openai-responses": "previous_response_id", "anthropic-messages": "cached"}


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_request_as_an_agent_sends_it(source: Dialect, target: Dialect) -> None:
    body = json.dumps(BODIES[source.name], indent=1).encode()
    there = translate(request(source, body), body, source, target, "another")
    prompt = target.prompt(request(target, there.body), there.body)
    assert said(prompt) == [
        ("system", "Be brief."),
        ("user", "List."),
        ("assistant", "calls", "c1", "ls", '{"path": "."}'),
        ("tool", "gave", "c1", "a b"),
    ]
    assert (tools(prompt), prompt.stream, prompt.model) == ([("ls", "Lists", SCHEMA)], True, "another")
    assert there.path.startswith("/v1/")
    if source is target:
        old, new = json.dumps(BODIES[source.name]["model"]).encode(), b'"another"'
        assert (there.body, there.lost) == (body.replace(old, new, 1), [])
    else:
        assert prompt.parameters["tool_choice"] == BODIES[target.name]["tool_choice"]
        assert any(LOST[source.name] in words for words in there.lost)


def test_media_is_taken_along_where_only_its_address_is_needed() -> None:
    body = json.dumps(
        {
            "model": "m",
            "input": [
                {
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "See"},
                        {"type": "input_image", "image_url": "https://host/i.png"},
                        {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
                    ],
                }
            ],
        }
    ).encode()
    for target in (CHAT, ANTHROPIC):
        there = translate(request(RESPONSES, body), body, RESPONSES, target, "m")
        media = target.prompt(request(target, there.body), there.body).messages[0].parts
        assert [part.uri for part in media if isinstance(part, Media)] == ["https://host/i.png"]
        assert any("image" in words for words in there.lost)


def test_what_nobody_can_read_or_write_is_refused() -> None:
    body = json.dumps(BODIES["openai-chat"]).encode()
    with pytest.raises(ValueError, match="nothing can be written as raw"):
        translate(request(CHAT, body), body, CHAT, Raw(), "m")
    with pytest.raises(ValueError):
        translate(request(CHAT, b"[]"), b"[]", CHAT, ANTHROPIC, "m")


@pytest.mark.parametrize("target", SAID_IN, ids=lambda dialect: dialect.name)
@given(prompt=conversations())
@settings(max_examples=40, deadline=None)
def test_a_conversation_is_said_in_an_api_of_another_kind(target: Dialect, prompt: Prompt) -> None:
    assert CHAT.writer is not None
    body = json.dumps(CHAT.writer.write_prompt(prompt)[0]).encode()
    there = translate(request(CHAT, body), body, CHAT, target, "other-model")
    asked = request(target, there.body, "other-model")
    asked.url = f"https://host{there.path}"
    assert target.matches(asked)
    read = target.prompt(asked, there.body)
    assert read.model == "other-model"
    assert in_words(read) == in_words(prompt)
    assert [tool[:2] for tool in tools(read)] == [tool[:2] for tool in tools(prompt)]


def in_words(prompt: Prompt) -> list[tuple[str, str]]:
    """Who says what, without blanks: texts in a row as one, calls without their ids, results as mere words."""
    told: list[tuple[str, str]] = []
    for speaker, *rest in said(prompt):
        words = " ".join(rest[:1] + rest[2:])
        if words.startswith('gave {"output":'):  # Gemini takes objects only
            words = "gave " + json.loads(words.removeprefix("gave "))["output"]
        words = "".join(words.split())
        if told and told[-1][0] == speaker and len(rest) == 1:
            told[-1] = speaker, told[-1][1] + words
        else:
            told.append((speaker, words))
    return told


def test_every_dialect_that_can_be_written_is_tried() -> None:
    written = [dialect for dialect in DIALECTS if dialect.writer is not None]
    assert sorted(dialect.name for dialect in written) == sorted(
        dialect.name for dialect in (*WRITTEN, *SAID_IN, *ELSEWHERE)
    )
