"""The held view: it takes the place of the open tab while an answer stands still, and grows while upstream writes."""

from __future__ import annotations

import time
from typing import ClassVar

from inspector.model.flow import Flow
from inspector.proxy.held import Held, Waiting
from inspector.store.transcripts import Transcripts
from inspector.tui.held_draft import AnswerDraft
from inspector.tui.held_lines import HeldLines, Spot, SpottedLine, where
from inspector.tui.line_pane import LinePane
from inspector.tui.spans import Line
from inspector.tui.text_editor import Drafts

AIRY = 16
"""Lines of height from which on there is an empty one at the top."""
EVERY = 0.2
"""Seconds from one look at a held answer to the next, while it grows."""


class ChangePane(LinePane):
    """Lines that tell what is held, and what is changed."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"pane--{name}" for name in ("held", "edited", "gone", "come", "gone-word", "come-word")
    }
    DEFAULT_CSS = """
    ChangePane {
        & > .pane--held { color: $warning; }
        & > .pane--edited { color: $accent; text-style: bold; }
        & > .pane--gone { color: $error; }
        & > .pane--come { color: $success; }
        & > .pane--gone-word { background: $error; color: $background; }
        & > .pane--come-word { background: $success; color: $background; }
    }
    """


class HeldPane(ChangePane):
    """A held answer. The cursor says which part or event is meant."""

    BINDING_GROUP_TITLE = "Held answer"

    def __init__(self, transcripts: Transcripts, drafts: Drafts[AnswerDraft], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._transcripts = transcripts
        self._drafts = drafts
        self._laid_out = HeldLines()
        self._lines: list[SpottedLine] = []
        self._held: Held | None = None
        self._seen: tuple[object, ...] = ()
        self._due = 0.0
        self.where = ""
        """Where the answer stands, in words; empty where the moment of the hold says as much."""

    def line_count(self) -> int:
        """How many lines there are."""
        return len(self._lines)

    def line(self, index: int, width: int) -> Line:
        """One of them."""
        return self._lines[index][0]

    @property
    def spot(self) -> Spot | None:
        """What the cursor stands on."""
        return self._lines[self.cursor][1] if self.cursor < len(self._lines) else None

    def show(self, held: Held | None) -> None:
        """Show another held answer; None shows nothing."""
        if self._held is not None:
            self.leave(self._held.flow.id)
        self._held = held
        self._seen = ()
        self.where = ""
        if held is not None:
            self._lay_out(held)
            self.enter(held.flow.id, at_end=False)
            if self.cursor == 0:
                self.set_cursor(self._first_open())

    def pull(self) -> None:
        """Show what is new, from time to time."""
        if self._held is not None and time.monotonic() >= self._due:
            self._due = time.monotonic() + EVERY
            if self._lay_out(self._held):
                self.grown(0)
        self.search_on(EVERY / 30)

    def on_resize(self) -> None:
        """Everything is laid out for its width."""
        if self._held is not None and self._lay_out(self._held):
            self.grown(0)
        super().on_resize()

    def _lay_out(self, held: Held) -> bool:
        """Make the lines; whether they are other ones now."""
        draft = self._drafts.get(held.flow.id)
        stamp = (held.flow.revision, self.width, self.size.height >= AIRY, draft and draft.changed)
        if stamp == self._seen or held.stream is None:
            return False
        self._seen = stamp
        waiting = list(held.stream.waiting)
        draft = followed(draft or AnswerDraft(), held, waiting, self._transcripts)
        self.where = where(draft, waiting)
        spot = self.spot
        air: list[SpottedLine] = [([], None)] if self.size.height >= AIRY else []
        self._lines = air + self._laid_out.all(draft, waiting, self.width or 80)
        if spot is not None and self.spot != spot:
            places = (index for index, (_, each) in enumerate(self._lines) if each == spot)
            self.cursor = next(places, self.cursor)
        return True

    def _first_open(self) -> int:
        """The first line of what the agent does not have: what one came to see."""
        return next((index for index, (line, _) in enumerate(self._lines) if any(n == "held" for n, _ in line)), 0)


def followed(draft: AnswerDraft, held: Held, waiting: list[Waiting], transcripts: Transcripts) -> AnswerDraft:
    """The draft, brought to where the answer stands now."""
    assert held.stream is not None
    written = transcripts.of(held.flow).answer.message
    done = held.flow.hold is None or held.flow.hold.upstream_done
    parts = [each.part for each in waiting]
    draft.follow(written, held.stream.delivered.answer.message, parts, done)
    return draft


def new_draft(flow: Flow) -> AnswerDraft:
    """A draft in which nothing is changed yet."""
    return AnswerDraft(prefix="toolu_" if flow.dialect.startswith("anthropic") else "call_")
