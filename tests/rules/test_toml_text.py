"""Tables written as TOML."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.rules.toml_text import toml_of

scalars = st.text() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=6
)
tables = st.dictionaries(st.text(max_size=5), values, max_size=4)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.text(max_size=5), st.lists(tables, min_size=1, max_size=3), max_size=3))
def test_what_is_written_is_read_as_it_was(document: dict[str, list[dict[str, Any]]]) -> None:
    assert tomllib.loads(toml_of(document)) == document


@pytest.mark.parametrize(
    "code", [*range(0x20), 0x7F, 0x80, 0x85, 0x2028, 0xFEFF, 0xFFFF, 0x10FFFF, ord('"'), ord("\\")]
)
def test_every_odd_character_is_read_as_it_was(code: int) -> None:
    text = f"a{chr(code)}b"
    assert tomllib.loads(toml_of({"x": [{text: text}]})) == {"x": [{text: text}]}


def test_half_a_surrogate_pair_is_marked_as_lost() -> None:
    assert tomllib.loads(toml_of({"x": [{"a": "\ud83d!"}]})) == {"x": [{"a": "\ufffd!"}]}


def test_what_toml_cannot_say_is_refused() -> None:
    with pytest.raises(TypeError, match="NoneType"):
        toml_of({"x": [{"a": None}]})


def test_it_reads_well() -> None:
    assert toml_of({"mock": [{"filter": 'a:"b"', "reply": {"status": 529}}, {"on": False}]}) == (
        '[[mock]]\nfilter = "a:\\"b\\""\nreply = {status = 529}\n\n[[mock]]\non = false\n'
    )
