"""Ollama's API written: whole answers and errors as its SDK reads them, requests, documents that are edited."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import ollama
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects._ollama_writer import OllamaWriter
from inspector.dialects._writing import Section
from inspector.model.edits import Edits
from inspector.model.flow import Request
from inspector.model.headers import Headers
from inspector.model.message import (
    Answer,
    Media,
    Message,
    Other,
    Part,
    Prompt,
    Reasoning,
    Refusal,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
)
from tests.dialects.ollama_streams import (
    DIALECT,
    LINES,
    MESSAGES,
    Loopback,
    call,
    call_entry,
    done,
    generated,
    lines,
    loopback,
    payloads,
    said,
    said_by,
    text,
    thoughts,
)
from tests.dialects.recorded import answer_of, read

Json = dict[str, Any]

WRITER = OllamaWriter()
CHAT: Json = {"model": "asked", "messages": []}
GENERATE: Json = {"model": "asked", "prompt": "x"}


@pytest.fixture(scope="module")
def served() -> Iterator[Loopback]:
    with loopback() as running:
        yield running


def answer(*parts: Part, **more: Any) -> Answer:
    return Answer(choices=[Message("assistant", list(parts), more.pop("finish", None))], **more)


@settings(max_examples=100, deadline=None)
@given(MESSAGES, st.sampled_from([CHAT, GENERATE]))
def test_an_answer_is_read_as_it_was_written(served: Loopback, parts: list[Part], asked: Json) -> None:
    whole = answer(*parts, usage=Usage(5, 6), finish="length")
    for body in (b"".join(WRITER.stream(whole, asked)), WRITER.document(whole, asked)):
        transcript = read(DIALECT, [body], LINES)
        got = transcript.answer
        assert said_by(answer_of(transcript).parts) == said_by(parts)
        assert (got.model, got.complete, answer_of(transcript).finish_reason) == ("asked", True, "length")
        assert got.usage is not None
        assert (got.usage.input_tokens, got.usage.output_tokens, transcript.notes) == (5, 6, [])
    if asked is CHAT:
        assert served.reads(b"".join(WRITER.stream(whole, asked))) == said_by(parts)
        message = served.serve(body).chat("m", messages=[]).message
        calls = [(made.function.name, made.function.arguments) for made in message.tool_calls or []]
        assert (message.thinking or "", message.content, calls) == said_by(parts)
    assert all(set(each) >= {"model", "created_at", "done"} for each in payloads(body))
    assert [("response" in each) for each in payloads(body)] == [asked is GENERATE]


def test_a_stream_comes_in_small_pieces_and_calls_whole() -> None:
    written = WRITER.stream(answer(thoughts("Let me think."), text("Hello there"), call(), call("Read", "")), CHAT)
    assert all(piece.endswith(b"\n") and piece.count(b"\n") == 1 for piece in written)
    spoken = [json.loads(piece)["message"] for piece in written]
    assert len([each for each in spoken if each.get("thinking")]) > 2
    calls = [each["tool_calls"] for each in spoken if "tool_calls" in each]
    assert calls == [[call_entry("Bash", {"command": "ls"}, 0, "call_1")], [call_entry("Read", {}, 1, "call_1")]]
    assert payloads(written[-1])[0]["done_reason"] == "stop"


@pytest.mark.parametrize(
    "part", [Refusal(), Media("image"), Other("x"), ToolCall(kind="web_search"), call(arguments="[]")]
)
def test_what_an_answer_cannot_say(part: Part) -> None:
    for write in (WRITER.stream, WRITER.document):
        with pytest.raises(ValueError, match=r"API|provider"):
            write(answer(part), CHAT)


def test_an_error_is_the_sdks_own(served: Loopback) -> None:
    client = served.serve(WRITER.error(503, "server busy"), 503)
    for stream in (False, True):
        with pytest.raises(ollama.ResponseError) as raised:
            list(client.chat("m", messages=[], stream=stream))
        assert (raised.value.error, raised.value.status_code) == ("server busy", 503)


DOCUMENT = (
    b'{ "model": "m", "message": {"role":"assistant", "content": "Hi", "thinking": "Hm",'
    b' "tool_calls": [{"function": {"index": 0, "name": "a", "arguments": {"x": 1.0}}}]},'
    b' "done": true, "done_reason": "stop", "eval_count": 3 }\n'
)


def test_a_document_is_changed_where_it_is_edited_and_nowhere_else() -> None:
    assert WRITER.edit_document(DOCUMENT, Edits()) == DOCUMENT
    assert WRITER.edit_document(DOCUMENT, Edits({1: text("Yo")})) == DOCUMENT.replace(b'"Hi"', b'"Yo"')
    got = WRITER.edit_document(DOCUMENT, Edits({2: call("a", '{"x": 2}', "")}))
    assert got == DOCUMENT.replace(b"1.0", b"2")
    got = WRITER.edit_document(DOCUMENT, Edits({0: None, 2: None}, [text("!"), call("b", "{}", "i")], "length"))
    [body] = payloads(got)
    assert body["message"] == {"role": "assistant", "content": "Hi!", "tool_calls": [call_entry("b", {}, 0, "i")]}
    assert (body["done_reason"], body["eval_count"]) == ("length", 3)
    [ended] = payloads(WRITER.edit_document(DOCUMENT, Edits(added=[text("Bye"), call("b", "{}", "")], final=True)))
    assert ended["message"]["content"] == "Bye"
    assert [made["function"]["name"] for made in ended["message"]["tool_calls"]] == ["b"]
    assert "thinking" not in ended["message"]


def test_a_generated_document_is_changed() -> None:
    body = json.dumps({**generated("Hi"), "done": True, "context": [1]}).encode()
    [got] = payloads(WRITER.edit_document(body, Edits({0: text("Yo")}, [thoughts("Hm"), call()])))
    assert (got["response"], got["thinking"], got["context"], len(got["tool_calls"])) == ("Yo", "Hm", [1], 1)


def test_lines_that_came_as_one_document_are_changed() -> None:
    body = lines(said("Hel"), said("lo"), done())
    got = WRITER.edit_document(body, Edits({0: text("Good day")}, [call()]))
    assert said_by(answer_of(read(DIALECT, [got], LINES)).parts) == ("", "Good day", [("Bash", {"command": "ls"})])
    assert WRITER.edit_document(body, Edits()) == body


@pytest.mark.parametrize(
    ("body", "edits", "word"),
    [
        (DOCUMENT, Edits({3: text("x")}), "3 parts"),
        (DOCUMENT, Edits({0: Refusal()}), "API"),
        (DOCUMENT, Edits(added=[call(arguments="x")]), "object"),
        (b'{"error": "x"}', Edits(added=[text("x")]), "no message"),
        (b"[]", Edits(added=[text("x")]), "object"),
    ],
)
def test_edits_that_do_not_fit_a_document(body: bytes, edits: Edits, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        WRITER.edit_document(body, edits)


def test_sections() -> None:
    body: Json = {
        "model": "m",
        "messages": [{"role": "system"}, {"role": "user"}, {"role": "tool"}, "odd"],
        "tools": [{"type": "function", "function": {"name": "Bash"}}, {}],
        "system": "S",
        "prompt": "P",
        "options": {},
    }
    assert WRITER.sections(body) == [
        Section("setting", "model", ("model",)),
        Section("system", "system", ("messages", 0)),
        Section("message", "user", ("messages", 1)),
        Section("message", "tool result", ("messages", 2)),
        Section("message", "message", ("messages", 3)),
        Section("tool", "Bash", ("tools", 0)),
        Section("tool", "tool", ("tools", 1)),
        Section("system", "system", ("system",)),
        Section("message", "prompt", ("prompt",)),
        Section("setting", "options", ("options",)),
    ]


def test_a_prompt_is_written_and_read_again() -> None:
    prompt = Prompt(
        "m",
        [
            Message("system", [text("Be brief.")]),
            Message("user", [text("What is it?")]),
            Message("assistant", [thoughts("Hm."), text("Let me see."), call("add", '{"a":1}', "call_a")]),
            Message("tool", [ToolResult("call_a", "3", name="add")]),
        ],
        [Tool("add", "Adds.", {"type": "object"})],
        False,
        {"options": {"temperature": 0.5}, "think": True, "format": "json", "keep_alive": "5m"},
    )
    for each in (prompt, Prompt("m", prompt.messages, [], True, {})):
        body, lost = WRITER.write_prompt(each)
        again = DIALECT.prompt(Request("POST", "http://h/api/chat", Headers()), json.dumps(body).encode())
        again.messages[2].parts[2] = call("add", '{"a":1}', "call_a")
        assert (again, lost) == (each, [])
    assert WRITER.path("m") == "/api/chat"


def test_settings_of_other_apis() -> None:
    schema = {"type": "object"}
    given = {
        "temperature": 0.5,
        "max_completion_tokens": 9,
        "stop": "x",
        "top_k": 3,
        "reasoning_effort": "xhigh",
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}},
        "logprobs": True,
        "tool_choice": "auto",
        "stream_options": {"include_usage": True},
        "seed": None,
        "logit_bias": {"1": 2},
        "tool_choice_": "any",
    }
    body, lost = WRITER.write_prompt(Prompt("m", parameters=given))
    assert body == {
        "model": "m",
        "messages": [],
        "stream": False,
        "options": {"temperature": 0.5, "num_predict": 9, "stop": ["x"], "top_k": 3},
        "think": "high",
        "format": schema,
        "logprobs": True,
    }
    assert lost == ["the setting logit_bias", "the setting tool_choice_"]


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 5}}, {"think": True}),
        ({"thinking": {"type": "disabled"}}, {"think": False}),
        ({"reasoning": {"effort": "minimal"}}, {"think": "low"}),
        ({"reasoning_effort": "none"}, {"think": False}),
        ({"text": {"format": {"type": "json_schema", "schema": {"a": 1}}}}, {"format": {"a": 1}}),
        ({"response_format": {"type": "json_object"}}, {"format": "json"}),
        ({"max_output_tokens": 5, "options": {"seed": 1}}, {"options": {"num_predict": 5, "seed": 1}}),
    ],
)
def test_settings_one_by_one(given: Json, written: Json) -> None:
    body, lost = WRITER.write_prompt(Prompt("m", parameters=given))
    assert ({name: value for name, value in body.items() if name not in ("model", "messages", "stream")}, lost) == (
        written,
        [],
    )


def test_what_cannot_be_said_is_told() -> None:
    messages = [
        Message("user", [text("a"), Media("image", size=3), text("b")]),
        Message(
            "assistant",
            [
                Reasoning(encrypted="sealed"),
                call(arguments="x"),
                ToolCall("w", "search", kind="web_search"),
                Other("compaction"),
                Refusal(text("No.").content),
            ],
        ),
        Message("tool", [ToolResult("i", "bad", is_error=True), text("see")]),
    ]
    body, lost = WRITER.write_prompt(Prompt("m", messages, [Tool("w", kind="web_search")]))
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "tool", "user"]
    assert (body["messages"][0]["content"], body["messages"][1]["content"]) == ("a\n\nb", "No.")
    assert body["messages"][1]["tool_calls"][0]["function"]["arguments"] == {"input": "x"}
    assert len(lost) == 7
    assert "tools" not in body


def test_the_sdk_takes_a_written_request(served: Loopback) -> None:
    body, _ = WRITER.write_prompt(Prompt("m", [Message("assistant", [call()]), Message("tool", [ToolResult("", "x")])]))
    client = served.serve(json.dumps(done()).encode())
    client.chat(**body)
    assert served.asked["messages"][0]["tool_calls"][0]["function"] == body["messages"][0]["tool_calls"][0]["function"]
    assert served.path == WRITER.path("m")
