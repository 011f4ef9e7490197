"""Schemas from the wire: what breaks them in words, and that none of them does harm."""

from __future__ import annotations

import socket
import urllib.request
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.store import tool_schema
from inspector.store.tool_schema import MOST_STEPS, SchemaCheck
from inspector.wire.json_path import format_path

Json = dict[str, Any]

ALL: Json = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 5},
        "count": {"type": ["integer", "null"], "minimum": 3},
        "mode": {"enum": ["fast", "slow"]},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
        "either": {"anyOf": [{"type": "string"}, {"required": ["x"]}]},
        "never": False,
        "pattern": {"const": "x"},
    },
    "required": ["name"],
    "additionalProperties": False,
}


NO_SUCH = "there is no such property"


@pytest.fixture(autouse=True)
def _package() -> None:
    assert tool_schema.wait(60)


def faults(schema: object, value: object) -> dict[str, str]:
    """What is wrong, by path."""
    found, notes = SchemaCheck(schema).faults(value)
    assert notes == []
    return {format_path(fault.path): fault.words for fault in found}


def notes(schema: object, value: object) -> str:
    """What is said of the schema; nothing is said of the value."""
    found, said = SchemaCheck(schema).faults(value)
    assert found == []
    return "; ".join(said)


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ({"name": "x", "count": None, "mode": "fast", "tags": ["a"], "either": "y", "pattern": "x"}, {}),
        ({}, {"": "name is missing"}),
        ([], {"": "should be object, is array"}),
        ({"name": 3}, {"name": "should be string, is integer"}),
        ({"name": True}, {"name": "should be string, is boolean"}),
        ({"name": "long, too long"}, {"name": "has 14 characters; maxLength is 5"}),
        ({"name": "x", "count": 2}, {"count": "is 2; minimum is 3"}),
        ({"name": "x", "count": "2"}, {"count": "should be integer or null, is string"}),
        ({"name": "x", "mode": "best"}, {"mode": 'is "best", should be one of "fast", "slow"'}),
        ({"name": "x", "tags": ["a", 1.5]}, {"tags[1]": "should be string, is number"}),
        ({"name": "x", "tags": ["a", "b", "c"]}, {"tags": "has 3 entries; maxItems is 2"}),
        ({"name": "x", "either": {}}, {"either": "fits none of 2 allowed forms"}),
        ({"name": "x", "either": {"x": 1}}, {}),
        ({"name": "x", "odd one": 1, "b": 2}, {'["odd one"]': NO_SUCH, "b": NO_SUCH}),
        ({"name": "x", "never": 1}, {"never": "nothing is allowed here"}),
        ({"name": "x", "pattern": "y"}, {"pattern": 'is "y", should be "x"'}),
    ],
)
def test_faults_are_told_in_words(value: object, wrong: Json) -> None:
    assert faults(ALL, value) == wrong


def test_geminis_own_spelling_is_understood() -> None:
    schema = {
        "type": "OBJECT",
        "properties": {
            "a": {"type": "STRING", "nullable": True, "enum": ["x"]},
            "b": {"type": "ARRAY", "minItems": "1", "items": {"type": "INTEGER"}},
            "c": {"type": "TYPE_UNSPECIFIED"},
        },
    }
    assert faults(schema, {"a": None, "b": [1], "c": 3}) == {}
    assert set(faults(schema, {"a": 3, "b": []})) == {"a", "b"}


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/x", "https://example.com/schema", "x.json", "file:///etc/x"])
def test_nothing_is_fetched(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(urllib.request, "urlopen", lambda *given, **_: asked.append(given))
    monkeypatch.setattr(socket.socket, "connect", lambda *given: asked.append(given))
    for schema in ({"properties": {"a": {"$ref": address}}}, {"$id": address, "$ref": "other"}):
        said = notes(schema, {"a": 1})
        assert said.startswith("the schema cannot be read: it refers to what does not stand in it")
    assert asked == []


def test_references_within_the_schema_hold() -> None:
    schema = {
        "$defs": {"tree": {"properties": {"inner": {"$ref": "#/$defs/tree"}, "n": {"type": "integer"}}}},
        "$ref": "#/$defs/tree",
    }
    assert faults(schema, {"inner": {"inner": {"n": "x"}}}) == {"inner.inner.n": "should be integer, is string"}


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"$ref": "#"}, "it goes in circles"),
        ({"type": "str"}, "there is no type str"),
        ("words", "it is no object"),
        ([], "it is no object"),
        ({"required": True, "type": "object"}, "TypeError"),
        ({"properties": [1]}, "AttributeError"),
        ({"$ref": 5}, "AttributeError"),
        ({"multipleOf": 0, "allOf": 3}, "TypeError"),
        ({"enum": {"a": list(range(30_000))}, "items": [{}] * 30_000}, "it is too large"),
    ],
)
def test_bad_schemas_are_survived(schema: object, said: str) -> None:
    found = notes(schema, {})
    assert found.startswith("the schema cannot be read: ") and said in found


def test_a_schema_too_deep_is_not_read() -> None:
    schema: Json = {}
    for _ in range(5_000):
        schema = {"items": schema}
    assert notes(schema, []) == "the schema cannot be read: it is too deep"


def test_regular_expressions_are_left_out_and_said_to_be() -> None:
    trap = {"type": "string", "pattern": "^(a+)+$"}
    schema = {"properties": {"a": trap}, "patternProperties": {"(x+)+y": False}, "additionalProperties": False}
    assert notes(schema, {"a": "a" * 64 + "!", "x" * 64: 1}) == "not checked: pattern, patternProperties"
    inner = {"properties": {"a": {"$schema": "http://json-schema.org/draft-04/schema#", **trap}}}
    assert notes(inner, {"a": "a" * 64 + "!"}) == "not checked: pattern"


def test_what_grows_without_bound_is_given_up() -> None:
    forks: Json = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(64)}
    gives_up = "the check takes too long: not all was checked"
    assert notes({"$ref": "#/$defs/d0", "$defs": {**forks, "d64": {"type": "string"}}}, {}) == gives_up
    assert notes({"uniqueItems": True}, [{"a": n} for n in range(5_000)]) == gives_up
    assert notes({"items": {"type": "integer", "minimum": 0}}, list(range(MOST_STEPS))) == gives_up


def test_faults_found_before_giving_up_stay_and_floods_are_cut() -> None:
    found, said = SchemaCheck({"items": {"type": "integer"}}).faults(["x", *range(MOST_STEPS)])
    assert [fault.path for fault in found] == [(0,)] and said
    found, said = SchemaCheck({"items": {"type": "integer"}}).faults(["x"] * 500)
    assert len(found) == 20 and said == ["only the first 20 faults are told"]
    found, _ = SchemaCheck({"additionalProperties": False}).faults({str(n): n for n in range(500)})
    assert len(found) == 20


WORDS = (
    "type properties items $ref $defs enum required anyOf oneOf not if then $id additionalProperties minimum "
    "maxItems const contains prefixItems $anchor dependentSchemas"
)
KEYWORDS = st.sampled_from(WORDS.split())
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["string", "#", "#/items", "object", "a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYWORDS | st.just("a"), inner, max_size=4),
    max_leaves=15,
)


@settings(max_examples=100, deadline=None)
@given(VALUES, VALUES)
def test_no_schema_and_no_value_raises(schema: object, value: object) -> None:
    check = SchemaCheck(schema)
    found, said = check.faults(value)
    assert all(fault.words for fault in found) and all(said)
    assert check.faults(value) == (found, said)
