"""A JSON text that grows is valid so far exactly as long as something could still make it valid."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.tui.json_progress import JsonProgress

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.booleans(), st.data())
@settings(max_examples=200, deadline=None)
def test_every_beginning_of_valid_json_is_valid_so_far(value: object, ascii_only: bool, data: st.DataObject) -> None:
    text = json.dumps([value], ensure_ascii=ascii_only)
    cut = data.draw(st.integers(0, len(text)))
    progress = JsonProgress()
    progress.feed(text[:cut])
    assert progress.valid
    assert progress.whole == (cut == len(text))
    progress.feed(text[cut:])
    assert progress.whole


@given(st.text(st.sampled_from('{}[]:,"\\u0 1.e-+truefalsn'), max_size=12))
@settings(max_examples=500, deadline=None)
def test_whole_means_that_a_parser_takes_it(text: str) -> None:
    progress = JsonProgress()
    for character in f"[{text}]":
        progress.feed(character)
    try:
        json.loads(f"[{text}]")
        parses = True
    except ValueError:
        parses = False
    assert progress.whole == parses


@pytest.mark.parametrize(
    "text", ["}", "{]", '{"a" 1', '{"a":,', "[1,]", "[01", "tru!", '"\\x', '"\n', "{} {", "[1 2", "nul1"]
)
def test_what_cannot_become_valid(text: str) -> None:
    progress = JsonProgress()
    progress.feed(text)
    assert not progress.valid
