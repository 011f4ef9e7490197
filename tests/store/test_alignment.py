"""Two sequences, lined up: right whatever they hold, whole where items are told apart, and never slow."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.store.alignment import Match, finish, gaps, matches, numbered

FEW = st.lists(st.integers(0, 3), max_size=30)
LONG = st.lists(st.integers(0, 2000), min_size=150, max_size=250, unique=True)


def lined_up(before: Sequence[int], after: Sequence[int]) -> list[Match]:
    """The runs, found all at once."""
    return finish(matches(before, after))


def longest_common(before: Sequence[int], after: Sequence[int]) -> int:
    """How many items two sequences can have in common in order, by the book."""
    row = [0] * (len(after) + 1)
    for left in before:
        last = 0
        for index, right in enumerate(after):
            last, row[index + 1] = row[index + 1], last + 1 if left == right else max(row[index], row[index + 1])
    return row[-1]


@given(FEW | LONG, FEW | LONG)
@settings(deadline=None, max_examples=60)
def test_runs_are_equal_ascend_and_touch_only_where_something_lies_between(before: list[int], after: list[int]) -> None:
    found = lined_up(before, after)
    for run in found:
        assert before[run.before : run.before + run.size] == after[run.after : run.after + run.size]
        assert run.size > 0
    for left, right in pairwise(found):
        assert left.before + left.size <= right.before and left.after + left.size <= right.after
        assert (left.before + left.size, left.after + left.size) != (right.before, right.after)


@given(FEW | LONG, FEW | LONG)
@settings(deadline=None, max_examples=60)
def test_runs_and_gaps_give_both_sides_back(before: list[int], after: list[int]) -> None:
    found = lined_up(before, after)
    old, new = list[int](), list[int]()
    for gap, run in zip(gaps(found, len(before), len(after)), [*found, None], strict=True):
        old += [before[index] for index in gap.before]
        new += [after[index] for index in gap.after]
        if run is not None:
            old += before[run.before : run.before + run.size]
            new += after[run.after : run.after + run.size]
    assert (old, new) == (before, after)


@given(LONG, LONG)
@settings(deadline=None, max_examples=60)
def test_long_sequences_of_different_items_have_all_in_common_that_they_can(
    before: list[int], after: list[int]
) -> None:
    assert sum(run.size for run in lined_up(before, after)) == longest_common(before, after)


@given(st.lists(st.integers(0, 300), min_size=300, max_size=400, unique=False), st.data())
@settings(deadline=None, max_examples=60)
def test_what_was_added_at_the_end_is_all_that_differs(items: list[int], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(items)))
    assert lined_up(items[:cut], items) == ([Match(0, 0, cut)] if cut else [])


def test_long_sequences_without_a_landmark_differ_as_a_whole_between_their_ends() -> None:
    before = [0, *([1, 2] * 1000), 9]
    after = [0, *([2, 1, 1] * 1000), 9]
    assert lined_up(before, after) == [Match(0, 0, 1), Match(2001, 3001, 1)]


def test_equal_items_have_equal_numbers_on_both_sides() -> None:
    numbers: dict[object, int] = {}
    assert finish(numbered("abca", numbers)) == [0, 1, 2, 0]
    assert finish(numbered("cx", numbers)) == [2, 3]
