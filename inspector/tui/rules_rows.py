"""Breakpoints, mocks and sticky edits as lines of a list, each with what can be done to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from inspector.model.message import ToolCall
from inspector.rules.breakpoints import Breakpoint
from inspector.rules.control import Control
from inspector.rules.replies import Reply
from inspector.store.filters import Filter
from inspector.tui.held_draft import text_of
from inspector.tui.held_lines import rule
from inspector.tui.spans import Line, cut, width_of
from inspector.tui.text import one_line, printable

FILTER_STYLES = {"key": "key", "value": "bold", "operator": "muted", "text": "", "error": "error"}
"""The colours of a filter's words, by the kinds of its spans."""
_EXAMPLE = 'a makes one, as in  event tool:Bash arg.command~"rm "'


@dataclass(frozen=True, slots=True)
class Entry:
    """One rule in the list."""

    words: Line
    on: bool
    hits: int
    switch: Callable[[], None]
    remove: Callable[[], None]
    breakpoint: Breakpoint | None = None
    """What can be typed anew."""


Row = tuple[Line, Entry | None]


def rows(control: Control, width: int) -> list[Row]:
    """All rules, by kind."""
    breakpoints = [
        Entry(
            [("warning", f"{each.moment:<8} "), *filter_line(each.filter)],
            each.on,
            each.hits,
            partial(control.breakpoints.switch, each),
            partial(control.breakpoints.remove, each),
            each,
        )
        for each in control.breakpoints
    ]
    mocks = [
        Entry(
            [*filter_line(each.filter), ("muted", "  →  "), ("", reply_words(each.reply))],
            each.on,
            each.hits,
            partial(control.mocks.switch, each),
            partial(control.mocks.remove, each),
        )
        for each in control.mocks
    ]
    sticky = [
        Entry(
            [("", one_line(str(each)))],
            each.on,
            each.hits,
            partial(control.sticky.switch, each),
            partial(control.sticky.remove, each),
        )
        for each in control.sticky
    ]
    return [
        *_group("breakpoints", "hold a flow", breakpoints, _EXAMPLE, width),
        *_group("mocks and faults", "answer in the upstream's place", mocks, "none", width),
        *_group("sticky edits", "change every later request", sticky, "none", width),
    ]


def filter_line(found: Filter) -> Line:
    """A filter with its words coloured by what they are."""
    if not found.text.strip():
        return [("muted", "every flow")]
    line: Line = []
    at = 0
    for span in found.spans:
        line += [("", printable(found.text[at : span.start]))] if span.start > at else []
        line.append((FILTER_STYLES[span.kind], printable(found.text[span.start : span.end])))
        at = span.end
    return [*line, ("", printable(found.text[at:]))] if at < len(found.text) else line


def reply_words(reply: Reply) -> str:
    """What a rule answers, in short."""
    words = [one_line(text_of(part) or "", 60) if not isinstance(part, ToolCall) else part.name for part in reply.parts]
    if reply.status is not None:
        words.append(f"{reply.status} {one_line(reply.message, 60)}".rstrip())
    if reply.retry_after is not None:
        words.append(f"retry after {reply.retry_after:g} s")
    fault = reply.fault
    if fault.tokens_per_second is not None:
        words.append(f"{fault.tokens_per_second:g} tokens a second")
    ends = (
        "silence" if fault.silence else "malformed" if fault.malformed else "cut" if fault.cut_after is not None else ""
    )
    if ends:
        words.append(ends if fault.cut_after is None else f"{ends} after {fault.cut_after} tokens")
    return one_line(" · ".join(words)) or "an empty answer"


def _group(title: str, right: str, entries: Sequence[Entry], none: str, width: int) -> list[Row]:
    result: list[Row] = [(rule(title, right if width >= 60 else "", width), None)]
    result += [(_line(entry, width), entry) for entry in entries] or [([("muted", f"   {none}")], None)]
    return [*result, ([], None)]


def _line(entry: Entry, width: int) -> Line:
    times = f"{entry.hits} time{'' if entry.hits == 1 else 's'}" if entry.hits else "not yet"
    right: Line = [("faint" if not entry.hits else "bold", times if entry.on else f"off · {times}"), ("", " ")]
    left = entry.words if entry.on else [("faint", text) for _, text in entry.words]
    left = cut(left, max(8, width - 6 - width_of(right)))
    mark = ("ok", " ● ") if entry.on else ("faint", " ○ ")
    return [mark, ("", " "), *left, ("", " " * max(1, width - 4 - width_of(left) - width_of(right))), *right]
