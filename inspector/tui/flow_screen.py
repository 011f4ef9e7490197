"""What the parts of the main screen that act on flows have in common."""

from __future__ import annotations

from textual.screen import Screen

from inspector.model.flow import Flow
from inspector.tui.desk import Desk


class FlowScreen(Screen[object]):
    """A screen on which one flow is selected. Each family of actions is a subclass with bindings of its own."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk

    @property
    def selected(self) -> Flow | None:
        """The flow under the list's cursor."""
        raise NotImplementedError

    def show_flow(self, flow: Flow, tab: str = "") -> None:
        """Put the list's cursor on a flow, and open a tab of the detail on it."""
        raise NotImplementedError
