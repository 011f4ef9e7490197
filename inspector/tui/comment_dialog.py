"""The `;` key: a line of the person's own on a flow."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from inspector.model.flow import Flow
from inspector.tui.text import one_line, printable

LONGEST = 1000
"""Characters that a comment may have."""
_HINT = "The list and the detail show it, comment:WORD finds it, and exports have it. Empty: no comment."


class CommentDialog(ModalScreen[str | None]):
    """Gives back what shall stand on the flow, empty for nothing; None where what stands there stays."""

    BINDING_GROUP_TITLE = "Comment"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "cancel", id="comment.cancel", tooltip="Leave the comment as it was"),
    ]
    DEFAULT_CSS = """
    #comment {
        width: 72; max-width: 100%; height: auto; max-height: 100%; padding: 1 2;
        background: $surface; border: round $border;
        & #comment-title { text-style: bold; margin-bottom: 1; }
        & #comment-text { background: $panel; }
        & #comment-text > .input--placeholder { color: $foreground-disabled; }
        & #comment-hint { color: $foreground-muted; margin: 1 0; height: auto; }
        & #comment-buttons { height: 1; align-horizontal: right; }
        & #comment-buttons Button { margin-left: 2; }
    }
    """

    def __init__(self, flow: Flow) -> None:
        super().__init__()
        self._number = flow.number
        self._before = flow.comment
        self._shown = printable(flow.comment[:LONGEST])

    def compose(self) -> ComposeResult:
        """The line, what becomes of it, and two buttons."""
        with Vertical(id="comment"):
            yield Static(one_line(f"Comment on flow {self._number}"), id="comment-title", markup=False)
            yield Input(
                self._shown,
                placeholder="what you want to remember of it",
                max_length=LONGEST,
                select_on_focus=False,
                compact=True,
                id="comment-text",
            )
            yield Static(_HINT, id="comment-hint", markup=False)
            with Horizontal(id="comment-buttons"):
                yield Button("Keep", variant="primary", id="comment-go", compact=True)
                yield Button("Cancel", id="comment-stop", compact=True)

    def on_mount(self) -> None:
        """Type at once, behind what stands there."""
        text = self.query_one(Input)
        text.focus()
        # Before it is laid out, it cannot know how far it has to scroll.
        text.cursor_position = 0
        self.call_after_refresh(text.action_end)

    @on(Input.Submitted)
    @on(Button.Pressed, "#comment-go")
    def _keep(self) -> None:
        text = self.query_one(Input).value
        self.dismiss(None if text == self._shown else " ".join(text.split()))

    @on(Button.Pressed, "#comment-stop")
    def _stop(self) -> None:
        self.dismiss(None)
