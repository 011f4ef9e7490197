"""Taking values out of the events of a stream as they pass, wherever its bytes are split.

Lines end at LF, CR or CRLF, as in `inspector.wire.sse`. An event goes on as soon as its blank line has come, and
everything that is no data at the end of its own line.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence

from inspector.dialects._json_members import BLANK, BOM, Cut, with_cuts
from inspector.wire.sse import EVENT_LIMIT

_LINE_END = re.compile(rb"[\r\n]")
_DATA = re.compile(rb"[ \t]*+data(?:(?=[\r\n])|\Z|:)")
_CR, _LF = b"\r\n"
_HEAD = 64
"""Bytes by which a body is known for a document."""


class EventStrip:
    """A `Strip` that asks, for the payload of each event in turn, what is to be cut out of it.

    A body that is a JSON document in spite of its content type is taken for one. An event larger than `limit` bytes
    passes untouched.
    """

    def __init__(self, cuts: Callable[[bytes], Sequence[Cut]], limit: int = EVENT_LIMIT) -> None:
        self._cuts = cuts
        self._limit = limit
        self._out: list[bytes] = []
        self._held = bytearray()
        self._done = 0
        """How much of what is held goes on."""
        self._seen = 0
        """How much of it was searched for line ends."""
        self._line = 0
        """Where the line begins whose end has not come."""
        self._after_cr = -1
        """Where an LF is the second half of a CRLF."""
        self._fresh = True
        self._document = False
        self._in_event = False
        """What is held begins with a line of data."""
        self._passing = False
        """An event that is too long goes by."""
        self._broken_line = False
        """The beginning of the line went by already."""

    def feed(self, data: bytes) -> bytes:
        """The next bytes of a stream and what the client gets for them."""
        if not self._held and not self._passing and (alone := self._alone(data)) is not None:
            return alone
        self._held += data
        if (self._fresh and not self._begin()) or self._document:
            return b""
        self._lines()
        out, self._out = self._out, []
        return b"".join(out)

    def close(self) -> bytes:
        """What is still held: an event without its blank line, or a document."""
        rest = bytes(self._held)
        self._held.clear()
        return with_cuts(rest, self._cuts(rest)) if self._document else self._event(rest)

    def document(self, body: bytes) -> bytes:
        """A whole body as the client gets it."""
        strip = EventStrip(self._cuts, self._limit)
        return strip.feed(body) + strip.close()

    def _alone(self, data: bytes) -> bytes | None:
        """One event of one line that came alone and whole, as most do. None for all else."""
        at = data.find(b"\n") + 1 if data.startswith(b"event:") else 0
        if not data.startswith(b"data:", at) or data.find(b"\n", at) != len(data) - 2 or not data.endswith(b"\n"):
            return None
        if b"\r" in data or len(data) - at > self._limit:
            return None
        self._fresh = False
        self._after_cr = -1
        cuts = self._cuts(data[at + 5 : -2])
        return with_cuts(data, cuts, at + 5) if cuts else data

    def _begin(self) -> bool:
        """See by its first bytes what the body is; False where there are too few to tell."""
        head = bytes(self._held[:_HEAD])
        if len(head) < len(BOM) and BOM.startswith(head):
            return False
        text = head.removeprefix(BOM).lstrip(BLANK)
        self._fresh = not text
        self._document = text.startswith((b"{", b"["))
        if head.startswith(BOM) and not self._document:
            self._line = self._seen = len(BOM)
            self._give(len(BOM))
        return True

    def _lines(self) -> None:
        held = self._held
        for at in [match.start() for match in _LINE_END.finditer(held, self._seen)]:
            end = at + 1
            if held[at] == _LF and at == self._after_cr:
                self._line = end
                if not self._in_event:
                    self._give(end)
                continue
            self._after_cr = end if held[at] == _CR else -1
            self._end_line(at, end)
        if self._passing or len(held) - self._done > self._limit:
            self._pass(len(held))
            self._broken_line = self._broken_line or self._line < len(held)
            self._line = len(held)
        self._line -= self._done
        self._after_cr -= self._done
        del held[: self._done]
        self._done, self._seen = 0, len(held)

    def _end_line(self, at: int, end: int) -> None:
        """A line ends at `at`."""
        too_long = end - self._done > self._limit
        if at == self._line and not self._broken_line:
            if self._in_event and not too_long:
                self._out.append(self._event(bytes(self._held[self._done : end])))
                self._done = end
            else:
                self._give(end)
            self._in_event = self._passing = False
        elif self._passing or too_long:
            self._pass(end)
        elif not self._in_event:
            self._in_event = _DATA.match(self._held, self._line, end) is not None
            if not self._in_event:
                self._give(end)
        self._line, self._broken_line = end, False

    def _pass(self, end: int) -> None:
        """Let an event go by that is too long."""
        self._passing, self._in_event = True, False
        self._give(end)

    def _give(self, end: int) -> None:
        self._out.append(bytes(self._held[self._done : end]))
        self._done = end

    def _event(self, raw: bytes) -> bytes:
        """An event as the client gets it."""
        pieces: list[bytes] = []
        places: list[int] = []
        """Where each line of the payload stands in the event."""
        starts: list[int] = []
        """Where it stands in the payload."""
        at = size = 0
        for line in raw.splitlines(keepends=True):
            if match := _DATA.match(line):
                pieces.append(line[match.end() :].rstrip(b"\r\n"))
                places.append(at + match.end())
                starts.append(size)
                size += len(pieces[-1]) + 1
            at += len(line)

        def place(offset: int) -> int:
            index = bisect_right(starts, offset) - 1
            return places[index] + offset - starts[index]

        return with_cuts(raw, [(place(start), place(end), new) for start, end, new in self._cuts(b"\n".join(pieces))])
