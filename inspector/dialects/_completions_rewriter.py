"""An answer of the Completions API, passed on with the text of its first choice changed."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.dialects._base import Json, parse_object
from inspector.dialects._completions_reader import CompletionsReader
from inspector.dialects._completions_shape import (
    Shape,
    choices_of,
    finish_of,
    first_choice,
    set_finish,
    set_words,
    without_thoughts,
    words_of,
)
from inspector.dialects._fields import int_of
from inspector.dialects._openai import error_of
from inspector.dialects._openai_chat_owed import Owed
from inspector.dialects._openai_chat_reader import DONE, unwrapped
from inspector.dialects._openai_chat_shape import again, rewritten
from inspector.dialects._pieces import pieces, sse
from inspector.model.edits import Edits
from inspector.model.message import Part, Text, Transcript
from inspector.wire.event import Event


def check_text(part: Part | None) -> None:
    """ValueError, in words for the person, for a part that an answer of this API has no place for."""
    if part is not None and not isinstance(part, Text):
        raise ValueError("an answer of the Completions API is one text: nothing else has a place in it")


def edit_document(body: bytes, edits: Edits) -> bytes:
    """A whole answer with its text changed; all other bytes stay. ValueError where the edits do not fit it."""
    whole = parse_object(body)
    choice = first_choice(whole)
    if not choice:
        raise ValueError("there is no text in this answer that could be changed")
    transcript = Transcript()
    CompletionsReader(transcript).take(whole)
    parts = transcript.answer.choice(0).parts
    for index in edits.replaced:
        if index >= len(parts):
            raise ValueError(f"the answer has {len(parts)} parts: there is no part {index + 1}")
    _check(edits, parts)
    own: dict[int, Part | None] = {} if edits.final else dict(enumerate(parts))
    words = _joined([*(own | edits.replaced).values(), *edits.added])
    if edits.final:
        without_thoughts(choice)
    if words != words_of(choice):
        set_words(choice, words)
    if reason := edits.finish_reason or ("stop" if edits.final else ""):
        set_finish(choice, reason)
    return rewritten(body, whole)


class CompletionsRewriter:
    """See `Rewriter`. Once the client was told the finish reason, nothing of the text can be changed."""

    def __init__(self, delivered: list[Event]) -> None:
        transcript = Transcript()
        self._reader = CompletionsReader(transcript)
        self._parts = transcript.answer.choice(0).parts
        self._owed = Owed(self._parts)
        self._shape = Shape()
        self._finished: dict[int, bool] = {}
        self._failed = self._done = False
        for event in delivered:
            self.feed(event)

    def edit(self, edits: Edits) -> None:
        """Take changes, in addition to earlier ones. ValueError where the client has already what they change."""
        told = self._finished.get(0) or self._done or self._failed
        if told and (edits.replaced or edits.added or edits.finish_reason):
            raise ValueError("the client was told already that the answer is over")
        _check(edits, self._parts)
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
        if error_of(unwrapped(body)):
            self._failed = not self._edits.final
            return [] if self._edits.final else None
        return self._event(event, body)

    def close(self) -> list[bytes]:
        """What is still missing where the answer ends. A stream that broke off, or was not edited, stays as it is."""
        if self._done or self._failed:
            return []
        ending = self._end(told=True)
        if self._edits.final:
            ending += [self._shape.chunk("", "stop", index) for index, over in self._finished.items() if not over]
        if (ending or self._edits.final) and self._shape.ends_done:
            ending.append(sse(DONE))
        self._done = True
        return ending

    @property
    def _edits(self) -> Edits:
        return self._owed.edits

    def _event(self, event: Event, body: Json) -> list[bytes] | None:
        self._shape.learn(event, body)
        self._reader.take(body)
        choices, over = choices_of(body), self._finished.get(0, False)
        for choice in choices:
            index = int_of(choice.get("index")) or 0
            self._finished[index] = bool(finish_of(choice)) or self._finished.get(index, False)
        choice = first_choice(body)
        if not choice or not self._edits:
            return None
        changed = self._edits.final and without_thoughts(choice)
        own, words = words_of(choice), self._words(choice, ends=bool(finish_of(choice)) and not over)
        before: list[str] = []
        if words != own:
            *before, last = pieces(words) or [""]
            set_words(choice, last)
        reason = self._reason(finish_of(choice))
        if reason != finish_of(choice):
            set_finish(choice, reason)
        elif words == own and not changed:
            return None
        empty = not (words or reason or len(choices) > 1 or unwrapped(body).get("usage"))
        return [] if empty else [*map(self._shape.chunk, before), again(event, body)]

    def _words(self, choice: Json, *, ends: bool) -> str:
        """What the client gets in the place of the words that a choice brings."""
        place = next((index for index, part in enumerate(self._parts) if isinstance(part, Text)), len(self._parts))
        own = "" if self._owed.covers(place) else words_of(choice)
        return own + self._outstanding(everything=ends)

    def _outstanding(self, *, everything: bool) -> str:
        """The words that the client is still to get; without `everything`, as far as the model has begun them."""
        due: list[Part] = [part for _, part in self._owed.due(everything=everything)]
        return _joined([*due, *(self._owed.additions() if everything else [])])

    def _reason(self, model: str) -> str:
        return model and (self._edits.finish_reason or ("stop" if self._edits.final else model))

    def _end(self, *, told: bool) -> list[bytes]:
        """The rest of the text, where the upstream did not end it; with a finish reason if `told`."""
        if not self._edits or self._failed or self._done or self._finished.get(0):
            return []
        rest = [self._shape.chunk(piece) for piece in pieces(self._outstanding(everything=True))]
        self._finished[0] = True
        return [*rest, *([self._shape.chunk("", self._reason("stop"))] if told else [])]


def _check(edits: Edits, parts: Sequence[Part]) -> None:
    for part in (*edits.replaced.values(), *edits.added):
        check_text(part)
    if any(index < len(parts) and not isinstance(parts[index], Text) for index in edits.replaced):
        raise ValueError("only the text of this answer can be changed")


def _joined(parts: Sequence[Part | None]) -> str:
    return "".join(str(part.content) for part in parts if isinstance(part, Text))
