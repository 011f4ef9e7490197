"""What differs between two transcripts: by message and block first, then by word."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
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
    Tool,
    ToolCall,
    ToolResult,
)
from inspector.store.alignment import Match, Steps, common_head, finish, gaps, matches, numbered

EFFORT = 100_000
"""Pairs of equal words, one of each text, beyond which two texts are not compared word by word."""
LONG = 200_000
"""Characters of two texts together from which on they are compared by line first."""
LONGEST = 500_000
"""Characters that differ in two texts together from which on they differ as a whole."""
_NEAR = 1000
"""Characters within which a blank is looked for."""
_BLANK = re.compile(r"\s")
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
    count: int = 1
    """How many pieces in a row are the same; where several are, they are not given."""


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of a text that the other side has too, or not; an empty one says that only the other side has some."""

    text: str
    same: bool


def message_pieces(message: Message) -> tuple[Piece, ...]:
    """What stands in one message."""
    return tuple(_piece(_ROLES[message.role], part) for part in message.parts)


def answer_pieces(answer: Answer) -> list[Piece]:
    """What came back, in order."""
    pieces = [piece for choice in answer.choices for piece in message_pieces(choice)]
    reasons = [choice.finish_reason for choice in answer.choices if choice.finish_reason]
    pieces += [Piece("setting", "finish", reason) for reason in reasons]
    return pieces + ([Piece("setting", "error", answer.error)] if answer.error else [])


def compare(before: Sequence[Piece], after: Sequence[Piece]) -> list[Change]:
    """Line two sequences up. A piece that was replaced by one of its kind has changed; any other is gone or new."""
    return finish(compare_in_steps(before, after))


def compare_in_steps(before: Iterable[Piece], after: Iterable[Piece]) -> Steps[list[Change]]:
    """As `compare`, with pauses; the pieces may be made as they are asked for."""
    old, new = list[Piece](), list[Piece]()
    numbers: dict[Hashable, int] = {}
    old_numbers = yield from numbered(_kept(before, old), numbers)
    new_numbers = yield from numbered(_kept(after, new), numbers)
    found = yield from matches(old_numbers, new_numbers)
    changes: list[Change] = []
    for gap, run in zip(gaps(found, len(old), len(new)), [*found, None], strict=True):
        yield
        changes += _replaced([old[index] for index in gap.before], [new[index] for index in gap.after])
        if run is not None:
            pairs = zip(old[run.before : run.before + run.size], new[run.after : run.after + run.size], strict=True)
            changes += [Change("same", left, right) for left, right in pairs]
    return changes


def compare_prompts(before: Prompt, after: Prompt) -> Steps[list[Change]]:
    """As `compare` of what both models were given: settings, messages, tools. Only messages that differ are read."""
    changes = yield from compare_in_steps(_settings(before), _settings(after))
    found = yield from line_up(before.messages, after.messages)
    between = gaps(found, len(before.messages), len(after.messages))
    for gap, run in zip(between, [*found, None], strict=True):
        changes += yield from compare_in_steps(
            (piece for index in gap.before for piece in message_pieces(before.messages[index])),
            (piece for index in gap.after for piece in message_pieces(after.messages[index])),
        )
        yield
        if run is not None:
            same = after.messages[run.after : run.after + run.size]
            changes.append(Change("same", None, None, sum(len(message.parts) for message in same)))
    changes += yield from compare_in_steps(map(_declared, before.tools), map(_declared, after.tools))
    return changes


def line_up(before: Sequence[Message], after: Sequence[Message]) -> Steps[list[Match]]:
    """The runs of messages that both prompts have."""
    head = yield from common_head(before, after)
    numbers: dict[Hashable, int] = {}
    old = yield from numbered((message_pieces(message) for message in before[head:]), numbers)
    new = yield from numbered((message_pieces(message) for message in after[head:]), numbers)
    found = yield from matches(old, new)
    rest = [Match(run.before + head, run.after + head, run.size) for run in found]
    if head and rest and rest[0][:2] == (head, head):
        return [Match(0, 0, head + rest[0].size), *rest[1:]]
    return [Match(0, 0, head), *rest] if head else rest


def _kept(pieces: Iterable[Piece], kept: list[Piece]) -> Iterator[Piece]:
    for piece in pieces:
        kept.append(piece)
        yield piece


def words(before: str, after: str) -> tuple[list[Run], list[Run]]:
    """Both texts as runs, those that differ marked.

    What is too long for a comparison by word is compared by line, and by word within the lines that differ, as far as
    that goes; the rest differs as a whole.
    """
    size = len(before) + len(after)
    head, tail = _shared(before, after) if size > LONG else (0, 0)
    old, new = before[head : len(before) - tail], after[head : len(after) - tail]
    if size - 2 * (head + tail) > LONGEST:
        pairs: _Pairs | None = [(Run(old, False), Run(new, False))]
    else:
        pairs = _by_word(old, new, EFFORT) if len(old) + len(new) <= LONG else None
    pairs = pairs if pairs is not None else _by_line(old, new)
    pairs = [*_same([before[:head]] if head else []), *pairs, *_same([before[len(before) - tail :]] if tail else [])]
    return [left for left, _ in pairs], [right for _, right in pairs]


def _shared(before: str, after: str) -> tuple[int, int]:
    """About how many characters two long texts share at their beginning and at their end, cut at blanks if possible."""
    head = _equal(min(len(before), len(after)), lambda start, end: before[start:end] == after[start:end])
    near = max(0, head - _NEAR)
    head = max(before.rfind(" ", near, head), before.rfind("\n", near, head), near - 1) + 1 if near else 0
    old, new = len(before), len(after)
    tail = _equal(
        min(old, new) - head, lambda start, end: before[old - end : old - start] == after[new - end : new - start]
    )
    blank = _BLANK.search(before, old - tail, old - tail + _NEAR)
    return head, old - blank.end() if blank else max(0, tail - _NEAR)


def _equal(most: int, same: Callable[[int, int], bool]) -> int:
    """The greatest length, up to `most`, on which two texts agree; `same` compares a stretch of both."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if same(low, middle) else (low, middle - 1)
    return low


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
    places: dict[tuple[str, str], list[int]] = {}
    for index, piece in enumerate(old):
        places.setdefault(_kind(piece), []).append(index)
    following = 0
    for after in new:
        known = places.get(_kind(after), [])
        place = bisect_left(known, following)
        if place == len(known):
            yield Change("added", None, after)
            continue
        yield from (Change("removed", gone, None) for gone in old[following : known[place]])
        yield Change("changed", old[known[place]], after)
        following = known[place] + 1
    yield from (Change("removed", gone, None) for gone in old[following:])


def _kind(piece: Piece) -> tuple[str, str]:
    return piece.role, piece.title if piece.role in ("setting", "tools") else ""


def _settings(prompt: Prompt) -> list[Piece]:
    settings = {"model": prompt.model, "stream": prompt.stream, **prompt.parameters}
    return [Piece("setting", name, _dump(value)) for name, value in settings.items() if value not in ("", False)]


def _declared(tool: Tool) -> Piece:
    return Piece("tools", tool.name, f"{tool.description}\n{_dump(tool.schema)}")


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
