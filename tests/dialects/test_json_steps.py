"""Large JSON, parsed in steps, as the ordinary parser reads it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects import _base
from inspector.dialects._base import parse_object
from inspector.dialects._json_steps import parse_in_steps

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.sampled_from([None, 0, 2]))
@settings(deadline=None, max_examples=60)
def test_a_whole_text_reads_the_same(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    assert parse_in_steps(f" {text}\n") == value


@given(st.dictionaries(st.text(max_size=4), VALUES, max_size=4), st.data())
@settings(deadline=None, max_examples=60)
def test_a_broken_text_is_refused_as_ever(value: dict[str, Any], data: st.DataObject) -> None:
    text = json.dumps(value)
    at = data.draw(st.integers(0, len(text)))
    text = text[:at] + data.draw(st.sampled_from(["", "]", "}", ",", ":", '"', "x", "{"])) + text[at + 1 :]
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(ValueError):
            parse_in_steps(text)
    else:
        assert parse_in_steps(text) == expected


@pytest.mark.parametrize("text", ["", "{", '{"a"', '{"a":', '{"a":[', '{"a":[1', '{"a":[1,]}', '{"a":1,}', "{} x"])
def test_what_stops_early_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_in_steps(text)


def test_large_bodies_are_read_like_small_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_base, "LARGE", 1)
    assert parse_object(b'{"a": [1, {"b": "\xff"}], "c": NaN}')["a"] == [1, {"b": "�"}]
    with pytest.raises(ValueError, match="expected a JSON object, got list"):
        parse_object(b"[1]")
