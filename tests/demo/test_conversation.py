"""What the agent sends is what the dialects read."""

from __future__ import annotations

import json

import pytest

from inspector.demo.conversation import Conversation, outgoing
from inspector.demo.project import READING
from inspector.dialects import by_name
from inspector.model.flow import Request
from inspector.model.headers import Headers
from inspector.model.message import Growing, Message, Prompt, Reasoning, Text, ToolCall, ToolResult

DIALECTS = ("anthropic-messages", "openai-chat", "openai-responses")


def _conversation(dialect: str, arguments: str = '{"glob": "**/*"}') -> Conversation:
    conversation = Conversation(dialect, "demo-small", "Be brief.", READING)
    conversation.say("Which files are there?")
    thoughts = Reasoning(Growing("Let me look."), "signed")
    call = ToolCall("call_1", "Glob", Growing(arguments))
    conversation.messages.append(Message("assistant", [thoughts, Text(Growing("I will look.")), call]))
    conversation.messages.append(Message("tool", [ToolResult("call_1", "parser.py")]))
    return conversation


def _prompt(conversation: Conversation) -> Prompt:
    request = outgoing(conversation)
    sent = Request("POST", f"http://127.0.0.1{request.path}", Headers(request.headers.items()))
    dialect = by_name(conversation.dialect)
    assert dialect.matches(sent)
    return dialect.prompt(sent, json.dumps(request.body).encode())


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_dialect_reads_what_was_meant(dialect: str) -> None:
    prompt = _prompt(_conversation(dialect))
    said = [(message.role, message.text()) for message in prompt.messages if message.text()]
    assert said == [("system", "Be brief."), ("user", "Which files are there?"), ("assistant", "I will look.")]
    parts = [part for message in prompt.messages for part in message.parts]
    assert [json.loads(str(part.arguments)) for part in parts if isinstance(part, ToolCall)] == [{"glob": "**/*"}]
    assert [(part.id, part.content) for part in parts if isinstance(part, ToolResult)] == [("call_1", "parser.py")]
    assert [tool.name for tool in prompt.tools] == ["Glob", "Grep", "Read"]
    assert prompt.model == "demo-small"
    assert prompt.stream


def test_anthropic_gets_its_thoughts_back_with_their_seal() -> None:
    parts = [part for message in _prompt(_conversation("anthropic-messages")).messages for part in message.parts]
    assert [(str(part.content), part.signature) for part in parts if isinstance(part, Reasoning)] == [
        ("Let me look.", "signed")
    ]


def test_anthropic_has_breakpoints_on_the_system_prompt_and_on_the_last_block() -> None:
    body = outgoing(_conversation("anthropic-messages")).body
    assert "cache_control" in body["system"][-1]
    marked = ["cache_control" in block for turn in body["messages"] for block in turn["content"]]
    assert marked == [False, False, False, False, True]
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]


def test_arguments_that_broke_off_are_sent_as_none() -> None:
    body = outgoing(_conversation("anthropic-messages", '{"glob": ')).body
    assert body["messages"][1]["content"][-1]["input"] == {}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_options_are_in_the_words_of_each_api(dialect: str) -> None:
    conversation = _conversation(dialect)
    conversation.reasons, conversation.top_logprobs, conversation.stream = True, 2, False
    prompt = _prompt(conversation)
    expected = {
        "anthropic-messages": {"thinking"},
        "openai-chat": {"reasoning_effort", "logprobs", "top_logprobs"},
        "openai-responses": {"reasoning", "include", "top_logprobs"},
    }
    assert expected[dialect] <= set(prompt.parameters)
    assert not prompt.stream
