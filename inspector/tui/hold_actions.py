"""Stopping flows, stepping through them, and letting them go: the keys of it."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType

from inspector.model.flow import Flow
from inspector.proxy.held import Held, Step
from inspector.tui.answer_editor import AnswerEditor
from inspector.tui.detail import Detail
from inspector.tui.flow_screen import FlowScreen
from inspector.tui.held_pane import new_draft
from inspector.tui.rules_screen import RulesScreen
from inspector.tui.text import printable


class HoldActions(FlowScreen):
    """Acts on the selected flow, and on the next ones."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "hold", "hold", id="hold.hold", tooltip="Hold this live flow, or let a held one go on"),
        Binding("g", "step('GO_ON')", "go on", id="hold.go-on", tooltip="Let it go on, until something stops it again"),
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
        Binding("H", "next_held", "next held", show=False, id="hold.next-held", tooltip="Go to the next held flow"),
        Binding("D", "step('DROP')", "drop", id="hold.drop", tooltip="Close the held flow's connection"),
        Binding("p", "hold_next", "hold next", id="hold.next", tooltip="Hold every next request, or no more"),
        Binding("b", "rules", "breakpoints", id="hold.rules", tooltip="Breakpoints, mocks and sticky edits"),
    ]

    @property
    def held(self) -> Held | None:
        """The hold of the selected flow."""
        return self._hold_of(self.selected)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what does something now."""
        match action:
            case "hold":
                return self.held is not None or self._can_hold()
            case "step":
                held = self.held
                return held is not None and (held.stream is not None or parameters[0] not in ("EVENT", "BLOCK"))
            case "edit_answer":
                return self.held is not None and self.held.stream is not None
            case "held":
                return self.held is not None and self.held.stream is not None
            case "next_held":
                return self.desk.control is not None and len(self.desk.control.holds) > 0
            case "hold_next" | "rules":
                return self.desk.control is not None
        return super().check_action(action, parameters)

    def action_hold(self) -> None:
        """Stop the selected flow, or let it go on."""
        flow, server = self.selected, self.desk.server
        if (held := self.held) is not None:
            held.step(Step.GO_ON)
        elif flow is not None and server is not None and server.can_hold(flow):
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
        if self.desk.control is None:
            return
        held = sorted((each.flow for each in self.desk.control.holds), key=lambda flow: flow.seq)
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

    def action_edit_answer(self) -> None:
        """Edit what the cursor of the held answer stands on."""
        held = self.held
        if held is None or held.stream is None:
            return
        if held.stream.editable:
            self.notify(printable(held.stream.editable), severity="warning", markup=False)
            return
        detail, flow = self.query_one(Detail), held.flow
        draft = detail.drafts.get(flow.id) or new_draft(flow)
        detail.drafts.keep(flow.id, draft)
        spot = detail.held_pane.spot if detail.held_pane.has_focus else None
        self.app.push_screen(AnswerEditor(self.desk, held, draft, spot), partial(self._edited, flow))

    def _edited(self, flow: Flow, sent: bool | None) -> None:
        if sent:
            self.query_one(Detail).drafts.forget(flow.id)
            self.notify(f"Flow {flow.number} goes on with the edited answer", timeout=3, markup=False)

    def _hold_of(self, flow: Flow | None) -> Held | None:
        control = self.desk.control
        return control.holds.get(flow) if control is not None and flow is not None else None

    def _can_hold(self) -> bool:
        flow, server = self.selected, self.desk.server
        return flow is not None and flow.live and server is not None and server.can_hold(flow)
