"""The table of replays: what each decided, where it parts from the original, and what it took."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Footer

from inspector.model.flow import Flow, State
from inspector.proxy.replay import Batch
from inspector.store.diff import Piece, compare
from inspector.store.runs import Run, decision, runs
from inspector.tui.desk import Desk
from inspector.tui.diff_lines import diff_lines
from inspector.tui.format import count, duration
from inspector.tui.line_pane import LinePane
from inspector.tui.spans import Line, Span
from inspector.tui.text import clip, one_line

EVERY = 0.2
"""Seconds between two looks at the replays."""
_FIGURES = ("state", "parts at", "in", "out", "ttft", "total", "cost")
_WIDTHS = (9, 8, 7, 7, 7, 7, 8)
_NUMBER = 8
_MODEL = 18


class RunsPane(LinePane):
    """A row for each replay, the original first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", id="runs.open", tooltip="Go to the flow of this row"),
    ]

    def __init__(self, opened: Callable[[int], None]) -> None:
        super().__init__(id="runs-table")
        self.rows: list[Run] = []
        self._opened = opened

    def line_count(self) -> int:
        """One line a row."""
        return len(self.rows)

    def line(self, index: int, width: int) -> Line:
        """One replay."""
        return row_line(self.rows[index], width, first=index == 0)

    def action_open(self) -> None:
        """Go to the flow."""
        if self.rows:
            self._opened(self.cursor)


class RunsText(LinePane):
    """What the replay under the cursor decided, against the original."""

    def __init__(self) -> None:
        super().__init__(id="runs-text")
        self.lines: list[Line] = []

    def line_count(self) -> int:
        """How many lines there are."""
        return len(self.lines)

    def line(self, index: int, width: int) -> Line:
        """One line."""
        return self.lines[index]


class RunsHead(LinePane):
    """How far the replays are, and the names of the columns."""

    def __init__(self) -> None:
        super().__init__(id="runs-head")
        self.can_focus = False
        self.cursor = -1
        self.words: Line = []

    def line_count(self) -> int:
        """Two lines."""
        return 2

    def line(self, index: int, width: int) -> Line:
        """The progress, then the columns."""
        return self.words if index == 0 else head_line(width)


class RunsScreen(ModalScreen[Flow | None]):
    """Shows the replays of a flow while they run; gives back the flow that the person wants to see."""

    BINDING_GROUP_TITLE = "Replays"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "stop", "stop", id="runs.stop", tooltip="Begin no more, and break off those on their way"),
        Binding("escape,t,q", "dismiss(None)", "close", id="runs.close", tooltip="Back; what runs goes on"),
    ]

    def __init__(self, original: Flow, desk: Desk, batches: Sequence[Batch]) -> None:
        super().__init__()
        self._original = original
        self._desk = desk
        self._batches = batches
        self._head = RunsHead()
        self._table = RunsPane(self._open)
        self._text = RunsText()
        self._drawn: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        """The progress, the table, and the decision of the row under the cursor."""
        yield self._head
        yield self._table
        yield self._text
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Look at once, and then again and again."""
        self._table.focus()
        self._pull()
        self.set_interval(EVERY, self._pull)

    def on_line_pane_cursor_moved(self) -> None:
        """Another row, another text."""
        self._show_text()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to stop what runs."""
        return any(not batch.finished for batch in self._batches) if action == "stop" else True

    def action_stop(self) -> None:
        """Stop all replays of this flow."""
        for batch in self._batches:
            batch.stop()

    def _flows(self) -> list[Flow]:
        children = [flow for flow in self._desk.store if flow.parent == self._original.id]
        return [self._original, *children]

    def _pull(self) -> None:
        flows = self._flows()
        stamp = (*((flow.id, flow.revision) for flow in flows), self._table.width, self._text.width)
        if stamp == self._drawn:
            return
        self._drawn = stamp
        self._table.rows = runs(flows, self._desk.transcripts, self._original)
        self._table.grown(0)
        self._head.words = self._progress(flows)
        self._head.lines_changed()
        self._show_text()
        self.refresh_bindings()

    def _progress(self, flows: Sequence[Flow]) -> Line:
        children = flows[1:]
        wanted = len(children) + sum(batch.times - len(batch.flows) for batch in self._batches if not batch.stopped)
        done = sum(flow.end is not None for flow in children)
        same = sum(row.parting is None and row.state is State.DONE for row in self._table.rows[1:])
        words: Line = [("bold", f" Replays of #{self._original.number}   "), ("accent", f"{done} of {wanted} done")]
        return [*words, ("muted", f"   {same} decided the same")] if done else words

    def _show_text(self) -> None:
        if not self._table.rows:
            return
        row = self._table.rows[min(self._table.cursor, len(self._table.rows) - 1)]
        before = Piece("model", "", decision(self._original, self._desk.transcripts))
        after = Piece("model", "", row.decision or row.error or "")
        title = f"#{row.flow.number} against #{self._original.number}"
        self._text.lines = diff_lines(title, compare([before], [after]), self._text.width or 80)
        if before == after:
            self._text.lines[1:] = [[("", one_line(line, 4000))] for line in after.text.split("\n")]
        self._text.grown(0)

    def _open(self, index: int) -> None:
        self.dismiss(self._table.rows[index].flow)


def head_line(width: int) -> Line:
    """The names of the columns."""
    names = "".join(f"{name:>{cells}}" for name, cells in zip(_FIGURES[1:], _WIDTHS[1:], strict=True))
    return [("muted", f" {'#':<{_NUMBER}}{'model':<{_MODEL}} {_FIGURES[0]:<{_WIDTHS[0]}}{names}  decision")]


def row_line(run: Run, width: int, *, first: bool = False) -> Line:
    """One replay as a row."""
    glyphs = {State.DONE: ("ok", "✓ done"), State.FAILED: ("error", "✗ failed"), State.CANCELLED: ("muted", "⊘ left")}
    style, word = glyphs.get(run.state, ("ok", f"● {run.state}"))
    said = one_line(run.decision or run.error or "")
    figures = (
        "" if first else "same" if run.parting is None and run.state is State.DONE else _parting(run),
        _count(run.input_tokens),
        ("~" if run.output_estimated else "") + _count(run.output_tokens),
        duration(run.ttft) if run.ttft is not None else "–",
        duration(run.total) if run.total is not None else "–",
        f"${run.cost:.4f}" if run.cost is not None else "–",
    )
    spans: list[Span] = [
        ("bold" if first else "key", f" {clip(run.flow.number, _NUMBER - 1):<{_NUMBER}}"),
        ("", f"{clip(one_line(run.model), _MODEL):<{_MODEL}} "),
        (style, f"{clip(word, _WIDTHS[0] - 1):<{_WIDTHS[0]}}"),
    ]
    for place, (text, cells) in enumerate(zip(figures, _WIDTHS[1:], strict=True)):
        spans.append(("warning" if place == 0 and text not in ("same", "") else "muted", f"{text:>{cells}}"))
    return [*spans, ("error" if run.error else "", f"  {said}")]


def _parting(run: Run) -> str:
    return f"word {run.parting.word}" if run.parting is not None else "–"


def _count(number: int | None) -> str:
    return count(number) if number is not None else "–"
