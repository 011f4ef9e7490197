"""The last look at what goes to the terminal: whatever a widget made of somebody else's words, nothing of it acts.

Widgets make texts inert themselves, by `inspector.tui.text`, and show what they took out. This is for the one that
forgets to: it keeps the number of cells, so that nothing on the screen moves.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from rich.cells import get_character_cell_size
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter


class Inert(LineFilter):
    """Takes out of every line what a terminal would act on: control characters, links, and what turns text around."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments where there is nothing to be taken out, as nearly always."""
        return segments if all(map(_is_inert, segments)) else list(_made_inert(segments))


def _is_inert(segment: Segment) -> bool:
    text, style, control = segment
    return (text.isprintable() or not any(map(_acts, text))) and control is None and (style is None or not style.link)


def _made_inert(segments: Iterable[Segment]) -> Iterable[Segment]:
    for text, style, _ in segments:
        kept = "".join("·" * get_character_cell_size(each) if _acts(each) else each for each in text)
        yield Segment(kept, style.update_link(None) if style is not None and style.link else style)


def _acts(character: str) -> bool:
    return not (character.isprintable() or unicodedata.category(character) == "Zs")
