"""Every event of the response as it came, and the bytes of the one under the cursor."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult

from inspector.model.flow import Flow
from inspector.store.transcripts import Transcripts
from inspector.tui.body_lines import hex_line, looks_binary
from inspector.tui.chat_blocks import size_of
from inspector.tui.covered import CoveredContainer
from inspector.tui.event_rows import EventRows, Row, bracket, row_line, when
from inspector.tui.line_pane import LinePane
from inspector.tui.spans import Line, json_line
from inspector.tui.tab import Tab
from inspector.tui.text import lines, one_line

FIRST_SLICE = 0.03
"""Seconds that are spent on a long stream before it is first seen."""
SLICE = 0.006
RAW_LIMIT = 64 * 1024
"""Bytes of one event that are shown."""
BESIDE = 130
"""Cells from which on the bytes stand beside the events, and not below."""
LOWEST = 8
"""Lines below which only the events are shown."""


class EventPane(LinePane):
    """The events, a line each."""

    def __init__(self) -> None:
        super().__init__()
        self.events: EventRows | None = None

    def line_count(self) -> int:
        """How many were read."""
        return max(1, len(self.events.rows)) if self.events is not None else 1

    def line(self, index: int, width: int) -> Line:
        """One event."""
        if self.events is None or not self.events.rows:
            return [("muted", "nothing came yet")]
        return row_line(self.events.rows[index], width, bracket(self.events.rows, index))

    def search_text(self, index: int) -> str:
        """The whole event."""
        if self.events is None or index >= len(self.events.rows):
            return ""
        row = self.events.rows[index]
        return f"{row.name} {row.data.decode('utf-8', 'replace')}"

    @property
    def row(self) -> Row | None:
        """The event under the cursor."""
        rows = self.events.rows if self.events is not None else []
        return rows[self.cursor] if self.cursor < len(rows) else None


class RawPane(LinePane):
    """The bytes of one event."""

    def __init__(self) -> None:
        super().__init__()
        self._row: Row | None = None
        self._raw = b""
        self._when = ""
        self._lines: list[Line] = []

    def show_event(self, row: Row | None, raw: bytes, when: str) -> None:
        """Show another event; `raw` is what stood in the body, framing included, `when` how it came, in words."""
        if row != self._row or raw != self._raw or when != self._when:
            self._row, self._raw, self._when = row, raw, when
            self._lines = self._wrapped()
            self.cursor = 0
            self.lines_changed()
            self.scroll_to(y=0, animate=False, force=True)

    def line_count(self) -> int:
        """How many lines it has."""
        return len(self._lines)

    def line(self, index: int, width: int) -> Line:
        """One of them."""
        return self._lines[index]

    def on_resize(self) -> None:
        """Wrap anew."""
        self._lines = self._wrapped()
        super().on_resize()

    def _wrapped(self) -> list[Line]:
        row = self._row
        if row is None or not self.width:
            return []
        span = f"bytes {row.start}–{row.end}"
        result: list[Line] = [
            [("bold", f"{row.kind} {row.number}"), ("muted", f" · {span} · {size_of(len(self._raw))}")],
            [("muted", self._when)],
        ]
        shown = self._raw[:RAW_LIMIT]
        if looks_binary(bytearray(shown)):
            result += [hex_line(shown[at : at + 16], at) for at in range(0, len(shown), 16)]
        else:
            result += [json_line(line) for line in lines(shown.decode("utf-8", "replace").rstrip("\r\n"), self.width)]
        if len(self._raw) > RAW_LIMIT:
            result.append([("muted", one_line(f"… the first {size_of(RAW_LIMIT)} of {size_of(len(self._raw))}"))])
        return result


class StreamTab(Tab):
    """The Stream tab."""

    tab_id = "stream"
    title = "Stream"
    reads = False
    DEFAULT_CSS = """
    StreamTab {
        & > Container { layout: vertical; height: 1fr; }
        & EventPane { height: 2fr; }
        & RawPane { height: 1fr; border-top: solid $border; }
        &.-beside > Container { layout: horizontal; }
        &.-beside EventPane { width: 3fr; height: 100%; }
        &.-beside RawPane { width: 2fr; height: 100%; border-top: none; border-left: solid $border; padding-left: 1; }
        &.-low RawPane { display: none; }
    }
    """

    def __init__(self, transcripts: Transcripts) -> None:
        super().__init__(transcripts)
        self._pane = EventPane()
        self._raw = RawPane()

    @property
    def pane(self) -> EventPane:
        """The events."""
        return self._pane

    @property
    def unfinished(self) -> bool:
        """Whether there are events that were not read yet."""
        return self._pane.events is not None and self._pane.events.busy

    def compose(self) -> ComposeResult:
        """The events, and the bytes of one."""
        with CoveredContainer():
            yield self._pane
            yield self._raw

    def on_resize(self) -> None:
        """The bytes stand where there is room."""
        self.set_class(self.size.width >= BESIDE, "-beside")
        self.set_class(self.size.height < LOWEST, "-low")

    def open(self, flow: Flow) -> None:
        """Show another stream: a live one at its end, another at its beginning."""
        self._pane.events = EventRows(flow, flow.response) if flow.response is not None else None
        if self._pane.events is not None:
            self._pane.events.advance(FIRST_SLICE)
        self._pane.enter(flow.id, at_end=flow.live)

    def grow(self, flow: Flow) -> None:
        """Show the events that came."""
        if self._pane.events is None:
            self.open(flow)
            return
        first = self._pane.events.advance(SLICE)
        if first is not None:
            self._pane.grown(max(0, first - 1))  # the row before may belong to a burst now

    @on(LinePane.CursorMoved)
    def _moved(self) -> None:
        row, events = self._pane.row, self._pane.events
        raw = bytes(events.copy.data[row.start : row.end]) if row is not None and events is not None else b""
        words = when(events.rows, self._pane.cursor) if row is not None and events is not None else ""
        self._raw.show_event(row, raw, words)
