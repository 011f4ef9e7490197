"""Stopping flows, stepping through them, and letting them go: the keys of it."""

from __future__ import annotations

import time
from typing import ClassVar

from textual.binding import Binding, BindingType

from inspector.model.flow import Flow
from inspector.proxy.held import Held, Step
from inspector.rules.control import HAND
from inspector.tui.desk import Desk
from inspector.tui.detail import Detail
from inspector.tui.flow_list import FlowList
from inspector.tui.flow_screen import FlowScreen
from inspector.tui.hold_words import reason
from inspector.tui.rules_screen import RulesScreen
from inspector.tui.text import printable

SETTLED = 9
"""Frames after which a flow that came to a stop is told of: by then the list follows it, if it does."""
NEWS = 3.0
"""Seconds for which a flow that came to a stop is told of; meanwhile no other is: the header counts them."""


class HoldActions(FlowScreen):
    """Acts on the selected flow, and on the next ones."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "step('GO_ON')", "go on", id="hold.go-on", tooltip="Let it go on, until something stops it again"),
        Binding("space", "hold", "hold", id="hold.hold", tooltip="Hold this live flow"),
        Binding("space", "step('GO_ON')", "go on", id="hold.release", tooltip="Let it go on, as g does"),
        Binding("full_stop", "step('EVENT')", "event", id="hold.event", tooltip="Let one event through"),
        Binding(
            "greater_than_sign", "step('BLOCK')", "block", id="hold.block", tooltip="Let it go to the end of this block"
        ),
        Binding(
            "ctrl+g",
            "step('END')",
            "to end",
            show=False,
            id="hold.end",
            tooltip="Let it go to its end, whatever stops it",
        ),
        Binding("h", "held", "held", show=False, id="hold.view", tooltip="The held answer, or the open tab again"),
        Binding("D", "step('DROP')", "drop", id="hold.drop", tooltip="Close the held flow's connection"),
        Binding("H", "next_held", "next held", id="hold.next-held", tooltip="Go to the next held flow"),
        Binding("p", "hold_next", "hold next", id="hold.next", tooltip="Hold every next request, or no more"),
        Binding("b", "rules", "breakpoints", id="hold.rules", tooltip="Breakpoints, mocks and sticky edits"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._known: dict[Held, int] = {}
        """How many frames it is until each hold is told of; below zero it was."""
        self._news_until = 0.0
        self._stays: Flow | None = None
        """The flow with which the list stays, though it followed the newest before, as this one stood still."""

    @property
    def held(self) -> Held | None:
        """The hold of the selected flow."""
        return self._hold_of(self.selected)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what does something now."""
        match action:
            case "hold":
                return self.held is None and self._can_hold()
            case "step":
                held = self.held
                return held is not None and (held.stream is not None or parameters[0] not in ("EVENT", "BLOCK"))
            case "held":
                return self.held is not None and self.held.stream is not None
            case "next_held":
                return any(flow is not self.selected for flow in self._stopped())
            case "hold_next" | "rules":
                return self.desk.control is not None
        return super().check_action(action, parameters)

    def pull_holds(self) -> None:
        """Tell of a flow that came to a stop out of sight, and keep the list with one that did so in sight."""
        if self.desk.control is None:
            return
        now = time.monotonic()
        known, self._known = self._known, {}
        for held in self.desk.control.holds:
            left = self._known[held] = known.get(held, SETTLED + 1) - 1
            if not left and held.flow is not self.selected and held.by != HAND:
                self._tell(held, now)
        self._stay()

    def _tell(self, held: Held, now: float) -> None:
        if now >= self._news_until:
            self._news_until = now + NEWS
            words = f"Flow {held.flow.number} is held, {reason(held.by)}. H goes there."
            self.notify(printable(words), severity="warning", timeout=NEWS, markup=False)

    def _stay(self) -> None:
        """Where the list follows the newest, stay with a held flow until that has ended."""
        flows, flow = self.query_one(FlowList), self.selected
        if flows.following:
            self._stays = flow if self.held is not None else None
            if self._stays is not None:
                flows.hold_still()
        elif self._stays is not None and (flow is not self._stays or not self._stays.live):
            if flow is self._stays:
                flows.action_follow()
            self._stays = None

    def action_hold(self) -> None:
        """Stop the selected flow."""
        flow, server = self.selected, self.desk.server
        if flow is not None and server is not None and server.can_hold(flow):
            server.hold(flow)
            self.show_flow(flow)
            self.notify(f"Flow {flow.number} is held at its next event", timeout=2, markup=False)

    def action_step(self, name: str) -> None:
        """Let the held flow go, so far."""
        if (held := self.held) is not None:
            try:
                held.step(Step[name])
            except ValueError as error:
                self.notify(printable(str(error)), severity="warning", markup=False)

    def action_next_held(self) -> None:
        """Go to the held flow behind the selected one; after the last comes the first."""
        held = sorted(self._stopped(), key=lambda flow: flow.seq)
        here = self.selected.seq if self.selected is not None else 0
        behind = [flow for flow in held if flow.seq > here]
        if held:
            self.show_flow((behind or held)[0])

    def action_hold_next(self) -> None:
        """Hold every next request, or no more."""
        if (control := self.desk.control) is not None:
            control.hold_requests = not control.hold_requests

    def action_rules(self) -> None:
        """Show the breakpoints, mocks and sticky edits."""
        if self.desk.control is not None:
            self.app.push_screen(RulesScreen(self.desk))

    def action_held(self) -> None:
        """Turn from the open tab to the held answer, and back."""
        detail = self.query_one(Detail)
        if detail.shows_held:
            detail.action_leave_held()
        else:
            detail.show_held()

    def _hold_of(self, flow: Flow | None) -> Held | None:
        control = self.desk.control
        return control.holds.get(flow) if control is not None and flow is not None else None

    def _stopped(self) -> list[Flow]:
        """All flows that stand still."""
        return [held.flow for held in self.desk.control.holds] if self.desk.control is not None else []

    def _can_hold(self) -> bool:
        flow, server = self.selected, self.desk.server
        return flow is not None and flow.live and server is not None and server.can_hold(flow)
