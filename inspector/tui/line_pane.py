"""A column of lines with a cursor: what every tab of the detail is made of.

It keeps the cursor and the scroll position of each flow that was looked at, and follows the end of what grows until the
person moves away from it.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from inspector.tui.line_view import LineView
from inspector.tui.search import Search
from inspector.tui.spans import Line, cut, plain

STYLES = (
    *("muted", "faint", "bold", "key", "string", "number", "constant", "ok", "warning", "error", "accent", "match"),
    *("added", "removed", "added-word", "removed-word"),
    *("chip-system", "chip-user", "chip-model", "chip-tool", "chip-reasoning", "chip-error"),
)
"""The names of styles that a `Line` may use; each is a component class with the prefix `pane--`."""

_PLACES = 200


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody was in the lines of a flow."""

    cursor: int
    scroll: int
    following: bool


class LinePane(LineView):
    """Lines with a cursor. A subclass gives `line_count()` and `line(index, width)`."""

    class CursorMoved(Message):
        """The cursor stands on something else."""

        def can_replace(self, message: Message) -> bool:
            """One is as good as many."""
            return isinstance(message, LinePane.CursorMoved)

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", id="pane.up", tooltip="One line up", show=False),
        Binding("down,j", "move(1)", "down", id="pane.down", tooltip="One line down", show=False),
        Binding("pageup", "page(-1)", "page up", id="pane.page-up", tooltip="One page up", show=False),
        Binding("pagedown", "page(1)", "page down", id="pane.page-down", tooltip="One page down", show=False),
        Binding("home", "edge(False)", "top", id="pane.top", tooltip="To the first line", show=False),
        Binding("end,G", "edge(True)", "end", id="pane.end", tooltip="To the last line, and follow it", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "pane--cursor",
        "pane--cursor-blurred",
        *(f"pane--{name}" for name in STYLES),
    }
    DEFAULT_CSS = """
    LinePane {
        & > .pane--muted { color: $foreground-muted; }
        & > .pane--faint { color: $foreground-muted 75%; }
        & > .pane--bold { color: $foreground; text-style: bold; }
        & > .pane--key { color: $secondary; }
        & > .pane--string { color: $success; }
        & > .pane--number, & > .pane--constant, & > .pane--warning { color: $warning; }
        & > .pane--ok { color: $success; }
        & > .pane--error { color: $error; }
        & > .pane--accent { color: $primary; text-style: bold; }
        & > .pane--added { color: $success; }
        & > .pane--removed { color: $error; }
        & > .pane--added-word { background: $success 70%; color: $background; }
        & > .pane--removed-word { background: $error 70%; color: $background; }
        & > .pane--match { background: $warning; color: $background; }
        & > .pane--chip-system { background: $foreground-muted 65%; color: $background; }
        & > .pane--chip-user { background: $secondary; color: $background; }
        & > .pane--chip-model { background: $success; color: $background; }
        & > .pane--chip-tool { background: $primary; color: $background; }
        & > .pane--chip-reasoning { background: $panel; color: $foreground-muted; }
        & > .pane--chip-error { background: $error; color: $background; }
        & > .pane--cursor { background: $block-cursor-background; }
        & > .pane--cursor-blurred { background: $block-cursor-blurred-background; }
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.cursor = 0
        self.following = False
        """Whether the cursor stays at the end while lines are added."""
        self.search: Search | None = None
        self._styles_by_name: dict[str, Style] = {}
        self._places: OrderedDict[str, Place] = OrderedDict()

    def line(self, index: int, width: int) -> Line:
        """One line, printable, at most `width` cells wide; what is wider is cut."""
        raise NotImplementedError

    def draw_line(self, index: int, width: int) -> Strip:
        """The line with its colours, the cursor and what was found."""
        line = cut(self.line(index, width), width)
        if self.search is not None:
            line = _marked(line, self.search.pattern)
        if index != self.cursor:
            return Strip([Segment(text, self._style(name)) for name, text in line])
        under = Style(bgcolor=self._style("cursor" if self.has_focus else "cursor-blurred").bgcolor)
        strip = Strip(
            Segment(
                text,
                self._style(name)
                if name.startswith(("chip", "match", "added-", "removed-"))
                else self._style(name) + under,
            )
            for name, text in line
        )
        return strip.extend_cell_length(width, under)

    def set_cursor(self, index: int, *, scroll: bool = True) -> None:
        """Put the cursor on a line and bring it into view. On the last line it follows what is added."""
        index = max(0, min(index, self.line_count() - 1))
        self.following = index >= self.line_count() - 1
        if index != self.cursor:
            self.cursor, before = index, self.cursor
            self.lines_changed(before, 1)
            self.lines_changed(index, 1)
            self.cursor_moved()
        if scroll:
            self.scroll_line_into_view(index)

    def cursor_moved(self) -> None:
        """Tell the tab that the cursor stands on another line, or that what it stands on became another."""
        self.post_message(self.CursorMoved())

    def grown(self, first: int) -> None:
        """Say that the lines from `first` on are new or other ones; keeps the cursor, or follows the end."""
        last = max(0, self.line_count() - 1)
        before, self.cursor = self.cursor, last if self.following else min(self.cursor, last)
        self.lines_changed(min(first, before))
        if self.following:
            self.scroll_to(y=self.max_scroll_y, animate=False, force=True)
        if self.cursor != before:
            self.cursor_moved()

    def leave(self, key: str) -> None:
        """Remember the place in the lines that are about to go."""
        self._places[key] = Place(self.cursor, int(self.scroll_offset.y), self.following)
        self._places.move_to_end(key)
        while len(self._places) > _PLACES:
            self._places.popitem(last=False)

    def enter(self, key: str, *, at_end: bool) -> None:
        """Go to the place where these lines were left; new ones are seen from their end or their beginning."""
        place = self._places.get(key) or Place(0, 0, at_end)
        last = max(0, self.line_count() - 1)
        self.following = place.following
        self.cursor = last if place.following else min(place.cursor, last)
        self.lines_changed()
        top = self.max_scroll_y if place.following else min(place.scroll, self.max_scroll_y)
        self.scroll_to(y=top, animate=False, force=True)
        self.cursor_moved()

    def on_resize(self) -> None:
        """Lines may wrap anew; the cursor, or the end, stays in view."""
        super().on_resize()
        if self.following:
            self.scroll_to(y=self.max_scroll_y, animate=False, force=True)
        elif self.cursor not in self.visible_lines:
            self.scroll_line_into_view(self.cursor)

    def notify_style_update(self) -> None:
        """Colours may have changed."""
        super().notify_style_update()
        self._styles_by_name.clear()

    def on_focus(self) -> None:
        """The cursor shows whether keys arrive here."""
        self.lines_changed(self.cursor, 1)

    def on_blur(self) -> None:
        """The cursor shows whether keys arrive here."""
        self.lines_changed(self.cursor, 1)

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor there."""
        index = int(self.scroll_offset.y) + event.y
        if index < self.line_count():
            self.set_cursor(index, scroll=False)

    def on_mouse_scroll_up(self) -> None:
        """Looking back ends the following."""
        self.following = False

    def action_move(self, by: int) -> None:
        """Move the cursor by lines."""
        self.set_cursor(self.cursor + by)

    def action_page(self, by: int) -> None:
        """Move the cursor by pages."""
        self.set_cursor(self.cursor + by * max(1, self.size.height - 1))

    def action_edge(self, end: bool) -> None:
        """Move the cursor to the first or the last line."""
        self.set_cursor(self.line_count() - 1 if end else 0)

    def search_text(self, index: int) -> str:
        """What a search looks through on a line: more than is seen of it, where it is cut."""
        return plain(self.line(index, self.width))

    def reveal(self, pattern: str) -> None:
        """Unfold what holds a pattern, before it is searched for."""

    def search_for(self, pattern: str) -> None:
        """Look for a text, whatever its case; an empty one ends the search."""
        self.search = Search(pattern.lower()) if pattern else None
        if self.search is not None:
            self.reveal(self.search.pattern)
        self.lines_changed()

    def search_on(self, seconds: float) -> None:
        """Look through further lines for about that long."""
        if self.search is not None:
            self.search.advance(self.search_text, self.line_count(), seconds)

    @property
    def on_match(self) -> bool:
        """Whether the cursor stands on what was found."""
        return self.search is not None and self.search.place(self.cursor) > 0

    def go_to_match(self, step: int) -> None:
        """Put the cursor on the next line that was found, or on the one before; from the end it begins anew."""
        found = self.search.next(self.cursor, step) if self.search is not None else None
        if found is not None:
            self.set_cursor(found)

    def lines_changed(self, first: int = 0, count: int | None = None) -> None:
        """As for every `LineView`; what was found in lines that are other ones now is looked for again."""
        if self.search is not None and count is None:
            self.search.forget(first)
        super().lines_changed(first, count)

    def _style(self, name: str) -> Style:
        style = self._styles_by_name.get(name)
        if style is None:
            style = self._styles_by_name[name] = self._component(f"pane--{name}") if name else Style.null()
        return style

    def _component(self, name: str) -> Style:
        """A component's own style; its translucent colours as they come out on the background."""
        own, whole = self.get_component_rich_style(name, partial=True), self.get_component_rich_style(name)
        return own + Style(color=own.color and whole.color, bgcolor=own.bgcolor and whole.bgcolor)


def _marked(line: Line, pattern: str) -> Line:
    """The line with every place where the pattern stands within one span marked."""
    result: Line = []
    for style, text in line:
        at, lowered = 0, text.lower()
        while len(lowered) == len(text) and (found := lowered.find(pattern, at)) >= 0:
            result += [(style, text[at:found]), ("match", text[found : found + len(pattern)])]
            at = found + len(pattern)
        result.append((style, text[at:]))
    return [(style, text) for style, text in result if text]
