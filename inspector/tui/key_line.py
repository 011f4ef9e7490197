"""The last line of a screen: the keys that do something now, as many of them as there is room for."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

KEPT = ("help",)
"""Actions that lead to all others: they have room before any, as what leaves a part of the screen has."""
LATER = ("filter", "rules", "hold_next", "copy_flow", "export", "search", "search_flow", "layout")
"""Actions that stand behind those which depend on the flow and on the focus, in this order."""
_TYPED = {"slash": "/", "backslash": "\\"}
"""Keys that Textual offers though the focused field takes them as text: it knows no character by these names."""
_PADDING = 3
"""Cells beside a key and its word."""


class KeyLine(Footer):
    """A footer that leaves out whole keys where the line is short, and never the way to the others."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, show_command_palette=False)
        self._width = 0
        self._shown: object = None
        """What decides which keys are shown, as it was when they were laid out."""

    def compose(self) -> ComposeResult:
        """The keys that have room, in their order."""
        found = list(super().compose())
        keys = [widget for widget in found if isinstance(widget, FooterKey) and not self._is_typed(widget.key)]
        self._width = self.size.width
        yield from (widget for widget in found if not isinstance(widget, FooterKey))
        yield from fitting(sorted(keys, key=_place), self._width)

    async def recompose(self) -> None:
        """Lay the keys out anew, where others are offered now: it takes longer than all else on a screen."""
        if not self.is_attached:
            return
        active = self.screen.active_bindings.values()
        offered = [(binding, enabled) for _, binding, enabled, _ in active if binding.show]
        shown = (self._bindings_ready, self.size.width, self.screen.focused, offered)
        if shown != self._shown:
            self._shown = shown
            await super().recompose()

    def _is_typed(self, key: str) -> bool:
        focused = self.screen.focused
        return focused is not None and key in _TYPED and focused.check_consume_key(key, _TYPED[key])

    async def on_resize(self, event: events.Resize) -> None:
        """Another width has room for other keys."""
        if event.size.width != self._width:
            await self.recompose()


def fitting(keys: Sequence[FooterKey], width: int) -> list[Widget]:
    """Those of the keys that fit into so many cells: first those that are kept, then one by one."""
    room, shown = width, set[FooterKey]()
    for key in sorted(keys, key=lambda key: not _is_kept(key)):
        cells = cell_len(key.key_display) + cell_len(key.description) + _PADDING
        if cells <= room:
            shown.add(key)
            room -= cells
    return [key for key in keys if key in shown]


def _is_kept(key: FooterKey) -> bool:
    return key.key == "escape" or key.action.removeprefix("app.") in KEPT


def _place(key: FooterKey) -> int:
    """Where it stands: the focused part's and the flow's first, the program's last."""
    if key.action in LATER:
        return 1 + LATER.index(key.action)
    return 1 + len(LATER) if key.action.removeprefix("app.") in (*KEPT, "command_palette", "quit") else 0
