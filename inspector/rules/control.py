"""Everything that the person controls, as the hooks that the relay asks."""

from __future__ import annotations

from inspector.proxy.held import Holds
from inspector.proxy.hooks import Hooks
from inspector.rules.breakpoints import Breakpoints
from inspector.rules.mocks import Mocks
from inspector.rules.sticky import StickyEdits
from inspector.store.flows import FlowStore


class Control(Hooks):
    """Breakpoints, holds, mocks, faults and sticky edits."""

    def __init__(self, store: FlowStore, holds: Holds | None = None) -> None:
        self.store = store
        self.holds = holds or Holds(store)
        self.breakpoints = Breakpoints()
        self.mocks = Mocks()
        self.sticky = StickyEdits()
        self.hold_requests = False
        """Whether every next request is held."""
