"""What is folded of a long prompt."""

from __future__ import annotations

from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from inspector.tui.chat_prompt import _runs


@given(st.integers(0, 12), st.integers(0, 12), st.sets(st.integers(0, 14)))
def test_messages_in_a_row_are_told_by_what_is_new_alone(at: int, end: int, told: set[int]) -> None:
    each = [(number, number not in told) for number in range(at, end)]
    wanted = [list(group) for _, group in groupby(each, key=lambda pair: pair[1])]
    assert list(_runs(at, end, sorted(told))) == [(run[0][0], run[-1][0] + 1, run[0][1]) for run in wanted]
    assert list(_runs(at, end, None)) == ([(at, end, False)] if at < end else [])
