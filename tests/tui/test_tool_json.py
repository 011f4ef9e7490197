"""Arguments as lines, with what is wrong in them."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from inspector.store.schema_words import Fault
from inspector.tui.json_text import json_problem
from inspector.tui.spans import plain, width_of
from inspector.tui.text import clean
from inspector.tui.tool_json import MOST_LINES, broken_rows, json_rows

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


def test_faults_stand_below_what_they_are_about() -> None:
    value = {"a": {"b": [1, "x"]}, "c": {}}
    faults = [Fault((), "whole"), Fault(("a", "b", 1), "item"), Fault(("a",), "inner"), Fault(("gone",), "nowhere")]
    assert [plain(line) for line in json_rows(json.dumps(value), 60, faults)] == [
        "▲ whole",
        "{",
        '  "a": {',
        "  ▲ inner",
        '    "b": [',
        "      1,",
        '      "x"',
        "      ▲ item",
        "    ]",
        "  },",
        '  "c": {}',
        "}",
        "▲ nowhere",
    ]


@given(VALUES, st.integers(12, 60))
def test_laid_out_it_says_the_same_and_fits(value: object, width: int) -> None:
    lines = json_rows(json.dumps({"value": value}), width)
    assert all(width_of(line) <= width for line in lines)
    shown = "".join(plain(line) for line in lines)
    assert shown.replace(" ", "") == clean(json.dumps({"value": value}, ensure_ascii=False)).replace(" ", "")


def test_what_is_long_is_cut_but_its_faults_are_told() -> None:
    text = json.dumps({"items": list(range(MOST_LINES * 2))})
    assert len(json_rows(text, 60)) == MOST_LINES + 1
    told = [plain(line) for line in json_rows(text, 60, [Fault(("items", MOST_LINES + 50), "odd")])]
    assert [line.strip() for line in told[-3:]] == [f"{MOST_LINES + 50},", "▲ odd", "…"]
    assert plain(json_rows('"' + "x" * 100_000 + '"', 60)[-1]) == "…"


def test_a_mistake_is_shown_with_what_stands_around_it() -> None:
    text = '{"a": "' + "x" * 500 + '", "b": nope, "c": "' + "y" * 500 + '"}'
    error = json_problem(text)
    assert error is not None
    lines = broken_rows(text, error, 70)
    wrong = "".join(span for line in lines[:-1] for style, span in line if style == "error")
    assert wrong.startswith("nope") and len(wrong) < 200
    assert plain(lines[-1]).startswith("▲ line 1, column 516: nope is no value")
    assert all(width_of(line) <= 70 for line in lines[:-1])
