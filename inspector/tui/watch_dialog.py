"""The `w` key: which keys of the filter language stand beside the flows, as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import DescendantFocus
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Button, Input, Static

from inspector.model.flow import Flow
from inspector.store.filters import complete
from inspector.store.transcripts import Transcripts
from inspector.store.watch import TITLE, Watched, parse_watch
from inspector.tui.format import NOTHING
from inspector.tui.text import one_line, printable
from inspector.tui.watch_cells import shown

MOST = 12
"""Columns that can be asked for; more stay where there are more already."""
_HINT = (
    "KEY or TITLE=KEY, as in request.max_tokens, count.tools, hit=in.cached/in."
    "  tab completes, ctrl+up and ctrl+down move, ctrl+l removes, enter applies."
)


class _Keys(Suggester):
    """Offers the rest of the key that is being typed."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._values = values

    async def get_suggestion(self, value: str) -> str | None:
        """The whole line as it could be."""
        start = value.find("=") + 1
        key = value[start:]
        if not key.strip():
            return None
        offered = (choice.text.removesuffix(":") for choice in complete(key, len(key), self._values))
        return next((value[:start] + text for text in offered if text.startswith(key) and text != key), None)


class WatchInput(Input):
    """Where a watch is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "screen.apply", "apply", id="watch.apply", tooltip="Show these columns"),
        Binding("tab", "complete", "complete", id="watch.complete", tooltip="Take what is offered"),
        Binding("up", "screen.go(-1)", "up", show=False, id="watch.previous", tooltip="The line above"),
        Binding("down", "screen.go(1)", "down", show=False, id="watch.next", tooltip="The line below"),
        Binding("ctrl+up", "screen.move(-1)", "move up", id="watch.up", tooltip="This column further left"),
        Binding("ctrl+down", "screen.move(1)", "move down", id="watch.down", tooltip="This column further right"),
        Binding("ctrl+l", "screen.remove", "remove", id="watch.remove", tooltip="Show this column no more"),
    ]

    def action_complete(self) -> None:
        """Take what is offered."""
        self.action_cursor_right()

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Which keys are typed and do nothing else. Textual does not know which character this one makes."""
        return key == "backslash" or super().check_consume_key(key, character)


class WatchLine(Horizontal):
    """A watch, and what it says of a flow."""

    def __init__(self, text: str, suggester: Suggester) -> None:
        super().__init__(classes="watch-line")
        self.input = WatchInput(text, suggester=suggester, compact=True, select_on_focus=False)
        self._said = Static(classes="watch-value", markup=False)

    def compose(self) -> ComposeResult:
        """Both, side by side."""
        yield self.input
        yield self._said

    @property
    def text(self) -> str:
        """What is typed; empty where there is nothing but blanks."""
        return self.input.value.strip()

    def judge(self, flow: Flow | None, known: Transcripts) -> str:
        """Say what it gives for a flow. What is wrong with it, in words; empty where nothing is."""
        if not self.text:
            return self._say("", "")
        try:
            watched = parse_watch(self.text)
        except ValueError as error:
            return self._say(str(error), "-error")
        value = shown(watched, flow, known) if flow is not None else ""
        self._say(f"{watched.title:{TITLE}}  {value or NOTHING}", "" if value else "-muted")
        return ""

    def _say(self, text: str, kind: str) -> str:
        self._said.set_class(kind == "-error", "-error")
        self._said.set_class(kind == "-muted", "-muted")
        self._said.update(Content(printable(text)))
        return text


class WatchDialog(ModalScreen[tuple[Watched, ...] | None]):
    """Gives back the columns that shall stand there; None where nothing changes."""

    BINDING_GROUP_TITLE = "Watch"
    HELP = """\
A watch is a key of the filter language, as a column: `request.max_tokens`, `usage.output_tokens`, `count.tools`,
`header.user-agent`, `hit=in.cached/in`. Filters and breakpoints ask by the same key.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "cancel", id="watch.cancel", tooltip="Change nothing"),
    ]
    DEFAULT_CSS = """
    WatchDialog { align: center middle; background: $background 60%; }
    #watch {
        width: 110; max-width: 100%; height: auto; max-height: 100%; padding: 1 2;
        background: $surface; border: round $border;
        & #watch-title { text-style: bold; margin-bottom: 1; }
        & #watch-lines { height: auto; max-height: 12; background: $surface; }
        & .watch-line { height: 1; }
        & WatchInput { width: 1fr; background: $panel; }
        & WatchInput > .input--placeholder { color: $foreground-disabled; }
        & WatchInput > .input--suggestion { color: $foreground-disabled; }
        & .watch-value { width: 1fr; padding: 0 1 0 2; height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & .watch-value.-muted { color: $foreground-disabled; }
        & .watch-value.-error { color: $error; }
        & #watch-message { color: $foreground-muted; margin: 1 0; height: auto; max-height: 4; }
        & #watch-message.-error { color: $error; }
        & #watch-buttons { height: 1; align-horizontal: right; }
        & #watch-buttons Button { margin-left: 2; }
    }
    """

    def __init__(
        self,
        watched: Sequence[Watched],
        flow: Flow | None,
        known: Transcripts,
        values: Mapping[str, Sequence[str]],
    ) -> None:
        super().__init__()
        self._flow = flow
        self._known = known
        self._first = min(len(watched), MOST - 1)
        texts = [*map(str, watched), *[""] * MOST][: max(MOST, len(watched))]
        suggester = _Keys(values)
        self._lines = [WatchLine(text, suggester) for text in texts]

    def compose(self) -> ComposeResult:
        """A line for each column with what it says of the flow, a remark, and two buttons."""
        of = f"; beside each, what it says of flow {self._flow.number}" if self._flow is not None else ""
        with Vertical(id="watch"):
            yield Static(one_line(f"Columns of your own{of}"), id="watch-title", markup=False)
            with VerticalScroll(id="watch-lines", can_focus=False):
                yield from self._lines
            yield Static("", id="watch-message", markup=False)
            with Horizontal(id="watch-buttons"):
                yield Button("Apply", variant="primary", id="watch-go", compact=True)
                yield Button("Cancel", id="watch-stop", compact=True)

    def on_mount(self) -> None:
        """The first free line is where one types."""
        self._judge()
        self._lines[self._first].input.focus()

    @on(Input.Changed)
    @on(DescendantFocus)
    def _judge(self) -> None:
        """Say what the lines give; one free line more than are used is shown."""
        last = max((number for number, line in enumerate(self._lines) if line.text), default=-1)
        wrong = ""
        for number, line in enumerate(self._lines):
            line.display = number <= last + 1
            fault = line.judge(self._flow, self._known)
            if line.input.has_focus:
                wrong = fault
        self._say(wrong or _HINT, bool(wrong))

    @on(Button.Pressed, "#watch-go")
    def action_apply(self) -> None:
        """Take the columns, if each can be taken."""
        watched: dict[str, Watched] = {}
        for line in self._lines:
            try:
                found = parse_watch(line.text) if line.text else None
            except ValueError as error:
                self._refuse(line, str(error))
                return
            if found is not None and found.key in watched:
                self._refuse(line, f"{found.key} stands there twice")
                return
            if found is not None:
                watched[found.key] = found
        self.dismiss(tuple(watched.values()))

    @on(Button.Pressed, "#watch-stop")
    def _stop(self) -> None:
        self.dismiss(None)

    def action_go(self, by: int) -> None:
        """Go to another line."""
        at = self._at + by
        if 0 <= at < len(self._lines) and self._lines[at].display:
            self._lines[at].input.focus()

    def action_move(self, by: int) -> None:
        """Let this line and the next in that direction change places."""
        at = self._at
        if 0 <= at + by < len(self._lines) and self._lines[at].text and self._lines[at + by].text:
            one, other = self._lines[at].input, self._lines[at + by].input
            one.value, other.value = other.value, one.value
            other.focus()

    def action_remove(self) -> None:
        """Drop this line; those below it move up."""
        values = [line.input.value for line in self._lines]
        del values[self._at]
        for line, value in zip(self._lines, [*values, ""], strict=True):
            line.input.value = value

    @property
    def _at(self) -> int:
        """The line in which one types."""
        return next((number for number, line in enumerate(self._lines) if line.input.has_focus), 0)

    def _refuse(self, line: WatchLine, words: str) -> None:
        line.input.focus()
        self.call_after_refresh(self._say, words, True)

    def _say(self, text: str, error: bool) -> None:
        message = self.query_one("#watch-message", Static)
        message.set_class(error, "-error")
        message.update(Content(printable(text)))
