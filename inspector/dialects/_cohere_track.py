"""Follows an upstream's stream part by part, and what the client has of each: the ground for rewriting it."""

from __future__ import annotations

from dataclasses import dataclass, field

from inspector.dialects._base import Json, parse_object
from inspector.dialects._cohere_events import Family, citations_of, family_of, whole_call, words_of
from inspector.dialects._cohere_reader import CohereReader
from inspector.dialects._fields import int_of, object_of, text_of
from inspector.model.message import Growing, Part, Reasoning, ToolCall, Transcript
from inspector.wire.event import Event

_FAMILIES: dict[str, Family] = {
    "content-start": "content",
    "content-delta": "content",
    "content-end": "content",
    "tool-call-start": "call",
    "tool-call-delta": "call",
    "tool-call-end": "call",
    "tool-plan-delta": "plan",
}


@dataclass(slots=True)
class Block:
    """One part of the upstream's stream."""

    part: int
    """Index of the part that the reader makes of it."""
    index: int
    """As the upstream numbers it."""
    family: Family
    """As the client gets it, once the client has it."""
    is_plan: bool
    """The upstream writes it as its plan, which has no end of its own."""
    start: Json
    """What its first event said of it."""
    place: int | None = None
    """As the client knows it; None while the client has nothing of it."""
    sent: Growing = field(default_factory=Growing)
    """The text, thoughts or arguments that the client has."""
    citations: list[object] = field(default_factory=list)
    stopped: bool = False
    """The client has its end."""
    dropped: bool = False
    """It was left out."""

    def give(self, message: Json) -> None:
        """The client gets an event that says this."""
        content, call = object_of(message.get("content")), object_of(message.get("tool_calls"))
        self.sent.append(text_of(content.get("text")) or text_of(content.get("thinking")))
        self.sent.append(text_of(object_of(call.get("function")).get("arguments")))
        self.sent.append(text_of(message.get("tool_plan")))

    def stop(self) -> None:
        """The client gets its end. A call without arguments has an empty object."""
        self.stopped = True
        if self.family == "call" and not self.sent:
            self.sent.append("{}")

    def check(self, part: Part) -> None:
        """ValueError where a part cannot follow what the client has."""
        if self.place is None:
            return
        thinks = self.family == "plan" or self.start.get("type") == "thinking"
        same = isinstance(part, Reasoning) == thinks or self.family == "call"
        if (family_of(part) == "call") != (self.family == "call") or not same:
            raise ValueError("the client has the beginning of this part: it cannot become one of another kind")
        if isinstance(part, ToolCall) and _identity(whole_call(part, self.start)) != _identity(self.start):
            name = object_of(self.start.get("function")).get("name")
            raise ValueError(f"the client knows already that {name} is called")
        content, sent = words_of(part), str(self.sent)
        if not content.startswith(sent):
            raise ValueError(f"the client has this already, and only what follows can change: …{sent[-80:]}")
        cited = citations_of(part)
        if cited[: len(self.citations)] != self.citations:
            raise ValueError("the client has the citations of this text already")
        if self.stopped and (len(content) > len(sent) or len(cited) > len(self.citations)):
            raise ValueError("the client has this part to its end already")


def _identity(call: Json) -> tuple[object, object]:
    return call.get("id"), object_of(call.get("function")).get("name")


@dataclass(frozen=True, slots=True)
class Step:
    """One event, understood."""

    kind: str = ""
    data: Json = field(default_factory=dict)
    block: Block | None = None

    @property
    def message(self) -> Json:
        """What the event says of the message."""
        return object_of(object_of(self.data.get("delta")).get("message"))


class Track:
    """What the upstream wrote so far."""

    def __init__(self) -> None:
        self._transcript = Transcript()
        self._reader = CohereReader(self._transcript)
        self._current: dict[tuple[Family, int], Block] = {}
        self._cited: dict[int, Block | None] = {}
        self.blocks: list[Block] = []
        """In the order in which they began."""
        self.is_v1 = False
        """The stream is one of the API's first version."""

    @property
    def parts(self) -> list[Part]:
        """What the reader makes of it."""
        message = self._transcript.answer.message
        return message.parts if message else []

    def block_of(self, part: int) -> Block | None:
        """The block that a part is made of; None where it has not begun."""
        return next((block for block in self.blocks if block.part == part), None)

    def take(self, event: Event) -> Step:
        """The upstream's next event."""
        try:
            data = parse_object(event.data)
            kind = text_of(data.get("type")) or event.name
            known, cited = len(self.parts), self._citations() if kind == "citation-start" else []
            self._reader.event(event)
        except ValueError:
            return Step()
        self.is_v1 = self.is_v1 or "event_type" in data
        index = int_of(data.get("index")) or 0
        step = Step(kind, data)
        if kind == "citation-start":
            more = (part for part, count in enumerate(self._citations()) if cited[part : part + 1] != [count])
            self._cited[index] = self.block_of(next(more, -1))
        if kind in ("citation-start", "citation-end"):
            return Step(kind, data, self._cited.get(index))
        if (family := _FAMILIES.get(kind)) is None:
            return step
        if len(self.parts) > known:
            start = object_of(step.message.get("tool_calls" if family == "call" else "content"))
            block = self._current[family, index] = Block(known, index, family, family == "plan", start)
            self.blocks.append(block)
        return Step(kind, data, self._current.get((family, index)))

    def _citations(self) -> list[int]:
        return [len(citations_of(part)) for part in self.parts]
