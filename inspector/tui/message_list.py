"""The list of a request's pieces: system, messages and their parts, tools, settings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from inspector.tui.line_pane import LinePane
from inspector.tui.request_editor_pieces import Piece
from inspector.tui.spans import Line
from inspector.tui.text import clip, printable
from inspector.wire.json_path import Path

_TITLES = {"system": "system", "message": "messages", "tool": "tools", "setting": "settings"}
_STYLES = {"user": "key", "assistant": "ok", "tool": "accent", "tool result": "accent"}
_LABEL = 11
"""Cells for the word on the left."""


class MessageList(LinePane):
    """Pieces under a heading for each kind. The cursor stands on pieces only."""

    BINDING_GROUP_TITLE = "Pieces"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,right", "screen.write", "write", id="pieces.edit", tooltip="Change the text of this piece"),
        Binding("i", "screen.insert", "insert", id="pieces.insert", tooltip="Put in a message, a tool or a setting"),
        Binding(
            "c",
            "screen.copy",
            "copy",
            show=False,
            id="pieces.copy",
            tooltip="Put this piece in twice",
        ),
        Binding("delete,D", "screen.delete", "delete", id="pieces.delete", tooltip="Take this piece out"),
        Binding("shift+up,K", "screen.shift(-1)", "move", id="pieces.up", tooltip="Before the one above it"),
        Binding("shift+down,J", "screen.shift(1)", "move", show=False, id="pieces.down", tooltip="Behind the next one"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"pane--edited"}
    DEFAULT_CSS = """
    MessageList {
        background: $background;
        & > .pane--edited { color: $accent; text-style: bold; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: list[Piece | str] = []
        self._changed: Collection[Path] = ()

    class Chosen(Message):
        """The cursor stands on another piece."""

    @property
    def piece(self) -> Piece | None:
        """The piece under the cursor."""
        row = self._rows[self.cursor] if self.cursor < len(self._rows) else None
        return row if isinstance(row, Piece) else None

    def show(self, pieces: Sequence[Piece], at: Path | None = None) -> None:
        """List these pieces, with the cursor on the one at a path, or where it stood."""
        kind = ""
        self._rows = []
        for piece in pieces:
            if piece.kind != kind:
                kind = piece.kind
                number = sum(each.kind == kind and not each.part for each in pieces)
                self._rows.append(f"{_TITLES.get(kind, kind)} {number if number > 1 else ''}".rstrip())
            self._rows.append(piece)
        place = next((index for index, row in enumerate(self._rows) if isinstance(row, Piece) and row.path == at), None)
        self.cursor = self._nearest(self.cursor if place is None else place, 1)
        self.lines_changed()
        if self.size.height:
            self.scroll_line_into_view(self.cursor)

    def mark(self, changed: Collection[Path]) -> None:
        """Mark the pieces in which there is a change."""
        if changed != self._changed:
            self._changed = changed
            self.lines_changed()

    def line_count(self) -> int:
        """Pieces and headings."""
        return len(self._rows)

    def line(self, index: int, width: int) -> Line:
        """One of them."""
        row = self._rows[index]
        if isinstance(row, str):
            rule = max(0, width - cell_len(row) - 3)
            return [("faint", "─ "), ("muted", row), ("faint", f" {'─' * rule}")]
        edge: Line = [("edited", "▌") if self._touched(row) else ("", " ")]
        label = clip(printable(row.label), _LABEL + 8 * (row.kind in ("tool", "setting")))
        style = "muted" if row.part or row.kind == "system" else _STYLES.get(row.label, "key")
        words = clip(row.words, max(0, width - 4 - max(_LABEL, cell_len(label))))
        indent = "  " if row.part else ""
        return [*edge, ("", indent), (style, label.ljust(_LABEL)), ("", " "), ("faint" if row.part else "", words)]

    def set_cursor(self, index: int, *, scroll: bool = True) -> None:
        """Put the cursor on a piece; from a heading it goes on."""
        super().set_cursor(self._nearest(index, 1 if index >= self.cursor else -1), scroll=scroll)
        if self.cursor == 1 and scroll:
            self.scroll_line_into_view(0)

    def cursor_moved(self) -> None:
        """Say so."""
        self.post_message(self.Chosen())

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor there; it need not scroll for that."""
        index = int(self.scroll_offset.y) + event.y
        if index < self.line_count() and isinstance(self._rows[index], Piece):
            self.set_cursor(index, scroll=False)

    def _nearest(self, index: int, step: int) -> int:
        """The piece at a line, or the next one in a direction, or at least the next one in the other."""
        index = max(0, min(index, len(self._rows) - 1))
        for direction in (step, -step):
            at = index
            while 0 <= at < len(self._rows):
                if isinstance(self._rows[at], Piece):
                    return at
                at += direction
        return 0

    def _touched(self, piece: Piece) -> bool:
        size = len(piece.path)
        return any(path[:size] == piece.path or piece.path[: len(path)] == path for path in self._changed)
