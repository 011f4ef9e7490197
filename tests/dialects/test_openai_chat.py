"""Chat Completions: which requests are meant, and every recording against an oracle and against OpenAI's SDK."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState

from inspector.dialects import by_name, detect
from inspector.model.flow import Request
from inspector.model.headers import Headers
from inspector.model.message import (
    Media,
    Message,
    Reasoning,
    Refusal,
    Text,
    ToolResult,
)
from tests.dialects.chat_streams import DIALECT, chunk, part, stream
from tests.dialects.recorded import Recorded, answer_of, parameters, payloads, pieces, read, recorded

Json = dict[str, Any]

ALL = recorded("openai-chat")
STREAMS = [recording for recording in ALL if recording.stream]


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1/chat/completions",
        "https://x.openai.azure.com/openai/deployments/d/chat/completions?api-version=1",
        "http://127.0.0.1:8000//v1//chat/completions/",
        "https://api.mistral.ai/v1/fim/completions",
        "https://api.mistral.ai/v1/agents/completions#stream",
        "https://api.perplexity.ai/chat/completions",
    ],
)
def test_it_goes_by_the_end_of_the_path(url: str) -> None:
    assert detect(Request("POST", url, Headers())).name == "openai-chat"


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", "https://api.openai.com/v1/chat/completions"),
        ("POST", "https://api.openai.com/v1/completions"),
        ("POST", "https://api.openai.com/v1/chat/completions/abc"),
        ("POST", "https://x/v1/embeddings?next=/chat/completions"),
        ("POST", "https://x/v1/prompts/p/completions"),
    ],
)
def test_other_requests_are_not_meant(method: str, url: str) -> None:
    assert detect(Request(method, url, Headers())).name != "openai-chat"


def test_dialects_are_found_by_name() -> None:
    assert by_name("openai-chat").name == "openai-chat"
    assert by_name("of-tomorrow").name == "raw"


def _bodies(recording: Recorded) -> list[Json]:
    """The JSON objects of a response, found without the program's framing."""
    if recording.stream:
        return payloads(recording.response)
    body = json.loads(recording.response)
    while "choices" not in body and "data" in body:
        body = body["data"]
    return [body]


def _oracle(bodies: list[Json]) -> dict[int, Json]:
    """Text, thoughts, refusal, calls and finish reason of each choice, put together in the plainest way."""
    choices: dict[int, Json] = {}
    for choice in (choice for body in bodies for choice in body.get("choices") or []):
        delta = choice["delta"] if "delta" in choice else choice["message"]
        found = choices.setdefault(
            choice["index"], {"text": "", "thoughts": "", "refusal": "", "calls": {}, "finish": None}
        )
        content = delta.get("content") or ""
        items: list[Json] = [{"type": "text", "text": content}] if isinstance(content, str) else content
        found["text"] += "".join(item["text"] for item in items if item["type"] == "text")
        found["thoughts"] += "".join(piece["text"] for item in items for piece in item.get("thinking", ()))
        found["thoughts"] += delta.get("reasoning_content") or delta.get("reasoning") or ""
        found["refusal"] += delta.get("refusal") or ""
        for call in [*(delta.get("tool_calls") or []), *({"function": c} for c in [delta.get("function_call")] if c)]:
            known = found["calls"].setdefault(call.get("index", 0), ["", "", ""])
            known[0] = known[0] or call.get("id") or ""
            known[1] = known[1] or call["function"].get("name") or ""
            known[2] += call["function"].get("arguments") or ""
        found["calls"] = {index: call for index, call in found["calls"].items() if any(call)}
        found["finish"] = choice.get("finish_reason") or found["finish"]
    return choices


def _ours(message: Message) -> Json:
    def words(kind: type[Text | Reasoning | Refusal]) -> str:
        return "".join(str(part.content) for part in message.parts if isinstance(part, kind))

    calls = [call for call in message.tool_calls() if not call.server_side]
    return {
        "text": words(Text),
        "thoughts": words(Reasoning),
        "refusal": words(Refusal),
        "calls": {index: [call.id, call.name, str(call.arguments)] for index, call in enumerate(calls)},
        "finish": message.finish_reason,
    }


@pytest.mark.parametrize("recording", parameters(ALL))
def test_recorded_answers_against_an_oracle(recording: Recorded) -> None:
    transcript = read(DIALECT, [recording.response], recording.content_type)
    bodies = _bodies(recording)
    assert transcript.notes == []
    assert dict(enumerate(map(_ours, transcript.answer.choices))) == _oracle(bodies)
    errors = [body["error"]["message"] for body in bodies if body.get("error")]
    assert bool(errors) == (transcript.answer.error is not None)
    assert all(error in str(transcript.answer.error) for error in errors)
    assert transcript.answer.complete == (b"[DONE]" in recording.response or not (recording.stream and errors))


@pytest.mark.parametrize("recording", parameters(ALL))
def test_recorded_usage_against_an_oracle(recording: Recorded) -> None:
    usage = read(DIALECT, [recording.response], recording.content_type).answer.usage
    places = [place for body in _bodies(recording) for place in (body.get("x_groq") or {}, body)]
    given = [place["usage"] for place in places if place.get("usage")]
    if not given:
        assert usage is None
        return
    last = given[-1]
    assert usage is not None
    assert usage.input_tokens == last["prompt_tokens"]
    assert usage.output_tokens == last["total_tokens"] - last["prompt_tokens"]
    details = last.get("completion_tokens_details") or {}
    assert usage.reasoning_output_tokens == details.get("reasoning_tokens", last.get("reasoning_tokens"))
    assert usage.raw.items() >= {key: value for key, value in last.items() if isinstance(value, int | str)}.items()


@pytest.mark.parametrize("recording", parameters([recording for recording in ALL if recording.request]))
def test_recorded_requests_against_an_oracle(recording: Recorded) -> None:
    assert recording.request is not None
    body = json.loads(recording.request)
    assert DIALECT.matches(recording.asked)
    given = DIALECT.prompt(recording.asked, recording.request)
    assert given.model == body.get("model", "")
    assert given.stream == body.get("stream", False)
    assert [tool.name for tool in given.tools] == [
        *(tool["function"]["name"] if "function" in tool else tool["type"] for tool in body.get("tools") or []),
        *(function["name"] for function in body.get("functions", ())),
    ]
    assert len(given.messages) == len(body["messages"])
    for message, sent in zip(given.messages, body["messages"], strict=True):
        content = sent.get("content") or ""
        text = content if isinstance(content, str) else "".join(item.get("text", "") for item in content)
        results = [part for part in message.parts if isinstance(part, ToolResult)]
        assert message.text() + "".join(result.content for result in results) == text
        assert [result.id for result in results] == ([sent["tool_call_id"]] if sent["role"] == "tool" else [])
        assert len([part for part in message.parts if isinstance(part, Media)]) == sum(
            item["type"] != "text" for item in content if isinstance(item, dict)
        )
        assert [(call.id, call.name, str(call.arguments)) for call in message.tool_calls()] == [
            (call["id"], call["function"]["name"], call["function"]["arguments"])
            for call in sent.get("tool_calls") or []
        ]


SDK_DIFFERS = {
    "text-generation-inference__test_tools_llama": "joins ids that are repeated",
    "dd-trace-py__mistral__mistral_v1_chat_completions": "does not know content lists",
    "logfire__test_openai__test_openrouter_streaming_reasoning": "raises on list items without an index",
    "pydantic-ai__test_openrouter__test_openrouter_web_search": "raises on list items without an index",
    "openinference__test_instrumentor__test_synchronous_streaming": "raises on a tool call without an index",
    "llama-stack__recordings__0248ff8a1be5": "raises on a tool call that begins without a type",
    "langchain-community__cassettes__TestChatKinetica": "does not know the envelope",
}
COMPARED = [recording for recording in ALL if not recording.row["name"].startswith(tuple(SDK_DIFFERS))]


def _sdk(recording: Recorded) -> Json:
    """The completion as OpenAI's SDK accumulates or parses it."""
    headers = {"content-type": recording.content_type}
    status: int = recording.row["status"]
    transport = httpx2.MockTransport(lambda _: httpx2.Response(status, headers=headers, content=recording.response))
    arguments: Any = {"model": "m", "messages": []}
    http = httpx2.Client(transport=transport)
    with openai.OpenAI(api_key="k", base_url="http://x", http_client=http, max_retries=0) as client:
        if not recording.stream:
            completion: Json = client.chat.completions.create(**arguments).model_dump()
            return completion
        state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
        for event in client.chat.completions.create(**arguments, stream=True):
            state.handle_chunk(event)
        return state.current_completion_snapshot.model_dump(warnings=False)


def _theirs(choice: Json) -> Json:
    message = choice["message"]
    calls = [
        [call["id"], call["function"]["name"], call["function"]["arguments"]] for call in message["tool_calls"] or []
    ]
    legacy = message.get("function_call") or {}
    calls += [["", legacy["name"], legacy["arguments"]]] if legacy.get("name") else []
    return {
        "text": message["content"] or "",
        "thoughts": message.get("reasoning_content") or message.get("reasoning") or "",
        "refusal": message["refusal"] or "",
        "calls": dict(enumerate(calls)),
        "finish": choice["finish_reason"],
    }


@pytest.mark.parametrize("recording", parameters(COMPARED))
def test_recorded_answers_against_the_sdk(recording: Recorded) -> None:
    answer = read(DIALECT, [recording.response], recording.content_type).answer
    try:
        theirs = _sdk(recording)
    except openai.APIError as error:
        assert answer.error is not None
        assert str(error).removeprefix(f"Error code: {recording.row['status']} - ") in answer.error
        return
    assert answer.error is None
    assert [_ours(choice) for choice in answer.choices] == [_theirs(choice) for choice in theirs["choices"]]
    # The SDK keeps those of the first event, which are empty at Azure.
    assert theirs["id"] in ("", None, answer.id)
    assert theirs["model"] in ("", None, answer.model)
    if theirs["usage"] is not None:
        assert answer.usage is not None
        assert answer.usage.input_tokens == theirs["usage"]["prompt_tokens"]


@pytest.mark.skipif(not ALL, reason="no recorded traffic")
def test_enough_was_compared() -> None:
    assert len(ALL) > 80
    assert len(COMPARED) > 70
    assert len([recording for recording in ALL if recording.request]) > 70


HANDMADE = b": hi\r\n\r\n" + stream(
    chunk({"role": "assistant", "content": "a\u2028b\u0085\U0001f600"}),
    chunk({"reasoning": "th"}),
    chunk({"tool_calls": [part(0, "a", "f", '{"x":')]}),
    chunk({"tool_calls": [part(0, args="1}")]}, "tool_calls"),
).replace(b"\n", b"\r\n")


def test_no_split_of_a_stream_matters() -> None:
    expected = read(DIALECT, [HANDMADE])
    assert answer_of(expected).text() == "a\u2028b\u0085\U0001f600"
    for place in range(len(HANDMADE)):
        assert read(DIALECT, [HANDMADE[:place], HANDMADE[place:]]) == expected


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from([HANDMADE, *(recording.response for recording in STREAMS)]), st.lists(st.integers(0), max_size=8)
)
def test_no_split_of_a_recorded_stream_matters(body: bytes, cuts: list[int]) -> None:
    assert read(DIALECT, pieces(body, cuts)) == read(DIALECT, [body])


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([HANDMADE, *(recording.response for recording in STREAMS)]), st.integers(0))
def test_a_stream_cut_anywhere_is_read_so_far(body: bytes, place: int) -> None:
    cut = read(DIALECT, [body[: place % len(body)]])
    whole_text = [choice.text() for choice in read(DIALECT, [body]).answer.choices]
    assert len(cut.notes) <= 1
    assert all(full.startswith(choice.text()) for full, choice in zip(whole_text, cut.answer.choices, strict=False))
