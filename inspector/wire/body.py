"""A body as it passes, read into events: a copy is decoded, its framing found out, and nothing is ever raised.

The framing follows from the content type and from the first bytes, for servers answer errors in another framing than
the one they announce.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable

import orjson

from inspector.model.headers import Headers
from inspector.wire.encodings import OUTPUT_LIMIT, DecodeError, Decoder, decoder_for
from inspector.wire.event import Event, Framing
from inspector.wire.eventstream import EventStream, begins_frame
from inspector.wire.json_array import JsonArray
from inspector.wire.ndjson import NDJSON
from inspector.wire.sse import SSE, TOO_LONG

_PLAIN_LIMIT = 64 * 1024
"""Bytes kept of an encoded body until it has decoded to something, to read it as plain where it turns out to be."""
_PLAIN_SAMPLE = 64
"""Bytes by which a body that does not decode is judged to be plain text or not."""
_UNDECIDED_LIMIT = 4096
"""Bytes of blanks after which a body's framing goes by its content type."""
_SLICE = 64 * 1024

_DOCUMENT_START = (b"[", b"<")
_SSE_START = (b"data:", b"event:", b":")
_LINE_START = (b"{", b"\x1e")
_BLANK = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"


class Document:
    """The framing of a body that is one piece: collected to its end, and given as one event."""

    def __init__(self, limit: int = OUTPUT_LIMIT) -> None:
        self._limit = limit
        self._size = 0
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> list[Event]:
        """Keep the next bytes."""
        self._size += len(data)
        if self._size > self._limit:
            self._pieces = []
        elif data:
            self._pieces.append(data)
        return []

    def close(self) -> list[Event]:
        """Give the document, nothing where there was none."""
        note = TOO_LONG if self._size > self._limit else ""
        data, size = b"".join(self._pieces), self._size
        self._pieces, self._size = [], 0
        return [Event(data, "document", end=size, note=note)] if size else []


class Objects(Document):
    """The framing of a body that begins with a JSON object: one document, or one object a line.

    It is lines where the first of them is a whole object and, unless the content type says so already, another follows:
    some servers stream lines as `application/json`.
    """

    def __init__(self, limit: int = OUTPUT_LIMIT, *, named: bool = False) -> None:
        super().__init__(limit)
        self._named = named
        """The content type says that it is lines."""
        self._lines: NDJSON | None = None
        self._undecided = True
        self._line_ended = False

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes; give the events that they complete."""
        if self._lines is not None:
            return self._lines.feed(data)
        at = self._telling(data) if self._undecided else 0
        if 0 < at < len(data):
            return self.feed(data[:at]) + self.feed(data[at:])
        super().feed(data)
        if not (at and self._are_lines()):
            return []
        head = b"".join(self._pieces)
        self._lines, self._pieces, self._size = NDJSON(), [], 0
        return self._lines.feed(head)

    def _telling(self, data: bytes) -> int:
        """Up to where the next bytes tell what it is: the end of the first line, or what follows it; 0 for none."""
        if self._line_ended:
            blank = len(data) - len(data.lstrip(_BLANK))
            return blank + 1 if blank < len(data) else 0
        return data.find(b"\n", 0 if self._size else data.find(b"{")) + 1

    def _are_lines(self) -> bool:
        """Whether what came up to there shows that it is lines."""
        head = b"".join(self._pieces)
        if self._line_ended:
            self._undecided = False
            return head.endswith(_LINE_START)
        self._undecided = self._line_ended = _is_object(head[head.find(b"{") :])
        return self._undecided and self._named

    def close(self) -> list[Event]:
        """Give the document, or the last line."""
        return super().close() if self._lines is None else self._lines.close()


ARRAY = "application/x-json-array"
"""This program's own name for JSON whose outer array grows member by member: servers call it `application/json`."""

FRAMINGS: dict[str, Callable[[], Framing]] = {
    "text/event-stream": SSE,
    "application/x-ndjson": NDJSON,
    "application/ndjson": NDJSON,
    "application/jsonl": NDJSON,
    "application/x-jsonlines": NDJSON,
    "application/json-seq": NDJSON,
    "application/stream+json": NDJSON,
    "application/vnd.amazon.eventstream": EventStream,
    ARRAY: JsonArray,
}
"""Framings by content type. A body of none of these is a document, unless its first bytes are those of an event."""


class BodyReader:
    """Reads one body chunk by chunk into events, whatever its encoding and framing. Never raises.

    At most `limit` bytes are decoded, and a document is at most as large; an event of a stream at most 16 MiB. With
    `arrays`, the members of a JSON array are events. `notes` says, once each, what could not be read and what was odd.
    """

    def __init__(self, headers: Headers, limit: int = OUTPUT_LIMIT, *, arrays: bool = False) -> None:
        self.notes: list[str] = []
        self._limit = limit
        self._type = headers.get("content-type").partition(";")[0].strip().lower()
        self._arrays = arrays or self._type == ARRAY
        self._framing: Framing | None = None
        self._head = b""
        self._at: float | None = None
        self._decoder: Decoder | None = None
        self._encoded = b""
        self._has_decoded = False
        self._failure = ""
        self._stopped = False
        try:
            self._decoder = _decoder(headers, limit)
        except DecodeError as error:
            self._failure = str(error)

    def feed(self, chunk: bytes, at: float) -> list[Event]:
        """Take the next bytes, come `at` ms after the flow's start; give the events that they complete."""
        return self._cut(self._decode(chunk), at)

    def close(self, at: float) -> list[Event]:
        """Take the end of the body at `at`; give what was still pending."""
        events = self._cut(self._finish(), at)
        if self._framing is None:
            if not self._head.strip(_BLANK):
                return events
            self._framing = Document(self._limit)
            self._framing.feed(self._head)
        return events + self._seen(self._framing.close(), at if self._at is None else self._at)

    @property
    def is_array(self) -> bool:
        """Whether the events are the members of an array."""
        return isinstance(self._framing, JsonArray)

    def _decode(self, chunk: bytes) -> bytes:
        if self._stopped:
            return b""
        if self._failure:
            self._encoded += chunk
            return self._settle() if len(self._encoded) >= _PLAIN_SAMPLE else b""
        if self._decoder is None:
            return chunk
        try:
            data = self._decoder.feed(chunk)
        except DecodeError as error:
            return self._fail(chunk, error)
        if data:
            self._has_decoded = True
            self._encoded = b""
        elif not self._has_decoded and len(self._encoded) <= _PLAIN_LIMIT:
            self._encoded += chunk
        return data

    def _finish(self) -> bytes:
        """What the decoder still holds, or what was kept in doubt."""
        if self._stopped:
            return b""
        if self._decoder is not None and not self._failure:
            try:
                return self._decoder.close()
            except DecodeError as error:
                self._fail(b"", error)
        return self._settle() if self._failure else b""

    def _fail(self, chunk: bytes, error: DecodeError) -> bytes:
        """Stop decoding: for good, where something had been decoded, else to see whether it is plain text."""
        self._failure = str(error)
        if self._has_decoded or len(self._encoded) > _PLAIN_LIMIT:
            self._give_up()
            return b""
        return self._decode(chunk)

    def _settle(self) -> bytes:
        """Decide on bytes that are not in the encoding they are labelled with: plain text is read as it is."""
        data, self._encoded = self._encoded, b""
        if not _is_text(data[:_PLAIN_SAMPLE]):
            self._give_up()
            return b""
        self._note(f"{self._failure}; read as plain text")
        self._failure = ""
        self._decoder = None
        return data

    def _give_up(self) -> None:
        self._note(self._failure)
        self._failure = ""
        self._encoded = b""
        self._stopped = True

    def _cut(self, data: bytes, at: float) -> list[Event]:
        if not data:
            return []
        self._at = at
        if self._framing is None:
            data = self._head = self._head + data
            self._framing = self._choose(data)
            if self._framing is None:
                return []
            self._head = b""
        return self._seen(self._framing.feed(data), at)

    def _choose(self, head: bytes) -> Framing | None:
        """The framing by the first bytes and the content type; None where there are too few to tell."""
        text = head.removeprefix(_BOM).lstrip(_BLANK)
        if (not text or _BOM.startswith(head)) and len(head) < _UNDECIDED_LIMIT:
            return None
        named = FRAMINGS.get(self._type)
        if text.startswith(b"{"):
            return Objects(self._limit, named=named is NDJSON)
        if self._arrays and text.startswith(b"["):
            return JsonArray()
        if text.startswith(_DOCUMENT_START):
            return Document(self._limit)
        if named is SSE or text.startswith(_SSE_START):
            return SSE()
        if any(start.startswith(text) for start in _SSE_START):
            return None
        if named is not None and named is not JsonArray:
            return named()
        if (binary := begins_frame(head)) is None:
            return None
        return EventStream() if binary else Document(self._limit)

    def _seen(self, events: list[Event], at: float) -> list[Event]:
        for event in events:
            event.at = at
            if event.note:
                self._note(f"{'document' if event.kind == 'document' else 'event'} {event.note}")
        return events

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def decoded(headers: Headers, data: bytes, limit: int = OUTPUT_LIMIT) -> tuple[bytes, str | None]:
    """A whole body, decoded for reading, and a remark where it could not be.

    Then it is given as far as it could be decoded, or as it came where nothing could.
    """
    pieces: list[bytes] = []
    try:
        decoder = _decoder(headers, limit)
        if decoder is None:
            return data, None
        pieces.extend(decoder.feed(data[start : start + _SLICE]) for start in range(0, len(data), _SLICE))
        pieces.append(decoder.close())
    except DecodeError as error:
        return b"".join(pieces) or data, str(error)
    return b"".join(pieces), None


def _decoder(headers: Headers, limit: int) -> Decoder | None:
    return decoder_for(",".join(headers.all("content-encoding")), limit)


def _is_object(line: bytes) -> bool:
    """Whether a line is a JSON object by itself, as the tolerant parser takes it."""
    if not line.rstrip(_BLANK).endswith(b"}"):
        return False
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        try:
            json.loads(line.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return False
    return True


def _is_text(sample: bytes) -> bool:
    """Whether bytes, perhaps cut inside a character, are UTF-8 without control characters."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return False
    return not any(char < " " and char not in "\t\r\n" for char in text)
