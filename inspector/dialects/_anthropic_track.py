"""Follows an upstream's stream block by block, and what the client has of each block: the ground for rewriting it."""

from __future__ import annotations

from dataclasses import dataclass, field

from inspector.dialects._anthropic_events import whole
from inspector.dialects._anthropic_reader import AnthropicReader
from inspector.dialects._base import Json, parse_object
from inspector.dialects._fields import dump, int_of, object_of, text_of, written_of
from inspector.model.message import Growing, Part, Reasoning, Refusal, Text, ToolCall, Transcript
from inspector.wire.event import Event


@dataclass(slots=True)
class Block:
    """One block of the upstream's stream."""

    part: int
    """Index of the part that the reader makes of it."""
    index: int
    """As the upstream numbers it."""
    start: Json
    """The block as it began: for the client, once the client has it."""
    place: int | None = None
    """As the client knows it; None while the client has nothing of it."""
    sent: Growing = field(default_factory=Growing)
    """The text, thoughts or arguments that the client has."""
    citations: list[object] = field(default_factory=list)
    sealed: bool = False
    """The client has the signature of the thoughts."""
    stopped: bool = False
    """The client has its end."""
    dropped: bool = False
    """It was left out."""

    def begin(self, place: int, start: Json) -> None:
        """The client gets its beginning."""
        self.place, self.start = place, start
        self.sent.replace(text_of(start.get("text")) or text_of(start.get("thinking")))
        citations = start.get("citations")
        self.citations = list(citations) if isinstance(citations, list) else []

    def give(self, delta: Json) -> None:
        """The client gets a delta."""
        for name in ("text", "thinking", "partial_json"):
            self.sent.append(text_of(delta.get(name)))
        if "citation" in delta:
            self.citations.append(delta["citation"])
        self.sealed = self.sealed or bool(delta.get("signature"))

    def stop(self) -> None:
        """The client gets its end. A call without a delta has the input of its beginning."""
        self.stopped = True
        if "input" in self.start and not self.sent:
            self.sent.replace(dump(self.start["input"]))

    def check(self, part: Part, wrote: Part) -> None:
        """ValueError where a part cannot follow what the client has; `wrote` is what the upstream wrote so far."""
        if self.place is None:
            return
        new = whole(part, self.start)
        if new["type"] != self.start.get("type"):
            raise ValueError("the client has the beginning of this part: it cannot become one of another kind")
        if new["type"] == "redacted_thinking" or not isinstance(part, Text | Refusal | Reasoning | ToolCall):
            if part != wrote:
                raise ValueError("the client has this part already")
            return
        if isinstance(part, ToolCall) and (new["name"], new["id"]) != (self.start.get("name"), self.start.get("id")):
            raise ValueError(f"the client knows already that {self.start.get('name')} is called")
        self._check_content(part)

    def _check_content(self, part: Part) -> None:
        content, sent = written_of(part), str(self.sent)
        if isinstance(part, ToolCall) and self.stopped:
            content = content or "{}"
        if not content.startswith(sent):
            raise ValueError(f"the client has this already, and only what follows can change: …{sent[-80:]}")
        citations = part.citations if isinstance(part, Text) else []
        if citations[: len(self.citations)] != self.citations:
            raise ValueError("the client has the citations of this text already")
        more = len(content) > len(sent) or len(citations) > len(self.citations)
        if more and (self.stopped or self.sealed):
            raise ValueError("the client has this part to its end already")


@dataclass(frozen=True, slots=True)
class Step:
    """One event, understood."""

    kind: str = ""
    data: Json = field(default_factory=dict)
    block: Block | None = None


class Track:
    """What the upstream wrote so far."""

    def __init__(self) -> None:
        self._transcript = Transcript()
        self._reader = AnthropicReader(self._transcript)
        self._current: dict[int, Block] = {}
        self.blocks: list[Block] = []
        """In the order in which they began."""
        self.end: Json = {}
        """The last `message_delta` that came."""

    @property
    def parts(self) -> list[Part]:
        """What the reader makes of it."""
        message = self._transcript.answer.message
        return message.parts if message else []

    @property
    def output_tokens(self) -> int:
        """As far as the upstream counted them."""
        usage = self._transcript.answer.usage
        return (usage.output_tokens if usage else None) or 0

    def block_of(self, part: int) -> Block | None:
        """The block that a part is made of; None where it has not begun, or came in one piece with the head."""
        return next((block for block in self.blocks if block.part == part), None)

    def take(self, event: Event) -> Step:
        """The upstream's next event."""
        try:
            data = parse_object(event.data)
            known = len(self.parts)
            self._reader.event(event)
        except ValueError:
            return Step()
        kind = text_of(data.get("type")) or event.name
        if kind == "message_delta":
            self.end = data
        if not kind.startswith("content_block_"):
            return Step(kind, data)
        index = int_of(data.get("index")) or 0
        if len(self.parts) > known:
            block = self._current[index] = Block(known, index, object_of(data.get("content_block")))
            self.blocks.append(block)
        return Step(kind, data, self._current.get(index))
