"""Arguments of a call as lines: JSON laid out, with what is wrong said where it stands."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence

from inspector.store.schema_words import Fault
from inspector.tui.spans import Line, json_line, split
from inspector.tui.text import WrappedText, clean, one_line, wrap
from inspector.wire.json_errors import JsonError
from inspector.wire.json_layout import bytes_of
from inspector.wire.json_path import Path

MOST_LINES = 200
"""Lines of arguments, or of a schema, that are laid out; what is longer is told by its size."""
MOST_LAID_OUT = 64 * 1024
"""Characters up to which a text is laid out as JSON."""
_MOST_DEPTH = 24
_AROUND = 160
"""Characters shown on either side of a mistake in a long text."""


def json_rows(text: str, width: int, faults: Sequence[Fault] = ()) -> list[Line]:
    """A JSON text laid out, each fault below the value it is about; what is no JSON, or too long, stays as it is."""
    pending: dict[Path, list[str]] = defaultdict(list)
    for fault in faults:
        pending[fault.path].append(fault.words)
    lines: list[Line] = [fault_line(words, 0) for words in pending.pop((), [])]
    value = value_of(text)
    if value is None:
        return lines + plain_rows(text, width)
    for path, indent, row in _rows(value, (), 0, "", ""):
        if len(lines) >= MOST_LINES and not pending:
            return [*lines, [("faint", "…")]]
        if len(lines) < MOST_LINES or path in pending:
            shown = clean(" " * indent + row)
            lengths = [len(piece) for piece in wrap(shown.replace(" ", "\xa0"), width)]
            lines += split(json_line(shown), lengths)
            lines += [fault_line(words, indent) for words in pending.pop(path, ())]
    return lines + [fault_line(words, 0) for rest in pending.values() for words in rest]


def value_of(text: str) -> object:
    """What a JSON text says, its whole numbers exactly; None where it is no JSON, too long or too deep."""
    try:
        return json.loads(text) if len(text) <= MOST_LAID_OUT else None
    except (ValueError, RecursionError):
        return None


def plain_rows(text: str, width: int, style: str = "") -> list[Line]:
    """Words as they are, the first lines of them."""
    lines = WrappedText(width, text[: MOST_LINES * width]).lines
    shown: list[Line] = [[(style, line)] for line in lines[:MOST_LINES]]
    return shown if len(lines) <= MOST_LINES and len(text) <= MOST_LINES * width else [*shown, [("faint", "…")]]


def broken_rows(text: str, error: JsonError, width: int) -> list[Line]:
    """What is no JSON: as it was sent, red from the mistake on, with a word on it."""
    at = len(bytes_of(text)[: error.offset].decode("utf-8", "ignore"))
    start, end = max(0, at - _AROUND), min(len(text), at + _AROUND)
    before, after = one_line(text[start:at], _AROUND), one_line(text[at:end], _AROUND)
    blank = " " if text[start:at][-1:].isspace() and before else ""
    shown: Line = [
        ("", f"{'…' if start else ''}{before}{blank}"),
        ("error", f"{after}{'…' if end < len(text) else ''}"),
    ]
    whole = "".join(part for _, part in shown)
    lengths = [len(piece) for piece in wrap(whole.replace(" ", "\xa0"), width)]
    return [*split(shown, lengths), fault_line(str(error), 0)]


def fault_line(words: str, indent: int) -> Line:
    """What is wrong, below the value that it is about."""
    return [("error", f"{' ' * indent}▲ {one_line(words)}")]


def _rows(value: object, path: Path, indent: int, before: str, behind: str) -> Iterator[tuple[Path, int, str]]:
    """The lines of a value: the path of what begins there, its indentation and its text."""
    if not isinstance(value, dict | list) or not value or len(path) >= _MOST_DEPTH:
        yield path, indent, before + json.dumps(value, ensure_ascii=False) + behind
        return
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    yield path, indent, before + opening
    members = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    for number, (key, inner) in enumerate(members, 1):
        name = f"{json.dumps(key, ensure_ascii=False)}: " if isinstance(value, dict) else ""
        yield from _rows(inner, (*path, key), indent + 2, name, "," if number < len(members) else "")
    # A closing bracket begins nothing: no fault stands below it.
    yield (*path, "\0end"), indent, closing + behind
