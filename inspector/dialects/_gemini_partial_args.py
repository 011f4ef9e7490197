"""The arguments of a call that stream: `partialArgs` of Vertex AI, each a place and a piece of what stands there.

`{"jsonPath": "$.city", "stringValue": "Par", "willContinue": true}`: text is added to what the place has already.
https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/Content#PartialArg
"""

from __future__ import annotations

from typing import Any

from inspector.dialects._base import Json
from inspector.dialects._fields import text_of
from inspector.dialects._gemini_shape import pick
from inspector.wire.json_path import Path, parse_path

_VALUES = ("stringValue", "numberValue", "boolValue")


def apply(args: Json, pieces: list[object]) -> None:
    """Put pieces into arguments. A place that cannot be, in a list that is not so long or within a number, is left."""
    for piece in pieces:
        if not isinstance(piece, dict):
            continue
        try:
            path = parse_path(text_of(pick(piece, "jsonPath")).removeprefix("$").removeprefix("."))
        except ValueError:
            continue
        value = next((found for name in _VALUES if (found := pick(piece, name)) is not None), None)
        if path:
            _put(args, path, value)


def _put(holder: Any, path: Path, value: object) -> None:
    for number, step in enumerate(path, 1):
        if isinstance(step, int):
            if not (isinstance(holder, list) and 0 <= step <= len(holder)):
                return
            holder += [None] * (step == len(holder))
            known = holder[step]
        elif isinstance(holder, dict):
            known = holder.get(step)
        else:
            return
        if number == len(path):
            holder[step] = known + value if isinstance(known, str) and isinstance(value, str) else value
        elif not isinstance(known, dict | list):
            holder[step] = [] if isinstance(path[number], int) else {}
        holder = holder[step]
