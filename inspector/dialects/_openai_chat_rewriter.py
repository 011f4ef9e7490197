"""A stream of the Chat Completions API, passed on with some parts of its first choice changed."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

from inspector.dialects._base import Json, parse_object
from inspector.dialects._fields import int_of, list_of, objects_of, text_of
from inspector.dialects._openai import error_of
from inspector.dialects._openai_chat_deltas import alone, delta_of, fits, is_whole, put, slices, tidy, with_id
from inspector.dialects._openai_chat_document import edit_document, finish_reason, forget_tokens, rewrite
from inspector.dialects._openai_chat_numbers import Numbers
from inspector.dialects._openai_chat_origins import REASONING, Origins, Piece
from inspector.dialects._openai_chat_owed import TOO_LATE, Owed
from inspector.dialects._openai_chat_reader import DONE, unwrapped
from inspector.dialects._openai_chat_shape import Shape, again
from inspector.dialects._pieces import sse
from inspector.model.edits import Edits
from inspector.model.message import Part, ToolCall
from inspector.wire.event import Event

_SAYING = (
    "content",
    *REASONING,
    "reasoning_details",
    "refusal",
    "tool_calls",
    "function_call",
    "audio",
    "images",
    "executed_tools",
    "annotations",
)
"""Fields of a delta without which a chunk says nothing."""


@dataclass(slots=True)
class _Turn:
    """What becomes of one chunk."""

    before: list[Json] = field(default_factory=list)
    after: list[Json] = field(default_factory=list)
    """Deltas that go before and behind what is left of the chunk."""
    finish: Json | None = None
    """The choice that ends the message, where it has to come behind `after`."""
    changed: bool = False


class ChatRewriter:
    """See `Rewriter`. Once the client was told the finish reason, nothing of the message can be changed."""

    def __init__(self, delivered: list[Event]) -> None:
        self._origins = Origins()
        self._owed = Owed(self._origins.parts)
        self._numbers = Numbers()
        self._shape = Shape()
        self._thoughts: tuple[str, ...] = REASONING[:1]
        self._legacy: set[int] = set()
        self._calls_changed = False
        self._begun = False
        self._finished: dict[int, bool] = {}
        self._failed = False
        self._done = False
        for event in delivered:
            self.feed(event)

    def edit(self, edits: Edits) -> None:
        """Take changes, in addition to earlier ones. ValueError where the client has already what they change."""
        told = self._finished.get(0) or self._done
        if (told or self._failed) and (edits.replaced or edits.added or edits.finish_reason):
            raise ValueError("the client was told already that the message is over")
        for index, part in edits.replaced.items():
            if index in self._numbers and self._owed.lacks(index, part) and not self._numbers.reaches(index):
                raise ValueError(TOO_LATE)
        self._owed.take(edits)

    def feed(self, event: Event) -> list[bytes] | None:
        """What the client gets in the place of the upstream's next event, framing included; None: its own bytes."""
        data = event.data.strip()
        if event.kind == "comment" or not data:
            return None
        if data == DONE:
            # Some servers never tell a finish reason: then only a change makes one needed.
            told = bool(self._edits.finish_reason or self._edits.final)
            ending, self._done = self._end(told=told), True
            return [*ending, again(event)] if ending else None
        if event.kind == "document":
            return [edit_document(event.data, self._edits)] if self._edits else None
        try:
            body = parse_object(data)
        except ValueError:
            return None
        chunk = unwrapped(body)
        if error_of(chunk) or any(choice.get("error") for choice in objects_of(chunk.get("choices"))):
            self._failed = not self._edits.final
            return [] if self._edits.final else None
        return self._chunk(event, body, chunk)

    def close(self) -> list[bytes]:
        """What is still missing where the answer ends. A stream that broke off, or was not edited, stays as it is."""
        if self._done or self._failed:
            return []
        ending = self._end(told=True)
        if self._edits.final:
            ending += [self._shape.chunk({}, "stop", index) for index, over in self._finished.items() if not over]
        if ending or self._edits.final:
            ending.append(sse(DONE))
        self._done = True
        return ending

    @property
    def _edits(self) -> Edits:
        return self._owed.edits

    def _chunk(self, event: Event, body: Json, chunk: Json) -> list[bytes] | None:
        self._shape.learn(event, body)
        turn = _Turn()
        said = list_of(chunk.get("choices"))
        kept = [choice for choice in said if not isinstance(choice, dict) or self._choice(choice, turn)]
        if not (turn.changed or turn.before or turn.after):
            return None
        usage = chunk.get("usage")
        if turn.finish is not None and usage:
            chunk["usage"] = None
        out = [self._shape.chunk(delta) for delta in turn.before]
        if kept or (usage and turn.finish is None):
            chunk["choices"] = kept or said
            out.append(again(event, body if turn.changed else None))
        out += [self._shape.chunk(delta) for delta in turn.after]
        if turn.finish is not None:
            out.append(self._shape.around([turn.finish], usage))
        return out

    def _choice(self, choice: Json, turn: _Turn) -> bool:
        """Change a choice of a chunk; whether it still says anything."""
        index = int_of(choice.get("index")) or 0
        reason = text_of(choice.get("finish_reason"))
        over = self._finished.get(index, False)
        self._finished[index] = over or bool(reason)
        if index:
            return True
        touched = self._message(choice, turn)
        if reason and self._edits:
            touched |= self._finish(choice, reason, turn, first=not over)
        turn.changed |= touched
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            return True
        new = bool(delta.get("role")) and not self._begun
        says = new or bool(choice.get("finish_reason")) or any(delta.get(name) for name in _SAYING)
        self._begun |= bool(delta.get("role")) or says
        return says or not touched

    def _message(self, choice: Json, turn: _Turn) -> bool:
        """Change what a choice says, piece by piece; whether anything was changed."""
        touched = False
        delta = choice.get("delta")
        if isinstance(delta, dict):
            pieces = self._origins.take(delta)
            due = self._owed.due({piece.part for piece in pieces})
            turn.before += [delta for index, part in due for delta in self._deltas(part, index)]
            fresh = [self._piece(piece, delta, turn) for piece in pieces]
            touched = any(fresh)
            tidy(delta)
            if any(piece.field in ("content", "refusal") for piece, new in zip(pieces, fresh, strict=True) if new):
                forget_tokens(choice)
                if isinstance(choice.get("text"), str):
                    choice["text"] = delta.get("content") or ""
        message = choice.get("message")
        if isinstance(message, dict):
            if not isinstance(delta, dict):
                self._origins.restart()
                self._origins.take(message)
            if self._edits:
                rewrite(message, self._snapshot(), self._edits.added if choice.get("finish_reason") else ())
                touched = True
        return touched

    def _snapshot(self) -> dict[int, Part | None]:
        """What becomes of the parts in a message that says again all that was said."""
        everything = dict.fromkeys(range(len(self._origins.parts))) if self._edits.final else {}
        return {**everything, **self._owed.snapshot()}

    def _piece(self, piece: Piece, delta: Json, turn: _Turn) -> bool:
        """Change one piece of a delta where its part was edited; whether it is another now."""
        self._look(piece, delta)
        if not self._owed.covers(piece.part):
            return self._renumber(piece, delta)
        part = self._owed.pay(piece.part)
        if part is not None and fits(delta, piece, part):
            first, *rest = [part] if is_whole(delta, piece) else slices(part)
            called = piece.field in ("tool_calls", "function_call")
            index = self._numbers.of(piece.part, _wire(piece, delta)) if called else None
            bare, place = alone(delta, piece)
            put(delta, piece, first, index)
            turn.after += [_filled(bare, place, part, index) for part in rest]
            return True
        if piece.field in ("tool_calls", "function_call"):
            self._calls_changed |= self._numbers.skip(piece.part, _wire(piece, delta))
        put(delta, piece, None)
        if part is not None:
            turn.after += self._deltas(part, piece.part)
        return True

    def _look(self, piece: Piece, delta: Json) -> None:
        """Learn how this server spells what is spelled in several ways."""
        if piece.field == "reasoning":
            self._thoughts = tuple(name for name in REASONING if text_of(delta.get(name))) or self._thoughts
        elif piece.field == "function_call":
            self._legacy.add(piece.part)

    def _renumber(self, piece: Piece, delta: Json) -> bool:
        """Give a call that goes on the client's index for it; whether that is another than the model's."""
        if piece.field not in ("tool_calls", "function_call"):
            return False
        wire = _wire(piece, delta)
        number = self._numbers.of(piece.part, wire)
        if number == wire:
            return False
        delta["tool_calls"][piece.at]["index"] = number
        return True

    def _deltas(self, part: Part, index: int | None = None) -> list[Json]:
        """Deltas for what stands in no piece of the model's; `index` is the part that it became of."""
        part = with_id(part) if index not in self._legacy else part
        if not isinstance(part, ToolCall):
            return [delta_of(each, None, self._thoughts) for each in slices(part)]
        known = len(self._numbers)
        number = self._numbers.insert(index)
        self._calls_changed |= len(self._numbers) > known
        if index in self._legacy:
            return [_filled({"function_call": {}}, Piece(0, "function_call"), each) for each in slices(part)]
        return [delta_of(each, number) for each in slices(part)]

    def _outstanding(self) -> list[Json]:
        """Deltas for everything that the client is still to get."""
        owed = [*self._owed.due(everything=True), *((None, part) for part in self._owed.additions())]
        return [delta for index, part in owed for delta in self._deltas(part, index)]

    def _finish(self, choice: Json, reason: str, turn: _Turn, *, first: bool) -> bool:
        """Put what is missing before the end of the message; whether the choice was changed for it."""
        if first:
            turn.after += self._outstanding()
        told = self._reason(reason)
        if turn.after:
            turn.finish = {name: value for name, value in choice.items() if name != "message"}
            turn.finish.update({"delta": {}, "finish_reason": told})
            forget_tokens(turn.finish)
            choice["finish_reason"] = None
            return True
        choice["finish_reason"] = told
        return told != reason

    def _reason(self, model: str) -> str:
        edits = self._edits
        if edits.finish_reason:
            return edits.finish_reason
        if not (edits.final or self._calls_changed or not model):
            return model
        legacy = sum(part in self._numbers for part in self._legacy)
        calls = "tool_calls" if len(self._numbers) > legacy else "function_call" if legacy else ""
        return finish_reason(model, calls, final=edits.final)

    def _end(self, *, told: bool) -> list[bytes]:
        """The rest of the message, where the upstream did not end it; with a finish reason if `told` or changed."""
        if not self._edits or self._failed or self._done or self._finished.get(0):
            return []
        role = [] if self._begun else [{"role": "assistant", "content": ""}]
        rest = self._outstanding()
        self._finished[0] = True
        end = [self._shape.chunk({}, self._reason(""))] if told or self._calls_changed else []
        return [*(self._shape.chunk(delta) for delta in [*role, *rest] if rest or end), *end]


def _wire(piece: Piece, delta: Json) -> int | None:
    """The model's own index of the call that a piece belongs to."""
    return int_of(delta["tool_calls"][piece.at].get("index")) if piece.at is not None else None


def _filled(bare: Json, place: Piece, part: Part, index: int | None = None) -> Json:
    """A delta with the next slice of a part, shaped like the piece before it."""
    if not fits(bare, place, part):
        return delta_of(part)
    delta = copy.deepcopy(bare)
    put(delta, place, part, index)
    tidy(delta)
    return delta
