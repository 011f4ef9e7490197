"""What was said: one shape for every provider's messages, after the OpenTelemetry GenAI message schema.

https://github.com/open-telemetry/semantic-conventions-genai (part types `text`, `reasoning`, `tool_call`,
`tool_call_response`, `blob`, `uri`, `file`; usage names `gen_ai.usage.*`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from inspector.model.token import Certainty

MOST_CHOICES = 128
"""Choices that an answer may have: the most that a provider gives."""

Role = Literal["system", "user", "assistant", "tool"]


class Growing:
    """A text that arrives in pieces; joined when somebody reads it."""

    __slots__ = ("_pieces", "length")

    def __init__(self, text: str = "") -> None:
        self._pieces = [text] if text else []
        self.length = len(text)
        """Characters so far."""

    def append(self, piece: str) -> None:
        """Add a piece at the end."""
        if piece:
            self._pieces.append(piece)
            self.length += len(piece)

    def replace(self, text: str) -> None:
        """Take `text` for all that came so far."""
        self._pieces = [text] if text else []
        self.length = len(text)

    def tail(self, limit: int) -> str:
        """The last `limit` characters; what came before them is not joined for it."""
        last: list[str] = []
        size = 0
        for piece in reversed(self._pieces):
            last.append(piece)
            size += len(piece)
            if size >= limit:
                break
        return "".join(reversed(last))[-limit:]

    def __str__(self) -> str:
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Growing | str) and str(self) == str(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(str(self))


@dataclass(slots=True)
class Text:
    """Words for the reader; `citations` as the provider gave them."""

    content: Growing = field(default_factory=Growing)
    citations: list[Any] = field(default_factory=list)


@dataclass(slots=True)
class Reasoning:
    """The model's thoughts, or the sealed form of them."""

    content: Growing = field(default_factory=Growing)
    signature: str = ""
    encrypted: str = ""
    """Thoughts that only the provider can read, as they were sent."""


@dataclass(slots=True)
class Refusal:
    """Words by which the model declines."""

    content: Growing = field(default_factory=Growing)


@dataclass(slots=True)
class ToolCall:
    """A tool that the model wants run. `arguments` is the exact text that was sent, whole or not, JSON or not."""

    id: str = ""
    name: str = ""
    arguments: Growing = field(default_factory=Growing)
    kind: str = "function"
    """`function`, `custom`, or the provider's own word for a tool that it runs itself (`web_search_call`, …)."""
    done: bool = False
    """The provider said that nothing more comes."""

    @property
    def server_side(self) -> bool:
        """Whether the provider runs it, and no answer of the client's is awaited."""
        return self.kind not in ("function", "custom")


@dataclass(slots=True)
class ToolResult:
    """What a tool gave back for the call of that id."""

    id: str = ""
    content: str = ""
    is_error: bool = False
    name: str = ""


@dataclass(slots=True)
class Media:
    """An image, sound or file: described, never shown."""

    modality: str
    """image, audio, video or file."""
    mime_type: str = ""
    uri: str = ""
    """Where it lies, or the provider's id of it; empty where the bytes stand in the body."""
    size: int = 0
    """Bytes, where they stand in the body."""
    transcript: Growing = field(default_factory=Growing)


@dataclass(slots=True)
class Other:
    """A part that this program has no shape for, as it was sent."""

    kind: str
    data: Any = None


Part = Text | Reasoning | Refusal | ToolCall | ToolResult | Media | Other


@dataclass(slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    parts: list[Part] = field(default_factory=list)
    finish_reason: str | None = None
    """The provider's own word, on answers only."""
    name: str = ""

    def text(self) -> str:
        """The words of it, without reasoning and tools."""
        return "".join(str(part.content) for part in self.parts if isinstance(part, Text | Refusal))

    def tool_calls(self) -> list[ToolCall]:
        """The calls in it, in their order."""
        return [part for part in self.parts if isinstance(part, ToolCall)]


@dataclass(slots=True)
class Usage:
    """Token counts, None where the provider did not say.

    As OpenTelemetry has it, `input_tokens` holds cached tokens too and `output_tokens` holds reasoning, whatever the
    provider's own sum is.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    reasoning_output_tokens: int | None = None
    cost: float | None = None
    """US dollars, where the provider itself names them."""
    raw: dict[str, Any] = field(default_factory=dict)
    """The provider's own object, the last of each key."""


@dataclass(slots=True)
class Tool:
    """A tool that the request declares."""

    name: str
    description: str = ""
    schema: Any = None
    kind: str = "function"


@dataclass(slots=True)
class Prompt:
    """What the model was given."""

    model: str = ""
    messages: list[Message] = field(default_factory=list)
    """System instructions come first, as messages of role system."""
    tools: list[Tool] = field(default_factory=list)
    stream: bool = False
    parameters: dict[str, Any] = field(default_factory=dict)
    """Everything else at the top of the request: temperature, max_tokens, …"""


@dataclass(slots=True)
class Answer:
    """What came back, as far as it has come."""

    id: str = ""
    model: str = ""
    choices: list[Message] = field(default_factory=list)
    """Mostly one; several where the request asked for n."""
    usage: Usage | None = None
    error: str | None = None
    """The provider's error, in its words: `type: message`."""
    complete: bool = False
    """The dialect's own end was seen; a stream that closes without it was cut."""
    certainty: Certainty = field(default_factory=Certainty)
    """How sure the model was, over the tokens of all choices whose log-probabilities came."""

    @property
    def message(self) -> Message | None:
        """The first choice."""
        return self.choices[0] if self.choices else None

    def choice(self, index: int) -> Message:
        """The choice of that index, made where it is new. An absurd index falls on the last that makes sense."""
        index = max(0, min(index, MOST_CHOICES - 1))
        while len(self.choices) <= index:
            self.choices.append(Message("assistant"))
        return self.choices[index]


@dataclass(slots=True)
class Transcript:
    """A flow, understood: what was asked and what was answered, as far as it has come."""

    prompt: Prompt = field(default_factory=Prompt)
    answer: Answer = field(default_factory=Answer)
    notes: list[str] = field(default_factory=list)
    """What could not be understood, once each."""
    first_token: float | None = None
    """When the first words, thoughts or call came, in ms since the flow's start."""

    def note(self, text: str) -> None:
        """Add a remark, once; a flood of them stops at fifty."""
        if text not in self.notes and len(self.notes) < 50:
            self.notes.append(text)
