"""The columns of the list at every width."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from inspector.store.view import Sort
from inspector.store.watch import Watched
from inspector.tui import rows
from inspector.tui.columns import COLUMNS, MARGIN, OF_SESSIONS, OF_TOKENS, fit, gap, watched_column


@pytest.mark.parametrize("of_tokens", [False, True])
def test_columns_fill_the_line_exactly(of_tokens: bool) -> None:
    for width in range(28, 400):
        columns = fit(width, of_tokens)
        assert MARGIN + sum(column.width for column in columns) + gap(width) * (len(columns) - 1) == width
        titles = rows.heads(columns, width)
        assert [column for column, _, _ in titles] == list(columns)
        ends = [start + cell_len(text) for _, start, text in titles]
        assert all(end < start for end, (_, start, _) in zip(ends, titles[1:], strict=False))
        assert ends[-1] <= width


def test_the_column_of_the_order_is_marked_once() -> None:
    for width in (40, 79, 120, 200):
        columns = fit(width)
        for column in columns:
            if column.sort:
                for descending, sign in ((False, "▲"), (True, "▼")):
                    titles = rows.heads(columns, width, Sort(column.sort, descending))
                    marked = [(each.sort, text) for each, _, text in titles if sign in text]
                    assert [key for key, _ in marked] == [column.sort]
                    ends = [start + cell_len(text) for _, start, text in titles]
                    assert all(end <= start for end, (_, start, _) in zip(ends, titles[1:], strict=False))


def test_watched_values_have_columns_as_wide_as_they_need() -> None:
    watched = Watched("request.max_tokens", "max_tokens")
    assert watched_column(watched, 3).width == 10
    assert watched_column(Watched("size", "size"), 3).width == 5
    assert watched_column(Watched("size", "\x1b[31m"), 0).width == 5
    assert watched_column(watched, 400).width == 14
    columns = (watched_column(watched, 5), watched_column(Watched("in", "in"), 4))
    assert [column.key for column in fit(200, False, columns)][-4:] == [
        "watch request.max_tokens",
        "watch in",
        "tools",
        "words",
    ]
    narrow = [column.key for column in fit(79, False, columns)]
    assert narrow == ["seq", "age", "model", "state", "watch request.max_tokens", "watch in", "words"]
    for width in range(28, 300):
        shown = fit(width, True, columns)
        assert MARGIN + sum(column.width for column in shown) + gap(width) * (len(shown) - 1) == width


@pytest.mark.parametrize("width", [1, 5, 12, 17, 20])
def test_number_and_state_stay_where_there_is_no_room(width: int) -> None:
    assert [column.key for column in fit(width)] == ["seq", "state"]


def test_an_eighty_column_terminal_keeps_what_matters_most() -> None:
    keys = [column.key for column in fit(79)]
    assert keys == ["seq", "age", "agent", "model", "state", "in", "out", "words"]
    assert fit(79)[-1].width >= 16


def test_a_wide_terminal_has_every_column() -> None:
    keys = [column.key for column in COLUMNS]
    assert [column.key for column in fit(220, True, of_sessions=True)] == keys
    assert [column.key for column in fit(180)] == [key for key in keys if key not in OF_TOKENS | OF_SESSIONS]


def test_sessions_have_a_column_where_they_were_given_names() -> None:
    keys = [column.key for column in fit(79, of_sessions=True)]
    assert keys == ["seq", "age", "agent", "session", "model", "state", "words"]


def test_tokens_have_columns_only_where_all_others_have_theirs() -> None:
    for width in range(20, 400):
        shown = {column.key for column in fit(width, True)}
        assert not shown & OF_TOKENS or len(shown - OF_TOKENS) == len(COLUMNS) - len(OF_TOKENS | OF_SESSIONS)
        assert shown - OF_TOKENS == {column.key for column in fit(width)}


def test_more_room_never_takes_a_column_away() -> None:
    shown: set[str] = set()
    for width in range(20, 110):
        keys = {column.key for column in fit(width)}
        assert shown <= keys
        shown = keys


def test_the_end_of_a_text_is_cut_by_cells() -> None:
    assert rows.clip_start("last words", 20) == "last words"
    assert rows.clip_start("the last words", 6) == "…words"
    assert rows.clip_start("数える漢字", 5) == "…漢字"
    assert rows.clip_start("数える漢字", 4) == "…字"
    assert rows.clip_start("words", 0) == ""
