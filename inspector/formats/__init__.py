"""Floor 3: flows out, and in again. A new format of an export is a new module and a line in `EXPORTERS`."""

from __future__ import annotations

from inspector.formats._exporter import Exporter, Line
from inspector.formats.copies import COPIES, Copy
from inspector.formats.har import Har
from inspector.formats.jsonl import Jsonl
from inspector.formats.markdown import Markdown
from inspector.formats.otlp import Otlp
from inspector.formats.trace import Trace

__all__ = ["COPIES", "EXPORTERS", "Copy", "Exporter", "Line"]

_ALL: tuple[Exporter, ...] = (Jsonl(), Trace(), Har(), Markdown(), Otlp())

EXPORTERS: dict[str, Exporter] = {exporter.name: exporter for exporter in _ALL}
"""By name; the first is the one that is meant where none is named."""
