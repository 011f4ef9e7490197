"""Answering a held request by hand: parts of any kind, or a fault."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static, TextArea

from inspector.model.flow import Flow
from inspector.model.message import Tool
from inspector.rules.replies import Reply
from inspector.tui.answer_dialog_list import SaidList
from inspector.tui.answer_dialog_parts import HOWS, ReplyDraft, Said, call_of, callable_tools, reply_of
from inspector.tui.hold_line import HoldLine
from inspector.tui.key_line import KeyLine
from inspector.tui.request_editor_insert import InsertMenu
from inspector.tui.spans import Line
from inspector.tui.styled_line import RuleLine, StyledLine
from inspector.tui.text import one_line
from inspector.tui.text_editor import Drafts, EditArea, edit_outside

Give = Callable[[Reply], None]
"""What becomes of an answer. Raises ValueError, in words for the person, where it cannot be."""


class AnswerDialog(ModalScreen[Reply | None]):
    """Gives the answer on, and then back; None where the person left, and then the draft is kept."""

    BINDING_GROUP_TITLE = "Answer by hand"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "send", "answer", id="reply.send", tooltip="Give the agent this answer", priority=True),
        Binding("escape", "leave", "leave", id="reply.leave", tooltip="Leave, and keep what was typed", priority=True),
        Binding("ctrl+n", "insert", "add", id="reply.add", tooltip="A text, thoughts or a tool call", priority=True),
        Binding("ctrl+t", "how", "fault", id="reply.how", tooltip="What goes wrong with it", priority=True),
        Binding("ctrl+o", "outside", "$EDITOR", id="reply.outside", tooltip="This text in $EDITOR", priority=True),
        Binding("f1", "app.help", "keys", show=False, id="reply.help", tooltip="The keys of the focused part"),
    ]

    def __init__(
        self, flow: Flow, tools: Sequence[Tool], drafts: Drafts[ReplyDraft], give: Give, *, begun: bool = False
    ) -> None:
        """`begun`: the client has the beginning of an answer, which ends with the parts that are written here."""
        super().__init__()
        self._flow = flow
        self._tools = callable_tools(tools)
        self._drafts = drafts
        self._draft = drafts.get(flow.id) or ReplyDraft()
        self._give = give
        self._begun = begun
        self._said: Said | None = None
        self._insisted: Reply | None = None
        """An answer that cannot be right, which the person was told."""
        self._failure = ""
        self._head = StyledLine(id="reply-head")
        self._hold = HoldLine(needed=True, id="reply-hold")
        self._list = SaidList(id="reply-parts")
        self._hows = OptionList(*(f"○ {how.label}" for how in HOWS), compact=True, markup=False, id="reply-hows")
        self._number = Input(compact=True, id="reply-number", type="number", valid_empty=True)
        self._unit = Static("", id="reply-unit", markup=False)
        self._what = RuleLine(id="reply-what")
        self._tool = Input(compact=True, id="reply-tool", placeholder="the tool's name")
        self._area = EditArea(id="reply-area")
        self._message = StyledLine(id="reply-message")

    def compose(self) -> ComposeResult:
        """Parts and faults on the left, what is written on the right."""
        yield self._head
        yield self._hold
        with Horizontal(id="reply-body"):
            with Vertical(id="reply-left"):
                yield RuleLine(id="reply-parts-title")
                yield self._list
                with Vertical(id="reply-fault"):
                    yield RuleLine(id="reply-hows-title")
                    yield self._hows
                    yield self._number
                    yield self._unit
            with Vertical(id="reply-text"):
                yield self._what
                yield self._tool
                yield self._area
        yield self._message
        yield KeyLine(id="reply-footer")

    def on_mount(self) -> None:
        """Whoever answers mostly writes: begin in the text."""
        self.query_one("#reply-parts-title", RuleLine).set([("bold", "the answer")])
        self.query_one("#reply-hows-title", RuleLine).set([("bold", "how it comes")])
        self.query_one("#reply-fault").display = not self._begun
        title: Line = [("chip", " GO ON " if self._begun else " ANSWER "), ("bold", f" #{self._flow.number} ")]
        ends = "what the agent has not got yet is left out, and this ends the answer"
        title.append(("muted", f" {ends if self._begun else 'in the place of the model'}"))
        self._head.set(title, [("muted", f"{one_line(self._flow.dialect)} ")])
        self._hold.show(self._flow)
        self.set_interval(1.0, lambda: self._hold.show(self._flow))
        self._hows.highlighted = self._draft.how
        self._number.value = self._draft.number
        self._reload(0)
        self._area.focus()

    # What is shown

    def _reload(self, at: int) -> None:
        """Show the parts anew, and the one at an index in the editor."""
        self._list.show(self._draft.said, at)
        self._said = self._list.said
        self._load()

    def _load(self) -> None:
        said, how = self._said, HOWS[self._draft.how]
        for index, each in enumerate(HOWS):
            chosen = index == self._draft.how
            self._hows.replace_option_prompt_at_index(index, f"{'●' if chosen else '○'} {each.label}")
        self._tool.display = said is not None and said.kind == "call"
        self._number.display = self._unit.display = bool(how.number)
        self._number.placeholder = f"{how.usual:g}"
        self._unit.update(how.number)
        self._area.display = said is not None
        if said is not None:
            self._area.json = said.json
            self._tool.value = said.name
            if self._area.text != said.text:
                self._area.load_text(said.text)
                self._area.move_cursor(self._area.document.end if not said.json else (0, 0))
        self._tell()
        self.refresh_bindings()

    def _tell(self) -> None:
        """Say what is written, and what is wrong with it."""
        said, how = self._said, HOWS[self._draft.how]
        if said is None:
            self._what.set([("muted", "nothing is written: ctrl+n adds a part")])
        else:
            text = "the error's message" if how.status is not None else "text"
            names = {"text": text, "reasoning": "thoughts", "call": "tool call"}
            kind = ("muted", "json · valid" if said.json else "text")
            self._what.set([("bold", names[said.kind])], [("error", "not valid") if said.problem else kind])
        if self._failure or self._draft.problem:
            self._message.set([("error", f" {one_line(self._failure or self._draft.problem)}")])
        else:
            self._message.set([("muted", f" {one_line(self._outcome())}")])

    def _outcome(self) -> str:
        """What the agent will get."""
        how = HOWS[self._draft.how]
        number = f"{self._draft.number or f'{how.usual:g}'} {how.number}" if how.number else ""
        if how.status is not None:
            return f"The agent gets HTTP {how.status}" + (f" · {number}" if number else "")
        if how.spoils:
            return f"For the agent: {number or f'the answer {how.label}'}"
        calls = sum(said.kind == "call" for said in self._draft.parts)
        ends = f"its turn to run {calls} tool call{'' if calls == 1 else 's'}" if calls else "the end of the turn"
        return " · ".join(word for word in (f"For the agent: {ends}", number) if word)

    # What the person does

    @on(SaidList.Chosen)
    def _chosen(self) -> None:
        """Edit the part under the cursor. A key may be quicker than the news that the cursor moved."""
        if self._list.said is not self._said:
            self._said = self._list.said
            self._load()

    @on(TextArea.Changed)
    def _typed(self) -> None:
        if self._said is not None and self._area.display:
            self._said.text = self._area.text
            self._changed()

    @on(Input.Changed, "#reply-tool")
    def _named(self) -> None:
        if self._said is not None and self._said.kind == "call":
            self._said.name = self._tool.value
            self._changed()

    @on(Input.Changed, "#reply-number")
    def _counted(self) -> None:
        self._draft.number = self._number.value
        self._changed()

    def _changed(self) -> None:
        self._failure = ""
        self._list.redraw()
        self._tell()

    @on(OptionList.OptionHighlighted, "#reply-hows")
    def _picked(self) -> None:
        how = self._hows.highlighted
        if how is not None and how != self._draft.how:
            self._draft.how, self._draft.number = how, ""
            self._failure = self._number.value = ""
            self._reload(0)

    @on(OptionList.OptionSelected, "#reply-hows")
    def _settled(self) -> None:
        (self._number if self._number.display else self._area).focus()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self._area.focus()

    def action_write(self) -> None:
        """Go into the text."""
        self._chosen()
        self._area.focus()

    def action_how(self) -> None:
        """Choose what goes wrong."""
        self._hows.focus()

    def action_insert(self) -> None:
        """Ask what to add behind the part under the cursor."""
        labels = ["text", "thoughts", *(f"⚙ {tool.name}" for tool in self._tools), "⚙ another tool"]

        def insert(index: int | None) -> None:
            if index is None:
                return
            calls = [call_of(tool) for tool in self._tools]
            said = [Said("text"), Said("reasoning"), *calls, Said("call", "{}")][index]
            at = self._list.cursor + 1 if self._draft.parts else 0
            if at == 1 and self._draft.parts[0] == Said("text"):
                at = 0
                del self._draft.parts[0]
            self._draft.parts.insert(at, said)
            self._reload(at)
            (self._tool if said.kind == "call" and not said.name else self._area).focus()

        self.app.push_screen(InsertMenu(labels), insert)

    def action_delete(self) -> None:
        """Take the part out."""
        self._chosen()
        if self._said in self._draft.parts:
            at = self._list.cursor
            del self._draft.parts[at]
            self._reload(at)

    def action_shift(self, by: int) -> None:
        """Move the part up or down."""
        at, parts = self._list.cursor, self._draft.parts
        if 0 <= at + by < len(parts):
            parts.insert(at + by, parts.pop(at))
            self._reload(at + by)

    @work(exclusive=True, group="outside")
    async def action_outside(self) -> None:
        """The text in the person's own editor."""
        edited = await edit_outside(self.app, self._area.text, ".json" if self._area.json else ".txt")
        if edited is not None and edited != self._area.text:
            self._area.replace_all(edited)

    def action_send(self) -> None:
        """Give the answer. One that cannot be right is given only when the person asks twice."""
        try:
            reply = reply_of(self._draft)
            if self._draft.problem and self._insisted != reply:
                self._insisted = reply
                self._go_to_problem()
                raise ValueError(f"ctrl+s again gives it as it is · {self._draft.problem}")
            self._give(reply)
        except ValueError as error:
            self._failure = str(error)
            self._tell()
            return
        self._drafts.forget(self._flow.id)
        self.dismiss(reply)

    def _go_to_problem(self) -> None:
        wrong = next(index for index, said in enumerate(self._draft.said) if said.problem)
        self._reload(wrong)
        self._area.go_to_problem()
        self._area.focus()

    def action_leave(self) -> None:
        """From the text to the parts; from there out, with the draft kept."""
        if self._list.has_focus:
            if self._draft == ReplyDraft():
                self._drafts.forget(self._flow.id)
            else:
                self._drafts.keep(self._flow.id, self._draft)
            self.dismiss(None)
        else:
            self._list.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what does something now."""
        if action in ("insert", "delete", "shift"):
            return HOWS[self._draft.how].status is None
        return not self._begun if action == "how" else True
