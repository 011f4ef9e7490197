"""When the calls and results of an answer came."""

from __future__ import annotations

import time
from collections.abc import Iterator

from inspector import dialects
from inspector.model.flow import Flow
from inspector.model.message import ToolCall, ToolResult, Transcript
from inspector.store.answer_events import AnswerEvents

_AT_ONCE = 32
"""Events of an answer that are read between two looks at the clock."""


class AnswerTimes:
    """When the calls and results of an answer were whole. Read a slice at a time."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.ends: dict[tuple[int, int], float] = {}
        """By choice and part, in ms since the flow's start: when a call's last piece came, or a result."""
        self._dialect = flow.dialect
        self._transcript = Transcript()
        self._reader = dialects.by_name(flow.dialect).reader(self._transcript)
        self._events = AnswerEvents(flow)
        self._steps = self._read()
        self._sizes: dict[tuple[int, int], int] = {}

    def is_of(self, flow: Flow) -> bool:
        """Whether it can go on with this flow, and what was read of it stands as it stood."""
        return self._dialect == flow.dialect and self._events.is_of(flow)

    def pull(self, seconds: float) -> bool:
        """Read what came, for at most about `seconds`; whether there is more to be read."""
        until = time.perf_counter() + seconds
        for _ in self._steps:
            if time.perf_counter() >= until:
                return True
        self._steps = self._read()
        return False

    def calls(self) -> Iterator[tuple[tuple[int, int], ToolCall]]:
        """The calls of the answer as far as it was read, by choice and part."""
        for choice, message in enumerate(self._transcript.answer.choices):
            for place, part in enumerate(message.parts):
                if isinstance(part, ToolCall):
                    yield (choice, place), part

    def _read(self) -> Iterator[None]:
        for events in self._events.read():
            for number, event in enumerate(events, 1):
                try:
                    self._reader.event(event)
                except Exception:  # the border to dialects; the transcript that is shown has the remark
                    continue
                self._look(event.at)
                if number % _AT_ONCE == 0:
                    yield
            yield

    def _look(self, at: float) -> None:
        """Find the calls and results that this event changed."""
        for choice, message in enumerate(self._transcript.answer.choices):
            for place, part in enumerate(message.parts):
                if not isinstance(part, ToolCall | ToolResult):
                    continue
                key = choice, place
                size = part.arguments.length + len(part.name) if isinstance(part, ToolCall) else len(part.content)
                if self._sizes.get(key) != size:
                    self._sizes[key], self.ends[key] = size, at
