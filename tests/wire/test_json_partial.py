"""A growing JSON text is read as far as it goes, and no split of it matters."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.wire.json_partial import PartialJson
from tests.wire.json_texts import SPELLED


def read(*pieces: str) -> PartialJson:
    partial = PartialJson()
    for piece in pieces:
        partial.feed(piece)
    return partial


def paths(value: Any, above: str = "") -> dict[str, Any]:
    """Every value in a value, by its path."""
    found = {above: value}
    inner = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    for key, child in inner:
        found |= paths(child, f"{above}[{json.dumps(str(key))}]")
    return found


@given(SPELLED, st.data())
@settings(max_examples=200, deadline=None)
def test_any_split_gives_what_a_parser_gives(data: bytes, choice: st.DataObject) -> None:
    text = data.decode()
    place = choice.draw(st.integers(0, len(text)))
    expected = paths(json.loads(text))
    for partial in (read(text), read(*text), read(text[:place], text[place:])):
        for path, value in expected.items():
            got = partial.get(path)
            assert got is not None
            assert got == value if isinstance(value, str) else json.loads(got) == value


@given(SPELLED, st.data())
@settings(max_examples=200, deadline=None)
def test_what_is_there_of_a_string_is_a_beginning_of_it(data: bytes, choice: st.DataObject) -> None:
    text = data.decode()
    place = choice.draw(st.integers(0, len(text)))
    once, letters = read(text[:place]), read(*text[:place])
    for path, value in paths(json.loads(text)).items():
        got = once.get(path)
        assert got == letters.get(path)
        if isinstance(value, str) and got is not None and text.count("{") == 0:
            assert value.startswith(got)


def test_a_call_while_it_is_written() -> None:
    partial = PartialJson()
    assert partial.get("command") is None
    partial.feed('{"comm')
    assert partial.get("command") is None
    assert partial.get("") == '{"comm'
    partial.feed('and": "')
    assert partial.get("command") == ""
    partial.feed('rm -rf \\"')
    assert partial.get("command") == 'rm -rf "'
    partial.feed('/", "edits": [{"n": 1')
    assert partial.get("command") == 'rm -rf "/'
    assert partial.get("edits.0.n") == "1"
    partial.feed("2.5")
    assert partial.get("edits[0].n") == "12.5"
    assert partial.get("edits") == '[{"n": 12.5'
    partial.feed(', "ok": tru')
    assert partial.get("edits.0.ok") == "tru"
    partial.feed("e}], ")
    assert partial.get("edits") == '[{"n": 12.5, "ok": true}]'
    assert partial.get("edits.1") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('"a\\', "a"),
        ('"a\\u00', "a"),
        ('"a\\u00e9', "aé"),
        ('"a\\ud83d', "a"),
        ('"a\\ud83d\\ude', "a"),
        ('"a\\ud83d\\ude00', "a😀"),
        ('"a\\ud83d\\n', "a\ud83d\n"),
        ('"a\\ud83db', "a\ud83db"),
        ('"a\\d\\uzz"', "a\\d\\uzz"),
        ('"two\nlines', "two\nlines"),
    ],
)
def test_a_cut_escape_is_left_off(text: str, said: str) -> None:
    assert read(text).get("") == read(*text).get("") == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1] "a": 2', "1"),
        ('{"a": 1, § "a": 2', "1"),
        ('{"a": [1, 2}, "a": 2', '[1, 2}, "a": 2'),
        ('{"a" "b" "c"', "c"),
        ('} {"a": 1}', None),
        (', {"a": 1}', None),
    ],
)
def test_what_is_no_json_is_read_as_far_as_it_goes(text: str, said: str | None) -> None:
    assert read(text).get("a") == read(*text).get("a") == said
