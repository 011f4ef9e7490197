"""One proxy for many sessions: their names in base URLs and in a header, over real sockets, with real clients."""

from __future__ import annotations

import json
from asyncio import StreamWriter
from math import inf

import anthropic
import httpx
import openai
import pytest

from inspector.model.flow import Reason
from inspector.proxy.routes import check_name
from inspector.proxy.server import ProxyConfig
from inspector.store.filters import parse
from inspector.store.lanes import Lanes
from inspector.store.transcripts import Transcripts
from tests.handmade import chat_request
from tests.upstreams import Received, ended, proxy, raw_exchange, response, upstream

pytestmark = pytest.mark.anyio

TOKEN = "abcdefghijklmnop"


async def answer(received: Received, writer: StreamWriter) -> None:
    """A whole answer in the API that was asked."""
    body: dict[str, object]
    if "/messages" in received.line:
        said: dict[str, object] = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "m",
            "stop_reason": "end_turn",
        }
        usage = {"input_tokens": 1, "output_tokens": 1}
        body = {**said, "content": [{"type": "text", "text": "Hi."}], "usage": usage}
    else:
        choice = {"index": 0, "message": {"role": "assistant", "content": "Hi."}, "finish_reason": "stop"}
        body = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    writer.write(response(json.dumps(body).encode(), "Content-Type: application/json"))


async def test_the_openai_sdk_with_a_name_in_its_base_url() -> None:
    async with upstream(answer) as up, proxy(up.url) as server:
        for name in ("alpha", "beta", "alpha"):
            async with openai.AsyncOpenAI(base_url=f"{server.url}/s/{name}/v1", api_key="k", max_retries=0) as client:
                got = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}])
                assert got.choices[0].message.content == "Hi."
        flows = await ended(server, 3)
    assert {received.line for received in up.received} == {"POST /v1/chat/completions HTTP/1.1"}
    assert [flow.session for flow in flows] == ["alpha", "beta", "alpha"]
    assert {flow.request.url for flow in flows} == {f"{up.url}/v1/chat/completions"}


@pytest.mark.parametrize("base", ["/s/alpha", "/s/alpha/claude", f"/t/{TOKEN}/s/alpha", f"/t/{TOKEN}/s/alpha/claude"])
async def test_every_style_of_base_url_takes_a_name(base: str) -> None:
    async with upstream(answer) as up:
        token = TOKEN if TOKEN in base else None
        config = ProxyConfig(port=0, upstreams={"claude": up.url, "anthropic": up.url}, token=token)
        async with proxy(config=config) as server:
            url = f"http://{server.address}{base}"
            async with anthropic.AsyncAnthropic(base_url=url, api_key="k", max_retries=0) as client:
                await client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi"}])
            (flow,) = await ended(server)
    assert (flow.session, up.received[0].line) == ("alpha", "POST /v1/messages HTTP/1.1")


async def test_a_header_names_the_session_and_goes_no_further() -> None:
    async with upstream(answer) as up, proxy(up.url) as server:
        async with openai.AsyncOpenAI(
            base_url=f"{server.url}/v1", api_key="k", default_headers={"X-Inspector-Session": "gamma"}
        ) as client:
            await client.models.list()
        async with httpx.AsyncClient() as plain:
            await plain.post(f"{server.url}/s/delta/v1/x", content=b"{}", headers={"X-Inspector-Session": "a b"})
        flows = await ended(server, 2)
    assert [flow.session for flow in flows] == ["gamma", "delta"]
    for received, flow in zip(up.received, flows, strict=True):
        assert "x-inspector-session" not in {name.lower() for name, _ in received.headers}
        assert "x-inspector-session" not in flow.request.headers


@pytest.mark.parametrize(
    "target",
    [
        "/s/../v1/messages",
        "/s/%2e%2e/v1/messages",
        "/s/a%2fb/v1/messages",
        "/s/a%00/v1/messages",
        "/s//v1/messages",
        "/s/",
        f"/s/{'x' * 101}/v1/messages",
        "/s/-x/v1/messages",
        "/s/sk-ant-0123456789/v1/messages",
        "/s/al\x9bpha/v1/messages",
        "/s/a?/v1/messages",
    ],
)
async def test_what_cannot_be_a_name_is_refused_and_asks_nobody(target: str) -> None:
    async with upstream(answer) as up, proxy(up.url) as server:
        request = f"POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{{}}".encode("latin-1")
        said = await raw_exchange(server, request)
        assert said.startswith(b"HTTP/1.1 400")
        flows = list(server.store)
    assert not up.received
    assert [(flow.session, flow.end and flow.end.reason) for flow in flows] in ([], [("", Reason.REFUSED)])


@pytest.mark.parametrize("value", ["..", "a/b", "a b", "x" * 101, "a\x9b2J", "Bearer abc", "http://elsewhere"])
async def test_a_header_that_cannot_be_a_name_is_refused(value: str) -> None:
    async with upstream(answer) as up, proxy(up.url) as server:
        head = f"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nX-Inspector-Session: {value}\r\n"
        said = await raw_exchange(server, head.encode("latin-1") + b"Content-Length: 2\r\n\r\n{}")
    assert said.startswith(b"HTTP/1.1 400") and b"names a session" in said and not up.received


async def test_no_name_chooses_an_upstream() -> None:
    """A session called as an upstream is; and one called so that its path would be."""
    async with upstream(answer) as up, upstream(answer) as other:
        config = ProxyConfig(port=0, upstream=up.url, upstreams={"other": other.url})
        async with proxy(config=config) as server, httpx.AsyncClient() as client:
            await client.post(f"{server.url}/s/other/v1/chat/completions", content=chat_request())
            await client.post(
                f"{server.url}/v1/chat/completions", content=chat_request(), headers={"x-inspector-session": "other"}
            )
            await client.post(f"{server.url}/s/other/other/v1/chat/completions", content=chat_request())
            flows = await ended(server, 3)
    assert [flow.session for flow in flows] == ["other"] * 3
    assert (len(up.received), len(other.received)) == (2, 1)
    with pytest.raises(ValueError, match="names a session"):
        check_name("s")


async def test_a_path_that_climbs_behind_a_name_is_refused() -> None:
    async with upstream(answer) as up, proxy(up.url) as server:
        said = await raw_exchange(server, b"GET /s/alpha/../v1/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 400") and not up.received


async def test_sessions_are_kept_apart_and_found() -> None:
    """The same conversation in two sessions is two conversations, and no second attempt at one."""
    async with upstream(answer) as up, proxy(up.url) as server, httpx.AsyncClient() as client:
        for name in ("alpha", "beta"):
            await client.post(f"{server.url}/s/{name}/v1/chat/completions", content=chat_request())
        await client.get(f"{server.url}/s/alpha/v1/models")
        flows = await ended(server, 3)
    transcripts = Transcripts()
    lanes = Lanes(server.store, transcripts)
    lanes.update(inf)
    assert not lanes.pending
    places = [lanes.place(flow) for flow in flows[:2]]
    assert [place and (place.lane.session, place.attempt) for place in places] == [("alpha", 1), ("beta", 1)]
    found = parse("session:alpha")
    assert [found.matches(flow, transcripts) for flow in flows] == [True, False, True]
