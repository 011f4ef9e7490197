"""The small panes of the answer editor: a list that is set from outside, and a heading in a rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from inspector.tui.held_pane import ChangePane
from inspector.tui.spans import Line


class Listing(ChangePane):
    """Lines that somebody else makes; as high as they are many, up to a limit."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "edit", id="held.open", tooltip="Edit what the cursor stands on"),
    ]

    class Chosen(Message):
        """The cursor went to another line."""

        def __init__(self, listing: Listing) -> None:
            super().__init__()
            self.listing = listing

        @property
        def control(self) -> Listing:
            """The listing."""
            return self.listing

    class Opened(Chosen):
        """The person wants what the cursor stands on."""

    def __init__(self, *, quiet: bool = False, id: str | None = None) -> None:
        """A `quiet` one shows its cursor only while it has the keys."""
        super().__init__(id=id)
        self._quiet = quiet
        self._lines: list[Line] = []
        self.cursor = -1 if quiet else 0

    def line_count(self) -> int:
        """How many there are."""
        return len(self._lines)

    def line(self, index: int, width: int) -> Line:
        """One of them."""
        return self._lines[index]

    def set(self, lines: Sequence[Line], most: int) -> None:
        """Show other lines, `most` of them at a time."""
        lines = list(lines)
        if lines != self._lines:
            self._lines = lines
            self.styles.height = max(1, min(most, len(lines)))
            self.grown(0)

    def on_focus(self) -> None:
        """There is a cursor now."""
        self.set_cursor(max(0, self.cursor))

    def on_blur(self) -> None:
        """There is none where it would only disturb."""
        if self._quiet:
            before, self.cursor = self.cursor, -1
            self.lines_changed(before, 1)

    def cursor_moved(self) -> None:
        """Say so."""
        self.post_message(self.Chosen(self))

    def action_open(self) -> None:
        """Ask for what the cursor stands on."""
        self.post_message(self.Opened(self))
