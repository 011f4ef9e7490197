"""Numbers as a person reads them at a glance, by their unit. Pure."""

from __future__ import annotations

from datetime import datetime

from inspector.store.filter_field import Unit

_EXACT = 100_000
"""From here on a count is rounded: it would be longer than five cells."""


def spelled(number: float, unit: Unit) -> str:
    """A number in about five cells: `87`, `32000`, `410k`, `0.83`, `12.3s`, `98%`, `1.2MB`, `14:30:05`."""
    match unit:
        case "ms":
            return _span(number)
        case "share":
            return f"{number * 100:.0f}%"
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


def _span(ms: float) -> str:
    if abs(ms) < 99.5:
        return f"{ms:.0f}ms"
    if abs(ms) < 99_950:
        return f"{ms / 1000:.1f}s"
    minutes, seconds = divmod(round(ms / 1000), 60)
    return f"{minutes}m{seconds:02}" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02}"


def _clock(seconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds):%H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return ""
