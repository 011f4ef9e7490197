"""The columns of the list at every width."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from inspector.tui import rows
from inspector.tui.columns import COLUMNS, MARGIN, OF_TOKENS, fit, gap


@pytest.mark.parametrize("of_tokens", [False, True])
def test_columns_fill_the_line_exactly(of_tokens: bool) -> None:
    for width in range(28, 400):
        columns = fit(width, of_tokens)
        assert MARGIN + sum(column.width for column in columns) + gap(width) * (len(columns) - 1) == width
        assert cell_len(rows.heads(columns, width)) == width


@pytest.mark.parametrize("width", [1, 5, 12, 17, 20])
def test_number_and_state_stay_where_there_is_no_room(width: int) -> None:
    assert [column.key for column in fit(width)] == ["seq", "state"]


def test_an_eighty_column_terminal_keeps_what_matters_most() -> None:
    keys = [column.key for column in fit(79)]
    assert keys == ["seq", "age", "agent", "model", "state", "in", "out", "words"]
    assert fit(79)[-1].width >= 16


def test_a_wide_terminal_has_every_column() -> None:
    assert [column.key for column in fit(190, True)] == [column.key for column in COLUMNS]
    assert [column.key for column in fit(180)] == [column.key for column in COLUMNS if column.key not in OF_TOKENS]


def test_tokens_have_columns_only_where_all_others_have_theirs() -> None:
    for width in range(20, 400):
        shown = {column.key for column in fit(width, True)}
        assert not shown & OF_TOKENS or len(shown - OF_TOKENS) == len(COLUMNS) - len(OF_TOKENS)
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
