"""What differs between two transcripts: by message and block first, then by word."""

from __future__ import annotations

import json
import re
from collections import Counter
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

EFFORT = 100_000
"""Pairs of equal words, one of each text, beyond which two texts are not compared word by word."""
LONG = 200_000
"""Characters of two texts together from which on they are compared by line first."""
_WORD = re.compile(r"\s+|\w+|[^\w\s]")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
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
    """Both texts as runs, those that differ marked.

    What is too long for a comparison by word is compared by line, and by word within the lines that differ, as far as
    that goes; the rest differs as a whole.
    """
    pairs = _by_word(before, after, EFFORT) if len(before) + len(after) <= LONG else None
    pairs = pairs if pairs is not None else _by_line(before, after)
    return [left for left, _ in pairs], [right for _, right in pairs]


_Pairs = list[tuple[Run, Run]]
"""Two texts as runs, side by side."""


def _by_word(before: str, after: str, effort: int) -> _Pairs | None:
    """None where that costs more than `effort`."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    head, tail = _ends(old, new)
    middle, new_middle = old[head : len(old) - tail], new[head : len(new) - tail]
    if _cost(middle, new_middle) > effort:
        return None
    return [*_same(old[:head]), *_matched(middle, new_middle), *_same(old[len(old) - tail :])]


def _by_line(before: str, after: str) -> _Pairs:
    old, new = _LINE.findall(before), _LINE.findall(after)
    head, tail = _ends(old, new)
    middle, new_middle = old[head : len(old) - tail], new[head : len(new) - tail]
    left = EFFORT - _cost(middle, new_middle)
    matched = _matched(middle, new_middle) if left >= 0 else [_differing(middle, new_middle)]
    pairs: _Pairs = _same(old[:head])
    for some, other in matched:
        if some.same:
            pairs.append((some, other))
            continue
        found = _by_word(some.text, other.text, max(0, left // 4))
        left -= left // 4
        pairs += found if found is not None else _between_ends(some.text, other.text)
    return [*pairs, *_same(old[len(old) - tail :])]


def _between_ends(before: str, after: str) -> _Pairs:
    """Two texts that differ as a whole between their first and their last words."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    head, tail = _ends(old, new)
    middle = _differing(old[head : len(old) - tail], new[head : len(new) - tail])
    return [*_same(old[:head]), middle, *_same(old[len(old) - tail :])]


def _ends(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """How many pieces are the same at the beginning, and at the end of what is left."""
    head = _common(old, new)
    return head, _common(old[head:][::-1], new[head:][::-1])


def _same(pieces: Sequence[str]) -> _Pairs:
    run = Run("".join(pieces), True)
    return [(run, run)] if pieces else []


def _differing(old: Sequence[str], new: Sequence[str]) -> tuple[Run, Run]:
    return Run("".join(old), False), Run("".join(new), False)


def _cost(old: Sequence[str], new: Sequence[str]) -> int:
    """How many pairs of equal pieces there are, which is what a comparison costs. Blanks are not looked for."""
    count = Counter(new)
    return sum(number * count[piece] for piece, number in Counter(old).items() if not piece.isspace())


def _matched(old: list[str], new: list[str]) -> _Pairs:
    codes = SequenceMatcher(str.isspace, old, new, autojunk=False).get_opcodes()
    return [
        (Run("".join(old[a:b]), tag == "equal"), Run("".join(new[c:d]), tag == "equal")) for tag, a, b, c, d in codes
    ]


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
