"""Stopping flows, stepping through them, and letting them go: the keys of it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from inspector.tui.flow_screen import FlowScreen


class HoldActions(FlowScreen):
    """Acts on the selected flow, and on the next ones."""

    BINDINGS: ClassVar[list[BindingType]] = []
