"""The unit that every framing yields: one event of a stream, or one whole document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

Kind = Literal["data", "comment", "document"]
"""`data`: one event of a stream; `comment`: a keep-alive without payload; `document`: the whole body at once."""


@dataclass(slots=True)
class Event:
    """One event, with its place in the decoded body."""

    data: bytes
    """The payload, without framing."""
    kind: Kind = "data"
    name: str = ""
    """SSE's `event` field; empty where there is none."""
    id: str = ""
    """SSE's `id` field."""
    start: int = 0
    """Offset of its first byte, framing included, in the body as decoded."""
    end: int = 0
    at: float = 0.0
    """When its last byte came, in ms since the flow's start."""
    note: str = ""
    """What was odd about it: `unterminated`, `too long: skipped`."""


class Framing(Protocol):
    """Cuts a body into events. Any split of the body gives the same events."""

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes; give the events that they complete. Offsets are set, `at` is not."""

    def close(self) -> list[Event]:
        """Take the end of the body; give what was still pending."""
