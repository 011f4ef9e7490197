"""The list of an answer's parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from inspector.tui.answer_dialog_parts import Said
from inspector.tui.line_pane import LinePane
from inspector.tui.spans import Line
from inspector.tui.text import clip, one_line

_LABELS = {"text": "text", "reasoning": "thoughts"}
_STYLES = {"text": "ok", "reasoning": "muted", "call": "accent"}
_LABEL = 9


class SaidList(LinePane):
    """One line a part."""

    BINDING_GROUP_TITLE = "Parts of the answer"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,right", "screen.write", "write", id="parts.edit", tooltip="Change the text of this part"),
        Binding("delete,D", "screen.delete", "delete", id="parts.delete", tooltip="Take this part out"),
        Binding("shift+up,K", "screen.shift(-1)", "move", id="parts.up", tooltip="Before the one above it"),
        Binding("shift+down,J", "screen.shift(1)", "move", show=False, id="parts.down", tooltip="Behind the next one"),
    ]

    class Chosen(Message):
        """The cursor stands on another part."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._parts: Sequence[Said] = ()

    @property
    def said(self) -> Said | None:
        """The part under the cursor."""
        return self._parts[self.cursor] if self.cursor < len(self._parts) else None

    def show(self, parts: Sequence[Said], at: int) -> None:
        """List these parts, with the cursor on one of them."""
        self._parts = parts
        self.cursor = max(0, min(at, len(parts) - 1))
        self.lines_changed()

    def redraw(self) -> None:
        """The part under the cursor says something else now."""
        self.lines_changed(self.cursor, 1)

    def line_count(self) -> int:
        """As many as there are."""
        return len(self._parts)

    def line(self, index: int, width: int) -> Line:
        """One of them."""
        part = self._parts[index]
        label = _LABELS.get(part.kind) or f"⚙ {one_line(part.name, 40) or '?'}"
        words = one_line(part.text) or "…"
        wrong: Line = [("error", "!")] if part.problem else [("", " ")]
        return [*wrong, (_STYLES[part.kind], clip(label, width // 2).ljust(_LABEL)), ("", " "), ("", words)]

    def cursor_moved(self) -> None:
        """Say so."""
        self.post_message(self.Chosen())
