"""Something worked out of the events of an answer, as far as it has come, none looked at twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from inspector.model.flow import Flow, Response
from inspector.store.answer_events import AnswerEvents
from inspector.wire.event import Event

_T = TypeVar("_T")


class AnswerFold(Generic[_T]):
    """Takes the events of one answer in. Once the flow has ended, nothing but the outcome is kept."""

    __slots__ = ("_events", "_flow", "_response", "_take", "_value")

    def __init__(self, flow: Flow, start: _T, take: Callable[[_T, list[Event]], _T]) -> None:
        self._flow = flow
        self._value = start
        self._take = take
        self._events: AnswerEvents | None = AnswerEvents(flow)
        self._response: Response | None = None

    def is_of(self, flow: Flow) -> bool:
        """Whether it can go on with this flow, and what was read of it stands as it stood."""
        if self._events is not None:
            return self._events.is_of(flow)
        return self._flow is flow and flow.answered is self._response

    def read(self) -> _T:
        """What it comes to by now."""
        if self._events is not None:
            for events in self._events.read():
                self._value = self._take(self._value, events)
            if self._events.closed and not self._flow.live:
                self._response, self._events = self._events.response, None
        return self._value
