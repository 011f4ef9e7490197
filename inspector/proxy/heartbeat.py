"""How late the event loop comes, found out as a chunk finds it out: by wanting something of it at any moment."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque

BEAT = 0.02
"""Seconds from one beat to the next, on average. They are uneven: what keeps time with them would never be seen."""
WINDOW = 1.0
"""Seconds over which both figures look back."""
GRAIN = 0.001
"""Seconds by which timers come late in a loop that has nothing else to do: they wait in whole milliseconds."""


class Lateness:
    """What a beat that comes late says of the loop. Pure; the caller brings the clock, in seconds."""

    def __init__(self) -> None:
        self._beats: deque[tuple[float, float, float, float]] = deque()

    def beat(self, due: float, now: float, interval: float) -> None:
        """A beat that was due comes; `interval` is what lay between the one before and the time it was due."""
        late = max(0.0, now - due - GRAIN)
        # While the loop stands still, there is one late beat, where others would have come meanwhile: they count too.
        missed = int(late / interval)
        waited = (missed + 1) * late - interval * missed * (missed + 1) / 2
        self._beats.append((now, late, waited * interval, (missed + 1) * interval))
        while self._beats[0][0] < now - WINDOW:
            self._beats.popleft()

    @property
    def greatest_ms(self) -> float:
        """The longest that the loop was late in the last second, in ms."""
        return max((late for _, late, _, _ in self._beats), default=0.0) * 1000

    @property
    def mean_ms(self) -> float:
        """How long something that came at any moment of the last second waited for the loop, on average, in ms."""
        span = sum(span for *_, span in self._beats)
        return sum(waited for _, _, waited, _ in self._beats) / span * 1000 if span else 0.0


class Heartbeat:
    """Beats in the running event loop, from `start` to `stop`."""

    def __init__(self) -> None:
        self.lateness = Lateness()
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to beat."""
        self._wait()

    def stop(self) -> None:
        """Beat no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        interval = BEAT * random.uniform(0.5, 1.5)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(interval, self._beat, time.perf_counter() + interval, interval)

    def _beat(self, due: float, interval: float) -> None:
        self.lateness.beat(due, time.perf_counter(), interval)
        self._wait()
