"""Paths into JSON, as a person writes them: `messages[-1].content`, `a.b[0]["odd key"]`."""

from __future__ import annotations

import json
import re

from inspector.wire.json_spans import Document, Node

Path = tuple[str | int, ...]

Pattern = tuple[str | int | None, ...]
"""A path that may lead to several values: None stands for `[*]`, every entry."""

_STEP = re.compile(r"""\[\s*(-?\d+|\*)\s*\]|\[\s*("(?:[^"\\]|\\.)*"|'[^']*')\s*\]|(\.?)([^\s.\[\]"']+)""")
_INDEX = re.compile(r"-?[0-9]{1,9}\Z")
_NAME = re.compile(r"[^\W\d][\w$-]*\Z")


def parse_path(text: str) -> Path:
    """Read a path. The empty one is the whole document. ValueError, in words, where it is none."""
    steps: list[str | int] = []
    for step in parse_pattern(text):
        if step is None:
            raise ValueError(f"{text.strip()} is no path to one value: [*] stands for several")
        steps.append(step)
    return tuple(steps)


def parse_pattern(text: str) -> Pattern:
    """Read a path that may have `[*]` in it, as in `messages[*].role`. ValueError, in words, where it is none."""
    steps: list[str | int | None] = []
    at, text = 0, text.strip()
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None or (match[4] and bool(match[3]) != bool(steps)):
            raise ValueError(f"{text} is no path: {text[at:]!r} is not understood (as in messages[-1].content)")
        steps.append(_step(match))
        at = match.end()
    return tuple(steps)


def values_at(value: object, pattern: Pattern) -> list[object]:
    """What stands at a path in a value that `json.loads` gave, in order; nothing where the path leads nowhere.

    `.0` is taken as `[0]` in a list, and `.length` is that of a list or a string.
    """
    found = [value]
    for step in pattern:
        found = [inner for outer in found for inner in _inside(outer, step)]
    return found


def _inside(value: object, step: str | int | None) -> list[object]:
    """What a step leads to."""
    if isinstance(value, dict):
        return list(value.values()) if step is None else [value[step]] if step in value else []
    if step == "length" and isinstance(value, list | str):
        return [len(value)]
    if not isinstance(value, list):
        return []
    if step is None:
        return value
    index = int(step) if isinstance(step, int) or _INDEX.match(step) else len(value)
    return [value[index]] if -len(value) <= index < len(value) else []


def format_path(path: Path) -> str:
    """A path as `parse_path` reads it."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _NAME.match(step):
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step, ensure_ascii=False)}]"
    return text


def resolve(document: Document, path: Path) -> Path:
    """A path with its indices counted from the front. ValueError, in words, where nothing stands there."""
    return find(document, path)[0]


def find(document: Document, path: Path) -> tuple[Path, Node]:
    """A path with its indices counted from the front, and what stands there. ValueError where nothing does."""
    node, resolved = document.root, list(path)
    for depth, step in enumerate(path):
        index = _index(document, node, tuple(resolved[:depth]), step)
        node = node.children[index]
        if isinstance(step, int):
            resolved[depth] = index
    return tuple(resolved), node


def _index(document: Document, node: Node, above: Path, step: str | int) -> int:
    """Which child of a value a step leads to."""
    where = format_path(above) or "the document"
    if isinstance(step, str):
        if node.kind != "object":
            raise ValueError(f"{where} is {_A[node.kind]}: it has no {step!r}")
        index = document.position(node, step)
        if index < 0:
            raise ValueError(f"{where} has no {step!r}")
        return index
    if node.kind != "array":
        raise ValueError(f"{where} is {_A[node.kind]}: it has no [{step}]")
    count = len(node.children)
    if not -count <= step < count:
        raise ValueError(f"{where} has {count} entr{'y' if count == 1 else 'ies'}: there is no [{step}]")
    return step % count


_A = {
    "object": "an object",
    "array": "a list",
    "string": "a string",
    "number": "a number",
    "word": "true, false or null",
}


def _step(match: re.Match[str]) -> str | int | None:
    index, quoted, _, name = match.groups()
    if index is not None:
        return None if index == "*" else int(index)
    if quoted is None:
        return str(name)
    if quoted.startswith("'"):
        return str(quoted[1:-1])
    try:
        return str(json.loads(quoted))
    except json.JSONDecodeError as error:
        raise ValueError(f"{quoted} is no key: {error.msg}") from None
