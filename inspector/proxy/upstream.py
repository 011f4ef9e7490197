"""The way out: httpx's API over aiohttp's transport, which costs a quarter of httpx's own for each request.

What goes out is what is in the request: aiohttp's and httpx's default headers, cookies, redirects, retries of their own
and decompression are all off.
"""

from __future__ import annotations

import contextlib
import os
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from functools import lru_cache
from urllib.request import getproxies, proxy_bypass

import aiohttp
import certifi
import httpx
from aiohttp.client_exceptions import ClientConnectorCertificateError, ClientConnectorDNSError, ConnectionTimeoutError
from multidict import CIMultiDict
from yarl import URL

from inspector.proxy.connector import Connector, connecting
from inspector.proxy.pushing import Push

_AUTOMATIC = frozenset({"Accept", "Accept-Encoding", "Content-Type", "User-Agent"})

SLICE = 256 * 1024
"""Bytes of a request's body that are written at once."""

_ERRORS: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
    (ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ServerTimeoutError, httpx.ReadTimeout),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.ClientProxyConnectionError, httpx.ProxyError),
    (aiohttp.ClientHttpProxyError, httpx.ProxyError),
    (aiohttp.ClientPayloadError, httpx.ReadError),
    (aiohttp.InvalidURL, httpx.UnsupportedProtocol),
    (aiohttp.ClientConnectionError, httpx.ReadError),
    (aiohttp.ClientError, httpx.RemoteProtocolError),
    (OSError, httpx.ReadError),
    (ValueError, httpx.LocalProtocolError),
)


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends each request exactly as it is, raw target and header spelling included, and gives bodies still encoded.

    Must be made inside the event loop. Time-outs in seconds, None for none: `connect_timeout` for a connection,
    `read_timeout` between two pieces of a response.

    A request's `target` extension, a pair of its URL object and bytes, puts those bytes on the request line unchanged;
    it lapses as soon as the request gets another URL.
    """

    def __init__(self, *, connect_timeout: float | None = 10.0, read_timeout: float | None = None) -> None:
        self._session = aiohttp.ClientSession(
            connector=Connector(limit=0, keepalive_timeout=15, ssl=_trust()),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout, sock_read=read_timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_AUTOMATIC,
            auto_decompress=False,
            read_bufsize=256 * 1024,
            max_line_size=64 * 1024,
            max_field_size=128 * 1024,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the answer's head is there, its body streams. Raises httpx.TransportError."""
        connecting()
        with _as_httpx_errors(request):
            response = await self._session.request(
                request.method,
                _target(request),
                headers=_lines(request.headers.raw),
                data=_data(request.content),
                allow_redirects=False,
                proxy=_proxy(request.url.scheme, request.url.host),
            )
        reason = (response.reason or "").encode("latin-1", "replace")
        return httpx.Response(
            response.status,
            headers=list(response.raw_headers),
            stream=Body(response, request),
            request=request,
            extensions={"http_version": b"HTTP/1.1", "reason_phrase": reason},
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._session.close()


class Body(httpx.AsyncByteStream):
    """A response's body, in the pieces in which it came."""

    def __init__(self, response: aiohttp.ClientResponse, request: httpx.Request) -> None:
        self._response = response
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self._response.content
        with _as_httpx_errors(self._request):
            while chunk := await content.readany():
                yield chunk

    async def push(self, take: Callable[[bytes], bool]) -> bool:
        """Hand the pieces on as they come (see `Pushing`)."""
        with _as_httpx_errors(self._request):
            return await Push(self._response.content, take).run()

    async def aclose(self) -> None:
        """Drop the connection unless the body was read to its end, so that the upstream stops at once."""
        self._response.close()


def _trust() -> ssl.SSLContext:
    """Whom to believe: what SSL_CERT_FILE or SSL_CERT_DIR name, else the system's authorities and certifi's."""
    context = ssl.create_default_context()
    if not os.environ.get("SSL_CERT_FILE") and not os.environ.get("SSL_CERT_DIR"):
        context.load_verify_locations(certifi.where())
    return context


def _target(request: httpx.Request) -> URL:
    url, target = request.extensions.get("target", (None, b""))
    if url is not request.url:
        return URL(str(request.url), encoded=True)
    origin = f"{request.url.scheme}://{request.url.netloc.decode('ascii')}"
    return URL(origin + target.decode("latin-1"), encoded=True)


def _data(content: bytes) -> bytes | AsyncIterator[bytes] | None:
    return _sliced(content) if len(content) > SLICE else content or None


async def _sliced(content: bytes) -> AsyncIterator[bytes]:
    # One write of 50 MB would copy it all at once, and hold every stream up meanwhile.
    for start in range(0, len(content), SLICE):
        yield content[start : start + SLICE]


def _lines(pairs: list[tuple[bytes, bytes]]) -> CIMultiDict[str]:
    # aiohttp takes two spellings of a name for a correction, and drops the first line: all get the first's spelling.
    spelling: dict[bytes, str] = {}
    lines: CIMultiDict[str] = CIMultiDict()
    for name, value in pairs:
        lines.add(spelling.setdefault(name.lower(), name.decode("latin-1")), _text(value))
    return lines


def _text(value: bytes) -> str:
    # aiohttp writes headers as UTF-8: bytes that are UTF-8 come out as they went in.
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


@lru_cache(maxsize=256)
def _proxy(scheme: str, host: str) -> str | None:
    """The proxy that the environment (HTTP_PROXY, HTTPS_PROXY, NO_PROXY) names for a host."""
    address = getproxies().get(scheme)
    return None if address is None or proxy_bypass(host) else address


@contextlib.contextmanager
def _as_httpx_errors(request: httpx.Request) -> Iterator[None]:
    try:
        yield
    except (aiohttp.ClientError, OSError, ValueError) as error:
        kind = next(ours for theirs, ours in _ERRORS if isinstance(error, theirs))
        raise kind(describe(error), request=request) from error


def describe(error: Exception) -> str:
    """An error of the way out in one line that a person can act on."""
    if isinstance(error, ClientConnectorDNSError):
        return f"no such host: {error.host}"
    if isinstance(error, ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return f"TLS to {error.host}:{error.port} failed: {error}"
    if isinstance(error, ConnectionTimeoutError):
        return "no connection within the connect time-out"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"cannot connect to {error.host}:{error.port}: {error.strerror or error.os_error}"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the upstream broke off before the end of its response"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the upstream closed the connection without an answer"
    return str(error) or type(error).__name__
