"""Chat Completions written: what the real SDK reads of it, and what this program reads of it again."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import APIStatusError, AsyncOpenAI, InternalServerError, RateLimitError
from openai.types.chat import ChatCompletion

from inspector.dialects._openai_chat_writer import ChatWriter
from inspector.dialects.anthropic import Anthropic
from inspector.dialects.openai_responses import OpenAIResponses
from inspector.model.edits import Edits
from inspector.model.flow import Request
from inspector.model.headers import Headers
from inspector.model.message import (
    Answer,
    Growing,
    Media,
    Message,
    Part,
    Prompt,
    Reasoning,
    Refusal,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
)
from tests.dialects.chat_edits import (
    MESSAGES,
    call,
    edited,
    said,
    said_to_sdk,
    text,
)
from tests.dialects.chat_streams import DIALECT, chunk, part, stream, whole
from tests.dialects.recorded import Recorded, answer_of, parameters, payloads, read, recorded
from tests.upstreams import plain, response, upstream

Json = dict[str, Any]

pytestmark = pytest.mark.anyio

WRITER = ChatWriter()
ASKED: Json = {"model": "gpt-5", "stream_options": {"include_usage": True}}
DOCUMENTS = [recording for recording in recorded("openai-chat") if not recording.stream]
EVENT_STREAM = "Content-Type: text/event-stream"
JSON = "Content-Type: application/json"


def answer(*parts: Part, **fields: Any) -> Answer:
    return Answer(choices=[Message("assistant", [*parts])], **fields)


@contextlib.asynccontextmanager
async def client_of(body: bytes) -> AsyncIterator[AsyncOpenAI]:
    """The SDK, before a server that gives this response."""
    async with (
        upstream(plain(body)) as server,
        AsyncOpenAI(api_key="none", base_url=server.url, max_retries=0) as client,
    ):
        yield client


async def sdk_reads(events: bytes, document: bytes) -> list[ChatCompletion]:
    """An answer as the SDK gives it: its stream helper, its raw stream put together, and the document."""
    async with client_of(response(events, EVENT_STREAM)) as client:
        async with client.chat.completions.stream(model="m", messages=[]) as streaming:
            helped = await streaming.get_final_completion()
        raw = await client.chat.completions.create(model="m", messages=[], stream=True)
        chunks = [chunk async for chunk in raw]
    assert all(chunk.object == "chat.completion.chunk" and chunk.id == helped.id for chunk in chunks)
    words = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices if not choice.index]
    assert "".join(words) == (helped.choices[0].message.content or "")
    async with client_of(response(document, JSON)) as client:
        return [helped, await client.chat.completions.create(model="m", messages=[])]


FULL = (
    Reasoning(Growing("First I list.")),
    text("I will look 👀 at it.\n"),
    call("Bash", '{"command": "ls -la"}', "call_a"),
    call("Read", '{"path": "é.py"}', "call_b"),
)


async def test_the_sdk_reads_a_whole_answer() -> None:
    given_answer = answer(*FULL, model="gpt-x", usage=Usage(10, 5, 4))
    events = b"".join(WRITER.stream(given_answer, ASKED))
    for completion in await sdk_reads(events, WRITER.document(given_answer, ASKED)):
        assert said_to_sdk(completion) == said(FULL)
        assert (completion.model, completion.choices[0].finish_reason) == ("gpt-x", "tool_calls")
        assert completion.choices[0].message.role == "assistant"
        assert completion.id.startswith("chatcmpl-")
        assert completion.usage is not None
        assert completion.usage.model_dump(exclude_unset=True) == {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "total_tokens": 15,
            "prompt_tokens_details": {"cached_tokens": 4},
            "completion_tokens_details": {"reasoning_tokens": 0},
        }


@pytest.mark.parametrize(
    ("parts", "finish"),
    [
        ([text("Hi")], "stop"),
        ([Refusal(Growing("I will not."))], "stop"),
        ([call(arguments="")], "tool_calls"),
        ([], "stop"),
    ],
)
async def test_the_sdk_reads_small_answers(parts: list[Part], finish: str) -> None:
    events = b"".join(WRITER.stream(answer(*parts), ASKED))
    for completion in await sdk_reads(events, WRITER.document(answer(*parts), ASKED)):
        assert said_to_sdk(completion) == said(parts)
        assert (completion.model, completion.choices[0].finish_reason) == ("gpt-5", finish)


async def test_the_sdk_reads_several_choices() -> None:
    several = Answer(choices=[Message("assistant", [text(words)], "stop") for words in ("one", "two")])
    for completion in await sdk_reads(b"".join(WRITER.stream(several, {})), WRITER.document(several, {})):
        told = [(choice.index, choice.message.content, choice.finish_reason) for choice in completion.choices]
        assert told == [(0, "one", "stop"), (1, "two", "stop")]


async def test_the_sdk_reads_an_edited_answer() -> None:
    streamed = stream(
        chunk({"role": "assistant", "content": ""}, created=1),
        chunk({"content": "I will look."}, created=1),
        chunk({"tool_calls": [{**part(0, "a", "Bash", ""), "type": "function"}]}, created=1),
        chunk({"tool_calls": [part(0, args='{"command": "rm -rf /"}')]}, created=1),
        chunk({"tool_calls": [{**part(1, "b", "Read", "{}"), "type": "function"}]}, created=1),
        chunk(finish="tool_calls", created=1),
    )
    calls = [{**part(None, "a", "Bash", '{"command": "rm -rf /"}'), "type": "function"}]
    calls.append({**part(None, "b", "Read", "{}"), "type": "function"})
    document = whole({"content": "I will look.", "tool_calls": calls}, created=1)
    edits = Edits({0: text("Let me see."), 1: call("Bash", '{"command": "ls"}', "a"), 2: None})
    expected = said([text("Let me see."), call("Bash", '{"command": "ls"}', "a")])
    for completion in await sdk_reads(edited(streamed, edits), WRITER.edit_document(document, edits)):
        assert said_to_sdk(completion) == expected
        assert completion.choices[0].finish_reason in ("tool_calls",)


async def test_a_kept_alive_stream_is_read() -> None:
    events = WRITER.stream(answer(text("Hello")), {})
    body = WRITER.keep_alive + WRITER.keep_alive.join(events)
    for completion in await sdk_reads(body, WRITER.document(answer(text("Hello")), {})):
        assert completion.choices[0].message.content == "Hello"


@pytest.mark.parametrize(
    ("status", "words", "raised", "code"),
    [
        (429, "slow down", RateLimitError, "rate_limit_exceeded"),
        (429, "you exceeded your quota", RateLimitError, "insufficient_quota"),
        (500, "oops", InternalServerError, None),
        (529, "overloaded", InternalServerError, None),
        (418, "teapot", APIStatusError, None),
    ],
)
async def test_the_sdk_raises_its_own_errors(
    status: int, words: str, raised: type[APIStatusError], code: str | None
) -> None:
    body = response(WRITER.error(status, words), JSON, status=f"{status} X")
    async with client_of(body) as client:
        with pytest.raises(raised) as caught:
            await client.chat.completions.create(model="m", messages=[])
    assert (caught.value.status_code, caught.value.code) == (status, code)
    assert words in str(caught.value)


def test_usage_comes_only_where_it_was_asked_for() -> None:
    assert not any("usage" in payload for payload in payloads(b"".join(WRITER.stream(answer(text("Hi")), {}))))
    *chunks, last = payloads(b"".join(WRITER.stream(answer(text("Hi"), usage=Usage(raw={"prompt_tokens": 7})), ASKED)))
    assert (last["choices"], last["usage"]) == ([], {"prompt_tokens": 7})
    assert all(payload["usage"] is None for payload in chunks)


def test_citations_of_this_api_are_told() -> None:
    cited = {"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": 0, "end_index": 1}}
    given_answer = answer(Text(Growing("Hi"), [cited, {"type": "char_location"}]))
    for body in (b"".join(WRITER.stream(given_answer, {})), WRITER.document(given_answer, {})):
        kind = "application/json" if body.startswith(b"{") else "text/event-stream"
        assert answer_of(read(DIALECT, [body], kind)).parts == [Text(Growing("Hi"), [cited])]


def test_what_an_answer_cannot_have_is_refused() -> None:
    for wrong in (Media("image"), ToolCall("a", "web_search", kind="server_tool_use")):
        with pytest.raises(ValueError, match="answer"):
            WRITER.stream(answer(wrong), {})
        with pytest.raises(ValueError, match="answer"):
            WRITER.document(answer(wrong), {})


@settings(max_examples=150, deadline=None)
@given(MESSAGES, st.booleans())
def test_what_is_written_is_read_again(parts: list[Part], sealed: bool) -> None:
    if sealed:
        parts = [Reasoning(Growing("Hm"), "sig", "locked"), *(one for one in parts if not isinstance(one, Reasoning))]
    given_answer = answer(*parts, id="x", model="m")
    events = b"".join(WRITER.stream(given_answer, {}))
    document = WRITER.document(given_answer, {})
    for again in (read(DIALECT, [events]), read(DIALECT, [document], "application/json")):
        message = answer_of(again)
        assert said(message.parts) == said(parts)
        assert [one for one in message.parts if isinstance(one, Reasoning)] == [
            one for one in parts if isinstance(one, Reasoning)
        ]
        assert (again.answer.id, again.answer.model, again.answer.complete) == ("x", "m", True)


# Whole answers, edited


def edit(document: bytes, edits: Edits) -> Message:
    return answer_of(read(DIALECT, [WRITER.edit_document(document, edits)], "application/json"))


def test_a_document_keeps_every_other_byte() -> None:
    message = b'"message": {"content": "Hello", "x": 1.50}'
    body = b'{ "id":"c",  "choices": [ {"index":0, ' + message + b', "finish_reason": "stop"} ] }\n'
    assert WRITER.edit_document(body, Edits({0: text("Hi")})) == body.replace(b'"Hello"', b'"Hi"')
    assert WRITER.edit_document(body, Edits(finish_reason="length")) == body.replace(b'"stop"', b'"length"')


def test_calls_of_a_document() -> None:
    calls = [part(None, identity, "Read", "{}") for identity in "abc"]
    body = whole({"content": None, "tool_calls": calls}, finish="tool_calls")
    message = edit(body, Edits({1: None, 2: call("Edit", '{"x": 1}', "c")}, added=[text("And"), call(identity="")]))
    reasoning, words, refusal, made = said(message.parts)
    assert (reasoning, words, refusal) == ("", "And", "")
    assert [one[1] for one in made] == ["Read", "Edit", "Bash"]
    assert made[1][0] == "c"
    assert made[2][0].startswith("call_")
    assert message.finish_reason == "tool_calls"
    assert edit(body, Edits(dict.fromkeys(range(3)))).finish_reason == "stop"
    assert said(edit(body, Edits(added=[text("Stop.")], final=True)).parts) == ("", "Stop.", "", [])


def test_thoughts_of_a_document_and_their_seals() -> None:
    entry = {"type": "reasoning.text", "text": "Hm", "signature": "sig", "format": "x", "index": 0}
    body = whole({"content": "So", "reasoning": "Hm", "reasoning_details": [entry]})
    changed = orjson.loads(WRITER.edit_document(body, Edits({0: Reasoning(Growing("Aha"), "sig")})))
    assert changed["choices"][0]["message"]["reasoning_details"] == [{**entry, "text": "Aha"}]
    unsealed = orjson.loads(WRITER.edit_document(body, Edits({0: Reasoning(Growing("Aha"))})))
    assert unsealed["choices"][0]["message"]["reasoning_details"][0].get("signature") is None
    assert edit(body, Edits({0: Reasoning(Growing("Aha"), "own", "locked")})).parts[0] == Reasoning(
        Growing("Aha"), "own", "locked"
    )


def test_what_does_not_fit_a_document_is_refused() -> None:
    for body, edits in (
        (whole({"content": "Hello"}), Edits({1: text("Hi")})),
        (whole({"content": "Hello"}), Edits({0: Media("image")})),
        (b'{"error": {"message": "no"}}', Edits({0: text("Hi")})),
        (b"[1]", Edits({0: text("Hi")})),
    ):
        with pytest.raises(ValueError, match=r"part|answer|object"):
            WRITER.edit_document(body, edits)


@pytest.mark.parametrize("recording", parameters(DOCUMENTS))
def test_of_a_recorded_document_only_the_edited_part_differs(recording: Recorded) -> None:
    before = read(DIALECT, [recording.response], "application/json").answer.message
    for index, old in enumerate(before.parts if before else []):
        if isinstance(old, ToolCall) and not old.server_side:
            new: Part = call("Other", '{"edited": true}', old.id)
        elif isinstance(old, Text | Reasoning | Refusal):
            new = type(old)(Growing("Something else"))
        else:
            continue
        assert before is not None
        edits = Edits({index: new})
        after = read(DIALECT, [WRITER.edit_document(recording.response, edits)], "application/json").answer.message
        assert after is not None
        assert said(after.parts) == said([new if n == index else one for n, one in enumerate(before.parts)])
        assert after.finish_reason == before.finish_reason
    assert WRITER.edit_document(recording.response, Edits()) == recording.response if before else True


# Requests


def test_sections() -> None:
    body = {
        "model": "m",
        "messages": [
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "tool_calls": []},
            {"role": "tool", "content": "x"},
        ],
        "tools": [{"type": "function", "function": {"name": "Bash"}}, {"type": "web_search"}],
        "functions": [{"name": "old"}],
        "temperature": 1,
    }
    told = [(section.kind, section.label, section.path) for section in WRITER.sections(body)]
    assert told == [
        ("setting", "model", ("model",)),
        ("system", "developer", ("messages", 0)),
        ("message", "user", ("messages", 1)),
        ("message", "assistant", ("messages", 2)),
        ("message", "tool result", ("messages", 3)),
        ("tool", "Bash", ("tools", 0)),
        ("tool", "web_search", ("tools", 1)),
        ("tool", "old", ("functions", 0)),
        ("setting", "temperature", ("temperature",)),
    ]


def from_anthropic(**body: object) -> tuple[Json, list[str]]:
    request = Request("POST", "https://api.anthropic.com/v1/messages", Headers())
    return WRITER.write_prompt(Anthropic().prompt(request, orjson.dumps({"model": "m", "messages": [], **body})))


def from_responses(**body: object) -> tuple[Json, list[str]]:
    request = Request("POST", "https://api.openai.com/v1/responses", Headers())
    return WRITER.write_prompt(OpenAIResponses().prompt(request, orjson.dumps({"model": "m", "input": [], **body})))


def test_a_prompt_of_anthropic() -> None:
    image = {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}}
    body, lost = from_anthropic(
        stream=True,
        max_tokens=100,
        stop_sequences=["END"],
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
        thinking={"type": "enabled", "budget_tokens": 2048},
        metadata={"user_id": "u"},
        system="Be kind.",
        tools=[
            {"name": "Bash", "description": "Runs", "input_schema": {"type": "object"}},
            {"type": "web_search_20250305", "name": "web_search"},
        ],
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "See"}, image]},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Hm", "signature": "s"},
                    {"type": "redacted_thinking", "data": "x"},
                    {"type": "text", "text": "Look", "citations": [{"type": "char_location"}]},
                    {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"a": 1}},
                    {"type": "tool_use", "id": "t2", "name": "Bash", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "t1", "content": "ok"},
                    {"type": "tool_result", "tool_use_id": "t2", "content": "bad", "is_error": True},
                    {"type": "text", "text": "Go on"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                ],
            },
        ],
    )
    assert body == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be kind."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "See"},
                    {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
                ],
            },
            {
                "role": "assistant",
                "content": "Look",
                "tool_calls": [
                    {"id": "t1", "type": "function", "function": {"name": "Bash", "arguments": '{"a":1}'}},
                    {"id": "t2", "type": "function", "function": {"name": "Bash", "arguments": "{}"}},
                ],
            },
            {"role": "tool", "tool_call_id": "t1", "content": "ok"},
            {"role": "tool", "tool_call_id": "t2", "content": "bad"},
            {"role": "user", "content": "Go on"},
        ],
        "tools": [
            {
                "type": "function",
                "function": {"name": "Bash", "description": "Runs", "parameters": {"type": "object"}},
            }
        ],
        "max_completion_tokens": 100,
        "stop": ["END"],
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "user": "u",
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert lost == [
        "thoughts of an earlier answer",
        "sealed thoughts of an earlier answer",
        "citations of an earlier answer",
        "the mark that a tool failed: only its words tell it now",
        "image of 3 bytes: only its size is known here",
        "the provider's own tool web_search",
        "the thinking budget of 2048 tokens",
    ]


def test_a_prompt_of_responses() -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": "d"}
    body, lost = from_responses(
        instructions="Be kind.",
        max_output_tokens=5,
        reasoning={"effort": "low", "summary": "auto"},
        text={"format": {"type": "json_schema", "name": "n", "schema": {}, "strict": True}, "verbosity": "low"},
        tool_choice={"type": "function", "name": "f"},
        previous_response_id="resp_1",
        tools=[
            {"type": "function", "name": "f", "parameters": {}},
            {"type": "custom", "name": "c", "format": grammar},
            {"type": "file_search", "vector_store_ids": ["v"]},
        ],
        input=[
            {"role": "user", "content": "Hi"},
            {"type": "custom_tool_call", "call_id": "c1", "name": "c", "input": "raw"},
            {"type": "custom_tool_call_output", "call_id": "c1", "output": "done"},
        ],
    )
    assert body["messages"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hi"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "custom", "custom": {"name": "c", "input": "raw"}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "done"},
    ]
    inner = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "d"}}
    assert body["tools"][1] == {"type": "custom", "custom": {"name": "c", "format": inner}}
    assert {name: body[name] for name in body if name not in ("model", "messages", "tools")} == {
        "max_completion_tokens": 5,
        "reasoning_effort": "low",
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": True}},
        "verbosity": "low",
        "tool_choice": {"type": "function", "function": {"name": "f"}},
    }
    assert lost[:2] == ["the provider's own tool file_search", "summary: auto"]
    assert lost[2].startswith("previous_response_id")


@pytest.mark.parametrize(
    ("given_choice", "written"),
    [
        ("required", "required"),
        ({"type": "auto"}, "auto"),
        ({"type": "none"}, "none"),
        ({"type": "tool", "name": "f"}, {"type": "function", "function": {"name": "f"}}),
        ({"type": "custom", "name": "f"}, {"type": "custom", "custom": {"name": "f"}}),
        ({"type": "function", "function": {"name": "f"}}, {"type": "function", "function": {"name": "f"}}),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]},
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}]},
            },
        ),
    ],
)
def test_tool_choice(given_choice: object, written: object) -> None:
    body, lost = WRITER.write_prompt(Prompt("m", parameters={"tool_choice": given_choice}))
    assert (body["tool_choice"], lost) == (written, [])


@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ({"tool_choice": {"type": "file_search"}}, "tool_choice"),
        ({"cache_control": {"type": "ephemeral"}}, "cache_control"),
        ({"top_k": 5}, "top_k: 5"),
        ({"thinking": {"type": "adaptive"}}, "thinking"),
        ({"include": ["reasoning.encrypted_content"]}, "include"),
        ({"truncation": "auto" * 50}, "…"),
    ],
)
def test_parameters_without_a_word_here_are_told(parameters: Json, word: str) -> None:
    body, (lost,) = WRITER.write_prompt(Prompt("m", parameters=parameters))
    assert body == {"model": "m", "messages": []}
    assert word in lost


@pytest.mark.parametrize(
    ("parameters", "written"),
    [
        ({"top_logprobs": 3}, {"logprobs": True, "top_logprobs": 3}),
        ({"service_tier": "standard_only"}, {"service_tier": "default"}),
        ({"metadata": {"a": "b"}}, {"metadata": {"a": "b"}}),
        ({"thinking": {"type": "disabled"}, "temperature": None}, {}),
        ({"text": {"format": {"type": "text"}}}, {}),
        ({"output_config": {"effort": "high"}}, {"reasoning_effort": "high"}),
        (
            {"output_config": {"format": {"type": "json_schema", "schema": {}}}},
            {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": {}}}},
        ),
        ({"include": ["message.output_text.logprobs"]}, {"logprobs": True}),
    ],
)
def test_parameters_by_other_names(parameters: Json, written: Json) -> None:
    assert WRITER.write_prompt(Prompt("m", parameters=parameters)) == ({"model": "m", "messages": [], **written}, [])


def test_a_pictures_result_follows_its_words() -> None:
    picture = Media("image", uri="https://x/y.png")
    messages = [
        Message("assistant", [ToolCall("s", "web_search", kind="server_tool_use"), ToolResult("s", "found")]),
        Message("tool", [ToolResult("t", "seen"), picture]),
        Message("user", [Media("file", uri="file-1")], name="ann"),
    ]
    body, lost = WRITER.write_prompt(Prompt("m", messages, [Tool("t")]))
    assert body["messages"] == [
        {"role": "tool", "tool_call_id": "t", "content": "seen"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]},
        {"role": "user", "name": "ann", "content": ""},
    ]
    assert body["tools"] == [{"type": "function", "function": {"name": "t"}}]
    assert len(lost) == 3


@settings(max_examples=100, deadline=None)
@given(st.lists(MESSAGES, max_size=3))
def test_a_prompt_is_read_again_as_it_was(turns: Sequence[list[Part]]) -> None:
    messages = [Message("assistant", [one for one in parts if not isinstance(one, Reasoning)]) for parts in turns]
    body, lost = WRITER.write_prompt(Prompt("m", messages))
    again = DIALECT.prompt(Request("POST", "http://x" + WRITER.path("m"), Headers()), json.dumps(body).encode())
    assert [said(message.parts) for message in again.messages] == [said(one.parts) for one in messages if one.parts]
    assert lost == []
    assert DIALECT.matches(Request("POST", "http://x" + WRITER.path("m"), Headers()))
