"""Going on from a token: another one or a text in its place; as a new flow, or into the answer that is held."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Button, Input, Select, Static

from inspector.model.flow import Flow
from inspector.proxy.held import Held
from inspector.rules.prefill import Manner, manners, prefilled, refusal, taken
from inspector.store.token_reading import TokenReading
from inspector.store.transcripts import Transcripts
from inspector.tui.line_pane import LinePane
from inspector.tui.text import one_line, printable
from inspector.tui.token_fork_lines import AlternativeLines
from inspector.tui.token_fork_words import Beginning, TokenFork, edged, held_refusal, shown, tail
from inspector.tui.token_words import chosen_of

MOST = 7
"""Alternatives that are seen at once."""
SHOWN = 190
"""Cells of the answer's end that are shown: less than three lines."""
LOW = 28
"""Lines of the screen below which there is no room for air."""
_SETTLED = 0.15
"""Seconds without a key after which it is said what the fork comes to."""


class TokenForkDialog(ModalScreen[TokenFork | None]):
    """Gives back where the answer is to go on; None where nowhere."""

    BINDING_GROUP_TITLE = "Fork from a token"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "send", "go on", id="token-fork.send", tooltip="Go on like this", priority=True),
        Binding("escape", "cancel", "cancel", id="token-fork.cancel", tooltip="Leave the answer as it is"),
    ]

    def __init__(
        self,
        flow: Flow,
        reading: TokenReading,
        index: int,
        typed: bool,
        held: Held | None,
        transcripts: Transcripts | None = None,
    ) -> None:
        """`typed`: the person wants to write a text, and not to choose. `held` is the flow's hold, where it has one."""
        super().__init__()
        self._flow = flow
        self._transcripts = transcripts or Transcripts()
        self._known: dict[tuple[Manner | None, bool], list[str]] = {}
        """What the person should know, by what it depends on: the manner, and whether the whole beginning is taken."""
        self._place = f"token {index + 1:,} of #{flow.number}"
        self._beginning = Beginning(reading, index)
        self._refusal = refusal(flow, self._beginning.channel)
        self._manners = [] if self._refusal else manners(flow)
        self._not_into = held_refusal(held, self._beginning) if held is not None else "it is not held"
        self._held = held is not None
        self._manner = self._manners[0] if self._manners else None
        self._into = not self._not_into
        alternatives = reading.alternatives(index)
        self._lines = AlternativeLines(alternatives, chosen_of(alternatives, self._beginning.token))
        self._input = Input(placeholder="a text of your own", compact=True, select_on_focus=False, id="token-fork-text")
        self._typing = typed
        """Whether what is typed counts, and not the token under the cursor."""
        self._preview = Static("", id="token-fork-preview", markup=False)
        self._said = Static("", id="token-fork-said", markup=False)
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """What was said, what might have been, how and where it goes on, and what that comes to."""
        count = self._lines.line_count()
        self._lines.styles.height = min(MOST, count)
        self._lines.set_class(count <= MOST, "-whole")
        with Vertical(id="token-fork"):
            yield Static(one_line(f"Go on from {self._place}"), id="token-fork-title", markup=False)
            yield self._preview
            if not self._refusal:
                yield self._lines
                yield from self._row("or a text", self._input)
                yield from self._how()
            yield self._said
            with Horizontal(id="token-fork-buttons"):
                if not self._refusal:
                    yield Button("Go on", variant="primary", id="token-fork-go", compact=True)
                yield Button("Cancel", id="token-fork-stop", compact=True)

    def _how(self) -> ComposeResult:
        if len(self._manners) > 1:
            choices = [(each.name, place) for place, each in enumerate(self._manners)]
            yield from self._row(
                "by", Select(choices, value=0, allow_blank=False, compact=True, id="token-fork-manner")
            )
        if self._held and not self._not_into:
            places = [("into the held answer: the agent reads one", True), ("as a new flow", False)]
            yield from self._row(
                "where", Select(places, value=True, allow_blank=False, compact=True, id="token-fork-into")
            )
        elif self._held:
            words = Static(f"as a new flow: {self._not_into}", classes="token-fork-words", markup=False)
            yield from self._row("where", words)

    def _row(self, label: str, widget: Input | Select[int] | Select[bool] | Static) -> ComposeResult:
        with Horizontal(classes="replay-line"):
            yield Static(label, classes="replay-label", markup=False)
            yield widget

    def on_mount(self) -> None:
        """Whoever wants to type begins to."""
        if self._refusal:
            self.query_one("#token-fork-stop").focus()
        elif self._typing:
            self.action_type()
        else:
            self._lines.focus()
            self.call_after_refresh(self._lines.scroll_line_into_view, self._lines.cursor)
        self._draw()
        self._check()

    def on_resize(self, event: events.Resize) -> None:
        """A low screen has no room for air."""
        self.set_class(event.size.height < LOW, "-low")

    def action_type(self) -> None:
        """Go to the text; it begins with a blank where the token does."""
        if not self._input.value:
            token = self._beginning.token.text
            self._input.value = token[: len(token) - len(token.lstrip(" "))]
            self._input.cursor_position = len(self._input.value)
        self._input.focus()

    @on(events.DescendantFocus)
    def _turned(self, event: events.DescendantFocus) -> None:
        """What counts is where the person was last: among the tokens, or in the text."""
        if event.widget in (self._lines, self._input):
            self._typing = event.widget is self._input
            self._changed()

    @on(Select.Changed, "#token-fork-manner")
    def _manner_chosen(self, event: Select.Changed) -> None:
        if isinstance(event.value, int):
            self._manner = self._manners[event.value]
            self._changed()

    @on(Select.Changed, "#token-fork-into")
    def _place_chosen(self, event: Select.Changed) -> None:
        if isinstance(event.value, bool):
            self._into = event.value
            self._changed()

    @on(LinePane.CursorMoved)
    @on(Input.Changed)
    def _changed(self) -> None:
        self._draw()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_SETTLED, self._check)

    @on(Input.Submitted)
    @on(Button.Pressed, "#token-fork-go")
    def action_send(self) -> None:
        """Go on, if that can be."""
        try:
            fork = self._fork()
            self._to_know(fork)
        except ValueError as error:
            self._say(str(error), [], "-error")
        else:
            self.dismiss(fork)

    @on(Button.Pressed, "#token-fork-stop")
    def action_cancel(self) -> None:
        """Leave."""
        self.dismiss(None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where nothing can go on, there is nothing to send."""
        return not (action == "send" and self._refusal)

    def _fork(self) -> TokenFork:
        """What the person chose. ValueError where that is nothing to go on from."""
        if not self._typing:
            text = self._beginning.with_token(self._lines.alternative.data)
        elif self._input.value.strip():
            text = self._beginning.with_text(self._input.value)
        else:
            raise ValueError("type what stands in the token's place")
        if self._into and self._manner is not None and self._manner.repeats:
            raise ValueError("this server says the beginning again, which the agent has: go on as a new flow")
        return TokenFork(text, self._manner, self._into)

    def _draw(self) -> None:
        """Show the end of the answer as it would be."""
        if self._refusal:
            more = self._beginning.token.text
        else:
            more = self._input.value if self._typing else self._lines.alternative.text
        added = tail(edged(shown(more)), SHOWN // 2)
        before = tail(shown(self._beginning.text[-SHOWN:]), SHOWN - cell_len(added))
        start = (before, "") if before else ("the answer begins with ", "italic")
        self._preview.update(Content.assemble(start, (added, "$background on $warning")))

    def _check(self) -> None:
        """Say what it comes to."""
        if self._refusal:
            self._say(f"{self._refusal[0].upper()}{self._refusal[1:]}.", [], "-warning")
            return
        try:
            fork = self._fork()
            known = self._to_know(fork)
        except ValueError as error:
            nothing_yet = self._typing and not self._input.value.strip()
            self._say(str(error), [], "" if nothing_yet else "-warning")
        else:
            self._say(fork.manner.about if fork.manner else "", known, "")

    def _to_know(self, fork: TokenFork) -> list[str]:
        """What is changed besides. ValueError where the fork cannot be sent."""
        key = fork.manner, taken(self._flow, fork.beginning) == fork.beginning
        if key not in self._known:
            made = prefilled(self._flow, fork.beginning, fork.manner, self._transcripts)
            self._known[key] = made.said
        return self._known[key]

    def _say(self, first: str, known: list[str], kind: str) -> None:
        self._said.set_classes(kind)
        warnings = "".join(f"\n• {printable(words)}" for words in known)
        self._said.update(Content.assemble(printable(first), (warnings, "$warning")))
