"""What an edit of a request changes: where it is, and in which words. Knows neither colours nor Textual."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import islice, zip_longest
from typing import Any

from inspector.tui.spans import Line, Span
from inspector.tui.text import one_line
from inspector.wire.json_path import Path

MOST = 200
"""Changes that are looked for; more are no use to a reader."""
_WORD = re.compile(r"\w+|\s+|.", re.DOTALL)
_COMPARED = 4000
"""Characters of a changed stretch beyond which it is not compared word by word."""
_BEFORE = 24
"""Characters that are shown of what stands before a change."""
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Change:
    """One value that became another one; None where there was nothing, or is nothing any more."""

    path: Path
    before: str | None
    after: str | None

    @property
    def sizes(self) -> tuple[int, int]:
        """Bytes (in UTF-8) that went and that came."""
        before, after = self.before or "", self.after or ""
        start, end = _common(before, after)
        return _size(before[start : len(before) - end]), _size(after[start : len(after) - end])

    def lines(self) -> list[Line]:
        """What went and what came, a line each, the words that differ in the styles `gone` and `come`."""
        if self.before is None:
            return [[("come", "+ "), ("come", one_line(self.after or ""))]]
        if self.after is None:
            return [[("gone", "- "), ("gone", one_line(self.before))]]
        went, came = _words(self.before, self.after)
        return [[("gone", "- "), *_printable(went)], [("come", "+ "), *_printable(came)]]


def changes(before: object, after: object) -> list[Change]:
    """The values of two JSON documents (parsed) that differ, in their order; at most `MOST`."""
    return list(islice(_walk(before, after, ()), MOST))


def _walk(before: Any, after: Any, path: Path) -> Iterator[Change]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _walk(before.get(key, _ABSENT), after.get(key, _ABSENT), (*path, key))
    elif isinstance(before, list) and isinstance(after, list):
        yield from _walk_lists(before, after, path)
    elif type(before) is not type(after) or before != after:
        yield Change(path, _shown(before), _shown(after))


def _walk_lists(before: list[Any], after: list[Any], path: Path) -> Iterator[Change]:
    """Items that are still there are found wherever they stand now: an inserted message changes none behind it."""
    if len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _walk(old, new, (*path, index))
        return
    old_keys, new_keys = [_key(item) for item in before], [_key(item) for item in after]
    for kind, low, high, new_low, new_high in SequenceMatcher(None, old_keys, new_keys, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        pairs = zip_longest(before[low:high], after[new_low:new_high], fillvalue=_ABSENT)
        for offset, (old, new) in enumerate(pairs):
            yield from _walk(old, new, (*path, (low if new is _ABSENT else new_low) + offset))


def _key(item: object) -> str:
    return json.dumps(item, sort_keys=True)


def _shown(value: object) -> str | None:
    if value is _ABSENT:
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _common(before: Sequence[str], after: Sequence[str]) -> tuple[int, int]:
    """How many items two sequences share at their beginning and, behind that, at their end."""
    most = min(len(before), len(after))
    start = next((index for index in range(most) if before[index] != after[index]), most)
    most -= start
    end = next((index for index in range(most) if before[-1 - index] != after[-1 - index]), most)
    return start, end


def _words(before: str, after: str) -> tuple[Line, Line]:
    """Two texts from shortly before the first word in which they differ."""
    first, last = _common(before, after)
    first = _word_start(before, first)
    last = min(last, min(len(before), len(after)) - first)
    old, new = before[first : len(before) - last], after[first : len(after) - last]
    went: Line = []
    came: Line = []
    if len(old) + len(new) > _COMPARED:
        went, came = [("gone-word", old)], [("come-word", new)]
    else:
        _compare(_WORD.findall(old), _WORD.findall(new), went, came)
    context = ("…" if first > _BEFORE else "") + before[max(0, first - _BEFORE) : first]
    rest = before[len(before) - last :] if last else ""
    return [("", context), *went, ("", rest)], [("", context), *came, ("", rest)]


def _word_start(text: str, at: int) -> int:
    while at and text[at - 1 : at].isalnum():
        at -= 1
    return at


def _compare(old: list[str], new: list[str], went: Line, came: Line) -> None:
    for kind, low, high, new_low, new_high in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        same = kind == "equal"
        went.append(("" if same else "gone-word", "".join(old[low:high])))
        came.append(("" if same else "come-word", "".join(new[new_low:new_high])))


def _printable(line: Line) -> list[Span]:
    """Each run on one line; a break that was put in or taken out is seen."""
    shown = ((style, text[:400].replace("\n", "↵") if style else text[:400]) for style, text in line)
    return [(style, _flat(text)) for style, text in shown if text]


def _flat(text: str) -> str:
    """Blanks at either end stay, since they part this run from the next."""
    inner = one_line(text)
    return f"{' ' * text[:1].isspace()}{inner}{' ' * (text[-1:].isspace() and bool(inner))}"
