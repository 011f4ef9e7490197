"""Sessions, as their clients name them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from inspector.model.headers import Headers
from inspector.model.sessions import Session, session_of

UUID = "0198c0de-1a2b-7c3d-8e4f-5a6b7c8d9e0f"


@pytest.mark.parametrize(
    ("headers", "body", "name"),
    [
        ({"X-Claude-Code-Session-Id": UUID}, {}, UUID),
        ({}, {"metadata": {"user_id": f"user_ab12_account_{UUID}_session_{UUID}"}}, UUID),
        ({}, {"metadata": {"user_id": orjson.dumps({"device_id": "d", "session_id": "s-1"}).decode()}}, "s-1"),
        ({}, {"user": f"user_ab12_account__session_{UUID}"}, UUID),
        ({}, {"user": orjson.dumps({"session_id": "s-2"}).decode()}, "s-2"),
        ({"session_id": UUID}, {}, UUID),
        ({"session-id": "a", "thread-id": "b"}, {}, "a"),
        ({"x-codex-turn-metadata": orjson.dumps({"session_id": "s-3", "turn_id": "t"}).decode()}, {}, "s-3"),
        ({"conversation_id": "c-1"}, {}, "c-1"),
        ({}, {"client_metadata": {"x-codex-turn-metadata": '{"session_id":"s-4"}'}}, "s-4"),
        ({}, {"prompt_cache_key": UUID}, UUID),
        ({}, {"prompt_cache_key": "ses_71fa"}, "ses_71fa"),
        ({"x-session-id": "ses_1"}, {}, "ses_1"),
        ({"x-opencode-session": "ses_2"}, {}, "ses_2"),
        ({"x-session-affinity": "ses_3"}, {}, "ses_3"),
        ({"X-Client-Session-Id": "vs-1"}, {}, "vs-1"),
        ({"X-KILOCODE-TASKID": "k-1"}, {}, "k-1"),
        ({"X-Mux-Workspace-Id": "m-1"}, {}, "m-1"),
        ({}, {"metadata": {"session_id": "m-2"}}, "m-2"),
        ({}, {"session_id": "g-1"}, "g-1"),
        ({}, {"metadata": {"user_id": "somebody"}, "user": "somebody", "prompt_cache_key": "my-app"}, ""),
        ({}, {"metadata": ["x"], "user": 7, "prompt_cache_key": None, "client_metadata": "{"}, ""),
        ({}, {}, ""),
    ],
)
def test_the_name_of_a_session(headers: dict[str, str], body: dict[str, Any], name: str) -> None:
    session = session_of(Headers(headers.items()), body)
    assert (session.name, session.lasting) == (name, True)


def test_a_name_for_one_question_only() -> None:
    assert session_of(Headers([("X-Interaction-Id", "i-1")]), {}) == Session("i-1", lasting=False)
    assert session_of(Headers([("x-interaction-id", "i-1"), ("session_id", "s")]), {}) == Session("s")


def test_threads_and_parents() -> None:
    codex = [("session-id", "s"), ("thread-id", "t2"), ("x-codex-parent-thread-id", "t1")]
    assert session_of(Headers(codex), {}) == Session("s", "t2", "t1")
    opencode = [("x-session-id", "ses_b"), ("x-parent-session-id", "ses_a")]
    assert session_of(Headers(opencode), {}) == Session("ses_b", parent="ses_a")


@pytest.mark.parametrize(
    "value",
    [
        "sk-ant-api03-abcdef",
        "Bearer abc",
        "eyJhbGciOi.eyJzdWIi",
        "ghp_0123456789abcdef",
        "AIzaSyA0123",
        "x" * 201,
        "a\x1b[31mb",
        "mine-0123456789",
    ],
)
def test_no_secret_becomes_a_name(value: str) -> None:
    headers = Headers([("Authorization", "Bearer mine-0123456789"), ("session_id", value), ("X-Interaction-Id", value)])
    body = {"metadata": {"session_id": value, "user_id": f"u_session_{value}"}, "prompt_cache_key": value}
    assert session_of(headers, {**body, "metadata": {"session_id": value}}) == Session()
    assert value not in session_of(headers, body).name
