"""An exchange is tried again where that may help, and given up where it does not."""

from __future__ import annotations

import json

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from inspector.demo.conversation import Conversation
from inspector.demo.exchange import ATTEMPTS, Client, Report, Unanswered
from inspector.model.message import Message
from inspector.proxy.embedded import EmbeddedServer

pytestmark = pytest.mark.anyio


def _chunk(delta: dict[str, object], finish: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return f"data: {json.dumps({'id': 'c', 'object': 'chat.completion.chunk', 'choices': [choice]})}\n\n"


WHOLE = _chunk({"role": "assistant", "content": "Good "}) + _chunk({"content": "day"}, "stop") + "data: [DONE]\n\n"
CUT = _chunk({"role": "assistant", "content": "Go"})


async def _ask(*answers: Response) -> tuple[Message | None, Report, int]:
    """The message that comes of these answers, one an attempt; None where there is none. And how often it was asked."""
    report, asked = Report(), 0

    async def answer(request: Request) -> Response:
        nonlocal asked
        asked += 1
        return answers[asked - 1]

    conversation = Conversation("openai-chat", "m", "Be brief.")
    conversation.say("Hello")
    app = Starlette(routes=[Route("/v1/chat/completions", answer, methods=["POST"])])
    async with (
        EmbeddedServer(app) as server,
        httpx.AsyncClient(base_url=server.url, trust_env=False) as http,
    ):
        try:
            return await Client(http, report, 0.0).answer(conversation), report, asked
        except Unanswered:
            return None, report, asked


def _stream(text: str) -> Response:
    return Response(text, media_type="text/event-stream")


async def test_a_whole_answer_is_taken_at_once() -> None:
    message, report, asked = await _ask(_stream(WHOLE))
    assert message is not None and message.text() == "Good day"
    assert (asked, report.turns, report.errors) == (1, 1, [])


async def test_too_many_requests_and_a_cut_stream_are_got_over() -> None:
    error = {"error": {"message": "slow down", "type": "rate_limit_error"}}
    too_many = JSONResponse(error, 429, {"retry-after": "1"})
    message, report, asked = await _ask(too_many, _stream(CUT), _stream(WHOLE))
    assert message is not None and message.text() == "Good day"
    assert asked == 3
    assert report.errors == ["rate_limit_error: slow down", "the answer breaks off"]


@pytest.mark.parametrize("text", [CUT, "data: {]\n\n", "data: 7\n\n", ""])
async def test_what_never_works_is_given_up(text: str) -> None:
    message, report, asked = await _ask(*[_stream(text)] * ATTEMPTS)
    assert message is None
    assert asked == ATTEMPTS == len(report.errors)
    assert report.turns == 0
