"""Completions that no model wrote, and requests in this API: OpenAI's SDK reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects import by_name
from inspector.dialects._completions_writer import CompletionsWriter
from inspector.dialects.translate import translate
from inspector.model.flow import Capture, Request
from inspector.model.headers import Headers
from inspector.model.message import Answer, Growing, Media, Message, Prompt, Reasoning, Tool, ToolCall, Usage
from tests.dialects.chat_edits import WORDS
from tests.dialects.completions_streams import DIALECT, text
from tests.dialects.recorded import payloads, read
from tests.dialects.responses_answers import Loopback, loopback

Json = dict[str, Any]

WRITER = CompletionsWriter()


@pytest.fixture(scope="module")
def served() -> Iterator[Loopback]:
    with loopback() as running:
        yield running


def answer_of(*choices: str, finish: str | None = None, usage: Usage | None = None) -> Answer:
    return Answer("cmpl-7", "m", [Message("assistant", [text(words)], finish) for words in choices], usage)


@settings(max_examples=50)
@given(st.lists(WORDS, min_size=1, max_size=3))
def test_what_is_written_is_read_again(said: list[str]) -> None:
    answer = answer_of(*said)
    for body, kind in (
        (b"".join(WRITER.stream(answer, {})), "text/event-stream"),
        (WRITER.document(answer, {}), "application/json"),
    ):
        transcript = read(DIALECT, [body], kind)
        assert [(choice.text(), choice.finish_reason) for choice in transcript.answer.choices] == [
            (words, "stop") for words in said
        ]
        assert (transcript.answer.id, transcript.answer.complete, transcript.notes) == ("cmpl-7", True, [])


def test_the_sdk_reads_it(served: Loopback) -> None:
    answer = answer_of("Hello, wörld 👩‍👧", "b", finish="length", usage=Usage(4, 3))
    asked: Json = {"model": "m", "stream_options": {"include_usage": True}}
    client = served.serve(b"".join(WRITER.stream(answer, asked)))
    chunks = [*client.completions.create(model="m", prompt="x", stream=True)]
    assert "".join(choice.text for one in chunks for choice in one.choices if choice.index == 0) == "Hello, wörld 👩‍👧"
    assert [choice.finish_reason for one in chunks for choice in one.choices if choice.finish_reason] == ["length"] * 2
    assert len(chunks) > 4 and chunks[-1].usage is not None and chunks[-1].usage.total_tokens == 7
    assert all(one.usage is None for one in chunks[:-1])
    whole = served.serve(WRITER.document(answer, asked), "application/json").completions.create(model="m", prompt="x")
    assert [choice.text for choice in whole.choices] == ["Hello, wörld 👩‍👧", "b"]
    assert (whole.id, whole.object, whole.usage and whole.usage.prompt_tokens) == ("cmpl-7", "text_completion", 4)


@pytest.mark.parametrize(
    ("status", "raised"),
    [(400, openai.BadRequestError), (429, openai.RateLimitError), (503, openai.InternalServerError)],
)
def test_errors(served: Loopback, status: int, raised: type[openai.APIStatusError]) -> None:
    client = served.serve(WRITER.error(status, "because"), "application/json", status)
    with pytest.raises(raised, match="because"):
        client.completions.create(model="m", prompt="x")


@pytest.mark.parametrize("part", [ToolCall("c", "Bash"), Reasoning(Growing("hm")), Media("image")])
def test_an_answer_is_text_and_nothing_else(part: Any) -> None:
    answer = Answer(choices=[Message("assistant", [text("a"), part])])
    with pytest.raises(ValueError, match="is one text"):
        WRITER.stream(answer, {})
    with pytest.raises(ValueError, match="is one text"):
        WRITER.document(answer, {})


def test_sections() -> None:
    assert [(each.kind, each.label, each.path) for each in WRITER.sections({"model": "m", "prompt": ["a", [1]]})] == [
        ("setting", "model", ("model",)),
        ("message", "prompt", ("prompt", 0)),
        ("message", "prompt", ("prompt", 1)),
    ]
    for whole in ("a", [1, 2], None, []):
        assert [each.path for each in WRITER.sections({"prompt": whole})] == [("prompt",)]


def test_one_question_is_the_prompt() -> None:
    prompt = Prompt(
        "m", [Message("user", [text("Once")])], stream=True, parameters={"max_output_tokens": 5, "stop": ["x"]}
    )
    body, lost = WRITER.write_prompt(prompt)
    assert body == {
        "model": "m",
        "prompt": "Once",
        "max_tokens": 5,
        "stop": ["x"],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert lost == []
    assert DIALECT.prompt(None, json.dumps(body).encode()).messages == prompt.messages  # type: ignore[arg-type]


def test_a_conversation_is_one_text() -> None:
    turns = [
        Message("system", [text("Be brief.")]),
        Message("user", [text("Hi"), Media("image")]),
        Message("assistant", [text("Yes?"), ToolCall("c", "Bash")]),
        Message("user", [text("Why?")]),
    ]
    body, lost = WRITER.write_prompt(Prompt("m", turns, [Tool("Bash")], parameters={"tool_choice": "auto"}))
    assert body["prompt"] == "Be brief.\n\nUser: Hi\n\nAssistant: Yes?\n\nUser: Why?\n\nAssistant:"
    assert [words.partition(":")[0] for words in lost] == [
        "a part of the kind Media",
        "a part of the kind ToolCall",
        "whose turn it is",
        "the tools",
        "tool_choice",
    ]


@pytest.mark.parametrize(
    ("given_parameters", "written"),
    [
        ({"logprobs": True, "top_logprobs": 20}, {"logprobs": 5}),
        ({"top_logprobs": 2, "logprobs": True}, {"logprobs": 2}),
        ({"logprobs": True}, {"logprobs": 0}),
        ({"logprobs": False}, {}),
        ({"logprobs": 3}, {"logprobs": 3}),
    ],
)
def test_logprobs_are_a_number_here(given_parameters: Json, written: Json) -> None:
    body, lost = WRITER.write_prompt(Prompt("m", parameters=given_parameters))
    assert {name: value for name, value in body.items() if name not in ("model", "prompt")} == written
    assert lost == []


def test_pieces_look_alike() -> None:
    *said, last = payloads(b"".join(WRITER.stream(answer_of("some words"), {})))
    assert {tuple(one) for one in [*said, last]} == {("id", "object", "created", "model", "choices")}
    assert last["choices"] == [{"text": "", "index": 0, "logprobs": None, "finish_reason": "stop"}]


def test_a_request_is_said_in_another_api_and_back() -> None:
    body = b'{"model": "m", "prompt": "Once", "logprobs": 3, "max_tokens": 5, "echo": true}'
    asked = Request("POST", "http://h/v1/completions", Headers(), Capture(body))
    chat = by_name("openai-chat")
    there = translate(asked, body, DIALECT, chat, "m-2")
    assert json.loads(there.body) == {
        "model": "m-2",
        "messages": [{"role": "user", "content": "Once"}],
        "logprobs": True,
        "top_logprobs": 3,
        "max_completion_tokens": 5,
    }
    assert there.lost == ["echo: true"]
    back = translate(asked, there.body, chat, DIALECT, "m")
    assert json.loads(back.body) == {"model": "m", "prompt": "Once", "logprobs": 3, "max_tokens": 5}
    assert back.path == "/v1/completions"
    assert translate(asked, body, DIALECT, DIALECT, "m-3").body == body.replace(b'"m"', b'"m-3"')
