"""Server-sent events, as WHATWG defines them and as servers really send them.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation, with these liberties: blanks
before a field are passed over, an event that the end of the body cuts is given all the same, and a bare JSON object in
place of a field (some servers break off with one) is collected up to the end of the body.

Lines end at LF, CR or CRLF and nowhere else: U+2028 and its kin may stand inside JSON strings.
"""

from __future__ import annotations

from inspector.wire.event import Event, Kind

EVENT_LIMIT = 16 * 1024 * 1024
"""Bytes of one event beyond which it is skipped."""

UNTERMINATED = "unterminated"
TOO_LONG = "too long: skipped"
LEADING_BLANK = "blank before a field"


class SSE:
    """Cuts a stream of server-sent events.

    An event reaches from the end of the one before it to the end of the blank line that closes it; a comment ends with
    its own line, so that a keep-alive is seen at once. Blocks without data (a lone `retry:`) yield nothing: their bytes
    fall to the next event. `retry` is ignored.
    """

    def __init__(self, limit: int = EVENT_LIMIT) -> None:
        self._limit = limit
        self._offset = 0
        self._start = 0
        self._tail: list[bytes] = []
        self._first = True
        self._bare_cr = False
        self._line_feed_due = False
        self._events: list[Event] = []
        self._document: list[bytes] | None = None
        self._data: list[bytes] = []
        self._name = ""
        self._id = ""
        self._note = ""
        self._size = 0
        self._too_long = False

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes; give the events that they complete."""
        if data:
            if (event := self._alone(data)) is not None:
                return [event]
            self._feed(data)
        events, self._events = self._events, []
        return events

    def close(self) -> list[Event]:
        """Take the end of the body; give what was still pending, marked as unterminated."""
        if self._tail:
            self._line(self._take_tail(b""))
        if self._document is not None:
            self._give(b"".join(self._document), "document", self._offset)
        elif self._data or self._too_long:
            self._note = UNTERMINATED
            self._dispatch(self._offset)
        events, self._events = self._events, []
        return events

    def _alone(self, data: bytes) -> Event | None:
        """One event that came alone and whole, as most do: read at once, at a third of the cost. None for all else."""
        at = data.find(b"\n") + 1 if data.startswith(b"event: ") else 0
        if not data.startswith(b"data: ", at) or data.find(b"\n", at) != len(data) - 2 or not data.endswith(b"\n"):
            return None
        pending = self._tail or self._size or self._data or self._note or self._line_feed_due or self._bare_cr
        if pending or self._name or self._id or self._document is not None or b"\r" in data or len(data) > self._limit:
            return None
        self._first = False
        start, self._start = self._start, self._offset + len(data)
        self._offset = self._start
        name = data[7 : at - 1].decode("utf-8", "replace") if at else ""
        return Event(data[at + 6 : -2], "data", name, "", start, self._start)

    def _feed(self, data: bytes) -> None:
        data = self._settle_cr(data)
        lines = data.splitlines(keepends=True)
        if not lines:
            return
        last = lines.pop()
        for line in lines:
            self._line(self._take_tail(line))
        if last.endswith(b"\n"):
            self._line(self._take_tail(last))
        elif last == b"\r" and self._bare_cr and not self._tail and self._document is None:
            # The line before ended in CR alone, so this blank line is whole; an LF may still come and is passed over.
            self._line(self._take_tail(last))
            self._line_feed_due = True
        else:
            self._keep(last)

    def _settle_cr(self, data: bytes) -> bytes:
        """Find out what a CR at the end of the last feed was: half of a CRLF, or a line end of its own."""
        if self._line_feed_due:
            self._line_feed_due = False
            if data.startswith(b"\n"):
                self._offset += 1
                return data[1:]
        elif self._tail and self._tail[-1].endswith(b"\r"):
            if data.startswith(b"\n"):
                self._line(self._take_tail(b"\n"))
                return data[1:]
            self._line(self._take_tail(b""))
        return data

    def _keep(self, piece: bytes) -> None:
        """Keep the beginning of a line whose end has not come."""
        self._offset += len(piece)
        self._tail.append(piece)
        self._grow(piece)
        if self._too_long:
            whole = b"".join(self._tail)
            ended = b"\r" if whole.endswith(b"\r") else b""
            self._tail = [(b"?" if len(whole) > len(ended) else b"") + ended]

    def _take_tail(self, piece: bytes) -> bytes:
        """A whole line: what was kept of it, and its last piece."""
        self._offset += len(piece)
        self._grow(piece)
        if not self._tail:
            return piece
        line = b"".join([*self._tail, piece])
        self._tail = []
        return line

    def _grow(self, piece: bytes) -> None:
        """Count a piece of a line against the limit: line ends only inside a document, where they are payload."""
        self._size += len(piece if self._document is not None else piece.rstrip(b"\r\n"))
        if self._size > self._limit and not self._too_long:
            self._too_long = True
            self._data = []
            if self._document is not None:
                self._document = []

    def _line(self, line: bytes) -> None:
        text = line.rstrip(b"\r\n")
        if self._first:
            self._first = False
            text = text.removeprefix(b"\xef\xbb\xbf")
        after_bare_cr = self._bare_cr
        self._bare_cr = line.endswith(b"\r") or (after_bare_cr and not text)
        if self._document is not None:
            if not self._too_long:
                self._document.append(line)
        elif text:
            self._field(text, line)
        else:
            self._dispatch(self._offset - (after_bare_cr and line == b"\r\n"))

    def _field(self, text: bytes, line: bytes) -> None:
        if self._too_long:
            return
        if text[:1] in b" \t":
            text = text.lstrip(b" \t")
            self._note = LEADING_BLANK if text else self._note
        if text.startswith(b"data:"):
            self._data.append(_value(text, 5))
        elif text.startswith(b":"):
            self._comment(text)
        elif text.startswith(b"{") and not self._data:
            self._document = [line]
        elif text.startswith(b"event:"):
            self._name = _value(text, 6).decode("utf-8", "replace")
        elif text.startswith(b"id:"):
            self._id = _value(text, 3).decode("utf-8", "replace")
        elif text == b"data":
            self._data.append(b"")

    def _comment(self, text: bytes) -> None:
        """Give a comment that stands between events; one inside an event is part of its framing."""
        if not (self._data or self._name or self._id):
            self._give(_value(text, 1), "comment", self._offset)

    def _dispatch(self, end: int) -> None:
        if self._data or self._too_long:
            self._give(b"\n".join(self._data), "data", end)
        else:
            self._clear()

    def _give(self, data: bytes, kind: Kind, end: int) -> None:
        note = TOO_LONG if self._too_long else self._note
        self._events.append(Event(data, kind, self._name, self._id, self._start, end, note=note))
        self._start = end
        self._document = None
        self._clear()

    def _clear(self) -> None:
        self._data = []
        self._name = self._id = self._note = ""
        self._size = 0
        self._too_long = False


def _value(text: bytes, start: int) -> bytes:
    """A field's value: what follows the colon, without the one space that may come first."""
    return text[start + 1 :] if text[start : start + 1] == b" " else text[start:]
