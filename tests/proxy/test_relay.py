"""The relay, over real sockets: what goes in comes out, and how each flow ends."""

from __future__ import annotations

import asyncio
import gzip

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.model.flow import Reason, State
from inspector.proxy.hooks import Context, RequestHandler
from inspector.proxy.server import ProxyConfig
from tests.upstreams import STREAM_HEAD, Received, chunked, ended, plain, proxy, raw_exchange, response, upstream

pytestmark = pytest.mark.anyio


async def test_request_line_headers_and_body_pass_unchanged() -> None:
    async with upstream(plain(response(b"ok"))) as up, proxy(up.url) as server:
        lines = [
            b"POST /a%2Fb;c/v9?x=1;y&z=%zz&q=a+b HTTP/1.1",
            b"hOsT: localhost",
            b"X-MiXed: 1",
            b"x-twice: a",
            b"Anthropic-Beta: p",
            b"Anthropic-Beta: q",
            b"x-twice: b",
            b"Content-Length: 5",
            b"Connection: keep-alive, x-private",
            b"X-Private: no",
            b"Te: trailers",
            b"Proxy-Authorization: secret",
        ]
        await raw_exchange(server, b"\r\n".join([*lines, b"", b"h\xff\x00\nz"]))
        (received,) = up.received
        assert received.line == "POST /a%2Fb;c/v9?x=1;y&z=%zz&q=a+b HTTP/1.1"
        assert [pair for pair in received.headers if pair[0].lower() != "host"] == [
            ("X-MiXed", "1"),
            ("x-twice", "a"),
            ("Anthropic-Beta", "p"),
            ("Anthropic-Beta", "q"),
            ("x-twice", "b"),
            ("Content-Length", "5"),
        ]
        assert received.body == b"h\xff\x00\nz"
        (flow,) = await ended(server)
        assert flow.forwarded is None and not flow.mutations
        assert ("hOsT", "localhost") in flow.request.headers.pairs


async def test_nothing_is_added_to_a_bare_request() -> None:
    async with upstream(plain(response(b""))) as up, proxy(up.url) as server:
        await raw_exchange(server, b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert [name for name, _ in up.received[0].headers] == ["Host"]


async def test_response_head_passes_unchanged() -> None:
    answer = (
        b"HTTP/1.1 299 Fine By Me\r\nX-CaSe: 1\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nContent-Length: 2\r\n\r\nok"
    )
    async with upstream(plain(answer)) as up, proxy(up.url) as server:
        assert await raw_exchange(server, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") == answer
        (flow,) = await ended(server)
        assert flow.response is not None
        assert (flow.response.status, flow.response.reason) == (299, "Fine By Me")
        assert flow.response.headers.all("set-cookie") == ["a=1", "b=2"]


async def test_chunks_come_as_they_are_sent() -> None:
    gate = asyncio.Event()

    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD + chunked(b"data: 1\n\n"))
        await gate.wait()
        writer.write(chunked(b"data: 2\n\n") + b"0\r\n\r\n")

    async with upstream(answer) as up, proxy(up.url) as server, httpx.AsyncClient() as client:
        async with client.stream("POST", f"{server.url}/v1/x", content=b"{}") as answered:
            chunks = answered.aiter_raw()
            assert await anext(chunks) == b"data: 1\n\n"
            (flow,) = server.store
            assert flow.state is State.STREAMING
            gate.set()
            assert await anext(chunks) == b"data: 2\n\n"
            assert [chunk async for chunk in chunks] == []
        (flow,) = await ended(server)
        assert flow.response is not None
        assert [flow.response.body.chunk(i) for i in range(2)] == [b"data: 1\n\n", b"data: 2\n\n"]
        assert flow.end is not None and (flow.end.reason, flow.end.by) == (Reason.DONE, "upstream")


async def test_compressed_body_is_relayed_compressed() -> None:
    packed = gzip.compress(b'{"a": 1}')
    async with upstream(plain(response(packed, "Content-Encoding: gzip"))) as up, proxy(up.url) as server:
        answered = await raw_exchange(server, b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n")
        assert answered.endswith(packed)


@settings(max_examples=25, deadline=None)
@given(st.binary(min_size=0, max_size=3000), st.binary(max_size=3000))
def test_any_bytes_pass_both_ways(sent: bytes, answered: bytes) -> None:
    async def check() -> None:
        async with upstream(plain(response(answered))) as up, proxy(up.url) as server, httpx.AsyncClient() as client:
            reply = await client.post(f"{server.url}/v1/x", content=sent)
            assert reply.content == answered
            assert up.received[0].body == sent
            (flow,) = await ended(server)
            assert bytes(flow.request.body) == sent
            assert flow.response is not None and bytes(flow.response.body) == answered

    asyncio.run(check())


async def test_chunked_upload_arrives_as_one_body() -> None:
    async with upstream(plain(response(b"ok"))) as up, proxy(up.url) as server, httpx.AsyncClient() as client:

        async def parts() -> object:
            for part in (b"one ", b"two ", b"three"):
                yield part

        await client.post(f"{server.url}/v1/x", content=parts())  # type: ignore[arg-type]
        assert up.received[0].body == b"one two three"


async def test_body_of_a_get_is_not_passed_on() -> None:
    async with upstream(plain(response(b"ok"))) as up, proxy(up.url) as server, httpx.AsyncClient() as client:
        await client.request("GET", f"{server.url}/v1/models", content=b"odd")
        assert up.received[0].body == b""


async def test_head_keeps_the_length_and_has_no_body() -> None:
    async with upstream(plain(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")) as up, proxy(up.url) as server:
        answered = await raw_exchange(server, b"HEAD /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert answered == b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_bodiless_statuses(status: str) -> None:
    head = f"HTTP/1.1 {status}\r\nETag: x\r\n\r\n".encode()
    async with upstream(plain(head)) as up, proxy(up.url) as server:
        assert await raw_exchange(server, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") == head


async def test_redirects_are_relayed_and_connections_reused() -> None:
    answer = plain(response(b"", "Location: /elsewhere", status="302 Found"))
    async with upstream(answer) as up, proxy(up.url) as server, httpx.AsyncClient() as client:
        for _ in range(2):
            assert (await client.get(f"{server.url}/v1/x")).status_code == 302
        assert len(up.received) == 2
        assert up.received[0].port == up.received[1].port


async def test_client_gone_cancels_the_upstream() -> None:
    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD + chunked(b"data: 1\n\n"))
        await asyncio.sleep(60)

    async with upstream(answer) as up, proxy(up.url) as server, httpx.AsyncClient() as client:
        async with client.stream("POST", f"{server.url}/v1/x", content=b"{}") as answered:
            await anext(answered.aiter_raw())
        await asyncio.wait_for(up.disconnected.wait(), 1)
        (flow,) = await ended(server)
        assert flow.end is not None and (flow.end.reason, flow.end.by) == (Reason.CLIENT_GONE, "client")
        assert flow.state is State.CANCELLED
        assert flow.response is not None and bytes(flow.response.body) == b"data: 1\n\n"


async def test_client_gone_before_the_answer() -> None:
    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with upstream(answer) as up, proxy(up.url) as server, httpx.AsyncClient(timeout=0.2) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post(f"{server.url}/v1/x", content=b"{}")
        await asyncio.wait_for(up.disconnected.wait(), 1)
        (flow,) = await ended(server)
        assert flow.end is not None and flow.end.reason is Reason.CLIENT_GONE
        assert flow.response is None and flow.error is not None and flow.error.startswith("499")


async def test_client_that_leaves_after_the_answer_is_no_abort() -> None:
    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD + chunked(b'data: {"choices": []}\n\ndata: [DONE]\n\n'))
        await asyncio.sleep(60)

    async with upstream(answer) as up, proxy(up.url) as server, httpx.AsyncClient() as client:
        async with client.stream("POST", f"{server.url}/v1/chat/completions", content=b"{}") as answered:
            await anext(answered.aiter_raw())
        (flow,) = await ended(server)
        assert flow.end is not None and (flow.end.reason, flow.end.by) == (Reason.DONE, "client")


async def test_half_a_request_ends_as_client_gone() -> None:
    async with upstream(plain(response(b"ok"))) as up, proxy(up.url) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.address.rpartition(":")[2])
        writer.write(b"POST /v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf")
        await asyncio.sleep(0.1)
        assert next(iter(server.store)).state is State.RECEIVING
        writer.close()
        (flow,) = await ended(server)
        assert flow.end is not None and flow.end.reason is Reason.CLIENT_GONE
        assert bytes(flow.request.body) == b"half"
        assert not up.received


@pytest.mark.parametrize("length", ["chunked", "content-length"])
async def test_upstream_that_breaks_off_aborts_the_client(length: str) -> None:
    head = STREAM_HEAD if length == "chunked" else b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"
    body = chunked(b"data: 1\n\n") if length == "chunked" else b"data: 1\n\n"

    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(head + body)
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.transport.abort()
        raise ConnectionResetError

    async with upstream(answer) as up, proxy(up.url) as server, httpx.AsyncClient() as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post(f"{server.url}/v1/x", content=b"{}")
        (flow,) = await ended(server)
        assert flow.end is not None and flow.end.reason is Reason.UPSTREAM_RESET
        assert flow.response is not None and bytes(flow.response.body) == b"data: 1\n\n"


@pytest.mark.parametrize(
    ("url", "status", "words"),
    [
        ("http://127.0.0.1:1", 502, "Connect"),
        ("http://nowhere.invalid", 502, "no such host"),
    ],
)
async def test_upstream_that_cannot_be_reached(url: str, status: int, words: str) -> None:
    async with proxy(url) as server, httpx.AsyncClient() as client:
        answered = await client.post(f"{server.url}/v1/messages", content=b"{}")
        assert answered.status_code == status
        assert words.lower() in answered.json()["error"]["message"].lower()
        (flow,) = await ended(server)
        assert flow.end is not None and (flow.end.reason, flow.end.by) == (Reason.UPSTREAM_UNREACHABLE, "upstream")


async def test_upstream_that_closes_without_a_byte() -> None:
    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()
        raise ConnectionResetError

    async with upstream(answer) as up, proxy(up.url) as server, httpx.AsyncClient() as client:
        assert (await client.post(f"{server.url}/v1/x", content=b"{}")).status_code == 502
        (flow,) = await ended(server)
        assert flow.end is not None and flow.end.reason is Reason.UPSTREAM_RESET


async def test_upstream_that_does_not_speak_http() -> None:
    async with (
        upstream(plain(b"SSH-2.0-OpenSSH\r\n\r\n")) as up,
        proxy(up.url) as server,
        httpx.AsyncClient() as client,
    ):
        assert (await client.post(f"{server.url}/v1/x", content=b"{}")).status_code == 502
        await ended(server)


async def test_upstream_that_never_answers_meets_the_request_timeout() -> None:
    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with upstream(answer) as up:
        config = ProxyConfig(port=0, upstream=up.url, request_timeout=0.1)
        async with proxy(config=config) as server, httpx.AsyncClient() as client:
            assert (await client.post(f"{server.url}/v1/x", content=b"{}")).status_code == 504
            (flow,) = await ended(server)
            assert flow.end is not None and flow.end.reason is Reason.TIMEOUT


async def test_errors_of_the_upstream_pass_with_their_headers() -> None:
    body = b'{"error": {"message": "slow down"}}'
    answer = response(body, "Retry-After: 7", "request-id: r1", status="429 Too Many Requests")
    async with upstream(plain(answer)) as up, proxy(up.url) as server, httpx.AsyncClient() as client:
        answered = await client.post(f"{server.url}/v1/messages", content=b"{}")
        assert (answered.status_code, answered.content) == (429, body)
        assert (answered.headers["retry-after"], answered.headers["request-id"]) == ("7", "r1")
        (flow,) = await ended(server)
        assert flow.state is State.FAILED and flow.end is not None and flow.end.reason is Reason.DONE


async def test_unknown_path_says_what_to_do() -> None:
    async with proxy() as server, httpx.AsyncClient() as client:
        answered = await client.get(f"{server.url}/what/is/this")
        assert answered.status_code == 404
        assert "--upstream" in answered.json()["error"]["message"]
        (flow,) = await ended(server)
        assert flow.end is not None and flow.end.reason is Reason.UNROUTED


async def test_too_large_a_body_is_refused_declared_or_not() -> None:
    async with upstream(plain(response(b"ok"))) as up:
        config = ProxyConfig(port=0, upstream=up.url, max_body=1000)
        async with proxy(config=config) as server, httpx.AsyncClient() as client:

            async def parts() -> object:
                for _ in range(20):
                    yield b"x" * 100

            for content in (b"x" * 1001, parts()):
                answered = await client.post(f"{server.url}/v1/x", content=content)  # type: ignore[arg-type]
                assert answered.status_code == 413
            assert (await client.post(f"{server.url}/v1/x", content=b"x" * 1000)).status_code == 200


async def test_websocket_upgrade_gets_426() -> None:
    async with proxy() as server:
        answered = await raw_exchange(
            server,
            b"GET /v1/responses HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n",
        )
        assert answered.startswith(b"HTTP/1.1 426 ")


async def test_dots_in_a_path_are_refused() -> None:
    async with upstream(plain(response(b"ok"))) as up, proxy(up.url) as server:
        answered = await raw_exchange(server, b"GET /v1/%2e%2e/secret HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert answered.startswith(b"HTTP/1.1 400 ")
        assert not up.received


async def test_healthz_is_answered_and_not_listed() -> None:
    async with proxy() as server, httpx.AsyncClient() as client:
        assert (await client.get(f"{server.url}/healthz")).json() == {"status": "ok"}
        assert len(server.store) == 0


async def test_own_key_replaces_the_clients() -> None:
    async with upstream(plain(response(b"ok"))) as up:
        config = ProxyConfig(port=0, upstream=up.url, upstream_api_key="sk-ours-0123456789abcdefgh")
        async with proxy(config=config) as server, httpx.AsyncClient() as client:
            await client.post(f"{server.url}/v1/x", headers={"x-api-key": "sk-theirs"}, content=b"{}")
            await client.post(f"{server.url}/v1/chat/completions", content=b"{}")
            first, second = (dict(received.headers) for received in up.received)
            assert first["x-api-key"] == "sk-ours-0123456789abcdefgh" and "authorization" not in first
            assert second["authorization"] == "Bearer sk-ours-0123456789abcdefgh"
            flow = (await ended(server, 2))[0]
            assert flow.request.headers.get("x-api-key") == "sk-theirs"
            assert [(m.name, m.by, m.after) for m in flow.mutations] == [("credential", "config", "sk-o...efgh")]


async def test_two_hundred_streams_at_once() -> None:
    async def answer(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD)
        for number in range(5):
            writer.write(chunked(b"data: %b %d\n\n" % (request.body, number)))
            await asyncio.sleep(0.01)
        writer.write(b"0\r\n\r\n")

    limits = httpx.Limits(max_connections=300)
    async with upstream(answer) as up, proxy(up.url) as server, httpx.AsyncClient(limits=limits, timeout=60) as client:

        async def one(number: int) -> bool:
            answered = await client.post(f"{server.url}/v1/x", content=b"%d" % number)
            return answered.content == b"".join(b"data: %d %d\n\n" % (number, i) for i in range(5))

        assert all(await asyncio.gather(*(one(number) for number in range(200))))
        flows = await ended(server, 200)
        assert sorted(flow.seq for flow in flows) == list(range(1, 201))


async def test_fifty_megabytes_both_ways() -> None:
    big = bytes(range(256)) * (50 << 12)

    async def answer(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(response(request.body))
        await writer.drain()

    async with upstream(answer) as up, proxy(up.url) as server, httpx.AsyncClient(timeout=60) as client:
        assert (await client.post(f"{server.url}/v1/x", content=big)).content == big


async def test_slow_reader_holds_the_upstream_back() -> None:
    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD)
        while True:
            writer.write(chunked(b"x" * 65536))
            await writer.drain()

    async with upstream(answer) as up, proxy(up.url) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.address.rpartition(":")[2], limit=1024)
        writer.write(b"POST /v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
        await reader.readexactly(10)
        await asyncio.sleep(0.5)
        (flow,) = server.store
        assert flow.response is not None
        held = len(flow.response.body)
        await asyncio.sleep(0.3)
        assert len(flow.response.body) == held < 64 << 20
        writer.close()
        await ended(server)


class Changing(RequestHandler):
    """Adds a header each way, and one key in the body."""

    async def send_request(self, request: httpx.Request, context: Context) -> httpx.Response:
        changed = httpx.Request(
            request.method, request.url, headers=[*request.headers.raw, (b"X-Test-Mutated", b"1")], content=b"changed"
        )
        changed.headers["content-length"] = "7"
        answered = await context.send(changed)
        answered.headers["X-From-Hook"] = "1"
        return answered


async def test_handler_changes_request_and_response() -> None:
    async with upstream(plain(response(b"ok"))) as up, proxy(up.url, handler=Changing()) as server:
        async with httpx.AsyncClient() as client:
            answered = await client.post(f"{server.url}/v1/x", content=b"original")
        assert answered.headers["x-from-hook"] == "1"
        assert ("X-Test-Mutated", "1") in up.received[0].headers and up.received[0].body == b"changed"
        (flow,) = await ended(server)
        assert [mutation.name for mutation in flow.mutations] == ["headers", "body", "response"]
        assert flow.forwarded is not None
        assert (bytes(flow.request.body), bytes(flow.forwarded.body)) == (b"original", b"changed")


class Answering(RequestHandler):
    """Answers by itself, in memory."""

    async def send_request(self, request: httpx.Request, context: Context) -> httpx.Response:
        return httpx.Response(201, headers={"x-made": "here"}, content=b"by hand")


async def test_handler_answers_without_the_upstream() -> None:
    async with upstream(plain(response(b"ok"))) as up, proxy(up.url, handler=Answering()) as server:
        async with httpx.AsyncClient() as client:
            answered = await client.post(f"{server.url}/v1/x", content=b"{}")
        assert (answered.status_code, answered.content, answered.headers["x-made"]) == (201, b"by hand", "here")
        assert not up.received
        (flow,) = await ended(server)
        assert flow.end is not None and (flow.end.reason, flow.end.by) == (Reason.DONE, "hook")
        assert [mutation.name for mutation in flow.mutations] == ["response"]


class Silent(RequestHandler):
    """Forgets to answer."""

    async def send_request(self, request: httpx.Request, context: Context) -> httpx.Response:
        return None  # type: ignore[return-value]


class Raising(RequestHandler):
    """Has a bug."""

    async def send_request(self, request: httpx.Request, context: Context) -> httpx.Response:
        raise KeyError("a bug in a hook")


@pytest.mark.parametrize(
    ("handler", "reason", "words"),
    [
        (Silent(), Reason.UNFINISHED, "handler returned without finalising the response"),
        (Raising(), Reason.HANDLER_ERROR, "a bug in a hook"),
    ],
)
async def test_handler_that_fails_is_a_502(handler: RequestHandler, reason: Reason, words: str) -> None:
    async with proxy("http://127.0.0.1:1", handler=handler) as server, httpx.AsyncClient() as client:
        answered = await client.post(f"{server.url}/v1/x", content=b"{}")
        assert answered.status_code == 502 and words in answered.json()["error"]["message"]
        (flow,) = await ended(server)
        assert flow.end is not None and (flow.end.reason, flow.end.by) == (reason, "hook")
        assert (await client.get(f"{server.url}/healthz")).status_code == 200


async def test_a_stuck_handler_holds_nobody_else() -> None:
    release = asyncio.Event()

    class Stuck(RequestHandler):
        async def send_request(self, request: httpx.Request, context: Context) -> httpx.Response:
            if request.content == b"stuck":
                await release.wait()
            return httpx.Response(200, content=b"ok")

    async with proxy("http://127.0.0.1:1", handler=Stuck()) as server, httpx.AsyncClient() as client:
        stuck = asyncio.ensure_future(client.post(f"{server.url}/v1/x", content=b"stuck"))  # noqa: TID251
        await asyncio.sleep(0.05)
        assert (await client.post(f"{server.url}/v1/x", content=b"free")).text == "ok"
        release.set()
        assert (await stuck).text == "ok"


async def test_stopping_ends_what_is_open() -> None:
    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD + chunked(b"data: 1\n\n"))
        await asyncio.sleep(60)

    async with upstream(answer) as up, httpx.AsyncClient() as client:
        async with proxy(up.url) as server:
            request = client.build_request("POST", f"{server.url}/v1/x", content=b"{}")
            answered = await client.send(request, stream=True)
        (flow,) = server.store
        assert flow.end is not None and flow.end.reason is Reason.SHUTDOWN
        await answered.aclose()


async def test_a_hundred_mixed_endings_leave_nothing_behind() -> None:
    async def answer(request: Received, writer: asyncio.StreamWriter) -> None:
        kind = int(request.body) % 4
        if kind == 0:
            writer.write(response(b"ok"))
        elif kind == 1:
            writer.write(STREAM_HEAD + chunked(b"data: 1\n\n"))
            await asyncio.sleep(60)
        elif kind == 2:
            writer.transport.abort()
            raise ConnectionResetError
        else:
            writer.write(STREAM_HEAD + chunked(b"data: 1\n\n"))
            await writer.drain()
            writer.transport.abort()
            raise ConnectionResetError

    before = len(asyncio.all_tasks())
    async with upstream(answer) as up, proxy(up.url) as server:
        async with httpx.AsyncClient(timeout=3, limits=httpx.Limits(max_connections=100)) as client:

            async def one(number: int) -> None:
                try:
                    await client.post(f"{server.url}/v1/x", content=b"%d" % number)
                except httpx.TransportError:
                    return

            await asyncio.gather(*(one(number) for number in range(100)))
        flows = await ended(server, 100)
        assert len(flows) == 100
        ends = [flow.end.reason for flow in flows if flow.end]
        assert ends.count(Reason.DONE) == ends.count(Reason.CLIENT_GONE) == 25
        assert ends.count(Reason.UPSTREAM_RESET) == 50
    await asyncio.sleep(0.1)
    assert len(asyncio.all_tasks()) == before
