"""A stream of Ollama's API, passed on with some parts of its message changed."""

from __future__ import annotations

from dataclasses import dataclass, field

from inspector.dialects._base import Json, parse_object
from inspector.dialects._fields import error_text, int_of, object_of
from inspector.dialects._ollama_document import check_writable, edit_document, fits, put, said_of, tidy
from inspector.dialects._ollama_lines import CALLS, Piece, Shape, add_line, is_silent, line, saying, split_end
from inspector.dialects._openai_chat_deltas import slices
from inspector.dialects._openai_chat_owed import Owed
from inspector.dialects._openai_chat_shape import rewritten
from inspector.model.edits import Edits
from inspector.model.message import Part, ToolCall
from inspector.wire.event import Event
from inspector.wire.ndjson import NDJSON


@dataclass(slots=True)
class _Turn:
    """What becomes of one line."""

    before: list[Json] = field(default_factory=list)
    after: list[Json] = field(default_factory=list)
    """What is said in lines of its own, before and behind what is left of the line."""
    changed: bool = False


class OllamaRewriter:
    """See `Rewriter`. Calls come whole: one that the client has stays. Behind the last line nothing can change."""

    def __init__(self, delivered: list[Event]) -> None:
        self._parts: list[Part] = []
        self._owed = Owed(self._parts)
        self._shape = Shape()
        self._calls: set[int] = set()
        """The parts that are calls which the client has."""
        self._next = 0
        """The index of the next call."""
        self._shift = 0
        """By how much the indices of the model's calls have moved."""
        self._over = self._failed = False
        for event in delivered:
            self.feed(event)

    def edit(self, edits: Edits) -> None:
        """Take changes, in addition to earlier ones. ValueError where the client has already what they change."""
        if (self._over or self._failed) and (edits.replaced or edits.added or edits.finish_reason):
            raise ValueError("the client was told already that the message is over")
        for part in (*edits.replaced.values(), *edits.added):
            if part is not None:
                check_writable(part)
        for index in self._calls & edits.replaced.keys():
            if self._owed.lacks(index, edits.replaced[index]):
                raise ValueError("the client has this call already, and calls come whole")
        self._owed.take(edits)

    def feed(self, event: Event) -> list[bytes] | None:
        """What the client gets in the place of the upstream's next event; None: its own bytes."""
        if event.kind == "comment" or not event.data.strip() or self._over:
            return None
        if event.kind == "document":
            return [edit_document(event.data, self._edits)] if self._edits else None
        try:
            body = parse_object(event.data)
        except ValueError:
            return None
        if error_text(body):
            self._failed = not self._edits.final
            return [] if self._edits.final else None
        return self._line(event, body)

    def close(self) -> list[bytes]:
        """What is still missing where the answer ends. A stream that broke off, or was not edited, stays as it is."""
        if self._over or self._failed or not self._edits:
            return []
        self._over = True
        end = {"done_reason": self._edits.finish_reason or "stop"}
        return [*(self._shape.line(said) for said in self._outstanding()), self._shape.line({}, end)]

    @property
    def _edits(self) -> Edits:
        return self._owed.edits

    def _line(self, event: Event, body: Json) -> list[bytes] | None:
        self._shape.learn(body)
        self._over = body.get("done") is True
        turn = _Turn()
        silent = is_silent(body)
        pieces = add_line(self._parts, body)
        due = self._owed.due({piece.part for piece in pieces})
        turn.before = [said for index, part in due for said in self._said(part, index)]
        for piece in pieces:
            self._piece(piece, body, turn)
        if turn.changed:
            tidy(body)
        if self._over and self._edits:
            turn.after += self._outstanding()
            turn.changed |= self._end(body)
        return self._written(event, body, turn, dropped=is_silent(body) and not silent)

    def _written(self, event: Event, body: Json, turn: _Turn, *, dropped: bool) -> list[bytes] | None:
        """The line with what stands around it. Where more is to come, the end of the answer gets a line of its own."""
        if not (turn.changed or turn.before or turn.after):
            return None
        lines = [self._shape.line(said) for said in turn.before]
        if self._over and turn.after:
            said, body = split_end(body)
            lines += [] if is_silent(said) else [_framed(event, said)]
            return [*lines, *(self._shape.line(said) for said in turn.after), _framed(event, body)]
        lines += [] if dropped else [_framed(event, body)]
        return [*lines, *(self._shape.line(said) for said in turn.after)]

    def _piece(self, piece: Piece, body: Json, turn: _Turn) -> None:
        """Change one piece of a line where its part was edited."""
        called = piece.field == CALLS
        if not self._owed.covers(piece.part):
            if called:
                self._calls.add(piece.part)
                turn.changed |= self._number(piece, body)
            return
        turn.changed = True
        part = self._owed.pay(piece.part)
        if not fits(body, piece, part):
            self._shift -= called
            put(body, piece, None)
            turn.after += self._said(part, piece.part) if part is not None else []
        elif called:
            self._calls.add(piece.part)
            put(body, piece, part)
            self._number(piece, body)
        elif part is not None:
            first, *rest = [each for each in slices(part) if said_of(each)]
            put(body, piece, first)
            turn.after += [said_of(each) for each in rest]

    def _number(self, piece: Piece, body: Json) -> bool:
        """Give a call the client's index for it; whether that is another than the model's."""
        function = object_of(saying(body)[0][CALLS][piece.at or 0].get("function"))
        given = int_of(function.get("index"))
        if given is None:
            self._next += 1
            return False
        number = max(0, given + self._shift)
        self._next = number + 1
        function["index"] = number
        return number != given

    def _said(self, part: Part, index: int | None = None) -> list[Json]:
        """A part in lines of its own; `index` is the part that it became of."""
        if isinstance(part, ToolCall):
            number = self._next
            self._next += 1
            self._shift += 1
            if index is not None:
                self._calls.add(index)
            return [said_of(part, number)]
        return [said for each in slices(part) if (said := said_of(each))]

    def _outstanding(self) -> list[Json]:
        """Everything that the client is still to get."""
        owed = [*self._owed.due(everything=True), *((None, part) for part in self._owed.additions())]
        return [said for index, part in owed for said in self._said(part, index)]

    def _end(self, body: Json) -> bool:
        """Say why the answer ends; whether that is another reason than the model's."""
        reason = self._edits.finish_reason or ("stop" if self._edits.final else "")
        if not reason or body.get("done_reason") == reason:
            return False
        body["done_reason"] = reason
        return True


def _framed(event: Event, body: Json) -> bytes:
    """A line, with every byte of the model's own whose meaning did not change."""
    return line(rewritten(event.data, body))


def edit_lines(body: bytes, edits: Edits) -> bytes:
    """A stream that came as one document, with parts of its message changed. ValueError where the edits do not fit."""
    rewriter = OllamaRewriter([])
    rewriter.edit(edits)
    framing = NDJSON()
    events = framing.feed(body) + framing.close()
    given = [rewriter.feed(event) for event in events]
    kept = [[event.data + b"\n"] if lines is None else lines for event, lines in zip(events, given, strict=True)]
    return b"".join(line for lines in [*kept, rewriter.close()] for line in lines)
