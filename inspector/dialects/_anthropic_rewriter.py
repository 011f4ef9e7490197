"""Passes a stream of the Messages API on with some of its parts changed.

Blocks that nobody changed go as the bytes that they came in, save where a block before them was taken out: the SDKs
take a block's `index` for its place in the message. Thoughts that were changed go without their signature, which would
be invalid.
"""

from __future__ import annotations

from dataclasses import replace

from inspector.dialects._anthropic_events import (
    block_events,
    deltas,
    framed,
    message_head,
    opened,
    reason_instead_of,
    stop_reason,
)
from inspector.dialects._anthropic_track import Block, Step, Track
from inspector.dialects._base import Json
from inspector.dialects._fields import object_of, text_of
from inspector.dialects._pieces import sse
from inspector.model.edits import Edits
from inspector.model.message import Growing, Part, Reasoning, ToolCall
from inspector.wire.event import Event


class AnthropicRewriter:
    """One answer on its way, from where the client has `delivered` of it."""

    def __init__(self, delivered: list[Event]) -> None:
        self._edits = Edits()
        self._track = Track()
        self._dropped = 0
        """Blocks that were left out: those behind them move up."""
        self._next = 0
        """The index of a block behind all others."""
        self._begun = False
        self._reason = ""
        """Why the answer ended, as the client has it; empty before the client has that."""
        self._finished = False
        """The client has a `message_delta`: no block may follow."""
        self._over = False
        for given in delivered:
            if given.kind == "data":
                self._give(self._track.take(given))

    def edit(self, edits: Edits) -> None:
        """Take changes, in addition to earlier ones. ValueError where they do not fit behind what the client has."""
        replaced = {index: _unsigned(part) for index, part in edits.replaced.items()}
        if self._over and edits:
            raise ValueError("the client has the whole answer already")
        if self._finished and (edits.added or edits.final):
            raise ValueError("the client has all parts of the answer already")
        if self._finished and edits.finish_reason not in (None, self._reason):
            raise ValueError(f"the client has the finish reason already: {self._reason}")
        for index, part in replaced.items():
            self._check(index, part)
        known = self._edits
        known.replaced.update(replaced)
        known.added += edits.added
        known.finish_reason = edits.finish_reason or known.finish_reason
        known.final = known.final or edits.final

    def feed(self, event: Event) -> list[bytes] | None:
        """What the client gets in the place of the upstream's next event; None: its own bytes."""
        if event.kind != "data":
            return None
        step = self._track.take(event)
        if self._edits.final and step.kind not in ("message_start", "ping"):
            return []
        if step.block is not None and self._edits:
            return self._block(step, step.block, event)
        if step.kind == "message_delta" and self._edits:
            return self._message_delta(step, event)
        self._give(step)
        return None

    def close(self) -> list[bytes]:
        """The rest of the answer. A stream that broke off by itself ends as it did where nobody changed it."""
        if self._over or not self._edits or not (self._begun or self._edits.final):
            return []
        pieces = [] if self._begun else [framed("message_start", message=message_head())]
        if not self._finished:
            reason = self._edits.finish_reason or stop_reason(self._parts())
            usage = object_of(self._track.end.get("usage")) or {"output_tokens": self._track.output_tokens}
            pieces += self._last_parts(over=True)
            pieces.append(framed("message_delta", delta={"stop_reason": reason, "stop_sequence": None}, usage=usage))
        self._over = True
        return [*pieces, framed("message_stop")]

    def _check(self, index: int, part: Part | None) -> None:
        """ValueError where a part may not be replaced any more."""
        block = self._track.block_of(index)
        if block is None:
            if index < len(self._track.parts):
                raise ValueError("this part came in one piece with the beginning of the answer")
            if self._finished:
                raise ValueError("the answer has no such part")
        elif part is None and block.place is not None:
            raise ValueError("the client has the beginning of this part: it cannot be taken out any more")
        elif part is not None and block.dropped:
            raise ValueError("this part was taken out, and what follows it is with the client already")
        elif part is not None:
            block.check(part, self._edits.replaced.get(index) or self._track.parts[index])

    def _give(self, step: Step) -> None:
        """The client gets an event as it came."""
        match step.kind:
            case "message_start":
                self._begun = True
            case "message_delta":
                self._finished = True
                self._reason = text_of(object_of(step.data.get("delta")).get("stop_reason")) or self._reason
            case "message_stop" | "error":
                self._over = True
        if (block := step.block) is None:
            return
        if block.place is None:
            self._begin(block, block.index - self._dropped, block.start)
        if step.kind == "content_block_delta":
            block.give(object_of(step.data.get("delta")))
        elif step.kind == "content_block_stop":
            block.stop()

    def _begin(self, block: Block, place: int, start: Json) -> None:
        block.begin(place, start)
        self._next = max(self._next, place + 1)

    def _block(self, step: Step, block: Block, event: Event) -> list[bytes] | None:
        """An event of a block."""
        if block.stopped or block.dropped:
            return []
        if block.part not in self._edits.replaced:
            self._give(step)
            return None if block.place == block.index else [sse({**step.data, "index": block.place}, event.name)]
        part = self._edits.replaced[block.part]
        if part is None:
            block.dropped = True
            self._dropped += 1
            return []
        pieces = self._rest(block, part)
        return pieces + self._stop(block) if step.kind == "content_block_stop" else pieces

    def _rest(self, block: Block, part: Part) -> list[bytes]:
        """What the client has not got of a changed part."""
        pieces = []
        if block.place is None:
            start = opened(part, block.start)
            self._begin(block, block.index - self._dropped, start)
            pieces.append(framed("content_block_start", index=block.place, content_block=start))
        elif isinstance(part, ToolCall) and not part.arguments and block.start.get("input"):
            part = replace(part, arguments=Growing("{}"))
        for delta in deltas(part, block.sent.length, len(block.citations)):
            block.give(delta)
            pieces.append(framed("content_block_delta", index=block.place, delta=delta))
        return pieces

    def _stop(self, block: Block) -> list[bytes]:
        block.stop()
        return [framed("content_block_stop", index=block.place)]

    def _last_parts(self, over: bool) -> list[bytes]:
        """The ends of open blocks, the changed parts that a final edit keeps, and the parts that were added.

        An upstream that goes on and has left a block open, which nobody changed, gets away with it.
        """
        pieces: list[bytes] = []
        for block in self._track.blocks:
            part = self._edits.replaced.get(block.part)
            if block.place is None or block.stopped or not (over or part is not None):
                continue
            pieces += [*(self._rest(block, part) if part is not None else ()), *self._stop(block)]
        for part in self._behind():
            pieces += block_events(part, self._next)
            self._next += 1
        return pieces

    def _behind(self) -> list[Part]:
        """The parts that the client gets behind the blocks that it has."""
        replaced = sorted(self._edits.replaced.items()) if self._edits.final else []
        kept = [part for index, part in replaced if part is not None and not self._client_has(index)]
        return kept + self._edits.added

    def _parts(self) -> list[Part]:
        """The answer's parts, as the client has them in the end."""
        parts = enumerate(self._track.parts)
        kept = [(index, part) for index, part in parts if not self._edits.final or self._client_has(index)]
        changed = [self._edits.replaced.get(index, part) for index, part in kept]
        return [part for part in changed if part is not None] + self._behind()

    def _client_has(self, index: int) -> bool:
        """Whether the client has a part, or its beginning."""
        block = self._track.block_of(index)
        return index < len(self._track.parts) if block is None else block.place is not None

    def _message_delta(self, step: Step, came: Event) -> list[bytes] | None:
        """The end of the message, behind the parts that were added; its reason follows from the parts."""
        first = not self._finished
        self._give(step)
        pieces = self._last_parts(over=False) if first else []
        delta = object_of(step.data.get("delta"))
        old = text_of(delta.get("stop_reason"))
        self._reason = self._reason_instead_of(old) if old else self._reason
        if old == self._reason or not old:
            return [*pieces, sse(came.data, came.name)] if pieces else None
        cleared: Json = {name: None for name in ("stop_sequence", "stop_details") if name in delta}
        changed = {**step.data, "delta": {**delta, **cleared, "stop_reason": self._reason}}
        return [*pieces, sse(changed, came.name)]

    def _reason_instead_of(self, reason: str) -> str:
        if self._edits.finish_reason:
            return self._edits.finish_reason
        return reason_instead_of(reason, self._track.parts, self._parts())


def _unsigned(part: Part | None) -> Part | None:
    return replace(part, signature="") if isinstance(part, Reasoning) else part
