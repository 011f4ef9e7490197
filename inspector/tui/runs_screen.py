"""The table of replays: what each decided, where it parts from the original, and what it took."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from inspector.model.flow import Flow, State
from inspector.proxy.replay import Batch
from inspector.store.diff import Piece, compare
from inspector.store.runs import Run, RunTable
from inspector.tui.desk import Desk
from inspector.tui.diff_lines import diff_lines
from inspector.tui.key_line import KeyLine
from inspector.tui.line_pane import LinePane
from inspector.tui.runs_rows import head_line, row_line, stopped
from inspector.tui.spans import Line
from inspector.tui.text import lines, one_line

EVERY = 0.2
"""Seconds between two looks at the replays."""
_BAR = 16
"""Cells of the bar that shows how many are done."""


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

    BINDING_GROUP_TITLE = "Difference"

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
        Binding("question_mark", "app.help", "help", id="app.help", tooltip="The keys of the focused part"),
    ]

    def __init__(self, original: Flow, desk: Desk, batches: Sequence[Batch]) -> None:
        super().__init__()
        self._original = original
        self._desk = desk
        self._batches = batches
        self._runs = RunTable(desk.transcripts, original)
        self._head = RunsHead()
        self._table = RunsPane(self._open)
        self._text = RunsText()
        self._drawn: tuple[object, ...] = ()
        self._compared: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        """The progress, the table, and the decision of the row under the cursor."""
        yield self._head
        yield self._table
        yield self._text
        yield KeyLine()

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
        return self._unfinished if action == "stop" else True

    def action_stop(self) -> None:
        """Stop all replays of this flow."""
        for batch in self._batches:
            batch.stop()
        self._pull()

    def _flows(self) -> list[Flow]:
        children = [flow for flow in self._desk.store if flow.parent == self._original.id]
        return [self._original, *children]

    def _pull(self) -> None:
        stamp = (self._desk.store.revision, self._unfinished, self._table.width, self._text.width)
        if stamp == self._drawn:
            return
        self._drawn = stamp
        before, flows = self._table.rows, self._flows()
        self._table.rows = self._runs.update(flows)
        if len(before) != len(self._table.rows):
            self._table.grown(0)
        for index, (old, new) in enumerate(zip(before, self._table.rows, strict=False)):
            if old is not new:
                self._table.lines_changed(index, 1)
        self._head.words = self._progress(flows)
        self._head.lines_changed()
        self._show_text()
        self.refresh_bindings()

    @property
    def _unfinished(self) -> bool:
        return any(not batch.finished for batch in self._batches)

    def _progress(self, flows: Sequence[Flow]) -> Line:
        children = flows[1:]
        wanted = len(children) + sum(batch.times - len(batch.flows) for batch in self._batches if not batch.stopped)
        done = sum(flow.end is not None for flow in children)
        filled = done * _BAR // max(1, wanted)
        ended = [row for row in self._table.rows[1:] if row.state is State.DONE]
        dropped = sum(stopped(flow) for flow in children)
        failed = done - len(ended) - dropped
        same = sum(row.parting is None for row in ended)
        words: Line = [("bold", f" Replays of #{one_line(self._original.number)}   ")]
        words += [("ok", "━" * filled), ("faint", "━" * (_BAR - filled)), ("accent", f"  {done} of {wanted} done")]
        words += [("muted", f"   {same} decided the same, {len(ended) - same} another")] if ended else []
        words += [("error", f"   {failed} failed")] if failed else []
        return [*words, ("muted", f"   {dropped} stopped")] if dropped else words

    def _show_text(self) -> None:
        rows = self._table.rows
        row = rows[min(self._table.cursor, len(rows) - 1)]
        own, width = rows[0].decision, self._text.width or 80
        stamp = (row.flow.id, row.decision, row.error, row.flow.live, own, width)
        if stamp == self._compared:
            return
        self._compared = stamp
        said = row.decision or row.error or ""
        number, original = one_line(row.flow.number), one_line(self._original.number)
        if row.flow is self._original or said == own:
            verdict = "" if row.flow is self._original else f"   the same as #{original}"
            self._text.lines = [
                [("bold", f"#{number}"), ("muted", verdict)],
                *([("", line)] for line in lines(said, width)),
            ]
        else:
            changes = compare([Piece("model", "", own)] if own else [], [Piece("model", "", said)] if said else [])
            title = f"- #{original}   + #{number}"
            self._text.lines = list(diff_lines(title, changes, width, live=row.flow.live))
        self._text.grown(0)

    def _open(self, index: int) -> None:
        self.dismiss(self._table.rows[index].flow)
