"""Variants of Gemini's requests: the model stands in the URL, the conversation in `contents`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from inspector.dialects import detect
from inspector.model.flow import Flow, Reason, Request, Response, Timing
from inspector.model.headers import Headers
from inspector.model.message import Answer, Growing, Message, Text, ToolCall
from inspector.rules.variants import Variant, fork, variant
from tests.dialects.gemini_sdk import DIALECT
from tests.handmade import done_chat

Json = dict[str, Any]

HOST = "https://generativelanguage.googleapis.com"
TURNS: list[Json] = [
    {"role": "user", "parts": [{"text": "hi"}]},
    {"role": "model", "parts": [{"text": "Yes?"}]},
    {"role": "user", "parts": [{"text": "go"}]},
]


def flow_of(path: str = "/v1beta/models/g:streamGenerateContent?alt=sse", **body: Any) -> Flow:
    """A flow whose model called a tool."""
    request = Request("POST", HOST + path, Headers([("x-goog-api-key", "k"), ("content-type", "application/json")]))
    request.body.append(0.0, json.dumps({"contents": TURNS, **body}).encode())
    flow = Flow("f", request, 0.0, dialect="gemini", provider="gemini", timing=Timing(1.0, 2.0, 3.0))
    flow.response = Response(200, Headers([("content-type", "text/event-stream")]))
    message = Message("assistant", [Text(Growing("So:")), ToolCall("", "run", Growing('{"a":1}'))])
    assert DIALECT.writer is not None
    for event in DIALECT.writer.stream(Answer(choices=[message]), {}):
        flow.response.body.append(4.0, event)
    flow.finish(5.0, Reason.DONE, "upstream")
    return flow


def said(made: Variant) -> Json:
    found: Json = json.loads(made.body)
    return found


def test_another_model_is_asked_by_another_url() -> None:
    flow = flow_of()
    made = variant(flow, model="models/h/x")
    assert made.request.url == f"{HOST}/v1beta/models/h%2Fx:streamGenerateContent?alt=sse"
    assert made.body == bytes(flow.request.body)
    assert [mutation.name for mutation in made.mutations] == ["target"]
    assert variant(flow, model="g").mutations == []
    assist = flow_of("/v1internal:generateContent", model="g")
    assert said(variant(assist, model="h"))["model"] == "h"


def test_a_fork_behind_the_answer() -> None:
    made = fork(flow_of(), 3)
    contents = [
        *TURNS,
        {"role": "model", "parts": [{"text": "So:"}, {"functionCall": {"name": "run", "args": {"a": 1}}}]},
    ]
    assert said(made)["contents"] == contents
    assert made.said == ["the call of run has no result yet"]


def test_a_fork_may_be_edited() -> None:
    made = fork(flow_of(), 0, "hello")
    assert said(made)["contents"] == [{"role": "user", "parts": [{"text": "hello"}]}]
    whole = {"role": "user", "parts": []}
    assert said(fork(flow_of(), -2, whole))["contents"] == [TURNS[0], whole]


@pytest.mark.parametrize("dialect", ["openai-chat", "openai-responses", "anthropic-messages"])
def test_asked_of_another_provider(dialect: str) -> None:
    made = variant(flow_of(generationConfig={"maxOutputTokens": 7}), dialect=dialect, model="m")
    assert detect(made.request).name == dialect
    prompt = detect(made.request).prompt(made.request, made.body)
    assert (prompt.model, prompt.stream) == ("m", True)
    assert [message.text() for message in prompt.messages] == ["hi", "Yes?", "go"]
    assert 7 in prompt.parameters.values()
    assert not [words for words in made.said if words.startswith("not said")]


def test_another_provider_s_request_is_asked_of_google() -> None:
    made = variant(done_chat(), dialect="gemini", model="g")
    assert made.request.url == f"{HOST}/v1beta/models/g:streamGenerateContent?alt=sse"
    assert said(made)["contents"][-1]["parts"][0]["text"]
    assert "x-goog-api-key" in made.request.headers


def test_another_upstream() -> None:
    made = variant(flow_of(), upstream="http://127.0.0.1:9/google")
    assert made.request.url == "http://127.0.0.1:9/google/v1beta/models/g:streamGenerateContent?alt=sse"
