"""What a request asks of the demo's model, in one shape for all APIs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from inspector.demo.behaviour import Behaviour, unmarked
from inspector.demo.tokens import tokenise
from inspector.model.message import Prompt, Reasoning, Text, ToolCall, ToolResult

DEFAULT_MAX_TOKENS = 400
_PATH = re.compile(r"[\w./-]*\w\.(?:py|txt|md|csv|toml|json|js|ts|go|rs)\b")
_COMMON = re.compile(
    "about|after|again|also|because|been|before|could|does|done|each|else|every|find|first|from|give|have|here|into|just|"
    "know|last|like|look|make|more|most|must|need|once|only|other|over|please|read|should|show|some|such|take|tell|"
    "than|thank|that|their|them|then|there|these|they|thing|this|through|time|today|very|want|well|were|what|when|"
    "where|which|while|will|with|word|words|would|write|your"
)


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to the demo's model, understood."""

    prompt: Prompt
    max_tokens: int = DEFAULT_MAX_TOKENS
    temperature: float = 1.0
    seed: int | None = None
    stops: tuple[str, ...] = ()
    top: int | None = None
    """How many alternatives to tell for each token; None where no log-probabilities were asked for."""
    token_ids: bool = False
    """Whether to tell the tokens' numbers."""
    beginning: str | None = None
    """How the answer begins: it goes on from there. It is the last message of the prompt."""
    reasons: bool = False
    """Whether the model may think before it speaks."""
    tool_choice: str = "auto"
    """`auto`, `none`, `required`, or the name of the tool that must be called."""
    parallel: bool = True
    """Whether it may call several tools at once."""
    caches: bool = True
    """Whether the prompt may be cached."""
    behaviour: Behaviour = field(default_factory=Behaviour)

    @property
    def turn(self) -> int:
        """Where in the messages the user last spoke; what follows are the calls and results of this turn."""
        spoken = [
            place for place, message in enumerate(self.prompt.messages) if _is_question(message.role, message.text())
        ]
        return spoken[-1] if spoken else 0

    @property
    def question(self) -> str:
        """The user's last words, without markers."""
        messages = self.prompt.messages
        return unmarked(messages[self.turn].text()).strip() if messages else ""

    @property
    def system(self) -> str:
        """The system instructions."""
        return "\n".join(message.text() for message in self.prompt.messages if message.role == "system")

    def calls(self) -> list[ToolCall]:
        """The tools that the model called in this turn."""
        return [call for message in self.prompt.messages[self.turn :] for call in message.tool_calls()]

    def results(self) -> list[ToolResult]:
        """What they gave back, in their order."""
        parts = [part for message in self.prompt.messages[self.turn :] for part in message.parts]
        return [part for part in parts if isinstance(part, ToolResult)]

    def topic(self) -> list[str]:
        """The telling words of the question, each once, in their order."""
        words = re.findall(r"[^\W\d]\w{3,}", self.question)
        return list(dict.fromkeys(word for word in words if not _COMMON.fullmatch(word.lower())))

    def topic_tokens(self) -> frozenset[bytes]:
        """The tokens of those words, as they stand after a blank."""
        return frozenset(tokenise(f" {word.lower()}")[0] for word in self.topic())

    def paths(self) -> list[str]:
        """File names that the question and the results of this turn mention, each once; the question's come first."""
        texts = [self.question, *(result.content for result in self.results())]
        return list(dict.fromkeys(path for text in texts for path in paths_in(text)))

    def segments(self) -> list[str]:
        """The prompt as the model reads it, part by part: tools first, then the messages."""
        tools = [f"{tool.name}\n{tool.description}\n{tool.schema}" for tool in self.prompt.tools]
        parts = [(message.role, part) for message in self.prompt.messages for part in message.parts]
        return [*tools, *(f"{role}\n{_written(part)}" for role, part in parts)]


def paths_in(text: str) -> list[str]:
    """The file names in a text."""
    return _PATH.findall(text)


def _is_question(role: str, text: str) -> bool:
    return role == "user" and bool(text.strip())


def _written(part: object) -> str:
    """A part of a message as text."""
    match part:
        case Text() | Reasoning():
            return str(part.content)
        case ToolCall():
            return f"{part.name} {part.arguments}"
        case ToolResult():
            return part.content
        case _:
            return repr(part)


def number(value: object, default: float) -> float:
    """`value` where it is a number, else `default`."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else default


def integer(value: object) -> int | None:
    """`value` where it is a whole number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def stop_sequences(value: object) -> tuple[str, ...]:
    """A stop sequence, or a list of them."""
    values = value if isinstance(value, list) else [value]
    return tuple(stop for stop in values if isinstance(stop, str))


def openai_tool_choice(value: object) -> str:
    """OpenAI's `tool_choice`: a word, or an object that names the function (nested in Chat, flat in Responses)."""
    if isinstance(value, Mapping):
        function: Any = value.get("function", value)
        return str(function.get("name", "required")) if isinstance(function, Mapping) else "required"
    return value if isinstance(value, str) else "auto"
