"""Leaving while flows are held: their clients are waiting for an answer, one way or the other."""

from __future__ import annotations

from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

Leave = Literal["release", "drop"]
"""What becomes of the held flows."""


class QuitDialog(ModalScreen[Leave | None]):
    """Asks whether to release or drop what is held; gives back None where the person stays."""

    BINDING_GROUP_TITLE = "Leave"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "dismiss('release')", "release", id="quit.release", tooltip="Let them go on, then leave"),
        Binding("d", "dismiss('drop')", "drop", id="quit.drop", tooltip="Close their connections, and leave"),
        Binding("escape,s", "dismiss(None)", "stay", id="quit.stay", tooltip="Stay here"),
        Binding("left", "app.focus_previous", show=False, id="quit.left", tooltip="To the button before"),
        Binding("right", "app.focus_next", show=False, id="quit.right", tooltip="To the next button"),
    ]

    def __init__(self, held: int) -> None:
        super().__init__()
        self._held = held

    def compose(self) -> ComposeResult:
        """The question and its three answers."""
        one = self._held == 1
        with Vertical(id="quit"):
            yield Static(f"{self._held} flow{' is' if one else 's are'} held", id="quit-title", markup=False)
            words = f"{'Its client is' if one else 'Their clients are'} waiting for an answer."
            yield Static(words, id="quit-words", markup=False)
            with Horizontal(id="quit-buttons"):
                yield Button("r release", variant="primary", id="quit-release", compact=True)
                yield Button("d drop", variant="error", id="quit-drop", compact=True)
                yield Button("esc stay", id="quit-stay", compact=True)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        answers: dict[str | None, Leave] = {"quit-release": "release", "quit-drop": "drop"}
        self.dismiss(answers.get(event.button.id))
