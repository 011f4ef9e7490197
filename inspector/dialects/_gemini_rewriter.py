"""A stream of the Gemini API, passed on with some parts of its first candidate changed.

A piece of the stream has a list of parts, so that whatever the client is to get stands in the pieces that come anyway.
Calls come whole: one that the client has cannot be changed any more.
"""

from __future__ import annotations

import copy
from dataclasses import replace

from inspector.dialects._base import Json
from inspector.dialects._gemini_document import (
    edit_document,
    first_candidates,
    forget_tokens,
    insert_parts,
    put,
    told_end,
)
from inspector.dialects._gemini_parts import Turn
from inspector.dialects._gemini_shape import candidates_of, error_of, finish_reason, parse, parts_in, unwrapped
from inspector.dialects._gemini_wire import check_writable, wire_parts
from inspector.dialects._pieces import sse
from inspector.model.edits import Edits
from inspector.model.message import Growing, Part, Reasoning, Text, ToolCall
from inspector.wire.event import Event
from inspector.wire.json_edit import change_at
from inspector.wire.json_path import Path

_TOO_LATE = "the client has what comes behind this part already"


class GeminiRewriter:
    """See `Rewriter`. Once the client was told the finish reason, nothing of the message can be changed."""

    def __init__(self, delivered: list[Event]) -> None:
        self._turn = Turn([])
        self._edits = Edits()
        self._given: dict[int, Part | None] = {}
        """What the client has of each part that is edited: None for nothing."""
        self._last: Json = {}
        """The last piece of the stream."""
        self._told = False
        self._failed = False
        for event in delivered:
            self.feed(event)

    def edit(self, edits: Edits) -> None:
        """Take changes, in addition to earlier ones. ValueError where the client has already what they change."""
        if (self._told or self._failed) and edits:
            raise ValueError("the client was told already that the message is over")
        for index, part in edits.replaced.items():
            self._check(index, part)
        for part in edits.added:
            check_writable(part)
        edits = copy.deepcopy(edits)
        for index in {*edits.replaced, *(range(len(self._turn.parts)) if edits.final else ())}:
            self._given[index] = copy.deepcopy(self._client_has(index))
        known = self._edits
        known.replaced |= edits.replaced
        known.added += edits.added
        known.finish_reason = edits.finish_reason or known.finish_reason
        known.final = known.final or edits.final

    def feed(self, event: Event) -> list[bytes] | None:
        """What the client gets in the place of the upstream's next event, framing included; None: its own bytes."""
        if event.kind == "comment" or not event.data.strip():
            return None
        try:
            body = parse(event.data)[0]
        except (ValueError, IndexError):
            return None
        if error_of(body):
            self._failed = not self._edits.final
        elif event.kind == "document":
            return [edit_document(event.data, self._edits)] if self._edits else None
        if self._edits.final:
            return []
        return None if self._failed else self._piece(event, body)

    def close(self) -> list[bytes]:
        """What is still missing where the answer ends. A stream that broke off, or was not edited, stays as it is."""
        if not self._edits or self._told or self._failed:
            return []
        self._told = True
        candidate = {
            "content": {"parts": wire_parts(self._outstanding()), "role": "model"},
            "finishReason": self._edits.finish_reason or "STOP",
            "index": 0,
        }
        answer, inner = unwrapped(self._last)
        kept = {name: value for name, value in answer.items() if name not in ("promptFeedback", "prompt_feedback")}
        body = {**kept, "candidates": [candidate]}
        return [sse({**self._last, "response": body} if inner else body)]

    def _check(self, index: int, part: Part | None) -> None:
        """ValueError, in words for the person, where a part cannot become that any more."""
        if part is not None:
            check_writable(part)
        given = self._client_has(index)
        later = [self._client_has(other) for other in {*range(len(self._turn.parts)), *self._given} if other > index]
        if given is None:
            if part is not None and any(other is not None for other in later):
                raise ValueError(_TOO_LATE)
            return
        if part is None:
            raise ValueError("the client has this part, or a piece of it, already: it cannot be taken back")
        if not isinstance(given, Text | Reasoning) or type(part) is not type(given):
            raise ValueError("the client has this part already: it cannot be changed any more")
        missing = _missing(part, given)
        if missing is not None and any(other is not None for other in later):
            raise ValueError(_TOO_LATE)

    def _client_has(self, index: int) -> Part | None:
        if index in self._given or self._edits.final:
            return self._given.get(index)
        return self._turn.parts[index] if index < len(self._turn.parts) else None

    def _piece(self, event: Event, body: Json) -> list[bytes] | None:
        """A piece of the stream: its parts as they were edited, and what is due before and behind them."""
        self._last = body
        pieces = first_candidates(event.data)
        if not pieces:
            return None
        place, candidate = pieces[0]
        owners = [(at, wire, self._turn.take(wire)) for at, wire in parts_in(candidate.get("content"))]
        ends = bool(finish_reason(candidate))
        first = ends and not self._told
        self._told = self._told or ends
        if not self._edits:
            return None
        due = self._due(min((index for _, _, index in owners if index >= 0), default=len(self._turn.parts)))
        changes: dict[Path, bytes | None] = {}
        for at, wire, index in owners:
            if index in self._given:
                changes |= put((*place, "content", "parts", at), wire, self._pay(index))
        if any(not isinstance(self._turn.parts[index], ToolCall) for _, _, index in owners if index in self._given):
            changes |= forget_tokens(place, candidate)
        changes |= told_end(place, candidate, self._edits) if ends else {}
        behind = self._outstanding() if first else []
        if not (changes or due or behind):
            return None
        data = change_at(event.data, changes)
        data = insert_parts(data, place, due, 0) if due else data
        data = insert_parts(data, place, behind) if behind else data
        return [sse(data, event.name)] if ends or _says(data) else []

    def _pay(self, index: int) -> Part | None:
        """What the client lacks of an edited part; from now on it has it."""
        part = self._edits.replaced.get(index)
        if part is None:
            return None
        given, self._given[index] = self._given.get(index), part
        return _missing(part, given)

    def _due(self, before: int) -> list[Part]:
        """What the client lacks of the edited parts before one; from now on it has it."""
        begun = [index for index in sorted(self._edits.replaced) if index < before]
        return [part for index in begun if (part := self._pay(index)) is not None]

    def _outstanding(self) -> list[Part]:
        """Everything that the client is still to get."""
        rest = [part for index in sorted(self._edits.replaced) if (part := self._pay(index)) is not None]
        added, self._edits.added = self._edits.added, []
        return rest + added


def _missing(part: Part, given: Part | None) -> Part | None:
    """What `part` has behind `given`; None for nothing. ValueError, in words, where that is not the beginning of it."""
    if given is None:
        return part
    if not (isinstance(part, Text | Reasoning) and isinstance(given, Text | Reasoning)):
        return None
    new, old = str(part.content), str(given.content)
    if not new.startswith(old):
        shown = old if len(old) <= 40 else "…" + old[-40:]
        raise ValueError(f"the client has the text up to “{shown}”: only what follows can be changed")
    return replace(part, content=Growing(new[len(old) :])) if new != old else None


def _says(data: bytes) -> bool:
    """Whether anything is left in a piece of the stream."""
    return any(
        parts_in(candidate.get("content")) or set(candidate) - {"content", "index", "safetyRatings"}
        for body in parse(data)
        for _, _, candidate in candidates_of(unwrapped(body)[0])
    )
