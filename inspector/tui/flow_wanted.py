"""A wish to see another flow."""

from __future__ import annotations

from textual.message import Message

from inspector.model.flow import Flow


class FlowWanted(Message):
    """The person wants to see a flow, in a tab of the detail: its `tab_id`; empty for the tab that is open."""

    def __init__(self, flow: Flow, tab: str = "") -> None:
        super().__init__()
        self.flow = flow
        self.tab = tab
