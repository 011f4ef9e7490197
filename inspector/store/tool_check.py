"""Whether a call's arguments are what its tool asks for: JSON first, then by the schema that the request declares."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from inspector.model.message import Tool
from inspector.store.schema_words import Fault
from inspector.store.tool_schema import SchemaCheck
from inspector.wire.json_errors import JsonError
from inspector.wire.json_layout import bytes_of
from inspector.wire.json_spans import scan

MOST_CHECKED = 256 * 1024
"""Bytes of arguments beyond which they are not checked against a schema, nor their mistake explained."""
_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with a call, if anything is."""

    faults: tuple[Fault, ...] = ()
    """By the tool's schema, or that there is no such tool."""
    error: JsonError | None = None
    """What keeps the arguments from being JSON."""
    notes: tuple[str, ...] = ()
    """What was not checked, and why."""

    @property
    def ok(self) -> bool:
        """Whether nothing wrong was found."""
        return not self.faults and self.error is None


FINE = Verdict()


class ToolCheck:
    """Checks calls against the tools that one request declares. Costs a schema's reading once, a call's check once."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._schemas: dict[str, SchemaCheck] = {}
        self._known: OrderedDict[tuple[str, str, str], Verdict] = OrderedDict()

    def check(self, name: str, arguments: str, kind: str = "function") -> Verdict:
        """Judge a whole call. `kind` is as `ToolCall.kind` has it: only functions have JSON arguments and a schema.

        Only to be called once `tool_schema.ready()`.
        """
        key = kind, name, arguments
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._judged(name, arguments, kind)
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return known

    def _judged(self, name: str, arguments: str, kind: str) -> Verdict:
        if kind not in ("function", "custom"):
            return FINE
        tool = self._tools.get(name)
        stranger = (Fault((), self._unknown(name)),) if tool is None else ()
        if kind == "custom":
            return Verdict(stranger)
        data = bytes_of(arguments)
        if not data.strip():
            # Several providers send nothing at all for a call without arguments.
            data = b"{}"
        try:
            value = _parsed(data)
        except JsonError as error:
            return Verdict(stranger, error)
        if tool is None or tool.schema is None or tool.kind != "function":
            return Verdict(stranger)
        if len(data) > MOST_CHECKED:
            return Verdict(notes=(f"not checked against the schema: {len(data)} bytes are too many",))
        schema = self._schemas.get(name)
        if schema is None:
            schema = self._schemas[name] = SchemaCheck(tool.schema)
        faults, notes = schema.faults(value)
        return Verdict(tuple(faults), None, tuple(notes))

    def _unknown(self, name: str) -> str:
        if not self._tools:
            return "the request declares no tools"
        like = next((known for known in self._tools if known.lower() == name.lower()), "")
        return f"no tool of this name is declared{f': there is {like}' if like else ''}"


def _parsed(data: bytes) -> object:
    """The value of a JSON text. Raises JsonError, in words where the text is not too long for that."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if len(data) > MOST_CHECKED:
            raise JsonError(error.msg, data, len(error.doc[: error.pos].encode("utf-8", "replace"))) from None
    scan(data)
    try:
        return json.loads(data)  # half characters are JSON, too
    except ValueError:
        raise JsonError("a number in it is too long to be read", data, 0) from None
