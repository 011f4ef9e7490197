"""The thin line between two panes, which the mouse can drag."""

from __future__ import annotations

from dataclasses import dataclass

from rich.segment import Segment
from textual import events
from textual.geometry import Offset
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget


class Splitter(Widget):
    """Draws a line along its longer side, and says where it is dragged to."""

    DEFAULT_CSS = """
    Splitter { height: 1; width: 1fr; color: $border; pointer: ns-resize; }
    Splitter.-upright { height: 1fr; width: 1; pointer: ew-resize; }
    Splitter:hover, Splitter.-dragged { color: $primary; }
    """

    @dataclass
    class Dragged(Message):
        """The mouse pulls the line to this place on the screen, in cells."""

        to: Offset

    def render_line(self, y: int) -> Strip:
        """Textual's Line API: a piece of the line."""
        mark = "│" if self.has_class("-upright") else "─"
        return Strip([Segment(mark * self.size.width, self.rich_style)])

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the line."""
        event.stop()
        self.capture_mouse()
        self.add_class("-dragged")

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let go of it."""
        event.stop()
        self.release_mouse()
        self.remove_class("-dragged")

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Pull it along."""
        if self.has_class("-dragged"):
            event.stop()
            self.post_message(self.Dragged(event.screen_offset))
