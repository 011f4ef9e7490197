"""The line at the bottom of the detail where a search is typed and its matches are counted."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from inspector.tui.search import Search
from inspector.tui.status_line import StatusLine


class SearchLine(Horizontal):
    """Shown while something is searched for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "end", "end search", id="search.end", tooltip="End the search"),
    ]
    DEFAULT_CSS = """
    SearchLine {
        height: 1; display: none; background: $surface;
        &.-open { display: block; }
        & > Input { width: 1fr; height: 1; border: none; padding: 0; background: $surface; }
        & > #search-mark { width: 3; }
        & > #search-count { width: 24; }
    }
    """

    class Changed(Message):
        """Another text is searched for."""

    class Entered(Message):
        """The text was typed to its end."""

    class Ended(Message):
        """Nothing is searched for any more."""

    def __init__(self) -> None:
        super().__init__()
        self._input = Input(placeholder="search", compact=True)
        self._mark = StatusLine(id="search-mark")
        self._count = StatusLine(id="search-count")

    def compose(self) -> ComposeResult:
        """A mark, the text, the count."""
        yield self._mark
        yield self._input
        yield self._count

    def on_mount(self) -> None:
        """Draw the mark."""
        self._mark.set([("key", "/")])

    @property
    def pattern(self) -> str:
        """What is searched for; empty where nothing is."""
        return self._input.value if self.has_class("-open") else ""

    def open(self, text: str | None = None) -> None:
        """Let the person type; with a text, show that this is searched for."""
        self.add_class("-open")
        if text is None:
            self._input.focus()
            return
        with self.prevent(Input.Changed):
            self._input.value = text

    def close(self) -> None:
        """Go away."""
        self.remove_class("-open")
        with self.prevent(Input.Changed):
            self._input.value = ""

    def count(self, search: Search | None, line: int, lines: int) -> None:
        """Say how many lines hold the text, and which of them the cursor is on."""
        if search is None:
            self._count.set([])
            return
        found, place = len(search.found), search.place(line)
        words = f"{place} of {found}" if place else f"{found} line{'' if found == 1 else 's'}"
        more = "…" if search.scanned < lines else ""
        self._count.set([("muted" if found or more else "warning", f"{words}{more}" if found or more else "not found")])

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Entered())

    def action_end(self) -> None:
        """End the search."""
        self.post_message(self.Ended())
