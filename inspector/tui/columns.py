"""Which columns the list shows at a given width, and how wide each is. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

MARGIN = 1
"""Cells at the left edge of each line, where the cursor's bar stands."""
_WIDE = 150
"""Cells of a line from which on names get more room."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, its cells, and how soon it gives way (the highest `rank` goes first)."""

    key: str
    title: str
    width: int
    rank: int
    wide: int = 0
    """Cells on a wide terminal; 0 where it stays the same."""
    right: bool = False


COLUMNS = (
    Column("seq", "#", 5, 0, wide=7, right=True),
    Column("age", "age", 4, 4, right=True),
    Column("agent", "agent", 11, 5, wide=13),
    Column("model", "model", 11, 3, wide=15),
    Column("state", "state", 13, 1),
    Column("in", "in", 5, 7, right=True),
    Column("out", "out", 6, 6, right=True),
    Column("cache", "cache", 5, 11, right=True),
    Column("cost", "cost", 6, 10, right=True),
    Column("ttft", "ttft", 5, 9, right=True),
    Column("rate", "tok/s", 5, 12, right=True),
    Column("pace", "", 8, 13),
    Column("p", "p", 4, 14, right=True),
    Column("ppl", "ppl", 5, 15, right=True),
    Column("tools", "tools", 11, 8, wide=14),
    Column("words", "last words", 6, 2),
)
"""In the order in which they are shown."""

OF_TOKENS = frozenset({"p", "ppl"})
"""Columns that say nothing unless a provider tells its tokens' probabilities."""


def gap(width: int) -> int:
    """Cells between two columns."""
    return 2 if width >= 110 else 1


@lru_cache(maxsize=8)
def fit(width: int, of_tokens: bool = False) -> tuple[Column, ...]:
    """The columns for a line of `width` cells, fitted so that they fill it; the last words take what is left.

    A column may come in only where the words keep a fifth of the line. At least number and state are always there.
    Those of `OF_TOKENS` are among them where `of_tokens` asks for them.
    """
    between = gap(width)
    wanted = [column for column in COLUMNS if of_tokens or column.key not in OF_TOKENS]
    columns = [replace(column, width=column.wide or column.width) if width >= _WIDE else column for column in wanted]
    room = width - MARGIN
    shown: list[Column] = []
    for column in sorted(columns, key=lambda column: column.rank):
        needed = column.width + (between if shown else 0)
        kept = 0 if column.rank <= 2 else max(16, width // 5) - COLUMNS[-1].width
        if column.rank > 1 and needed + kept > room:
            break
        shown.append(column)
        room -= needed
    shown.sort(key=columns.index)
    if shown[-1].key == "words":
        shown[-1] = replace(shown[-1], width=shown[-1].width + room)
    return tuple(shown)
