"""The key that asks for columns of the person's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from inspector.store.watch import Watched
from inspector.tui.flow_list import FlowList
from inspector.tui.flow_screen import FlowScreen
from inspector.tui.watch_dialog import WatchDialog


class WatchActions(FlowScreen):
    """Asks for watch expressions, and has the list show them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "watch", "columns", show=False, id="flow.watch", tooltip="Columns of your own"),
    ]

    def values(self) -> Mapping[str, Sequence[str]]:
        """What completion can offer, by key."""
        raise NotImplementedError

    def action_watch(self) -> None:
        """Ask which keys of the filter language stand beside the flows."""
        shown = self.query_one(FlowList)

        def chosen(watched: tuple[Watched, ...] | None) -> None:
            if watched is not None:
                shown.watched = watched

        dialog = WatchDialog(shown.watched, self.selected, self.desk.transcripts, self.values())
        self.app.push_screen(dialog, chosen)
