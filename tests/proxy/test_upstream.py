"""The way out: TLS, proxies of the environment, and requests that go out exactly as they are."""

from __future__ import annotations

import ssl
from pathlib import Path

import httpx
import pytest
import trustme

from inspector.model.flow import Reason
from inspector.proxy.upstream import AiohttpTransport
from tests.upstreams import ended, plain, proxy, response, upstream

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority of our own."""
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    """A server's side of TLS for localhost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


async def test_tls_by_an_authority_that_is_trusted(
    authority: trustme.CA, tls: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    async with upstream(plain(response(b"ok")), tls) as up, proxy(up.url) as server, httpx.AsyncClient() as client:
        assert (await client.post(f"{server.url}/v1/x", content=b"{}")).text == "ok"


async def test_tls_by_nobody_we_know_is_refused(tls: ssl.SSLContext) -> None:
    async with upstream(plain(response(b"ok")), tls) as up, proxy(up.url) as server, httpx.AsyncClient() as client:
        answered = await client.post(f"{server.url}/v1/x", content=b"{}")
        assert answered.status_code == 502
        assert "TLS to localhost" in answered.json()["error"]["message"]
        (flow,) = await ended(server)
        assert flow.end is not None and flow.end.reason is Reason.UPSTREAM_UNREACHABLE
        assert not up.received


async def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with upstream(plain(response(b"by proxy"))) as corporate:
        monkeypatch.setenv("http_proxy", corporate.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        async with httpx.AsyncClient(transport=AiohttpTransport(), trust_env=False) as client:
            request = httpx.Request("GET", "http://models.invalid/v1/models")
            assert (await client.send(request)).text == "by proxy"
        assert corporate.received[0].line == "GET http://models.invalid/v1/models HTTP/1.1"


async def test_a_new_url_puts_the_old_target_out_of_force() -> None:
    async with (
        upstream(plain(response(b"ok"))) as up,
        httpx.AsyncClient(transport=AiohttpTransport(), trust_env=False) as client,
    ):
        request = httpx.Request("GET", f"{up.url}/old")
        request.extensions["target"] = (request.url, b"/as%2Fspelled?a|b")
        await client.send(request)
        request.url = httpx.URL(f"{up.url}/new")
        await client.send(request)
        assert [received.line for received in up.received] == [
            "GET /as%2Fspelled?a|b HTTP/1.1",
            "GET /new HTTP/1.1",
        ]


async def test_the_environment_adds_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("OPENAI_ORG_ID", "org-leak")
    async with (
        upstream(plain(response(b"ok"))) as up,
        httpx.AsyncClient(transport=AiohttpTransport(), trust_env=False) as client,
    ):
        await client.send(httpx.Request("POST", f"{up.url}/v1/x", headers={"X-One": "1"}, content=b"{}"))
        assert [name for name, _ in up.received[0].headers] == ["Host", "X-One", "Content-Length"]
