"""The base of every live widget: a scrolling column of lines, of which only the visible and changed ones are drawn.

A `DataTable` or a `Static` lays out and paints everything anew for one changed cell; here a change costs the lines
that it touches.
"""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from inspector.tui.failures import Failures
from inspector.tui.text import clip

MOST_KEPT = 4096
"""Drawn lines that a view keeps."""


class LineView(ScrollView, can_focus=True):
    """Shows `line_count()` lines. `draw_line()` draws one when it is first seen; it is kept until it is invalidated."""

    DEFAULT_CSS = """
    LineView { scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0; overflow-x: hidden; overflow-y: scroll; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._strips: dict[int, Strip] = {}
        self._drawn_width = 0
        self._under: Style | None = None
        self._failures = Failures()
        self._failure = ""

    def line_count(self) -> int:
        """How many lines there are now."""
        raise NotImplementedError

    def draw_line(self, index: int, width: int) -> Strip:
        """Draw one line, at most `width` cells wide. Called once for a line until it is invalidated."""
        raise NotImplementedError

    def fail(self, words: str) -> None:
        """Show one line in the place of all others; empty words show them again."""
        if words != self._failure:
            self._failure = words
            self._strips.clear()
            self.refresh()

    @property
    def width(self) -> int:
        """The cells that a line may fill. Textual's own region would be looked for in the whole screen."""
        return max(0, self.outer_size.width - self.styles.gutter.width - self.scrollbar_gutter.width)

    @property
    def visible_lines(self) -> range:
        """The lines that can be seen."""
        top = int(self.scroll_offset.y)
        return range(top, min(self.line_count(), top + self.size.height))

    def lines_changed(self, first: int = 0, count: int | None = None) -> None:
        """Say that `count` lines from `first` on changed, or all to the end, and then perhaps the number of lines."""
        if count is None:
            self._strips = {index: strip for index, strip in self._strips.items() if index < first} if first else {}
            self._resize()
            count = max(0, self.size.height + int(self.scroll_offset.y) - first)
        else:
            for index in range(first, first + count):
                self._strips.pop(index, None)
        self._refresh_lines(first, count)

    def scroll_line_into_view(self, index: int) -> None:
        """Scroll as little as is needed to show a line."""
        self.scroll_to_region(Region(0, index, 1, 1), animate=False, force=True)

    def render_line(self, y: int) -> Strip:
        """Textual's Line API: the strip for a row of the widget. A line that cannot be drawn says so."""
        width = self.width
        if width != self._drawn_width:
            self._drawn_width = width
            self._strips.clear()
        if self._failure:
            return self._words(self._failure if y == 0 else "", width)
        index = int(self.scroll_offset.y) + y
        try:
            if index >= self.line_count():
                return Strip.blank(width, self._base_style())
            strip = self._strips.get(index) or self._drawn(index, width)
        except Exception as error:  # the border to whatever a flow holds
            strip = self._words(self._failures.tell("this line", error), width)
        if index not in self._strips:
            if len(self._strips) >= MOST_KEPT:
                self._strips.clear()
            self._strips[index] = strip
        return strip

    def _drawn(self, index: int, width: int) -> Strip:
        style = self._base_style()
        return self.draw_line(index, width).apply_style(style).adjust_cell_length(width, style)

    def _words(self, text: str, width: int) -> Strip:
        style = self._base_style()
        return Strip([Segment(clip(text, width), style)]).adjust_cell_length(width, style)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows of a region. Without border and padding they need none of what Textual's styling does to each."""
        if self.styles.gutter:
            return super().render_lines(crop)
        width, style = self.outer_size.width, self._base_style()
        strips = [self.render_line(y).adjust_cell_length(width, style) for y in crop.line_range]
        if filters := self.get_line_filters():
            background = self.background_colors[1]
            for line_filter in filters:
                strips = [strip.apply_filter(line_filter, background) for strip in strips]
        if crop.column_span != (0, width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def on_resize(self) -> None:
        """Lines may wrap anew at another width."""
        self.lines_changed()

    def notify_style_update(self) -> None:
        """A theme or focus change colours every line anew."""
        super().notify_style_update()
        self._strips.clear()
        self._under = None

    def _base_style(self) -> Style:
        """The widget's own colours. Textual works them out anew, from all ancestors, whenever it is asked."""
        if self._under is None:
            self._under = self.rich_style
        return self._under

    def _resize(self) -> None:
        """Take in the number of lines.

        Setting `virtual_size` would lay the whole screen out anew. The size of the widget does not depend on its lines:
        it is enough that the scrollbar knows of them.
        """
        size = Size(self.width, self.line_count())
        if size != self.virtual_size:
            self.set_reactive(Widget.virtual_size, size)
            self._scroll_update(size)

    def _refresh_lines(self, first: int, count: int) -> None:
        top = first - int(self.scroll_offset.y)
        region = Region(0, top, self.size.width, count).intersection(Region(0, 0, self.size.width, self.size.height))
        if region:
            self.refresh(region)
