"""Editing what is held, and answering it by hand: the keys of it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from inspector.tui.flow_screen import FlowScreen


class EditActions(FlowScreen):
    """Acts on the selected flow, where it is held."""

    BINDINGS: ClassVar[list[BindingType]] = []
