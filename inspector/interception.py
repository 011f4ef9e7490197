"""The proxy for scripts and tests: in a thread of its own, it writes a training trace of what passes.

    with InterceptionProxy(ProxyConfig("http://127.0.0.1:8000/v1", trace_path="trace.jsonl", port=0)) as proxy:
        run_my_agent(base_url=proxy.url)
    turns = read_trace("trace.jsonl")

One serves many sessions at once, each with a trace of its own:

    with InterceptionProxy(ProxyConfig("http://127.0.0.1:8000/v1", trace_path="traces/{session}.jsonl")) as proxy:
        run_my_agent(base_url=proxy.url_for("first"))
        run_my_agent(base_url=proxy.url_for("second"))

Its names are those of the interception proxy of OpenEnv's `opencode_env`.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Self

import click

from inspector.cli.recording import recording
from inspector.cli.runtime import loop_factory
from inspector.model.flow import Flow
from inspector.model.sessions import GIVEN_PATH, may_name
from inspector.proxy import server
from inspector.proxy.server import ProxyServer
from inspector.rules.capture import CAP, CAPTURE, CaptureProfile, CaptureSettings
from inspector.rules.control import Control
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts

logger = logging.getLogger("inspector.interception")

Ready = Future[Callable[[], object]]
"""Done when the listener is up: with what tells it to stop, or with why there is none."""

START_TIMEOUT = 10.0
"""Seconds that the listener gets to come up."""
STOP_TIMEOUT = 5.0
"""Seconds that open answers and the trace get when the proxy stops."""


@dataclass
class ProxyConfig:
    """How an InterceptionProxy listens, where it sends things, and what it changes of each request."""

    upstream_url: str
    """A base URL, with or without `/v1`."""
    upstream_api_key: str | None = field(default=None, repr=False)
    """Sent in the place of the client's key; None lets that pass."""
    trace_path: str | os.PathLike[str] | None = None
    """Each turn is appended to this file as it ends; None writes none. With `{session}` in it there is a file for each
    session that has a name, and one called `_` for all others.
    """
    host: str = "127.0.0.1"
    port: int = 7000
    """0 takes any free port; `InterceptionProxy.url` tells which."""
    top_logprobs: int = 5
    """Alternatives to ask for with each token, 0 to 20."""
    request_timeout_s: float | None = 600.0
    """Seconds of silence that the upstream may keep; None for any."""
    max_tokens_cap: int | None = CAP
    """The most tokens that a request may ask for; None leaves that to the client."""
    disable_thinking: bool = False
    """Whether thinking is switched off for chat templates that have such a switch."""
    model_override: str | None = None
    """The model to ask in the place of every other."""
    token: str | None = field(default=None, repr=False)
    """What every request must bring: it stands in `InterceptionProxy.url`. Needed where others can reach `host`."""

    @property
    def capture(self) -> CaptureSettings:
        """What is changed of each request."""
        return replace(
            CAPTURE,
            top_logprobs=self.top_logprobs,
            max_tokens_cap=self.max_tokens_cap,
            disable_thinking=self.disable_thinking,
            model_override=self.model_override,
        )


class InterceptionProxy:
    """Runs beside its caller, from `start` to `stop` or as a context manager; there may be several at once."""

    def __init__(self, config: ProxyConfig) -> None:
        self._config = config
        self._store = FlowStore()
        self._address = f"{config.host}:{config.port}"
        self._thread: threading.Thread | None = None
        self._tell_to_stop: Callable[[], object] = lambda: None

    @property
    def config(self) -> ProxyConfig:
        """What it was made with."""
        return self._config

    @property
    def url(self) -> str:
        """`http://HOST:PORT/v1`, for clients; with the real port once it has started, and with the token if any."""
        return f"{self._base}/v1"

    def url_for(self, session: str) -> str:
        """The same for the clients of one session, which is found by its name: `flow.session`, `session:NAME`.

        ValueError where it cannot be a name.
        """
        if not may_name(session):
            raise ValueError(f"{session!r} cannot name a session: use letters, digits, dots and dashes")
        return f"{self._base}{GIVEN_PATH}{session}/v1"

    @property
    def _base(self) -> str:
        return f"http://{self._address}{f'/t/{self._config.token}' if self._config.token else ''}"

    @property
    def flows(self) -> list[Flow]:
        """Every request since the start, in the order of arrival, as a list of its own. Some may be on their way.

        Where there are more than fit into some 130 MiB, the oldest are left out: they are in the trace.
        """
        while True:
            try:
                return list(self._store)
            except RuntimeError:  # the proxy's thread added one meanwhile
                continue

    def start(self) -> None:
        """Come back when the listener is up.

        Raises OSError where the address cannot be had or the trace cannot be written, ValueError for an upstream that
        cannot be used or a host that takes a token, RuntimeError where it runs already or does not come up in 10 s.
        """
        if self._thread is not None:
            raise RuntimeError("this proxy runs already")
        self._store = FlowStore()
        ready: Ready = Future()
        thread = threading.Thread(target=self._run, args=(ready,), name="inspector proxy", daemon=True)
        thread.start()
        wait([ready], START_TIMEOUT)
        if ready.cancel():
            raise RuntimeError(f"the proxy did not start within {START_TIMEOUT:g} s")
        try:
            self._tell_to_stop = ready.result()
        except Exception:
            thread.join()
            raise
        self._thread = thread
        atexit.register(self.stop)

    def stop(self) -> None:
        """Refuse new connections, give open answers a second, and write what is left to the trace, in at most 5 s.

        Nothing happens where it does not run.
        """
        thread, self._thread = self._thread, None
        if thread is None:
            return
        atexit.unregister(self.stop)
        with contextlib.suppress(RuntimeError):  # its loop is closed: it fell over, and has said so
            self._tell_to_stop()
        thread.join(STOP_TIMEOUT)
        if thread.is_alive():
            logger.warning("the proxy on %s did not stop within %g s", self._address, STOP_TIMEOUT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self, ready: Ready) -> None:
        try:
            with asyncio.Runner(loop_factory=loop_factory()) as runner:
                runner.run(self._serve(ready))
        except Exception as error:
            if ready.done():
                raise
            ready.set_exception(OSError(error.message) if isinstance(error, click.ClickException) else error)

    async def _serve(self, ready: Ready) -> None:
        config, store, transcripts = self._config, self._store, Transcripts()
        control = Control(store, transcripts, profile=CaptureProfile(config.capture))
        proxy = ProxyServer(_server_config(config), store, hooks=control, holds=control.holds)
        trace = Path(config.trace_path) if config.trace_path is not None else None
        stop = asyncio.Event()
        async with recording(store, transcripts, jsonl=None, trace=trace), proxy:
            self._address = proxy.address
            if ready.set_running_or_notify_cancel():
                ready.set_result(partial(asyncio.get_running_loop().call_soon_threadsafe, stop.set))
                await stop.wait()


def _server_config(config: ProxyConfig) -> server.ProxyConfig:
    return server.ProxyConfig(
        host=config.host,
        port=config.port,
        upstream=config.upstream_url,
        upstream_api_key=config.upstream_api_key,
        request_timeout=config.request_timeout_s,
        token=config.token,
    )
