"""Completions: which requests are of it, what they ask, and what its answers say, server by server."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects import detect
from inspector.model.flow import Request
from inspector.model.headers import Headers
from inspector.model.message import Growing, Message, Other, Prompt, Reasoning, Text
from tests.dialects.completions_streams import DIALECT, HEAD, NATIVE_END, by_sdk, chunk, native, parallel, stream
from tests.dialects.recorded import Recorded, answer_of, events_of, parameters, pieces, read, recorded

Json = dict[str, Any]

RECORDED = [each for each in recorded("openai-completions") if "agents" not in each.row["url"]]


def request(url: str, method: str = "POST") -> Request:
    return Request(method, url, Headers())


def asked(**body: object) -> Prompt:
    return DIALECT.prompt(request("http://h/v1/completions"), json.dumps(body).encode())


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://api.openai.com/v1/completions", "openai-completions"),
        ("https://h/v1/completions/?api-version=1", "openai-completions"),
        ("https://h//v1//completions", "openai-completions"),
        ("https://h/openai/deployments/d/completions?api-version=1", "openai-completions"),
        ("https://h/v1/engines/davinci/completions", "openai-completions"),
        ("http://127.0.0.1:8080/completion", "openai-completions"),
        ("http://completions/v1/x", "raw"),
        ("https://h/v1/completions/x", "raw"),
        ("https://h/v1/x?y=/completions", "raw"),
        ("https://h/v1/xcompletions", "raw"),
        ("https://h/v1/prompts/p-1/completions", "raw"),
        ("https://h/v1/organization/usage/completions", "raw"),
        ("https://h/v1/chat/completions", "openai-chat"),
        ("https://h/v1/fim/completions", "openai-chat"),
        ("https://h/v1//agents//completions", "openai-chat"),
    ],
)
def test_the_path_tells(url: str, name: str) -> None:
    assert detect(request(url)).name == name
    assert not DIALECT.matches(request(url, "GET"))


def test_a_prompt() -> None:
    assert asked(model="m", prompt="Once", stream=True, max_tokens=9, suffix="end") == Prompt(
        "m", [Message("user", [Text(Growing("Once"))])], stream=True, parameters={"max_tokens": 9, "suffix": "end"}
    )


def test_several_prompts_and_numbers_of_tokens() -> None:
    a, b = Text(Growing("a")), Text(Growing("b"))
    several: dict[str, tuple[object, list[list[Any]]]] = {
        "texts": (["a", "b"], [[a], [b]]),
        "numbers": ([1, 2], [[Other("token_ids", [1, 2])]]),
        "lists of numbers": ([[1, 2], [3]], [[Other("token_ids", [1, 2])], [Other("token_ids", [3])]]),
        "both in turn": ([1, "a", "b", 2], [[Other("token_ids", [1]), a, b, Other("token_ids", [2])]]),
        "with a picture": ({"prompt_string": "x"}, [[Other("prompt", {"prompt_string": "x"})]]),
        "none": (None, []),
        "empty": ([], []),
    }
    for name, (prompt, expected) in several.items():
        assert [message.parts for message in asked(prompt=prompt).messages] == expected, name


def test_what_is_no_such_request() -> None:
    with pytest.raises(ValueError, match="has a prompt"):
        asked(model="m")
    assert asked(prompt_embeds="x").messages == []
    assert asked(messages=[{"role": "user", "content": "hi"}]).messages == [Message("user", [Text(Growing("hi"))])]


def test_a_stream() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    body = stream(chunk("Hel"), chunk("lo"), chunk("", "stop"), {**HEAD, "choices": [], "usage": usage})
    transcript = read(DIALECT, [body])
    answer = transcript.answer
    assert (answer.id, answer.model, answer.complete, answer.error, transcript.notes) == ("cmpl-1", "m", True, None, [])
    assert answer_of(transcript) == Message("assistant", [Text(Growing("Hello"))], "stop")
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (3, 2)


def test_choices_are_kept_apart() -> None:
    body = stream(*(chunk(words, index=index) for index, words in ((1, "b"), (0, "a"), (2, "x"), (1, "d"), (0, "c"))))
    assert [choice.text() for choice in read(DIALECT, [body]).answer.choices] == ["ac", "bd", "x"]


def test_a_document() -> None:
    body = {**chunk("Hello", "length"), "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}
    transcript = read(DIALECT, [json.dumps(body).encode()], "application/json")
    assert answer_of(transcript) == Message("assistant", [Text(Growing("Hello"))], "length")
    assert transcript.answer.complete


def test_the_end_without_done_and_the_end_that_is_missing() -> None:
    assert read(DIALECT, [stream(chunk("a"), chunk("", "stop"), done=False)]).answer.complete
    assert not read(DIALECT, [stream(chunk("a"), chunk("", ""), done=False)]).answer.complete


@pytest.mark.parametrize(
    "fields",
    [
        {"delta": {"role": "assistant", "content": "Hi", "token_id": 1}},
        {"delta": {}},
        {"delta": None, "message": None},
        {"seed": 1, "stop_reason": None, "token_ids": [1]},
    ],
)
def test_what_stands_beside_the_text_says_nothing_more(fields: Json) -> None:
    assert answer_of(read(DIALECT, [stream(chunk("Hi", **fields))])).parts == [Text(Growing("Hi"))]


def test_thoughts_beside_the_text() -> None:
    message = answer_of(read(DIALECT, [stream(chunk("", reasoning="so"), chunk("x", reasoning=None), chunk("y"))]))
    assert message.parts == [Reasoning(Growing("so")), Text(Growing("xy"))]


def test_an_answer_in_the_shape_of_chat() -> None:
    body = stream({"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]})
    assert answer_of(read(DIALECT, [body])) == Message("assistant", [Text(Growing("Hi"))], "stop")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"error": {"message": "no", "type": "invalid_request_error"}}, "invalid_request_error: no"),
        ({"object": "error", "message": "no", "type": "BadRequestError", "code": 400}, "BadRequestError: no"),
        ({"detail": "Not Found"}, "Not Found"),
    ],
)
def test_errors(body: Json, error: str) -> None:
    assert read(DIALECT, [json.dumps(body).encode()], "application/json").answer.error == error
    assert read(DIALECT, [stream(chunk("a"), body, done=False)]).answer.error == error


def test_llama_cpps_own_api() -> None:
    body = stream(native("Hel"), native("lo"), NATIVE_END, done=False)
    transcript = read(DIALECT, [body])
    answer = transcript.answer
    assert (answer.complete, answer.model, transcript.notes) == (True, "q", [])
    assert answer_of(transcript) == Message("assistant", [Text(Growing("Hello"))], "eos")
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (4, 2)
    assert any(mark in body.replace(b": ", b":") for mark in DIALECT.terminal)
    assert not read(DIALECT, [stream(native("Hel"), done=False)]).answer.complete


def test_llama_cpp_answers_several_prompts_with_a_list() -> None:
    whole = [{"content": "a", "stop": True, "stopped_limit": True}, {"content": "b", "stop": True, "stop_type": "word"}]
    for count in (1, 2):
        answer = read(DIALECT, [json.dumps(whole[:count]).encode()], "application/json").answer
        assert [(choice.text(), choice.finish_reason) for choice in answer.choices] == [("a", "limit"), ("b", "word")][
            :count
        ]


def test_certainty_is_that_of_the_answer_alone() -> None:
    echoed = parallel(("Once", None), (" upon", -8.0), (" a", -0.5))
    body = {**chunk("Once upon a", "stop", logprobs=echoed), "usage": {"prompt_tokens": 2, "completion_tokens": 1}}
    certainty = read(DIALECT, [json.dumps(body).encode()], "application/json").answer.certainty
    assert (certainty.tokens, certainty.logprob_sum) == (1, -0.5)
    split = stream(chunk("a", logprobs=parallel(("a", -1.0))), chunk("b", logprobs=parallel(("b", None), ("c", -2.0))))
    assert read(DIALECT, [split]).answer.certainty.logprob_sum == -3.0


@pytest.mark.parametrize("recording", parameters(RECORDED))
def test_recorded(recording: Recorded) -> None:
    whole = read(DIALECT, [recording.response], recording.content_type)
    assert whole.notes == [] and whole.answer.complete
    if recording.stream:
        words, finish = by_sdk(recording.response)
        assert (whole.answer.choices[0].text(), whole.answer.choices[0].finish_reason) == (words, finish)
    assert (whole.answer.error is None) == (recording.row["status"] == 200)
    if recording.request:
        assert DIALECT.prompt(recording.asked, recording.request).messages


@settings(max_examples=40)
@given(st.data())
def test_splits_change_nothing(data: st.DataObject) -> None:
    events = [chunk("é👍", index=1), chunk("a\u2028b", logprobs=parallel(("a\u2028b", -1.0))), chunk("", "stop")]
    body = stream(*events, native("x"), NATIVE_END)
    cuts = data.draw(st.lists(st.integers(0, len(body)), max_size=8))
    assert read(DIALECT, pieces(body, cuts)) == read(DIALECT, [body])


@settings(max_examples=80)
@given(
    st.lists(events_of("text_completion", keys="choices text index logprobs finish_reason content stop tokens usage"))
)
def test_odd_events_raise_nothing_but_value_errors(given_events: list[Json]) -> None:
    read(DIALECT, [stream(*given_events, chunk("a"), {"choices": given_events}, native("x", stop=1, index="z"))])
