"""The end of a listener that somebody asked for: it takes no more requests, and gives those on their way some time."""

from __future__ import annotations

import time

from inspector.model.flow import Reason
from inspector.proxy.refusal import Refusal


class Leaving:
    """Whether the end was asked for, and how much time is left."""

    def __init__(self) -> None:
        self._until: float | None = None

    def begin(self, seconds: float) -> None:
        """From now on no request is taken. Asked for again, the shorter time counts."""
        until = time.monotonic() + seconds
        self._until = until if self._until is None else min(until, self._until)

    @property
    def patience(self) -> float | None:
        """Seconds that what is on its way still has; None where nobody asked for the end."""
        return max(0.0, self._until - time.monotonic()) if self._until is not None else None

    def refusal(self) -> Refusal | None:
        """What a new request is told; None where it is taken."""
        if self._until is None:
            return None
        return Refusal(503, Reason.REFUSED, "proxy", "inspector is about to end, and takes no more requests")
