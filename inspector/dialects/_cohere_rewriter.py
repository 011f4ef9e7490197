"""Passes a stream of Cohere's Chat API on with some of its parts changed.

What nobody changed goes as the bytes that it came in, save where its number is another one now: a part before it was
taken out, or became one of another kind.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal

from inspector.dialects._base import Json
from inspector.dialects._cohere_events import (
    Family,
    check_writable,
    citation,
    citations_of,
    ending,
    family_of,
    finish_reason,
    framed,
    growth,
    message_head,
    opening,
    plan_delta,
    reason_instead_of,
    words_of,
)
from inspector.dialects._cohere_track import Block, Step, Track
from inspector.dialects._fields import int_of, object_of, text_of
from inspector.dialects._pieces import sse
from inspector.model.edits import Edits
from inspector.model.message import Part, Reasoning
from inspector.wire.event import Event

DONE = b"data: [DONE]\n\n"


class CohereRewriter:
    """One answer on its way, from where the client has `delivered` of it."""

    def __init__(self, delivered: list[Event]) -> None:
        self._edits = Edits()
        self._track = Track()
        self._moved: Counter[Family | Literal["citation"]] = Counter()
        """By how much the numbers of the next parts differ from the upstream's."""
        self._next: Counter[Family | Literal["citation"]] = Counter()
        """The number of a part behind all others."""
        self._cited: dict[int, int | None] = {}
        """The numbers of the upstream's citations that have not ended, as the client knows them; None: not at all."""
        self._begun = False
        self._over = False
        for given in delivered:
            if given.kind == "data":
                step = self._track.take(given)
                if step.kind.startswith("citation-"):
                    self._citation(step, given)
                else:
                    self._give(step)

    def edit(self, edits: Edits) -> None:
        """Take changes, in addition to earlier ones. ValueError where they do not fit behind what the client has."""
        if self._track.is_v1:
            raise ValueError("a stream of the first version of Cohere's API can only be edited as text")
        if self._over and edits:
            raise ValueError("the client has the whole answer already")
        for part in edits.added:
            check_writable(part)
        for index, new in edits.replaced.items():
            self._check(index, new)
        self._edits.replaced.update(edits.replaced)
        self._edits.added += edits.added
        self._edits.finish_reason = edits.finish_reason or self._edits.finish_reason
        self._edits.final = self._edits.final or edits.final

    def feed(self, event: Event) -> list[bytes] | None:
        """What the client gets in the place of the upstream's next event; None: its own bytes."""
        if event.kind != "data":
            return None
        step = self._track.take(event)
        if self._edits.final and step.kind != "message-start":
            return []
        if step.kind.startswith("citation-"):
            return self._citation(step, event)
        if step.block is not None and self._edits:
            return self._block(step, step.block, event)
        if step.kind == "message-end" and self._edits:
            return self._message_end(step, event)
        self._give(step)
        return None

    def close(self) -> list[bytes]:
        """The rest of the answer. A stream that broke off by itself ends as it did where nobody changed it."""
        if self._over or not self._edits or not (self._begun or self._edits.final):
            return []
        out = [] if self._begun else [sse(message_head(), "message-start")]
        out += self._last_parts(over=True)
        self._over = True
        delta = {"finish_reason": self._edits.finish_reason or finish_reason(self._parts())}
        return [*out, framed("message-end", delta=delta), DONE]

    def _check(self, index: int, part: Part | None) -> None:
        """ValueError where a part may not be replaced any more."""
        if part is not None:
            check_writable(part)
        block = self._track.block_of(index)
        if block is None:
            return
        if part is None and block.place is not None:
            raise ValueError("the client has the beginning of this part: it cannot be taken out any more")
        if part is not None and block.dropped:
            raise ValueError("this part was taken out, and what follows it is with the client already")
        if part is not None:
            block.check(part)

    def _give(self, step: Step) -> None:
        """The client gets an event as it came, its number aside."""
        match step.kind:
            case "message-start":
                self._begun = True
            case "message-end":
                self._over = True
            case "citation-start" if step.block is not None:
                step.block.citations.append(object_of(step.message.get("citations")))
        if (block := step.block) is None or step.kind.startswith("citation-"):
            return
        if block.place is None:
            self._begin(block, block.index + self._moved[block.family])
        block.give(step.message)
        if step.kind in ("content-end", "tool-call-end"):
            block.stop()

    def _begin(self, block: Block, place: int) -> None:
        block.place = place
        self._next[block.family] = max(self._next[block.family], place + 1)

    def _citation(self, step: Step, event: Event) -> list[bytes] | None:
        """A citation of a text that was changed is left out: those that stay are the new text's own."""
        index = int_of(step.data.get("index")) or 0
        if step.kind == "citation-end":
            place = self._cited.pop(index, index)
        elif step.block is not None and (step.block.dropped or step.block.part in self._edits.replaced):
            place = self._cited[index] = None
            self._moved["citation"] -= 1
        else:
            place = self._cited[index] = index + self._moved["citation"]
            self._next["citation"] = max(self._next["citation"], place + 1)
            self._give(step)
        if place is None:
            return []
        return None if place == index else [sse({**step.data, "index": place}, event.name)]

    def _block(self, step: Step, block: Block, event: Event) -> list[bytes] | None:
        """An event of a part."""
        if block.stopped or block.dropped:
            return []
        if block.part not in self._edits.replaced:
            before = self._plan_before(block)
            self._give(step)
            own = block.place == block.index or "index" not in step.data
            if own and not before:
                return None
            return [*before, sse(event.data if own else {**step.data, "index": block.place}, event.name)]
        part = self._edits.replaced[block.part]
        if part is None:
            block.dropped = True
            self._moved[block.family] -= block.family != "plan"
            return []
        out = self._plan_before(block) + self._rest(block, part)
        return out + self._stop(block) if step.kind in ("content-end", "tool-call-end") else out

    def _plan_before(self, block: Block) -> list[bytes]:
        """The rest of a changed plan, which has no end of its own: what follows it tells that it is over."""
        plan = next((other for other in self._track.blocks if other.is_plan), block)
        part = self._edits.replaced.get(plan.part)
        if plan is block or part is None or plan.place is None or plan.stopped:
            return []
        return self._rest(plan, part) + self._stop(plan)

    def _rest(self, block: Block, part: Part) -> list[bytes]:
        """What the client has not got of a changed part."""
        out = []
        if block.place is None:
            out += self._open(block, part)
        assert block.place is not None
        out += growth(part, block.family, block.place, block.sent.length)
        block.sent.replace(words_of(part))
        new = citations_of(part)[len(block.citations) :]
        block.citations += new
        self._moved["citation"] += len(new)
        return out + self._cite(new)

    def _cite(self, cited: list[object]) -> list[bytes]:
        """Citations behind all others."""
        places = range(self._next["citation"], self._next["citation"] + len(cited))
        self._next["citation"] += len(cited)
        return [piece for each, place in zip(cited, places, strict=True) for piece in citation(each, place)]

    def _open(self, block: Block, part: Part) -> list[bytes]:
        """The beginning of a changed part, which may be of another kind than what the model wrote."""
        family: Family = "plan" if block.is_plan and isinstance(part, Reasoning) else family_of(part)
        place = block.index + self._moved[family] if family == block.family else self._next[family]
        if family != block.family:
            self._moved[block.family] -= block.family != "plan"
            self._moved[family] += 1
            block.family = family
        self._begin(block, place)
        if family == "plan":
            return [plan_delta("")]
        event, block.start = opening(part, place, block.start)
        return [event]

    def _stop(self, block: Block) -> list[bytes]:
        block.stop()
        assert block.place is not None
        return ending(block.family, block.place)

    def _last_parts(self, over: bool) -> list[bytes]:
        """The ends of open parts, the changed parts that a final edit keeps, and the parts that were added.

        An upstream that goes on and has left a part open, which nobody changed, gets away with it.
        """
        cited = [place for place in self._cited.values() if place is not None] if over else []
        out = [framed("citation-end", index=place) for place in cited]
        for block in self._track.blocks:
            part = self._edits.replaced.get(block.part)
            if block.place is None or block.stopped or not (over or part is not None):
                continue
            out += [*(self._rest(block, part) if part is not None else ()), *self._stop(block)]
        for part in self._behind():
            out += self._whole(part)
        return out

    def _whole(self, part: Part) -> list[bytes]:
        """All events of a part behind the others."""
        family = family_of(part)
        place = self._next[family]
        self._next[family] += 1
        cited = self._cite(citations_of(part))
        return [opening(part, place)[0], *growth(part, family, place), *cited, *ending(family, place)]

    def _behind(self) -> list[Part]:
        """The parts that the client gets behind those that it has."""
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
        return block is not None and block.place is not None

    def _message_end(self, step: Step, came: Event) -> list[bytes] | None:
        """The end of the message, behind the parts that were added; its reason follows from the parts."""
        self._give(step)
        out = self._last_parts(over=False)
        delta: Json = object_of(step.data.get("delta"))
        old = text_of(delta.get("finish_reason"))
        new = self._edits.finish_reason or reason_instead_of(old, self._track.parts, self._parts())
        if new == old:
            return [*out, sse(came.data, came.name)] if out else None
        return [*out, sse({**step.data, "delta": {**delta, "finish_reason": new}}, came.name)]
