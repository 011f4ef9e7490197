"""What stands in the list's place before the first flow: how each agent is pointed here, ready to copy."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.strip import Strip

from inspector.model.pointing import AGENTS, Agent, arguments_for, variables_for
from inspector.tui.line_view import LineView
from inspector.tui.text import clip, printable


@dataclass(frozen=True, slots=True)
class Pointer:
    """How one agent is sent here."""

    agent: str
    line: str
    """A line for a POSIX shell."""


def pointers(address: str) -> tuple[Pointer, ...]:
    """The lines for a proxy at `address` (host and port)."""
    return tuple(Pointer(agent.title, _line(agent, f"http://{address}")) for agent in AGENTS)


def _line(agent: Agent, url: str) -> str:
    if agent.arguments:
        return shlex.join([agent.name, *arguments_for(agent, url)])
    first, *_ = variables_for(agent, url, {}, at_home=False).items()
    return f"export {first[0]}={shlex.quote(first[1])}"


_NAME = 16
"""Cells of an agent's name."""


class Welcome(LineView):
    """Lists the lines; the one under the cursor can be copied."""

    BINDING_GROUP_TITLE = "Start"
    HELP = "Point an agent at this address: copy its line into the shell from which you start the agent."
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "welcome--title",
        "welcome--text",
        "welcome--muted",
        "welcome--line",
        "welcome--cursor",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,y", "copy", "copy", id="welcome.copy", tooltip="Copy the line to the clipboard"),
        Binding("j,down", "move(1)", "down", show=False, id="welcome.down", tooltip="Next line"),
        Binding("k,up", "move(-1)", "up", show=False, id="welcome.up", tooltip="Previous line"),
    ]

    def __init__(self, address: str | None, title: str = "", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._pointers = pointers(address) if address else ()
        self._top = self._introduction(address, title)
        self._cursor = 0
        self._cut: list[tuple[int, str]] = []
        """The pieces of the agents' lines that fit the width, each with the number of its agent."""
        self._cut_width = 0

    @staticmethod
    def _introduction(address: str | None, title: str) -> list[tuple[str, str]]:
        if address is None:
            return [("", "text"), (f"{title or 'This file'} holds no flows.", "title")]
        port = address.rpartition(":")[2]
        return [
            ("", "text"),
            (f"Listening on http://{address}", "title"),
            ("Start an agent with its line below, and its requests appear here.", "text"),
            (f'Or: eval "$(inspector env AGENT --port {port})"; next time: inspector run -- AGENT', "muted"),
            ("", "text"),
        ]

    def line_count(self) -> int:
        """The introduction, and a line for each agent."""
        return len(self._top) + len(self._pieces(self.width))

    def draw_line(self, index: int, width: int) -> Strip:
        """A line of the introduction, or an agent with its line to copy."""
        if index < len(self._top):
            text, tone = self._top[index]
            style = self.get_component_rich_style(f"welcome--{tone}", partial=True)
            return Strip([Segment(clip("  " + printable(text), width), style)])
        pieces = self._pieces(width)
        row = index - len(self._top)
        number, piece = pieces[row]
        first = row == 0 or pieces[row - 1][0] != number
        here = number == self._cursor and self.has_focus
        cursor, name, line = (
            self.get_component_rich_style(f"welcome--{tone}", partial=True)
            for tone in ("cursor", "title" if here else "muted", "line")
        )
        return Strip(
            [
                Segment("▌ " if here else "  ", cursor),
                Segment((self._pointers[number].agent if first else "").ljust(_NAME), name),
                Segment(piece, line),
            ]
        )

    def _pieces(self, width: int) -> list[tuple[int, str]]:
        """Long lines are cut and not clipped, so that they can also be copied with the terminal's own means."""
        if width != self._cut_width:
            self._cut_width, room = width, max(20, width - _NAME - 2)
            self._cut = [
                (number, pointer.line[start : start + room])
                for number, pointer in enumerate(self._pointers)
                for start in range(0, len(pointer.line), room)
            ]
        return self._cut

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        if self._pointers:
            self._cursor = max(0, min(self._cursor + by, len(self._pointers) - 1))
            self.lines_changed()
            row = next(row for row, (number, _) in enumerate(self._pieces(self.width)) if number == self._cursor)
            self.scroll_line_into_view(len(self._top) + row)

    def action_copy(self) -> None:
        """Copy the line under the cursor."""
        if self._pointers:
            pointer = self._pointers[self._cursor]
            self.app.copy_to_clipboard(pointer.line)
            self.notify(f"Copied the line for {pointer.agent}.", markup=False)

    def on_click(self, event: events.Click) -> None:
        """A click copies the line under it."""
        row = event.y + int(self.scroll_offset.y) - len(self._top)
        pieces = self._pieces(self.width)
        if 0 <= row < len(pieces):
            self._cursor = pieces[row][0]
            self.lines_changed()
            self.action_copy()

    def on_focus(self) -> None:
        """Show the cursor."""
        self.lines_changed()

    def on_blur(self) -> None:
        """Hide the cursor."""
        self.lines_changed()
