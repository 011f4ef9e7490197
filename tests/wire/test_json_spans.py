"""A scan finds every value where it stands, takes what JSON is and nothing else, and says where a text goes wrong."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.wire.json_errors import JsonError
from inspector.wire.json_spans import MAX_DEPTH, Document, Node, scan, walk
from tests.wire.json_texts import SPELLED, meaning


def rebuilt(document: Document, node: Node) -> object:
    """What a tree of spans says."""
    if node.kind == "object":
        pairs = zip(node.keys, node.children, strict=True)
        return ("object", [(document.text(key), rebuilt(document, value)) for key, value in pairs])
    if node.kind == "array":
        return [rebuilt(document, child) for child in node.children]
    if node.kind == "string":
        return document.text(node)
    return ("number", document.raw(node).decode()) if node.kind == "number" else json.loads(document.raw(node))


@given(SPELLED)
@settings(max_examples=150, deadline=None)
def test_the_tree_says_what_the_text_says(data: bytes) -> None:
    document = scan(b" " + data + b"\n")
    assert rebuilt(document, document.root) == meaning(data)
    assert document.raw(document.root) == data
    for node in walk(document.root):
        assert meaning(document.raw(node)) == rebuilt(document, node)


@given(st.text(st.sampled_from('{}[]:,"\\u0 1.e-+truefalsn\né\x01'), max_size=12))
@settings(max_examples=400, deadline=None)
def test_it_takes_what_a_parser_takes(text: str) -> None:
    data = f"[{text}]".encode()
    try:
        json.loads(data)
        parses = True
    except ValueError:
        parses = False
    try:
        scan(data)
        scans = True
    except JsonError as error:
        scans = False
        assert 0 <= error.offset <= len(data)
    assert scans == parses


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1, column 1: there is no JSON here"),
        ('{\n  "a": 1,\n  "b" 2\n}', "line 3, column 7: a colon is missing before this"),
        ('{\n  "é": "é" "b": 2}', "line 2, column 12: a comma is missing before this"),
        ('{"a": 1,}', "line 1, column 9: there is one comma too many before this"),
        ("[1, 2", "line 1, column 6: the text ends here, but the ] is missing: the [ of line 1 is not closed"),
        ('{"a":', "line 1, column 6: the text ends here, but a value is missing: the { of line 1 is not closed"),
        ('{"a": }', "line 1, column 7: a value is missing before this"),
        ("[1}", "line 1, column 3: } stands where ] should be"),
        ("}", "line 1, column 1: } closes nothing"),
        ("{} {}", "line 1, column 4: there is more behind the end of the JSON"),
        ("[,1]", "line 1, column 2: a value is missing before this comma"),
        ("{,}", "line 1, column 2: a key is missing before this comma"),
        ("{a: 1}", "line 1, column 2: a key must stand in double quotes"),
        ("['a']", "line 1, column 2: strings stand in double quotes, not in single ones"),
        ("[True]", "line 1, column 2: True is written true"),
        ("[yes]", "line 1, column 2: yes is no value: strings stand in double quotes"),
        ("[01]", "line 1, column 2: 01 is no number as JSON writes them"),
        ("[1] // all", "line 1, column 5: there is more behind the end of the JSON"),
        ("[// all\n1]", "line 1, column 2: JSON has no comments"),
        ("[@]", "line 1, column 2: @ begins no value"),
        (
            '["a\nb"]',
            "line 1, column 2: this string is not closed: a quote is missing, or a line break is not written as \\n",
        ),
        ('["a\tb"]', "line 1, column 4: this control character must be written as \\u0009"),
        ('["C:\\dir"]', "line 1, column 5: \\d is no escape: write \\\\"),
        ('["\\u00"]', "line 1, column 3: \\u needs four hexadecimal digits behind it"),
    ],
)
def test_errors_are_words_for_a_person(text: str, words: str) -> None:
    with pytest.raises(JsonError) as caught:
        scan(text.encode())
    assert str(caught.value) == words


def test_an_error_knows_its_place_in_bytes_and_in_characters() -> None:
    with pytest.raises(JsonError) as caught:
        scan('["é",\n "ü" 1]'.encode())
    error = caught.value
    assert (error.offset, error.line, error.column, error.message) == (13, 2, 6, "a comma is missing before this")


def test_what_is_no_utf8_is_an_error() -> None:
    with pytest.raises(JsonError, match="column 3: this is no UTF-8"):
        scan(b'["\xff"]')


def test_deep_nesting_is_refused_and_not_a_crash() -> None:
    scan(b"[" * MAX_DEPTH + b"1" + b"]" * MAX_DEPTH)
    with pytest.raises(JsonError, match="levels within each other"):
        scan(b"[" * 1_000_000)


def test_the_last_of_doubled_keys_counts() -> None:
    document = scan(b'{"a": 1, "b": 2, "\\u0061": 3}')
    assert document.position(document.root, "a") == 2
    assert document.position(document.root, "c") == -1
