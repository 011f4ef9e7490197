"""Reads a file of flows, in whichever of the formats it is that can be read again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from inspector.formats import jsonl_reader, trace_reader
from inspector.formats.jsonl_reader import BrokenLine
from inspector.model.flow import Flow

_PEEK = 10
"""Lines of which one must be whole to tell the format."""


def read(source: Iterable[bytes]) -> Iterator[Flow | BrokenLine]:
    """The flows of a file's lines, and what is broken. The first line that is JSON tells the format."""
    seen: list[bytes] = []
    lines = iter(source)
    for line in islice(lines, _PEEK):
        seen.append(line)
        if (is_trace := _is_trace(line)) is not None:
            yield from (trace_reader if is_trace else jsonl_reader).read(chain(seen, lines))
            return
    yield from jsonl_reader.read(chain(seen, lines))


def _is_trace(line: bytes) -> bool | None:
    try:
        record = jsonl_reader.parse(line.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError):
        return None
    return "format" not in record and record.keys() >= trace_reader.KEYS
