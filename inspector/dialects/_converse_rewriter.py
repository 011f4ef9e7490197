"""Passes a stream of the Converse API on with some of its parts changed: the rewriter of the Messages API does it.

Frames that nobody changed go as the bytes that they came in.
"""

from __future__ import annotations

from inspector.dialects._anthropic_rewriter import AnthropicRewriter
from inspector.dialects._base import Json, parse_object
from inspector.dialects._converse_terms import Terms, frames, metadata, unwrapped
from inspector.dialects._fields import object_of
from inspector.dialects._pieces import json_bytes
from inspector.model.edits import Edits
from inspector.model.message import Media, Other
from inspector.wire.event import Event
from inspector.wire.eventstream import event_frame
from inspector.wire.sse import SSE


class ConverseRewriter:
    """See `Rewriter`."""

    def __init__(self, delivered: list[Event]) -> None:
        self._terms = Terms()
        self._counts = b""
        """The upstream's `metadata`, which stands behind the end of the message."""
        self._counted = False
        """The client has it."""
        self._final = False
        self._inner = AnthropicRewriter([said for event in delivered for said in self._said(event)])
        self._counted = bool(self._counts)

    def edit(self, edits: Edits) -> None:
        """Take changes, in addition to earlier ones. ValueError where they do not fit behind what the client has."""
        for part in (*edits.replaced.values(), *edits.added):
            if isinstance(part, Other | Media):
                raise ValueError("only texts, thoughts, calls and results can be put into this stream")
        self._inner.edit(edits)
        self._final = self._final or edits.final

    def feed(self, event: Event) -> list[bytes] | None:
        """What the client gets in the place of the upstream's next event; None: its own bytes."""
        said = self._said(event)
        if not said:
            self._counted = self._counted or (bool(self._counts) and not self._final)
            return [] if self._final and event.kind == "data" else None
        given = [(self._inner.feed(each), each) for each in said]
        if all(pieces is None for pieces, _ in given):
            return None
        return [
            piece
            for pieces, each in given
            for told in ([parse_object(each.data)] if pieces is None else _told(pieces))
            for piece in frames(told)
        ]

    def close(self) -> list[bytes]:
        """The rest of the answer, and its token counts."""
        pieces = [piece for told in _told(self._inner.close()) for piece in frames(told)]
        if self._counted or not pieces:
            return pieces
        self._counted = True
        return [*pieces, self._counts or metadata({"inputTokens": 0, "outputTokens": 0, "totalTokens": 0})]

    def _said(self, event: Event) -> list[Event]:
        """An event in the terms of the Messages API."""
        if event.kind != "data":
            return []
        try:
            name, data = unwrapped(event.name, parse_object(event.data))
        except ValueError:
            return []
        if name == "metadata":
            self._counts = event_frame(name, json_bytes(object_of(data)))
        return [Event(json_bytes(said), "data", said["type"]) for said in self._terms.events(name, data)]


def _told(pieces: list[bytes]) -> list[Json]:
    """What events of the Messages API say."""
    return [parse_object(event.data) for event in SSE().feed(b"".join(pieces))]
