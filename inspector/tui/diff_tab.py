"""The Diff tab: a flow against its original, against what it was before a change, or a marked one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from inspector.model.flow import Flow
from inspector.model.message import Transcript
from inspector.store.diff import Change, answer_pieces, compare, prompt_pieces
from inspector.store.transcripts import Transcripts
from inspector.tui.diff_lines import diff_lines
from inspector.tui.line_pane import LinePane
from inspector.tui.spans import Line
from inspector.tui.tab import Tab

EVERY = 0.3
"""Seconds between two comparisons of an answer that grows."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What a flow is compared with."""

    words: str
    flow: Flow


class DiffPane(LinePane):
    """The lines of a comparison."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "against", "against", id="diff.against", tooltip="Compare with the next: original, before, marked")
    ]

    def __init__(self, against: Callable[[], None]) -> None:
        super().__init__()
        self.lines: list[Line] = []
        self._against = against

    def line_count(self) -> int:
        """How many lines there are."""
        return len(self.lines)

    def line(self, index: int, width: int) -> Line:
        """One line."""
        return self.lines[index]

    def action_against(self) -> None:
        """Compare with something else."""
        self._against()


class DiffTab(Tab):
    """The Diff tab."""

    tab_id = "diff"
    title = "Diff"

    def __init__(self, transcripts: Transcripts) -> None:
        super().__init__(transcripts)
        self._pane = DiffPane(self._next)
        self._choice: dict[str, str] = {}
        """The id of the flow that each flow was compared with last."""
        self._before: Flow | None = None
        self._prompts: tuple[object, object, list[Change]] | None = None
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
        if time.monotonic() >= self._due and self._draw(flow):
            self._pane.grown(0)

    @property
    def unfinished(self) -> bool:
        """Whether what is drawn is behind what has come; the other flow may have moved, too."""
        return self.flow is not None and self._drawn != self._stamp(self.flow)

    def references(self, flow: Flow) -> list[Reference]:
        """What this flow can be compared with, the likeliest first."""
        found: list[Reference] = []
        if flow.forwarded is not None or flow.delivered is not None:
            found.append(Reference("before it was changed", self._unchanged(flow)))
        parent = self.store.get(flow.parent) if flow.parent else None
        if parent is not None:
            found.insert(0, Reference(f"its original, #{parent.number}", parent))
        marked = [other for other in self.store if other.marked and other is not flow and other is not parent]
        return found + [Reference(f"marked #{other.number}", other) for other in marked]

    def _unchanged(self, flow: Flow) -> Flow:
        """The flow as it would have been: what the client asked, what the upstream answered."""
        before = self._before
        if before is None or before.response is not flow.response or before.end is not flow.end:
            before = self._before = replace(flow, id=f"{flow.id} before", forwarded=None, delivered=None, hold=None)
        before.revision = flow.revision
        return before

    def _reference(self, flow: Flow) -> Reference | None:
        references = self.references(flow)
        chosen = self._choice.get(flow.id)
        return next((each for each in references if each.flow.id == chosen), references[0] if references else None)

    def _next(self) -> None:
        if self.flow is None:
            return
        references = self.references(self.flow)
        now = self._reference(self.flow)
        if now is not None:
            place = references.index(now)
            self._choice[self.flow.id] = references[(place + 1) % len(references)].flow.id
            self._draw(self.flow)
            self._pane.grown(0)

    def _stamp(self, flow: Flow) -> tuple[object, ...]:
        reference = self._reference(flow)
        return flow.revision, reference and (reference.flow.id, reference.flow.revision), self._pane.width

    def _draw(self, flow: Flow) -> bool:
        """Compare, unless nothing moved."""
        stamp = self._stamp(flow)
        if stamp == self._drawn:
            return False
        self._drawn, self._due = stamp, time.monotonic() + EVERY
        reference = self._reference(flow)
        self._pane.lines = _NOTHING if reference is None else self._compared(flow, reference)
        return True

    def _compared(self, flow: Flow, reference: Reference) -> list[Line]:
        width = self._pane.width or 80
        # A transcript may grow in place or be dropped from the cache meanwhile: each is read just before it is used.
        before = self.transcripts.of(reference.flow)
        after = self.transcripts.of(flow)
        more = len(self.references(flow)) - 1
        words = f"#{flow.number} against {reference.words}"
        head: Line = [
            ("accent", words),
            ("muted", f"   c: against {more} other{'' if more == 1 else 's'}" if more else ""),
        ]
        answers = compare(answer_pieces(before.answer), answer_pieces(after.answer))
        return [
            head,
            [],
            *diff_lines("answer", answers, width),
            *diff_lines("request", self._compared_prompts(before, after), width),
        ]

    def _compared_prompts(self, before: Transcript, after: Transcript) -> list[Change]:
        if self._prompts is None or self._prompts[0] is not before.prompt or self._prompts[1] is not after.prompt:
            changes = compare(prompt_pieces(before.prompt), prompt_pieces(after.prompt))
            self._prompts = before.prompt, after.prompt, changes
        return self._prompts[2]


_NOTHING: list[Line] = [
    [("muted", "Nothing to compare this flow with.")],
    [],
    [("muted", "Replay it (r), edit it (e), or mark another flow (*), and the difference stands here.")],
]
