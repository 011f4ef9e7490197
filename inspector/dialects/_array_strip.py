"""Taking values out of the members of a JSON array as they pass, wherever its bytes are split."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from inspector.dialects._event_strip import EventStrip
from inspector.dialects._json_members import BLANK, BOM, Cut, with_cuts
from inspector.wire.event import Event
from inspector.wire.json_array import JsonArray
from inspector.wire.sse import EVENT_LIMIT

_ARRAY, _BOM_OR_BLANK = b"[", BOM + BLANK


class ArrayStrip:
    """A `Strip` that asks, for each member of an array in turn, what is to be cut out of it.

    A body that is no array is given to an `EventStrip`. A member goes on as soon as its end has come; one larger than
    `limit` bytes passes untouched.
    """

    def __init__(self, cuts: Callable[[bytes], Sequence[Cut]], limit: int = EVENT_LIMIT) -> None:
        self._cuts = cuts
        self._limit = limit
        self._events = EventStrip(cuts, limit)
        self._array: JsonArray | None = None
        self._undecided: bytes | None = b""
        """The body so far, while it does not tell what it is; None afterwards."""
        self._held = bytearray()
        self._base = 0
        """Where what is held begins in the body."""

    def feed(self, data: bytes) -> bytes:
        """The next bytes of a stream and what the client gets for them."""
        if self._undecided is not None:
            data = self._undecided + data
            begun = data.lstrip(_BOM_OR_BLANK)
            self._undecided = None if begun else data
            if not begun:
                return b""
            self._array = JsonArray(self._limit) if begun.startswith(_ARRAY) else None
        if self._array is None:
            return self._events.feed(data)
        self._held += data
        out = b"".join([self._member(event) for event in self._array.feed(data)])
        return out + self._give(len(self._held)) if len(self._held) > 2 * self._limit else out

    def close(self) -> bytes:
        """What is still held: what stands behind the last member, or a document."""
        if self._undecided is not None:
            rest, self._undecided = self._undecided, None
            return rest
        return self._events.close() if self._array is None else self._give(len(self._held))

    def document(self, body: bytes) -> bytes:
        """A whole body as the client gets it."""
        return self._events.document(body)

    def _member(self, event: Event) -> bytes:
        """All up to the end of a member."""
        start, end = event.start - self._base, event.end - self._base
        if start < 0 or not event.data:
            return self._give(max(0, end))
        before, member = self._give(start), self._give(end - start)
        return before + with_cuts(member, self._cuts(member))

    def _give(self, size: int) -> bytes:
        given = bytes(self._held[:size])
        del self._held[:size]
        self._base += size
        return given
