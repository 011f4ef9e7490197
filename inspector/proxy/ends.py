"""How a flow ends whose answer broke off: the relay and the replayer judge it by the same rules."""

from __future__ import annotations

import httpx

from inspector.dialects import by_name
from inspector.model.flow import Flow, Reason
from inspector.wire.body import decoded


def answer_is_whole(flow: Flow) -> bool:
    """Whether the stream's own end came before the connection's: some clients hang up as soon as they have it."""
    if flow.response is None:
        return False
    body, _ = decoded(flow.response.headers, bytes(flow.response.body))
    return any(mark in body for mark in by_name(flow.dialect).terminal)


def finish_broken(flow: Flow, at: float, error: httpx.TransportError) -> None:
    """End a flow whose upstream broke off in the middle of its answer, `at` ms after the start."""
    if answer_is_whole(flow):
        flow.note(f"the connection broke after the end of the answer: {error}")
        flow.finish(at, Reason.DONE, "upstream")
    else:
        reason = Reason.TIMEOUT if isinstance(error, httpx.TimeoutException) else Reason.UPSTREAM_RESET
        flow.finish(at, reason, "upstream", str(error))
