"""Draws the rows of the list: flows and headings, as far as they were read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from inspector.model.flow import Flow
from inspector.store.summary import Summary
from inspector.store.view import LaneHead, View
from inspector.store.watch import Watched
from inspector.tui import rows
from inspector.tui.columns import Column, fit, watched_column
from inspector.tui.lane_rows import heading, leads
from inspector.tui.rows import Cell, Tone
from inspector.tui.text import one_line
from inspector.tui.watch_cells import shown

KEPT = 4096
"""Flows whose watched values are kept."""

Styles = Mapping[Tone, Style]


class RowPainter:
    """Knows what columns there are. Drawing reads nothing; `read` does, when there is time for it."""

    def __init__(self, view: View, clock: Callable[[], float], watched: tuple[Watched, ...] = ()) -> None:
        self.watched = watched
        """What has a column because the person wants it; set by `watch`."""
        self._view = view
        self._clock = clock
        self._of_tokens = False
        """Whether a flow was seen whose tokens' probabilities are known: only then have they columns."""
        self._of_sessions = False
        """The same for flows of sessions with given names."""
        self._layout: tuple[bool, tuple[Column, ...], bool] = (False, (), False)
        self._values: dict[Flow, tuple[Summary, tuple[str, ...]]] = {}
        self._widths: dict[str, int] = {}
        self.renew()

    def renew(self) -> bool:
        """Take in what the rows drawn and read so far ask for. Where it is true, all are to be drawn anew."""
        watched = tuple(watched_column(each, self._widths.get(each.key, 0)) for each in self.watched)
        layout = self._of_tokens, watched, self._of_sessions
        before, self._layout = self._layout, layout
        return layout != before

    def columns(self, width: int) -> tuple[Column, ...]:
        """The columns of a line of `width` cells."""
        return fit(width, *self._layout)

    def watch(self, watched: tuple[Watched, ...]) -> None:
        """Give these expressions columns."""
        self.watched = watched
        self._values.clear()
        self._widths.clear()

    def read(self, flow: Flow) -> None:
        """Read what the row of a flow says."""
        summary = self._view.summary(flow)
        if self.watched and not self._knows(flow, summary):
            values = tuple(one_line(shown(each, flow, self._view.known)) for each in self.watched)
            if len(self._values) >= KEPT:
                self._values.clear()
            self._values[flow] = summary, values
            for each, value in zip(self.watched, values, strict=True):
                self._widths[each.key] = max(self._widths.get(each.key, 0), cell_len(value))

    def flow(self, flow: Flow, width: int, styles: Styles) -> tuple[list[Segment], bool]:
        """The row of a flow, and whether it says what is so now."""
        summary, holds = self._view.latest(flow)
        self._of_sessions |= bool(flow.session)
        if summary is not None:
            self._of_tokens |= summary.mean_probability is not None
            holds &= not self.watched or self._knows(flow, summary)
        row = rows.cells(flow, summary or Summary(), self._clock(), leads(flow, self._view.known.place))
        values = self._values[flow][1] if flow in self._values else ("",) * len(self.watched)
        row.update((f"watch {each.key}", Cell(value)) for each, value in zip(self.watched, values, strict=True))
        return rows.draw(self.columns(width), row, styles, width), holds

    def head(self, head: LaneHead, width: int, styles: Styles, flow: Flow | None) -> list[Segment]:
        """The row of a heading; with `flow` the cursor stands on it, and it stands for that flow."""
        return [Segment(text, styles[cast(Tone, tone)]) for tone, text in heading(head, width, flow)]

    def _knows(self, flow: Flow, summary: Summary) -> bool:
        """Whether the watched values of a flow were read when this summary was."""
        known = self._values.get(flow)
        return known is not None and known[0] is summary
