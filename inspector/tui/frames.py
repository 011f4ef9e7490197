"""How often a frame is drawn: as often as the event loop has time for it. Pure; the caller brings the clock."""

from __future__ import annotations

import math
from collections import deque

FASTEST = 1 / 30
"""Seconds between two frames while little passes."""
BUSY = 1 / 8
"""Seconds between two frames while much passes."""
MUCH = 500
"""Changes a second that are much: from here on the view draws less often, before the relay feels it."""
SLOWEST = 1 / 5
CALM_MS = 5.0
"""Lag in ms up to which the loop is at its ease."""
LATE_MS = 20.0
"""Lag in ms from which on the view draws as seldom as it may, so that the relay has the loop."""
SHARE = 0.2
"""The share of the loop's time that frames may take while much passes, or the loop is late."""
CALM_FRAMES = 5
"""Frames without a reason to draw less often, before the view draws more often again."""
_EASING = 0.9


class FrameClock:
    """Measures how late each frame comes, and says when the next is due."""

    def __init__(self) -> None:
        self.interval = FASTEST
        """Seconds until the next frame."""
        self.cost = 0.0
        """Seconds of the loop's time that a frame took lately."""
        self._due: float | None = None
        self._lags: deque[tuple[float, float]] = deque()
        self._loop_ms = 0.0
        self._calm = 0

    def frame(self, now: float, changes: int = 0, loop_ms: float = 0.0, cost: float = 0.0) -> float:
        """Take the time (in seconds) at which a frame begins, what changed since the last and how long drawing that one
        took (in seconds), and how late the loop is known to be by others; gives its own lag in ms.
        """
        lag = max(0.0, now - self._due) * 1000 if self._due is not None else 0.0
        self._lags.append((now, lag))
        while self._lags[0][0] < now - 1:
            self._lags.popleft()
        self._loop_ms = loop_ms
        self.cost += (cost - self.cost) / 4
        wanted = self._wanted(max(lag, loop_ms), changes > MUCH * self.interval)
        if wanted >= self.interval:
            self.interval, self._calm = wanted, 0
        else:
            self._calm += 1
            if self._calm > CALM_FRAMES:
                self.interval = max(wanted, self.interval * _EASING)
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
        return max(self._loop_ms, max((lag for _, lag in self._lags), default=0.0))

    def _wanted(self, lag: float, much: bool) -> float:
        """Seconds between two frames, as things are now."""
        late = min(1.0, max(0.0, (lag - CALM_MS) / (LATE_MS - CALM_MS)))
        least = max(BUSY if much else FASTEST, FASTEST * math.pow(SLOWEST / FASTEST, late))
        return min(SLOWEST, max(least, self.cost / SHARE if much or late else least))
