"""Which columns the list shows at a given width, and how wide each is. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from rich.cells import cell_len

from inspector.store.watch import Watched
from inspector.tui.text import printable

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
    """It holds numbers. Whoever sorts by one looks for the greatest first."""
    sort: str = ""
    """The key of the filter language by which it is sorted; empty where nothing can be."""


COLUMNS = (
    Column("seq", "#", 5, 0, wide=7, right=True, sort="seq"),
    Column("age", "age", 4, 4, right=True, sort="seq"),
    Column("agent", "agent", 11, 5, wide=13, sort="agent"),
    Column("session", "session", 9, 4, wide=14, sort="session"),
    Column("model", "model", 11, 3, wide=15, sort="model"),
    Column("state", "state", 13, 1, sort="state"),
    Column("in", "in", 5, 7, right=True, sort="in"),
    Column("out", "out", 6, 6, right=True, sort="out"),
    Column("cache", "cache", 5, 11, right=True, sort="cache"),
    Column("cost", "cost", 6, 10, right=True, sort="cost"),
    Column("ttft", "ttft", 5, 9, right=True, sort="ttft"),
    Column("rate", "tok/s", 5, 12, right=True, sort="tps"),
    Column("pace", "", 8, 13),
    Column("p", "p", 4, 14, right=True, sort="p"),
    Column("ppl", "ppl", 5, 15, right=True, sort="perplexity"),
    Column("tools", "tools", 11, 8, wide=14, sort="tool"),
    Column("words", "last words", 6, 2),
)
"""In the order in which they are shown."""

OF_TOKENS = frozenset({"p", "ppl"})
"""Columns that say nothing unless a provider tells its tokens' probabilities."""
OF_SESSIONS = frozenset({"session"})
"""Columns that say nothing unless somebody gave clients' sessions their names."""


WATCHED = (5, 14)
"""Cells of a watched column: the least and the most."""


def watched_column(watched: Watched, content: int) -> Column:
    """The column of a watch expression whose values so far take up to `content` cells."""
    least, most = WATCHED
    width = max(least, min(most, max(content, cell_len(printable(watched.title)))))
    return Column(f"watch {watched.key}", watched.title, width, 3, right=True, sort=watched.key)


def gap(width: int) -> int:
    """Cells between two columns."""
    return 2 if width >= 110 else 1


@lru_cache(maxsize=8)
def fit(
    width: int, of_tokens: bool = False, watched: tuple[Column, ...] = (), of_sessions: bool = False
) -> tuple[Column, ...]:
    """The columns for a line of `width` cells, fitted so that they fill it; the last words take what is left.

    A column may come in only where the words keep a fifth of the line. At least number and state are always there.
    Those of `OF_TOKENS` are among them where `of_tokens` asks for them, so those of `OF_SESSIONS`; and the `watched`
    ones.
    """
    between = gap(width)
    left_out = (frozenset() if of_tokens else OF_TOKENS) | (frozenset() if of_sessions else OF_SESSIONS)
    wanted = [column for column in COLUMNS if column.key not in left_out]
    columns = [replace(column, width=column.wide or column.width) if width >= _WIDE else column for column in wanted]
    columns[-2:-2] = watched
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
