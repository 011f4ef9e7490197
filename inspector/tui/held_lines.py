"""A held answer as lines: what the agent has of it, what it does not, what is to change, and the events that wait."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from inspector.model.message import Media, Other, Part, Reasoning, ToolCall, ToolResult
from inspector.proxy.held import Waiting
from inspector.tui.chat_laid import json_lines
from inspector.tui.event_rows import Row, read_row
from inspector.tui.format import count
from inspector.tui.held_draft import AnswerDraft, Given, PartDraft
from inspector.tui.json_text import json_problem
from inspector.tui.request_editor_changes import Change, changes
from inspector.tui.spans import Line, cut, squeeze, width_of
from inspector.tui.text import lines, one_line
from inspector.wire.json_path import format_path

SEEN = 6
"""Lines that are shown of a text which the agent has already."""
MOST = 200
"""Waiting events that are listed."""
_LONGEST = 60_000
"""Characters of one part that are laid out."""
_CHIPS = {"reasoning": "thought", "tool call": "tool", "refusal": "refusal"}
_GIVEN: dict[Given, tuple[str, str, str]] = {
    Given.NONE: ("held", "not yet with the agent", "not yet"),
    Given.SOME: ("held", "in part with the agent", "in part"),
    Given.ALL: ("faint", "already with the agent", "with the agent"),
}
_INDENT = 10
_SMALL = 4096
"""Bytes of an event beyond which its values are not listed."""
_DULL = {
    *("type", "object", "id", "created", "model", "item_id", "sequence_number", "obfuscation", "system_fingerprint"),
    "logprobs",
}
_TEXTS = {"text", "partial_json", "thinking", "content", "arguments", "delta", "reasoning_content", "refusal"}
"""Names of texts, which speak for themselves."""
NARROW = 70
"""Cells below which there is room for short words only."""


@dataclass(frozen=True, slots=True)
class Spot:
    """What a line belongs to."""

    kind: Literal["part", "event", "finish"]
    index: int = 0


SpottedLine = tuple[Line, Spot | None]


class HeldLines:
    """Lays a held answer out anew whenever it moved; parts that did not are kept."""

    def __init__(self) -> None:
        self._parts: dict[tuple[object, ...], list[Line]] = {}
        self._events: dict[tuple[int, bytes], Line] = {}

    def all(self, draft: AnswerDraft, waiting: Sequence[Waiting], width: int) -> list[SpottedLine]:
        """Everything, for lines of `width` cells."""
        result: list[SpottedLine] = []
        kept, self._parts = self._parts, {}
        for index, part in enumerate(draft.parts):
            key = (index, width, part.given, part.text, part.name, part.out, len(part.delivered), part.changed)
            self._parts[key] = laid_out = kept.get(key) or _part(part, width)
            result += [(line, Spot("part", index)) for line in laid_out] + [([], None)]
        if draft.finish != draft.finish_before:
            result.append((finish_head(draft, width), Spot("finish")))
        if draft.changed:
            result.append((rule("what changes", "not sent yet: e goes on with it", width), None))
            result += [(line, None) for line in changed_lines(draft, width)]
        if waiting:
            result.append((rule("waiting", f"{len(waiting)} event{'' if len(waiting) == 1 else 's'}", width), None))
            result += [(line, Spot("event", index)) for index, line in enumerate(self.events(waiting, width))]
        return result

    def events(self, waiting: Sequence[Waiting], width: int) -> list[Line]:
        """The events that wait, a line each."""
        listed = waiting[:MOST]
        kept, self._events = self._events, {}
        for each in listed:
            key = each.event.start, each.raw
            self._events[key] = kept.get(key) or _event(each)
        result = [
            cut([("faint", f" {index + 1:>4}  "), *self._events[each.event.start, each.raw]], width)
            for index, each in enumerate(listed)
        ]
        more = len(waiting) - len(listed)
        return [*result, [("muted", f"       … {more} more")]] if more else result


def where(draft: AnswerDraft, waiting: Sequence[Waiting]) -> str:
    """Where the answer stands, by what comes next; empty where that belongs to no part."""
    index = waiting[0].part if waiting else -1
    if not 0 <= index < len(draft.parts):
        return ""
    part = draft.parts[index]
    name = f"tool call {one_line(part.name, 40)}".rstrip() if part.call else f"the {_CHIPS.get(part.kind, part.kind)}"
    return f"before {name} reaches the agent" if part.given is Given.NONE else f"in the middle of {name}"


def part_head(part: PartDraft, width: int) -> Line:
    """A part on one line, with how much of it the agent has at the right."""
    if part.call:
        words: Line = [("accent", one_line(part.name) or "?")]
        words.append(("faint", f" {one_line(part.original.id, 14)}" if isinstance(part.original, ToolCall) else ""))
        words.append(("muted", f"  {one_line(part.text, 200)}"))
    else:
        words = [("muted" if part.given is Given.ALL else "", one_line(part.text, 300) or _described(part.original))]
    return _head(_CHIPS.get(part.kind, "model"), words, _status(part, width), width)


def finish_head(draft: AnswerDraft, width: int) -> Line:
    """Why the answer ends, on one line."""
    words = one_line(draft.finish) or ("as it follows from the parts" if draft.finish_before else "not said yet")
    right: Line = [("edited", "edited")] if draft.finish != draft.finish_before else []
    return _head("finish", [("" if draft.finish else "muted", words)], right, width)


def changed_lines(draft: AnswerDraft, width: int) -> list[Line]:
    """What the agent will get instead of what the model wrote."""
    result: list[Line] = []
    for index, part in enumerate(draft.parts):
        if part.changed:
            several = sum(each.changed for each in draft.parts) > 1
            head: Line = [("muted", f" {index + 1} {part.kind} {one_line(part.name)}".rstrip())] if several else []
            result += [*([head] if head else []), *(cut([("", " "), *line], width) for line in _changes(part))]
    if draft.finish != draft.finish_before:
        change = Change((), draft.finish_before or None, draft.finish or None)
        result += [cut([("", " "), *line], width) for line in change.lines()]
    if _breaks_seals(draft):
        result.append(
            [("warning", "   the provider may refuse thoughts that it did not sign, when they come back to it")]
        )
    return result


def _breaks_seals(draft: AnswerDraft) -> bool:
    """Whether signed thoughts are changed."""
    return any(
        isinstance(part.original, Reasoning) and part.original.signature and part.changed for part in draft.parts
    )


def rule(title: str, right: str, width: int, style: str = "muted") -> Line:
    """A heading in a rule, with something at its right end."""
    left, end = f"── {title} ", f" {right} ─" if right else ""
    room = max(0, width - len(left) - width_of([("", end)]))
    return cut([("faint", "── "), ("muted", f"{title} "), ("faint", "─" * room), (style, end)], width)


def _part(part: PartDraft, width: int) -> list[Line]:
    if part.out:
        return [
            _head("out", [("gone", one_line(part.text, 300) or _described(part.original))], _status(part, width), width)
        ]
    if part.call:
        return _call(part, width)
    room = width - _INDENT - width_of(_status(part, width)) - 3
    first, *rest = _words(part, room) or [[("muted", _described(part.original) or "nothing yet")]]
    return [
        _head(_CHIPS.get(part.kind, "model"), first, _status(part, width), width),
        *([("", " " * _INDENT), *line] for line in rest),
    ]


def _words(part: PartDraft, room: int) -> list[Line]:
    """A text: of what the agent has only the end, all of what it has not."""
    has = len(part.text) if part.given is Given.ALL else len(part.delivered)
    if not part.text.startswith(part.delivered):
        has = 0
    seen = lines(part.text[:has][-4000:], room) if has else []
    result: list[Line] = [[("muted", line)] for line in seen[-SEEN:]]
    if len(seen) > SEEN:
        result.insert(0, [("faint", f"… {count(has)} characters, of which these are the last")])
    if part.given is not Given.ALL:
        result += [[("held", "┄┄ the agent has it up to here ┄┄")]] if has else []
        result += [[("", line)] for line in lines(part.text[has:][:_LONGEST], room)] if has < len(part.text) else []
    return result


def _call(part: PartDraft, width: int) -> list[Line]:
    call = part.original
    head: Line = [("accent", one_line(part.name) or "?")]
    head.append(("faint", f"  {one_line(call.id, 40)}" if isinstance(call, ToolCall) else "  added"))
    if part.given is Given.ALL:
        head.append(("muted", f"  {one_line(part.text, 200)}"))
        return [_head("tool", head, _status(part, width), width)]
    found = json_problem(part.text) if part.json else None
    written = isinstance(call, ToolCall) and not call.done and not part.changed
    state = "still being written" if written else f"json · {'valid' if found is None else found}" if part.json else ""
    style = "warning" if written else "error" if found else "faint"
    text = part.text[:_LONGEST]
    shown = (
        json_lines(text, width - 6)
        if found is None and part.json
        else [[("", each)] for each in lines(text, width - 6)]
    )
    numbered: list[Line] = [[("faint", f"{number:>4}  "), *line] for number, line in enumerate(shown, 1)]
    return [
        _head("tool", head, _status(part, width), width),
        rule("arguments", one_line(state), width, style),
        *numbered,
    ]


def _head(chip: str, words: Line, right: Line, width: int) -> Line:
    """A chip, words, and at the right what the agent has."""
    style = {"tool": "chip-tool", "thought": "chip-reasoning", "model": "chip-model"}.get(chip, "chip-system")
    left = squeeze(words, max(4, width - _INDENT - width_of(right) - 2))
    blank = max(1, width - _INDENT - width_of(left) - width_of(right) - 1)
    return cut([(style, f" {chip:<7} "), ("", " "), *left, ("", " " * blank), *right], width)


def _status(part: PartDraft, width: int) -> Line:
    tone, long, short = _GIVEN[part.given]
    given = (tone, short if width < NARROW else long)
    if part.out:
        return [("gone", "taken out")]
    if not part.changed:
        return [given]
    return [("edited", "edited" if part.original is not None else "added"), ("faint", " · "), given]


def _changes(part: PartDraft) -> list[Line]:
    if part.out:
        return Change((), part.shown, None).lines()
    result: list[Line] = []
    if part.call and isinstance(part.original, ToolCall) and part.name != part.original.name:
        result += Change((), part.original.name, part.name).lines()
    if part.original is None:
        words = f"{part.name} {part.text}" if part.call else part.text
        return Change((), None, words).lines()
    if part.text == part.shown:
        return result
    if part.json and json_problem(part.shown) is None and json_problem(part.text) is None:
        for change in changes(json.loads(part.shown), json.loads(part.text)):
            name: Line = [("key", format_path(change.path)), ("muted", " ")] if change.path else []
            result += [[line[0], *name, *line[1:]] for line in change.lines()]
        return result
    return [*result, *Change((), part.shown, part.text).lines()]


def _event(waiting: Waiting) -> Line:
    event = waiting.event
    if waiting.edited:
        return [("edited", "edited  "), ("", one_line(waiting.raw[:400].decode("utf-8", "replace")) or "taken out")]
    name, words = read_row(Row(0, event.at, 0.0, event.data, event.name, event.kind, event.start, event.end))
    leaves = _leaves(event.data)
    return [("key", f"{name:<24}"), ("muted", f" {words if leaves is None else leaves}")]


def _leaves(data: bytes) -> str | None:
    """The values of a small event with their names: `stop_reason tool_use · output_tokens 61`; None for no JSON."""
    if len(data) > _SMALL:
        return None
    try:
        level: list[tuple[str, object]] = [("", json.loads(data))]
    except (ValueError, RecursionError):
        return None
    told: list[str] = []
    while level:
        name, value = level.pop(0)
        if isinstance(value, dict):
            level[:0] = ((key, each) for key, each in value.items() if key not in _DULL)
        elif isinstance(value, list):
            level[:0] = [(name, each) for each in value]
        elif value not in (None, ""):
            words = json.dumps(value, ensure_ascii=False) if name in _TEXTS else f"{name} {value}"
            told += [words] if told[-1:] != [words] else []
    return one_line(" · ".join(told))


def _described(part: Part | None) -> str:
    """A part that has no text, in words."""
    match part:
        case Media():
            return one_line(" ".join(filter(None, (part.modality, part.mime_type, part.uri))))
        case ToolResult():
            return one_line(part.content)
        case Other():
            return one_line(part.kind)
    return "sealed thoughts" if isinstance(part, Reasoning) and part.encrypted else ""
