"""Puts another answer of the Chat Completions API behind what a client has of a first one."""

from __future__ import annotations

from dataclasses import dataclass

from inspector.dialects._base import Json, parse_object
from inspector.dialects._fields import int_of, object_of, objects_of, present, text_of
from inspector.dialects._openai import error_of, usage_of_both
from inspector.dialects._openai_chat_document import forget_tokens
from inspector.dialects._openai_chat_reader import DONE, ChatReader, unwrapped
from inspector.dialects._openai_chat_shape import Shape, again
from inspector.dialects._pieces import json_bytes, pieces, sse
from inspector.dialects._splicing import Echo
from inspector.model.message import Reasoning, Text, ToolCall, Transcript, Usage
from inspector.wire.event import Event

_HEAD = ("id", "created", "model", "system_fingerprint")


@dataclass(slots=True)
class _Chunk:
    """One event of the other answer, understood."""

    came: Event
    body: Json
    inner: Json
    """The completion in the body, without a gateway's envelope."""

    @property
    def choice(self) -> Json:
        """Its part of the first choice."""
        choices = objects_of(self.inner.get("choices"))
        return next((choice for choice in choices if not int_of(choice.get("index"))), {})

    def name(self, head: Json | None) -> None:
        """Make it one of the client's answer."""
        if head is not None and "choices" in self.inner:
            for name in _HEAD:
                self.inner.pop(name, None)
            self.inner.update(head)


class ChatSplicer:
    """See `Splicer`. Prompt tokens are the first answer's where it told them, completion tokens are those of both.

    Only the first choice goes on. An answer that breaks off gets no finish reason and no `[DONE]`.
    """

    def __init__(self, delivered: list[Event], before: str, spent: Usage | None) -> None:
        self._shape = Shape()
        self._head: Json | None = None
        """What names the client's answer; None while the client has nothing of it."""
        self._begun = False
        """The client has something of the first choice."""
        self._heard = self._spoken = False
        """The other answer has said something; the client has some of that."""
        self._spent = spent or Usage()
        self._echo: Echo[_Chunk] = Echo(before)
        self._failed = self._over = False
        self._lacking = self._check(delivered, before)

    def open(self) -> list[bytes]:
        """The words between what the client has and the other answer's first; none before there is a chunk."""
        return self._words() if self._head is not None else []

    def feed(self, event: Event) -> list[bytes]:
        """What the client gets for the other answer's next event."""
        data = event.data.strip()
        if self._over or event.kind == "comment" or not data:
            return []
        if data == DONE:
            ending = [*self._rest(), *([] if self._failed else self._words())]
            self._over = True
            return [*ending, again(event)]
        try:
            # Google's compatible API answers errors as a list of one.
            body = parse_object(data[1:-1] if data.startswith(b"[") and data.endswith(b"]") else data)
        except ValueError:
            return [again(event)]
        if event.kind == "document":
            return self._document(body)
        return self._take(event, body)

    def close(self) -> list[bytes]:
        """What still waits. An answer that broke off stays so."""
        ending = [] if self._over else self._rest()
        self._over = True
        return ending

    def _check(self, delivered: list[Event], before: str) -> str:
        """Take what the client has; gives the words that it lacks. ValueError where they cannot follow."""
        transcript = Transcript()
        reader = ChatReader(transcript)
        for event in delivered:
            try:
                reader.event(event)
                body = {} if event.kind == "comment" or event.data.strip() == DONE else parse_object(event.data)
            except ValueError:
                continue
            chunk = _Chunk(event, body, unwrapped(body))
            if objects_of(chunk.inner.get("choices")):
                self._learn(chunk)
            self._begun = self._begun or bool(chunk.choice)
        answer = transcript.answer
        message = answer.message
        if answer.complete or answer.error or (message and message.finish_reason):
            raise ValueError("the client was told already that the message is over")
        for part in message.parts if message else []:
            if isinstance(part, ToolCall):
                raise ValueError("the client has a tool call already: no other words can follow it")
            if not isinstance(part, Text | Reasoning):
                raise ValueError("the client has something else than words already: no other words can follow it")
        text = message.text() if message else ""
        if not before.startswith(text):
            raise ValueError(f"the client has other words already: …{text[-80:]}")
        return before[len(text) :]

    def _document(self, body: Json) -> list[bytes]:
        """A whole answer as chunks; an error, or whatever else it is, as an error."""
        inner = unwrapped(body)
        error = error_of(inner)
        if error or not objects_of(inner.get("choices")):
            failed = inner if inner.get("error") else {"error": {"message": error or "the answer is no completion"}}
            return [sse(failed)]
        head = {name: value for name, value in inner.items() if name not in ("choices", "usage")}
        choice = _Chunk(Event(b""), body, inner).choice
        said = {"index": 0, **choice, "finish_reason": None}
        over: Json = {"index": 0, "delta": {}, "finish_reason": choice.get("finish_reason")}
        chunks = [{"choices": [said]}, {"choices": [over], **({"usage": inner["usage"]} if inner.get("usage") else {})}]
        made = [{**head, "object": "chat.completion.chunk", **chunk} for chunk in chunks]
        events = [Event(json_bytes(chunk)) for chunk in made]
        return [piece for event in [*events, Event(DONE)] for piece in self.feed(event)]

    def _take(self, event: Event, body: Json) -> list[bytes]:
        chunk = _Chunk(event, body, unwrapped(body))
        choice = chunk.choice
        if error_of(chunk.inner) or choice.get("error"):
            self._failed = True
            rest = self._rest()
            chunk.name(self._head)
            return [*rest, again(event, body)]
        _as_delta(choice, whole=not self._heard)
        self._heard = self._heard or _says(choice)
        ready = self._echo.take(chunk, _words_of(choice))
        if choice.get("finish_reason"):
            ready += self._echo.end()
        return [piece for one, repeated in ready for piece in self._chunk(one, repeated)]

    def _rest(self) -> list[bytes]:
        return [piece for chunk, _ in self._echo.end() for piece in self._chunk(chunk, 0)]

    def _chunk(self, chunk: _Chunk, repeated: int) -> list[bytes]:
        """What the client gets for a chunk."""
        choice, given = chunk.choice, self._head
        if choice and given is None:
            self._learn(chunk)
        leads = bool(choice) and not self._begun and not _says(choice)
        self._begun = self._begun or leads
        words = self._words() if choice else []
        if not self._keeps(chunk, repeated, leads):
            return words
        chunk.name(given)
        for place in (chunk.inner, object_of(chunk.inner.get("x_groq")), choice):
            if usage := object_of(place.get("usage")):
                place["usage"] = usage_of_both(self._spent, usage)
        own = again(chunk.came, chunk.body)
        return [own, *words] if leads else [*words, own]

    def _learn(self, chunk: _Chunk) -> None:
        self._shape.learn(chunk.came, chunk.body)
        self._head = {name: chunk.inner[name] for name in _HEAD if name in chunk.inner}

    def _keeps(self, chunk: _Chunk, repeated: int, leads: bool) -> bool:
        """Leave out what the client does not get: other choices, a second role, words that it has. Whether the chunk
        still has a point.
        """
        choices, choice = objects_of(chunk.inner.get("choices")), chunk.choice
        others = len(choices) > bool(choice)
        if others:
            chunk.inner["choices"] = [choice] if choice else []
        role = None if leads else object_of(choice.get("delta")).pop("role", None)
        if repeated:
            _cut(choice, repeated)
        says = _says(choice) or bool(chunk.inner.get("usage"))
        empty = repeated or (others and not choice) or (role and not self._spoken)
        self._spoken = self._spoken or says
        return says or not empty

    def _words(self) -> list[bytes]:
        """The client's role, where it has none yet, and the words that it lacks."""
        role = [] if self._begun else [{"role": "assistant", "content": ""}]
        lacking, self._lacking, self._begun = self._lacking, "", True
        return [self._shape.chunk(delta) for delta in [*role, *({"content": piece} for piece in pieces(lacking))]]


def _as_delta(choice: Json, *, whole: bool) -> None:
    """Leave out a message that says again all that was said; where nothing was said yet, it is a delta itself."""
    message = choice.pop("message", None)
    if isinstance(message, dict) and not isinstance(choice.get("delta"), dict):
        said = present(message)
        calls = [{"index": number, **call} for number, call in enumerate(objects_of(said.get("tool_calls")))]
        choice["delta"] = {**said, **({"tool_calls": calls} if calls else {})} if whole else {}


def _words_of(choice: Json) -> str:
    """The text that a choice brings, in whichever form."""
    content = object_of(choice.get("delta")).get("content")
    return text_of(content) or "".join(item["text"] for item in _texts(content))


def _texts(content: object) -> list[Json]:
    return [item for item in objects_of(content) if item.get("type") == "text" and isinstance(item.get("text"), str)]


def _says(choice: Json) -> bool:
    """Whether a choice says more than whose turn it is."""
    delta = object_of(choice.get("delta"))
    return bool(choice.get("finish_reason")) or any(value for name, value in delta.items() if name != "role")


def _cut(choice: Json, count: int) -> None:
    """Leave the first characters of a choice's text out."""
    delta = choice["delta"]
    if isinstance(delta["content"], str):
        delta["content"] = delta["content"][count:]
    for item in _texts(delta["content"]):
        words = item["text"]
        item["text"], count = words[count:], count - min(count, len(words))
    if isinstance(choice.get("text"), str):
        choice["text"] = _words_of(choice)
    forget_tokens(choice)
