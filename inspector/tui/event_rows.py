"""The events of a response as rows: when each came, after what gap, how large it is, and what it says in short."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

from inspector.dialects import ARRAYS
from inspector.dialects._base import parse_object
from inspector.dialects._invoke_events import inside
from inspector.model.flow import Flow, Response
from inspector.store.arrivals import TOGETHER
from inspector.tui.decoded_copy import DecodedCopy
from inspector.tui.format import count
from inspector.tui.spans import Line
from inspector.tui.text import one_line
from inspector.wire.body import BodyReader
from inspector.wire.event import Event

_TELLING = (
    *("text", "partial_json", "thinking", "content", "delta", "arguments", "reasoning_content", "reasoning", "refusal"),
    *("response", "input", "message", "error", "finish_reason", "stop_reason", "stopReason", "done_reason", "name"),
    "status",
    "model",
)
_RANKS = {name: rank for rank, name in enumerate(_TELLING)}
_NODES = 300
_DIGEST_LIMIT = 64 * 1024
"""Bytes of an event beyond which it is not parsed for a row."""
_BAR_CELLS = 6
_LONGEST = 10_000.0
"""The gap, in ms, that fills the bar; the bar's scale is logarithmic."""
PAUSE = 1000.0
"""The gap, in ms, from which on it is marked as a pause."""
_FAR = 1000
"""Rows before and behind one that are looked at for its burst."""


@dataclass(frozen=True, slots=True)
class Row:
    """One event, or one chunk of a body without events."""

    number: int
    at: float
    gap: float
    """Since the one before, in ms."""
    data: bytes
    name: str
    kind: str
    start: int
    """Where it begins in the decoded body, framing included."""
    end: int
    note: str = ""


class EventRows:
    """Reads a response into rows, as far as it came; large ones in slices."""

    def __init__(self, flow: Flow, response: Response) -> None:
        self.rows: list[Row] = []
        self.copy = DecodedCopy(response.headers, response.body)
        self._flow = flow
        self._reader = BodyReader(response.headers.without("content-encoding"), arrays=flow.dialect in ARRAYS)
        self._pieces: list[tuple[bytes, float]] = []
        self._offset = 0
        self._framed = False
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether there is more to read."""
        return bool(self._pieces) or self.copy.behind or not (self._flow.live or self._closed)

    def advance(self, seconds: float) -> int | None:
        """Read on for about that long; the first row that is new, or None where none is."""
        first, until = len(self.rows), time.perf_counter() + seconds
        while self.busy and time.perf_counter() < until:
            if not self._pieces:
                self._pieces = self.copy.update(not self._flow.live)[::-1]
            if self._pieces:
                first = min(first, self._take(*self._pieces.pop()))
            elif not self._flow.live and not self.copy.behind:
                self._closed = True
                first = min(first, self._add(self._reader.close(self.rows[-1].at if self.rows else 0.0)))
        return first if first < len(self.rows) else None

    def _take(self, piece: bytes, at: float) -> int:
        """Read a piece; the first row that is new."""
        first = self._add(self._reader.feed(piece, at))
        start, self._offset = self._offset, self._offset + len(piece)
        if not self._framed:
            self._append(Event(piece, "document", start=start, end=self._offset, at=at))
        return first

    def _add(self, events: list[Event]) -> int:
        """Take events for rows, in place of chunks where these are the first."""
        events = [event for event in events if event.kind != "document"]
        if events and not self._framed:
            self._framed = True
            self.rows.clear()
        first = len(self.rows)
        for event in events:
            self._append(event)
        return first

    def _append(self, event: Event) -> None:
        before = self.rows[-1].at if self.rows else event.at
        number, gap = len(self.rows) + 1, max(0.0, event.at - before)
        kind = "chunk" if event.kind == "document" else event.kind
        self.rows.append(Row(number, event.at, gap, event.data, event.name, kind, event.start, event.end, event.note))


def bracket(rows: Sequence[Row], index: int) -> str:
    """The sign of a row's place in a burst, where less than a millisecond lies between the rows; a blank without."""
    before = index > 0 and rows[index].gap < TOGETHER
    behind = index + 1 < len(rows) and rows[index + 1].gap < TOGETHER
    return "│" if before and behind else "└" if before else "┌" if behind else " "


def when(rows: Sequence[Row], index: int) -> str:
    """When a row came, in words: its time, its gap, its place in a burst."""
    row = rows[index]
    words = f"at {row.at / 1000:.3f} s"
    if index:
        words += f", {_ms(row.gap)} after {rows[index - 1].kind} {row.number - 1}"
    first, last = index, index
    while first > max(0, index - _FAR) and rows[first].gap < TOGETHER:
        first -= 1
    while last + 1 < min(len(rows), index + _FAR) and rows[last + 1].gap < TOGETHER:
        last += 1
    size = last - first + 1
    return words if size == 1 else f"{words} · in a burst of {size:,}{' or more' if size >= _FAR else ''}"


def row_line(row: Row, width: int, mark: str = " ") -> Line:
    """A row as wide as there is room for: columns drop out where it is narrow. `mark` as `bracket` has it."""
    name, words = read_row(row)
    style = "error" if name == "error" else "faint" if row.kind != "data" else "accent" if name == "[DONE]" else "key"
    line: Line = [("faint", f"{row.number:>5} "), ("key", mark)]
    if width >= 40:
        line.append(("muted", f"{row.at / 1000:>8.3f}s  "))
    if width >= 56:
        pause = row.gap >= PAUSE
        line.append(("warning" if pause else "muted", f"{'+' + _ms(row.gap):>8} "))
        line.append(("warning" if pause else "faint", f"{bar(row.gap)} "))
    if width >= 72:
        line.append(("muted", f"{count(row.end - row.start):>6}B  "))
    cells = 30 if width >= 110 else 22 if width >= 80 else 14
    name = name.removeprefix("response.")
    line.append((style, f"{name[: cells - 1]:{cells}} " if width >= 40 else f"{name} "))
    note: Line = [("warning", f"  {one_line(row.note)}")] if row.note else []
    return [*line, ("", words), *note]


def bar(gap: float) -> str:
    """A gap in ms as a bar of six cells, on a logarithmic scale: a burst has none, ten seconds fill it."""
    halves = round(2 * _BAR_CELLS * min(1.0, math.log1p(max(0.0, gap)) / math.log1p(_LONGEST)))
    return ("━" * (halves // 2) + "╸" * (halves % 2)).ljust(_BAR_CELLS)


def _ms(gap: float) -> str:
    return f"{gap:.1f}ms" if gap < 9.95 else f"{gap:.0f}ms" if gap < 9_999.5 else f"{gap / 1000:.1f}s"


def read_row(row: Row) -> tuple[str, str]:
    """What kind of event it is, in its own words, and what it says."""
    if row.kind == "chunk":
        return "chunk", one_line(row.data[:400].decode("utf-8", "replace"))
    if row.kind == "comment":
        return "comment", one_line(row.data[:400].decode("utf-8", "replace"))
    name = row.name
    if len(row.data) > _DIGEST_LIMIT or row.data.lstrip()[:1] != b"{":
        text = row.data[:400].decode("utf-8", "replace")
        return (one_line(name), one_line(text)) if name else (one_line(text, 30), "")
    try:
        value = parse_object(row.data)
        if name == "chunk" and isinstance(value.get("bytes"), str):
            name, value = "", inside(Event(row.data, name=name)) or value
    except ValueError:
        return one_line(name or "not JSON"), one_line(row.data[:400].decode("utf-8", "replace"))
    kind = name or next((value[key] for key in ("type", "object") if isinstance(value.get(key), str)), "")
    if "error" in value and value["error"] and not name:
        kind = "error"
    return one_line(kind or "data", 60), digest(value) or one_line(row.data[:400].decode("utf-8", "replace"))


def digest(value: object) -> str:
    """The most telling string in a payload, quoted as JSON so that blanks can be seen; empty where there is none.

    Which keys tell most is the same for all dialects: pieces of text first, then reasons, then names.
    """
    best, rank = "", len(_TELLING)
    level = [value]
    for _ in range(_NODES):
        if not level:
            break
        item = level.pop(0)
        if isinstance(item, list):
            level += item[:20]
        elif isinstance(item, dict):
            for key, inner in item.items():
                if not isinstance(inner, str):
                    level.append(inner)
                elif inner and _RANKS.get(key, rank) < rank:
                    best, rank = inner, _RANKS[key]
    return one_line(json.dumps(best[:300], ensure_ascii=False)) if best else ""
