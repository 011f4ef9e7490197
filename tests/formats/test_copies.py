"""The forms in which one flow is copied: each for itself, and none with a secret."""

from __future__ import annotations

import gzip

import pytest

from inspector.formats import COPIES
from inspector.formats.key_variables import KEY_VARIABLE, variable_for
from inspector.model.flow import Capture, Flow
from inspector.model.headers import Headers
from inspector.store.transcripts import Transcripts
from tests.captures import capture_flows
from tests.formats.snippets import SECRET
from tests.handmade import chat_flow, chat_request, done_chat, finish


def data(name: str, flow: Flow) -> bytes:
    """A flow in one form."""
    return COPIES[name].data(flow, Transcripts(limit=1))


@pytest.mark.parametrize("name", COPIES)
def test_no_key_is_in_any_form(name: str) -> None:
    assert SECRET.encode() not in data(name, done_chat())
    assert SECRET in str(done_chat().request.headers.pairs)


def test_bodies_are_raw_but_for_their_encoding() -> None:
    flow = done_chat()
    assert data("request-body", flow) == chat_request()
    assert flow.response is not None
    raw = bytes(flow.response.body)
    assert data("response-body", flow) == raw
    flow.response.body = Capture(gzip.compress(raw))
    flow.response.headers = Headers([("content-encoding", "gzip")])
    assert data("response-body", flow) == raw
    flow.forwarded = flow.request.with_body(b"other")
    assert data("request-body", flow) == b"other"


def test_a_body_that_is_not_there_is_told() -> None:
    with pytest.raises(ValueError, match="the response has no body"):
        data("response-body", finish(chat_flow()))


def test_every_recorded_flow_has_every_form() -> None:
    for flow in capture_flows():
        for name in ("curl", "python", "markdown"):
            if flow.sent.url.startswith("http"):
                assert data(name, flow).endswith(b"\n")
        if flow.sent.url.startswith("http"):
            compile(data("python", flow), flow.id, "exec")


@pytest.mark.parametrize(
    ("host", "dialect", "header", "variable"),
    [
        ("api.anthropic.com", "raw", "", "ANTHROPIC_API_KEY"),
        ("api.anthropic.com", "raw", "Authorization", "ANTHROPIC_AUTH_TOKEN"),
        ("api.openai.com", "raw", "x-api-key", "OPENAI_API_KEY"),
        ("127.0.0.1", "gemini", "x-goog-api-key", "GEMINI_API_KEY"),
        ("::1", "openai-responses", "authorization", "OPENAI_API_KEY"),
        ("localhost", "raw", "authorization", KEY_VARIABLE),
        ("api.openai.com.evil.example", "openai-chat", "authorization", KEY_VARIABLE),
    ],
)
def test_a_providers_key_is_for_its_own_host(host: str, dialect: str, header: str, variable: str) -> None:
    assert variable_for(host, dialect, header) == variable
