"""The key that writes on a flow."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from inspector.tui.comment_dialog import CommentDialog
from inspector.tui.flow_screen import FlowScreen


class CommentActions(FlowScreen):
    """Asks for a comment on the selected flow."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("semicolon", "comment", "comment", show=False, id="flow.comment", tooltip="Write a line on this flow"),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what does something now."""
        if action == "comment":
            return self.selected is not None
        return super().check_action(action, parameters)

    def action_comment(self) -> None:
        """Ask what is to stand on the flow."""
        if (flow := self.selected) is None:
            return

        def written(comment: str | None) -> None:
            if comment is not None:
                flow.comment = comment
                self.desk.store.touch(flow)

        self.app.push_screen(CommentDialog(flow), written)
