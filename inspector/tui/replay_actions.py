"""Sending flows again, marking and comparing them: the keys of it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from inspector.tui.flow_screen import FlowScreen


class ReplayActions(FlowScreen):
    """Acts on the selected flow and the marked ones."""

    BINDINGS: ClassVar[list[BindingType]] = []
