"""The events of a flow's answer, as far as it has come, each given once."""

from __future__ import annotations

from collections.abc import Iterator

from inspector.dialects import ARRAYS
from inspector.model.flow import Flow, Response
from inspector.wire.body import BodyReader
from inspector.wire.event import Event

_SLICE = 256 * 1024
"""Bytes that are read at a time: an imported body may be one chunk."""


class AnswerEvents:
    """Reads the answer of one flow as its client has it. Nothing is ever raised, whatever the bytes hold."""

    __slots__ = ("_body", "_chunks", "_flow", "_offset", "closed", "response")

    def __init__(self, flow: Flow) -> None:
        self.response: Response | None = None
        """What is read; None until it begins."""
        self.closed = False
        """Whether all of it was read, and no more will come."""
        self._flow = flow
        self._body: BodyReader | None = None
        self._chunks = 0
        self._offset = 0

    def is_of(self, flow: Flow) -> bool:
        """Whether it can go on with this flow, and what was read of it stands as it stood."""
        same = self._flow is flow and (self.response is None or self.response is flow.answered)
        return same and (not self.closed or _is_over(flow))

    def read(self) -> Iterator[list[Event]]:
        """What came since the last time, some at a time. Whoever stops in the middle goes on there later."""
        response = self._flow.answered
        if response is None or self.closed:
            return
        if self._body is None:
            arrays = self._flow.dialect in ARRAYS
            self.response, self._body = response, BodyReader(response.headers, arrays=arrays)
        body = response.body
        while self._chunks < body.chunks:
            start, end, at = self._offset, body.ends[self._chunks], body.times[self._chunks]
            self._offset = min(start + _SLICE, end)
            self._chunks += self._offset == end
            yield self._body.feed(bytes(body.data[start : self._offset]), at)
        if _is_over(self._flow):
            self.closed = True
            yield self._body.close(body.times[-1] if body.chunks else self._flow.timing.head or 0.0)

    @property
    def notes(self) -> list[str]:
        """What could not be read, and what was odd."""
        return self._body.notes if self._body is not None else []


def _is_over(flow: Flow) -> bool:
    """Whether nothing more comes of the response; somebody may still hold it back from the client."""
    return not flow.live or (flow.hold is not None and flow.hold.upstream_done)
