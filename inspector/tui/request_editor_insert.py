"""A menu over a screen: one of several things is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static

from inspector.tui.text import one_line


class InsertMenu(ModalScreen[int | None]):
    """Gives back the index of what was chosen to be put in."""

    BINDING_GROUP_TITLE = "Insert"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "leave", id="insert.leave", tooltip="Put nothing in"),
    ]

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__()
        self._labels = labels

    def compose(self) -> ComposeResult:
        """A heading and the choices."""
        with Vertical(id="insert"):
            yield Static("Insert", id="insert-title", markup=False)
            yield OptionList(*(Content(one_line(label)) for label in self._labels), compact=True, markup=False)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_index)
