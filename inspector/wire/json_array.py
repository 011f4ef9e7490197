"""A JSON array that grows while it is sent: its members are events, as Gemini streams that are not asked for SSE."""

from __future__ import annotations

import re

from inspector.wire.event import Event
from inspector.wire.sse import EVENT_LIMIT, TOO_LONG, UNTERMINATED

_MARK = re.compile(rb'["{}\[\]]')
_STRING_END = re.compile(rb'["\\]')
_QUOTE, _BACKSLASH = b'"\\'


class JsonArray:
    """Cuts an array into its objects and inner arrays; members of other kinds, and what follows the array, say nothing.

    A member reaches from its own first byte to its last: commas and blanks between them belong to none.
    """

    def __init__(self, limit: int = EVENT_LIMIT) -> None:
        self._limit = limit
        self._offset = 0
        """Where what is held begins in the body."""
        self._held = bytearray()
        self._at = 0
        """How far it was searched."""
        self._depth = 0
        self._in_string = False
        self._start: int | None = None
        """Where in the body the member begins that is not whole yet."""

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes; give the members that they complete."""
        self._held += data
        events: list[Event] = []
        while (at := self._next()) is not None:
            mark = self._held[at]
            if self._in_string or mark == _QUOTE:
                self._in_string = not self._in_string
            elif mark in b"{[":
                self._depth += 1
                if self._depth == 2:
                    self._start = self._offset + at
            else:
                self._depth -= 1
                if self._depth == 1 and self._start is not None:
                    events.append(self._member(self._start, self._offset + at + 1))
        self._let_go()
        return events

    def close(self) -> list[Event]:
        """Take the end of the body; give the member that it cuts."""
        if self._start is None:
            return []
        return [self._member(self._start, self._offset + len(self._held), UNTERMINATED)]

    def _next(self) -> int | None:
        """Where the next bracket or quote stands; None where it has not come."""
        while match := (_STRING_END if self._in_string else _MARK).search(self._held, self._at):
            self._at = match.end()
            if self._held[match.start()] != _BACKSLASH:
                return match.start()
            self._at += 1
        self._at = max(self._at, len(self._held))
        return None

    def _member(self, start: int, end: int, note: str = "") -> Event:
        self._start = None
        if end - start > self._limit:
            return Event(b"", start=start, end=end, note=TOO_LONG)
        return Event(bytes(self._held[start - self._offset : end - self._offset]), start=start, end=end, note=note)

    def _let_go(self) -> None:
        """Drop what is not needed any more: all but the beginning of a member."""
        size = len(self._held)
        kept = 0 if self._start is None else self._offset + size - self._start
        gone = size - kept if kept <= self._limit else size
        del self._held[:gone]
        self._offset += gone
        self._at -= gone
