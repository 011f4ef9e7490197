"""The Diff tab: a flow against its original, what it was before a change, the lane's last turn, or a marked one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from inspector.model.flow import Flow
from inspector.store.alignment import Steps
from inspector.store.diff import Change, answer_pieces, compare, compare_prompts
from inspector.store.transcripts import Transcripts
from inspector.tui import format
from inspector.tui.diff_lines import diff_lines
from inspector.tui.lines_pane import LinesPane
from inspector.tui.rows import state_cell
from inspector.tui.spans import Line
from inspector.tui.tab import Tab
from inspector.tui.text import clip, one_line

EVERY = 0.3
"""Seconds between two comparisons of an answer that grows."""
SLICE = 0.008
"""Seconds that one frame may spend on the lines of a long comparison."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What a flow is compared with."""

    words: str
    flow: Flow
    is_turn: bool = False
    """Whether its prompt is what is compared first, for its answer is one to something else."""


class DiffPane(LinesPane):
    """The lines of a comparison."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "against", "against", id="diff.against", tooltip="With the next: original, last turn, marked")
    ]

    def __init__(self, against: Callable[[], None]) -> None:
        super().__init__()
        self._against = against

    def action_against(self) -> None:
        """Compare with something else."""
        self._against()


class DiffTab(Tab):
    """The Diff tab. The prompts are compared once, their lines made in slices; the answers as often as they grow."""

    tab_id = "diff"
    title = "Diff"
    reads = False

    def __init__(self, transcripts: Transcripts) -> None:
        super().__init__(transcripts)
        self._pane = DiffPane(self._next)
        self._choice: dict[str, str] = {}
        """The id of the flow that each flow was compared with last."""
        self._before: Flow | None = None
        self._marks: dict[str, Flow] = {}
        self._seen_marks = 0
        self._prompts: tuple[object, object, int] | None = None
        """The two prompts whose lines are drawn, and at which width."""
        self._request: list[Line] = []
        self._rest: Iterator[Line | bool] = iter(())
        """The lines of the prompts that are still to be made; between them whether a thread is waited for."""
        self._below: list[Line] = []
        """What stands below them once they are whole."""
        self._more = False
        self._drawn: tuple[object, ...] = ()
        self._due = 0.0

    @property
    def pane(self) -> DiffPane:
        """The comparison."""
        return self._pane

    def compose(self) -> ComposeResult:
        """The one pane."""
        yield self._pane

    def open(self, flow: Flow) -> None:
        """Compare another flow."""
        self._prompts, self._drawn, self._before = None, (), None
        self._draw(flow)
        self._pane.enter(flow.id, at_end=False)

    def grow(self, flow: Flow) -> None:
        """Compare again what has grown, not at every chunk."""
        if self._drawn != self._stamp(flow):
            if time.monotonic() >= self._due:
                self._draw(flow)
                self._pane.grown(0)
        elif self._more:
            first = self._pane.line_count()
            self._pane.lines += self._made()
            self._pane.lines += self._below if not self._more else []
            self._pane.grown(first)

    @property
    def unfinished(self) -> bool:
        """Whether what is drawn is behind what has come; the other flow may have moved, too."""
        return self.flow is not None and (self._more or self._drawn != self._stamp(self.flow))

    def references(self, flow: Flow) -> list[Reference]:
        """What this flow can be compared with, the likeliest first."""
        found: list[Reference] = []
        parent = self.store.get(flow.parent) if flow.parent else None
        if parent is not None:
            found.append(Reference("its original", parent))
        if flow.forwarded is not None or flow.delivered is not None:
            found.append(Reference("before it was changed", self._unchanged(flow)))
        place = self.transcripts.place(flow)
        turn = place.previous if place is not None else None
        if turn is not None and turn is not parent:
            found.append(Reference("last turn", turn, is_turn=True))
        self._seen_marks, changed = self.store.changes_since(self._seen_marks)
        for other in changed:
            self._marks.pop(other.id, None)
            if other.marked:
                self._marks[other.id] = other
        marked = sorted(self._marks.values(), key=lambda other: other.seq)
        return found + [Reference("marked", other) for other in marked if other not in (flow, parent, turn)]

    def _unchanged(self, flow: Flow) -> Flow:
        """The flow as it would have been: what the client asked, what the upstream answered."""
        before = self._before
        if before is None or before.response is not flow.response or before.end is not flow.end:
            before = self._before = replace(flow, id=f"{flow.id} before", forwarded=None, delivered=None, hold=None)
        before.revision = flow.revision
        return before

    def _place(self, flow: Flow, references: list[Reference]) -> int:
        """Which of the references is the chosen one."""
        chosen = self._choice.get(flow.id)
        return next((index for index, each in enumerate(references) if each.flow.id == chosen), 0)

    def _next(self) -> None:
        if self.flow is not None and (references := self.references(self.flow)):
            following = (self._place(self.flow, references) + 1) % len(references)
            self._choice[self.flow.id] = references[following].flow.id
            self._draw(self.flow)
            self._pane.set_cursor(0)
            self._pane.grown(0)

    def _stamp(self, flow: Flow) -> tuple[object, ...]:
        references = self.references(flow)
        against = references[self._place(flow, references)].flow if references else None
        return flow.revision, len(references), against and (against.id, against.revision), self._pane.width

    def _draw(self, flow: Flow) -> None:
        """Compare."""
        references = self.references(flow)
        self._drawn, self._due = self._stamp(flow), time.monotonic() + EVERY
        self._pane.lines = self._compared(flow, references) if references else list(_NOTHING)

    def _compared(self, flow: Flow, references: list[Reference]) -> list[Line]:
        place, width = self._place(flow, references), self._pane.width or 80
        reference = references[place]
        if not (self.transcripts.ready(reference.flow) and self.transcripts.ready(flow)):
            self._drawn, self._due = (), 0.0
            return [[("muted", f"reading #{one_line(reference.flow.number)} and #{one_line(flow.number)} …")]]
        # A transcript may grow in place or be dropped from the cache meanwhile: each is read just before it is used.
        before, after = self.transcripts.of(reference.flow), self.transcripts.of(flow)
        answers = compare(answer_pieces(before.answer), answer_pieces(after.answer))
        live = flow.live and flow.hold is None
        known = self._prompts
        if known is None or known[0] is not before.prompt or known[1] is not after.prompt or known[2] != width:
            self._prompts = before.prompt, after.prompt, width
            self._request, self._more = [], True
            size = len(reference.flow.sent.body) + len(flow.sent.body)
            steps = self.transcripts.through(compare_prompts(before.prompt, after.prompt), size)
            self._rest = _request_lines(steps, width)
        self._made()
        heads = [
            self._head("-", "removed", reference.flow, reference.words, width),
            self._head("+", "added", flow, "this one", width),
        ]
        if others := references[place + 1 :] + references[:place]:
            name = others[0].words if others[0].flow is self._before else f"{others[0].words} #{others[0].flow.number}"
            heads.append([("key", "c"), ("muted", f" against {name}  ({place + 1} of {len(references)})")])
        answer = list(diff_lines("answer", answers, width, live=live))
        self._below = answer if reference.is_turn else []
        above = [] if reference.is_turn else answer
        return [*heads, [], *above, *self._request, *([] if self._more else self._below)]

    def _made(self) -> list[Line]:
        """Some more lines of the prompts."""
        made: list[Line] = []
        until = time.perf_counter() + SLICE
        for line in self._rest:
            if isinstance(line, list):
                made.append(line)
            elif line:
                break
            if time.perf_counter() >= until:
                break
        else:
            self._more = False
        self._request += made
        return made

    def _head(self, sign: str, style: str, flow: Flow, words: str, width: int) -> Line:
        """One of the two sides: what it is, and how it went."""
        summary = self.transcripts.summary(flow)
        number = "" if flow is self._before else f"#{flow.number}"
        state = one_line(state_cell(flow, summary).text)
        figures = f"{format.estimate(summary.output_tokens, summary.output_estimated)} out"
        model = clip(one_line(summary.model), max(8, width // 4))
        line: Line = [(style, f"{sign} "), ("bold", f"{number:8}"), (style, f"{words:22}"), ("", f"  {model}")]
        return [*line, ("muted", f"  {state}  {figures}  {format.duration(flow.timing.ended)}")]


def _request_lines(steps: Steps[Sequence[Change]], width: int) -> Iterator[Line | bool]:
    """The lines of the prompts' half. At every pause, whether a thread is waited for."""
    while True:
        try:
            waits = bool(next(steps))
        except StopIteration as end:
            yield from diff_lines("request", end.value, width)
            return
        yield waits


_NOTHING: list[Line] = [
    [("muted", "Nothing to compare this flow with.")],
    [],
    [("muted", "Replay it (r), edit it (e), or mark another (*): the difference stands here.")],
]
