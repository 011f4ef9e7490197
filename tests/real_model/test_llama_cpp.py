"""llama.cpp's server behind the capture profile: what clients get is what it answers directly, and the trace has more.

Its model is random, but its probabilities, its half characters and its refusals are real.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import OpenAI

from inspector.formats.trace import TurnRecord, read_trace
from inspector.interception import InterceptionProxy, ProxyConfig
from inspector.model.flow import Flow, Reason
from inspector.rules.prefill import manners, prefilled
from inspector.store.token_reading import TokenReading
from tests.real_model.tiny_model import END_ID, TOOL_CALL, TOOL_CALL_ID

pytestmark = pytest.mark.real_model

CHAT = "/v1/chat/completions"
ASKED: dict[str, Any] = {
    "model": "tiny",
    "messages": [{"role": "user", "content": "Hi"}],
    "max_tokens": 24,
    "temperature": 0,
    "seed": 1,
}
CITIES = {"type": "object", "properties": {"city": {"type": "string", "enum": ["Paris", "Rome"]}}, "required": ["city"]}
CALLING: dict[str, Any] = {
    "tools": [{"type": "function", "function": {"name": "weather", "description": "now", "parameters": CITIES}}],
    "tool_choice": "required",
    "max_tokens": 120,
    "logit_bias": {str(TOOL_CALL_ID): 50, str(END_ID): 100},
}
"""The grammar of the call forbids the end before the call, and the bias ends it behind."""
CHANGING = re.compile(rb'"(id|item_id)":"[\w-]{20,}"|"(created|created_at|completed_at)":\d+|"(timings)":\{[^}]*\}')
"""What no two answers have in common."""


@contextmanager
def capturing(llama: str, trace: Path) -> Iterator[InterceptionProxy]:
    """The proxy before the server."""
    with InterceptionProxy(ProxyConfig(llama, trace_path=trace, port=0, top_logprobs=3)) as proxy:
        yield proxy


def send(base: str, body: dict[str, Any], path: str = CHAT) -> httpx.Response:
    """One request."""
    return httpx.post(base.removesuffix("/v1") + path, json=body, timeout=60)


def same(answer: httpx.Response) -> bytes:
    """An answer's bytes without what changes each time."""
    return CHANGING.sub(rb"\1\2\3", answer.content)


def choices(answer: httpx.Response) -> list[dict[str, Any]]:
    """Every choice of a document, or of a stream's chunks."""
    if answer.headers["content-type"].startswith("application/json"):
        found: list[dict[str, Any]] = answer.json()["choices"]
        return found
    lines = answer.text.split("\n")
    chunks = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    return [choice for chunk in chunks for choice in chunk["choices"]]


def entries(answer: httpx.Response) -> list[dict[str, Any]]:
    """The tokens that an answer tells of."""
    return [entry for choice in choices(answer) for entry in (choice.get("logprobs") or {}).get("content", ())]


def check_turn(turn: TurnRecord, told: list[dict[str, Any]]) -> None:
    """A turn of the trace has what the server tells whoever asks it."""
    assert turn["completion_tokens"] == [entry["token"] for entry in told]
    assert turn["per_token_logps"] == pytest.approx([entry["logprob"] for entry in told], abs=1e-4)
    assert turn["logprobs"]
    for ours, theirs in zip(turn["logprobs"], told, strict=True):
        assert [each["id"] for each in ours["top_logprobs"]] == [each["id"] for each in theirs["top_logprobs"]]


def check_tokens(flow: Flow, told: list[dict[str, Any]]) -> None:
    """Our own reading of a flow has it, too, byte for byte."""
    reading = TokenReading(flow)
    while reading.pull(1.0):
        pass
    assert [token.data for token in reading.tokens] == [bytes(entry["bytes"]) for entry in told]
    assert [token.id for token in reading.tokens] == [entry["id"] for entry in told]
    assert [token.logprob for token in reading.tokens] == pytest.approx([entry["logprob"] for entry in told], abs=1e-4)
    for index, entry in enumerate(told):
        numbers = [each.id for each in reading.alternatives(index)]
        assert set(numbers) == {entry["id"], *(each["id"] for each in entry["top_logprobs"])}
        assert len(numbers) == len(set(numbers))


UNASKED = [
    pytest.param({}, id="plain"),
    pytest.param({"stream": True}, id="stream"),
    pytest.param({"stream": True, "stream_options": {"include_usage": True}}, id="stream with usage"),
    pytest.param({"n": 2, "temperature": 1}, id="two choices"),
    pytest.param(CALLING, id="tool call"),
]


@pytest.mark.parametrize("more", UNASKED)
def test_who_asks_for_nothing_gets_the_bytes_of_a_server_that_was_not_asked(
    llama: str, tmp_path: Path, more: dict[str, Any]
) -> None:
    body = ASKED | more
    told = entries(send(llama, body | {"logprobs": True, "top_logprobs": 3}))
    assert len(told) > 10
    with capturing(llama, tmp_path / "trace") as proxy:
        through = send(proxy.url, body)
    assert same(through) == same(send(llama, body))
    [flow] = proxy.flows
    assert (flow.end and flow.end.reason, flow.notes) == (Reason.DONE, [])
    assert "logprobs" in flow.injected
    check_tokens(flow, told)
    [turn] = read_trace(tmp_path / "trace")
    check_turn(turn, told[: len(told) // 2] if "n" in more else told)


@pytest.mark.parametrize("more", UNASKED)
def test_who_asks_gets_what_was_asked_for(llama: str, tmp_path: Path, more: dict[str, Any]) -> None:
    body = ASKED | more | {"logprobs": True, "top_logprobs": 2}
    direct = send(llama, body)
    with capturing(llama, tmp_path / "trace") as proxy:
        through = send(proxy.url, body)
    assert same(through) == same(direct)
    assert {len(entry["top_logprobs"]) for entry in entries(through)} == {2}
    check_tokens(proxy.flows[0], entries(direct))


def test_a_streamed_tool_call_survives_the_refusal_of_log_probabilities(llama: str, tmp_path: Path) -> None:
    body = ASKED | CALLING | {"stream": True}
    refused = send(llama, body | {"logprobs": True})
    assert (refused.status_code, "not supported with tools + stream" in refused.text) == (400, True)
    with capturing(llama, tmp_path / "trace") as proxy:
        answers = [send(proxy.url, body) for _ in range(2)]
    direct = same(send(llama, body))
    assert [same(answer) for answer in answers] == [direct, direct]
    assert b'"name":"weather"' in direct
    turns = read_trace(tmp_path / "trace")
    assert [turn["finish_reason"] for turn in turns] == ["tool_calls"] * 2
    assert [turn["completion_tokens"] for turn in turns] == [[], []]


def test_the_tokens_of_a_tool_call_are_those_of_its_markup(llama: str, tmp_path: Path) -> None:
    with capturing(llama, tmp_path / "trace") as proxy:
        answer = send(proxy.url, ASKED | CALLING)
    [call] = answer.json()["choices"][0]["message"]["tool_calls"]
    assert json.loads(call["function"]["arguments"])["city"] in ("Paris", "Rome")
    [turn] = read_trace(tmp_path / "trace")
    assert turn["completion_tokens"][0] == TOOL_CALL
    assert call["function"]["arguments"] in "".join(turn["completion_tokens"])


def test_the_official_client_notices_nothing(llama: str, tmp_path: Path) -> None:
    with capturing(llama, tmp_path / "trace") as proxy, OpenAI(base_url=proxy.url, api_key="none") as client:
        whole = client.chat.completions.create(**ASKED)
        stream = client.chat.completions.create(**ASKED, stream=True)
        pieces = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
        called = client.chat.completions.create(**ASKED | CALLING)
    assert whole.choices[0].logprobs is None
    assert whole.choices[0].message.content
    # At the end of a whole text stands a mark for the half character that a stream just leaves out.
    assert whole.choices[0].message.content.removesuffix("\ufffd") == "".join(pieces).removesuffix("\ufffd")
    assert called.choices[0].message.tool_calls
    assert len(read_trace(tmp_path / "trace")) == 3


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/responses", {"model": "tiny", "input": "Hi", "max_output_tokens": 12, "temperature": 0}),
        ("/v1/responses", {"model": "tiny", "input": "Hi", "max_output_tokens": 12, "temperature": 0, "stream": True}),
        ("/v1/messages", {key: ASKED[key] for key in ("model", "messages", "max_tokens", "temperature")}),
        (
            "/v1/messages",
            {key: ASKED[key] for key in ("model", "messages", "max_tokens", "temperature")} | {"stream": True},
        ),
        ("/v1/completions", {"model": "tiny", "prompt": "Hi", "max_tokens": 12, "temperature": 0}),
        ("/v1/completions", {"model": "tiny", "prompt": "Hi", "max_tokens": 12, "temperature": 0, "logprobs": 2}),
        (CHAT, ASKED | {"logprobs": False, "top_logprobs": 2}),
        (CHAT, ASKED | {"logprobs": False}),
        (CHAT, ASKED | {"messages": "none"}),
    ],
)
def test_its_other_apis_and_its_refusals_are_as_they_are(
    llama: str, tmp_path: Path, path: str, body: dict[str, Any]
) -> None:
    with capturing(llama, tmp_path / "trace") as proxy:
        through = send(proxy.url, body, path)
    direct = send(llama, body, path)
    assert through.status_code == direct.status_code
    assert same(through) == same(direct)


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_goes_on_from_its_beginning(llama: str, tmp_path: Path, stream: bool) -> None:
    body = ASKED | {"max_tokens": 12, "stream": stream}
    with capturing(llama, tmp_path / "trace") as proxy:
        send(proxy.url, body)
        [flow] = proxy.flows
        for manner in manners(flow):
            variant = prefilled(flow, "Once, an ", manner)
            asked = json.loads(variant.body)
            through = send(proxy.url, asked)
            direct = send(llama, asked)
            assert same(through) == same(direct)
            said = "".join(
                (choice.get("message") or choice["delta"]).get("content") or "" for choice in choices(through)
            )
            # A whole answer begins with the beginning that it was given, a stream with what follows.
            assert said.startswith("Once, an ") is not stream
            told = entries(send(llama, asked | {"logprobs": True, "top_logprobs": 3}))
            check_tokens(proxy.flows[-1], told)
            assert said.removeprefix("Once, an ").startswith(told[0]["token"])
