"""JSON Schemas from the wire, made harmless: what could take for ever, or leads elsewhere, is taken out."""

from __future__ import annotations

MOST_NODES = 20_000
"""Objects, lists and values of a schema that is read; one that is larger is not."""
MOST_DEPTH = 60

_LEFT_OUT = frozenset({"pattern", "patternProperties", "unevaluatedProperties", "unevaluatedItems"})
_SILENT = frozenset({"$schema", "$dynamicRef", "$recursiveRef", "format", "$id", "id"})
"""Of no use here: other drafts and bases within a schema, and formats, which nobody is bound to."""
_OF_SCHEMAS = frozenset({"properties", "$defs", "definitions", "dependentSchemas"})
_VALUES = frozenset({"enum", "const", "default", "example", "examples", "required", "dependentRequired"})
_LIMITS = frozenset({"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"})
_GOOGLES = frozenset({"STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"})
"""Types as Gemini's own schema spells them. https://ai.google.dev/api/caching#Schema"""


class Unreadable(ValueError):
    """A schema that is not read, and why."""


class SchemaCleaner:
    """Copies a schema without what could do harm. Raises Unreadable where it is too large or too deep."""

    def __init__(self) -> None:
        self.left_out: set[str] = set()
        """Names of keywords that are not checked."""
        self._nodes = 0

    def schema(self, given: object, depth: int) -> object:
        """A schema; what stands where one is awaited and is none stays as it is."""
        self._count(depth)
        if isinstance(given, list):
            return [self.schema(each, depth + 1) for each in given]
        if not isinstance(given, dict):
            return given
        kept: dict[str, object] = {}
        for name, value in given.items():
            if name in _LEFT_OUT:
                self.left_out.add(name)
            elif name not in _SILENT:
                kept[name] = self._member(name, value, depth)
        if "patternProperties" in given:  # what it allows cannot be told from what nothing allows
            kept.pop("additionalProperties", None)
        return _as_json_schema(kept)

    def _member(self, name: str, value: object, depth: int) -> object:
        if name in _VALUES:
            return value
        if name in _OF_SCHEMAS and isinstance(value, dict):
            self._count(depth)
            # The package does not tell where a plain `false` stands.
            named = {key: {"not": {}} if each is False else each for key, each in value.items()}
            return {key: self.schema(each, depth + 2) for key, each in named.items()}
        return self.schema(value, depth + 1)

    def _count(self, depth: int) -> None:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise Unreadable("it is too large")
        if depth > MOST_DEPTH:
            raise Unreadable("it is too deep")


def _as_json_schema(schema: dict[str, object]) -> dict[str, object]:
    """What Gemini spells otherwise: types in capitals, `nullable`, limits as strings."""
    kind = schema.get("type")
    if isinstance(kind, str) and kind in _GOOGLES:
        kind = schema["type"] = kind.lower()
    if kind == "TYPE_UNSPECIFIED":
        del schema["type"]
    if schema.get("nullable") is True and isinstance(kind, str):
        schema["type"] = [kind, "null"]
        if isinstance(allowed := schema.get("enum"), list):
            schema["enum"] = [*allowed, None]
    for name in _LIMITS & schema.keys():
        limit = schema[name]
        if isinstance(limit, str) and limit.isdecimal() and len(limit) < 20:
            schema[name] = int(limit)
    return schema
