"""Editing a request, held or for a replay, and answering a held one by hand: the keys of it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType

from inspector.model.edits import Edits
from inspector.model.flow import Flow, Moment, Mutation, Request
from inspector.proxy.held import Held, Step, change_request
from inspector.rules.control import HAND
from inspector.rules.replies import Reply, build
from inspector.tui.answer_dialog import AnswerDialog
from inspector.tui.answer_dialog_parts import ReplyDraft
from inspector.tui.answer_editor import AnswerEditor
from inspector.tui.desk import Desk
from inspector.tui.detail import Detail
from inspector.tui.edit_outcome import Edited, Purpose
from inspector.tui.flow_screen import FlowScreen
from inspector.tui.held_pane import new_draft
from inspector.tui.request_editor import RequestEditor
from inspector.tui.request_editor_document import Draft
from inspector.tui.text import printable
from inspector.tui.text_editor import Drafts
from inspector.wire.body import decoded


class EditActions(FlowScreen):
    """Acts on the selected flow."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "edit_answer", "edit", id="hold.edit", tooltip="Edit the held answer"),
        Binding("e", "edit_request", "edit", id="edit.request", tooltip="Edit the request, and send it on or again"),
        Binding("a", "answer", "answer", id="edit.answer", tooltip="Answer in the place of the model"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._request_drafts: Drafts[Draft] = Drafts()
        self._reply_drafts: Drafts[ReplyDraft] = Drafts()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what does something now."""
        match action:
            case "edit_request":
                return self._purpose is not None
            case "edit_answer":
                return (held := self._held_now(self.selected)) is not None and held.stream is not None
            case "answer":
                return self._held_now(self.selected) is not None
        return super().check_action(action, parameters)

    def action_edit_request(self) -> None:
        """Edit the request: of a held one what goes upstream, of any other what is sent again."""
        flow, purpose = self.selected, self._purpose
        if flow is None or purpose is None:
            return

        def give(edited: Edited) -> None:
            if purpose is Purpose.SEND_ON:
                self._send_on(flow, edited)
            else:
                self._replay(flow, edited.request)

        try:
            stick = purpose is Purpose.SEND_ON
            editor = RequestEditor(flow, purpose, self._request_drafts, give, can_stick=stick)
        except ValueError as error:
            self.notify(f"Not to be edited: {printable(str(error))}", severity="warning", markup=False)
        else:
            self.app.push_screen(editor)

    def action_edit_answer(self) -> None:
        """Edit what the cursor of the held answer stands on."""
        held = self._held_now(self.selected)
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

    def action_answer(self) -> None:
        """Answer the held request, or end the held answer, with what the person writes."""
        flow = self.selected
        held = self._held_now(flow)
        if flow is None or held is None:
            return
        if held.stream is not None and held.stream.editable:
            self.notify(printable(held.stream.editable), severity="warning", markup=False)
            return
        tools = self.desk.transcripts.of(flow).prompt.tools
        begun = held.stream is not None
        self.app.push_screen(
            AnswerDialog(flow, tools, self._reply_drafts, lambda reply: self._answer(flow, reply), begun=begun)
        )

    def _edited(self, flow: Flow, sent: bool | None) -> None:
        if sent:
            self.query_one(Detail).drafts.forget(flow.id)
            self.notify(f"Flow {flow.number} goes on with the edited answer", timeout=3, markup=False)

    @property
    def _purpose(self) -> Purpose | None:
        """What editing the selected flow's request would be good for."""
        flow = self.selected
        if flow is None:
            return None
        if (held := self._held_now(flow)) is not None:
            return Purpose.SEND_ON if held.moment is Moment.REQUEST else None
        whole = flow.timing.received is not None or not flow.live
        return Purpose.REPLAY if whole and self.desk.replayer is not None else None

    def _held_now(self, flow: Flow | None) -> Held | None:
        control = self.desk.control
        return control.holds.get(flow) if control is not None and flow is not None else None

    def _still_held(self, flow: Flow) -> Held:
        held = self._held_now(flow)
        if held is None:
            raise ValueError(f"flow {flow.number} is not held any more")
        return held

    def _send_on(self, flow: Flow, edited: Edited) -> None:
        held, control = self._still_held(flow), self.desk.control
        if edited.sticky and control is not None:
            control.sticky.add_edit(_body(flow.request), _body(edited.request), sent=True)
        if edited.request is flow.sent:
            held.step(Step.GO_ON)
        else:
            held.send(edited.request, HAND)

    def _replay(self, flow: Flow, request: Request) -> None:
        if self.desk.replayer is None:
            raise ValueError("there is no way to send it")
        child = self.desk.replayer.send(flow, request, _changes(flow, request))
        self.show_flow(child, "diff")

    def _answer(self, flow: Flow, reply: Reply) -> None:
        held = self._still_held(flow)
        if held.stream is None:
            held.answer(build(flow, reply, HAND))
        else:
            held.edit(Edits(added=list(reply.parts), finish_reason=reply.finish, final=True), HAND)
            held.step(Step.GO_ON)


def _body(request: Request) -> bytes:
    return decoded(request.headers, bytes(request.body))[0]


def _changes(flow: Flow, request: Request) -> list[Mutation]:
    """What makes a replay differ from what went upstream the first time."""
    like = replace(flow, mutations=[])
    change_request(like, request, HAND)
    return like.mutations
