"""What differs between two transcripts: by message and block first, then by word."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from inspector.model.message import (
    Answer,
    Media,
    Message,
    Other,
    Part,
    Prompt,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)

EFFORT = 4_000_000
"""Pairs of words beyond which two texts are not compared word by word."""
_WORD = re.compile(r"\s+|\w+|[^\w\s]")
_ROLES = {"system": "system", "user": "user", "assistant": "model", "tool": "tool"}

Kind = Literal["same", "changed", "added", "removed"]


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing that was said, called, given back, declared or set."""

    role: str
    """`system`, `user`, `model`, `call`, `tool`, `thought`, `tools` or `setting`."""
    title: str
    """A tool's or a setting's name; empty for words."""
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a piece. `before` is None where it is new, `after` where it is gone."""

    kind: Kind
    before: Piece | None
    after: Piece | None


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of a text that the other side has too, or not; an empty one says that only the other side has some."""

    text: str
    same: bool


def prompt_pieces(prompt: Prompt) -> list[Piece]:
    """What the model was given, in order."""
    settings = {"model": prompt.model, "stream": prompt.stream, **prompt.parameters}
    pieces = [Piece("setting", name, _dump(value)) for name, value in settings.items() if value not in ("", False)]
    for message in prompt.messages:
        pieces += _pieces(message)
    return pieces + [Piece("tools", tool.name, f"{tool.description}\n{_dump(tool.schema)}") for tool in prompt.tools]


def answer_pieces(answer: Answer) -> list[Piece]:
    """What came back, in order."""
    pieces = [piece for choice in answer.choices for piece in _pieces(choice)]
    reasons = [choice.finish_reason for choice in answer.choices if choice.finish_reason]
    pieces += [Piece("setting", "finish", reason) for reason in reasons]
    return pieces + ([Piece("setting", "error", answer.error)] if answer.error else [])


def compare(before: Sequence[Piece], after: Sequence[Piece]) -> list[Change]:
    """Line two sequences up. A piece that was replaced by one of its kind has changed; any other is gone or new."""
    changes: list[Change] = []
    for tag, start, end, new_start, new_end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        old, new = before[start:end], after[new_start:new_end]
        if tag == "equal":
            changes += [Change("same", left, right) for left, right in zip(old, new, strict=True)]
        else:
            changes += _replaced(list(old), list(new))
    return changes


def words(before: str, after: str) -> tuple[list[Run], list[Run]]:
    """Both texts as runs, those that differ marked. Texts too long for that differ as a whole between their ends."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    middle, new_middle = old[head : len(old) - tail], new[head : len(new) - tail]
    runs = _compared(middle, new_middle)
    start, end = "".join(old[:head]), "".join(old[len(old) - tail :])
    left, right = (list(side) for side in zip(*runs, strict=True)) if runs else ([], [])
    return _framed(start, left, end), _framed(start, right, end)


def _compared(old: list[str], new: list[str]) -> list[tuple[Run, Run]]:
    if not old and not new:
        return []
    if len(old) * len(new) > EFFORT:
        return [(Run("".join(old), False), Run("".join(new), False))]
    codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [
        (Run("".join(old[a:b]), tag == "equal"), Run("".join(new[c:d]), tag == "equal")) for tag, a, b, c, d in codes
    ]


def _framed(start: str, runs: list[Run], end: str) -> list[Run]:
    return [*([Run(start, True)] if start else []), *runs, *([Run(end, True)] if end else [])]


def _common(old: Sequence[str], new: Sequence[str]) -> int:
    count = 0
    for left, right in zip(old, new, strict=False):
        if left != right:
            break
        count += 1
    return count


def _replaced(old: list[Piece], new: list[Piece]) -> Iterator[Change]:
    """Pairs of the same role and title in their order; what is left over on either side is gone or new."""
    for after in new:
        place = next((i for i, piece in enumerate(old) if _kind(piece) == _kind(after)), None)
        if place is None:
            yield Change("added", None, after)
            continue
        yield from (Change("removed", gone, None) for gone in old[:place])
        yield Change("changed", old[place], after)
        del old[: place + 1]
    yield from (Change("removed", gone, None) for gone in old)


def _kind(piece: Piece) -> tuple[str, str]:
    return piece.role, piece.title if piece.role in ("setting", "tools") else ""


def _pieces(message: Message) -> list[Piece]:
    return [_piece(_ROLES[message.role], part) for part in message.parts]


def _piece(role: str, part: Part) -> Piece:
    match part:
        case Text() | Refusal():
            return Piece(role, "", str(part.content))
        case Reasoning():
            return Piece("thought", "", str(part.content) or part.encrypted)
        case ToolCall():
            return Piece("call", part.name, _json(str(part.arguments)))
        case ToolResult():
            return Piece("tool", part.name, part.content)
        case Media():
            return Piece(role, part.modality, part.uri or f"{part.mime_type} {part.size}")
        case Other():
            return Piece(role, part.kind, _dump(part.data))


def _json(text: str) -> str:
    """Arguments indented, so that a difference stands on its own line; what is no JSON stays as it is."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return text


def _dump(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
