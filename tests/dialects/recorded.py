"""Recorded traffic and small handmade streams, read the way the program reads them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import strategies as st

from inspector.dialects._base import Dialect
from inspector.model.flow import Request
from inspector.model.headers import Headers
from inspector.model.message import Message, Transcript
from inspector.wire.body import BodyReader
from tests.conftest import CAPTURES

Json = dict[str, Any]


@dataclass(frozen=True)
class Recorded:
    """One recorded exchange."""

    row: Json
    request: bytes | None
    response: bytes

    @property
    def stream(self) -> bool:
        """Whether the response is a stream, by how it was recorded."""
        return bool(self.row["response_file"].endswith(".sse"))

    @property
    def asked(self) -> Request:
        """The request's head."""
        return Request(self.row["method"], self.row["url"], Headers(self.row["request_headers"].items()))

    @property
    def content_type(self) -> str:
        """What the response says it is; some recordings lost it."""
        return self.row["content_type"] or ("text/event-stream" if self.stream else "application/json")


@cache
def recorded(dialect: str) -> list[Recorded]:
    """Every recording of a dialect; none where the recordings are absent."""
    index = CAPTURES / "index.jsonl"
    if not index.exists():
        return []
    rows = (json.loads(line) for line in index.read_text().splitlines())
    return [_load(row) for row in rows if row["dialect"] == dialect]


def _load(row: Json) -> Recorded:
    folder = CAPTURES / row["dialect"]
    request = (folder / row["request_file"]).read_bytes() if row["request_file"] else None
    return Recorded(row, request, (folder / row["response_file"]).read_bytes())


def parameters(recordings: list[Recorded]) -> list[Any]:
    """Parameters for a test of each recording, or one that is skipped with its reason."""
    if not recordings:
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"no recorded traffic in {CAPTURES}"))]
    return [pytest.param(recording, id=recording.row["name"][:70]) for recording in recordings]


def read(dialect: Dialect, pieces: Iterable[bytes], content_type: str = "text/event-stream") -> Transcript:
    """A response's transcript. What the reader raises is noted, as the program does it."""
    transcript = Transcript()
    reader = dialect.reader(transcript)
    body = BodyReader(Headers([("content-type", content_type)]))
    events = [event for piece in pieces for event in body.feed(piece, 0.0)]
    for event in [*events, *body.close(0.0)]:
        try:
            reader.event(event)
        except ValueError as error:
            transcript.note(f"event: {error}")
    reader.close()
    return transcript


def sse(*events: Json) -> bytes:
    """A stream of events, each with its type for a name."""
    return b"".join(
        b"event: %s\ndata: %s\n\n" % (event["type"].encode(), json.dumps(event).encode()) for event in events
    )


def pieces(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The data, cut at these places (modulo its length)."""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def payloads(data: bytes) -> list[Json]:
    """The JSON objects of a stream, found without the program's own framing."""
    lines = (line.strip().removeprefix(b"data:").strip() for line in data.split(b"\n") if line.startswith(b"data:"))
    return [json.loads(line) for line in lines if line and line != b"[DONE]"]


def answer_of(transcript: Transcript) -> Message:
    """The one message of an answer."""
    assert len(transcript.answer.choices) == 1
    return transcript.answer.choices[0]


def events_of(*words: str, keys: str) -> st.SearchStrategy[Json]:
    """Events of any shape whose types are of `words` and whose fields of `keys`: nearly right, and mostly wrong."""
    kinds = st.sampled_from(words)
    names = st.sampled_from(keys.split())
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | kinds
    values = st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5), max_leaves=12
    )
    return st.builds(lambda kind, rest: {**rest, "type": kind}, kinds, st.dictionaries(names, values, max_size=6))
