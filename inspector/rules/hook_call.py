"""One call of a person's hook, in another thread: what goes over to it and what comes back, and how long it may take.

Everything here runs on the proxy's event loop, but for `HookContext` and the body of a response that the hook reads.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, TypeVar

import httpx

from inspector.proxy.hooks import Context, to_httpx
from inspector.rules.hook_thread import HookThread
from inspector.rules.partly_read import PartlyRead

T = TypeVar("T")


class HungError(Exception):
    """A hook took too long."""


class HookContext(Context):
    """The context as a hook has it in its own thread. `send` runs where the proxy runs."""

    __slots__ = ("_call",)

    def __init__(self, call: HookCall, context: Context) -> None:
        Context.__init__(self, context.flow, context.transport, context.holds, context.cancelled)
        self._call = call

    def request(self) -> httpx.Request:
        """The flow's request once more, as it was before the hook had it."""
        return to_httpx(self.flow.sent)

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request upstream; the body of its response is still to be read. Raises httpx.TransportError."""
        await request.aread()
        self.upstream = await self._call.bridge(self._call.send(request))
        return self.upstream


class HookCall:
    """One call. The time that passes in the proxy's part of it does not count."""

    def __init__(self, context: Context, thread: HookThread, limit: float) -> None:
        self.context = HookContext(self, context)
        """What the hook gets."""
        self.failures: list[Exception] = []
        """What the upstream's side raised."""
        self._real = context
        self._thread: HookThread | None = thread
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._timeout: asyncio.Timeout | None = None
        self._pauses = 0
        self._sending: set[asyncio.Task[Any]] = set()
        self._sent: list[tuple[httpx.Response, httpx.Response, _Tap]] = []
        thread.enter()

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """One step of the hook. Raises what it raises, or HungError."""
        assert self._thread is not None, "the call is over"
        try:
            async with asyncio.timeout(self._limit) as self._timeout:
                return await asyncio.wrap_future(self._thread.submit(function, *arguments))
        except TimeoutError:
            if self._timeout is None or not self._timeout.expired():
                raise
            raise HungError(f"it took more than {self._limit:g} s") from None
        finally:
            self._timeout = None

    def close(self) -> None:
        """The call is over, its response's body too."""
        if self._thread is not None:
            self._thread.leave()
            self._thread = None

    async def bridge(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Await something of the proxy's from the hook's thread."""
        future: concurrent.futures.Future[T] = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        return await asyncio.wrap_future(future)

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request upstream, for the hook; what comes back is a copy that it may change and read."""
        task = asyncio.current_task()
        assert task is not None
        self._sending.add(task)
        try:
            with self.paused():
                upstream = await self._real.send(request)
        finally:
            self._sending.discard(task)
        tap = _Tap(upstream, self)
        copy = httpx.Response(
            upstream.status_code,
            headers=upstream.headers.raw,
            stream=tap,
            request=request,
            extensions=dict(upstream.extensions),
        )
        self._sent.append((copy, upstream, tap))
        return copy

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """The hook's clock stands still; what is raised is the upstream's doing."""
        self._pauses += 1
        self._set_clock(None)
        try:
            yield
        except Exception as error:
            self.failures.append(error)
            raise
        finally:
            self._pauses -= 1
            if not self._pauses:
                self._set_clock(self._loop.time() + self._limit)

    async def response(self, returned: object) -> httpx.Response:
        """The response to relay for what the hook returned. TypeError for what is none."""
        if not isinstance(returned, httpx.Response):
            raise TypeError(f"it returned {type(returned).__name__}, and not an httpx.Response")
        for copy, upstream, tap in self._sent:
            if copy is returned:
                await self._drop_all_but(upstream)
                upstream.status_code, upstream.headers = copy.status_code, copy.headers
                self.close()
                return tap.hand_over()
        if returned.is_stream_consumed:
            await self._drop_all_but(None)
            self.close()
            return returned
        stream = _OwnStream(returned, self)
        headers = returned.headers.raw
        return httpx.Response(returned.status_code, headers=headers, stream=stream, extensions=returned.extensions)

    async def passed_over(self) -> httpx.Response:
        """The response as if there were no hook. What was sent is not sent again."""
        try:
            if self._sending:
                await asyncio.wait(self._sending)
            if self._sent:
                await self._drop_all_but(self._sent[-1][1])
                return self._sent[-1][2].hand_over()
            if self.failures:
                raise self.failures[-1]
            return await self._real.send(self._real.request())
        finally:
            self.close()

    def cancel(self) -> None:
        """The client is gone."""
        for task in self._sending:
            task.cancel()
        self.close()

    async def finish(self, function: Callable[..., Any] | None) -> None:
        """The body of the hook's own response is over; `function` tidies up in the hook's thread."""
        if function is not None and self._thread is not None and self._thread.alive:
            self._thread.submit(function)
        await self._drop_all_but(None)
        self.close()

    async def _drop_all_but(self, kept: httpx.Response | None) -> None:
        for _, upstream, _ in self._sent:
            if upstream is not kept:
                await upstream.aclose()

    def _set_clock(self, when: float | None) -> None:
        if self._timeout is not None and not self._timeout.expired():
            self._timeout.reschedule(when)


class _Tap(httpx.AsyncByteStream):
    """An upstream's body as the hook reads it. What it has read is kept: the client gets it all the same."""

    def __init__(self, upstream: httpx.Response, call: HookCall) -> None:
        self._upstream = upstream
        self._call = call
        self._source: AsyncIterator[bytes] | None = None
        self._kept: list[bytes] = []
        self._error: Exception | None = None
        self._handed_over = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (chunk := await self._call.bridge(self._next())) is not None:
            yield chunk

    async def _next(self) -> bytes | None:
        if self._handed_over:
            return None
        if self._source is None:
            assert isinstance(self._upstream.stream, httpx.AsyncByteStream)
            self._source = aiter(self._upstream.stream)
        try:
            with self._call.paused():
                chunk = await anext(self._source, None)
        except Exception as error:
            self._error = error
            raise
        if chunk is not None:
            self._kept.append(chunk)
        return chunk

    def hand_over(self) -> httpx.Response:
        """The upstream's response with its whole body; from now on the hook reads nothing more of it."""
        self._handed_over = True
        if self._source is not None:
            assert isinstance(self._upstream.stream, httpx.AsyncByteStream)
            self._upstream.stream = PartlyRead(self._kept, self._source, self._error, self._upstream.stream)
        return self._upstream


class _OwnStream(httpx.AsyncByteStream):
    """The body of a hook's own response, which the hook makes piece by piece in its thread."""

    def __init__(self, response: httpx.Response, call: HookCall) -> None:
        stream: Any = response.stream
        self._call = call
        self._iterator = aiter(stream) if isinstance(stream, httpx.AsyncByteStream) else iter(stream)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (chunk := await self._chunk()) is not None:
            yield chunk

    async def _chunk(self) -> bytes | None:
        step = anext if isinstance(self._iterator, AsyncIterator) else next
        try:
            chunk = await self._call.run(step, self._iterator, None)
        except httpx.TransportError:
            raise
        except Exception as error:
            raise httpx.ReadError(f"the hook's answer broke off: {type(error).__name__}: {error}") from error
        return bytes(chunk) if chunk is not None else None

    async def aclose(self) -> None:
        await self._call.finish(getattr(self._iterator, "aclose", None))
