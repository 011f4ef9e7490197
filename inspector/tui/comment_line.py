"""The lines below the tabs that say what the person wrote on the flow."""

from __future__ import annotations

from typing import ClassVar

from textual.content import Content
from textual.widgets import Static

from inspector.model.flow import Flow
from inspector.tui.text import one_line

_SHOWN = 1000
"""Characters of a comment that are read, though a file may have more."""


class CommentLine(Static):
    """Shows a comment as far as three lines hold it; nothing where there is none."""

    DEFAULT_CSS: ClassVar[str] = """
    CommentLine { display: none; height: auto; max-height: 3; padding: 0 1; background: $surface; color: $foreground; }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._comment = ""

    def show(self, flow: Flow | None) -> None:
        """Say what stands on this flow; draws only where that is new."""
        comment = flow.comment if flow is not None else ""
        if comment != self._comment:
            self._comment = comment
            self.display = bool(comment)
            self.update(Content.assemble(("; ", "$secondary bold"), one_line(comment, _SHOWN)))
