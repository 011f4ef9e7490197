"""Token counts and errors, as OpenAI and its imitators spell them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from inspector.model.message import (
    Usage,
)
from tests.dialects.chat_streams import DIALECT, chunk, stream
from tests.dialects.recorded import answer_of, read

Json = dict[str, Any]


def used(**raw: object) -> Usage:
    """The usage of a stream that ends with this usage object."""
    usage = read(DIALECT, [stream(chunk({"content": "x"}), {"choices": [], "usage": raw})]).answer.usage
    assert usage is not None
    return usage


def test_usage_is_the_last_of_each_field_and_never_summed() -> None:
    body = stream(
        chunk({"content": "a"}, usage={"prompt_tokens": 8, "completion_tokens": 1, "total_tokens": 9}),
        chunk({"content": "b"}, usage={"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10}),
        chunk({"content": "c"}, usage=None),
        {"choices": [], "usage": {"prompt_tokens": 8, "completion_tokens": 3, "total_tokens": 11, "queue_time": None}},
    )
    usage = read(DIALECT, [body]).answer.usage
    assert usage == Usage(8, 3, raw={"prompt_tokens": 8, "completion_tokens": 3, "total_tokens": 11})


def test_usage_details() -> None:
    usage = used(
        prompt_tokens=100,
        completion_tokens=50,
        total_tokens=150,
        prompt_tokens_details={"cached_tokens": 64, "cache_write_tokens": 10},
        completion_tokens_details={"reasoning_tokens": 20},
        cost=0.5,
    )
    assert (usage.input_tokens, usage.output_tokens, usage.reasoning_output_tokens) == (100, 50, 20)
    assert (usage.cache_read_input_tokens, usage.cache_creation_input_tokens, usage.cost) == (64, 10, 0.5)


def test_output_holds_reasoning_whatever_the_provider_counts() -> None:
    assert used(prompt_tokens=429, completion_tokens=44, total_tokens=846).output_tokens == 417
    assert used(prompt_tokens=10, completion_tokens=5).output_tokens == 5
    assert used(prompt_tokens=10, completion_tokens=5, total_tokens=0).output_tokens == 5
    assert used(prompt_tokens=4, completion_tokens=75, total_tokens=459, prompt_audio_seconds=7).output_tokens == 75


@pytest.mark.parametrize(
    "raw",
    [
        {"prompt_cache_hit_tokens": 7},
        {"cached_tokens": 7},
        {"cache_read_input_tokens": 7},
        {"prompt_tokens_details": {"cached_tokens": 7}},
    ],
)
def test_cached_tokens_are_spelled_in_many_ways(raw: Json) -> None:
    assert used(prompt_tokens=10, **raw).cache_read_input_tokens == 7


@pytest.mark.parametrize(
    ("raw", "cost"), [({"cost": {"total_cost": 0.25}}, 0.25), ({"cost_in_usd_ticks": 6767400}, 0.00067674)]
)
def test_costs_are_spelled_in_many_ways(raw: Json, cost: float) -> None:
    assert used(prompt_tokens=10, **raw).cost == pytest.approx(cost)


def test_usage_in_other_places() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    groq = {"choices": [], "x_groq": {"id": "r", "usage": usage}}
    moonshot = {"choices": [{"index": 0, "delta": {}, "usage": usage}]}
    for event in (groq, moonshot):
        assert read(DIALECT, [stream(event)]).answer.usage == Usage(3, 2, raw=usage)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"error": {"message": "no", "type": "invalid_request_error", "code": "x"}}, "invalid_request_error: no"),
        ({"error": {"message": "no", "type": None, "code": 429}}, "429: no"),
        ({"error": {"code": "404", "message": "no"}}, "404: no"),
        ({"error": "no"}, "no"),
        ({"object": "error", "message": "no", "type": "BadRequestError", "code": 400}, "BadRequestError: no"),
        ({"detail": "no"}, "no"),
        ({"detail": [{"msg": "Field required"}]}, '[{"msg":"Field required"}]'),
        ({"message": "Unauthorized", "request_id": "r"}, "Unauthorized"),
        ([{"error": {"code": 400, "message": "no", "status": "INVALID_ARGUMENT"}}], "400: no"),
    ],
)
def test_error_bodies(body: object, error: str) -> None:
    answer = read(DIALECT, [json.dumps(body).encode()], "application/json").answer
    assert (answer.error, answer.complete, answer.choices) == (error, True, [])


@pytest.mark.parametrize(
    "event",
    [
        b'data: {"error": {"type": "server_error", "message": "no"}}\n\n',
        b'event: error\ndata: {"error": {"type": "server_error", "message": "no", "status_code": 500}}\n\n',
        b'data: {"choices": [], "x_groq": {"error": {"type": "server_error", "message": "no"}}}\n\n',
        b'data: {"choices": [{"delta": {}, "error": {"type": "server_error", "message": "no"}}]}\n\n',
        b'{\n  "error": {"type": "server_error",\n\n "message": "no"}\n}\n',
    ],
)
def test_errors_in_mid_stream_keep_what_came(event: bytes) -> None:
    transcript = read(DIALECT, [stream(chunk({"content": "half"}), done=False) + event])
    assert transcript.answer.error == "server_error: no"
    assert answer_of(transcript).text() == "half"
