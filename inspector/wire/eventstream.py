"""Amazon's event stream: the binary frames in which Bedrock streams.

https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html#streaming-event-stream-encoding and
https://smithy.io/2.0/aws/amazon-eventstream.html. A frame is: its length and that of its headers (4 bytes each), their
CRC32, the headers, the payload, and the CRC32 of all that; numbers are big-endian.
"""

from __future__ import annotations

from binascii import crc32
from collections.abc import Mapping
from functools import lru_cache
from struct import Struct

import orjson

from inspector.wire.event import Event
from inspector.wire.sse import EVENT_LIMIT, TOO_LONG, UNTERMINATED

_PRELUDE = 12
"""Bytes before the headers."""
NO_FRAME = "no frame: passed over"
WRONG_CHECKSUM = "wrong checksum"

HeaderValue = bool | int | bytes | str

_TRAILER = 4
_HEADERS_LIMIT = 128 * 1024
"""Amazon's own limit."""
_LENGTHS = Struct(">II")
_CRC = Struct(">I")
_U16 = Struct(">H")
_TRUE, _FALSE, _INT, _BYTES, _STRING = 0, 1, 4, 6, 7
_NUMBERS = {2: Struct(">b"), 3: Struct(">h"), _INT: Struct(">i"), 5: Struct(">q"), 8: Struct(">q")}
"""Whole numbers by type; the last is a time, in ms since 1970."""
_UUID, _UUID_SIZE = 9, 16
_NAMES = (":event-type", ":exception-type", ":error-code")
"""What tells the kind of an event, an exception and an error."""


class EventStream:
    """Cuts a stream of frames. An event's `name` is its event or exception type, or the code of an error, whose words,
    which stand in a header, are given as `{"message": …}` where it has no payload.

    A wrong checksum is noted. Where the lengths themselves cannot be true, everything up to the next sound prelude is
    given as one event with a note.
    """

    def __init__(self, limit: int = EVENT_LIMIT) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._start = 0
        """Where the event begins that is pending."""
        self._skipped = 0
        """Bytes of it that were let go, as there were too many."""
        self._skip = 0
        """Bytes of a frame that are still to be let go."""
        self._lost = False
        self._searched = 1
        """Up to where the buffer was searched for the next frame."""

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes; give the events that they complete."""
        self._buffer += data
        events: list[Event] = []
        while (event := self._next()) is not None:
            events.append(event)
        return events

    def close(self) -> list[Event]:
        """Take the end of the body; give what was still pending, marked as unterminated."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        if not rest and not self._skipped:
            return []
        if self._skip:
            return [self._give(b"", "", 0, TOO_LONG)]
        if self._lost:
            return [self._give_lost(rest)]
        name, payload, _ = _read(rest) if len(rest) >= _PRELUDE else ("", b"", "")
        return [self._give(payload, name, len(rest), UNTERMINATED)]

    def _next(self) -> Event | None:
        if self._skip:
            return self._pass_over()
        if not self._lost and len(self._buffer) >= _PRELUDE:
            length, headers = _LENGTHS.unpack_from(self._buffer)
            if not _is_prelude(self._buffer, 0) and not _is_possible(length, headers, self._limit):
                self._lost = True
            elif length > self._limit:
                self._skip = length
                return self._pass_over()
            elif len(self._buffer) >= length:
                raw = bytes(self._buffer[:length])
                del self._buffer[:length]
                name, payload, note = _read(raw)
                return self._give(payload, name, length, note)
        return self._search() if self._lost else None

    def _give(self, data: bytes, name: str, size: int, note: str) -> Event:
        start = self._start
        self._start = start + self._skipped + size
        self._skipped = 0
        return Event(data, "data", name, start=start, end=self._start, note=note)

    def _give_lost(self, data: bytes) -> Event:
        """Give the last of the bytes that belong to no frame."""
        too_long = self._skipped + len(data) > self._limit
        return self._give(b"" if too_long else data, "", len(data), TOO_LONG if too_long else NO_FRAME)

    def _pass_over(self) -> Event | None:
        """Let go what has come of a frame that is too long."""
        size = min(self._skip, len(self._buffer))
        del self._buffer[:size]
        self._skip -= size
        self._skipped += size
        return None if self._skip else self._give(b"", "", 0, TOO_LONG)

    def _search(self) -> Event | None:
        """Look for the next frame where this one is none."""
        buffer, at, last = self._buffer, self._searched, len(self._buffer) - _PRELUDE
        while (at := buffer.find(b"\0", at, last + 1)) > 0:
            if _is_prelude(buffer, at):
                lost = bytes(buffer[:at])
                del buffer[:at]
                self._lost, self._searched = False, 1
                return self._give_lost(lost)
            at += 1
        if last > self._limit:
            self._skipped += last
            del buffer[:last]
            last = 0
        self._searched = max(1, last + 1)
        return None


def frame(headers: Mapping[str, HeaderValue], payload: bytes = b"") -> bytes:
    """One frame. ValueError for a header that is too long, or a number beyond 64 bits."""
    return _framed(b"".join(_header(name, value) for name, value in headers.items()), payload)


def event_frame(name: str, payload: bytes) -> bytes:
    """An event with a payload of JSON, with the headers that Bedrock gives it."""
    kind = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    return frame(kind, payload)


def exception_frame(name: str, payload: bytes) -> bytes:
    """An exception with a payload of JSON: the stream ends with it."""
    kind = {":exception-type": name, ":content-type": "application/json", ":message-type": "exception"}
    return frame(kind, payload)


def headers_of(block: bytes) -> dict[str, HeaderValue]:
    """A frame's headers. Times are ms since 1970, UUIDs are bytes. ValueError where they cannot be read."""
    headers: dict[str, HeaderValue] = {}
    at = 0
    try:
        while at < len(block):
            size = block[at]
            name, at = _piece(block, at + 1, size).decode("utf-8", "replace"), at + 1 + size
            headers[name], at = _value(block, at)
    except (IndexError, ValueError) as error:
        raise ValueError(f"the headers cannot be read: {error}") from None
    return headers


def with_payload(raw: bytes, payload: bytes) -> bytes:
    """A frame with another payload."""
    return _framed(raw[_PRELUDE : _payload_start(raw)], payload)


def payload_of(raw: bytes) -> bytes:
    """The payload of a frame, or as much as there is of it."""
    return raw[_payload_start(raw) : _LENGTHS.unpack_from(raw)[0] - _TRAILER]


def is_frame(raw: bytes) -> bool:
    """Whether bytes are one whole frame."""
    return len(raw) >= _PRELUDE + _TRAILER and _is_prelude(raw, 0) and _LENGTHS.unpack_from(raw)[0] == len(raw)


def begins_frame(data: bytes) -> bool | None:
    """Whether a body begins with a frame; None where too few bytes are there to tell."""
    if data and data[0] > 1:
        return False
    return None if len(data) < _PRELUDE else _is_prelude(data, 0)


def _is_prelude(data: bytes | bytearray, at: int) -> bool:
    """Whether a frame begins there: the checksum of its lengths is right."""
    lengths = bytes(data[at : at + _LENGTHS.size])
    sound = _CRC.unpack_from(data, at + _LENGTHS.size)[0] == crc32(lengths)
    return sound and _is_possible(*_LENGTHS.unpack(lengths))


def _is_possible(length: int, headers: int, limit: int = 1 << 32) -> bool:
    """Whether a frame may be as long as it says."""
    return headers <= _HEADERS_LIMIT and _PRELUDE + headers + _TRAILER <= length <= limit


def _payload_start(raw: bytes) -> int:
    return _PRELUDE + int(_LENGTHS.unpack_from(raw)[1])


def _framed(headers: bytes, payload: bytes) -> bytes:
    lengths = _LENGTHS.pack(_PRELUDE + len(headers) + len(payload) + _TRAILER, len(headers))
    head = lengths + _CRC.pack(crc32(lengths)) + headers + payload
    return head + _CRC.pack(crc32(head))


def _read(raw: bytes) -> tuple[str, bytes, str]:
    """Name, payload and remark of a frame, or of its beginning."""
    length, payload = _LENGTHS.unpack_from(raw)[0], payload_of(raw)
    try:
        name, message = _named(raw[_PRELUDE : _payload_start(raw)])
    except ValueError as error:
        return "", payload, str(error)
    sound = _is_prelude(raw, 0) and raw[length - _TRAILER :] == _CRC.pack(crc32(raw[: length - _TRAILER]))
    return name, payload or message, "" if sound else WRONG_CHECKSUM


@lru_cache(128)
def _named(block: bytes) -> tuple[str, bytes]:
    """An event's name, and the payload of an error that has none. A stream has few different blocks of headers."""
    headers = headers_of(block)
    name = next((value for key in _NAMES if isinstance(value := headers.get(key), str)), "")
    words = headers.get(":error-message")
    return name, orjson.dumps({"message": words}) if isinstance(words, str) else b""


def _header(name: str, value: HeaderValue) -> bytes:
    spelled = name.encode("utf-8", "replace")
    if len(spelled) > 255:
        raise ValueError(f"the name of a header is too long: {name[:40]}…")
    head = bytes([len(spelled)]) + spelled
    if isinstance(value, bool):
        return head + bytes([_TRUE if value else _FALSE])
    if isinstance(value, int):
        kind = _INT if -(1 << 31) <= value < 1 << 31 else 5
        return head + bytes([kind]) + value.to_bytes(_NUMBERS[kind].size, "big", signed=True)
    data = value.encode("utf-8", "replace") if isinstance(value, str) else value
    if len(data) > 0xFFFF:
        raise ValueError(f"the header {name} is too long")
    return head + bytes([_STRING if isinstance(value, str) else _BYTES]) + _U16.pack(len(data)) + data


def _value(block: bytes, at: int) -> tuple[HeaderValue, int]:
    """A header's value, and where the next header begins."""
    kind, at = block[at], at + 1
    if kind in (_TRUE, _FALSE):
        return kind == _TRUE, at
    if number := _NUMBERS.get(kind):
        return int(number.unpack(_piece(block, at, number.size))[0]), at + number.size
    if kind == _UUID:
        return _piece(block, at, _UUID_SIZE), at + _UUID_SIZE
    if kind not in (_BYTES, _STRING):
        raise ValueError(f"there is no type {kind}")
    size, at = _U16.unpack(_piece(block, at, _U16.size))[0], at + _U16.size
    data = _piece(block, at, size)
    return (data.decode("utf-8", "replace") if kind == _STRING else data), at + size


def _piece(block: bytes, at: int, size: int) -> bytes:
    if at + size > len(block):
        raise ValueError("they are cut")
    return block[at : at + size]
