"""How far an answer has come, event by event: what it says, and which part of it each event belongs to."""

from __future__ import annotations

from collections.abc import Iterable

from inspector.dialects import by_name
from inspector.model.flow import Flow
from inspector.model.message import Transcript
from inspector.wire.event import Event


class Progress:
    """Reads an answer's events by the flow's dialect."""

    def __init__(self, flow: Flow, events: Iterable[Event] = ()) -> None:
        self.transcript = Transcript()
        self._reader = by_name(flow.dialect).reader(self.transcript)
        self.take_all(events)

    def take_all(self, events: Iterable[Event]) -> None:
        """Take the next events."""
        for event in events:
            self.take(event)

    def take(self, event: Event) -> int:
        """Take the next event; gives the index of its part, -1 before the first part and behind the last."""
        try:
            self._reader.event(event)
        except Exception as error:  # the border to dialects, which meet malformed input of every kind
            self.transcript.note(str(error) or type(error).__name__)
        answer = self.transcript.answer
        message = answer.message
        if message is None or message.finish_reason or answer.complete or answer.error:
            return -1
        return len(message.parts) - 1


class Standing:
    """How far a held answer has come, and how much of it the client has."""

    def __init__(self, flow: Flow, came: Iterable[Event], had: Iterable[Event]) -> None:
        self.arrived = Progress(flow, came)
        self.had = Progress(flow, had)

    def take(self, event: Event) -> None:
        """An event has come, and goes to the client at once."""
        self.arrived.take(event)
        self.had.take(event)
