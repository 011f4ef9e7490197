"""Sending a flow again: as it was or changed, once or many times. Each replay is a flow of its own."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field

import httpx

from inspector.dialects import detect
from inspector.model.flow import Capture, Flow, Mutation, Reason, Request, Response
from inspector.model.headers import Headers
from inspector.proxy.connector import connecting_for
from inspector.proxy.continuation import Continuation
from inspector.proxy.ends import finish_broken
from inspector.proxy.hooks import to_httpx
from inspector.proxy.refusal import from_upstream
from inspector.proxy.replay_credentials import provider_of, same_origin, with_credential
from inspector.proxy.tasks import spawn
from inspector.store.flows import FlowStore

SOURCE = "replay"


@dataclass(slots=True, eq=False)
class Batch:
    """Several replays of one request."""

    original: Flow
    times: int
    flows: list[Flow] = field(default_factory=list)
    """Those begun so far; each is in the store and grows there."""
    stopped: bool = False
    _running: dict[asyncio.Task[None], Flow] = field(default_factory=dict, repr=False)

    @property
    def done(self) -> int:
        """How many have ended."""
        return sum(flow.end is not None for flow in self.flows)

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen."""
        return self.done == len(self.flows) and (self.stopped or len(self.flows) == self.times)

    def stop(self) -> None:
        """Begin no more, and break off those that are on their way."""
        self._break_off(Reason.DROPPED, "hand", "stopped by hand")

    def _break_off(self, reason: Reason, by: str, why: str) -> None:
        self.stopped = True
        for task, flow in self._running.items():
            # A task that is cancelled before its first step never runs: its flow must be ended from here.
            flow.finish(_now(flow), reason, by, why)
            task.cancel()


class Replayer:
    """Sends flows again, as children of the original.

    `transport` is the proxy's own, or one made for the purpose; whoever made it closes it, after `aclose`. Credentials
    that are not in memory come from `environ`.
    """

    def __init__(
        self, store: FlowStore, transport: httpx.AsyncBaseTransport, environ: Mapping[str, str] = os.environ
    ) -> None:
        self.store = store
        self.transport = transport
        self._environ = environ
        self._batches: list[Batch] = []
        self._children: dict[str, int] = {}
        self._followed: dict[str, asyncio.Event] = {}
        """What tells those that read along of news, by the flow's id."""

    def send(self, original: Flow, request: Request | None = None, mutations: Sequence[Mutation] = ()) -> Flow:
        """Send `request` (the original's own where None is given) once; the child is in the store, and grows there.

        Raises ValueError as `many` does.
        """
        return self.many(original, request, mutations).flows[0]

    def many(
        self,
        original: Flow,
        request: Request | None = None,
        mutations: Sequence[Mutation] = (),
        *,
        times: int = 1,
        at_once: int = 4,
    ) -> Batch:
        """Send a request `times` times, at most `at_once` of them together; the first are on their way at once.

        Raises ValueError, in words for the person, where it cannot be sent: it did not come whole, or its credential is
        not there any more and the environment has none.
        """
        if times < 1 or at_once < 1:
            raise ValueError("at least one replay, and one at a time")
        request = request or whole_request(original)
        request, more = with_credential(original, request, self._environ)
        batch = Batch(original, times)
        self._batches.append(batch)
        for _ in range(min(times, at_once)):
            self._begin(batch, request, (*mutations, *more))
        return batch

    def continuation(self, original: Flow, request: Request, mutations: Sequence[Mutation] = ()) -> Continuation:
        """Send a request once, for an answer that is to be put behind another. Raises ValueError as `many` does."""
        batch = self.many(original, request, mutations)
        flow = batch.flows[0]
        news = self._followed[flow.id] = asyncio.Event()
        return Continuation(flow, self._follow(batch, flow, news))

    async def _follow(self, batch: Batch, flow: Flow, news: asyncio.Event) -> AsyncGenerator[bytes, None]:
        sent = 0
        try:
            while True:
                over = not batch._running
                body = flow.response.body if flow.response is not None else Capture()
                while sent < body.chunks:
                    sent += 1
                    yield body.chunk(sent - 1)
                if over:
                    return
                news.clear()
                await news.wait()
        finally:
            del self._followed[flow.id]
            batch.stop()

    async def aclose(self) -> None:
        """Break off all that is on its way."""
        running = [task for batch in self._batches for task in batch._running]
        for batch in self._batches:
            batch._break_off(Reason.SHUTDOWN, "proxy", "inspector was stopped")
        await asyncio.gather(*running, return_exceptions=True)

    def _begin(self, batch: Batch, request: Request, mutations: Sequence[Mutation]) -> None:
        flow = self._child(batch.original, request, mutations)
        self.store.add(flow)
        batch.flows.append(flow)
        task = spawn(self._send(flow), f"replay {flow.label}")
        batch._running[task] = flow

        def over(task: asyncio.Task[None]) -> None:
            del batch._running[task]
            if task.cancelled():
                batch.stopped = True
                flow.finish(_now(flow), Reason.SHUTDOWN, "proxy", "inspector was stopped")
            elif (error := task.exception()) is not None:
                flow.finish(_now(flow), Reason.HANDLER_ERROR, "proxy", f"{type(error).__name__}: {error}")
            self._touch(flow)
            if len(batch.flows) < batch.times and not batch.stopped:
                self._begin(batch, request, mutations)
            elif batch.finished and batch in self._batches:
                self._batches.remove(batch)

        task.add_done_callback(over)

    def _child(self, original: Flow, request: Request, mutations: Sequence[Mutation]) -> Flow:
        flow = Flow(secrets.token_hex(6), request, time.time(), time.perf_counter(), source=SOURCE)
        flow.parent, flow.agent, flow.session = original.id, original.agent, original.session
        flow.label = f"{original.number}.{self._next_number(original)}"
        flow.dialect = detect(request).name
        flow.provider = original.provider if same_origin(request.url, original.sent.url) else provider_of(request.url)
        flow.mutations.extend(mutations)
        flow.timing.received = flow.timing.forwarded = 0.0
        return flow

    def _next_number(self, original: Flow) -> int:
        if original.id not in self._children:
            labels = [flow.label for flow in self.store if flow.parent == original.id]
            numbers = [int(last) for label in labels if (last := label.rpartition(".")[2]).isdecimal()]
            self._children[original.id] = max(numbers, default=0)
        self._children[original.id] += 1
        return self._children[original.id]

    def _touch(self, flow: Flow) -> None:
        self.store.touch(flow)
        if (news := self._followed.get(flow.id)) is not None:
            news.set()

    async def _send(self, flow: Flow) -> None:
        connecting_for(flow)
        try:
            response = await self.transport.handle_async_request(to_httpx(flow.request))
        except httpx.TransportError as error:
            refusal = from_upstream(error)
            flow.finish(_now(flow), refusal.reason, refusal.by, refusal.message)
            return
        try:
            await self._receive(flow, response)
            flow.finish(_now(flow), Reason.DONE, "upstream")
        except httpx.TransportError as error:
            finish_broken(flow, _now(flow), error)
        finally:
            await response.aclose()

    async def _receive(self, flow: Flow, response: httpx.Response) -> None:
        headers = Headers.from_raw(response.headers.raw)
        flow.response = Response(response.status_code, headers, response.reason_phrase)
        flow.timing.head = _now(flow)
        self._touch(flow)
        async for chunk in response.aiter_raw():
            flow.response.body.append(_now(flow), chunk)
            self._touch(flow)


def whole_request(flow: Flow) -> Request:
    """The request of a flow as it went upstream. ValueError where it did not come whole."""
    if flow.timing.received is None and (flow.end is None or flow.end.reason is not Reason.DONE):
        raise ValueError("the request did not come whole: there is nothing to send again")
    return flow.sent


def _now(flow: Flow) -> float:
    return (time.perf_counter() - flow.clock) * 1000
