"""A request cut into the pieces that a person edits one at a time: messages and their parts, tools, settings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from inspector.dialects._writing import Json, Section
from inspector.tui.text import one_line
from inspector.wire.json_path import Path

_TEXT_KEYS = ("text", "content", "output", "thinking", "arguments", "input", "function")
"""Where a message, a block or a call keeps its words, in the dialects' own names."""
_NAMES = {"thinking": "thoughts", "input_text": "text", "output_text": "text", "tool_result": "result"}
_FIRST_WORDS = 120
_ORDER = "system message tool setting"


@dataclass(frozen=True, slots=True)
class Piece:
    """One line of the list."""

    kind: str
    """`system`, `message`, `tool` or `setting`, as its section's."""
    label: str
    words: str
    """How it begins, on one line."""
    path: Path
    """Where it stands in the body."""
    text: Path | None = None
    """Where in the body its words stand, where it is edited as a plain text; None: it is edited as JSON."""
    part: bool = False
    """Whether it is a part of the message or tool above it."""

    @property
    def item(self) -> bool:
        """Whether it stands in a list, and so can be moved and have neighbours."""
        return bool(self.path) and isinstance(self.path[-1], int)


def pieces_of(body: Json, sections: Sequence[Section]) -> list[Piece]:
    """The pieces of a request: the prompt first, then tools and settings, each in the order of its sections."""
    pieces: list[Piece] = []
    for section in sorted(sections, key=lambda section: _ORDER.find(section.kind)):
        try:
            value = value_in(body, section.path)
        except (LookupError, TypeError):
            continue
        parts = list(_parts(value, section))
        label = section.label
        if section.kind == "tool":
            pieces.append(Piece("tool", label, _parameters(value), section.path))
        elif section.kind == "setting" or parts:
            said = f"{len(parts)} parts" if len(parts) > 1 else _words(value)
            pieces.append(Piece(section.kind, label, said, section.path))
        else:
            pieces.append(_piece(section.kind, label, section.path, value))
        pieces += parts
    return pieces


def value_in(body: object, path: Path) -> Any:
    """What stands at a path. LookupError or TypeError where nothing can."""
    value: Any = body
    for step in path:
        value = value[step]
    return value


def text_path(value: object) -> Path | None:
    """Where in a message, block or call its words stand, if they are all that there is to edit in it."""
    if isinstance(value, str):
        return ()
    if isinstance(value, list) and len(value) == 1:
        inner = text_path(value[0])
        return None if inner is None else (0, *inner)
    if not isinstance(value, dict) or value.get("tool_calls"):
        return None
    for key in _TEXT_KEYS:
        if value.get(key) is not None and (inner := text_path(value[key])) is not None:
            return (key, *inner)
    return None


def _piece(kind: str, label: str, path: Path, value: object, *, part: bool = False) -> Piece:
    inner = text_path(value)
    return Piece(kind, label, _words(value), path, None if inner is None else (*path, *inner), part)


def _parts(value: object, section: Section) -> Iterator[Piece]:
    """The parts of a message that has several, and the description of a tool, which is words, too."""
    if section.kind == "tool" and (inner := _description(value)) is not None:
        path = (*section.path, *inner)
        yield Piece("tool", "description", _words(value_in(value, inner)), path, path, True)
    if section.kind not in ("message", "system"):
        return
    for path, part in _several(value):
        yield _piece(section.kind, _label(part), (*section.path, *path), part, part=True)


def _description(tool: object) -> Path | None:
    if not isinstance(tool, dict):
        return None
    if isinstance(tool.get("description"), str):
        return ("description",)
    inner = _description(tool.get("function"))
    return None if inner is None else ("function", *inner)


def _several(value: object) -> Iterator[tuple[Path, object]]:
    """The parts of a message or a system prompt, where it is not one text alone."""
    if isinstance(value, list) and len(value) > 1:
        yield from (((index,), item) for index, item in enumerate(value))
    if not isinstance(value, dict):
        return
    content, calls = value.get("content"), value.get("tool_calls")
    if isinstance(content, list) and (len(content) > 1 or calls or (content and text_path(content) is None)):
        yield from ((("content", index), item) for index, item in enumerate(content))
    elif isinstance(content, str) and content and calls:
        yield ("content",), content
    if isinstance(calls, list):
        yield from ((("tool_calls", index), call) for index, call in enumerate(calls))


def _label(part: object) -> str:
    if not isinstance(part, dict):
        return "text"
    function = part.get("function")
    name = part.get("name") or (function.get("name") if isinstance(function, dict) else None)
    kind = str(part.get("type") or "text")
    return f"⚙ {name}" if isinstance(name, str) else _NAMES.get(kind, kind)


def _parameters(tool: object) -> str:
    """The names of what a tool takes."""
    if not isinstance(tool, dict):
        return ""
    schema = tool.get("input_schema") or tool.get("parameters")
    if schema is None:
        return _parameters(tool.get("function"))
    names = schema.get("properties") if isinstance(schema, dict) else None
    return one_line(", ".join(names), _FIRST_WORDS) if isinstance(names, dict) else ""


def _words(value: object) -> str:
    """How a value begins: its words, where it has some, else what stands in it."""
    if isinstance(value, list) and value:
        return _words(value[0])
    if isinstance(value, dict):
        inner = text_path({key: item for key, item in value.items() if key != "tool_calls"})
        if inner is not None:
            return one_line(value_in(value, inner), _FIRST_WORDS)
        value = next((value[key] for key in ("input", "source", "function") if value.get(key)), value)
    if isinstance(value, str):
        return one_line(value, _FIRST_WORDS)
    return one_line(json.dumps(value, ensure_ascii=False)[: 4 * _FIRST_WORDS], _FIRST_WORDS)
