"""How the list and the detail share the screen: below each other or side by side, and how much of it each has."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.reactive import reactive
from textual.widgets import Input

from inspector.tui.desk import Desk
from inspector.tui.detail import Detail
from inspector.tui.flow_screen import FlowScreen
from inspector.tui.splitter import Splitter

BESIDE = 240
"""Cells of width from which on the detail stands beside the list, as long as the person did not choose."""
LOW = 12
"""Lines of height below which there is room for the list or the detail, and not for both."""
_SHARES = (0.15, 0.85)


class LayoutActions(FlowScreen):
    """Arranges `#list-pane`, the splitter and the detail within `#body`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "tab", "part(1)", "next part", show=False, id="view.next-part", tooltip="From the list to the tab, and back"
        ),
        Binding(
            "shift+tab", "part(-1)", "part before", show=False, id="view.part-before", tooltip="The other way round"
        ),
        Binding("backslash", "layout", "layout", id="view.layout", tooltip="Detail below the list, or beside it"),
        Binding("left_square_bracket", "grow(-5)", "less list", show=False, id="view.less", tooltip="Smaller list"),
        Binding("right_square_bracket", "grow(5)", "more list", show=False, id="view.more", tooltip="Larger list"),
    ]

    zoomed: reactive[bool] = reactive(False, repaint=False, bindings=True)
    """The detail has the whole screen."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._beside: bool | None = None
        """The person's choice of layout; None while the width decides."""
        self._share = 0.42

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what does something now."""
        if action in ("layout", "grow"):
            return not self.has_class("-empty")
        return super().check_action(action, parameters)

    def on_resize(self) -> None:
        """The width may decide the layout."""
        self.arrange_body()

    def watch_zoomed(self) -> None:
        """Show the detail alone, or beside the list."""
        self.set_class(self.zoomed, "-zoomed")

    @on(Splitter.Dragged)
    def _dragged(self, event: Splitter.Dragged) -> None:
        body = self.query_one("#body").region
        along, length = (event.to.x - body.x, body.width) if self.beside else (event.to.y - body.y, body.height)
        self._set_share((along + 0.5) / max(1, length - 1))

    @property
    def beside(self) -> bool:
        """Whether the detail stands beside the list, and not below it."""
        return self._beside if self._beside is not None else self.size.width >= BESIDE

    def arrange_body(self) -> None:
        """Give each its place."""
        self.set_class(self.beside, "-beside")
        self.set_class(self.size.height < LOW, "-low")
        self.query_one(Splitter).set_class(self.beside, "-upright")
        self._set_share(self._share)

    def _set_share(self, share: float) -> None:
        low, high = _SHARES
        self._share = max(low, min(high, share))
        for widget, part in ((self.query_one("#list-pane"), self._share), (self.query_one(Detail), 1 - self._share)):
            size, full = f"{round(part * 1000)}fr", "100%"
            widget.styles.width, widget.styles.height = (size, full) if self.beside else (full, size)

    def action_part(self, by: int) -> None:
        """Go to the next part that takes keys, but into no field: there they would be text."""
        parts = [widget for widget in self.focus_chain if not isinstance(widget, Input)]
        if parts:
            at = parts.index(self.focused) + by if self.focused in parts else 0
            parts[at % len(parts)].focus()

    def action_layout(self) -> None:
        """Put the detail beside the list, or below it."""
        self.zoomed = False
        self._beside = not self.beside
        self.arrange_body()

    def action_grow(self, percent: int) -> None:
        """Give the list more or less of the room."""
        self._set_share(self._share + percent / 100)
