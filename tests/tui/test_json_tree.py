"""The tree of a JSON text: lazy, exact, and calm with what is broken."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.tui.json_tree import ROW_LIMIT, JsonTree, Node, Words

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


def tree_of(text: str) -> JsonTree:
    """A tree that has read all that is unfolded."""
    tree = JsonTree(text, lambda words, depth: words.split("\n"))
    read(tree)
    return tree


def read(tree: JsonTree) -> None:
    """Read all that is unfolded."""
    while tree.busy:
        tree.advance(0.001)


def nodes(tree: JsonTree) -> list[Node]:
    """The rows that are values."""
    return [row for row in tree.rows if isinstance(row, Node)]


def paths(value: Any, path: str = "") -> list[str]:
    """Where every value stands, in the order of the text; keys are quoted, so that they can be compared."""
    children: list[tuple[object, Any]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    below = [inner for key, child in children for inner in paths(child, f"{path}[{json.dumps(key)}]")]
    return [path, *below]


def path_of(node: Node) -> str:
    """The same for a row."""
    return f"{path_of(node.parent)}[{json.dumps(node.key)}]" if node.parent is not None else ""


@given(VALUES, st.sampled_from([None, 2]), st.booleans())
@settings(max_examples=200, deadline=None)
def test_unfolded_it_holds_every_value_at_its_place(value: Any, indent: int | None, ascii_only: bool) -> None:
    tree = tree_of(json.dumps(value, indent=indent, ensure_ascii=ascii_only))
    tree.toggle_all()
    read(tree)
    if not all(node.opened or tree.kind(node) not in "{[" or not node.items for node in nodes(tree)):
        tree.toggle_all()
        read(tree)
    assert [path_of(node) for node in nodes(tree)] == paths(value)
    for node in nodes(tree):
        spelled = tree.text[node.start : node.end]
        inner = json.loads(spelled)
        assert tree.value(node) == (inner if isinstance(inner, str) else spelled)
        if isinstance(inner, list | dict):
            assert node.items == len(inner)


@given(st.text(st.sampled_from('{}[]:," \\atrue10\n'), max_size=40))
@settings(max_examples=300, deadline=None)
def test_broken_text_is_read_as_far_as_it_goes(text: str) -> None:
    tree = tree_of(text)
    for _ in range(3):
        tree.toggle_all()
        read(tree)
    for index in reversed(range(len(tree.rows))):
        tree.toggle(index)
        read(tree)
    assert tree.rows


def test_folding_and_unfolding() -> None:
    tree = tree_of('{"a": {"b": [1, {"c": 2}]}, "text": "one\\ntwo", "e": {}}')
    keys = [node.key for node in nodes(tree)]
    assert keys == [None, "a", "b", "text", "e"]
    assert tree.toggle(2)
    read(tree)
    assert [node.key for node in nodes(tree)] == [None, "a", "b", 0, 1, "text", "e"]
    assert tree.path(nodes(tree)[4]) == "a.b[1]"
    assert tree.toggle(5)
    assert [row.text for row in tree.rows if isinstance(row, Words)] == ["one", "two"]
    assert tree.toggle(6)
    assert not any(isinstance(row, Words) for row in tree.rows)
    assert not tree.toggle(6)
    assert tree.toggle(0)
    assert len(tree.rows) == 1


def test_doubled_keys_and_the_spelling_of_numbers_are_kept() -> None:
    tree = tree_of('{"a": 1.0, "a": 1e400, "b c": 12345678901234567890123}')
    assert [tree.value(node) for node in nodes(tree)[1:]] == ["1.0", "1e400", "12345678901234567890123"]
    assert [tree.path(node) for node in nodes(tree)[1:]] == ["a", "a", '["b c"]']


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 50_000, '"' + "\\n" * 100_000, "[1" + ",1" * 50_000])
def test_deep_and_long_texts(text: str) -> None:
    tree = tree_of(text)
    tree.toggle_all()
    read(tree)
    assert len(tree.rows) >= 1
    assert nodes(tree)[0].broken


def test_there_is_an_end_to_unfolding() -> None:
    tree = tree_of("[" + "1," * (ROW_LIMIT + 50) + "1]")
    assert tree.limited
    assert len(tree.rows) == ROW_LIMIT


def test_a_fold_that_is_asked_for_while_it_reads_is_not_lost() -> None:
    tree = JsonTree('{"messages": [' + '{"a": [1, 2]},' * 20_000 + "1]}", lambda words, depth: [words])
    tree.advance(0)
    assert tree.busy
    assert tree.toggle(1)
    read(tree)
    assert len(tree.rows) == 2


@given(st.text('ab"\\\n', max_size=30), st.integers(1, 5))
@settings(deadline=None)
def test_strings_end_where_they_end_however_they_are_looked_through(text: str, stretch: int) -> None:
    source = json.dumps({"a": text, "b": [text, {"c": text}], "d": 1})
    with patch("inspector.tui.json_tree._STRETCH", stretch):
        tree = tree_of(source)
        tree.toggle_all()
        read(tree)
    expected = tree_of(source)
    expected.toggle_all()
    read(expected)
    shape = [(node.start, node.end, node.items, node.broken) for node in nodes(tree)]
    assert shape == [(node.start, node.end, node.items, node.broken) for node in nodes(expected)]
    assert [tree.value(node) for node in nodes(tree) if tree.kind(node) == '"'] == [text] * 3


@pytest.mark.parametrize("text", ['{"a": "never ends', '{"a": "ends in \\', '{"a": [1, "never ends'])
def test_a_string_that_does_not_end_is_broken_in_any_stretch(text: str) -> None:
    with patch("inspector.tui.json_tree._STRETCH", 3):
        tree = tree_of(text)
        assert nodes(tree)[-1].broken and nodes(tree)[-1].end == len(text)


def test_a_very_long_string_is_unfolded_in_slices_and_folded_again() -> None:
    text = "\n".join(f"line {number}" for number in range(20_000)) + "x" * 200_000
    tree = tree_of(json.dumps({"a": text}))
    assert tree.toggle(1) and tree.busy
    read(tree)
    words = [row.text for row in tree.rows if isinstance(row, Words)]
    assert "".join(words) == text.replace("\n", "") and words[19_998] == "line 19998"
    assert tree.toggle(1)
    assert len(tree.rows) == 2
    tree.toggle(1)
    read(tree)
    tree.rewrap()
    assert len(tree.rows) == 2
