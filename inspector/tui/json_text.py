"""JSON as a text that a person edits: laid out for reading, judged while it is typed, and put back with few changes."""

from __future__ import annotations

from inspector.wire.json_edit import minimal_edit, pretty
from inspector.wire.json_errors import JsonError
from inspector.wire.json_layout import bytes_of
from inspector.wire.json_spans import scan


def json_problem(text: str) -> JsonError | None:
    """What keeps a text from being JSON; None where it is JSON."""
    try:
        scan(bytes_of(text))
    except JsonError as error:
        return error
    return None


def laid_out(text: str) -> str:
    """A JSON text with a line for each value; what is no JSON, as it is."""
    try:
        return pretty(bytes_of(text))
    except JsonError:
        return text


def put_back(original: str, edited: str) -> str:
    """What `edited` says, spelled as the original is where it says the same; as it stands where it is no JSON."""
    try:
        return minimal_edit(bytes_of(original), edited).decode()
    except JsonError:
        return edited
