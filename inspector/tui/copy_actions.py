"""Copying the selected flow: the key of it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from inspector.tui.copy_dialog import Copied, CopyDialog
from inspector.tui.flow_screen import FlowScreen
from inspector.tui.text import printable

CLIPBOARD = 74_994
"""Bytes that xterm takes for its clipboard at most; other terminals, and tmux between, have limits like it."""


class CopyActions(FlowScreen):
    """Acts on the selected flow."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,C", "copy_flow", "copy", id="flow.copy", tooltip="Copy it as curl, Python, Markdown, or a body"),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what does something now."""
        if action == "copy_flow":
            return self.selected is not None
        return super().check_action(action, parameters)

    def action_copy_flow(self) -> None:
        """Ask in which form, and copy it."""
        if self.selected is not None:
            self.app.push_screen(CopyDialog(self.selected), self._copied)

    def _copied(self, copied: Copied | None) -> None:
        if copied is None:
            return
        size = f"{len(copied.data):,} byte{'' if len(copied.data) == 1 else 's'}"
        if copied.path is not None:
            self.notify(printable(f"Wrote {size} to {copied.path}"), markup=False)
            return
        self.app.copy_to_clipboard(copied.data.decode("utf-8", "replace"))
        if remark := _remark(copied.data):
            self.notify(f"Copied {size}, but {remark}: s saves it", severity="warning", markup=False)
        else:
            self.notify(f"Copied as {copied.title}: {size}", markup=False)


def _remark(data: bytes) -> str:
    """What a clipboard may lose of it."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return "it is no text"
    return "many terminals take no more than 75 kB" if len(data) > CLIPBOARD else ""
