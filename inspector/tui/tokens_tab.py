"""The answer token by token, coloured by probability, and beside it what else might have been said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from inspector.model.flow import Flow
from inspector.model.message import ToolCall
from inspector.store.token_reading import TokenReading
from inspector.store.transcripts import Transcripts
from inspector.tui.covered import CoveredContainer
from inspector.tui.line_pane import LinePane
from inspector.tui.spans import Line
from inspector.tui.tab import Tab
from inspector.tui.text import wrap
from inspector.tui.token_block import Block
from inspector.tui.token_course import Course
from inspector.tui.token_legend import TokenLegend
from inspector.tui.token_pane import TokenPane
from inspector.tui.token_panel import USUAL, Shown, TokenPanel
from inspector.tui.token_words import asked, limit_at, nothing_to_show, told_of_call, words_of

FIRST_SLICE = 0.015
"""Seconds that are spent on a long answer before it is first seen: as many for reading as for laying out."""
SLICE = 0.008
BESIDE = 110
"""Cells from which on the panel stands beside the tokens, and not below."""
LOWEST = 11
"""Lines below which only the tokens are shown."""
_STEP = 0.05


class TokensTab(Tab):
    """The Tokens tab."""

    tab_id = "tokens"
    title = "Tokens"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "fork(False)", "fork here", id="tokens.fork", tooltip="Go on from here with another token"),
        Binding("t", "fork(True)", "type", id="tokens.type", tooltip="Type another text, and go on from there"),
        Binding("b", "break", "break on logprob", id="tokens.break",
                tooltip="Stop answers at tokens as improbable as this one"),
        Binding("a", "all", "all alternatives", id="tokens.all", tooltip="All alternatives, or the first few"),
        Binding("y", "copy(False)", "copy", id="tokens.copy", tooltip="Copy the answer's text"),
        Binding("Y", "copy(True)", "copy token", show=False, id="tokens.copy-token",
                tooltip="Copy the token under the cursor"),
        Binding("less_than_sign", "doubt(-1)", "doubt less", show=False, id="tokens.doubt-less",
                tooltip="Fewer tokens are doubtful"),
        Binding("greater_than_sign", "doubt(1)", "doubt more", show=False, id="tokens.doubt-more",
                tooltip="More tokens are doubtful"),
    ]  # fmt: skip
    DEFAULT_CSS = """
    TokensTab {
        & > Container { layout: vertical; height: 1fr; }
        & TokenPane { height: 1fr; }
        & TokenPanel { height: 7; border-top: solid $border; padding: 0 1 0 2; }
        &.-all TokenPanel { height: 60%; }
        &.-beside > Container { layout: horizontal; }
        &.-beside TokenPane { width: 3fr; height: 100%; }
        &.-beside TokenPanel {
            width: 2fr; max-width: 72; height: 100%; border-top: none; border-left: solid $border;
        }
        &.-low TokenPanel, &.-low TokenLegend, &.-none TokenPanel, &.-none TokenLegend { display: none; }
    }
    """

    @dataclass
    class Fork(Message):
        """Somebody wants to go on from a token: with another one, or with a text that is to be typed."""

        flow: Flow
        reading: TokenReading
        index: int
        typed: bool

    @dataclass
    class Break(Message):
        """Somebody wants answers to stop at tokens as improbable as one: a filter such as `logprob<-0.92`."""

        flow: Flow
        expression: str

    def __init__(self, transcripts: Transcripts) -> None:
        super().__init__(transcripts)
        self.add_class("-none")
        self._pane = TokenPane(self._told)
        self._panel = TokenPanel()
        self._legend = TokenLegend(self._pane.below)
        self._reading: TokenReading | None = None
        self._course = Course()
        self._more = False
        """Whether the reading has more to read."""
        self._all = False

    @property
    def pane(self) -> TokenPane:
        """The tokens."""
        return self._pane

    @property
    def unfinished(self) -> bool:
        """Whether there are tokens that were not read or laid out yet."""
        return self._more or self._pane.behind

    @property
    def words(self) -> tuple[str, ...]:
        """The answer's figures."""
        if self.flow is None or self._reading is None or not self._reading.tokens:
            return ()
        reading = self._reading
        return words_of(self.flow, self.transcripts.of(self.flow), reading.certainty, len(reading.tokens))

    def compose(self) -> ComposeResult:
        """The tokens, the panel, and what the colours mean."""
        with CoveredContainer():
            yield self._pane
            yield self._panel
        yield self._legend

    def on_resize(self) -> None:
        """The panel stands where there is room."""
        self._panel.beside = self.size.width >= BESIDE
        self.set_class(self._panel.beside, "-beside")
        self.set_class(self.size.height < LOWEST, "-low")
        self._explain()

    def show(self, flow: Flow | None) -> None:
        """Show a flow; None shows nothing."""
        super().show(flow)
        if flow is None:
            self._reading, self._more = None, False
            self._pane.show_tokens(None)
            self._news()

    def open(self, flow: Flow) -> None:
        """Show another answer: a live one at its end, another at its beginning."""
        self._reading = TokenReading(flow)
        self._course = Course()
        self._more = self._reading.pull(FIRST_SLICE)
        self._pane.show_tokens(self._reading)
        self._pane.enter(flow.id, at_end=flow.live)
        self._pane.advance(FIRST_SLICE)
        self._news()

    def grow(self, flow: Flow) -> None:
        """Show the tokens that came."""
        if self._reading is None or not self._reading.is_of(flow):
            self._pane.leave(flow.id)
            self.open(flow)
            return
        self._more = self._reading.pull(SLICE)
        if self._pane.advance(SLICE) or not self._pane.has_tokens:
            self._news()
        elif flow.hold is not None or (self._panel.shown is not None and self._panel.shown.delivered is not None):
            self._show_token()

    def _news(self) -> None:
        """Show what follows from new tokens."""
        self._course.extend(self._pane.lines.probabilities)
        if self._pane.has_tokens is self.has_class("-none"):
            self.set_class(not self._pane.has_tokens, "-none")
            self.refresh_bindings()
        self._explain()
        self._show_token()

    def _explain(self) -> None:
        """Say why there are no tokens, where there are none."""
        lines: list[Line] = []
        if self.flow is not None and not self._pane.has_tokens and not self.unfinished:
            room = max(20, min(90, self.size.width - 4))
            for style, text in nothing_to_show(self.flow, self.transcripts.of(self.flow)):
                lines += [[], *([("", "  "), (style, line)] for line in wrap(text, room))]
        if lines != self._pane.words:
            self._pane.words = lines
            self._pane.lines_changed()

    @on(LinePane.CursorMoved)
    def _show_token(self) -> None:
        pane, reading = self._pane, self._reading
        if reading is None or self.flow is None or not pane.has_tokens:
            self._panel.show(None)
            return
        shown, index = self._panel.shown, pane.token
        same = shown is not None and (shown.reading, shown.index) == (reading, index)
        alternatives = shown.alternatives if shown is not None and same else reading.alternatives(index)
        self.set_class(self._all and len(alternatives) > USUAL + 1, "-all")
        wanted = asked(self.transcripts.of(self.flow).prompt.parameters)
        delivered = self._delivered(reading, index)
        self._panel.show(Shown(reading, index, alternatives, self._course, pane.below, self._all, wanted, delivered))

    def _delivered(self, reading: TokenReading, index: int) -> bool | None:
        """Whether the agent has a token of a held answer already."""
        held = self.holds.get(reading.flow) if self.holds is not None else None
        if held is None or held.stream is None:
            return None
        waiting = held.stream.waiting
        return not waiting or reading.place(index) < waiting[0].event.start

    def _told(self, block: Block) -> Line:
        """What a call's heading says."""
        if self._reading is None or self.flow is None:
            return []
        choices = self.transcripts.of(self.flow).answer.choices
        parts = choices[block.choice].parts if block.choice < len(choices) else []
        calls = [part.name for part in parts if isinstance(part, ToolCall)]
        known = calls[block.call] if 0 <= block.call < len(calls) else ""
        return told_of_call(self._reading, block.names, known)

    # Actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without tokens there is nothing to do."""
        return self._pane.has_tokens if action in ("fork", "break", "all", "copy", "doubt") else True

    def action_fork(self, typed: bool) -> None:
        """Ask to go on from the token under the cursor."""
        if self.flow is not None and self._reading is not None:
            self.post_message(self.Fork(self.flow, self._reading, self._pane.token, typed))

    def action_break(self) -> None:
        """Ask for a breakpoint at such tokens."""
        if self.flow is None or self._reading is None:
            return
        if expression := limit_at(self._reading.tokens[self._pane.token].logprob):
            self.post_message(self.Break(self.flow, expression))
        else:
            self.notify("Every token would meet this one's probability: choose a less probable one", markup=False)

    def action_all(self) -> None:
        """Show all alternatives, or only the first ones."""
        self._all = not self._all
        self._show_token()

    def action_copy(self, token: bool) -> None:
        """Copy the answer's text, or the token under the cursor."""
        if self._reading is None:
            return
        tokens = self._reading.tokens
        here = tokens[self._pane.token]
        place = (here.choice, here.channel, here.call)
        same = [each.data for each in tokens if (each.choice, each.channel, each.call) == place]
        text = (here.data if token else b"".join(same)).decode("utf-8", "replace")
        self.app.copy_to_clipboard(text)
        self.notify(f"Copied {len(text):,} character{'' if len(text) == 1 else 's'}", markup=False)

    def action_doubt(self, step: int) -> None:
        """Move the limit below which a token is doubtful."""
        self._pane.below = self._legend.below = round(min(0.95, max(0.05, self._pane.below + step * _STEP)), 2)
        self._pane.lines_changed()
        self._legend.refresh()
        self._show_token()
