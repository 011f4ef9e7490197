"""The proxy as one thing: a listener, a relay, and the way out, alive from `async with` to the end of the block."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from inspector.model.flow import Flow
from inspector.proxy.credential import Credential
from inspector.proxy.embedded import EmbeddedServer
from inspector.proxy.heartbeat import Heartbeat
from inspector.proxy.held import Holds
from inspector.proxy.hooks import Hooks, RequestHandler
from inspector.proxy.leaving import Leaving
from inspector.proxy.refusal import answered
from inspector.proxy.relay import Relay
from inspector.proxy.routes import Routes
from inspector.proxy.upstream import AiohttpTransport
from inspector.proxy.visitors import Visitors
from inspector.store.flows import FlowStore


@dataclass(frozen=True, slots=True)
class ProxyConfig:
    """How a proxy listens and where it sends things."""

    host: str = "127.0.0.1"
    port: int = 7077
    """0 takes any free port."""
    any_port: bool = False
    """Whether any free one will do where that one is taken."""
    upstream: str | None = None
    """A base URL that gets everything that no name is asked for."""
    upstreams: Mapping[str, str] = field(default_factory=dict)
    """Base URLs by name, each reachable below `/NAME/`; a name that is known by path is served from here instead."""
    upstream_api_key: str | None = field(default=None, repr=False)
    """Sent in the place of the client's key."""
    connect_timeout: float | None = 10.0
    """Seconds."""
    request_timeout: float | None = None
    """Seconds of silence that an upstream may keep; None for any."""
    max_body: int = 256 << 20
    """Bytes of a request's body."""
    token: str | None = field(default=None, repr=False)
    """What every request must bring (see `visitors`); needed where others can reach the address."""
    allow_hosts: Sequence[str] = ()
    """Names by which the listener is asked for, besides `localhost` and loopback addresses."""
    allow_origins: Sequence[str] = ()
    """Web pages (`http://localhost:3000`) that may come in."""
    drain: float = 30.0
    """Seconds that what is on its way gets when a person wants to leave (see `ProxyServer.leave`)."""
    token_file: Path | None = None
    """Where the token was read; None for the environment."""


class ProxyServer:
    """Listens, relays, and puts every request as a flow into the store.

    ValueError for an upstream that cannot be used, or an address that takes a token. Entering raises ValueError for an
    upstream that is the proxy itself, AddressInUse for a port that is taken.
    """

    def __init__(
        self,
        config: ProxyConfig,
        store: FlowStore,
        handler: RequestHandler | None = None,
        hooks: Hooks | None = None,
        holds: Holds | None = None,
    ) -> None:
        self.config = config
        self.store = store
        self.routes = Routes(config.upstream, config.upstreams)
        self._visitors = Visitors(config.host, config.token, config.allow_hosts, config.allow_origins)
        self.holds = holds if holds is not None else Holds(store)
        self._handler = handler or RequestHandler()
        self._hooks = hooks or Hooks()
        self._relay: Relay | None = None
        self._listener: EmbeddedServer | None = None
        self._heartbeat = Heartbeat()
        self._leaving = Leaving()
        self._exit = contextlib.AsyncExitStack()

    @property
    def address(self) -> str:
        """`HOST:PORT` as bound."""
        return self._listener.address if self._listener else f"{self.config.host}:{self.config.port}"

    @property
    def port(self) -> int:
        """The one that is listened on."""
        return self._listener.port if self._listener else self.config.port

    @property
    def url(self) -> str:
        """What clients take for the base URL."""
        return f"http://{self.address}"

    @property
    def added_ms(self) -> float | None:
        """Milliseconds by which chunks come later than they would without us: how long they waited lately for the
        loop, and what relaying them took; None before the first.
        """
        own = self._relay.cost.added_ms if self._relay else 0.0
        return own + self._heartbeat.lateness.mean_ms if own else None

    @property
    def lag_ms(self) -> float:
        """The longest that the event loop came late in the last second, in ms."""
        return self._heartbeat.lateness.greatest_ms

    @property
    def transport(self) -> httpx.AsyncBaseTransport:
        """The way out, for whoever sends requests of their own. RuntimeError unless the proxy runs."""
        return self._running.transport

    @property
    def in_flight(self) -> int:
        """How many requests are on their way, and moving."""
        return max(0, len(self._relay.live) - len(self.holds)) if self._relay is not None else 0

    def leave(self, seconds: float) -> None:
        """Take no more requests. What is on its way has so many seconds; asked again, the shorter time counts."""
        self._leaving.begin(seconds)

    @property
    def patience(self) -> float | None:
        """Seconds that what is on its way still has; None where nobody wants to leave."""
        return self._leaving.patience

    def can_hold(self, flow: Flow) -> bool:
        """Whether a flow is on its way, and moving."""
        return self._relay is not None and self._relay.can_hold(flow)

    def hold(self, flow: Flow) -> None:
        """Stop a flow at its next event, or the next moment at which it can be stopped."""
        self._running.hold(flow)

    @property
    def _running(self) -> Relay:
        if self._relay is None:
            raise RuntimeError("the proxy does not run")
        return self._relay

    async def __aenter__(self) -> Self:
        config = self.config
        async with contextlib.AsyncExitStack() as stack:
            transport = AiohttpTransport(connect_timeout=config.connect_timeout, read_timeout=config.request_timeout)
            await stack.enter_async_context(transport)
            credential = Credential(config.upstream_api_key) if config.upstream_api_key else None
            self._relay = Relay(
                self.store, self.routes, transport, self._handler, self._hooks, self.holds, credential, config.max_body
            )
            app = _dispatch(self._relay, self._visitors, self._leaving)
            listener = EmbeddedServer(app, host=config.host, port=config.port, any_port=config.any_port)
            self._listener = await stack.enter_async_context(listener)
            self._check_no_loop()
            self._heartbeat.start()
            stack.callback(self._heartbeat.stop)
            self._exit = stack.pop_all()
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self._exit.aclose()

    def _check_no_loop(self) -> None:
        for url in filter(None, (self.config.upstream, *self.config.upstreams.values())):
            if urlsplit(url).netloc == self.address:
                raise ValueError(f"{url} is inspector itself: an upstream must be another server")


def _dispatch(relay: Relay, visitors: Visitors, leaving: Leaving) -> ASGIApp:
    """The app of the listener: who may not come in is told so, the few paths of our own go to a Starlette router, all
    else to the relay.

    It awaits nothing itself: every coroutine between the event loop and a chunk is passed through for each chunk.
    """
    own = Router([Route("/healthz", _healthz)], redirect_slashes=False)
    paths = {route.path for route in own.routes if isinstance(route, Route)}

    def app(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if (refusal := visitors.refusal(scope) or leaving.refusal()) is not None:
            return answered(refusal, send)
        return own(scope, receive, send) if scope["path"] in paths else relay(scope, receive, send)

    return app


async def _healthz(request: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})
