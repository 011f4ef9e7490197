"""Sending flows again, over real sockets: what goes out, how each replay ends, and whose key it carries."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.formats.jsonl import flow_to_line
from inspector.model.flow import Capture, End, Flow, Mutation, Reason, Request, State, Timing
from inspector.model.headers import Headers, mask_url, masked
from inspector.proxy.replay import Batch, Replayer
from inspector.proxy.replay_credentials import with_credential
from inspector.proxy.upstream import AiohttpTransport
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from tests.handmade import STARTED, chat_chunks, chat_request
from tests.upstreams import Answer, Received, Upstream, plain, response, upstream

pytestmark = pytest.mark.anyio

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
KEY = "sk-proj-0123456789abcdefghij"


def original(url: str, *, seq: int = 42) -> Flow:
    """A flow that went through the proxy a while ago."""
    pairs = [("Host", "proxy"), ("Content-Type", "application/json"), ("Authorization", f"Bearer {KEY}")]
    headers = Headers([*pairs, ("Accept-Encoding", "gzip, br")])
    request = Request("POST", f"{url}/v1/chat/completions", headers, Capture(chat_request()))
    flow = Flow("orig", request, STARTED, seq=seq, agent="codex", dialect="openai-chat", provider="openai")
    flow.timing, flow.end = Timing(received=1.0), End(Reason.DONE, "upstream")
    return flow


@contextlib.asynccontextmanager
async def replaying(
    answer: Answer, environ: Mapping[str, str] | None = None, read_timeout: float | None = None
) -> AsyncIterator[tuple[Replayer, Flow, Upstream]]:
    """A replayer with an original in its store, and the upstream that it came from."""
    async with upstream(answer) as up, AiohttpTransport(read_timeout=read_timeout) as transport:
        replayer = Replayer(FlowStore(), transport, environ or {})
        flow = original(up.url)
        replayer.store.add(flow)
        yield replayer, flow, up
        await replayer.aclose()


async def until_over(batch: Batch) -> None:
    """Wait for the end of a batch."""
    async with asyncio.timeout(10):
        while not batch.finished:
            await asyncio.sleep(0.005)


async def one(replayer: Replayer, flow: Flow) -> Flow:
    """Send once, and wait for the end."""
    batch = replayer.many(flow)
    await until_over(batch)
    return batch.flows[0]


async def forever(_: Received, writer: asyncio.StreamWriter) -> None:
    """Begin an answer, and never end it."""
    writer.write(HEAD + chat_chunks()[0])
    await asyncio.Event().wait()


async def test_a_replay_is_a_child_that_goes_out_as_the_original_did() -> None:
    async with replaying(closing(*chat_chunks())) as (replayer, flow, up):
        child = await one(replayer, flow)
        (received,) = up.received
        assert received.line == "POST /v1/chat/completions HTTP/1.1"
        assert received.body == bytes(flow.request.body)
        assert ("Authorization", f"Bearer {KEY}") in received.headers
        assert ("Accept-Encoding", "gzip, br") in received.headers
        assert (child.parent, child.label, child.number, child.source) == ("orig", "42.1", "42.1", "replay")
        assert (child.agent, child.dialect, child.provider) == ("codex", "openai-chat", "openai")
        assert child.end == End(Reason.DONE, "upstream") and child.state is State.DONE
        assert Transcripts().of(child).answer.choices[0].text() == "Hello!"
        timing = child.timing
        assert timing.received == 0.0 and timing.head is not None and timing.ended is not None
        assert 0 < timing.head <= timing.ended
        assert replayer.store.get(child.id) is child
        assert not child.mutations


def closing(*parts: bytes) -> Answer:
    """A stream that ends by closing the connection."""

    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD)
        for part in parts:
            writer.write(part)
            await writer.drain()
        writer.close()

    return answer


async def test_labels_go_on_where_they_stopped_and_nest() -> None:
    async with replaying(closing(*chat_chunks())) as (replayer, flow, _):
        old = original("http://old", seq=43)
        old.id, old.parent, old.label = "old", "orig", "42.7"
        replayer.store.add(old)
        first = await one(replayer, flow)
        second = await one(replayer, flow)
        below = await one(replayer, first)
        assert [first.label, second.label, below.label] == ["42.8", "42.9", "42.8.1"]
        assert below.parent == first.id


async def test_chunks_arrive_while_it_runs() -> None:
    gate = asyncio.Event()

    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + chat_chunks()[0])
        await gate.wait()
        writer.write(b"".join(chat_chunks()[1:]))
        writer.close()

    async with replaying(answer) as (replayer, flow, _):
        batch = replayer.many(flow)
        (child,) = batch.flows
        cursor, _changed = replayer.store.changes_since(0)
        async with asyncio.timeout(10):
            while child.response is None or not child.response.body.chunks:
                await asyncio.sleep(0.005)
        assert child.state is State.STREAMING
        assert bytes(child.response.body) == chat_chunks()[0]
        assert child in replayer.store.changes_since(cursor)[1]
        gate.set()
        await until_over(batch)
        assert child.response.body.chunks >= 2
        assert child.end == End(Reason.DONE, "upstream")


async def test_many_keep_to_their_bound() -> None:
    at_once, most = 0, 0
    turn = asyncio.Condition()

    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        async with turn:
            await turn.wait()
        at_once -= 1
        writer.write(response(b"{}"))

    async with replaying(answer) as (replayer, flow, up):
        batch = replayer.many(flow, times=7, at_once=3)
        assert len(batch.flows) == 3 and not batch.finished
        async with asyncio.timeout(10):
            while not batch.finished:
                if at_once == min(3, 7 - batch.done):
                    async with turn:
                        turn.notify(1)
                await asyncio.sleep(0.005)
        assert (most, batch.done, len(up.received)) == (3, 7, 7)
        assert [child.label for child in batch.flows] == [f"42.{number}" for number in range(1, 8)]


async def test_stopping_ends_what_runs_and_begins_no_more() -> None:
    async with replaying(forever) as (replayer, flow, up):
        batch = replayer.many(flow, times=5, at_once=2)
        async with asyncio.timeout(10):
            while not batch.flows[0].response:
                await asyncio.sleep(0.005)
        batch.stop()
        assert batch.finished and len(batch.flows) == 2
        assert all(child.end == End(Reason.DROPPED, "hand") for child in batch.flows)
        async with asyncio.timeout(10):
            await up.disconnected.wait()
        assert len(batch.flows) == 2


async def test_stopping_before_the_first_step() -> None:
    async with replaying(forever) as (replayer, flow, up):
        batch = replayer.many(flow, times=3, at_once=3)
        batch.stop()
        await replayer.aclose()
        assert [child.end for child in batch.flows] == [End(Reason.DROPPED, "hand")] * 3
        assert not up.received


async def test_closing_ends_everything() -> None:
    async with replaying(forever) as (replayer, flow, _):
        batches = [replayer.many(flow, times=2, at_once=1), replayer.many(flow)]
        await replayer.aclose()
        assert all(batch.finished for batch in batches)
        children = [child for child in replayer.store if child.parent]
        assert len(children) == 2
        assert all(child.end == End(Reason.SHUTDOWN, "proxy") for child in children)


@pytest.mark.parametrize(
    ("parts", "reason", "status"),
    [
        ((HEAD.replace(b"Connection: close", b"Content-Length: 999"), b"data: 1\n\n"), Reason.UPSTREAM_RESET, 200),
        ((HEAD.replace(b"Connection: close", b"Content-Length: 999"), *chat_chunks()), Reason.DONE, 200),
        ((response(b'{"error": {}}', status="429 Slow"),), Reason.DONE, 429),
        ((b"",), Reason.UPSTREAM_RESET, None),
    ],
    ids=["cut", "cut behind its end", "an error", "no answer"],
)
async def test_it_ends_as_the_relay_would_end_it(parts: tuple[bytes, ...], reason: Reason, status: int | None) -> None:
    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"".join(parts))
        await writer.drain()
        writer.close()

    async with replaying(answer) as (replayer, flow, _):
        child = await one(replayer, flow)
        assert child.end == End(reason, "upstream")
        assert (child.response.status if child.response else None) == status


async def test_silence_and_absence() -> None:
    async with replaying(forever, read_timeout=0.05) as (replayer, flow, _):
        assert (await one(replayer, flow)).end == End(Reason.TIMEOUT, "upstream")
        flow.request.url = "http://127.0.0.1:1/v1/chat/completions"
        gone = await one(replayer, flow)
        assert gone.end == End(Reason.UPSTREAM_UNREACHABLE, "upstream") and gone.response is None
        assert gone.error and "127.0.0.1:1" in gone.error


class Broken(httpx.AsyncBaseTransport):
    """A way out with a bug in it."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Fail."""
        raise RuntimeError("boom")


async def test_an_unforeseen_error_ends_the_flow_too() -> None:
    replayer, flow = Replayer(FlowStore(), Broken(), {}), original("http://127.0.0.1")
    child = await one(replayer, flow)
    assert (child.end, child.error) == (End(Reason.HANDLER_ERROR, "proxy"), "RuntimeError: boom")
    with pytest.raises(ValueError, match="IPv6"):
        replayer.send(flow, flow.request.copy(url="http://[::1/v1"))


class Silent(httpx.AsyncBaseTransport):
    """A way out on which nothing ever comes."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Wait."""
        await asyncio.Event().wait()
        raise AssertionError


def test_the_end_of_the_loop_ends_them() -> None:
    store, flow = FlowStore(), original("http://127.0.0.1")

    async def leave() -> Batch:
        batch = Replayer(store, Silent(), {}).many(flow, times=3, at_once=1)
        await asyncio.sleep(0)
        return batch

    batch = asyncio.run(leave())
    assert batch.finished
    assert [child.end for child in store] == [End(Reason.SHUTDOWN, "proxy")]


async def test_what_did_not_come_whole_is_not_sent() -> None:
    async with replaying(forever) as (replayer, flow, _):
        flow.timing, flow.end = Timing(), End(Reason.UNROUTED, "proxy")
        with pytest.raises(ValueError, match="did not come whole"):
            replayer.send(flow)
        with pytest.raises(ValueError, match="at least one"):
            replayer.many(flow, times=0)
        assert len(replayer.store) == 1


async def test_the_mutations_given_stand_on_the_child() -> None:
    async with replaying(plain(response(b"{}"))) as (replayer, flow, up):
        changed = flow.request.with_body(b'{"model":"other"}')
        child = replayer.send(flow, changed, [Mutation("body", "hand", "", "model: other")])
        assert child.mutations == [Mutation("body", "hand", "", "model: other")]
        async with asyncio.timeout(10):
            while child.live:
                await asyncio.sleep(0.005)
        assert up.received[0].body == b'{"model":"other"}'


def saved(url: str, headers: list[tuple[str, str]]) -> Flow:
    """A flow as it is read back from a file."""
    flow = original("http://x")
    flow.request = Request("POST", mask_url(url), masked(headers), Capture(b"{}"))
    return flow


CHAT = "https://api.openai.com/v1/chat/completions"
CLAUDE = "https://api.anthropic.com/v1/messages"
BEARER, X_API_KEY = ("authorization", f"Bearer {KEY}"), ("x-api-key", KEY)


@pytest.mark.parametrize(
    ("url", "headers", "environ", "expected"),
    [
        (CHAT, [BEARER], {"OPENAI_API_KEY": "k-openai"}, ("authorization", "Bearer k-openai")),
        (CLAUDE, [X_API_KEY], {"ANTHROPIC_API_KEY": "k-ant", "OPENAI_API_KEY": "no"}, ("x-api-key", "k-ant")),
        (CLAUDE, [BEARER], {"ANTHROPIC_API_KEY": "k-ant"}, ("x-api-key", "k-ant")),
        (CLAUDE, [BEARER], {"ANTHROPIC_AUTH_TOKEN": "tok"}, ("authorization", "Bearer tok")),
        (CLAUDE, [X_API_KEY], {"INSPECTOR_UPSTREAM_API_KEY": "ours", "ANTHROPIC_API_KEY": "x"}, ("x-api-key", "ours")),
        (
            "https://api.groq.com/openai/v1/chat/completions",
            [BEARER],
            {"OPENAI_API_KEY": "no", "GROQ_API_KEY": "k-groq"},
            ("authorization", "Bearer k-groq"),
        ),
    ],
)
def test_a_saved_flow_gets_its_key_from_the_environment(
    url: str, headers: list[tuple[str, str]], environ: dict[str, str], expected: tuple[str, str]
) -> None:
    flow = saved(url, [*headers, ("cookie", "session=abcdefghijklmnop")])
    sent, mutations = with_credential(flow, flow.sent, environ)
    assert list(sent.headers) == [expected]
    (mutation,) = mutations
    assert (mutation.name, mutation.by) == ("credential", "env")
    assert expected[1] not in (mutation.before, mutation.after)


def test_a_key_in_the_url_is_put_back_where_it_stood() -> None:
    url = "https://generativelanguage.googleapis.com/v1beta/models/g:generateContent?alt=sse&key=AIza0123456789abcdefgh"
    flow = saved(url, [])
    sent, (mutation,) = with_credential(flow, flow.sent, {"GEMINI_API_KEY": "AIzaNEW/0123456789abcd"})
    assert sent.url.endswith("?alt=sse&key=AIzaNEW%2F0123456789abcd")
    assert "0123456789abcd" not in mutation.after


@pytest.mark.parametrize(
    ("url", "environ", "words"),
    [
        (CHAT, {}, "OPENAI_API_KEY or INSPECTOR_UPSTREAM_API_KEY"),
        (CLAUDE, {"OPENAI_API_KEY": "k"}, "ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN"),
        ("https://stranger.example/v1/chat/completions", {"OPENAI_API_KEY": "k"}, "Set INSPECTOR_UPSTREAM_API_KEY"),
    ],
)
def test_a_missing_key_is_named_and_a_stranger_gets_none(url: str, environ: dict[str, str], words: str) -> None:
    flow = saved(url, [BEARER])
    with pytest.raises(ValueError, match=words):
        with_credential(flow, flow.sent, environ)


def test_a_key_never_leaves_for_another_host() -> None:
    flow = original("https://api.openai.com")
    elsewhere = flow.request.copy(url="https://gateway.example/v1/chat/completions")
    with pytest.raises(ValueError, match=r"no key for gateway\.example"):
        with_credential(flow, elsewhere, {})
    sent, _ = with_credential(flow, elsewhere, {"OPENAI_API_KEY": "k-env"})
    assert sent.headers.get("authorization") == "Bearer k-env"
    disguised = elsewhere.copy(headers=Headers([("x-api-key", KEY)]))
    sent, _ = with_credential(flow, disguised, {"OPENAI_API_KEY": "k-env"})
    assert KEY not in str(list(sent.headers))
    own = elsewhere.copy(headers=Headers([("authorization", "Bearer typed-by-hand")]))
    assert with_credential(flow, own, {}) == (own, ())


def test_a_server_on_this_machine_may_be_asked_without_a_key() -> None:
    flow = saved("http://127.0.0.1:8000/v1/chat/completions", [BEARER])
    sent, (mutation,) = with_credential(flow, flow.sent, {})
    assert "authorization" not in sent.headers
    assert (mutation.before, mutation.after) == ("Bearer sk-p...ghij", "")


async def test_no_key_is_written_to_a_recording() -> None:
    async with replaying(plain(response(b"{}")), {"OPENAI_API_KEY": "sk-env-0123456789abcdef"}) as (replayer, flow, up):
        flow.request = flow.request.copy(headers=masked(flow.request.headers))
        child = await one(replayer, flow)
        assert ("Authorization", "Bearer sk-env-0123456789abcdef") in [
            (name.title(), value) for name, value in up.received[0].headers
        ]
        line = flow_to_line(child, Transcripts().of(child))
        assert b"sk-env-0123456789abcdef" not in line and b"sk-e...cdef" in line


@settings(max_examples=40, deadline=None)
@given(
    names=st.lists(st.sampled_from(["authorization", "x-api-key", "api-key", "cookie", "x-goog-api-key"]), unique=True),
    secret=st.text("abcdefgh0123456789", min_size=21, max_size=40),
    bearer=st.booleans(),
    host=st.sampled_from(["api.openai.com", "api.anthropic.com", "gateway.example", "127.0.0.1:8000"]),
)
def test_no_secret_of_the_original_reaches_another_host(names: list[str], secret: str, bearer: bool, host: str) -> None:
    flow = original("https://first.example")
    value = f"Bearer {secret}" if bearer else secret
    headers = Headers([(name, value) for name in names])
    flow.request = flow.request.copy(headers=headers, url=f"https://first.example/v1/messages?key={secret}")
    request = flow.request.copy(url=f"https://{host}/v1/messages?key={secret}")
    sent, mutations = with_credential(flow, request, {"INSPECTOR_UPSTREAM_API_KEY": "k-ours"})
    assert secret not in sent.url and secret not in str(list(sent.headers))
    assert all(secret not in mutation.before + mutation.after for mutation in mutations)
