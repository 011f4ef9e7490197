"""Cuts an answer that streams into events, each with the very bytes that it came in."""

from __future__ import annotations

from inspector.model.headers import Headers
from inspector.wire.body import FRAMINGS, BodyReader
from inspector.wire.encodings import Decoder, decoder_for
from inspector.wire.event import Event

_TRIM = 64 * 1024
"""Bytes of the window that are behind us, beyond which it is cut."""


def is_stream(headers: Headers) -> bool:
    """Whether a body comes as events, and not as one document."""
    return headers.get("content-type").partition(";")[0].strip().lower() in FRAMINGS


class Intake:
    """Takes a stream's bytes as they come, decoded where they are encoded.

    `passed` are bytes that have come, and gone to the client, before. What the client has begun to read encoded, or as
    one document, is not `framed`: it goes on by chunks. DecodeError for an encoding that is unknown.
    """

    def __init__(self, headers: Headers, passed: bytes = b"") -> None:
        encoded = any(value.strip().lower() not in ("", "identity") for value in headers.all("content-encoding"))
        self.framed = is_stream(headers) and not (passed and encoded)
        self._decoder: Decoder | None = None
        if self.framed:
            self._decoder = decoder_for(",".join(headers.all("content-encoding")))
        self._reader = BodyReader(headers.without("content-encoding"))
        self._window = bytearray()
        self._base = 0
        self._skip = 0
        self._end = 0
        if passed and self.framed:
            self._cut(self._reader.feed(self._keep(passed), 0.0))
            self._skip = self._base + len(self._window)

    @property
    def encoded(self) -> bool:
        """Whether the events' bytes are not those of the wire."""
        return self._decoder is not None

    def feed(self, chunk: bytes, at: float) -> list[tuple[Event, bytes]]:
        """The events that the next bytes complete. DecodeError where they are not in the encoding that they claim."""
        if not self.framed:
            return [(Event(b"", "comment", at=at), chunk)]
        if self._decoder is not None:
            chunk = self._decoder.feed(chunk)
        return self._cut(self._reader.feed(self._keep(chunk), at)) if chunk else []

    def close(self, at: float) -> list[tuple[Event, bytes]]:
        """The end of the body: what was pending, and whatever stands behind the last event as a comment."""
        events: list[tuple[Event, bytes]] = []
        if not self.framed:
            return events
        if self._decoder is not None and (rest := self._decoder.close()):
            events += self._cut(self._reader.feed(self._keep(rest), at))
        events += self._cut(self._reader.close(at))
        start = max(self._end, self._skip)
        if rest := bytes(self._window[start - self._base :]):
            events.append((Event(b"", "comment", start=start, end=start + len(rest), at=at), rest))
        return events

    def begun(self, event: Event) -> bool:
        """Whether the client has the beginning of this event already."""
        return event.start < self._skip

    def _keep(self, data: bytes) -> bytes:
        self._window += data
        return data

    def _cut(self, events: list[Event]) -> list[tuple[Event, bytes]]:
        base, window, skip = self._base, self._window, self._skip
        cut = [(event, bytes(window[max(event.start, skip) - base : event.end - base])) for event in events]
        if events:
            self._end = events[-1].end
        if self._end - base > _TRIM:
            del window[: self._end - base]
            self._base = self._end
        return cut


def events_of(headers: Headers, body: bytes) -> list[Event]:
    """The events of a body, or of its beginning; what is not whole is left out. DecodeError as above."""
    return [event for event, _ in Intake(headers).feed(body, 0.0)]
