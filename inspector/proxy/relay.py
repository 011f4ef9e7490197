"""The relay: a request goes out as it came in, and its response comes back as it goes, chunk by chunk.

On the way of a chunk there is no parsing, no lock and no message: it goes to the client, then its bytes and its time
are kept, then an integer is bumped.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx
from starlette.types import Receive, Scope, Send

from inspector.dialects import detect
from inspector.dialects._bedrock import is_signed
from inspector.dialects._logprobs import Strip
from inspector.model.agents import agent_of
from inspector.model.flow import Flow, Moment, Reason, Request, Response
from inspector.model.headers import Headers
from inspector.model.sessions import GIVEN_HEADER, given_name
from inspector.proxy.client_watch import ClientGone, ClientWatch, Hangup
from inspector.proxy.connector import connecting_for
from inspector.proxy.credential import Credential
from inspector.proxy.delivery import Cost, Delivery
from inspector.proxy.embedded import Aborted
from inspector.proxy.ends import finish_broken, is_whole
from inspector.proxy.guarded import GuardedStrip, GuardedWatch, excuse
from inspector.proxy.held import Dropped, Holds, Step
from inspector.proxy.hooks import Context, Hooks, RequestHandler, by_of
from inspector.proxy.refusal import Refusal, answered, from_upstream
from inspector.proxy.routes import BadPath, Routes, Unrouted
from inspector.store.flows import FlowStore

BODILESS = ("GET", "HEAD")
"""Methods whose bodies have no meaning (RFC 9110, 9.3.1) and are not passed on."""


@dataclass(slots=True)
class Relay:
    """The ASGI app behind the listener (it needs `ExactProtocol`). Every request becomes a flow in the store."""

    store: FlowStore
    routes: Routes
    transport: httpx.AsyncBaseTransport
    handler: RequestHandler
    hooks: Hooks
    holds: Holds
    credential: Credential | None = None
    max_body: int = 256 << 20
    """Bytes that a request's body may have; more is answered with 413."""
    cost: Cost = field(default_factory=Cost)
    live: dict[str, _Exchange] = field(default_factory=dict)
    """The exchanges that are on their way, by their flow's id."""

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request."""
        return _Exchange(self, scope, receive, send).run()

    def can_hold(self, flow: Flow) -> bool:
        """Whether a flow is on its way, and moving."""
        exchange = self.live.get(flow.id)
        return exchange is not None and flow.live and flow.hold is None and not exchange.delivery.over

    def hold(self, flow: Flow, by: str = "hand") -> None:
        """Stop a flow at its next event, or the next moment at which it can be stopped."""
        if self.can_hold(flow):
            self.live[flow.id].hold(by)


class _Exchange:
    """One request on its way through."""

    def __init__(self, relay: Relay, scope: Scope, receive: Receive, send: Send) -> None:
        self.relay = relay
        self.receive = receive
        self.send = send
        self.hangup: Hangup = scope["extensions"]["inspector.hangup"]
        self.drop: Callable[[], None] = scope["extensions"]["inspector.drop"]
        clock = time.perf_counter()
        self.flow = flow = Flow(secrets.token_hex(6), _request(scope), time.time(), clock)
        self.refusal = self._route(scope)
        self._recognise()
        self.context = Context(flow, relay.transport, relay.holds)
        self.watch: GuardedWatch | None = None
        self.answer: httpx.Response | None = None
        write = scope["extensions"]["inspector.write"]
        self.delivery = Delivery(flow, relay.store, relay.holds, relay.cost, write, send)
        self.hold_asked = ""
        relay.store.add(flow)
        relay.live[flow.id] = self

    def _recognise(self) -> None:
        """Say who asks, and in what dialect, as far as that can be told."""
        flow = self.flow
        try:
            flow.agent = agent_of(flow.request.headers)
            flow.dialect = detect(flow.request).name
        except Exception as error:  # the border to agents and dialects: it passes, whatever it is
            flow.note(f"it is not known what this is: {type(error).__name__}: {error}")

    async def run(self) -> None:
        flow = self.flow
        try:
            await self._receive_request()
            async with ClientWatch(self.hangup, self.context.cancelled.set):
                try:
                    await self._relay(await self._answer())
                finally:
                    await self._close(self.answer)
                    await self._close(self.context.upstream)
        except ClientGone:
            self._client_gone()
        except Dropped:
            self._dropped()
        except Refusal as refusal:
            await self._refuse(refusal)
        except asyncio.CancelledError:
            if await self._ended_by_person():
                return
            self._finish(Reason.SHUTDOWN, "proxy", "inspector was stopped")
            raise
        except Exception as error:
            self._finish(Reason.HANDLER_ERROR, "proxy", f"{type(error).__name__}: {error}")
            raise
        finally:
            flow.finish(self._now(), Reason.UNFINISHED, "proxy")
            del self.relay.live[flow.id]
            self._tell_done()
            self.relay.store.touch(flow)

    def hold(self, by: str) -> None:
        """Stop at the next moment at which that can be."""
        if self.flow.timing.forwarded is None and self.flow.response is None:
            self.hold_asked = by
        else:
            self.delivery.hold(by)

    async def _ended_by_person(self) -> bool:
        """Whether it was the person who cancelled this task, and then what they wanted."""
        task, outcome = asyncio.current_task(), self.delivery.outcome
        if outcome is None or task is None:
            return False
        task.uncancel()
        if outcome is Step.DROP:
            self._dropped()
        else:
            await self.delivery.finish()
            self._finish(Reason.DONE, "hand")
        return True

    def _dropped(self) -> None:
        self._finish(Reason.DROPPED, "hand", "dropped by hand")
        self.drop()

    def _tell_done(self) -> None:
        try:
            self.relay.hooks.done(self.flow)
        except Exception as error:  # the border to rules
            excuse(self.flow, error)

    def _route(self, scope: Scope) -> Refusal | None:
        request = self.flow.request
        query = scope["query_string"].decode("latin-1")
        target = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        host = request.headers.get("host") or "{}:{}".format(*scope["server"])
        request.url = f"http://{host}{target}"
        try:
            self.flow.session, target = given_name(target, request.headers)
        except ValueError as error:
            return Refusal(400, Reason.REFUSED, "proxy", str(error))
        finally:
            if GIVEN_HEADER in request.headers:
                request.headers = request.headers.without(GIVEN_HEADER)
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
        if flow.forwarded is not None and is_signed(flow.request) and bytes(flow.sent.body) != bytes(flow.request.body):
            flow.note("Amazon's signature covers the body: changed, the request is refused, but with a Bearer key")
        flow.timing.forwarded = self._now()
        connecting_for(flow)
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
            await self.delivery.run(response, self.watch, self._strip())
            self._finish(Reason.DONE, "upstream" if response is self.context.upstream else by_of(response))
        except httpx.TransportError as error:
            if response is self.context.upstream:
                finish_broken(self.flow, self._now(), error)
            else:
                self._finish(Reason.FAULT, by_of(response), str(error))
            raise Aborted(str(error)) from error

    def _strip(self) -> Strip | None:
        try:
            strip = self.relay.hooks.strip(self.flow)
            return GuardedStrip(self.flow, strip) if strip is not None else None
        except Exception as error:  # the border to rules: the agent must not notice
            excuse(self.flow, error)
            return None

    async def _close(self, response: httpx.Response | None) -> None:
        """End what is left of an answer, so that whoever gives it stops at once."""
        if response is not None and not response.is_closed:
            await response.aclose()

    async def _answer(self) -> httpx.Response:
        """The answer, as the rules, the person or the upstream give it."""
        self.answer = await self._before_upstream() or await self._changed(await self._ask())
        self.delivery.head(self.answer)
        try:
            if (watch := self.relay.hooks.watch(self.context, self.answer)) is not None:
                self.watch = GuardedWatch(self.flow, watch)
        except Exception as error:  # the border to rules: the agent must not notice
            excuse(self.flow, error)
        by = self.watch.head() if self.watch is not None else ""
        if by and (reply := await self.context.hold(Moment.HEAD, by)) is not None:
            await self._close(self.answer)
            self.answer, self.watch = reply, None
            self.context.note_response(reply)
        return self.answer

    async def _changed(self, response: httpx.Response) -> httpx.Response:
        """The upstream's answer, or what a rule puts in its place."""
        self.answer = response
        try:
            changed = await self.relay.hooks.response(self.context, response)
        except (Dropped, Refusal):
            raise
        except Exception as error:  # the border to rules: the agent must not notice
            excuse(self.flow, error)
            return response
        if changed is not response:
            self.context.note_response(changed)
        return changed

    async def _before_upstream(self) -> httpx.Response | None:
        try:
            reply = await self.relay.hooks.request(self.context)
        except Dropped:
            raise
        except Exception as error:  # the border to rules: the agent must not notice
            excuse(self.flow, error)
            reply = None
        if self.hold_asked and reply is None:
            reply = await self.context.hold(Moment.REQUEST, self.hold_asked)
        elif self.hold_asked:
            self.delivery.hold(self.hold_asked)
        self.flow.timing.held_request = self.flow.timing.held
        if reply is not None:
            self.context.note_response(reply)
        return reply

    async def _refuse(self, refusal: Refusal) -> None:
        self.flow.response = Response(refusal.status, refusal.headers())
        self.flow.response.body.append(self._now(), refusal.body())
        self._finish(refusal.reason, refusal.by, refusal.message)
        await answered(refusal, self.send)

    def _client_gone(self) -> None:
        if is_whole(self.flow, self.delivery.given):  # some clients hang up as soon as they have the stream's own end
            self._finish(Reason.DONE, "client")
        elif self.delivery.started:
            self._finish(Reason.CLIENT_GONE, "client", "the client closed the connection in the middle of the answer")
        else:
            self._finish(Reason.CLIENT_GONE, "client", "499: the client closed the connection before an answer")

    def _finish(self, reason: Reason, by: str, error: str | None = None) -> None:
        self.flow.finish(self._now(), reason, by, error)

    def _now(self) -> float:
        return (time.perf_counter() - self.flow.clock) * 1000


def _request(scope: Scope) -> Request:
    return Request(scope["method"].upper(), "", Headers.from_raw(scope["extensions"]["inspector.headers"]))
