"""Paths are read as a person writes them, and written as they are read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.wire.json_path import format_path, parse_path, resolve
from inspector.wire.json_spans import scan


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", ()),
        ("model", ("model",)),
        ("messages[-1].content", ("messages", -1, "content")),
        ('a.b[0]["odd key"]', ("a", "b", 0, "odd key")),
        ("[0].a", (0, "a")),
        ("['it.s'].b", ("it.s", "b")),
        ("edits.0.x-y", ("edits", "0", "x-y")),
    ],
)
def test_paths(text: str, path: tuple[str | int, ...]) -> None:
    assert parse_path(text) == path


@given(st.lists(st.text(max_size=6) | st.integers(-9, 9), max_size=5).map(tuple))
@settings(max_examples=200, deadline=None)
def test_what_is_written_is_read_back(path: tuple[str | int, ...]) -> None:
    assert parse_path(format_path(path)) == path


@pytest.mark.parametrize("text", ["a..b", ".a", "a.", "a[", "a[x]", "a b", '["\\x"]', "[0]a"])
def test_what_is_no_path(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no path|is no key"):
        parse_path(text)


def test_indices_are_counted_from_the_front() -> None:
    document = scan(b'{"m": [1, {"a": [2]}]}')
    assert resolve(document, ("m", -1, "a", -1)) == ("m", 1, "a", 0)
    with pytest.raises(ValueError, match=r"m\[1\].a has 1 entry: there is no \[-2\]"):
        resolve(document, ("m", -1, "a", -2))
