"""Calls against what the request declares."""

from __future__ import annotations

import pytest

from inspector.model.message import Tool
from inspector.store import tool_schema
from inspector.store.tool_check import MOST_CHECKED, ToolCheck
from tests.store.tools import CITY

TOOLS = [Tool("weather", schema=CITY), Tool("Free", kind="custom"), Tool("web_search", kind="web_search_20250305")]


@pytest.fixture
def check() -> ToolCheck:
    """A check of some tools."""
    assert tool_schema.wait(60)
    return ToolCheck(TOOLS)


def test_a_good_call_is_fine(check: ToolCheck) -> None:
    verdict = check.check("weather", '{"city": "Rome"}')
    assert verdict.ok and verdict.notes == ()
    assert check.check("weather", '{"city": "Rome"}') is verdict


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("Weather", "function", "no tool of this name is declared: there is weather"),
        ("rain", "function", "no tool of this name is declared"),
        ("rain", "custom", "no tool of this name is declared"),
    ],
)
def test_an_unknown_tool_is_told(check: ToolCheck, name: str, kind: str, words: str) -> None:
    (fault,) = check.check(name, "{}", kind).faults
    assert (fault.path, fault.words) == ((), words)


def test_without_declarations_every_call_is_unknown() -> None:
    assert ToolCheck([]).check("x", "{}").faults[0].words == "the request declares no tools"


def test_free_text_and_the_providers_own_calls_are_no_json(check: ToolCheck) -> None:
    assert check.check("Free", "select *", "custom").ok
    assert check.check("anything", "{broken", "web_search_call").ok


@pytest.mark.parametrize(
    ("arguments", "line", "column", "words"),
    [
        ('{"city": Rome}', 1, 10, "Rome is no value"),
        ('{"city":\n "Rome",}', 2, 9, "one comma too many"),
        ('{"city": "Ro', 1, 10, "not closed"),
        ('{"city": "Rome"} and', 1, 18, "more behind the end"),
    ],
)
def test_what_is_no_json_is_told_with_its_place(
    check: ToolCheck, arguments: str, line: int, column: int, words: str
) -> None:
    error = check.check("weather", arguments).error
    assert error is not None
    assert (error.line, error.column) == (line, column) and words in error.message


def test_no_arguments_at_all_stand_for_none(check: ToolCheck) -> None:
    assert [fault.words for fault in check.check("weather", "").faults] == ["city is missing"]
    assert check.check("weather", " ").error is None


def test_half_characters_and_deep_nests_are_survived(check: ToolCheck) -> None:
    assert check.check("weather", '{"city": "\ud800"}').ok
    assert check.check("weather", "[" * 5_000).error is not None
    endless = check.check("weather", '{"city": "\ud800", "n": ' + "1" * 5_000 + "}").error
    assert endless is not None and "too long" in endless.message


def test_huge_arguments_are_not_checked_and_said_not_to_be(check: ToolCheck) -> None:
    whole = check.check("weather", '{"town": "' + "x" * MOST_CHECKED + '"}')
    assert whole.ok and "too many" in whole.notes[0]
    broken = check.check("weather", '{"town": "' + "x" * MOST_CHECKED)
    assert broken.error is not None and broken.error.offset <= MOST_CHECKED + 10
