"""The tokens that might stand at a place, as lines to choose from."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from inspector.model.token import Alternative, probability
from inspector.tui.bar import bar
from inspector.tui.line_pane import LinePane
from inspector.tui.spans import Line, cut, width_of
from inspector.tui.token_words import figure, spelled

_FIGURES = 14
_WIDEST_NAME = 24


class AlternativeLines(LinePane):
    """A line with a bar for each token that might stand there."""

    BINDING_GROUP_TITLE = "Alternatives"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "screen.send", "go on", id="token-fork.take", tooltip="Go on with this token"),
        Binding("t", "screen.type", "type", id="token-fork.type", tooltip="Type a text in the token's place"),
    ]

    def __init__(self, alternatives: tuple[Alternative, ...], chosen: int | None) -> None:
        super().__init__(id="token-fork-lines")
        self._alternatives = alternatives
        self._chosen = chosen
        self._names = [spelled(each.data) for each in alternatives]
        self.cursor = next((place for place in range(len(alternatives)) if place != chosen), 0)

    def line_count(self) -> int:
        """One line a token."""
        return len(self._alternatives)

    @property
    def alternative(self) -> Alternative:
        """The token under the cursor."""
        return self._alternatives[self.cursor]

    def line(self, index: int, width: int) -> Line:
        """A token, its bar, its probability, and whether it is the one that was said."""
        name = cut(self._names[index], _WIDEST_NAME)
        room = min(_WIDEST_NAME, max(map(width_of, self._names)))
        said = index == self._chosen
        line: Line = [("", " "), *name, ("", " " * (room + 2 - width_of(name)))]
        share = probability(self._alternatives[index].logprob)
        if share is None:
            return [*line, ("faint", "not known"), ("warning", "  said" if said else "")]
        cells = max(0, width - room - 3 - _FIGURES)
        drawn = bar(share, cells)
        line += [("warning" if said else "key", drawn), ("", " " * (cells - len(drawn) + 1))]
        return [*line, ("muted", f"{figure(share):>6}"), ("warning", "  said" if said else "")]
