"""Sending flows again, marking and comparing them: the keys of it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from inspector.model.flow import Flow, Request
from inspector.proxy.replay import Batch
from inspector.rules.variants import Variant, fork
from inspector.tui.desk import Desk
from inspector.tui.edit_outcome import Edited, Purpose
from inspector.tui.flow_screen import FlowScreen
from inspector.tui.fork_dialog import ForkDialog
from inspector.tui.replay_dialog import Order, ReplayDialog
from inspector.tui.request_editor import RequestEditor
from inspector.tui.request_editor_document import Draft
from inspector.tui.runs_screen import RunsScreen
from inspector.tui.text import printable
from inspector.tui.text_editor import Drafts


class ReplayActions(FlowScreen):
    """Acts on the selected flow and the marked ones."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "replay", "replay", id="replay.again", tooltip="Send it again, as it was"),
        Binding(
            "R",
            "replay_how",
            "replay …",
            show=False,
            id="replay.how",
            tooltip="Send it to another model or API, or n times",
        ),
        Binding("B", "fork", "branch", show=False, id="replay.fork", tooltip="Cut the conversation, edit it, send it"),
        Binding("t", "runs", "replays", show=False, id="replay.runs", tooltip="The replays of this flow as a table"),
        Binding("asterisk", "mark", "mark", show=False, id="flow.mark", tooltip="Mark it, to compare others with it"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._batches: dict[str, list[Batch]] = {}
        self._forks: Drafts[Draft] = Drafts()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what does something now."""
        flow = self.selected
        match action:
            case "replay" | "replay_how" | "fork":
                return self.desk.replayer is not None and flow is not None and _whole(flow)
            case "runs":
                return self._original is not None
            case "mark":
                return flow is not None
        return super().check_action(action, parameters)

    def action_mark(self) -> None:
        """Mark the flow, or unmark it."""
        if (flow := self.selected) is not None:
            flow.marked = not flow.marked
            self.desk.store.touch(flow)

    def action_replay(self) -> None:
        """Send the flow again, as it went upstream."""
        if (flow := self.selected) is not None and self.desk.replayer is not None:
            self._order(flow, None, 1, 1)

    def action_replay_how(self) -> None:
        """Ask how, and send it."""
        flow = self.selected
        if flow is None:
            return

        def ordered(order: Order | None) -> None:
            if order is not None:
                self._order(flow, order.variant, order.times, order.at_once)

        routes = self.desk.server.routes if self.desk.server is not None else None
        self.app.push_screen(ReplayDialog(flow, self.desk.transcripts, routes), ordered)

    def action_fork(self) -> None:
        """Ask where the conversation is to be cut, and edit what is left of it."""
        if (flow := self.selected) is None:
            return
        try:
            dialog = ForkDialog(flow, self.desk.transcripts)
        except ValueError as error:
            self._refuse(error)
        else:
            self.app.push_screen(dialog, lambda index: None if index is None else self._edit_fork(flow, index))

    def action_runs(self) -> None:
        """Show the replays."""
        if (original := self._original) is not None:
            batches = self._batches.get(original.id, [])
            self.app.push_screen(RunsScreen(original, self.desk, batches), self._chosen)

    def _edit_fork(self, flow: Flow, index: int) -> None:
        try:
            made = fork(flow, index)
        except ValueError as error:
            self._refuse(error)
            return
        cut = Flow(flow.id, made.request, flow.started, seq=flow.seq, label=flow.label, dialect=flow.dialect)

        def give(edited: Edited) -> None:
            self._order(flow, Variant(edited.request, made.mutations), 1, 1)

        for words in made.said:
            self.notify(printable(words), severity="warning", markup=False)
        try:
            editor = RequestEditor(cut, Purpose.REPLAY, self._forks, give)
        except ValueError as error:
            self._refuse(error)
        else:
            self.app.push_screen(editor)

    def _order(self, flow: Flow, made: Variant | None, times: int, at_once: int) -> None:
        replayer = self.desk.replayer
        if replayer is None:
            return
        request: Request | None = made.request if made is not None else None
        try:
            batch = replayer.many(flow, request, made.mutations if made else (), times=times, at_once=at_once)
        except ValueError as error:
            self._refuse(error)
            return
        running = [each for each in self._batches.get(flow.id, []) if not each.finished]
        self._batches[flow.id] = [*running, batch]
        if times > 1:
            self.app.push_screen(RunsScreen(flow, self.desk, self._batches[flow.id]), self._chosen)
        else:
            self.show_flow(batch.flows[0], "diff")

    def _chosen(self, flow: Flow | None) -> None:
        if flow is not None:
            self.show_flow(flow, "diff" if flow.parent else "")

    @property
    def _original(self) -> Flow | None:
        """The flow whose replays are to be shown: the selected one, or the one that it repeats."""
        flow = self.selected
        if flow is None:
            return None
        if any(other.parent == flow.id for other in self.desk.store):
            return flow
        return self.desk.store.get(flow.parent) if flow.parent else None

    def _refuse(self, error: ValueError) -> None:
        self.notify(printable(str(error)), severity="warning", markup=False)


def _whole(flow: Flow) -> bool:
    return flow.timing.received is not None or not flow.live
