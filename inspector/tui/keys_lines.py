"""What the help says: the keys of the focused part, of the screen and of the program, in sections. Knows no widget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len

from inspector.tui.spans import Line, cut, width_of
from inspector.tui.text import wrap

COLUMN = 62
"""Cells that a column of keys takes at least."""
_KEYS = 12
"""Cells for the keys of an action."""
_TITLES = {
    "app": "Program",
    "chat": "Conversation",
    "detail": "Search",
    "edit": "Edit and answer",
    "flow": "Flows",
    "hold": "Hold and step",
    "hits": "Hits",
    "http": "Request and response",
    "pane": "Move",
    "replay": "Send again",
    "tab": "Tabs",
    "view": "Screen",
}
"""Headings, by the first part of an action's id; any other is called as that part is."""


@dataclass(frozen=True, slots=True)
class KeyHelp:
    """One action, with its keys as they are shown."""

    id: str
    keys: tuple[str, ...]
    words: str
    works: bool
    """Whether it does something now."""


@dataclass(slots=True)
class Section:
    """Actions of one kind."""

    title: str
    keys: list[KeyHelp] = field(default_factory=list)


def sections(keys: Sequence[KeyHelp]) -> list[Section]:
    """The actions by kind, in the order in which the kinds come; in each those first that do something now."""
    found: dict[str, Section] = {}
    for key in keys:
        kind = key.id.partition(".")[0]
        found.setdefault(kind, Section(_TITLES.get(kind, kind.capitalize()))).keys.append(key)
    for section in found.values():
        section.keys.sort(key=lambda key: not key.works)
    return list(found.values())


def lay_out(words: str, found: Sequence[Section], width: int) -> list[Line]:
    """All lines of the help for so many cells: the keys in columns, and below them what is said of the focused part."""
    told = "\n".join(" ".join(part.split()) for part in words.replace("`", "").split("\n\n") if part.strip())
    count = max(1, min(3, (width + 2) // (COLUMN + 2)))
    column = (width + 2) // count - 2
    columns = _columns([_section(each, column) for each in found], count)
    lines: list[Line] = []
    for index in range(max(map(len, columns), default=0)):
        line: Line = []
        for number, each in enumerate(columns):
            part = each[index] if index < len(each) else []
            blank = column - width_of(part) + 2 if number < len(columns) - 1 else 0
            line += [*part, ("", " " * blank)]
        lines.append(line)
    if told:
        lines.append([])
    lines += [[("muted", line.rstrip())] for part in told.split("\n") if part for line in wrap(part, width)]
    return lines


def _section(section: Section, width: int) -> list[Line]:
    lines: list[Line] = [cut([("", " " * (_KEYS + 2)), ("bold", section.title)], width)]
    for key in section.keys:
        keys = " ".join(key.keys)
        blank = " " * max(0, _KEYS - cell_len(keys))
        styles = ("key", "") if key.works else ("faint", "faint")
        lines.append(cut([("", blank), (styles[0], keys), ("", "  "), (styles[1], key.words)], width))
    return lines


def _columns(blocks: Sequence[list[Line]], count: int) -> list[list[Line]]:
    """The blocks in their order, in so many columns of nearly the same height, with a blank line between two."""
    height = sum(len(block) + 1 for block in blocks) / count
    columns: list[list[Line]] = [[]]
    for block in blocks:
        if len(columns) < count and len(columns[-1]) + len(block) / 2 > height:
            columns.append([])
        columns[-1] += [*([[]] if columns[-1] else []), *block]
    return columns
