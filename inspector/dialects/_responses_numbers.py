"""Numbers and framing of the events that a client gets when somebody changes the stream on its way."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.dialects._base import Json
from inspector.dialects._fields import int_of, text_of
from inspector.dialects._pieces import sse
from inspector.wire.event import Event


class Numbers:
    """Gives each event the number that follows the client's last.

    Servers that do not number their events, or name them, get companions that have none either.
    """

    def __init__(self) -> None:
        self._last: int | None = -1
        self._shift = 0
        self._named = True

    def put(self, event: Event, data: Json, told: Sequence[Json]) -> list[bytes] | None:
        """The bytes of what the client is told in an event's place; None where that is the event itself.

        What was made from the event keeps its number's field, all others have none yet.
        """
        self._named = bool(event.name)
        number = int_of(data.get("sequence_number"))
        if number is None and self._last == -1:
            self._last = None
        if len(told) == 1 and told[0] is data and (number is None or self._shift == 0):
            self._last = self._last if number is None else number
            return None
        if number is not None and not any("sequence_number" in one for one in told):
            self._shift -= 1
        return [self._frame(one, event.name) for one in told]

    def fresh(self, told: Sequence[Json]) -> list[bytes]:
        """The bytes of events that the upstream has no part in."""
        return [self._frame(one, "") for one in told]

    def _frame(self, data: Json, name: str) -> bytes:
        number = int_of(data.get("sequence_number"))
        if number is not None:
            self._last = number + self._shift
            data = {**data, "sequence_number": self._last}
        elif self._last is not None:
            self._last += 1
            self._shift += 1
            data = {"type": data.get("type"), "sequence_number": self._last, **data}
        return sse(data, (text_of(data.get("type")) or name) if self._named else "")


def stream(told: Sequence[Json]) -> list[bytes]:
    """Events of a whole stream of our own making."""
    return Numbers().fresh(told)
