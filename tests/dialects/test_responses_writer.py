"""Answers of our own making in the Responses API: OpenAI's SDK and our reader get exactly what was meant."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from inspector.model.edits import Edits
from inspector.model.message import (
    Answer,
    Growing,
    Media,
    Message,
    Part,
    Prompt,
    Reasoning,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
)
from tests.dialects.recorded import Recorded, answer_of, parameters, payloads, read, recorded
from tests.dialects.responses_answers import (
    ASKED,
    DIALECT,
    WRITER,
    Loopback,
    Way,
    check_grammar,
    document_parts,
    loopback,
    outputs,
    parts,
    plain,
    read_parts,
    sdk_parts,
    unique,
    upstream,
)

Json = dict[str, Any]

DOCUMENTS = [
    recording
    for recording in recorded("openai-responses")
    if not recording.stream and recording.row["status"] == 200 and b"chat.completion" not in recording.response
]


@pytest.fixture(scope="module")
def provider() -> Iterator[Loopback]:
    with loopback() as served:
        yield served


def answer(*given: Part, finish_reason: str | None = None, **fields: Any) -> Answer:
    return Answer(choices=[Message("assistant", list(given), finish_reason)], **fields)


@given(st.lists(parts, max_size=5))
@settings(max_examples=12, deadline=None)
def test_openais_sdk_reads_an_answer_of_ours_streamed_and_whole(provider: Loopback, given: list[Part]) -> None:
    assume(unique(given))
    raw = b"".join(WRITER.stream(answer(*given), ASKED))
    assert plain(read_parts(raw)) == plain(given)
    last = check_grammar(raw)
    assert plain(document_parts(last)) == plain(given)
    for response in provider.responses(raw):
        assert sdk_parts(response) == plain(given)
    client = provider.serve(WRITER.document(answer(*given), ASKED), "application/json")
    whole = client.responses.create(model="m", input="x")
    assert sdk_parts(whole) == plain(given)
    assert (whole.status, whole.model, whole.temperature, whole.instructions) == (
        "completed",
        "gpt-x",
        0.5,
        "Be brief.",
    )


def test_every_field_that_the_sdk_requires_is_there_and_right() -> None:
    from openai.types.responses import Response, ResponseStreamEvent
    from pydantic import TypeAdapter

    said = answer(
        Reasoning(Growing("hm"), encrypted="seal"),
        Text(Growing("Hi"), [{"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 1}]),
        ToolCall("call_1", "Bash", Growing("{}")),
        ToolCall("call_2", "sql", Growing("select"), "custom"),
    )
    adapter: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
    for event in payloads(b"".join(WRITER.stream(said, ASKED))):
        adapter.validate_python(event)
    Response.model_validate_json(WRITER.document(said, ASKED))


def test_what_the_request_says_is_repeated_and_the_rest_is_as_by_default() -> None:
    asked = {**ASKED, "tools": [{"type": "function", "name": "f"}], "tool_choice": "required", "metadata": None}
    told = json.loads(WRITER.document(answer(Text(Growing("x"))), asked))
    assert (told["tools"], told["tool_choice"], told["metadata"]) == (asked["tools"], "required", {})
    assert (told["parallel_tool_calls"], told["top_p"], told["object"]) == (True, 1.0, "response")
    assert "input" not in told and "stream" not in told


def test_usage_is_told_in_this_apis_names() -> None:
    usage = Usage(10, 5, cache_read_input_tokens=4, reasoning_output_tokens=2)
    transcript = read(DIALECT, WRITER.stream(answer(Text(Growing("x")), usage=usage), ASKED))
    assert transcript.answer.usage is not None
    ours = transcript.answer.usage
    assert (ours.input_tokens, ours.output_tokens, ours.raw["total_tokens"]) == (10, 5, 15)
    assert (ours.cache_read_input_tokens, ours.reasoning_output_tokens) == (4, 2)
    again = json.loads(WRITER.document(answer(usage=ours), ASKED))
    assert again["usage"] == ours.raw


@pytest.mark.parametrize(
    ("reason", "kind", "status"),
    [
        (None, "response.completed", "completed"),
        ("max_output_tokens", "response.incomplete", "incomplete"),
        ("incomplete", "response.incomplete", "incomplete"),
        ("failed", "response.failed", "failed"),
    ],
)
def test_how_it_ends(reason: str | None, kind: str, status: str) -> None:
    raw = WRITER.stream(answer(Text(Growing("cut")), finish_reason=reason), ASKED)
    last = payloads(b"".join(raw))[-1]
    assert (last["type"], last["response"]["status"]) == (kind, status)
    assert answer_of(read(DIALECT, raw)).finish_reason == (reason or "completed")


def test_an_error_in_the_answer_fails_the_response() -> None:
    raw = WRITER.stream(answer(error="rate_limit_exceeded: Slow down"), ASKED)
    assert read(DIALECT, raw).answer.error == "rate_limit_exceeded: Slow down"


@pytest.mark.parametrize("part", [ToolResult("c", "x"), Media("image"), ToolCall("c", kind="web_search_call")])
def test_what_only_the_provider_can_write_is_refused(part: Part) -> None:
    with pytest.raises(ValueError, match="cannot be written into an answer"):
        WRITER.stream(answer(part), ASKED)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (404, openai.NotFoundError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (529, openai.InternalServerError),
    ],
)
def test_the_sdk_raises_its_own_error_with_our_words(
    provider: Loopback, status: int, error: type[openai.APIStatusError]
) -> None:
    body = WRITER.error(status, "Not today")
    client = provider.serve(body, "application/json", status)
    with pytest.raises(error, match="Not today") as raised:
        client.responses.create(model="m", input="x")
    assert raised.value.status_code == status
    assert (read(DIALECT, [body], "application/json").answer.error or "").endswith(": Not today")


def test_keep_alives_disturb_no_client(provider: Loopback) -> None:
    raw = WRITER.keep_alive + WRITER.keep_alive.join(WRITER.stream(answer(Text(Growing("Hello there"))), ASKED))
    assert [sdk_parts(response) for response in provider.responses(raw)] == [[("Text", "Hello there")]] * 2
    assert plain(read_parts(raw)) == [("Text", "Hello there")]


@given(
    outputs,
    st.dictionaries(st.integers(0, 5), st.none() | parts, max_size=3),
    st.lists(parts, max_size=2),
    st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_a_whole_answer_is_changed_as_a_stream_of_it_would_be(
    output: list[Json], replaced: dict[int, Part | None], added: list[Part], final: bool
) -> None:
    response = upstream(output)[-1]["response"]
    whole = document_parts(response)
    edits = Edits({index: plan for index, plan in replaced.items() if index < len(whole)}, added, final=final)
    edited = json.loads(WRITER.edit_document(json.dumps(response, indent=2).encode(), edits))
    rewriter = WRITER.rewriter([])
    rewriter.edit(edits)
    assert plain(document_parts(edited)) == plain(read_parts(_streamed(output, edits)))
    assert {**edited, "output": None} == {**response, "output": None}


def _streamed(output: list[Json], edits: Edits) -> bytes:
    way = Way(upstream(output), 0)
    way.rewriter.edit(edits)
    way.go()
    return way.end()


@pytest.mark.parametrize("recording", parameters(DOCUMENTS))
def test_a_recorded_answer_keeps_all_other_bytes(recording: Recorded) -> None:
    assert WRITER.edit_document(recording.response, Edits()) == recording.response
    model = answer_of(read(DIALECT, [recording.response], "application/json")).parts
    edited = WRITER.edit_document(recording.response, Edits({len(model) - 1: Text(Growing("Mine."))}))
    parts = answer_of(read(DIALECT, [edited], "application/json")).parts
    assert plain(parts) == plain([*model[:-1], Text(Growing("Mine."))])
    start = recording.response.index(b'"output"')
    assert edited[:start] == recording.response[:start] and edited[-40:] == recording.response[-40:]


def test_edits_that_do_not_fit_a_document_are_refused() -> None:
    body = WRITER.document(answer(Text(Growing("x"))), ASKED)
    for wrong, words in (
        (Edits({1: None}), "there is no part 2"),
        (Edits(added=[Media("image")]), "cannot be written"),
    ):
        with pytest.raises(ValueError, match=words):
            WRITER.edit_document(body, wrong)
    with pytest.raises(ValueError, match="no response"):
        WRITER.edit_document(b'{"error": "x"}', Edits())
    ended = WRITER.edit_document(body, Edits(finish_reason="max_output_tokens"))
    assert answer_of(read(DIALECT, [ended], "application/json")).finish_reason == "max_output_tokens"


def test_the_sections_of_a_request() -> None:
    body: Json = {
        "model": "m",
        "instructions": "Be brief.",
        "input": [
            {"role": "developer", "content": "d"},
            {"type": "message", "role": "user", "content": []},
            {"type": "reasoning", "summary": []},
            {"type": "function_call", "call_id": "c", "name": "Bash", "arguments": ""},
            {"type": "function_call_output", "call_id": "c", "output": ""},
            "odd",
        ],
        "tools": [{"type": "function", "name": "Bash"}, {"type": "web_search"}, {"type": "mcp", "server_label": "git"}],
        "temperature": 1,
    }
    assert [(one.kind, one.label, one.path) for one in WRITER.sections(body)] == [
        ("system", "instructions", ("instructions",)),
        ("system", "developer", ("input", 0)),
        ("message", "user", ("input", 1)),
        ("message", "reasoning", ("input", 2)),
        ("message", "call Bash", ("input", 3)),
        ("message", "tool result", ("input", 4)),
        ("message", "user", ("input", 5)),
        ("tool", "Bash", ("tools", 0)),
        ("tool", "web_search", ("tools", 1)),
        ("tool", "git", ("tools", 2)),
        ("setting", "model", ("model",)),
        ("setting", "temperature", ("temperature",)),
    ]
    assert [one.path for one in WRITER.sections({"input": "Hi"})] == [("input",)]


SETTINGS: list[tuple[Json, Json, list[str]]] = [
    ({"max_tokens": 9}, {"max_output_tokens": 9}, []),
    ({"max_completion_tokens": 9, "temperature": 0.5, "n": 1}, {"max_output_tokens": 9, "temperature": 0.5}, []),
    ({"tool_choice": {"type": "any"}}, {"tool_choice": "required"}, []),
    ({"tool_choice": "required"}, {"tool_choice": "required"}, []),
    (
        {"tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True}},
        {"tool_choice": {"type": "function", "name": "f"}, "parallel_tool_calls": False},
        [],
    ),
    (
        {"tool_choice": {"type": "custom", "custom": {"name": "f"}}},
        {"tool_choice": {"type": "custom", "name": "f"}},
        [],
    ),
    ({"reasoning_effort": "low"}, {"reasoning": {"effort": "low"}}, []),
    (
        {"thinking": {"type": "enabled", "budget_tokens": 5000}},
        {"reasoning": {"effort": "medium"}},
        ["how many tokens the model may think: an effort stands for them"],
    ),
    ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, {"reasoning": {"effort": "xhigh"}}, []),
    (
        {
            "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}},
            "verbosity": "low",
        },
        {"text": {"format": {"type": "json_schema", "name": "a", "schema": {}}, "verbosity": "low"}},
        [],
    ),
    (
        {"output_format": {"type": "json_schema", "schema": {}}},
        {"text": {"format": {"type": "json_schema", "name": "answer", "schema": {}, "strict": True}}},
        [],
    ),
    ({"logprobs": True, "top_logprobs": 3}, {"include": ["message.output_text.logprobs"], "top_logprobs": 3}, []),
    ({"metadata": {"a": "b"}, "service_tier": "flex"}, {"metadata": {"a": "b"}, "service_tier": "flex"}, []),
    (
        {"metadata": {"user_id": "u"}, "service_tier": "standard_only", "n": 2, "stop": ["x"], "seed": 1, "top_k": 4},
        {},
        [f"the setting {name}" for name in ("metadata", "service_tier", "n", "stop", "seed", "top_k")],
    ),
    ({"stream_options": {"include_usage": True}, "user": None}, {}, []),
]


@pytest.mark.parametrize(("given", "said", "lost"), SETTINGS)
def test_settings_by_their_names_here(given: Json, said: Json, lost: list[str]) -> None:
    body, unsaid = WRITER.write_prompt(Prompt("m", parameters=given))
    assert (body, unsaid) == ({"model": "m", "input": [], **said}, lost)


def test_what_a_prompt_loses_is_said_in_words() -> None:
    prompt = Prompt(
        "m",
        [
            Message("user", [Media("image", "image/png", size=12), Media("image", uri="https://i")], name="Ann"),
            Message("assistant", [Reasoning(Growing("hm")), ToolCall("s", "web_search", kind="server_tool_use")]),
            Message("tool", [ToolResult("c", "No", is_error=True)]),
        ],
        [
            Tool("web_search", kind="web_search_20250305"),
            Tool("f", "d", {"type": "object"}),
            Tool("sql", kind="custom"),
        ],
    )
    body, lost = WRITER.write_prompt(prompt)
    assert lost == [
        "the name “Ann” of who speaks",
        "a piece of media (image/png of 12 bytes)",
        "the model's earlier thoughts, which only their own provider takes back",
        "the call of web_search, a tool that the provider ran itself",
        "that a tool failed, which only its words tell now",
        "the tool web_search, which its provider runs itself",
    ]
    assert body["input"] == [
        {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_image", "detail": "auto", "image_url": "https://i"}],
        },
        {"type": "function_call_output", "call_id": "c", "output": "No"},
    ]
    schema = {"type": "object"}
    assert body["tools"] == [
        {"type": "function", "name": "f", "description": "d", "parameters": schema, "strict": False},
        {"type": "custom", "name": "sql"},
    ]
    assert WRITER.path("m") == "/v1/responses"
