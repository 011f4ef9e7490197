"""Amazon's binary frames: cut wherever they are split, checked, and bounded; botocore is the other opinion."""

from __future__ import annotations

from binascii import crc32
from struct import pack

import pytest
from botocore.eventstream import EventStreamBuffer  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from inspector.model.headers import Headers
from inspector.wire.body import BodyReader
from inspector.wire.event import Event
from inspector.wire.eventstream import (
    NO_FRAME,
    WRONG_CHECKSUM,
    EventStream,
    HeaderValue,
    begins_frame,
    event_frame,
    exception_frame,
    frame,
    headers_of,
    is_frame,
    payload_of,
    with_payload,
)
from inspector.wire.sse import TOO_LONG, UNTERMINATED
from tests.dialects.recorded import Recorded, parameters, pieces, recorded

RECORDED = [
    recording
    for dialect in ("bedrock-converse-stream", "bedrock-invoke-stream")
    for recording in recorded(dialect)
    if recording.row["response_file"].endswith(".bin")
]
FIRST, SECOND = event_frame("messageStart", b'{"role":"assistant"}'), exception_frame("throttlingException", b"{}")
ERROR = frame({":message-type": "error", ":error-code": "InternalFailure", ":error-message": "It broke."})

values = st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | st.binary(max_size=20) | st.text(max_size=20)
header_maps = st.dictionaries(st.text(min_size=1, max_size=20), values, max_size=5)
cuts = st.lists(st.integers(0, 1 << 16), max_size=8)


def cut(body: bytes, at: list[int] | None = None, limit: int = 1 << 20) -> list[Event]:
    framing = EventStream(limit)
    given = [event for piece in pieces(body, at or []) for event in framing.feed(piece)]
    return given + framing.close()


def by_botocore(body: bytes) -> list[tuple[dict[str, HeaderValue], bytes]]:
    buffer = EventStreamBuffer()
    buffer.add_data(body)
    return [(message.headers, message.payload) for message in buffer]


@given(st.lists(st.tuples(header_maps, st.binary(max_size=60)), max_size=4), cuts)
def test_what_is_encoded_is_decoded_here_and_by_botocore(
    frames: list[tuple[dict[str, HeaderValue], bytes]], at: list[int]
) -> None:
    raw = [frame(headers, payload) for headers, payload in frames]
    body = b"".join(raw)
    events = cut(body, at)
    assert by_botocore(body) == frames
    assert [
        (headers_of(each[12 : -4 - len(payload)]), payload_of(each))
        for each, (_, payload) in zip(raw, frames, strict=True)
    ] == frames
    assert [body[event.start : event.end] for event in events] == raw
    assert [(event.data, event.note) for event in events] == [(payload, "") for _, payload in frames]
    assert all(map(is_frame, raw))


def test_every_split_gives_the_same_events() -> None:
    body = FIRST + SECOND + ERROR
    events = cut(body)
    assert [(event.name, event.data) for event in events] == [
        ("messageStart", b'{"role":"assistant"}'),
        ("throttlingException", b"{}"),
        ("InternalFailure", b'{"message":"It broke."}'),
    ]
    assert all(cut(body, [place]) == events for place in range(len(body)))
    assert cut(body, list(range(len(body)))) == events


@pytest.mark.parametrize("recording", parameters(RECORDED))
def test_a_recorded_stream_is_what_botocore_reads(recording: Recorded) -> None:
    body = recording.response
    events = cut(body, list(range(0, len(body), 7)))
    assert [(event.name, event.data) for event in events] == [
        (headers[":event-type"], payload) for headers, payload in by_botocore(body)
    ]
    assert [(event.start, event.note) for event in events[1:]] == [(event.end, "") for event in events[:-1]]
    assert (events[0].start, events[-1].end) == (0, len(body))


def test_all_types_of_headers_are_read() -> None:
    numbers = b"\x01a\x02\xff" + b"\x01b\x03\xff\xfe" + b"\x01c\x04" + pack(">i", -3) + b"\x01d\x05" + pack(">q", -4)
    others = b"\x01e\x08" + pack(">q", 5) + b"\x01f\x09" + bytes(16) + b"\x01g\x00" + b"\x01h\x01" + b"\x01i\x06\0\x01x"
    expected = dict(zip("abcdefghi", [-1, -2, -3, -4, 5, bytes(16), True, False, b"x"], strict=True))
    assert headers_of(numbers + others) == expected
    plain = frame({}, b"")
    lengths = pack(">II", len(plain) + len(numbers + others), len(numbers + others))
    head = lengths + pack(">I", crc32(lengths)) + numbers + others
    assert by_botocore(head + pack(">I", crc32(head))) == [(expected, b"")]


@pytest.mark.parametrize(
    "block", [b"\x05ab", b"\x01a", b"\x01a\x0a", b"\x01a\x07\x00", b"\x01a\x07\x00\x05abcd", b"\x01a\x09x"]
)
def test_headers_that_make_no_sense_are_noted(block: bytes) -> None:
    with pytest.raises(ValueError, match="the headers cannot be read"):
        headers_of(block)
    lengths = pack(">II", 16 + len(block) + 2, len(block))
    head = lengths + pack(">I", crc32(lengths)) + block + b"{}"
    [event] = cut(head + pack(">I", crc32(head)))
    assert (event.name, event.data) == ("", b"{}")
    assert event.note.startswith("the headers cannot be read")


@pytest.mark.parametrize("place", [8, -1])
def test_a_wrong_checksum_is_noted_and_the_frame_read_all_the_same(place: int) -> None:
    broken = bytearray(FIRST)
    broken[place] ^= 1
    body = bytes(broken) + SECOND
    assert [(event.name, event.note) for event in cut(body)] == [
        ("messageStart", WRONG_CHECKSUM),
        ("throttlingException", ""),
    ]
    assert cut(body, list(range(len(body)))) == cut(body)


@given(st.binary(max_size=50), cuts)
def test_the_next_frame_is_found_behind_what_is_none(noise: bytes, at: list[int]) -> None:
    body = FIRST + b"\xff" * 12 + noise + SECOND + FIRST
    events = cut(body, at)
    assert [(event.name, event.note) for event in events] == [
        ("messageStart", ""),
        ("", NO_FRAME),
        ("throttlingException", ""),
        ("messageStart", ""),
    ]
    assert events[1].data == body[events[1].start : events[1].end] == b"\xff" * 12 + noise
    assert cut(body[: events[1].end], at)[-1].note == NO_FRAME


@pytest.mark.parametrize("size", [3, 11, 12, 20, len(SECOND) - 1])
def test_a_frame_that_breaks_off_says_so(size: int) -> None:
    *_, last = cut(FIRST + SECOND[:size])
    assert (last.start, last.end, last.note) == (len(FIRST), len(FIRST) + size, UNTERMINATED)
    assert cut(FIRST + SECOND[:size], list(range(len(FIRST) + size))) == cut(FIRST + SECOND[:size])
    assert cut(b"") == []


@given(cuts)
def test_what_is_too_long_is_passed_over(at: list[int]) -> None:
    long = event_frame("contentBlockDelta", b"x" * 500)
    body = FIRST + long + SECOND + b"\xff" * 900 + FIRST + b"\xff" * 700
    events = cut(body, at, limit=300)
    assert [(event.name, event.data[:1], event.note) for event in events] == [
        ("messageStart", b"{", ""),
        ("", b"", TOO_LONG),
        ("throttlingException", b"{", ""),
        ("", b"", TOO_LONG),
        ("messageStart", b"{", ""),
        ("", b"", TOO_LONG),
    ]
    assert body[events[1].start : events[1].end] == long
    assert events[-1].end == len(body)
    assert [event.note for event in cut(FIRST + long[:100], limit=300)] == ["", TOO_LONG]


def test_a_payload_is_replaced() -> None:
    changed = with_payload(FIRST, b'{"role":"user"}')
    assert changed == event_frame("messageStart", b'{"role":"user"}')
    assert (
        not is_frame(FIRST + SECOND) and not is_frame(FIRST[:-1]) and not is_frame(b"data: x\n\n") and not is_frame(b"")
    )


@pytest.mark.parametrize("headers", [{"n" * 256: "x"}, {"n": "x" * 70_000}])
def test_a_header_that_is_too_long_is_refused(headers: dict[str, HeaderValue]) -> None:
    with pytest.raises(ValueError, match="too long"):
        frame(headers)


def test_frames_are_found_out_where_no_content_type_tells() -> None:
    for kind in ([("content-type", "application/vnd.amazon.eventstream")], []):
        reader = BodyReader(Headers(kind))
        events = [event for place in range(len(FIRST)) for event in reader.feed(FIRST[place : place + 1], 1.0)]
        assert [(event.name, event.kind) for event in events] == [("messageStart", "data")]
    assert begins_frame(b"\0\0") is None
    assert begins_frame(b"text") is False and begins_frame(bytes(12)) is False


def test_an_error_may_come_as_json_in_the_place_of_frames() -> None:
    reader = BodyReader(Headers([("content-type", "application/vnd.amazon.eventstream")]))
    reader.feed(b'{"message":"no"}', 1.0)
    assert [(event.kind, event.data) for event in reader.close(2.0)] == [("document", b'{"message":"no"}')]
