"""JSON Schemas of tools, made harmless, and what breaks them. They come from the wire, and so do the arguments.

Nothing is ever fetched: a `$ref` that leads out of the schema makes it unreadable. What could take for ever is taken
out (regular expressions, `unevaluated…`), and a check stops after so many steps.

The package `jsonschema` takes a tenth of a second to load: a thread does it when the first schema is wanted.
https://json-schema.org/draft/2020-12/json-schema-validation
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

from inspector.store.late_package import LatePackage
from inspector.store.schema_cleaning import SchemaCleaner, Unreadable
from inspector.store.schema_words import MOST_FAULTS, Fault, faults_of, trouble

MOST_STEPS = 2_000
"""Keywords that one check applies to one value each, before it gives up."""
MOST_COMPARED = 200
"""Items of a list that `uniqueItems` compares with each other."""

_UNREADABLE = "the schema cannot be read: "


def _packages() -> tuple[ModuleType, ModuleType]:
    return import_module("jsonschema"), import_module("referencing")


_late = LatePackage("schemas", _packages, "schemas cannot be checked")


def ready() -> bool:
    """Whether schemas can be checked, or never will be. Begins to load what that needs."""
    _late.begin()
    return _late.done.is_set()


def wait(seconds: float) -> bool:
    """Wait for that; False where it takes longer."""
    _late.begin()
    return _late.done.wait(seconds)


class _TooMuch(Exception):
    """A check takes too many steps."""


class SchemaCheck:
    """Checks values against one schema. Only to be made and used once `ready()`, by one thread at a time."""

    def __init__(self, schema: object) -> None:
        self.notes: list[str] = []
        """What is not checked, and why."""
        self._left = 0
        self._validator: Any = None
        try:
            self._validator = self._made(schema)
        except Unreadable as error:
            self.notes.append(f"{_UNREADABLE}{error}")
        except Exception as error:  # the border to a package that meets schemas of every kind
            self.notes.append(_UNREADABLE + trouble(error))

    def faults(self, value: object) -> tuple[list[Fault], list[str]]:
        """What is wrong with a value, and what could not be found out about it. Never raises."""
        if self._validator is None:
            return [], self.notes
        found: list[Fault] = []
        notes = list(self.notes)
        self._left = MOST_STEPS
        try:
            for error in self._validator.iter_errors(value):
                found += faults_of(error)
                if len(found) >= MOST_FAULTS:
                    notes.append(f"only the first {MOST_FAULTS} faults are told")
                    break
        except _TooMuch:
            notes.append("the check takes too long: not all was checked")
        except RecursionError:
            notes.append(f"{_UNREADABLE}it goes in circles")
        except Exception as error:  # the border to a package that meets schemas of every kind
            notes.append(_UNREADABLE + trouble(error))
        return found[:MOST_FAULTS], notes

    def _made(self, schema: object) -> Any:
        if not isinstance(schema, dict | bool):
            raise Unreadable("it is no object")
        if _late.loaded is None:
            raise Unreadable("the package jsonschema is not here")
        jsonschema, referencing = _late.loaded
        cleaner = SchemaCleaner()
        harmless = cleaner.schema(schema, 0)
        if cleaner.left_out:
            self.notes.append(f"not checked: {', '.join(sorted(cleaner.left_out))}")
        validators = jsonschema.validators
        draft = validators.Draft202012Validator
        if isinstance(schema, dict) and isinstance(schema.get("$schema"), str):
            draft = validators.validator_for({"$schema": schema["$schema"]}, default=draft)
        counted = {name: self._counted(name, check) for name, check in draft.VALIDATORS.items()}
        # An empty registry knows no other document, and asks nobody for one.
        return validators.extend(draft, counted)(harmless, registry=referencing.Registry())

    def _counted(self, name: str, check: Callable[..., Any]) -> Callable[..., Iterator[Any]]:
        """A keyword's check that counts its steps."""

        def run(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
            self._left -= 1
            if self._left < 0 or (
                name == "uniqueItems" and isinstance(instance, list) and len(instance) > MOST_COMPARED
            ):
                raise _TooMuch
            yield from check(validator, value, instance, schema) or ()

        return run
