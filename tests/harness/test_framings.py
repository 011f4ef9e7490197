"""Every framing and dialect on streams that are nearly right: nothing raises, however the bytes are split."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects import DIALECTS, by_name
from inspector.model.flow import Capture, End, Flow, Reason, Request, Response, Timing
from inspector.model.headers import Headers
from inspector.model.message import Transcript
from inspector.proxy.intake import Intake
from inspector.store.transcripts import Transcripts
from tests.captures import capture_flows
from tests.harness.traffic import KINDS, Kind, body_of

EXAMPLES = int(os.environ.get("INSPECTOR_FUZZ_EXAMPLES", "25"))
"""How many streams are tried for each dialect: many more where there is time."""

SCRAPS = (
    *(b"\n", b"\r", b"\r\n\r\n", b"data:", b"event: x\n", b"id: 1\n", b":", b"data: {}\n\n", b"data: []\n\n"),
    *(b"data: null\n\n", b"data: [DONE]\n\n", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"{", b"}", b"[", b"]" * 50),
    *(b"null", b'"', b"\\", b"\\ud800", b"1e999", b"-", b"true", b'{"error":{"message":"no"}}'),
    *(b"[" * 3000, b'{"a":' * 3000, b"9" * 5000),
)
"""What is put into a stream, or in the place of some of it."""


@st.composite
def near_streams(draw: st.DrawFn, of: Sequence[bytes]) -> bytes:
    """A stream whose events are repeated, left out, exchanged, cut and mixed with scraps."""
    pieces = list(of)
    for _ in range(draw(st.integers(0, 5))):
        at = draw(st.integers(0, len(pieces) - 1)) if pieces else 0
        change = draw(st.sampled_from(("repeat", "leave out", "exchange", "cut", "insert", "replace", "other value")))
        if change == "insert" or not pieces:
            pieces.insert(at, draw(st.sampled_from(SCRAPS)))
            continue
        piece = pieces[at]
        place = draw(st.integers(0, len(piece)))
        match change:
            case "repeat":
                pieces.insert(at, piece)
            case "leave out":
                del pieces[at]
            case "exchange":
                other = draw(st.integers(0, len(pieces) - 1))
                pieces[at], pieces[other] = pieces[other], pieces[at]
            case "cut":
                pieces[at] = piece[:place]
            case "replace":
                length = draw(st.integers(0, 6))
                pieces[at] = piece[:place] + draw(st.sampled_from(SCRAPS)) + piece[place + length :]
            case _:
                value = draw(st.sampled_from((b"null", b"[]", b"{}", b"7", b'"x"', b"true", b"-1.5e300")))
                head, colon, tail = piece.partition(b'": ')
                pieces[at] = head + colon + value + tail[tail.find(b",") :] if colon else piece
    return b"".join(pieces)


def read(name: str, kind: Kind, chunks: list[bytes]) -> Transcript:
    """What a flow with such an answer says."""
    request = Request("POST", f"http://h{kind.path}", Headers(), Capture(body_of(True)))
    flow = Flow("f", request, 0.0, dialect=name, timing=Timing(received=0.0, head=0.0, ended=1.0))
    flow.response = Response(200, Headers([("content-type", kind.content_type)]))
    for chunk in chunks:
        flow.response.body.append(1.0, chunk)
    flow.end = End(Reason.DONE, "upstream")
    return Transcripts().of(flow)


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    """Data in pieces."""
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in itertools.pairwise(places)]


@pytest.mark.parametrize("name", KINDS)
def test_what_is_nearly_right_is_read_alike_however_it_is_split(name: str) -> None:
    kind = KINDS[name]

    @settings(max_examples=EXAMPLES, deadline=None)
    @given(near_streams(kind.pieces), st.lists(st.integers(0, 1 << 20), max_size=12))
    def check(data: bytes, cuts: list[int]) -> None:
        whole = read(name, kind, [data])
        assert read(name, kind, split(data, cuts)) == whole

    check()


@pytest.mark.parametrize("name", KINDS)
def test_every_byte_of_what_is_nearly_right_goes_through_the_gate(name: str) -> None:
    kind = KINDS[name]
    headers = Headers([("content-type", kind.content_type)])

    @settings(max_examples=EXAMPLES, deadline=None)
    @given(near_streams(kind.pieces), st.lists(st.integers(0, 1 << 20), max_size=12))
    def check(data: bytes, cuts: list[int]) -> None:
        intake = Intake(headers)
        pairs = [pair for chunk in split(data, cuts) for pair in intake.feed(chunk, 1.0)] + intake.close(1.0)
        assert b"".join(raw for _, raw in pairs) == data
        assert [event.end for event, _ in pairs] == sorted(event.end for event, _ in pairs)

    check()


LARGEST = 40_000
"""Bytes of the recordings that are altered."""


def recordings() -> list[Flow]:
    """The smallest answer of each dialect in each framing: binary frames and arrays of JSON are among them."""
    smallest: dict[tuple[str, str], Flow] = {}
    for flow in sorted(capture_flows(), key=lambda flow: len(flow.response.body) if flow.response else 0):
        if flow.response is not None and 0 < len(flow.response.body) < LARGEST:
            smallest.setdefault((flow.dialect, flow.response.headers.get("content-type")), flow)
    return list(smallest.values())


def test_recordings_that_were_altered_are_read_alike_however_they_are_split() -> None:
    recorded = recordings()

    @settings(max_examples=EXAMPLES * 4, deadline=None)
    @given(st.data(), st.lists(st.integers(0, 1 << 20), max_size=12))
    def check(data: st.DataObject, cuts: list[int]) -> None:
        flow = data.draw(st.sampled_from(recorded))
        assert flow.response is not None
        body, headers = flow.response.body, flow.response.headers
        altered = data.draw(near_streams([body.chunk(index) for index in range(body.chunks)]))
        told = []
        for chunks in ([altered], split(altered, cuts)):
            again = replace(flow, id="again", response=Response(flow.response.status, headers))
            assert again.response is not None
            for chunk in chunks:
                again.response.body.append(1.0, chunk)
            told.append(Transcripts().of(again))
        assert told[0] == told[1]
        intake = Intake(headers)
        pairs = [pair for chunk in split(altered, cuts) for pair in intake.feed(chunk, 1.0)] + intake.close(1.0)
        assert intake.encoded or not intake.framed or b"".join(raw for _, raw in pairs) == altered

    check()


READERS: dict[str, Callable[[Kind, bytes], object]] = {
    dialect.name: lambda kind, data, dialect=dialect: read(dialect.name, kind, [data])  # type: ignore[misc]
    for dialect in DIALECTS
}


@pytest.mark.parametrize("name", READERS)
def test_each_dialect_reads_the_streams_of_all_others(name: str) -> None:
    """An upstream may answer anything."""
    for kind in KINDS.values():
        for data in (kind.stream, kind.document, kind.stream[: len(kind.stream) // 2], kind.stream[::-1]):
            assert isinstance(READERS[name](kind, data), Transcript)
    assert by_name(name).name == name
