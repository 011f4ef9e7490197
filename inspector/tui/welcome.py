"""What stands in the list's place before the first flow: how each agent is pointed here, ready to copy."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.strip import Strip

from inspector.formats.key_variables import is_local
from inspector.model.pointing import AGENTS, Agent, arguments_for, base_url, variables_for
from inspector.tui.desk import Desk
from inspector.tui.format import at_home
from inspector.tui.line_view import LineView
from inspector.tui.text import clip, printable


@dataclass(frozen=True, slots=True)
class Place:
    """Where agents find us, and what they must bring."""

    address: str
    """Host and port, as they are listened on."""
    token: bool = False
    """Whether a token is asked for."""
    token_file: Path | None = None
    """Where it lies; None where it came from the environment."""
    kept: Path | None = None
    """The session that is kept."""

    @classmethod
    def of(cls, desk: Desk, address: str) -> Place:
        """That of a listener at a desk."""
        config = desk.server.config if desk.server is not None else None
        token, file = (config.token is not None, config.token_file) if config is not None else (False, None)
        return cls(address, token, file, desk.session.path if desk.session is not None else None)

    @property
    def host(self) -> str:
        """What is listened on."""
        return self.address.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """And its port."""
        return int(self.address.rpartition(":")[2])

    @property
    def token_words(self) -> str:
        """How a shell says the token: it is on no screen, in no picture of one, and in no history of commands."""
        return f'"$(cat {shlex.quote(str(self.token_file.absolute()))})"' if self.token_file else '"$INSPECTOR_TOKEN"'


@dataclass(frozen=True, slots=True)
class Pointer:
    """How one agent is sent here."""

    agent: str
    line: str
    """A line for a POSIX shell; for an agent that would get the token on its command line, one for its settings."""


_TOKEN = "TOKEN-GOES-HERE"


def pointers(place: Place) -> tuple[Pointer, ...]:
    """The lines for an agent on this machine."""
    url = base_url(place.host, place.port, _TOKEN if place.token else None)
    return tuple(Pointer(agent.title, _line(agent, url, place)) for agent in AGENTS)


def _line(agent: Agent, url: str, place: Place) -> str:
    if not agent.arguments:
        first, *_ = variables_for(agent, url, {}, at_home=False).items()
        return f"export {first[0]}={_quoted(first[1], place)}"
    if place.token:
        # Its command line can be read by everyone on this machine.
        return f"# in its settings: {arguments_for(agent, url)[-1].replace(_TOKEN, 'TOKEN')}"
    return shlex.join([agent.name, *arguments_for(agent, url)])


def _quoted(value: str, place: Place) -> str:
    """A value for a shell, which itself puts the token in."""
    parts = (shlex.quote(part) if part else "" for part in value.split(_TOKEN))
    return place.token_words.join(parts)


Told = list[tuple[str, str]]
"""Lines, each with its tone."""


def _nothing(title: str) -> Told:
    return [("", "text"), (f"{title or 'This file'} holds no flows.", "title")]


def _introduction(place: Place) -> Told:
    everywhere = place.host in ("0.0.0.0", "::", "")
    token_file = f" --token-file {shlex.quote(str(place.token_file.absolute()))}" if place.token_file else ""
    told: Told = [("", "text")]
    told.append((f"Listening on http://{place.address}{' – every address of this machine' * everywhere}", "title"))
    told.append(("Start an agent with its line below, and its requests appear here.", "text"))
    if place.token:
        where = "the shell reads it from its file" if place.token_file else "set INSPECTOR_TOKEN in its shell, too"
        told.append((f"Who comes in must bring the token: {where}.", "text"))
    if everywhere:
        told.append(("Elsewhere: the name of this machine in the place of the address below.", "text"))
    host = "" if is_local(place.host) or everywhere else f" --host {place.host}"
    told.append((f'Or: eval "$(inspector env AGENT{host} --port {place.port}{token_file})"', "muted"))
    if not place.token:
        told.append(("Next time: inspector run -- AGENT", "muted"))
    if place.kept is not None:
        told.append((f"Everything is kept in {at_home(place.kept)}", "muted"))
    told.append(("", "text"))
    return told


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

    def __init__(self, place: Place | None, title: str = "", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._pointers = pointers(place) if place else ()
        self._top = _introduction(place) if place else _nothing(title)
        self._cursor = 0
        self._cut: list[tuple[int, str]] = []
        """The pieces of the agents' lines that fit the width, each with the number of its agent."""
        self._cut_width = 0

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
