"""The lines of one HTTP message: first line, headers, and the body as a tree, as text or in hex."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from inspector.tui.body_lines import BodyLines, TextLines, body_lines
from inspector.tui.chat_blocks import size_of
from inspector.tui.decoded_copy import DecodedCopy
from inspector.tui.http_head import HeadRow, Message, head_rows
from inspector.tui.line_pane import LinePane
from inspector.tui.spans import Line
from inspector.tui.text import clip, one_line

FIRST_SLICE = 0.015
"""Seconds that are spent on a body before it is first seen."""
SLICE = 0.006
MOST_COPIED = 1_000_000
"""Characters that are sent to the terminal's clipboard at most."""


class HttpPane(LinePane):
    """Shows a message that may still grow."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "fold", "fold", id="http.fold", tooltip="Fold or unfold the value under the cursor"),
        Binding("z", "fold_all", "fold all", id="http.fold-all", tooltip="Unfold the whole tree, or fold it again"),
        Binding("y", "copy_value", "copy value", id="http.copy-value", tooltip="Copy the value under the cursor"),
        Binding("Y", "copy_path", "copy path", id="http.copy-path", tooltip="Copy the path of that value"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._message: Message | None = None
        self._head: list[HeadRow] = []
        self._copy: DecodedCopy | None = None
        self._body: BodyLines | None = None
        self._waiting: Line = []

    @property
    def busy(self) -> bool:
        """Whether there is more to read of the body."""
        return (self._copy is not None and self._copy.behind) or (self._body is not None and self._body.busy)

    @property
    def body(self) -> BodyLines | None:
        """The lines of the body; None where nothing came yet."""
        return self._body

    def show_message(self, message: Message | None, waiting: str = "") -> None:
        """Show another message, or say what is waited for."""
        self._message, self._body = message, None
        self._waiting = [("muted", waiting)]
        self._copy = DecodedCopy(message.headers, message.body) if message is not None else None
        self._head = head_rows(message, self.width or 80) if message is not None else []
        self._read(FIRST_SLICE)

    def shows(self, message: Message) -> bool:
        """Whether it is this message that is shown, further grown."""
        return self._message is not None and self._message.body is message.body

    def grow_message(self, message: Message) -> None:
        """Show what came since."""
        self._message, before = message, self._head
        self._head = head_rows(message, self.width or 80)
        changed = self._read(SLICE)
        if self._head != before:
            self.grown(0)
        elif changed is not None:
            self.grown(self._body_start + changed)
        self.lines_changed(len(self._head) + 1, 1)

    def line_count(self) -> int:
        """Head, a blank, a line on the body, and the body."""
        return self._body_start + len(self._body or ()) if self._message is not None else 1

    def line(self, index: int, width: int) -> Line:
        """One line of it."""
        if self._message is None:
            return self._waiting
        if index < len(self._head):
            return self._head[index].line
        if index < self._body_start:
            return self._about() if index == len(self._head) + 1 else []
        return self._body.line(index - self._body_start) if self._body is not None else []

    def search_text(self, index: int) -> str:
        """The whole value of a line, also of what is folded or cut in it."""
        if self._body is not None and index >= self._body_start:
            return self._body.search_text(index - self._body_start)
        return super().search_text(index)

    def place(self) -> str:
        """What the cursor is on: a header's name or the path of a value."""
        if self._message is None or self.line_count() == 0:
            return ""
        if self.cursor < len(self._head):
            return self._head[self.cursor].label
        return self._body.path(self.cursor - self._body_start) if self._body is not None and self._in_body else ""

    def on_resize(self) -> None:
        """Wrap anew."""
        width = self.width
        if width and self._message is not None:
            in_body, body_line = self._in_body, self.cursor - self._body_start
            self._head = head_rows(self._message, width)
            if self._body is not None:
                self._body.resize(width)
            wanted = self._body_start + body_line if in_body else self.cursor
            self.cursor = max(0, min(wanted, self.line_count() - 1))
        super().on_resize()

    def on_click(self, event: events.Click) -> None:
        """A second click on the line under the cursor folds or unfolds it, as one on its mark does."""
        index = int(self.scroll_offset.y) + event.y
        again = index == self.cursor
        super().on_click(event)
        if again:
            self.action_fold()

    def action_fold(self) -> None:
        """Fold or unfold the value under the cursor."""
        if self._body is not None and self._in_body and self._body.toggle(self.cursor - self._body_start):
            self._body.advance(SLICE)
            self._fit()

    def action_fold_all(self) -> None:
        """Unfold the whole tree, or fold it again."""
        if self._body is not None and self._body.toggle_all():
            self._body.advance(SLICE)
            self._fit()

    def action_copy_value(self) -> None:
        """Copy the value under the cursor."""
        if self._message is not None and self.cursor < len(self._head):
            self._copied("value", self._head[self.cursor].value)
        elif self._body is not None and self._in_body:
            self._copied("value", self._body.value(self.cursor - self._body_start))

    def action_copy_path(self) -> None:
        """Copy the path of the value under the cursor."""
        if place := self.place():
            self._copied("path", place)

    def _copied(self, what: str, text: str) -> None:
        """Copy it and say so; what no terminal takes is not sent to it."""
        if len(text) > MOST_COPIED:
            words = f"The {what} has {size_of(len(text))}, more than a clipboard takes: C, then s, saves the whole body"
            self.notify(words, severity="warning", markup=False)
            return
        self.app.copy_to_clipboard(text)
        short = clip(one_line(text, 60), 40)
        self.notify(f"Copied the {what}: {short or 'it is empty'}", markup=False)

    @property
    def _body_start(self) -> int:
        return len(self._head) + 2

    @property
    def _in_body(self) -> bool:
        return self._body is not None and 0 <= self.cursor - self._body_start < len(self._body)

    def _fit(self) -> None:
        self.cursor = min(self.cursor, self.line_count() - 1)
        self.lines_changed()
        self.scroll_line_into_view(self.cursor)
        self.cursor_moved()

    def _read(self, seconds: float) -> int | None:
        """Read on; the first line of the body that changed, or None."""
        message, copy = self._message, self._copy
        if message is None or copy is None:
            return None
        copy.read(message.whole)
        whole = message.whole and not copy.behind
        changed = None
        if copy.data and (self._body is None or (whole and isinstance(self._body, TextLines))):
            body = body_lines(copy.data, message.headers.get("content-type").lower(), whole, self.width or 80)
            if type(body) is not type(self._body):
                self._body, changed = body, 0
        if self._body is None:
            return None
        advanced = self._body.advance(seconds)
        return changed if changed is not None else advanced

    def _about(self) -> Line:
        """The line above the body: its size, type and encoding, and whether more comes."""
        message, copy = self._message, self._copy
        if message is None or copy is None:
            return []
        if message.body.lost:
            return [("warning", one_line(message.body.lost))]
        if not len(message.body):
            return [("muted", "no body" if message.whole else "the body has not come yet")]
        kind = one_line(message.headers.get("content-type"))
        size = size_of(len(message.body))
        if copy.encoding:
            size = f"{size} {one_line(copy.encoding)} → {size_of(len(copy.data))}"
        words = ["body", size, kind, "" if message.whole else "growing", "reading…" if self.busy else ""]
        notes = filter(None, (copy.note, self._body.note if self._body is not None else ""))
        note: Line = [("warning", "   " + one_line(" · ".join(notes)))]
        return [("muted", " · ".join(filter(None, words))), *note]
