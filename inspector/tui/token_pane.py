"""The answer token by token, with a cursor that stands on one of them."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.strip import Strip

from inspector.store.token_reading import TokenReading
from inspector.tui.line_pane import LinePane, Place
from inspector.tui.spans import Line
from inspector.tui.token_block import Run
from inspector.tui.token_colours import DOUBT, Palette, palette_of
from inspector.tui.token_lines import TokenLines, Told

AIRY = 12
"""Lines of height from which on the first is an empty one."""
_ADDED = {
    (kind, doubtful): Style(dim=kind == "mark" or None, bold=kind == "name" or None, underline=doubtful or None)
    for kind in ("", "mark", "name", "match")
    for doubtful in (False, True)
}
"""What is added to a token's colours: by the style of a run of it, and whether it is doubtful."""


class TokenPane(LinePane):
    """Tokens as lines. What a line is to other panes, a token is to this one."""

    BINDING_GROUP_TITLE = "Tokens"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "right", "step(1)", "token", key_display="← →", id="tokens.after", tooltip="To the token after this one"
        ),
        Binding("left", "step(-1)", "token before", show=False, id="tokens.before", tooltip="To the token before"),
        Binding("circumflex_accent", "line_edge(1)", "line start", show=False, id="tokens.line-start",
                tooltip="To the first token of the line"),
        Binding("dollar_sign", "line_edge(-1)", "line end", show=False, id="tokens.line-end",
                tooltip="To the last token of the line"),
        Binding("ctrl+home", "edge(False)", "top", show=False, id="tokens.top", tooltip="To the first token"),
        Binding("ctrl+end", "edge(True)", "end", show=False, id="tokens.end", tooltip="To the last, and follow it"),
        Binding("n", "doubtful(1)", "doubtful", key_display="n N", id="tokens.doubtful",
                tooltip="To the next doubtful token"),
        Binding("N", "doubtful(-1)", "doubtful before", show=False, id="tokens.doubtful-before",
                tooltip="To the doubtful token before"),
    ]  # fmt: skip
    COMPONENT_CLASSES: ClassVar[set[str]] = {"pane--chosen", "pane--chosen-blurred"}
    DEFAULT_CSS = """
    TokenPane {
        & > .pane--chosen { background: $warning; color: $background; text-style: bold; }
        & > .pane--chosen-blurred { background: $warning 55%; color: $foreground; text-style: bold; }
        & > .pane--match { background: $secondary; color: $background; }
    }
    """

    def __init__(self, told: Told) -> None:
        super().__init__()
        self._told = told
        self.reading: TokenReading | None = None
        self.lines = TokenLines(80, False, told)
        self.words: list[Line] = []
        """What stands in the place of tokens, where there are none."""
        self.below = DOUBT
        """The probability below which a token is doubtful."""
        self.token = 0
        """On which token the cursor stands."""
        self._column: int | None = None
        """Where the cursor was on its line when it began to go up or down."""
        self._wanted: int | None = None
        """The token to go to, once it is read."""

    # Lines

    def line_count(self) -> int:
        """How many lines there are."""
        return len(self.lines) or len(self.words)

    def line(self, index: int, width: int) -> Line:
        """A line without the colours of its tokens."""
        return [(run.style, run.text) for run in self._runs(index)]

    def draw_line(self, index: int, width: int) -> Strip:
        """A line with them, the cursor and what was found."""
        palette = palette_of(self.app)
        return Strip([Segment(run.text, self._style_of(run, palette)) for run in self._found(self._runs(index))])

    def show_tokens(self, reading: TokenReading | None) -> None:
        """Show another answer; `advance` lays it out."""
        self.reading = reading
        self.lines = TokenLines(self.width or 80, self._airy, self._told)
        self.token = self.cursor = 0
        self._wanted = self._column = None

    def advance(self, seconds: float) -> bool:
        """Lay out what was read, for about that long; whether anything is new."""
        if self.reading is None:
            return False
        fresh = self.lines.count == 0
        first = self.lines.advance(self.reading.tokens, seconds)
        if first is None:
            return False
        self.grown(0 if fresh else first)
        return True

    @property
    def behind(self) -> bool:
        """Whether there are tokens that are not laid out."""
        return self.reading is not None and self.lines.count < len(self.reading.tokens)

    @property
    def has_tokens(self) -> bool:
        """Whether the cursor stands on a token."""
        return self.lines.count > 0

    def on_resize(self) -> None:
        """Wrap anew; the cursor stays on its token."""
        if self.width:
            self.lines.resize(self.width, self._airy)
            self.cursor = self.lines.line_of(self.token) if self.has_tokens else 0
        super().on_resize()
        if self.following:
            self.scroll_line_into_view(self.cursor)

    @property
    def _airy(self) -> bool:
        return self.size.height >= AIRY

    def _runs(self, index: int) -> list[Run]:
        if not len(self.lines):
            return [Run(text, style) for style, text in self.words[index]]
        return self.lines.runs(index)

    def _found(self, runs: list[Run]) -> list[Run]:
        """The runs, cut where the pattern that is searched for begins and ends, and marked between."""
        text = "".join(run.text for run in runs)
        pattern, lowered = self.search.pattern if self.search is not None else "", text.lower()
        if not pattern or pattern not in lowered or len(lowered) != len(text):
            return runs
        marked = bytearray(len(text))
        at = lowered.find(pattern)
        while at >= 0:
            marked[at : at + len(pattern)] = b"\1" * len(pattern)
            at = lowered.find(pattern, at + len(pattern))
        result: list[Run] = []
        start = 0
        for run in runs:
            for offset, character in enumerate(run.text):
                style = "match" if marked[start + offset] else run.style
                if offset and result[-1].style == style:
                    result[-1] = Run(result[-1].text + character, style, run.token)
                else:
                    result.append(Run(character, style, run.token))
            start += len(run.text)
        return result

    def _style_of(self, run: Run, palette: Palette) -> Style:
        if run.token < 0:
            return self._style(run.style)
        probability = self.lines.probabilities[run.token]
        doubtful = 0 <= probability < self.below
        if run.style == "match":
            style = self._style("match")
        elif run.token == self.token:
            style = self._style("chosen" if self.has_focus else "chosen-blurred")
        else:
            style = palette.of(probability, doubtful, run.token % 2 == 1)
        return style + _ADDED[run.style, doubtful]

    # The cursor

    def go_to(self, token: int, *, scroll: bool = True) -> None:
        """Put the cursor on a token. On the last one it follows those that come."""
        if not self.has_tokens:
            return
        self._wanted = None
        self.following = token == self.lines.count - 1
        if token != self.token:
            before, self.token = self.token, token
            self.cursor = self.lines.line_of(token)
            self._repaint(before)
            self._repaint(token)
            self.cursor_moved()
        if scroll:
            self.scroll_line_into_view(self.cursor)

    def set_cursor(self, index: int, *, scroll: bool = True) -> None:
        """Put the cursor on the token of a line that stands where it stood on its own."""
        if not self.has_tokens or not 0 <= index < len(self.lines):
            return
        found = self.lines.at(index, self._column or 0)
        if found is not None:
            self.go_to(found, scroll=scroll)
        else:
            self.scroll_line_into_view(index)

    def grown(self, first: int) -> None:
        """Tokens came: the cursor stays where it is, follows the end, or goes where it was when this was last seen."""
        before, changed, last = self.token, self.cursor, self.lines.count - 1
        if self._wanted is not None and self._wanted <= last:
            self.token, self._wanted = self._wanted, None
        elif self.following:
            self.token = max(0, last)
        self.cursor = self.lines.line_of(self.token) if self.has_tokens else 0
        self.lines_changed(min(first, changed))
        if self.token != before or self.following:
            self.scroll_line_into_view(self.cursor)
        if self.token != before or first == 0:
            self.cursor_moved()

    def leave(self, key: str) -> None:
        """Remember the token on which the cursor stands."""
        super().leave(key)
        token = self.token if self._wanted is None else self._wanted
        self._places[key] = replace(self._places[key], cursor=token)

    def enter(self, key: str, *, at_end: bool) -> None:
        """Go to the token where the cursor was left; it may not have been read yet."""
        place = self._places.get(key) or Place(0, 0, at_end)
        self.following = place.following
        self._wanted = None if place.following else place.cursor
        self.scroll_to(y=0, animate=False, force=True)
        self.grown(0)

    @property
    def on_match(self) -> bool:
        """Whether what was found begins in the token under the cursor."""
        return self.has_tokens and self.token in self._matches(self.cursor)

    def go_to_match(self, step: int) -> None:
        """Put the cursor on the token in which the next match begins, or the one before; past the end from anew."""
        if self.search is None or not self.has_tokens:
            return
        ahead = [token for token in self._matches(self.cursor) if (token - self.token) * step > 0]
        found = self.search.next(self.cursor, step)
        if not ahead and found is not None:
            ahead = self._matches(found)
        if ahead:
            self.go_to(ahead[0 if step > 0 else -1])
        elif found is not None:
            self.set_cursor(found)

    def _matches(self, line: int) -> list[int]:
        """The tokens of a line in which the pattern begins."""
        runs, pattern = self.lines.runs(line), self.search.pattern if self.search is not None else ""
        text, at = "".join(run.text for run in runs).lower(), 0
        tokens: list[int] = []
        for run in runs:
            begins = bool(pattern) and text.find(pattern, at, at + len(run.text) + len(pattern) - 1) >= 0
            if begins and run.token >= 0 and run.token not in tokens:
                tokens.append(run.token)
            at += len(run.text)
        return tokens

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While something is searched for, `n` goes on with the search."""
        if action == "doubtful":
            return self.search is None and self.has_tokens
        return self.has_tokens if action in ("step", "line_edge") else True

    def action_step(self, by: int) -> None:
        """Move the cursor to the token after, or to the one before."""
        self._column = None
        if self.has_tokens:
            self.go_to(self.lines.beside(self.token, by))

    def action_move(self, by: int) -> None:
        """Move the cursor to the token above or below."""
        if not self.has_tokens:
            return
        if self._column is None:
            self._column = self.lines.column_of(self.token)
        last, step = len(self.lines) - 1, 1 if by > 0 else -1
        here = self.lines.last_line_of(self.token) if by > 0 else self.cursor
        wanted = min(max(here + by, 0), last)
        onward, back = range(wanted, last + 1 if by > 0 else -1, step), range(wanted, here, -step)
        there = (self.lines.at(line, self._column) for line in (*onward, *back))
        found = next((token for token in there if token is not None), None)
        if found is not None:
            self.go_to(found)
        elif by < 0:
            self.scroll_line_into_view(0)

    def action_page(self, by: int) -> None:
        """Move the cursor by pages."""
        self.action_move(by * max(1, self.size.height - 1))

    def action_edge(self, end: bool) -> None:
        """Move the cursor to the last token, or to the first."""
        if self.has_tokens:
            self._column = None
            self.go_to(self.lines.count - 1 if end else self.lines.edge(1))

    def action_line_edge(self, step: int) -> None:
        """Move the cursor to the first or the last token of its line."""
        self._column = None
        found = self.lines.at(self.cursor, 0 if step > 0 else self.width) if self.has_tokens else None
        if found is not None:
            self.go_to(found)

    def action_doubtful(self, step: int) -> None:
        """Move the cursor to the next doubtful token, or to the one before; past the end from anew."""
        self._column = None
        found = self.lines.doubtful(self.token, step, self.below) if self.has_tokens else None
        if found is not None:
            self.go_to(found)
        else:
            self.notify(f"No token's probability is below {self.below:.2f}", markup=False)

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor on a token."""
        event.prevent_default()
        line = int(self.scroll_offset.y) + event.y
        found = self.lines.at(line, event.x) if self.has_tokens and line < len(self.lines) else None
        if found is not None:
            self._column = None
            self.go_to(found, scroll=False)

    def on_focus(self) -> None:
        """The cursor shows whether keys arrive here."""
        self._repaint(self.token)

    def on_blur(self) -> None:
        """The cursor shows whether keys arrive here."""
        self._repaint(self.token)

    def _repaint(self, token: int) -> None:
        """Draw the lines of a token anew."""
        if token < self.lines.count:
            first = self.lines.line_of(token)
            self.lines_changed(first, self.lines.last_line_of(token) - first + 1)
