"""Checks data against a JSON schema."""

from __future__ import annotations

from importlib import import_module
from typing import Any

# It comes without types.
_package: Any = import_module("jsonschema")


def check(data: object, schema: dict[str, Any]) -> None:
    """Raise where the data are not as the schema has them."""
    _package.validate(data, schema)
