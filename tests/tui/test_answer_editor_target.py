"""One waiting event as text: how it ends, and what is wrong with it, in streams of events and of lines."""

from __future__ import annotations

import pytest

from inspector.model.flow import Flow, Moment, Response
from inspector.model.headers import Headers
from inspector.proxy.held import Held
from inspector.tui.answer_editor_target import EventTarget
from inspector.tui.held_draft import AnswerDraft
from tests.handmade import chat_flow
from tests.tui.held import HandStream

pytestmark = pytest.mark.anyio


def target(body: bytes, kind: str) -> tuple[EventTarget, HandStream]:
    """The second event of an answer."""
    flow: Flow = chat_flow("hi")
    flow.response = Response(200, Headers([("content-type", kind)]), "OK")
    flow.response.body.append(0.0, body)
    stream = HandStream(flow, 0, [0, 0])
    held = Held(flow, Moment.EVENT, "hand", stream, lambda: None)
    return EventTarget(AnswerDraft(), held, 1), stream


SSE = (b'data: {"a": 1}\n\ndata: {"b": 2}\n\n', "text/event-stream")
LINES = (b'{"a": 1}\n{"b": 2}\n', "application/x-ndjson")


@pytest.mark.parametrize(
    ("given", "text", "sent"),
    [
        (SSE, 'data: {"b": 3}', b'data: {"b": 3}\n\n'),
        (SSE, 'data: {"b": 3}\r\n\r\n', b'data: {"b": 3}\r\n\r\n'),
        (LINES, '{"b": 3}', b'{"b": 3}\n'),
        (LINES, '{"b": 3}\n\n', b'{"b": 3}\n'),
        (LINES, '{"b": 3}\n{"c": 4}\n', b'{"b": 3}\n{"c": 4}\n'),
        (LINES, " \n", b""),
    ],
)
async def test_it_ends_as_events_end_there(given: tuple[bytes, str], text: str, sent: bytes) -> None:
    edited, stream = target(*given)
    edited.text = text
    assert edited.problem == ""
    edited.send()
    assert stream.raw == {1: sent}


@pytest.mark.parametrize(
    ("given", "text"), [(SSE, 'data: {"b": \n\n'), (LINES, '{"b": \n'), (LINES, '{\n"b": 3}\n'), (LINES, '{"b": 3}\nx')]
)
async def test_what_is_no_json_any_more_is_said(given: tuple[bytes, str], text: str) -> None:
    edited, _ = target(*given)
    assert edited.problem == ""
    edited.text = text
    assert edited.problem.startswith("the data is no JSON")
