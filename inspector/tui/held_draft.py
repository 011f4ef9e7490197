"""An answer as a person changes it while it is held: every part with what the agent has of it, and the edits."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from inspector.model.edits import Edits
from inspector.model.message import Growing, Message, Part, Reasoning, Refusal, Text, ToolCall
from inspector.tui.json_text import json_problem, laid_out, put_back

_ID_PREFIX = re.compile(r"[A-Za-z]+_")


class Given(Enum):
    """How much of a part the agent has."""

    NONE = auto()
    SOME = auto()
    ALL = auto()


@dataclass(slots=True)
class PartDraft:
    """One part of the answer: as the model wrote it, and as the person has it now."""

    original: Part | None
    """None where the person added it."""
    given: Given = Given.NONE
    delivered: str = ""
    """What the agent has of its text; it cannot be changed any more."""
    shown: str = ""
    """The text as it is edited while it is unchanged: arguments are laid out for reading."""
    text: str = ""
    name: str = ""
    """Of a tool call."""
    out: bool = False
    """It is to be left out."""
    call: bool = False
    """A tool call."""

    @property
    def editable(self) -> bool:
        """Whether there is a text to change, of which the agent does not have all."""
        return self.given is not Given.ALL and (self.original is None or text_of(self.original) is not None)

    @property
    def json(self) -> bool:
        """Whether the text is to be JSON."""
        return self.call and not (isinstance(self.original, ToolCall) and self.original.kind == "custom")

    @property
    def kind(self) -> str:
        """What it is called."""
        return "tool call" if self.call else type(self.original).__name__.lower() if self.original else "text"

    @property
    def changed(self) -> bool:
        """Whether the agent is to get something else than the model wrote."""
        if self.original is None or self.out:
            return True
        renamed = isinstance(self.original, ToolCall) and self.name != self.original.name
        return renamed or (self.text != self.shown and self._to_send() != self._written())

    @property
    def problem(self) -> str:
        """Why it should not be sent as it stands, in words."""
        if self.out or not self.changed:
            return ""
        if not self.text.startswith(self.delivered):
            return "the agent has the beginning already: only what comes behind it can be changed"
        if self.call and not self.name:
            return "the tool has no name"
        found = json_problem(self.text) if self.json else None
        return str(found) if found is not None else ""

    def part(self, call_id: str) -> Part:
        """The part as it is to be sent. `call_id` is for a call that was added."""
        content = Growing(self._to_send())
        if isinstance(self.original, ToolCall):
            return replace(self.original, name=self.name, arguments=content, done=True)
        if isinstance(self.original, Text | Reasoning | Refusal):
            return replace(self.original, content=content)
        return ToolCall(call_id, self.name, content, done=True) if self.call else Text(content)

    def restore(self) -> None:
        """Take every change of it back."""
        self.out, self.text = False, self.shown
        self.name = self.original.name if isinstance(self.original, ToolCall) else self.name

    def follow(self, original: Part, given: Given, delivered: str) -> None:
        """The model wrote on, or the agent got more; what the person changed stays."""
        untouched = not self.changed
        self.original, self.given, self.delivered = original, given, delivered
        self.shown = laid_out(self._written()) if self.json and not delivered else self._written()
        if untouched:
            self.restore()

    def _written(self) -> str:
        return (text_of(self.original) or "") if self.original is not None else ""

    def _to_send(self) -> str:
        return put_back(self._written(), self.text) if self.json and not self.delivered else self.text


@dataclass(slots=True)
class AnswerDraft:
    """A whole answer as the person changes it."""

    parts: list[PartDraft] = field(default_factory=list)
    """The model's, in their order, then those that were added."""
    finish: str = ""
    """Why it ends, in the provider's word; empty where that is left to follow from the parts."""
    finish_before: str = ""
    prefix: str = "call_"
    """How ids of tool calls begin."""
    events: dict[int, str] = field(default_factory=dict)
    """Waiting events as they are edited, by where they begin in the answer."""

    def follow(self, written: Message | None, delivered: Message | None, waiting: Sequence[int], done: bool) -> None:
        """Take in how far the answer has come. `waiting` are the parts of the events that the agent does not have;
        `done` says that the model has written all.
        """
        parts, has = written.parts if written else [], delivered.parts if delivered else []
        for index, part in enumerate(parts):
            begun = index < len(has) and type(has[index]) is type(part)
            missing = index in waiting or not begun or (not done and index == len(parts) - 1)
            given = Given.ALL if not missing else Given.SOME if begun else Given.NONE
            if index == len(self._written()):
                draft = PartDraft(part, call=isinstance(part, ToolCall), name=getattr(part, "name", ""))
                self.parts.insert(index, draft)
            self.parts[index].follow(part, given, (text_of(has[index]) or "") if begun else "")
            if isinstance(part, ToolCall) and (prefix := _ID_PREFIX.match(part.id)):
                self.prefix = prefix[0]
        before, self.finish_before = self.finish_before, (written.finish_reason or "") if written else ""
        if self.finish == before:
            self.finish = self.finish_before

    def add(self, call: bool) -> int:
        """Put a text, or a tool call, behind the last part; its place."""
        self.parts.append(PartDraft(None, call=call, shown="{}" if call else "", text="{}" if call else ""))
        return len(self.parts) - 1

    def take_out(self, index: int) -> None:
        """Leave a part out, or put it back in; one that was added goes for good."""
        if self.parts[index].original is None:
            del self.parts[index]
        else:
            self.parts[index].out = not self.parts[index].out

    @property
    def changed(self) -> bool:
        """Whether anything is."""
        return self.finish != self.finish_before or any(part.changed for part in self.parts)

    @property
    def problem(self) -> tuple[int, str] | None:
        """The first part that should not be sent as it stands, and why."""
        return next(((index, part.problem) for index, part in enumerate(self.parts) if part.problem), None)

    def edits(self) -> Edits:
        """What the person wants changed."""
        edits = Edits()
        for index, draft in enumerate(self.parts):
            if draft.original is None:
                edits.added.append(draft.part(self.prefix + secrets.token_hex(12)))
            elif draft.changed:
                edits.replaced[index] = None if draft.out else draft.part("")
        if self.finish != self.finish_before:
            edits.finish_reason = self.finish or None
        return edits

    def _written(self) -> list[PartDraft]:
        return [part for part in self.parts if part.original is not None]


def text_of(part: Part) -> str | None:
    """What a person reads and edits of a part; None for a part that has no text."""
    if isinstance(part, ToolCall):
        return str(part.arguments)
    return str(part.content) if isinstance(part, Text | Reasoning | Refusal) else None
