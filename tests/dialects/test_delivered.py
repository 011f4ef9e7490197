"""What the client has of an answer, worked out again from a flow."""

from __future__ import annotations

import gzip

import pytest

from inspector.dialects.delivered import delivered_body
from inspector.model.flow import Capture, Flow, Request, Response
from inspector.model.headers import Headers
from tests.dialects.token_streams import MANNERS, Framing, Step, chat_events

CHAT = "openai-chat", ("logprobs", "top_logprobs")
STREAMS = [
    Framing().write(chat_events([Step(((0, ("a", "b")),))], MANNERS["openai"], 2, asked=asked))
    for asked in (True, False)
]
DOCUMENTS = [b'{"choices":[{"logprobs":{"content":[{}]}}]}', b'{"choices":[{"logprobs":null}]}']


def flow_of(dialect: str, injected: tuple[str, ...]) -> Flow:
    flow = Flow("1", Request("POST", "http://host/", Headers([])), 0.0, dialect=dialect)
    flow.injected = injected
    return flow


def response_of(body: bytes, kind: str, coding: str = "") -> Response:
    coded = gzip.compress(body) if coding else body
    fields = [("Content-Type", kind), *([("Content-Encoding", coding)] if coding else [])]
    return Response(200, Headers(fields), body=Capture(coded))


@pytest.mark.parametrize("coding", ["", "gzip"])
@pytest.mark.parametrize(
    ("bodies", "kind"),
    [
        (STREAMS, "text/event-stream; charset=utf-8"),
        (DOCUMENTS, "application/json"),
        (DOCUMENTS, "text/event-stream"),
        (STREAMS, "application/json"),
    ],
)
def test_what_was_added_is_not_there(bodies: list[bytes], kind: str, coding: str) -> None:
    flow = flow_of(*CHAT)
    assert delivered_body(flow) == b""
    flow.response = response_of(bodies[0], kind, coding)
    assert delivered_body(flow) == bodies[1] != bodies[0]
    flow.injected = ()
    assert delivered_body(flow) == bodies[0]


def test_what_somebody_changed_counts() -> None:
    flow = flow_of(*CHAT)
    flow.response = response_of(b"data: x\n\n", "text/event-stream")
    flow.delivered = response_of(STREAMS[0], "text/event-stream")
    assert delivered_body(flow) == STREAMS[1]


def test_a_dialect_without_tokens() -> None:
    flow = flow_of("raw", ("logprobs",))
    flow.response = response_of(DOCUMENTS[0], "application/json")
    assert delivered_body(flow) == DOCUMENTS[0]
