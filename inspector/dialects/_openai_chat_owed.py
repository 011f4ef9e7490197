"""What the client of an edited answer is to get of each part, and what it has of it already."""

from __future__ import annotations

import copy
from collections.abc import Collection, Sequence

from inspector.dialects._openai_chat_deltas import check_writable
from inspector.model.edits import Edits
from inspector.model.message import Growing, Part, Reasoning, Refusal, Text, ToolCall

TOO_LATE = "the client has what comes behind this part already"


class Owed:
    """Every edit so far. `parts` is the model's message, which grows while its deltas come."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self.edits = Edits()
        """All edits in one; `added` holds what is still to be added."""
        self._given: dict[int, Part | None] = {}
        """What the client has of each edited part: None for nothing."""

    def take(self, edits: Edits) -> None:
        """Take more edits, or none of them: ValueError where the client has what should be changed."""
        for index, part in edits.replaced.items():
            _check(part, self._client_has(index))
            self._check_order(index, part)
        for part in edits.added:
            check_writable(part)
        edits = copy.deepcopy(edits)
        frozen = range(len(self._parts)) if edits.final else ()
        for index in {*edits.replaced, *frozen}:
            self._given[index] = copy.deepcopy(self._client_has(index))
        self.edits.replaced.update(edits.replaced)
        self.edits.added += edits.added
        self.edits.finish_reason = edits.finish_reason or self.edits.finish_reason
        self.edits.final = self.edits.final or edits.final

    def lacks(self, index: int, part: Part | None) -> bool:
        """Whether the client would get anything more if a part became that."""
        return part is not None and _missing(part, self._client_has(index)) is not None

    def covers(self, index: int) -> bool:
        """Whether the model's own of that part does not go to the client any more."""
        return self.edits.final or index in self._given

    def pay(self, index: int) -> Part | None:
        """What the client lacks of an edited part; from now on it has it."""
        part = self.edits.replaced.get(index)
        if part is None:
            return None
        given, self._given[index] = self._given.get(index), part
        return _missing(part, given)

    def due(self, but: Collection[int] = (), *, everything: bool = False) -> list[tuple[int, Part]]:
        """What the client lacks of the parts that the model has begun, or of all; from now on it has it."""
        begun = [index for index in sorted(self.edits.replaced) if everything or index < len(self._parts)]
        return [(index, part) for index in begun if index not in but and (part := self.pay(index)) is not None]

    def additions(self) -> list[Part]:
        """What is added at the end; from now on the client has it."""
        added, self.edits.added = self.edits.added, []
        return added

    def snapshot(self) -> dict[int, Part | None]:
        """Every edited part as the client has it, or gets it."""
        return {index: self.edits.replaced.get(index, given) for index, given in self._given.items()}

    def _check_order(self, index: int, part: Part | None) -> None:
        """ValueError where something new would have to stand before what the client has: all text is one in the end."""
        known = {*range(len(self._parts)), *self._given}
        later = [self._client_has(other) for other in known if other > index]
        if isinstance(part, ToolCall):
            late = self._client_has(index) is None and any(isinstance(other, ToolCall) for other in later)
        else:
            late = any(type(other) is type(part) and _content(other) for other in later)
        if late and self.lacks(index, part):
            raise ValueError(TOO_LATE)

    def _client_has(self, index: int) -> Part | None:
        if index in self._given or self.edits.final:
            return self._given.get(index)
        return self._parts[index] if index < len(self._parts) else None


def _content(part: Part | None) -> str:
    return str(part.content) if isinstance(part, Text | Refusal | Reasoning) else ""


def _check(part: Part | None, given: Part | None) -> None:
    """ValueError, in words for the person, where `given` cannot become `part` any more."""
    if part is not None:
        check_writable(part)
    if given is None:
        return
    if part is None:
        raise ValueError("the client has this part, or a piece of it, already: it cannot be taken back")
    if type(part) is not type(given):
        raise ValueError("the client has a piece of this part already: it cannot become something else")
    if isinstance(part, ToolCall) and isinstance(given, ToolCall):
        _check_call(part, given)
    elif isinstance(part, Text | Refusal | Reasoning) and isinstance(given, Text | Refusal | Reasoning):
        _check_prefix("text", _content(part), _content(given))
    if isinstance(part, Reasoning) and isinstance(given, Reasoning):
        for new, old in ((part.signature, given.signature), (part.encrypted, given.encrypted)):
            if old and new != old:
                raise ValueError("the client has the seal of these thoughts already")


def _check_call(part: ToolCall, given: ToolCall) -> None:
    for word, new, old in (("id", part.id, given.id), ("name", part.name, given.name), ("kind", part.kind, given.kind)):
        if new not in ("", old) and (old or (word == "name" and given.arguments)):
            raise ValueError(f"the client has the call's {word} already: {old}")
    _check_prefix("arguments", str(part.arguments), str(given.arguments))


def _check_prefix(what: str, new: str, old: str) -> None:
    if not new.startswith(old):
        shown = old if len(old) <= 40 else "…" + old[-40:]
        raise ValueError(f"the client has the {what} up to “{shown}”: only what follows can be changed")


def _missing(part: Part, given: Part | None) -> Part | None:
    """What `part` has behind `given`, which is the beginning of it; None for nothing."""
    rest = part
    if isinstance(part, ToolCall) and isinstance(given, ToolCall):
        identity, name = "" if given.id else part.id, "" if given.name else part.name
        rest = ToolCall(identity, name, _behind(part.arguments, given.arguments), part.kind)
    elif isinstance(part, Reasoning) and isinstance(given, Reasoning):
        seals = "" if given.signature else part.signature, "" if given.encrypted else part.encrypted
        rest = Reasoning(_behind(part.content, given.content), *seals)
    elif isinstance(part, Text | Refusal) and isinstance(given, Text | Refusal):
        rest = type(part)(_behind(part.content, given.content))
    return rest if _says(rest) else None


def _behind(new: Growing, old: Growing) -> Growing:
    return Growing(str(new)[old.length :])


def _says(part: Part) -> bool:
    match part:
        case ToolCall():
            return bool(part.id or part.name or part.arguments)
        case Reasoning():
            return bool(part.content or part.signature or part.encrypted)
        case Text() | Refusal():
            return bool(part.content)
        case _:
            return True
