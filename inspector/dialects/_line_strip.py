"""Taking values out of a stream of JSON lines as they pass, wherever its bytes are split."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import orjson

from inspector.dialects._json_members import BOM, Cut, with_cuts
from inspector.wire.sse import EVENT_LIMIT


class LineStrip:
    """A `Strip` that asks, for each line in turn, what is to be cut out of it; None takes the whole line out.

    A line goes on as soon as its end has come. One larger than `limit` bytes passes untouched.
    """

    def __init__(self, cuts: Callable[[bytes], Sequence[Cut] | None], limit: int = EVENT_LIMIT) -> None:
        self._cuts = cuts
        self._limit = limit
        self._held: list[bytes] = []
        self._size = 0
        self._passing = False
        """A line that is too long goes by."""

    def feed(self, data: bytes) -> bytes:
        """The next bytes of a stream and what the client gets for them."""
        out: list[bytes] = []
        at = 0
        while end := data.find(b"\n", at) + 1:
            out.append(self._keep(data[at:end]))
            out.append(self.close())
            self._passing, at = False, end
        if at < len(data):
            out.append(self._keep(data[at:]))
        return b"".join(out)

    def close(self) -> bytes:
        """What is still held: a line without its end."""
        line = b"".join(self._held)
        self._held, self._size = [], 0
        return self._stripped(line) if line.strip() else line

    def document(self, body: bytes) -> bytes:
        """A whole body as the client gets it: a document, or lines that were taken for one."""
        try:
            orjson.loads(body.removeprefix(BOM))
        except orjson.JSONDecodeError:
            strip = LineStrip(self._cuts, self._limit)
            return strip.feed(body) + strip.close()
        return with_cuts(body, self._cuts(body) or ())

    def _keep(self, piece: bytes) -> bytes:
        """Hold a piece of a line; what of it goes on at once, where it is too long."""
        self._size += len(piece)
        self._held.append(piece)
        if not self._passing and self._size <= self._limit:
            return b""
        self._passing = True
        out, self._held = b"".join(self._held), []
        return out

    def _stripped(self, line: bytes) -> bytes:
        cuts = self._cuts(line)
        return b"" if cuts is None else with_cuts(line, cuts)
