"""How a flow ends whose answer broke off: the relay and the replayer judge it by the same rules."""

from __future__ import annotations

import httpx

from inspector.dialects import by_name
from inspector.model.flow import Flow, Reason
from inspector.wire.body import decoded


def is_whole(flow: Flow, body: bytes) -> bool:
    """Whether the stream's own end is in a body, decoded: some hang up as soon as they have it, or gave it."""
    return any(mark in body for mark in by_name(flow.dialect).terminal)


def _came_whole(flow: Flow) -> bool:
    """Whether the client's answer has its end, which need not be that of the upstream's."""
    given = flow.delivered or flow.response
    return given is not None and is_whole(flow, decoded(given.headers, bytes(given.body))[0])


def finish_broken(flow: Flow, at: float, error: httpx.TransportError) -> None:
    """End a flow whose upstream broke off in the middle of its answer, `at` ms after the start."""
    if _came_whole(flow):
        flow.note(f"the connection broke after the end of the answer: {error}")
        flow.finish(at, Reason.DONE, "upstream")
    else:
        reason = Reason.TIMEOUT if isinstance(error, httpx.TimeoutException) else Reason.UPSTREAM_RESET
        flow.finish(at, reason, "upstream", str(error))
