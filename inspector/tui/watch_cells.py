"""What a watched key says of a flow, in one cell of the list. Pure."""

from __future__ import annotations

from datetime import datetime

from inspector.model.flow import Flow
from inspector.store.filter_fields import Known, Unit
from inspector.store.view_order import reader
from inspector.store.watch import Watched, unit_of
from inspector.tui.format import duration, share

WIDEST = 40
"""Characters of a cell."""

_EXACT = 100_000
"""From here on a count is rounded: it would be longer than five cells."""


def shown(watched: Watched, flow: Flow, known: Known) -> str:
    """What the cell says, on one line; empty where the flow has no such value. It may hold odd characters."""
    value = reader(watched.key)(flow, known)
    if value is None:
        return ""
    if isinstance(value, float | int):
        return spelled(value, unit_of(watched.key))
    line = " ".join(value.split())
    return line if len(line) <= WIDEST else f"{line[: WIDEST - 1]}…"


def spelled(number: float, unit: Unit) -> str:
    """A number in about five cells: `87`, `32000`, `410k`, `0.83`, `12.3s`, `98%`, `1.2MB`, `14:30:05`."""
    match unit:
        case "ms":
            return duration(number)
        case "share":
            return share(number)
        case "bytes":
            return f"{_count(number, 1000)}B"
        case "time":
            return _clock(number)
        case _:
            return _count(number, _EXACT)


def _count(number: float, exact: int) -> str:
    size = abs(number)
    if size < exact:
        return f"{number:.0f}" if float(number).is_integer() or size >= 1000 else f"{number:.3g}"
    for unit in "kMGT":
        number /= 1000
        if abs(number) < 999.5:
            return f"{number:.3g}{unit}"
    return f"{number:.3g}T"


def _clock(seconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds):%H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return ""
