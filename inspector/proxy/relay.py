"""The relay: a request goes out as it came in, and its response comes back as it goes, chunk by chunk.

On the way of a chunk there is no parsing, no lock and no message: it goes to the client, then its bytes and its time
are kept, then an integer is bumped.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import httpx
from starlette.types import Receive, Scope, Send

from inspector.dialects import by_name, detect
from inspector.model.agents import agent_of
from inspector.model.flow import Flow, Reason, Request, Response
from inspector.model.headers import Headers
from inspector.proxy.client_watch import ClientGone, ClientWatch, Hangup
from inspector.proxy.credential import Credential
from inspector.proxy.embedded import Aborted
from inspector.proxy.held import Holds
from inspector.proxy.hooks import Context, RequestHandler
from inspector.proxy.refusal import Refusal, from_upstream
from inspector.proxy.routes import BadPath, Routes, Unrouted
from inspector.store.flows import FlowStore
from inspector.wire.body import decoded

BODILESS = ("GET", "HEAD")
"""Methods whose bodies have no meaning (RFC 9110, 9.3.1) and are not passed on."""


@dataclass(slots=True)
class Relay:
    """The ASGI app behind the listener (it needs `ExactProtocol`). Every request becomes a flow in the store."""

    store: FlowStore
    routes: Routes
    transport: httpx.AsyncBaseTransport
    handler: RequestHandler
    holds: Holds
    credential: Credential | None = None
    max_body: int = 256 << 20
    """Bytes that a request's body may have; more is answered with 413."""
    added_ms: float = 0.0
    """What relaying a chunk took lately, from its arrival to its departure: a moving average."""

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request."""
        return _Exchange(self, scope, receive, send).run()


class _Exchange:
    """One request on its way through."""

    def __init__(self, relay: Relay, scope: Scope, receive: Receive, send: Send) -> None:
        self.relay = relay
        self.receive = receive
        self.send = send
        self.hangup: Hangup = scope["extensions"]["inspector.hangup"]
        self.write: Callable[[bytes], bool] = scope["extensions"]["inspector.write"]
        self.started = False
        clock = time.perf_counter()
        self.flow = flow = Flow(secrets.token_hex(6), _request(scope), time.time(), clock)
        flow.agent = agent_of(flow.request.headers)
        self.refusal = self._route(scope)
        flow.dialect = detect(flow.request).name
        self.context = Context(flow, relay.transport, relay.holds)
        relay.store.add(flow)

    async def run(self) -> None:
        flow = self.flow
        try:
            await self._receive_request()
            async with ClientWatch(self.hangup, self.context.cancelled.set):
                await self._relay(await self._ask())
        except ClientGone:
            self._client_gone()
        except Refusal as refusal:
            await self._refuse(refusal)
        except asyncio.CancelledError:
            self._finish(Reason.SHUTDOWN, "proxy", "inspector was stopped")
            raise
        except Exception as error:
            self._finish(Reason.HANDLER_ERROR, "proxy", f"{type(error).__name__}: {error}")
            raise
        finally:
            flow.finish(self._now(), Reason.UNFINISHED, "proxy")
            self.relay.store.touch(flow)

    def _route(self, scope: Scope) -> Refusal | None:
        request = self.flow.request
        query = scope["query_string"].decode("latin-1")
        target = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        host = request.headers.get("host") or "{}:{}".format(*scope["server"])
        request.url = f"http://{host}{target}"
        try:
            resolved = self.relay.routes.resolve(target, request.headers)
        except Unrouted as error:
            return Refusal(404, Reason.UNROUTED, "proxy", str(error))
        except BadPath as error:
            return Refusal(400, Reason.REFUSED, "proxy", str(error))
        request.url = resolved.url
        self.flow.provider = resolved.provider
        if "websocket" in request.headers.get("upgrade").lower():
            return Refusal(426, Reason.REFUSED, "proxy", "WebSockets are not relayed: please use HTTP")
        return None

    async def _receive_request(self) -> None:
        if self.refusal:
            raise self.refusal
        flow, limit = self.flow, self.relay.max_body
        more, declared = True, flow.request.headers.get("content-length")
        while more:
            if max(len(flow.request.body), int(declared) if declared.isdigit() else 0) > limit:
                raise Refusal(413, Reason.REFUSED, "proxy", f"the request's body is larger than {limit} bytes")
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            more = message["more_body"]
            if message["body"] and flow.request.method in BODILESS:
                flow.note(f"the body of a {flow.request.method} was not passed on")
            elif message["body"]:
                flow.request.body.append(self._now(), message["body"])
                self.relay.store.touch(flow)
        flow.timing.received = self._now()

    async def _ask(self) -> httpx.Response:
        flow = self.flow
        if self.relay.credential:
            self.relay.credential.apply(flow)
        flow.timing.forwarded = self._now()
        self.relay.store.touch(flow)
        try:
            response = await self.relay.handler.send_request(self.context.request(), self.context)
        except httpx.TransportError as error:
            raise from_upstream(error) from error
        except Exception as error:
            raise Refusal(502, Reason.HANDLER_ERROR, "hook", str(error) or type(error).__name__) from error
        if not isinstance(response, httpx.Response):
            raise Refusal(502, Reason.UNFINISHED, "hook", "handler returned without finalising the response")
        self.context.note_response(response)
        return response

    async def _relay(self, response: httpx.Response) -> None:
        try:
            await self._send_head(response)
            await self._send_body(_chunks(response))
            await self.send({"type": "http.response.body", "body": b"", "more_body": False})
            self._finish(Reason.DONE, "upstream" if self.context.upstream else "hook")
        except httpx.TransportError as error:
            self._broke_off(error)
            raise Aborted(str(error)) from error
        finally:
            await response.aclose()

    async def _send_head(self, response: httpx.Response) -> None:
        flow = self.flow
        headers = Headers.from_raw(response.headers.raw)
        flow.response = Response(response.status_code, headers, response.reason_phrase)
        flow.timing.head = self._now()
        self.relay.store.touch(flow)
        reason = response.extensions.get("reason_phrase", response.reason_phrase.encode())
        start = {"type": "http.response.start", "status": response.status_code, "reason": reason}
        await self.send(start | {"headers": headers.end_to_end().raw()})
        self.started = True

    async def _send_body(self, chunks: AsyncIterator[bytes]) -> None:
        flow, relay, write, clock = self.flow, self.relay, self.write, time.perf_counter
        assert flow.response is not None
        body, zero = flow.response.body, flow.clock
        async for chunk in chunks:
            came = clock()
            try:
                if not write(chunk):
                    await self.send({"type": "http.response.body", "body": chunk, "more_body": True})
            finally:
                body.append((came - zero) * 1000, chunk)
                relay.store.touch(flow)
            relay.added_ms += ((clock() - came) * 1000 - relay.added_ms) / 64

    async def _refuse(self, refusal: Refusal) -> None:
        flow, body = self.flow, refusal.body()
        headers = Headers([("content-type", "application/json"), ("content-length", str(len(body)))])
        flow.response = Response(refusal.status, headers)
        flow.response.body.append(self._now(), body)
        self._finish(refusal.reason, refusal.by, refusal.message)
        await self.send({"type": "http.response.start", "status": refusal.status, "headers": headers.raw()})
        await self.send({"type": "http.response.body", "body": body, "more_body": False})

    def _client_gone(self) -> None:
        if self._answer_is_whole():
            self._finish(Reason.DONE, "client")
        elif self.started:
            self._finish(Reason.CLIENT_GONE, "client", "the client closed the connection in the middle of the answer")
        else:
            self._finish(Reason.CLIENT_GONE, "client", "499: the client closed the connection before an answer")

    def _broke_off(self, error: httpx.TransportError) -> None:
        if self._answer_is_whole():
            self.flow.note(f"the connection broke after the end of the answer: {error}")
            self._finish(Reason.DONE, "upstream")
        else:
            reason = Reason.TIMEOUT if isinstance(error, httpx.TimeoutException) else Reason.UPSTREAM_RESET
            self._finish(reason, "upstream", str(error))

    def _answer_is_whole(self) -> bool:
        """Whether the stream's own end came before the connection's: some clients hang up as soon as they have it."""
        response = self.flow.response
        if response is None:
            return False
        body, _ = decoded(response.headers, bytes(response.body))
        return any(mark in body for mark in by_name(self.flow.dialect).terminal)

    def _finish(self, reason: Reason, by: str, error: str | None = None) -> None:
        self.flow.finish(self._now(), reason, by, error)

    def _now(self) -> float:
        return (time.perf_counter() - self.flow.clock) * 1000


def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    """A response's body as it comes, still encoded. (httpx's own `aiter_raw` wraps it in three more iterators.)"""
    if response.is_stream_consumed:
        return _once(response.content)
    assert isinstance(response.stream, httpx.AsyncByteStream)
    return aiter(response.stream)


async def _once(content: bytes) -> AsyncIterator[bytes]:
    if content:
        yield content


def _request(scope: Scope) -> Request:
    return Request(scope["method"].upper(), "", Headers.from_raw(scope["extensions"]["inspector.headers"]))
