"""Numbers as a person reads them at a glance: a handful of cells each, the same width from frame to frame. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

_BARS = " ▁▂▃▄▅▆▇█"
_DATE = re.compile(r"-(?:\d{8}|\d{4}-\d{2}-\d{2})$")
NOTHING = "–"
"""Stands where a number is not known."""


def count(number: int | None) -> str:
    """A number of things in at most five cells: `87`, `999`, `1.4k`, `48k`, `41.9k`, `1.2M`."""
    if number is None:
        return NOTHING
    size = abs(number)
    if size < 1000:
        return str(number)
    for unit in "kMGT":
        number_in_unit = size / 1000
        if number_in_unit < 99.95:
            return f"{'-' if number < 0 else ''}{f'{number_in_unit:.1f}'.removesuffix('.0')}{unit}"
        if number_in_unit < 999.5:
            return f"{'-' if number < 0 else ''}{number_in_unit:.0f}{unit}"
        size = round(number_in_unit)
    return "∞" if number > 0 else "-∞"


def estimate(number: int | None, estimated: bool) -> str:
    """A count, marked with `~` while it is only an estimate."""
    return f"~{count(number)}" if estimated and number is not None else count(number)


def duration(ms: float | None) -> str:
    """A span of milliseconds in at most five cells: `45ms`, `0.8s`, `12.3s`, `4m05`, `2h`."""
    if ms is None:
        return NOTHING
    if ms < 99.5:
        return f"{max(0.0, ms):.0f}ms"
    if ms < 99_950:
        return f"{ms / 1000:.1f}s"
    seconds = int(ms / 1000 + 0.5)
    if seconds < 3600:
        return f"{seconds // 60}m{seconds % 60:02}"
    return f"{seconds // 3600}h"


def wait(seconds: float) -> str:
    """How long something is still to come: `12s`, `1.5s`, `4m05`, `2h`."""
    return duration(min(seconds, 1e9) * 1000).replace(".0s", "s")


def age(seconds: float) -> str:
    """How long ago, in at most four cells: `8s`, `3m`, `2h`, `5d`. A clock that was set back gives `0s`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m"
    if whole < 86_400:
        return f"{whole // 3600}h"
    return f"{min(whole // 86_400, 999)}d"


def share(part: float | None) -> str:
    """A part of one as a percentage: `98%`. Only a true whole is `100%`."""
    if part is None:
        return NOTHING
    return f"{int(min(max(part, 0.0), 1.0) * 100 + (0.5 if part < 0.995 else 0))}%"


def money(dollars: float | None) -> str:
    """US dollars in at most six cells: `$3.41`, `$0.042`, `0.12¢`, `$1.2k`. Only nothing is `$0`."""
    if dollars is None:
        return NOTHING
    if dollars <= 0:
        return "$0"
    if dollars < 0.000_05:
        return "<.01¢"
    if dollars < 0.009_95:
        return f"{dollars * 100:.2f}¢"
    if dollars < 0.999_5:
        return f"${dollars:.3f}"
    if dollars < 99.995:
        return f"${dollars:.2f}"
    return f"${count(round(dollars)) if dollars < 1e15 else '∞'}"


def rate(per_second: float | None) -> str:
    """Tokens a second, in at most four cells."""
    if per_second is None:
        return NOTHING
    return f"{per_second:.1f}" if per_second < 9.95 else count(round(per_second))


def milliseconds(ms: float | None) -> str:
    """A small span with its unit apart, for the header: `0.02 ms`, `0.3 ms`, `12 ms`."""
    if ms is None:
        return f"{NOTHING} ms"
    if 0 < ms < 0.095:
        return f"{ms:.2f} ms"
    return f"{ms:.1f} ms" if ms < 9.95 else f"{ms:.0f} ms"


def sparkline(heights: Sequence[float]) -> str:
    """Numbers from 0 to 1 as bars, one cell each. What is not nothing is seen: it gets the lowest bar at least."""
    top = len(_BARS) - 1
    return "".join(_BARS[0 if height <= 0 else min(top, max(1, round(height * top)))] for height in heights)


def short_model(model: str) -> str:
    """A model's name without what is the same for its whole family: vendor path, `claude-`, the date of its release."""
    name = model.rsplit("/", 1)[-1]
    shortened = _DATE.sub("", name).removeprefix("claude-")
    return shortened or name


def at_home(path: Path) -> str:
    """A path as a person writes it."""
    whole = path.absolute()
    try:
        return f"~/{whole.relative_to(Path.home())}"
    except (ValueError, RuntimeError):
        return str(whole)
