"""What the program and its libraries logged: nothing may be written on a screen that is being drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import Static

from inspector.tui.line_view import LineView
from inspector.tui.text import clip, printable


class Log(Protocol):
    """Where log lines gather."""

    @property
    def lines(self) -> Sequence[str]:
        """The latest lines, the oldest first."""

    @property
    def count(self) -> int:
        """How many lines were ever written."""


class LogView(LineView):
    """The lines as they were when it was opened."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__()
        self._lines = tuple(lines)

    def line_count(self) -> int:
        """One line each."""
        return max(1, len(self._lines))

    def draw_line(self, index: int, width: int) -> Strip:
        """A line, cut at the edge."""
        text = self._lines[index] if self._lines else "Nothing was logged."
        return Strip([Segment(clip(printable(text), width))])

    def on_mount(self) -> None:
        """The newest line is what one came for."""
        self.call_after_refresh(self.scroll_end, animate=False)


class LogScreen(ModalScreen[None]):
    """Shows the log over the main screen."""

    BINDING_GROUP_TITLE = "Log"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,l,q", "dismiss(None)", "close", id="log.close", tooltip="Back to the flows"),
    ]

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def compose(self) -> ComposeResult:
        """A heading and the lines."""
        with Vertical(id="log"):
            yield Static("Log   esc closes", id="log-title", markup=False)
            yield LogView(self._log.lines)
