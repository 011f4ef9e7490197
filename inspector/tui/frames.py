"""How often a frame is drawn: as often as the event loop has time for it. Pure; the caller brings the clock."""

from __future__ import annotations

from collections import deque

FASTEST = 1 / 30
"""Seconds between two frames while little passes."""
BUSY = 1 / 10
"""Seconds between two frames while much passes."""
MUCH = 500
"""Changes a second that are much: from here on the view draws less often, before the relay feels it."""
SLOWEST = 1 / 5
LATE_MS = 20.0
"""Lag in ms from which on the view draws less often, so that the relay has the loop."""


class FrameClock:
    """Measures how late each frame comes, and says when the next is due."""

    def __init__(self) -> None:
        self.interval = FASTEST
        """Seconds until the next frame."""
        self._due: float | None = None
        self._lags: deque[tuple[float, float]] = deque()

    def frame(self, now: float, changes: int = 0) -> float:
        """Take the time (in seconds) at which a frame begins, and what changed since the last; gives its lag in ms."""
        least = BUSY if changes > MUCH * self.interval else FASTEST
        lag = max(0.0, now - self._due) * 1000 if self._due is not None else 0.0
        self._lags.append((now, lag))
        while self._lags[0][0] < now - 1:
            self._lags.popleft()
        if lag >= LATE_MS:
            self.interval = min(SLOWEST, self.interval * 2)
        else:
            self.interval = max(least, self.interval * 0.9)
        return lag

    def drawn(self, now: float) -> None:
        """Take the time at which the frame's own work is done: the next is due an interval later."""
        self._due = now + self.interval

    @property
    def busy(self) -> bool:
        """Whether so much passes, or the loop is so late, that frames come seldom and should be short."""
        return self.interval > (FASTEST + BUSY) / 2

    @property
    def lag_ms(self) -> float:
        """The greatest lag of the last second, in ms."""
        return max((lag for _, lag in self._lags), default=0.0)
