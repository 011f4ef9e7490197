"""The hits of a search: a row for each, and the one to go to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType

from inspector.model.flow import Flow
from inspector.store.search import FlowHits, Hit, Search
from inspector.store.summary import Summary
from inspector.tui.line_pane import LinePane
from inspector.tui.search_rows import HitRows, flow_line, hit_line, more_line
from inspector.tui.spans import Line


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the person wants to see."""

    flow: Flow
    hit: Hit | None
    twin: int = 0
    """How many hits of the flow that are just like it come before it."""


class HitsPane(LinePane):
    """The hits."""

    BINDING_GROUP_TITLE = "Hits"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", id="hits.open", tooltip="Show this hit in its flow"),
        Binding("J", "flow(1)", "next flow", id="hits.next", tooltip="To the next flow with hits"),
        Binding("K", "flow(-1)", "flow before", show=False, id="hits.previous", tooltip="To the flow before"),
        Binding("slash", "screen.edit", "edit", id="hits.edit", tooltip="Change what is looked for"),
        Binding("question_mark", "app.help", "help", id="app.help", tooltip="The keys of the focused part"),
    ]

    def __init__(self, summary: Callable[[Flow], Summary], edit: Callable[[], None]) -> None:
        super().__init__(id="hits")
        self._edit = edit
        self.rows = HitRows()
        self.search_of: Search | None = None
        self._summary = summary
        self._hints: Sequence[Line] = ()

    def show(self, search: Search | None, groups: Sequence[FlowHits], hints: Sequence[Line]) -> None:
        """Show what was found so far, or hints where that is nothing; the cursor stays on its hit."""
        group, number = self.rows.at(self.cursor) if len(self.rows) else (None, 0)
        self.search_of, self._hints = search, hints
        self.rows.set(groups)
        row = self.rows.row_of(group.flow.id, number) if group is not None else None
        self.go_to(self.cursor if row is None else row)

    def go_to(self, row: int) -> None:
        """Draw anew with the cursor on a row, which stays in view if it was."""
        inside = self.cursor in self.visible_lines
        last = len(self.rows) - 1
        self.cursor, self.following = min(max(0, row), last), False
        self.lines_changed()
        if inside:
            self.show_cursor()

    def show_cursor(self) -> None:
        """Bring the cursor into view."""
        self.scroll_line_into_view(self.cursor)

    def line_count(self) -> int:
        """A row each; or the hints."""
        return len(self.rows) or len(self._hints)

    def line(self, index: int, width: int) -> Line:
        """One row."""
        if not len(self.rows):
            return self._hints[index]
        group, number = self.rows.at(index)
        if number == 0:
            return flow_line(group, self._summary(group.flow), width)
        if number > len(group.hits):
            return more_line(group)
        hit = group.hits[number - 1]
        later = self.search_of.later(group, hit) if self.search_of is not None else 0
        return hit_line(hit, later, width)

    def action_move(self, by: int) -> None:
        """Move the cursor; from the first row up the keys go to what is looked for."""
        if by < 0 and self.cursor <= 0:
            self._edit()
        elif len(self.rows):
            super().action_move(by)

    def action_flow(self, step: int) -> None:
        """Go to another flow."""
        if len(self.rows):
            self.set_cursor(self.rows.next_flow(self.cursor, step))

    def action_open(self) -> None:
        """Show the hit."""
        if len(self.rows):
            group, hit = self.rows.hit(self.cursor)
            same = [other for other in group.hits if hit is not None and other.like(hit)]
            self.screen.dismiss(Chosen(group.flow, hit, next((at for at, other in enumerate(same) if other is hit), 0)))
