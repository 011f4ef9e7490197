"""Ollama's API in the rules: answered, capped, gone on from, moved; as its own SDK takes it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import ollama
import orjson
import pytest

from inspector.dialects import detect
from inspector.model.flow import Capture, End, Flow, Reason, Request, Response
from inspector.model.headers import Headers
from inspector.model.message import Text, ToolCall
from inspector.rules.capture_draft import Draft
from inspector.rules.capture_limits import OLLAMA, cap
from inspector.rules.prefill import manners, prefilled, refusal
from inspector.rules.prefill_manners import TRAILING
from inspector.rules.replies import Reply
from inspector.rules.variants import fork, variant
from tests.dialects.ollama_streams import call_entry, done, lines, said
from tests.rules.test_replies import PARTS, replying

pytestmark = pytest.mark.anyio

Json = dict[str, Any]

ASK = {"role": "user", "content": "hi"}
ANSWER = lines(said("Hel"), said("lo"), said(tool_calls=[call_entry("Bash", {"a": 1})]), done())


def flow_of(path: str = "/api/chat", **body: Any) -> Flow:
    """A flow that is done."""
    given: Json = {"model": "m", **(body or {"messages": [ASK]})}
    request = Request("POST", f"http://127.0.0.1:11434{path}", Headers(), Capture(json.dumps(given).encode()))
    flow = Flow("f", request, 1.0, dialect=detect(request).name)
    flow.response = Response(200, Headers([("content-type", "application/x-ndjson")]), "OK", Capture(ANSWER))
    flow.end = End(Reason.DONE, "upstream")
    return flow


async def lines_of(given: Any, *, stream: bool) -> list[Any]:
    """The lines of an answer, or its one document."""
    got = await given
    if not stream:
        return [got]
    assert isinstance(got, AsyncIterator)
    return [line async for line in got]


@pytest.mark.parametrize("stream", [False, True])
async def test_its_sdk_takes_an_answer_by_hand(stream: bool) -> None:
    async with replying(Reply(PARTS)) as server, ollama.AsyncClient(host=server.url, trust_env=False) as client:
        ask: Any = client.chat
        found = await lines_of(ask("m", messages=[ASK], stream=stream), stream=stream)
        generate: Any = client.generate
        generated = await lines_of(generate("m", "x", stream=stream), stream=stream)
    [text] = [str(part.content) for part in PARTS if isinstance(part, Text)]
    calls = [(part.name, json.loads(str(part.arguments))) for part in PARTS if isinstance(part, ToolCall)]
    assert "".join(line.message.content for line in found) == text == "".join(line.response for line in generated)
    made = [call.function for line in found for call in line.message.tool_calls or []]
    assert [(call.name, call.arguments) for call in made] == calls
    assert [found[-1].done, generated[-1].done, len(found) > 2] == [True, True, stream]


@pytest.mark.parametrize("stream", [False, True])
async def test_an_error_by_hand_is_the_sdks_own(stream: bool) -> None:
    reply = Reply(status=503, message="server busy")
    async with replying(reply) as server, ollama.AsyncClient(host=server.url, trust_env=False) as client:
        ask: Any = client.chat
        with pytest.raises(ollama.ResponseError, match="server busy"):
            await lines_of(ask("m", messages=[ASK], stream=stream), stream=stream)


@pytest.mark.parametrize(
    ("options", "capped"),
    [({"num_predict": 99, "seed": 1}, {"num_predict": 10, "seed": 1}), ({"num_predict": -1}, {"num_predict": 10})],
)
def test_the_limit_stands_in_the_options(options: Json, capped: Json) -> None:
    draft = Draft(orjson.dumps({"options": options}), {"options": dict(options)})
    assert cap(draft, OLLAMA, 10) == ""
    assert orjson.loads(draft.written()) == {"options": capped}
    assert [(each.name, each.after) for each in draft.mutations] == [("num_predict", "10")]


@pytest.mark.parametrize(
    "body", [{}, {"options": None}, {"options": {"num_predict": 5}}, {"options": {"num_predict": "x"}}]
)
def test_a_limit_that_is_low_enough_stays(body: Json) -> None:
    draft = Draft(orjson.dumps(body), dict(body))
    assert cap(draft, OLLAMA, 10) == ""
    assert (draft.written(), draft.mutations) == (orjson.dumps(body), [])


def test_it_goes_on_from_a_beginning() -> None:
    flow = flow_of()
    assert (manners(flow), refusal(flow)) == ([TRAILING], "")
    messages = orjson.loads(prefilled(flow, "It is ").body)["messages"]
    assert messages == [ASK, {"role": "assistant", "content": "It is "}]
    assert "no list of messages" in refusal(flow_of("/api/generate", prompt="x"))
    assert "call" in refusal(flow, "tool_arguments")


def test_a_fork_behind_the_answer_has_it_in_its_messages() -> None:
    made = fork(flow_of(), 1)
    answer = orjson.loads(made.body)["messages"][1]
    assert answer == {
        "role": "assistant",
        "content": "Hello",
        "tool_calls": [{"function": {"name": "Bash", "arguments": {"a": 1}}}],
    }
    with pytest.raises(ValueError, match="no list of messages"):
        fork(flow_of("/api/generate", prompt="x"), 0)


def test_it_is_translated_and_moved() -> None:
    made = variant(flow_of(), dialect="openai-chat", model="gpt-x", upstream="openai")
    assert made.request.url == "https://api.openai.com/v1/chat/completions"
    assert orjson.loads(made.body)["messages"] == [ASK]
    moved = variant(flow_of(), upstream="http://127.0.0.1:9/gateway")
    assert moved.request.url == "http://127.0.0.1:9/gateway/api/chat"
