"""Who is let in: over real sockets, for browsers and attackers write what a client library would not."""

from __future__ import annotations

import logging
import re

import anyio
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.model.headers import Headers
from inspector.proxy.routes import BUILT_IN, BadPath, Routes, Unrouted
from inspector.proxy.server import ProxyConfig
from inspector.proxy.visitors import Visitors
from tests.upstreams import Upstream, ended, plain, proxy, raw_exchange, response, upstream

pytestmark = pytest.mark.anyio

TOKEN = "correct-horse-battery"
ANSWER = plain(response(b"ok"))
ODD_HOSTS = [
    "localhost:@evil.example",
    "localhost@evil",
    "[::1]evil",
    "[::1",
    "::1",
    "localhost..",
    "127.1",
    "localhost/",
]
"""Some that a careless reader takes for this machine, or that are no hosts at all."""


def asked(*lines: str, target: str = "/v1/x", method: str = "POST") -> bytes:
    """A request with these header lines."""
    head = [f"{method} {target} HTTP/1.1", "Content-Length: 2", "Connection: close", *lines, "", ""]
    return "\r\n".join(head).encode("latin-1") + b"{}"


def config(up: Upstream, **more: object) -> ProxyConfig:
    return ProxyConfig(port=0, upstream=up.url, **more)  # type: ignore[arg-type]


def status(answered: bytes) -> int:
    return int(answered.split(b" ", 2)[1])


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost:",
        "LOCALHOST.",
        "[::1]:7077",
        "127.0.0.1:80",
        "host.docker.internal",
        "box:1",
        "[FD00::1]",
    ],
)
async def test_our_own_names_are_let_in(host: str) -> None:
    async with upstream(ANSWER) as up:
        allowed = config(up, allow_hosts=("host.docker.internal", "Box", "fd00::1"))
        async with proxy(config=allowed) as server:
            for _ in range(2):
                assert status(await raw_exchange(server, asked(f"Host: {host}"))) == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:7077",
        "127.0.0.1.evil.example",
        "localhost.evil",
        "10.0.0.1",
        "0.0.0.0",
        "",
        *ODD_HOSTS,
    ],
)
async def test_a_name_that_was_turned_into_our_address_is_refused(host: str) -> None:
    async with upstream(ANSWER) as up, proxy(up.url) as server:
        for target in ("/v1/x", "/healthz"):
            answered = await raw_exchange(server, asked(f"Host: {host}", target=target))
            assert status(answered) == 421
            assert b"--allow-host" in answered
        assert not up.received and len(server.store) == 0


@pytest.mark.parametrize(
    "lines",
    [
        ("Host: evil.example", "Host: localhost"),
        ("Host: localhost", "Host: evil.example"),
        ("Host: localhost", "Origin: https://evil.example", "Origin: file://"),
        ("Host: localhost", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: none"),
    ],
)
async def test_what_says_two_things_is_refused(lines: tuple[str, ...]) -> None:
    async with upstream(ANSWER) as up, proxy(up.url) as server:
        assert status(await raw_exchange(server, asked(*lines))) == 400
        assert not up.received and len(server.store) == 0


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("GET /v1/x HTTP/1.0", 200),
        ("GET http://evil.example/v1/x HTTP/1.1\r\nHost: localhost", 200),
        ("GET http://evil.example/v1/x HTTP/1.1\r\nHost: evil.example", 421),
        ("GET http://localhost@{evil}/v1/x HTTP/1.1\r\nHost: localhost", 200),
        ("CONNECT {evil} HTTP/1.1\r\nHost: localhost", 400),
        ("GET /v1/x HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: upgrade", 426),
        ("GET /v1/x HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nOrigin: https://evil.example", 403),
        ("OPTIONS * HTTP/1.1\r\nHost: localhost", 400),
        ("POST /v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: chunked", 400),
    ],
)
async def test_no_form_of_a_request_reaches_another_host(head: str, expected: int) -> None:
    async with upstream(ANSWER) as up, upstream(ANSWER) as evil, proxy(up.url) as server:
        wire = head.replace("{evil}", evil.url.removeprefix("http://")) + "\r\n\r\n"
        assert status(await raw_exchange(server, wire.encode())) == expected
        assert not evil.received
        assert [request.line for request in up.received] == ["GET /v1/x HTTP/1.1"] * (expected == 200)


async def test_a_request_through_us_as_a_forward_proxy_is_refused() -> None:
    async with upstream(ANSWER) as up, proxy(up.url) as server:
        answered = await raw_exchange(server, asked("Host: api.example", target="http://api.example/v1/x"))
        assert status(answered) == 421 and not up.received


@pytest.mark.parametrize("method", ["POST", "GET", "OPTIONS", "PUT"])
@pytest.mark.parametrize(
    "lines",
    [
        ("Origin: https://evil.example",),
        ("Origin: http://localhost:3000",),
        ("Origin: null",),
        ("Origin: chrome-extension://abc",),
        ("Origin: https://evil.example/\r\nSec-Fetch-Site: none",),
        ("Origin: https://evil.example", "Access-Control-Request-Method: POST"),
        ("Sec-Fetch-Site: cross-site",),
        ("Sec-Fetch-Site: same-site",),
    ],
)
async def test_web_pages_are_refused_and_learn_nothing(method: str, lines: tuple[str, ...]) -> None:
    async with upstream(ANSWER) as up, proxy(up.url) as server:
        answered = await raw_exchange(server, asked("Host: localhost", *lines, method=method))
        assert status(answered) == 403
        assert b"access-control" not in answered.lower()
        assert not up.received and len(server.store) == 0


@pytest.mark.parametrize(
    "lines",
    [
        ("Sec-Fetch-Mode: cors",),
        ("Sec-Fetch-Site: none",),
        ("Origin: vscode-webview://1b2c", "Sec-Fetch-Site: cross-site"),
        ("Origin: file://",),
        ("Origin: app://obsidian.md",),
        ("Origin: http://LOCALHOST:3000", "Sec-Fetch-Site: same-site"),
    ],
)
async def test_programs_and_allowed_pages_are_let_in(lines: tuple[str, ...]) -> None:
    async with upstream(ANSWER) as up, proxy(config=config(up, allow_origins=("http://localhost:3000/",))) as server:
        assert status(await raw_exchange(server, asked("Host: localhost", *lines))) == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "", "::", "192.168.1.5", "example.org"])
def test_an_address_of_others_takes_a_token(host: str) -> None:
    with pytest.raises(ValueError, match="takes a token"):
        Visitors(host)
    Visitors(host, TOKEN)


@pytest.mark.parametrize("token", ["", "short", "a" * 15, "with/a/slash/in/it/somewhere", "a" * 300, "ä" * 20])
def test_a_token_that_is_weak_or_no_part_of_a_url(token: str) -> None:
    with pytest.raises(ValueError, match="a token has") as caught:
        Visitors("127.0.0.1", token)
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize("host", ["*", "http://box", "box/x", "", "a b"])
def test_a_host_that_is_none(host: str) -> None:
    with pytest.raises(ValueError, match="--allow-host"):
        Visitors("127.0.0.1", hosts=[host])


@pytest.mark.parametrize("origin", ["*", "localhost", "http://a/b", "http://a b"])
def test_an_origin_that_is_none(origin: str) -> None:
    with pytest.raises(ValueError, match="--allow-origin"):
        Visitors("127.0.0.1", origins=[origin])


@pytest.mark.parametrize(
    ("target", "lines"),
    [
        (f"/t/{TOKEN}/v1/x?a=%2F", ()),
        ("/v1/x?a=%2F", (f"X-Inspector-TOKEN: {TOKEN}",)),
        (f"/t/{TOKEN}/v1/x?a=%2F", ("X-Inspector-Token: wrong",)),
    ],
)
async def test_the_token_opens_and_is_gone(target: str, lines: tuple[str, ...]) -> None:
    async with upstream(ANSWER) as up, proxy(config=config(up, token=TOKEN)) as server:
        assert status(await raw_exchange(server, asked("Host: any.name", *lines, target=target))) == 200
        (flow,) = await ended(server)
        assert up.received[0].line == "POST /v1/x?a=%2F HTTP/1.1"
        assert "x-inspector-token" not in flow.request.headers
        assert "inspector-token" not in str(up.received[0].headers).lower()
        assert TOKEN not in repr((flow, up.received, server.config))


@pytest.mark.parametrize("target", [f"/t/{TOKEN}", f"/t/{TOKEN}/"])
async def test_the_token_alone_is_the_root(target: str) -> None:
    async with upstream(ANSWER) as up, proxy(config=config(up, token=TOKEN)) as server:
        assert status(await raw_exchange(server, asked("Host: x", target=target))) == 200
        assert up.received[0].line == "POST / HTTP/1.1"


async def test_a_token_of_before_is_neither_recorded_nor_passed_on() -> None:
    async with upstream(ANSWER) as up, proxy(up.url) as server:
        answered = await raw_exchange(server, asked("Host: localhost", target=f"/t/{TOKEN}/v1/x"))
        assert status(answered) == 404 and b"has no token" in answered and TOKEN.encode() not in answered
        assert not up.received and len(server.store) == 0


async def test_our_own_paths_are_below_the_token_too() -> None:
    async with proxy(config=ProxyConfig(port=0, token=TOKEN)) as server, httpx.AsyncClient() as client:
        assert (await client.get(f"{server.url}/t/{TOKEN}/healthz")).json() == {"status": "ok"}
        assert (await client.get(f"{server.url}/healthz")).status_code == 403


@pytest.mark.parametrize(
    ("target", "lines"),
    [
        ("/v1/x", ()),
        (f"/t/{TOKEN}x/v1/x", ()),
        (f"/t/{TOKEN[:-1]}/v1/x", ()),
        (f"//t/{TOKEN}/v1/x", ()),
        (f"/x/t/{TOKEN}/v1/x", ()),
        (f"/v1/x?token={TOKEN}", ()),
        ("/v1/x", ("X-Inspector-Token: ",)),
        ("/v1/x", (f"X-Inspector-Token: {TOKEN}x",)),
        ("/v1/x", (f"Authorization: Bearer {TOKEN}",)),
        (f"/t/{TOKEN}/v1/x", ("Origin: https://evil.example",)),
    ],
)
async def test_without_the_token_there_is_nothing(target: str, lines: tuple[str, ...]) -> None:
    async with upstream(ANSWER) as up, proxy(config=config(up, token=TOKEN)) as server:
        answered = await raw_exchange(server, asked("Host: localhost", *lines, target=target))
        assert status(answered) == 403
        assert TOKEN.encode() not in answered
        assert not up.received and len(server.store) == 0


async def test_refusals_are_counted_and_do_not_flood_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with upstream(ANSWER) as up, proxy(config=config(up, token=TOKEN)) as server, httpx.AsyncClient() as client:
        with caplog.at_level(logging.WARNING):
            for number in range(25):
                await client.post(f"{server.url}/t/wrong-{number:020}/v1/x", content=b"guess")
    counts = [re.match(r"\d+", record.getMessage()) for record in caplog.records]
    assert [found[0] for found in counts if found] == ["1", "10"]
    assert "wrong" not in caplog.text and "guess" not in caplog.text


async def test_a_hostile_name_is_not_quoted(caplog: pytest.LogCaptureFixture) -> None:
    async with upstream(ANSWER) as up, proxy(up.url) as server:
        for line in ("Host: \x9b2Jevil", "Host: a\x07b", "Host: localhost\r\nOrigin: https://\x9b2J"):
            answered = await raw_exchange(server, asked(line))
            assert status(answered) in (400, 403, 421)
    assert not re.search("[\x07\x9b]", caplog.text)


PATHS = ["/", "//", "/t/", "v1", "messages", "api/chat", "openai", "named", "..", ".", ";", "~"]
PLACES = ["http://", "https:", "user:pw", "@", ":", "*", "evil.example", "{evil}", "[::1]", "\\"]
SIGNS = ["?", "#", "%0d%0a", "%2f", "%40", "é", "\x80"]
TARGETS = st.lists(st.sampled_from(PATHS + PLACES + SIGNS), min_size=1, max_size=8).map("".join)


@settings(max_examples=400, deadline=None)
@given(TARGETS, st.sampled_from(["", "evil.example", "api.openai.com@evil.example"]))
def test_every_target_stays_at_a_configured_origin(target: str, host: str) -> None:
    for routes in (Routes("http://all:1"), Routes(None, {"named": "https://named:2/v1"})):
        allowed = {"http://all:1"} if routes.default else {"https://named:2", "https://chatgpt.com"}
        allowed |= {"/".join(url.split("/")[:3]) for url in BUILT_IN.values()}
        try:
            found = routes.resolve(target, Headers([("host", host), ("x-forwarded-host", "evil.example")]))
        except (BadPath, Unrouted):
            continue
        assert found.origin in allowed
        parsed = httpx.URL(found.url.partition("?")[0].partition("#")[0])
        assert f"{parsed.scheme}://{parsed.netloc.decode()}" in allowed


@settings(max_examples=15, deadline=None)
@given(st.lists(TARGETS, min_size=5, max_size=5))
def test_over_the_wire_only_the_configured_upstream_is_asked(targets: list[str]) -> None:
    async def check() -> None:
        async with upstream(ANSWER) as up, upstream(ANSWER) as evil, proxy(up.url) as server:
            place = evil.url.removeprefix("http://")
            for target in targets:
                written = target.replace("{evil}", place).replace("evil.example", place)
                await raw_exchange(server, asked("Host: localhost", f"X-Forwarded-Host: {place}", target=written))
            assert not evil.received
            assert all(flow.request.url.startswith(f"{up.url}/") for flow in server.store if not flow.error)

    anyio.run(check)


async def test_the_hole_that_a_star_would_be() -> None:
    """`*@host` behind `http://upstream:port` would make the upstream a user's name."""
    async with upstream(ANSWER) as up, upstream(ANSWER) as evil, proxy(up.url) as server:
        answered = await raw_exchange(server, asked("Host: localhost", target=f"*@{evil.url[7:]}/x"))
        assert status(answered) == 400
        assert not up.received and not evil.received


async def test_redirects_are_the_clients_affair() -> None:
    async with upstream(ANSWER) as evil:
        moved = response(b"", f"Location: {evil.url}/v1/x", status="307 Temporary Redirect")
        async with upstream(plain(moved)) as up, proxy(up.url) as server:
            answered = await raw_exchange(server, asked("Host: localhost", "X-Forwarded-For: 1.2.3.4"))
            assert status(answered) == 307 and evil.url.encode() in answered
            assert ("X-Forwarded-For", "1.2.3.4") in up.received[0].headers
        assert not evil.received
