"""Puts another answer of Ollama's API behind what a client has of a first one."""

from __future__ import annotations

from inspector.dialects._base import Json, parse_object
from inspector.dialects._fields import error_text, int_of, text_of
from inspector.dialects._ollama_lines import Shape, bodies, is_silent, line, saying
from inspector.dialects._ollama_reader import OllamaReader
from inspector.dialects._pieces import pieces
from inspector.dialects._splicing import Echo, summed
from inspector.model.message import Reasoning, Text, ToolCall, Transcript, Usage
from inspector.wire.event import Event

_BOTH = ("total_duration", "load_duration", "eval_count", "eval_duration")
_FIRST = ("prompt_eval_count", "prompt_eval_duration")


class OllamaSplicer:
    """See `Splicer`. The prompt's count is the first answer's where it told it; written tokens are those of both."""

    def __init__(self, delivered: list[Event], before: str, spent: Usage | None) -> None:
        self._shape = Shape()
        self._model = ""
        self._spent = spent or Usage()
        self._echo: Echo[Json] = Echo(before)
        self._over = False
        self._lacking = self._check(delivered, before)

    def open(self) -> list[bytes]:
        """The words between what the client has and the other answer's first; none before there is a line."""
        return self._words() if self._model else []

    def feed(self, event: Event) -> list[bytes]:
        """What the client gets for the other answer's next event."""
        if self._over or event.kind == "comment":
            return []
        try:
            found = bodies(event.data)
        except ValueError:
            return [event.data + b"\n"]
        return [given for body in found for given in self._take(body)]

    def close(self) -> list[bytes]:
        """What still waits. An answer that broke off stays so."""
        ending = [] if self._over else self._rest()
        self._over = True
        return ending

    def _check(self, delivered: list[Event], before: str) -> str:
        """Take what the client has; gives the words that it lacks. ValueError where they cannot follow."""
        transcript = Transcript()
        reader = OllamaReader(transcript)
        for event in delivered:
            try:
                reader.event(event)
                self._learn(parse_object(event.data))
            except ValueError:
                continue
        answer = transcript.answer
        if answer.complete or answer.error:
            raise ValueError("the client was told already that the message is over")
        for part in answer.message.parts if answer.message else []:
            if isinstance(part, ToolCall):
                raise ValueError("the client has a tool call already: no other words can follow it")
            if not isinstance(part, Text | Reasoning):
                raise ValueError("the client has something else than words already: no other words can follow it")
        text = answer.message.text() if answer.message else ""
        if not before.startswith(text):
            raise ValueError(f"the client has other words already: …{text[-80:]}")
        return before[len(text) :]

    def _learn(self, body: Json) -> None:
        self._shape.learn(body)
        self._model = self._model or text_of(body.get("model"))

    def _take(self, body: Json) -> list[bytes]:
        if error_text(body):
            rest, self._over = self._rest(), True
            return [*rest, line(body)]
        self._learn(body)
        holder, words = saying(body)
        ready = self._echo.take(body, text_of(holder.get(words)))
        if body.get("done") is True:
            ready += self._echo.end()
        return [given for each, repeated in ready for given in self._line(each, repeated)]

    def _rest(self) -> list[bytes]:
        return [given for body, _ in self._echo.end() for given in self._line(body, 0)]

    def _line(self, body: Json, repeated: int) -> list[bytes]:
        """What the client gets for a line."""
        first, silent = self._words(), is_silent(body)
        if self._model:
            body["model"] = self._model
        if repeated:
            holder, words = saying(body)
            holder[words] = holder[words][repeated:]
            body.pop("logprobs", None)
            if is_silent(body) and not silent:
                return first
        if body.get("done") is not True:
            return [*first, line(body)]
        self._over = True
        return [*first, line(self._summed(body))]

    def _words(self) -> list[bytes]:
        """The words that the client lacks."""
        lacking, self._lacking = self._lacking, ""
        return [self._shape.line({"content": piece}) for piece in pieces(lacking)]

    def _summed(self, body: Json) -> Json:
        """The last line with the counts of both answers."""
        first = self._spent.raw
        both = {**body, **{name: summed(first.get(name), body[name]) for name in _BOTH if name in body}}
        both |= {name: first[name] for name in _FIRST if name in first}
        if self._spent.input_tokens is not None:
            both["prompt_eval_count"] = self._spent.input_tokens
        if (count := int_of(body.get("eval_count"))) is not None:
            both["eval_count"] = count + (self._spent.output_tokens or 0)
        return both
