"""Which part of a message each field of a delta belongs to, counted as the reader counts parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from inspector.dialects._base import Json
from inspector.dialects._fields import list_of, object_of, text_of
from inspector.dialects._openai_chat_calls import Calls
from inspector.dialects._openai_chat_parts import add_reasoning, content_parts, images, reasoning_text
from inspector.dialects._openai_chat_reader import add_audio, add_part
from inspector.model.message import Growing, Media, Part, Reasoning, Refusal, Text

REASONING = ("reasoning_content", "reasoning")
WORDS = ("text", "summary")
"""Where an entry of `reasoning_details` has its words."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A field of a delta, or of a whole message, or a member of a list in it."""

    part: int
    """Index of the part that it belongs to."""
    field: str
    """The field's name; `reasoning` stands for the words of thoughts, in whichever fields they are."""
    at: int | None = None
    """The place in the list, where the field is one."""


class Origins:
    """Follows one choice, delta by delta. A whole message is read like a delta."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        """The message so far."""
        self._calls = Calls(self.parts)

    def take(self, delta: Json) -> list[Piece]:
        """Take the next delta; gives its pieces, in the reader's order. What says nothing is no piece."""
        return [*self._reasoning(delta), *self._words(delta), *self._media(delta), *self._tools(delta)]

    def restart(self) -> None:
        """Forget it all: a whole message comes in the place of its pieces."""
        self.parts.clear()
        self._calls = Calls(self.parts)

    def _reasoning(self, delta: Json) -> Iterator[Piece]:
        said = False
        if spoken := reasoning_text(delta):
            add_reasoning(self.parts, {"reasoning": spoken})
            said = True
        seals: list[Piece] = []
        for at, entry in enumerate(list_of(delta.get("reasoning_details"))):
            if not isinstance(entry, dict):
                continue
            words = "" if spoken else next((words for name in WORDS if (words := text_of(entry.get(name)))), "")
            if words:
                add_reasoning(self.parts, {"reasoning": words})
                said = True
            seal, data = text_of(entry.get("signature")), text_of(entry.get("data"))
            if seal or data:
                add_reasoning(self.parts, {"reasoning_details": [{"signature": seal, "data": data}]})
                seals.append(Piece(self._sealed(data), "reasoning_details", at))
        if said:
            yield Piece(self._last(Reasoning), "reasoning")
        yield from seals

    def _sealed(self, data: str) -> int:
        """The thoughts that a seal belongs to: those that have it, or the last."""
        for index, part in enumerate(self.parts):
            if data and isinstance(part, Reasoning) and part.encrypted == data:
                return index
        return self._last(Reasoning)

    def _words(self, delta: Json) -> Iterator[Piece]:
        content = delta.get("content")
        if isinstance(content, str):
            yield from self._add(content_parts(content), "content")
        for at, item in enumerate(list_of(content)):
            yield from self._add(content_parts([item]), "content", at)
        if refusal := text_of(delta.get("refusal")):
            yield from self._add([Refusal(Growing(refusal))], "refusal")

    def _add(self, parts: list[Part], field: str, at: int | None = None) -> Iterator[Piece]:
        for part in parts:
            add_part(self.parts, part)
            joins = isinstance(part, Text | Refusal | Reasoning)
            index = self._first(type(part)) if joins else len(self.parts) - 1
            if index is not None:
                yield Piece(index, field, at)

    def _media(self, delta: Json) -> Iterator[Piece]:
        add_audio(self.parts, object_of(delta.get("audio")))
        sound = [n for n, part in enumerate(self.parts) if isinstance(part, Media) and part.modality == "audio"]
        if delta.get("audio") and sound:
            yield Piece(sound[0], "audio")
        for at, image in enumerate(list_of(delta.get("images"))):
            for part in images({"images": [image]}):
                self.parts.append(part)
                yield Piece(len(self.parts) - 1, "images", at)

    def _tools(self, delta: Json) -> Iterator[Piece]:
        for at, fragment in enumerate(list_of(delta.get("tool_calls"))):
            if isinstance(fragment, dict) and (call := self._calls.fragment(fragment)):
                yield Piece(self._index(call), "tool_calls", at)
        if (legacy := object_of(delta.get("function_call"))) and (call := self._calls.function_call(legacy)):
            yield Piece(self._index(call), "function_call")
        for at, tool in enumerate(list_of(delta.get("executed_tools"))):
            if isinstance(tool, dict):
                yield Piece(self._index(self._calls.execution(tool)), "executed_tools", at)

    def _index(self, part: Part) -> int:
        return next(index for index, known in enumerate(self.parts) if known is part)

    def _first(self, kind: type[Part]) -> int | None:
        return next((index for index, part in enumerate(self.parts) if isinstance(part, kind)), None)

    def _last(self, kind: type[Part]) -> int:
        return max(index for index, part in enumerate(self.parts) if isinstance(part, kind))
