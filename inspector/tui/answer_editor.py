"""Editing an answer while it is held: part by part, or one waiting event as it stands on the wire."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static, TextArea

from inspector.proxy.held import Held, Step
from inspector.tui.answer_editor_panes import Listing
from inspector.tui.answer_editor_target import EventTarget, FinishTarget, PartTarget, Target
from inspector.tui.desk import Desk
from inspector.tui.held_draft import AnswerDraft
from inspector.tui.held_lines import HeldLines, Spot, changed_lines, finish_head, part_head, where
from inspector.tui.held_pane import EVERY, followed
from inspector.tui.hold_line import HoldLine
from inspector.tui.key_line import KeyLine
from inspector.tui.spans import Line
from inspector.tui.status_line import StatusLine
from inspector.tui.styled_line import RuleLine
from inspector.tui.text import one_line
from inspector.tui.text_editor import EditArea, edit_outside

LOW = 30
"""Lines of height below which the waiting events are left out."""


class AnswerEditor(ModalScreen[bool]):
    """Edits a held answer. The draft belongs to the caller: leaving loses nothing. True where it was sent."""

    AUTO_FOCUS = ""
    BINDING_GROUP_TITLE = "Held answer"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "send", "send edited", id="held.send", tooltip="Send what is edited, and go on"),
        Binding("escape", "dismiss(False)", "leave", id="held.leave", tooltip="Leave; what was typed is kept"),
        Binding("ctrl+o", "outside", "$EDITOR", id="held.outside", tooltip="The same text in $EDITOR"),
        Binding("ctrl+t", "take_out", "take out", id="held.take-out", tooltip="Leave this part out, or put it back"),
        Binding("ctrl+n", "add(False)", "add text", id="held.add-text", tooltip="Add a text behind the last part"),
        Binding("ctrl+b", "add(True)", "add call", id="held.add-call", tooltip="Add a tool call behind the last part"),
        Binding("ctrl+r", "restore", "restore", id="held.restore", tooltip="This part as the model wrote it"),
        Binding("ctrl+g", "problem", "mistake", id="held.problem", tooltip="To where the JSON is wrong"),
        Binding("ctrl+up", "choose(-1)", "part before", show=False, id="held.previous", tooltip="To the part before"),
        Binding("ctrl+down", "choose(1)", "next part", show=False, id="held.next", tooltip="To the next part"),
    ]

    def __init__(self, desk: Desk, held: Held, draft: AnswerDraft, spot: Spot | None = None) -> None:
        super().__init__()
        self._desk = desk
        self._held = held
        self._draft = draft
        self._wanted = spot
        self._target: Target | None = None
        self._warned: str | None = None
        """What the person was told when they tried to send: once more, and it is sent anyway."""
        self._shown = self._shown_name = ""
        """The text, and the tool's name, as they were last put before the person or taken over."""
        self._events = HeldLines()
        self._area = EditArea(id="held-text")
        self._tool = Input(compact=True, id="held-name")
        self._list = Listing(id="held-parts")
        self._hold = HoldLine()
        self._heading = RuleLine()
        self._changes = Listing(quiet=True, id="held-changes")
        self._changes.can_focus = False
        self._waiting = Listing(quiet=True, id="held-waiting")
        self._waiting_rule = RuleLine(id="held-waiting-rule")
        self._message = StatusLine(id="held-message")

    def compose(self) -> ComposeResult:
        """The parts, the one that is edited, what changes by it, and what still waits."""
        with Vertical(id="held-edit"):
            yield self._hold
            yield self._list
            yield self._heading
            with Horizontal(id="held-call"):
                yield Static("name ", markup=False)
                yield self._tool
            yield self._area
            yield RuleLine([("muted", "what changes")], [("muted", "the flow keeps both")])
            yield self._changes
            yield self._waiting_rule
            yield self._waiting
            yield self._message
            yield KeyLine()

    def on_mount(self) -> None:
        """Take up the answer where it stands, and the draft where it was left."""
        self._pull()
        self._choose(self._wanted or self._first())
        self.set_interval(EVERY, self._pull)

    def on_resize(self) -> None:
        """On a low screen the text goes before the events."""
        self.set_class(self.size.height < LOW, "-low")
        self.call_after_refresh(self._show)

    # What is shown

    def _pull(self) -> None:
        """Take in what the upstream wrote and what the agent got meanwhile."""
        stream = self._held.stream
        assert stream is not None
        self._take_over()
        waiting = list(stream.waiting)
        events = f"{len(waiting)} event{'' if len(waiting) == 1 else 's'}"
        self._waiting_rule.set([("muted", "waiting")], [("muted", events)])
        if self._is_held:
            followed(self._draft, self._held, waiting, self._desk.transcripts)
        self._hold.show(self._held.flow, where(self._draft, waiting))
        if self._target is not None and not self._target.changed and self._area.text != self._target.text:
            self._load(self._target)
        self._waiting.set(self._events.events(waiting, self._waiting.width or 80), 5)
        self._show()

    def _show(self) -> None:
        """Everything but the text."""
        draft, width = self._draft, self._list.width or 80
        rows = [part_head(part, width) for part in draft.parts]
        self._list.set([*rows, finish_head(draft, width)], 3 if self.has_class("-low") else 8)
        lines: list[Line] = self._target.lines() if isinstance(self._target, EventTarget) else []
        lines = lines or changed_lines(draft, self._changes.width or 80)
        self._changes.set(lines or [[("muted", "   nothing yet")]], 3 if self.has_class("-low") else 8)
        if (target := self._target) is not None:
            problem = target.problem
            state, style = (problem, "error") if problem else (target.state, "muted")
            self._heading.set([("muted", target.title)], [(style, one_line(state))])
        if not self._is_held:
            self._say("This flow is not held any more: nothing can be sent. What you typed stays here.")

    def _say(self, text: str) -> None:
        self._message.set([("warning", one_line(text))] if text else [])

    @property
    def _is_held(self) -> bool:
        control = self._desk.control
        return control is not None and control.holds.get(self._held.flow) is self._held

    # Choosing what is edited

    def _first(self) -> Spot:
        """The first part that can be edited, calls before words."""
        parts = self._draft.parts
        order = sorted(range(len(parts)), key=lambda index: (not parts[index].editable, not parts[index].call))
        return Spot("part", order[0]) if order else Spot("finish")

    def _choose(self, spot: Spot) -> None:
        """Edit another part, the finish reason, or an event."""
        self._take_over()
        if spot.kind == "event":
            self._target = EventTarget(self._draft, self._held, spot.index)
        elif spot.kind == "part" and spot.index < len(self._draft.parts):
            self._target = PartTarget(self._draft, spot.index)
        else:
            self._target = FinishTarget(self._draft)
        self._load(self._target)
        with self.prevent(Listing.Chosen):
            self._list.set_cursor(len(self._draft.parts) if spot.kind != "part" else spot.index)
        self._show()
        (self._tool if self._target.name == "" else self._area).focus()

    def _load(self, target: Target) -> None:
        """Put the text into the area."""
        self._warned = None
        self._say("")
        area = self._area
        with self.prevent(TextArea.Changed, Input.Changed):
            area.fixed = len(target.fixed)
            area.json = target.json
            area.load_text(target.text)
            area.read_only = not target.editable
            self._tool.value = target.name or ""
            self._shown, self._shown_name = area.text, self._tool.value
        self._tool.disabled = not target.editable or bool(target.fixed)
        self.set_class(target.name is not None, "-call")
        if target.fixed:
            area.move_cursor(area.document.end)

    @on(Listing.Chosen, "#held-parts")
    def _moved(self) -> None:
        if self._list.has_focus:
            index = self._list.cursor
            self._choose(Spot("part", index) if index < len(self._draft.parts) else Spot("finish"))
            self._list.focus()

    @on(Listing.Opened, "#held-parts")
    def _opened_part(self) -> None:
        self._area.focus()

    @on(Listing.Opened, "#held-waiting")
    def _opened_event(self) -> None:
        self._choose(Spot("event", self._waiting.cursor))

    @on(TextArea.Changed)
    def _typed(self) -> None:
        if self._target is not None:
            self._take_over()
            self._show()

    @on(Input.Changed)
    def _renamed(self) -> None:
        self._typed()

    def _take_over(self) -> None:
        """Take over what is typed, as keys may outrun the news of it."""
        target = self._target
        if target is not None and (text := self._area.text) != self._shown:
            self._shown = target.text = text
            self._warned = None
            self._say("")
        if isinstance(target, PartTarget) and (name := self._tool.value) != self._shown_name:
            self._shown_name, target.part.name = name, name.strip()

    @on(Input.Submitted)
    def _named(self) -> None:
        self._area.focus()

    # Actions

    def action_choose(self, by: int) -> None:
        """Go to another part."""
        at = max(0, min(self._list.cursor + by, len(self._draft.parts)))
        self._choose(Spot("part", at) if at < len(self._draft.parts) else Spot("finish"))

    def action_add(self, call: bool) -> None:
        """Add a part behind the last."""
        self._choose(Spot("part", self._draft.add(call)))

    def action_take_out(self) -> None:
        """Leave the part out, or put it back in."""
        if isinstance(self._target, PartTarget):
            index = self._target.index
            if self._draft.parts[index].delivered:
                self._say("The agent has the beginning of this part: it cannot be taken out any more.")
                return
            self._draft.take_out(index)
            self._choose(Spot("part", min(index, len(self._draft.parts) - 1)))

    def action_restore(self) -> None:
        """Take the changes of this part back."""
        if self._target is not None:
            self._target.restore()
            self._load(self._target)
            self._show()

    def action_problem(self) -> None:
        """Go to the mistake."""
        self._area.go_to_problem()
        self._area.focus()

    async def action_outside(self) -> None:
        """Edit the same text in $EDITOR."""
        if (target := self._target) is not None and target.editable:
            suffix = ".json" if target.json else ".txt"
            text = await edit_outside(self.app, self._area.text, suffix)
            if text is not None and text != self._area.text:
                self._area.replace_all(text)

    def action_send(self) -> None:
        """Send what is edited and go on. What is not valid goes only when this is asked for twice."""
        if not self._is_held:
            self._show()
            return
        self._take_over()
        target = self._target
        if isinstance(target, EventTarget) and target.changed:
            self._send_event(target)
        elif not self._draft.changed:
            self._say("Nothing is changed yet. Leave with escape; g goes on unchanged.")
        elif self._may_send():
            try:
                self._held.edit(self._draft.edits())
                self._held.step(Step.GO_ON)
            except ValueError as error:
                self._say(f"Not sent: {error}")
                return
            self.dismiss(True)

    def _may_send(self) -> bool:
        """Whether all is well, or the person has seen that it is not."""
        found = self._draft.problem
        if found is None or self._warned == found[1]:
            return True
        index, problem = found
        if not (isinstance(self._target, PartTarget) and self._target.index == index):
            self._choose(Spot("part", index))
        self._area.go_to_problem()
        self._warned = problem
        self._say(f"Not sent: {problem}. ctrl+s once more sends it anyway.")
        return False

    def _send_event(self, target: EventTarget) -> None:
        """Change one event; the flow stays held, so that others can be changed, too."""
        if target.problem and self._warned != target.problem:
            self._warned = target.problem
            self._say(f"Not changed: {target.problem}. ctrl+s once more does it anyway.")
            return
        try:
            target.send()
        except ValueError as error:
            self._say(f"Not changed: {error}")
            return
        self._desk.store.touch(self._held.flow)
        self._pull()
        self._say("This event is changed. It is still held: g goes on.")
