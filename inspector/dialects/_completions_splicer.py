"""Puts another answer of the Completions API behind what a client has of a first one."""

from __future__ import annotations

from inspector.dialects._base import Json, parse_object
from inspector.dialects._completions_native import is_native
from inspector.dialects._completions_reader import CompletionsReader
from inspector.dialects._completions_shape import Shape, choices_of, finish_of, first_choice, words_of
from inspector.dialects._fields import int_of, object_of
from inspector.dialects._openai import error_of, usage_of_both
from inspector.dialects._openai_chat_reader import DONE, unwrapped
from inspector.dialects._openai_chat_shape import again
from inspector.dialects._pieces import json_bytes, pieces, sse
from inspector.model.message import Text, Transcript, Usage
from inspector.wire.event import Event

_HEAD = ("id", "created", "model", "system_fingerprint")


class CompletionsSplicer:
    """See `Splicer`. Prompt tokens are the first answer's where it told them, completion tokens are those of both.

    Only the first choice goes on. An answer that breaks off gets no finish reason and no `[DONE]`.
    """

    def __init__(self, delivered: list[Event], before: str, spent: Usage | None) -> None:
        self._shape = Shape()
        self._head: Json | None = None
        """What names the client's answer; None while the client has nothing of it."""
        self._spent = spent or Usage()
        self._failed = self._over = False
        self._lacking = self._check(delivered, before)

    def open(self) -> list[bytes]:
        """The words between what the client has and the other answer's first; none before there is an event."""
        return self._words() if self._head is not None else []

    def feed(self, event: Event) -> list[bytes]:
        """What the client gets for the other answer's next event."""
        data = event.data.strip()
        if self._over or event.kind == "comment" or not data:
            return []
        if data == DONE:
            self._over = True
            return [*([] if self._failed else self._words()), again(event)]
        try:
            body = parse_object(data)
        except ValueError:
            return [again(event)]
        if event.kind == "document":
            return self._document(body)
        return self._take(event, body)

    def close(self) -> list[bytes]:
        """Nothing waits. An answer that broke off stays so."""
        self._over = True
        return []

    def _check(self, delivered: list[Event], before: str) -> str:
        """Take what the client has; gives the words that it lacks. ValueError where they cannot follow."""
        transcript = Transcript()
        reader = CompletionsReader(transcript)
        for event in delivered:
            try:
                reader.event(event)
                body = {} if event.kind == "comment" or event.data.strip() == DONE else parse_object(event.data)
            except ValueError:
                continue
            if choices_of(body):
                self._learn(event, body)
        answer = transcript.answer
        message = answer.message
        if answer.complete or answer.error or (message and message.finish_reason):
            raise ValueError("the client was told already that the answer is over")
        if message and not all(isinstance(part, Text) for part in message.parts):
            raise ValueError("the client has something else than words already: no other words can follow it")
        text = message.text() if message else ""
        if not before.startswith(text):
            raise ValueError(f"the client has other words already: …{text[-80:]}")
        return before[len(text) :]

    def _document(self, body: Json) -> list[bytes]:
        """A whole answer as an event, for it has the shape of one; an error, or whatever else it is, as an error."""
        error = error_of(unwrapped(body))
        if error or not choices_of(body):
            failed = body if body.get("error") else {"error": {"message": error or "the answer is no completion"}}
            return [sse(failed)]
        said = self._take(Event(json_bytes(body)), body)
        return [*said, *(self.feed(Event(DONE)) if self._shape.ends_done else [])]

    def _take(self, event: Event, body: Json) -> list[bytes]:
        inner, choice = unwrapped(body), first_choice(body)
        if error_of(inner):
            self._failed = True
            self._name(inner)
            return [again(event, body)]
        given = self._head
        if choice and given is None:
            self._learn(event, body)
        words = self._words() if choice else []
        others = len(choices_of(body)) > bool(choice)
        if others:
            inner["choices"] = [choice] if choice else []
        if others and not (words_of(choice) or finish_of(choice) or inner.get("usage")):
            return words
        if given is not None:
            self._name(inner)
        self._count(inner)
        return [*words, again(event, body)]

    def _learn(self, event: Event, body: Json) -> None:
        inner = unwrapped(body)
        self._shape.learn(event, body)
        self._head = {} if is_native(body) else {name: inner[name] for name in _HEAD if name in inner}

    def _name(self, inner: Json) -> None:
        """Make an event one of the client's answer."""
        if self._head is not None and "choices" in inner:
            for name in _HEAD:
                inner.pop(name, None)
            inner.update(self._head)

    def _count(self, inner: Json) -> None:
        """Make the counts of an event those of both answers."""
        if usage := object_of(inner.get("usage")):
            inner["usage"] = usage_of_both(self._spent, usage)
        if is_native(inner) and (written := int_of(inner.get("tokens_predicted"))) is not None:
            inner["tokens_predicted"] = written + (self._spent.output_tokens or 0)
            if self._spent.input_tokens is not None and "tokens_evaluated" in inner:
                inner["tokens_evaluated"] = self._spent.input_tokens

    def _words(self) -> list[bytes]:
        """The words that the client lacks."""
        lacking, self._lacking = self._lacking, ""
        return [self._shape.chunk(piece) for piece in pieces(lacking)]
