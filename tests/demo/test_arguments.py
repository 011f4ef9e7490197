"""Arguments fit the schema they were made for."""

from __future__ import annotations

import random
from typing import Any

import pytest

from inspector.demo.arguments import Clues, Repair, fill

CLUES = Clues("src/a.py", "parse_table", "Is the water high?", Repair("src/a.py", "def f()", "def f():"), lambda: "Do.")


def _one(shape: dict[str, Any], name: str = "value") -> Any:
    schema = {"type": "object", "properties": {name: shape, "optional": {"type": "string"}}, "required": [name]}
    arguments = fill(schema, CLUES, random.Random(1))
    assert set(arguments) == {name}
    return arguments[name]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("file_path", "src/a.py"),
        ("old_string", "def f()"),
        ("new_string", "def f():"),
        ("glob", "**/*"),
        ("command", "pytest -q"),
        ("pattern", "parse_table"),
        ("location", "Parse_Table"),
        ("prompt", "Do."),
    ],
)
def test_a_name_tells_what_is_meant(name: str, value: str) -> None:
    assert _one({"type": "string"}, name) == value


@pytest.mark.parametrize(
    ("shape", "value"),
    [
        ({"enum": ["low", "high"]}, "high"),
        ({"const": 3}, 3),
        ({"type": "array", "items": {"type": "string"}}, ["Do."]),
        ({"type": "array"}, []),
        ({"type": "null"}, None),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "Do."),
        ({"type": ["string", "null"]}, "Do."),
        ({"type": "object", "properties": {"path": {}}, "required": ["path"]}, {"path": "src/a.py"}),
        ({"type": "object"}, {}),
        ({}, "Do."),
    ],
)
def test_a_type_tells_what_fits(shape: dict[str, Any], value: Any) -> None:
    assert _one(shape) == value


def test_numbers_start_where_they_may() -> None:
    assert _one({"type": "integer", "minimum": 40}) in (40, 41, 42)
    assert 7 <= _one({"type": "number", "minimum": 7}) <= 8
    assert _one({"type": "boolean"}) in (True, False)


@pytest.mark.parametrize("schema", [None, {}, {"type": "object"}, "nonsense", {"properties": []}])
def test_without_properties_there_are_no_arguments(schema: object) -> None:
    assert fill(schema, CLUES, random.Random(1)) == {}


def test_a_schema_without_end_is_left_in_time() -> None:
    schema: dict[str, Any] = {"type": "object", "required": ["again"]}
    schema["properties"] = {"again": schema}
    depth, arguments = 0, fill(schema, CLUES, random.Random(1))
    while arguments:
        depth, arguments = depth + 1, arguments["again"]
    assert 0 < depth < 10
