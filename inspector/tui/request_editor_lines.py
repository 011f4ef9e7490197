"""The narrow widgets of the request editor: its head with the views, headings in a rule, and what changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.message import Message

from inspector.tui.held_pane import ChangePane
from inspector.tui.request_editor_changes import Change
from inspector.tui.spans import Line, cut, width_of
from inspector.tui.styled_line import StyledLine
from inspector.tui.text import printable, wrap
from inspector.wire.json_path import format_path


class EditorHead(StyledLine):
    """What is edited, and the ways in which it can be looked at. A click on one asks for it."""

    DEFAULT_CSS = """
    EditorHead { background: $surface; }
    """

    @dataclass
    class Chosen(Message):
        """Somebody clicked on a view."""

        name: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._views: Sequence[tuple[str, str, str]] = ()
        self._active = ""
        self._spots: list[tuple[range, str]] = []

    def show(self, title: Line, views: Sequence[tuple[str, str, str]], active: str) -> None:
        """`views` are names, keys and titles."""
        self._views, self._active = views, active
        self.set(title)
        self.refresh()

    def spans(self, width: int) -> Line:
        """The title and the views; in a narrow line only the open one is named."""
        right = self._tabs(names=True)
        if width_of(self._left) + width_of(right) + 1 > width:
            right = self._tabs(names=False)
        left = cut(self._left, max(0, width - width_of(right) - 1))
        at = width - width_of(right)
        self._spots = []
        for number, (name, _, _) in enumerate(self._views):
            length = width_of(right[2 * number : 2 * number + 2])
            self._spots.append((range(at, at + length), name))
            at += length
        return [*left, ("", " " * max(0, width - width_of(left) - width_of(right))), *right]

    def _tabs(self, names: bool) -> Line:
        line: Line = []
        for name, key, label in self._views:
            active = name == self._active
            shown = f" {label} " if names or active else " "
            line += [("active" if active else "key", f" {key}"), ("active" if active else "muted", shown)]
        return line

    def on_click(self, event: events.Click) -> None:
        """Ask for the view under the pointer."""
        for cells, name in self._spots:
            if event.x in cells:
                self.post_message(self.Chosen(name))


class ChangesView(ChangePane):
    """What changes, with the words that differ marked."""

    BINDING_GROUP_TITLE = "What changes"
    HIGHEST: ClassVar[int] = 6
    """Lines that it may take from the text above it."""
    DEFAULT_CSS = """
    ChangesView { background: $background; & > .pane--cursor-blurred { background: $background; } }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: list[Line] = []

    def show(self, changes: Sequence[Change], remark: str = "", problem: str = "") -> None:
        """Show these changes, below what is to be said of them and what is wrong."""
        width = max(20, (self.width or 80) - 2)
        said = [("error", problem), ("muted", remark)]
        lines: list[Line] = [[(style, line)] for style, text in said if text for line in wrap(printable(text), width)]
        for change in changes:
            for number, line in enumerate(change.lines()):
                where = format_path(change.path) or "the whole"
                lead: Line = [("key", f"{where}  ")] if not number else [("", " " * (len(where) + 2))]
                lines.append([*lead, *line])
        if lines != self._lines:
            self._lines = lines
            self.cursor = 0
            self.styles.height = max(1, min(self.HIGHEST, len(lines)))
            self.lines_changed()

    def line_count(self) -> int:
        """As many as there are."""
        return len(self._lines)

    def line(self, index: int, width: int) -> Line:
        """One of them."""
        return [("", " "), *self._lines[index]]
