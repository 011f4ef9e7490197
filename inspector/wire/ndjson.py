"""JSON one object a line: NDJSON, JSON Lines, and JSON text sequences of one line a record.

https://github.com/ndjson/ndjson-spec, https://jsonlines.org, https://www.rfc-editor.org/rfc/rfc7464. Lines end at LF or
CRLF and nowhere else: U+2028 and its kin, or a lone CR, may stand inside a line.
"""

from __future__ import annotations

from inspector.wire.event import Event
from inspector.wire.sse import EVENT_LIMIT, TOO_LONG, UNTERMINATED

_AROUND = b" \t\r\n\x1e"
"""What is no payload at the ends of a line: blanks, and the mark with which a record of a sequence begins."""
_BOM = b"\xef\xbb\xbf"


class NDJSON:
    """Cuts a stream of lines.

    An event reaches from the end of the one before it to the end of its line: blank lines fall to the next event. The
    last line may lack its end; it is marked as unterminated only where it does not look whole.
    """

    def __init__(self, limit: int = EVENT_LIMIT) -> None:
        self._limit = limit
        self._offset = 0
        self._start = 0
        self._pieces: list[bytes] = []
        self._size = 0
        """Bytes of the line so far, without its line feed."""
        self._first = True

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes; give the events that they complete."""
        events: list[Event] = []
        at = 0
        while end := data.find(b"\n", at) + 1:
            self._keep(data[at : end - 1])
            self._offset += 1
            events += self._line()
            at = end
        if at < len(data):
            self._keep(data[at:])
        return events

    def close(self) -> list[Event]:
        """Take the end of the body; give what was still pending."""
        events = self._line()
        for event in events:
            if not (event.note or event.data.endswith((b"}", b"]"))):
                event.note = UNTERMINATED
        return events

    def _keep(self, piece: bytes) -> None:
        self._offset += len(piece)
        self._size += len(piece)
        if self._size > self._limit:
            self._pieces = []
        elif piece:
            self._pieces.append(piece)

    def _line(self) -> list[Event]:
        """The line that ends here, unless it is blank."""
        text, too_long = b"".join(self._pieces), self._size > self._limit
        self._pieces, self._size = [], 0
        if self._first:
            self._first, text = False, text.removeprefix(_BOM)
        text = text.strip(_AROUND)
        if not (text or too_long):
            return []
        start, self._start = self._start, self._offset
        return [Event(text, "data", start=start, end=self._offset, note=TOO_LONG if too_long else "")]
