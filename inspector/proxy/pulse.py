"""Signs of life for a client whose answer stands still."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from inspector.dialects import by_name
from inspector.model.flow import Flow, Mutation
from inspector.proxy.outlet import Outlet
from inspector.store.flows import FlowStore


class Pulse:
    """Puts `sign` before the client after every `every` seconds of silence, while `due`; an empty one nowhere."""

    def __init__(
        self, flow: Flow, store: FlowStore, outlet: Outlet, sign: bytes, every: float, due: Callable[[], bool]
    ) -> None:
        self._flow = flow
        self._store = store
        self._outlet = outlet
        self._sign = sign
        self._every = every
        self._due = due
        self._given = 0
        self._timer: asyncio.TimerHandle | None = None
        if sign:
            self._wait(every)

    def stop(self) -> None:
        """Give no more of them; those that were given stand on the flow as one mutation."""
        if self._timer is not None:
            self._timer.cancel()
        if self._given:
            sent = f"{self._given} × {self._sign.decode().strip()!r}"
            self._flow.mutations.append(Mutation("keep-alive", "proxy", "", sent))

    def _wait(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._beat)

    def _beat(self) -> None:
        silence = time.perf_counter() - self._outlet.last
        if silence >= self._every and self._due():
            if self._outlet.keep_alive(self._sign):
                self._given += 1
                if self._flow.hold is not None:
                    self._flow.hold.kept_alive += 1
                    self._store.touch(self._flow)
            silence = 0.0
        self._wait(max(self._every - silence, self._every / 10))


def sign_of(flow: Flow) -> bytes:
    """The sign of life that a flow's client understands; empty for none."""
    writer = by_name(flow.dialect).writer
    return writer.keep_alive if writer is not None else b""
