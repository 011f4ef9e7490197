"""The line above the detail: the tabs by number and name, and on the right the flow that is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from inspector.tui.spans import Line, cut, width_of

Form = Literal["names", "short", "numbers"]
_FORMS: tuple[Form, ...] = ("names", "short", "numbers")
"""How the tabs that are not open are called, from the widest to the narrowest."""
_CUT = 24
"""Cells from which on words that are cut say more of the flow than its number does."""


class TabLine(Widget):
    """One line of tabs. A click on one asks for it."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "tab-line--number",
        "tab-line--name",
        "tab-line--active",
        "tab-line--flow",
        "tab-line--muted",
    }
    DEFAULT_CSS = """
    TabLine {
        height: 1; background: $surface;
        & > .tab-line--number { color: $foreground-muted; }
        & > .tab-line--name { color: $foreground-muted; }
        & > .tab-line--active { color: $foreground; background: $background; text-style: bold; }
        & > .tab-line--flow, & > .tab-line--muted { color: $foreground-muted; }
    }
    """

    @dataclass
    class Chosen(Message):
        """Somebody clicked on a tab."""

        name: str

    def __init__(self, tabs: Sequence[tuple[str, str, str]]) -> None:
        """Each tab by what it is asked for with, by its name, and by a short one."""
        super().__init__()
        self._tabs = tuple(tabs)
        self._active = ""
        self._words: tuple[str, ...] = ()
        self._brief = ""
        self._spots: list[tuple[range, str]] = []

    def set(self, active: str, *words: str, brief: str = "") -> None:
        """Say which tab is open, and what is known of the flow: of several words the first that fit are shown, or else
        the last; where there is little room `brief`. Draws only where that is new.
        """
        if (active, words, brief) != (self._active, self._words, self._brief):
            self._active, self._words, self._brief = active, words, brief
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Textual's Line API."""
        width = self.size.width
        left = next((line for line in map(self._left, _FORMS) if width_of(line) <= width), self._left(_FORMS[-1]))
        room = max(0, width - width_of(left) - 2)
        last = (self._words or ("",))[-1] if room >= _CUT else self._brief
        words = next((each for each in self._words if cell_len(each) <= room), last)
        right = cut([("flow", words)], room)
        line = [*left, ("", " " * max(0, width - width_of(left) - width_of(right) - 1)), *right]
        strip = Strip(
            [
                Segment(text, self.get_component_rich_style(f"tab-line--{name}", partial=True) if name else None)
                for name, text in line
            ]
        )
        return strip.apply_style(self.rich_style).adjust_cell_length(width, self.rich_style)

    def _left(self, form: Form) -> Line:
        """The tabs, with as much of their names as the form has."""
        line: Line = []
        self._spots = []
        for number, (name, title, short) in enumerate(self._tabs, 1):
            start, active = width_of(line), name == self._active
            shown = title if active or form == "names" else short if form == "short" else ""
            words = f" {shown}{' ' if active or form != 'short' else ''}" if shown else " "
            line += [("active" if active else "number", f" {number}"), ("active" if active else "name", words)]
            self._spots.append((range(start, width_of(line)), name))
        return line

    def on_click(self, event: events.Click) -> None:
        """Ask for the tab under the pointer."""
        for cells, name in self._spots:
            if event.x in cells:
                self.post_message(self.Chosen(name))
