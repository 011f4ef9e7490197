"""The `b` key: breakpoints, mocks and sticky edits, each with how often it took hold."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from inspector.model.flow import Moment
from inspector.rules.breakpoints import Breakpoint, parse_breakpoint
from inspector.rules.control import Control
from inspector.tui.desk import Desk
from inspector.tui.held_pane import ChangePane
from inspector.tui.key_line import KeyLine
from inspector.tui.rule_input import RuleInput
from inspector.tui.rules_rows import Entry, Row, rows
from inspector.tui.spans import Line
from inspector.tui.status_line import StatusLine
from inspector.tui.text import one_line
from inspector.tui.vocabulary import vocabulary

EVERY = 0.5
"""Seconds from one look at the counts to the next."""
_MEANING = {
    Moment.REQUEST: "the request, before it goes upstream",
    Moment.HEAD: "the answer, before it begins",
    Moment.EVENT: "the answer in its middle, as soon as it means this",
    Moment.END: "the answer, before it ends",
}


class RulesPane(ChangePane):
    """The list."""

    BINDING_GROUP_TITLE = "Rules"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "screen.ask('')", "add", id="rules.add", tooltip="Make a breakpoint"),
        Binding("enter,e", "screen.change", "edit", id="rules.edit", tooltip="Type this breakpoint anew"),
        Binding("space", "switch", "on/off", id="rules.switch", tooltip="Turn this one off, or on again"),
        Binding("delete,backspace", "remove", "remove", id="rules.remove", tooltip="Remove this one"),
    ]

    def __init__(self, control: Control) -> None:
        super().__init__(id="rules-list")
        self._control = control
        self._rows: list[Row] = []

    def on_mount(self) -> None:
        """The first rule is under the cursor."""
        self.pull()
        self.call_after_refresh(self._to_first)

    def _to_first(self) -> None:
        self.set_cursor(next((index for index, (_, entry) in enumerate(self._rows) if entry), 0))

    def line_count(self) -> int:
        """Rules and headings."""
        return len(self._rows)

    def line(self, index: int, width: int) -> Line:
        """One of them."""
        return self._rows[index][0]

    def go_to(self, wanted: Breakpoint) -> None:
        """Put the cursor on a breakpoint."""
        self.pull()
        places = (index for index, (_, entry) in enumerate(self._rows) if entry and entry.breakpoint is wanted)
        self.set_cursor(next(places, self.cursor))

    @property
    def entry(self) -> Entry | None:
        """The rule under the cursor."""
        return self._rows[self.cursor][1] if self.cursor < len(self._rows) else None

    def pull(self) -> None:
        """Show what is so now."""
        before, self._rows = self._rows, rows(self._control, self.width or 80)
        if [line for line, _ in before] != [line for line, _ in self._rows]:
            self.grown(0)
            self.refresh_bindings()

    def on_resize(self) -> None:
        """Lines are made for their width."""
        self.pull()
        super().on_resize()

    def cursor_moved(self) -> None:
        """What can be done depends on the rule."""
        super().cursor_moved()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what does something now."""
        return action not in ("switch", "remove") or self.entry is not None

    def action_switch(self) -> None:
        """Turn the rule off, or on again."""
        if self.entry is not None:
            self.entry.switch()
            self.pull()

    def action_remove(self) -> None:
        """Take the rule out."""
        if self.entry is not None:
            self.entry.remove()
            self.pull()


class RulesScreen(ModalScreen[None]):
    """Shows all rules over the main screen."""

    BINDING_GROUP_TITLE = "Rules"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,b", "dismiss(None)", "close", id="rules.close", tooltip="Back to the flows"),
        Binding("question_mark", "app.help", "help", id="app.help", tooltip="The keys of the focused part"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        assert desk.control is not None
        self._desk = desk
        self._control = desk.control
        self._list = RulesPane(desk.control)
        self._input = RuleInput(lambda: vocabulary(reversed(list(desk.store)), desk.transcripts), id="rules-text")
        self._message = StatusLine(id="rules-message")
        self._edited: Breakpoint | None = None
        """The breakpoint in whose place comes what is typed."""

    def compose(self) -> ComposeResult:
        """The list, and below it the line where one is typed."""
        with Vertical(id="rules"):
            yield Static("Breakpoints and rules", id="rules-title", markup=False)
            yield self._list
            with Horizontal(id="rules-input"):
                yield Static("breakpoint ▸ ", markup=False)
                yield self._input
            yield self._message
            yield KeyLine()

    def on_mount(self) -> None:
        """The list has the keys; its counts are looked at from time to time."""
        self._list.focus()
        self.set_interval(EVERY, self._list.pull)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what does something now."""
        return action != "change" or (self._list.entry is not None and self._list.entry.breakpoint is not None)

    def action_ask(self, text: str) -> None:
        """Let the person type a breakpoint."""
        self._edited = None
        self._type(text)

    def action_change(self) -> None:
        """Let the person type the breakpoint under the cursor anew."""
        entry = self._list.entry
        if entry is not None and entry.breakpoint is not None:
            self._edited = entry.breakpoint
            self._type(str(entry.breakpoint))

    def _type(self, text: str) -> None:
        self.add_class("-typing")
        self._input.value = text
        self._input.cursor_position = len(text)
        self._input.focus()
        self._judge(text)

    def _judge(self, text: str) -> bool:
        """Say what a text means, or why it means nothing."""
        if not text.strip():
            self._message.set([("muted", "a moment (request, head, event, end), a filter, or both; enter makes it")])
            return False
        try:
            found = parse_breakpoint(text)
        except ValueError as error:
            self._message.set([("warning", one_line(str(error)))])
            return False
        self._message.set([("muted", "holds "), ("key", _MEANING[found.moment])])
        return True

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        if self.has_class("-typing"):
            self._judge(event.value)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        if not self._judge(event.value):
            return
        made = self._control.breakpoints.add(event.value.strip())
        if self._edited is not None:
            made.on = self._edited.on
            self._control.breakpoints.remove(self._edited)
        self._list.go_to(made)
        self._end_typing()

    @on(RuleInput.Left)
    def _end_typing(self) -> None:
        self.remove_class("-typing")
        self._message.set([])
        self._list.pull()
        self._list.focus()
