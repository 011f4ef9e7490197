"""Searching all flows, and from the list the open one: the keys of it, and the way from a hit to its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from inspector.model.flow import Flow
from inspector.tui.desk import Desk
from inspector.tui.detail import Detail
from inspector.tui.flow_screen import FlowScreen
from inspector.tui.search_pane import Chosen
from inspector.tui.search_screen import Searching, SearchScreen


class SearchActions(FlowScreen):
    """Looks through the selected flow or through all, and shows what was found."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "S",
            "search_all",
            "search all",
            show=False,
            id="view.search_all",
            tooltip="Search in all flows",
        ),
        Binding("slash", "search_flow", "search", id="flow.search", tooltip="Search in the open tab of this flow"),
        Binding("n", "match_flow(1)", "next", show=False, id="flow.next", tooltip="To the next line that was found"),
        Binding("N", "match_flow(-1)", "before", show=False, id="flow.previous", tooltip="To the line found before"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._searching = Searching()

    def listed(self) -> Sequence[Flow]:
        """The flows that the list shows, by number."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what does something now."""
        if action == "search_all":
            return len(self.desk.store) > 0
        if action == "search_flow":
            return self.selected is not None and self.query_one(Detail).display
        if action == "match_flow":
            return self.query_one(Detail).check_action("match", parameters)
        return super().check_action(action, parameters)

    def action_search_all(self) -> None:
        """Ask what to look for, or go on with what was looked for before."""
        desk = self.desk
        self.app.push_screen(SearchScreen(self._searching, desk.store, desk.transcripts, self.listed), self._found)

    def action_search_flow(self) -> None:
        """Ask what to look for in the open tab."""
        self.query_one(Detail).action_search()

    def action_match_flow(self, step: int) -> None:
        """Go to another line that was found in the open tab."""
        self.query_one(Detail).action_match(step)

    def _found(self, chosen: Chosen | None) -> None:
        if chosen is None:
            return
        hit = chosen.hit
        self.show_flow(chosen.flow, hit.where.view if hit is not None else "")
        if hit is not None:
            self.query_one(Detail).look_for(hit.excerpt, chosen.twin)
