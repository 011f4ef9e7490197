"""Serving a recording: real agents and SDKs are answered with no upstream, as they were answered before."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Iterable
from itertools import pairwise
from typing import Any

import httpx
import openai
import orjson
import pytest
from anthropic import AsyncAnthropic
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import AsyncOpenAI

from inspector.demo import agent
from inspector.demo.session import DemoServer
from inspector.formats.jsonl import flow_to_line, read
from inspector.model.flow import Capture, End, Flow, Moment, Reason, Request, Response, State
from inspector.model.headers import Headers
from inspector.proxy.held import Holds, Step
from inspector.proxy.hooks import Context
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.rules.recorded import Miss, RecordedAnswers, pace_factor
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from tests.handmade import STARTED, chat_chunks, chat_request, done_chat
from tests.upstreams import ended, plain, response, upstream

pytestmark = pytest.mark.anyio

NOWHERE = dict.fromkeys(("anthropic", "openai"), "http://127.0.0.1:9")


@contextlib.asynccontextmanager
async def recording(url: str) -> AsyncIterator[ProxyServer]:
    """A proxy before a model server."""
    config = ProxyConfig(port=0, upstreams=dict.fromkeys(NOWHERE, url))
    async with ProxyServer(config, FlowStore()) as server:
        yield server


@contextlib.asynccontextmanager
async def serving(
    flows: Iterable[Flow], miss: Miss = "fail", pace: str | float = "none", to: str | None = None
) -> AsyncIterator[ProxyServer]:
    """A proxy that answers from a recording, and has no upstream unless one is given."""
    config = ProxyConfig(port=0, upstreams=dict.fromkeys(NOWHERE, to) if to else NOWHERE)
    async with ProxyServer(config, FlowStore(), hooks=RecordedAnswers(flows, miss, pace)) as server:
        yield server


def kept(flows: Iterable[Flow]) -> list[Flow]:
    """Flows as a file gives them back."""
    lines = b"".join(flow_to_line(flow, Transcripts().of(flow)) for flow in flows)
    return [flow for flow in read(io.BytesIO(lines)) if isinstance(flow, Flow)]


def chat(server: ProxyServer) -> AsyncOpenAI:
    """OpenAI's SDK, pointed at a proxy."""
    return AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)


def claude(server: ProxyServer) -> AsyncAnthropic:
    """Anthropic's SDK, pointed at a proxy."""
    return AsyncAnthropic(base_url=server.url, api_key="none", max_retries=0)


async def test_a_whole_agent_repeats_its_session_without_a_model() -> None:
    async with DemoServer() as demo, recording(demo.url) as first:
        before = await agent.run(first.url, pace=0)
        flows = await ended(first, 20)
    async with serving(kept(flows)) as second:
        after = await agent.run(second.url, pace=0)
        again = await ended(second, len(flows))
    assert (after.turns, after.tool_calls) == (before.turns, before.tool_calls) == (23, 13)
    assert sorted(_kind(error) for error in after.errors) == sorted(_kind(error) for error in before.errors)
    assert len(again) == len(flows)
    assert all(flow.notes[0].startswith("answered as #") for flow in again)
    assert _said(again) == _said(flows)
    cut = [flow for flow in again if flow.end and flow.end.reason is Reason.FAULT]
    assert len(cut) == 1 and cut[0].end == End(Reason.FAULT, "recording")


def _kind(error: str) -> str:
    return error.partition(":")[0]


def _said(flows: Iterable[Flow]) -> list[tuple[int, bytes]]:
    return sorted((flow.response.status, bytes(flow.response.body)) for flow in flows if flow.response)


async def test_the_sdks_read_what_was_recorded() -> None:
    async with DemoServer() as demo, recording(demo.url) as first:
        before = await _ask_everything(first)
        flows = await ended(first, 4)
    async with serving(kept(flows)) as second:
        assert await _ask_everything(second) == before
        assert await _ask_everything(second) == before, "the last answer repeats"


async def _ask_everything(server: ProxyServer) -> list[Any]:
    """One request of each API, streamed and not."""
    messages: Any = [{"role": "user", "content": "Tell me of the harbour."}]
    said: list[Any] = []
    async with chat(server) as client:
        whole = await client.chat.completions.create(model="demo-small", messages=messages)
        said.append(whole.choices[0].message.content)
        stream = await client.chat.completions.create(model="demo-small", messages=messages, stream=True)
        said.append("".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]))
        answer = await client.responses.create(model="demo-small", input="Who works at the harbour?")
        said.append(answer.output_text)
    async with (
        claude(server) as anthropic,
        anthropic.messages.stream(model="demo-small", max_tokens=64, messages=messages) as events,
    ):
        said.append((await events.get_final_message()).model_dump(exclude={"content": {"__all__": {"parsed_output"}}}))
    return said


def asked(text: str, **more: object) -> bytes:
    """A request that says one thing."""
    return orjson.dumps({"model": "m", "messages": [{"role": "user", "content": text}], **more})


def recorded(
    flow_id: str, body: bytes, answer: bytes, status: int = 200, headers: Iterable[tuple[str, str]] = ()
) -> Flow:
    """A recorded flow with a whole answer."""
    flow = done_chat(flow_id, chunks=[answer])
    flow.seq = int(flow_id)
    flow.request = flow.request.with_body(body)
    assert flow.response is not None
    flow.response.status = status
    flow.response.headers = Headers([("content-type", "application/json"), *headers])
    return flow


async def post(server: ProxyServer, body: bytes, path: str = "/v1/chat/completions") -> httpx.Response:
    """Ask, as a client without an SDK."""
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.post(server.url + path, content=body)


async def test_equal_requests_get_their_answers_in_turn_and_the_last_repeats() -> None:
    same = asked("go")
    flows = [
        recorded("1", same, b'{"error":{"message":"slow down"}}', 429, [("retry-after", "3")]),
        recorded("2", same, b'"second"'),
    ]
    async with serving(flows) as server:
        answers = [await post(server, same) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 200, 200]
    assert answers[0].headers["retry-after"] == "3"
    assert [answer.content for answer in answers[1:]] == [b'"second"', b'"second"']


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=12))
def test_a_session_asked_again_in_its_order_gets_its_answers(prompts: list[str]) -> None:
    """And whatever is asked once more gets the last of them."""
    flows = [recorded(str(number), asked(prompt), b"%d" % number) for number, prompt in enumerate(prompts, 1)]
    answers = RecordedAnswers(flows, pace="none")

    async def ask(prompt: str) -> bytes:
        store = FlowStore()
        context = Context(recorded("0", asked(prompt), b""), httpx.AsyncBaseTransport(), Holds(store))
        answer = await answers.request(context)
        assert answer is not None
        return await answer.aread()

    async def check() -> None:
        assert [await ask(prompt) for prompt in prompts] == [b"%d" % number for number in range(1, len(prompts) + 1)]
        last = {prompt: b"%d" % number for number, prompt in enumerate(prompts, 1)}
        assert {prompt: await ask(prompt) for prompt in last} == last

    asyncio.run(check())
    assert (answers.answered, answers.missed) == (len(prompts) + len(set(prompts)), 0)


async def test_exact_goes_before_alike_and_alike_before_the_conversation() -> None:
    flows = [
        recorded("1", asked("on 2025-01-01", temperature=0), b"1"),
        recorded("2", asked("on 2025-02-02", temperature=0), b"2"),
        recorded("3", asked("on 2025-03-03", temperature=1), b"3"),
    ]
    async with serving(flows) as server:
        assert (await post(server, asked("on 2025-02-02", temperature=0))).content == b"2"
        assert (await post(server, asked("on 2029-09-09", temperature=0))).content == b"1"
        assert (await post(server, asked("on 2029-09-09", temperature=0.5))).content == b"3"
        notes = [flow.notes[0] for flow in await ended(server, 3)]
    assert notes == [
        "answered as #2 was",
        "answered as #1 was but for what changes from run to run",
        "answered as #3 was by its conversation alone",
    ]


async def test_another_model_or_a_stream_is_another_request() -> None:
    async with serving([recorded("1", asked("hi"), b"1")]) as server:
        assert (await post(server, asked("hi", stream=True))).status_code == 502
        assert (await post(server, asked("hi", model="other"))).status_code == 502
        assert (await post(server, asked("hi", tools=[{"type": "function"}]))).content == b"1"


async def test_where_it_broke_off_it_breaks_off_again() -> None:
    flow = done_chat("1", chunks=chat_chunks()[:1])
    flow.end, flow.error = End(Reason.UPSTREAM_RESET, "upstream"), "the upstream broke off"
    async with serving([flow]) as server:
        with pytest.raises(httpx.RemoteProtocolError):
            await post(server, chat_request())
        (served,) = await ended(server)
    assert served.end == End(Reason.FAULT, "recording")
    assert served.error == "the upstream broke off"
    assert served.response is not None and bytes(served.response.body) == chat_chunks()[0]


async def test_what_the_client_said_and_got_counts_and_not_what_the_model_heard_and_said() -> None:
    flow = recorded("1", asked("hi"), b'"the model"')
    flow.delivered = Response(200, Headers([("content-type", "application/json")]), "OK", Capture(b'"edited"'))
    flow.forwarded = flow.request.with_body(asked("hi, edited on its way"))
    async with serving(kept([flow])) as server:
        assert (await post(server, asked("hi"))).content == b'"edited"'


async def test_secrets_and_the_connection_of_then_are_left_out() -> None:
    headers = [("set-cookie", "a=0123456789abcdefghij"), ("connection", "close"), ("x-ratelimit", "7")]
    async with serving(kept([recorded("1", asked("hi"), b"{}", headers=headers)])) as server:
        answer = await post(server, asked("hi"))
    assert "set-cookie" not in answer.headers and answer.headers["x-ratelimit"] == "7"


async def test_replays_and_flows_without_an_answer_are_no_recording() -> None:
    replay, silent = recorded("1", asked("hi"), b"1"), recorded("2", asked("hi"), b"2")
    replay.source, silent.response = "replay", None
    answers = RecordedAnswers([replay, silent, recorded("3", asked("hi"), b"3")])
    assert answers.known == 1


async def test_the_recorded_pace() -> None:
    """Time that the test makes itself: each pause that is asked for is written down, and none is made."""
    flow = done_chat("1", chunks=chat_chunks())
    flow.timing.forwarded, flow.timing.head = 100.0, 400.0
    for pace, scale in (("recorded", 1.0), (0.5, 0.5), ("none", 0.0)):
        asleep: list[float] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("inspector.rules.recorded.asyncio", _Clock(asleep))
            async with serving([flow], pace=pace) as server:
                assert (await post(server, chat_request())).content == b"".join(chat_chunks())
        assert flow.response is not None
        gaps = [400.0, *flow.response.body.times]
        expected = [300.0, *(later - sooner for sooner, later in pairwise(gaps))]
        assert asleep == pytest.approx([gap * scale / 1000 for gap in expected])


class _Clock:
    """Stands in for asyncio: sleeping moves the clock and takes no time."""

    def __init__(self, asleep: list[float]) -> None:
        self._asleep = asleep
        self._now = 0.0

    def get_running_loop(self) -> _Clock:
        return self

    def time(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self._asleep.append(seconds)
        self._now += seconds


async def test_a_miss_fails_in_words_and_is_not_tried_again() -> None:
    flows = [
        recorded("1", asked("something else"), b"1"),
        recorded("7", orjson.dumps({"model": "m", "messages": [*_turns("ls"), *_turns("cat a")]}), b"7"),
    ]
    body: Any = [*_turns("ls"), *_turns("cat b")]
    async with serving(flows) as server:
        async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=2) as client:
            with pytest.raises(openai.InternalServerError) as raised:
                await client.chat.completions.create(model="m", messages=body)
        assert raised.value.status_code == 502
        assert "nearest is that of #7" in str(raised.value)
        assert "messages[2].content: recorded 'cat a', asked 'cat b'" in str(raised.value)
        (flow,) = await ended(server)
        assert flow.state is State.FAILED and "no recorded answer" in flow.notes[0]
        nothing = await post(server, b"{}", "/v1/embeddings")
        assert nothing.status_code == 502 and b"nothing like POST /v1/embeddings was recorded" in nothing.content


def _turns(command: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": command}, {"role": "assistant", "content": "done"}]


async def test_a_miss_in_anthropics_shape() -> None:
    async with serving([]) as server, claude(server) as client:
        with pytest.raises(Exception, match="no recorded answer") as raised:
            await client.messages.create(model="m", max_tokens=1, messages=[{"role": "user", "content": "x"}])
        assert getattr(raised.value, "status_code", None) == 502


@pytest.mark.parametrize(("miss", "second"), [("live", b'"live"'), ("mixed", b'"recorded"')])
async def test_a_miss_goes_live(miss: Miss, second: bytes) -> None:
    async with upstream(plain(response(b'"live"'))) as up:
        flows = [recorded("1", asked("hi"), b'"recorded"')]
        async with serving(flows, miss, to=up.url) as server:
            assert (await post(server, asked("new"))).content == b'"live"'
            assert (await post(server, asked("hi"))).content == second


async def test_a_miss_asks_the_person() -> None:
    async with upstream(plain(response(b'"live"'))) as up, serving([], "ask", to=up.url) as server:
        asking = asyncio.ensure_future(post(server, asked("new")))  # noqa: TID251
        async with asyncio.timeout(10):
            while not len(server.holds):
                await asyncio.sleep(0.005)
        (held,) = server.holds
        assert (held.moment, held.by) == (Moment.REQUEST, "no recorded answer")
        held.step(Step.GO_ON)
        assert (await asking).content == b'"live"'


async def test_unknown_apis_are_found_by_method_and_path() -> None:
    request = Request("GET", "https://gateway.example/api/v1/models?limit=5", Headers())
    flow = recorded("1", b"", b'{"data":[]}')
    flow.request, flow.dialect, flow.started = request, "raw", STARTED
    async with serving(kept([flow])) as server, httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(f"{server.url}/v1/models?limit=5")).json() == {"data": []}
        assert (await client.get(f"{server.url}/v1/models?limit=6")).status_code == 502
        assert (await client.delete(f"{server.url}/v1/models?limit=5")).status_code == 502


@pytest.mark.parametrize("pace", ["fast", "-1", "nan", "inf", -0.5])
def test_paces_that_are_none(pace: str | float) -> None:
    with pytest.raises(ValueError, match="is no pace"):
        pace_factor(pace)


def test_paces() -> None:
    assert [pace_factor(pace) for pace in ("recorded", "none", "0.25", 2)] == [1.0, 0.0, 0.25, 2.0]
