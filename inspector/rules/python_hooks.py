"""A person's own Python hooks: loaded from a file, read anew when it changes, and kept from doing harm.

A hook is a subclass of `inspector.proxy.hooks.RequestHandler`. It runs in a thread of its own: whatever it raises, and
however long it hangs, the flow goes on as if there were no hook, and says so.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import time
from collections.abc import Awaitable
from enum import Enum, auto
from typing import Any, Final

import httpx

from inspector.model.flow import Flow
from inspector.proxy.hooks import Context, Decision, Instead, RequestHandler, Verdict
from inspector.rules.hook_call import HookCall, HungError
from inspector.rules.hook_source import HookError, HookSource
from inspector.rules.hook_thread import HookThread
from inspector.wire.event import Event

TIMEOUT = 10.0
"""Seconds for each of a hook's own steps; what the upstream takes does not count."""

logger = logging.getLogger("inspector.hooks")


class Drop(Enum):
    """What `event` gives to take an event out."""

    DROP = auto()


DROP: Final = Drop.DROP


def load(spec: str, timeout: float = TIMEOUT) -> IsolatedHandler:
    """Load a hook, as `module:Class` or `path/to/file.py:Class`. HookError, in words, where that cannot be."""
    return IsolatedHandler(HookSource(spec), timeout)


class IsolatedHandler(RequestHandler):
    """Lets a person's hook work on every flow, without trusting it."""

    def __init__(self, source: HookSource, timeout: float = TIMEOUT, check_every: float = 1.0) -> None:
        """`timeout` and `check_every`, how often the file is looked at, in seconds. HookError."""
        self._source = source
        self._timeout = timeout
        self._check_every = check_every
        self._checked = time.monotonic()
        self._changed_at = source.changed_at()
        self._hook: Any = source.load()
        self._thread: HookThread | None = None

    @property
    def name(self) -> str:
        """What mutations and notes call it."""
        return f"hook {self._source.name}"

    async def send_request(self, request: httpx.Request, context: Context) -> httpx.Response:
        """Bring the answer to a request as the hook will have it."""
        await self._reload(context.flow)
        thread = self._running()
        call = HookCall(context, thread, self._timeout)
        try:
            return await call.response(await call.run(self._hook.send_request, request, call.context))
        except asyncio.CancelledError:
            call.cancel()
            raise
        except Exception as error:
            if error not in call.failures:
                self._excuse(context.flow, error, thread)
            return await call.passed_over()

    def watch(self, context: Context) -> HookWatch | None:
        """What reads an answer's events for the hook; None where it does not want to."""
        return HookWatch(self, self._hook, context) if callable(getattr(self._hook, "event", None)) else None

    def done(self, flow: Flow) -> None:
        """Tell the hook that a flow has ended, where it has a `done`. Nobody waits for it."""
        told = getattr(self._hook, "done", None)
        if not callable(told):
            return
        thread, loop = self._running(), asyncio.get_running_loop()
        thread.enter()

        def over(future: concurrent.futures.Future[Any]) -> None:
            with contextlib.suppress(RuntimeError):  # the proxy's loop may be closed by now
                loop.call_soon_threadsafe(self._was_told, thread, flow, future)

        thread.submit(told, flow).add_done_callback(over)

    def _was_told(self, thread: HookThread, flow: Flow, future: concurrent.futures.Future[Any]) -> None:
        thread.leave()
        if not future.cancelled() and isinstance(error := future.exception(), Exception):
            self._excuse(flow, error, thread)

    async def decide(self, hook: Any, context: Context, event: Event) -> Decision | None:
        """What a hook makes of an event; None where it failed, which is noted."""
        thread = self._running()
        call = HookCall(context, thread, self._timeout)
        try:
            return _decision(await call.run(hook.event, call.context, event), self.name)
        except Exception as error:
            self._excuse(context.flow, error, thread)
            return None
        finally:
            call.close()

    def _excuse(self, flow: Flow, error: Exception, thread: HookThread) -> None:
        """Note that the hook is passed over."""
        if isinstance(error, HungError):
            self._leave_behind(thread, error)
        else:
            logger.error("%s failed in flow %s", self.name, flow.id, exc_info=error)
        flow.note(f"{self.name} was passed over: {_words(error)}")

    def close(self) -> None:
        """Let the hook's thread end."""
        if self._thread is not None:
            self._thread.retire()
            self._thread = None

    def _running(self) -> HookThread:
        if self._thread is None or not self._thread.alive:
            self._thread = HookThread()
        return self._thread

    def _leave_behind(self, thread: HookThread, error: HungError) -> None:
        logger.error("%s: %s; it stands at\n%s", self.name, error, thread.stack())
        thread.retire()
        if self._thread is thread:
            self._thread = None

    async def _reload(self, flow: Flow) -> None:
        now = time.monotonic()
        if now - self._checked < self._check_every:
            return
        self._checked = now
        changed_at = self._source.changed_at()
        if changed_at in (0, self._changed_at):
            return
        self._changed_at = changed_at
        thread = self._running()
        thread.enter()
        try:
            async with asyncio.timeout(self._timeout):
                self._hook = await asyncio.wrap_future(thread.submit(self._source.load))
            logger.info("%s was loaded anew", self.name)
        except HookError as error:
            logger.error("%s keeps its old version", self.name, exc_info=error)
            flow.note(f"{self.name} keeps its old version: {error}")
        except TimeoutError:
            self._leave_behind(thread, HungError("loading it took too long"))
            flow.note(f"{self.name} keeps its old version: loading it took too long")
        finally:
            thread.leave()


class HookWatch:
    """Asks a hook about an answer's events, until it fails for the first time."""

    def __init__(self, handler: IsolatedHandler, hook: Any, context: Context) -> None:
        self._handler = handler
        self._hook = hook
        self._context = context
        self._given_up = False

    def head(self) -> str:
        """A hook holds nothing."""
        return ""

    def event(self, event: Event) -> Decision | Awaitable[Decision]:
        """What the hook makes of an event."""
        return Verdict.PASS if self._given_up else self._ask(event)

    def end(self) -> str:
        """A hook holds nothing."""
        return ""

    async def _ask(self, event: Event) -> Decision:
        decision = await self._handler.decide(self._hook, self._context, event)
        self._given_up = decision is None
        return Verdict.PASS if decision is None else decision


def _decision(answer: Any, by: str) -> Decision:
    """What a hook says of an event, as the relay knows it."""
    if answer is None:
        return Verdict.PASS
    if answer is DROP:
        return Instead((), by)
    if isinstance(answer, bytes):
        return Instead((answer,), by)
    if isinstance(answer, list) and all(isinstance(piece, bytes) for piece in answer):
        return Instead(tuple(answer), by)
    raise TypeError(f"event gave {type(answer).__name__}, and not None, bytes, a list of bytes or DROP")


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, HungError) else f"{type(error).__name__}: {error}"
