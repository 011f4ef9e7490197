"""Puts another answer of the Messages API behind what a client has of a first one.

The other answer's first text goes on in the block that the client has open. Thoughts that the client has only the
beginning of stay so, and without a signature, which nobody but the provider can give.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from inspector.dialects._anthropic_blocks import part_of
from inspector.dialects._anthropic_events import RAN_BY_SERVER, deltas, framed, message_head, opened
from inspector.dialects._anthropic_reader import AnthropicReader
from inspector.dialects._base import Json, parse_object
from inspector.dialects._fields import error_text, int_of, list_of, object_of, objects_of, text_of
from inspector.dialects._pieces import pieces, sse
from inspector.dialects._splicing import Echo, kept, summed
from inspector.model.message import ToolCall, ToolResult, Transcript, Usage
from inspector.wire.event import Event

_GIVEN = frozenset({"input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "cache_creation"})
"""What a usage object says of the request."""
_TEXT: Json = {"type": "text", "text": ""}
_CALLS = frozenset({"tool_use", *RAN_BY_SERVER})


@dataclass(frozen=True, slots=True)
class _Step:
    """One event of the other answer, understood."""

    kind: str
    data: Json
    came: Event | None
    """None where it stood in no stream."""

    def framed(self, **fields: object) -> bytes:
        """Its bytes, with other fields."""
        changed = {**self.data, **fields}
        if self.came is None:
            return sse(changed, self.kind)
        return sse(self.came.data if changed == self.data else changed, self.came.name)


class _Delivered:
    """What the client has of the first answer."""

    def __init__(self, events: list[Event]) -> None:
        self.transcript = Transcript()
        self.begun = self.over = False
        self.open: dict[int, str] = {}
        """The types of the blocks whose end the client does not have, by index."""
        self.next = 0
        """The index of the next block."""
        self.usage: Json = {}
        reader = AnthropicReader(self.transcript)
        for event in events:
            try:
                reader.event(event)
                data = {} if event.kind == "comment" else parse_object(event.data)
            except ValueError:
                continue
            self._take(text_of(data.get("type")) or event.name, data)

    def _take(self, kind: str, data: Json) -> None:
        index = int_of(data.get("index")) or 0
        match kind:
            case "message_start":
                message = object_of(data.get("message"))
                self.begun, self.usage = True, object_of(message.get("usage"))
                self.next = len(list_of(message.get("content")))
            case "content_block_start":
                self.open[index] = text_of(object_of(data.get("content_block")).get("type"))
                self.next = max(self.next, index + 1)
            case "content_block_stop":
                self.open.pop(index, None)
            case "message_delta" | "message_stop" | "message" | "error":
                self.over = True

    def check(self, before: str) -> str:
        """The words that the client lacks of `before`. ValueError where they cannot follow what it has."""
        message = self.transcript.answer.message
        if self.over:
            raise ValueError("the client was told already that the message is over")
        if message and any(isinstance(part, ToolCall | ToolResult) for part in message.parts):
            raise ValueError("the client has a tool call already: no other words can follow it")
        text = message.text() if message else ""
        if not before.startswith(text):
            raise ValueError(f"the client has other words already: …{text[-80:]}")
        return before[len(text) :]


class AnthropicSplicer:
    """See `Splicer`. Input tokens are the first answer's where it told them, output tokens are those of both.

    An answer that breaks off gets no end, only its block of words or thoughts is closed: a tool call stays open, for
    half a call must not look like a whole one.
    """

    def __init__(self, delivered: list[Event], before: str, spent: Usage | None) -> None:
        had = _Delivered(delivered)
        self._lacking = had.check(before)
        self._begun, self._open, self._next = had.begun, had.open, had.next
        self._spent = spent or Usage()
        self._input = had.usage or self._spent.raw
        self._echo: Echo[_Step] = Echo(before)
        self._places: dict[int, int] = {}
        """The client's indices of the other answer's blocks."""
        self._told = self._over = False

    def open(self) -> list[bytes]:
        """The words between what the client has and the other answer's first; none before there is a message."""
        return self._words() if self._begun else []

    def feed(self, event: Event) -> list[bytes]:
        """What the client gets for the other answer's next event."""
        if self._over or event.kind == "comment":
            return []
        try:
            data = parse_object(event.data)
        except ValueError:
            return [] if event.data.strip() in (b"", b"[DONE]") else [sse(event.data, event.name)]
        kind = text_of(data.get("type")) or event.name
        if event.kind == "document" or kind == "message" or ("type" not in data and error_text(data)):
            made = _events(data)
        elif kind == "message_start" and object_of(data.get("message")).get("content"):
            made = _head_events(object_of(data["message"]))
        else:
            return self._take(_Step(kind, data, event))
        return [piece for one in made for piece in self._take(_Step(one["type"], one, None))]

    def close(self) -> list[bytes]:
        """The ends of open blocks; of the message, where its reason was told."""
        if self._over:
            return []
        out = [piece for step, _ in self._echo.end() for piece in self._step(step, 0)]
        if not self._begun:
            return out
        out += self._end_words()
        self._over = True
        return [*out, framed("message_stop")] if self._told else out

    def _take(self, step: _Step) -> list[bytes]:
        ready = self._echo.take(step, _words_of(step))
        if step.kind in ("message_delta", "message_stop", "error"):
            ready += self._echo.end()
        return [piece for one, repeated in ready for piece in self._step(one, repeated)]

    def _step(self, step: _Step, repeated: int) -> list[bytes]:
        if self._over:
            return []
        match step.kind:
            case "message_start":
                return self._begin(step)
            case "content_block_start" | "content_block_delta" | "content_block_stop":
                return self._head() + self._block(step, int_of(step.data.get("index")) or 0, repeated)
            case "message_delta":
                self._told = True
                usage = object_of(step.data.get("usage"))
                counted = {"usage": self._usage(usage)} if usage else {}
                return [*self._head(), *self._end_words(), step.framed(**counted)]
            case "message_stop":
                self._over = True
                return [*self._head(), *self._end_words(), step.framed()]
            case "error":
                self._over = True
        return [step.framed()]

    def _begin(self, step: _Step) -> list[bytes]:
        """The other answer's head, which the client gets where it has none."""
        if self._begun:
            return []
        self._begun = True
        message = object_of(step.data.get("message"))
        usage = self._given(object_of(message.get("usage")))
        return [step.framed(message={**message, "usage": usage}), *self._words()]

    def _head(self) -> list[bytes]:
        """A head for an answer that has none."""
        if self._begun:
            return []
        self._begun = True
        return [framed("message_start", message=message_head()), *self._words()]

    def _words(self) -> list[bytes]:
        """The words that the client lacks."""
        lacking, self._lacking = self._lacking, ""
        if not lacking:
            return []
        out, place = self._text(_TEXT)
        said = [{"type": "text_delta", "text": piece} for piece in pieces(lacking)]
        return [*out, *(framed("content_block_delta", index=place, delta=delta) for delta in said)]

    def _text(self, block: Json) -> tuple[list[bytes], int]:
        """The place of the block of words that is open; where none is, one is begun as `block`."""
        place = next((place for place, kind in self._open.items() if kind == "text"), None)
        return self._new(block) if place is None else ([], place)

    def _new(self, block: Json) -> tuple[list[bytes], int]:
        """A block behind all others; those that the first answer left open end."""
        others = self._places.values()
        closed, place = self._end(place for place in self._open if place not in others), self._next
        self._next += 1
        self._open[place] = text_of(block.get("type"))
        return [*closed, framed("content_block_start", index=place, content_block=block)], place

    def _end(self, places: Iterable[int]) -> list[bytes]:
        """The ends of open blocks."""
        ended = [*places]
        for place in ended:
            del self._open[place]
        return [framed("content_block_stop", index=place) for place in ended]

    def _end_words(self) -> list[bytes]:
        """The ends of all open blocks but calls."""
        return self._end(place for place, kind in self._open.items() if kind not in _CALLS)

    def _block(self, step: _Step, index: int, repeated: int) -> list[bytes]:
        """An event of one of the other answer's blocks, which may leave its beginning out."""
        if step.kind == "content_block_start":
            return self._start(object_of(step.data.get("content_block")), index, repeated)
        words = _words_of(step)
        out = self._start(_TEXT, index, 0) if words and index not in self._places else []
        place = self._places.get(index)
        if place not in self._open or (repeated and repeated == len(words)):
            return out
        if step.kind == "content_block_stop":
            del self._open[place]
        elif repeated:
            delta = {**object_of(step.data.get("delta")), "text": words[repeated:]}
            return [*out, step.framed(index=place, delta=delta)]
        return [*out, step.framed(index=place)]

    def _start(self, block: Json, index: int, repeated: int) -> list[bytes]:
        first = not self._places
        words = text_of(block.get("text"))
        if words:
            block = {**block, "text": ""}
        if first and block.get("type") == "text":
            out, place = self._text(block)
        else:
            out, place = self._new(block)
        self._places[index] = place
        said = [{"type": "text_delta", "text": piece} for piece in pieces(words[repeated:])]
        return [*out, *(framed("content_block_delta", index=place, delta=delta) for delta in said)]

    def _usage(self, usage: Json) -> Json:
        """The counts of both answers. Those of a `message_delta` are cumulative."""
        both = self._given({name: summed(self._spent.raw.get(name), value) for name, value in usage.items()})
        if (written := int_of(usage.get("output_tokens"))) is not None:
            both["output_tokens"] = written + (self._spent.output_tokens or 0)
        return both

    def _given(self, usage: Json) -> Json:
        """The counts, with those of the request that the client made."""
        return kept(self._input, usage, _GIVEN) if self._input else usage


def _words_of(step: _Step) -> str:
    block = object_of(step.data.get("delta") or step.data.get("content_block"))
    return text_of(block.get("text")) if step.kind.startswith("content_block_") else ""


def _events(message: Json) -> list[Json]:
    """A whole message as the events of a stream; an error, or whatever else it is, as an error."""
    error = error_text(message)
    if error or not isinstance(message.get("content"), list):
        error = error or "the answer is no message"
        given = object_of(message.get("error")) or {"type": "api_error", "message": error}
        return [{"type": "error", "error": given}]
    ending = {"stop_reason": message.get("stop_reason"), "stop_sequence": message.get("stop_sequence")}
    last = {"type": "message_delta", "delta": ending, "usage": object_of(message.get("usage"))}
    return [*_head_events(message), last, {"type": "message_stop"}]


def _head_events(message: Json) -> list[Json]:
    """A head that has blocks in it as one without, and the events of its blocks."""
    head = {**message_head(), **message, "content": [], "stop_reason": None, "stop_sequence": None}
    events: list[Json] = [{"type": "message_start", "message": head}]
    for index, block in enumerate(objects_of(message.get("content"))):
        part = part_of(block)
        events.append({"type": "content_block_start", "index": index, "content_block": opened(part, block)})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas(part)]
        events.append({"type": "content_block_stop", "index": index})
    return events
