"""Cuts an answer that streams into events, each with the very bytes that it came in."""

from __future__ import annotations

from inspector.dialects import Unnamed, unnamed_stream
from inspector.model.flow import Flow
from inspector.model.headers import Headers
from inspector.wire.body import ARRAY, FRAMINGS, BodyReader
from inspector.wire.encodings import DecodeError, Decoder, decoder_for
from inspector.wire.event import Event
from inspector.wire.eventstream import EventStream
from inspector.wire.json_array import JsonArray
from inspector.wire.ndjson import NDJSON

EVENT_ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")
"""Blank lines, as they stand behind an event."""
LINE_ENDS = (b"\n",)
"""What stands behind an event that is one line."""
IN_FRAMES: tuple[bytes, ...] = ()
"""Nothing stands behind a binary frame: it says itself how long it is."""
IN_ARRAY = (b"}", b"]")
"""A member of an array ends with its own bracket."""
AROUND = b"\xef\xbb\xbf \t\r\n"
"""What may stand around the members of an array, beside its brackets and commas."""

_NAMES = {"lines": "application/x-ndjson", "array": ARRAY}
_ENDS: dict[object, tuple[bytes, ...]] = {NDJSON: LINE_ENDS, EventStream: IN_FRAMES, JsonArray: IN_ARRAY}


def is_stream(headers: Headers) -> bool:
    """Whether a body comes as events, and not as one document."""
    return media_type(headers) in FRAMINGS


def media_type(headers: Headers) -> str:
    """The content type without its parameters."""
    return headers.get("content-type").partition(";")[0].strip().lower()


def is_json(headers: Headers) -> bool:
    """Whether a body is JSON, as its content type has it."""
    kind = media_type(headers)
    return kind == "application/json" or kind.endswith("+json")


def unnamed(flow: Flow, headers: Headers) -> Unnamed:
    """What the answer of a flow comes as, where it is called JSON and is a stream all the same."""
    sound = flow.response is not None and flow.response.status < 400
    return unnamed_stream(flow.dialect, flow.sent) if sound and is_json(headers) else ""


def named(flow: Flow, headers: Headers) -> Headers:
    """The headers by which an answer is cut into events: those of JSON that comes in lines, or as an array, say so."""
    name = _NAMES.get(unnamed(flow, headers))
    return headers.set("content-type", name) if name else headers


class Intake:
    """Takes a stream's bytes as they come, decoded where they are encoded.

    `passed` are bytes that have come, and gone to the client, before; None where it does not have the head either.
    What the client reads encoded, or as one document, is not `framed`: it goes on by chunks. DecodeError for an
    encoding that is unknown.
    """

    def __init__(self, headers: Headers, passed: bytes | None = None) -> None:
        encoded = any(value.strip().lower() not in ("", "identity") for value in headers.all("content-encoding"))
        self.framed = is_stream(headers) and not (passed is not None and encoded)
        self.ends = _ENDS.get(FRAMINGS.get(media_type(headers)), EVENT_ENDS)
        """What may stand behind an event."""
        self._decoder: Decoder | None = None
        if self.framed:
            self._decoder = decoder_for(",".join(headers.all("content-encoding")))
        self._reader = BodyReader(headers.without("content-encoding"))
        self._window = bytearray()
        """What stands behind the last event."""
        self._base = 0
        """Where the last event ended."""
        self._skip = 0
        """Where that which the client has already ends."""
        if passed and self.framed:
            self._read(passed, 0.0)
            self._skip = self._base + len(self._window)
        self.remark = ""
        """What was wrong with the body's encoding at its end."""
        self.tail = b""
        """What stood behind the last member of an array: it is no event."""

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
        return self._read(chunk, at) if chunk else []

    def close(self, at: float) -> list[tuple[Event, bytes]]:
        """The end of the body: what was pending, and what stands behind the last event, as a comment or as `tail`."""
        events: list[tuple[Event, bytes]] = []
        if not self.framed:
            return events
        if self._decoder is not None:
            try:
                events += self._read(self._decoder.close(), at)
            except DecodeError as error:
                self.remark = str(error)
        events += self._cut(self._reader.close(at))
        start = max(self._base, self._skip)
        rest = bytes(self._window[start - self._base :])
        if self.in_array:
            self.tail = rest
        elif rest:
            events.append((Event(b"", "comment", start=start, end=start + len(rest), at=at), rest))
        return events

    @property
    def in_array(self) -> bool:
        """Whether the events are members of an array, each with what joins it to the one before."""
        return self._reader.is_array

    @property
    def begun(self) -> bool:
        """Whether the client has the beginning of an event, and its rest is still to come."""
        beginning = bytes(self._window[: max(0, self._skip - self._base)])
        if self.in_array:
            return bool(beginning.strip(AROUND + b"[,]"))
        return bool(beginning.strip(b"\r\n")) and not beginning.endswith(self.ends)

    def _read(self, data: bytes, at: float) -> list[tuple[Event, bytes]]:
        events = self._reader.feed(data, at)
        if len(events) == 1 and not self._window and events[0].end == self._base + len(data):
            self._base = events[0].end
            return [(events[0], data)]
        self._window += data
        return self._cut(events)

    def _cut(self, events: list[Event]) -> list[tuple[Event, bytes]]:
        base, window, skip = self._base, self._window, self._skip
        cut: list[tuple[Event, bytes]] = []
        for event in events:
            cut.append((event, bytes(window[max(self._base, skip) - base : event.end - base])))
            self._base = event.end
        del window[: self._base - base]
        return cut


def events_of(headers: Headers, body: bytes) -> list[Event]:
    """The events of a body, or of its beginning; what is not whole is left out. DecodeError as above."""
    return [event for event, _ in Intake(headers).feed(body, 0.0)]
