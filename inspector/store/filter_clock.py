"""Times of day as a person types them in a filter."""

from __future__ import annotations

import re
import time
from datetime import date, datetime, timedelta

_AGO = re.compile(r"-(\d{1,6})(s|m|min|h|d)")
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T_](.+))?")
_HOUR = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")


def clock(text: str) -> tuple[float, float]:
    """When a time begins, in seconds since the epoch, and how many seconds it lasts as it is written.

    `14:30` is a minute of today, `14:30:05` a second; `2026-01-31` is a day, `2026-01-31T14:30` a minute of it; all by
    the local clock. `-10m` is ten minutes ago, now that it is typed. ValueError, in words, for anything else.
    """
    if ago := _AGO.fullmatch(text.lower()):
        return time.time() - int(ago[1]) * _SECONDS[ago[2]], 0.0
    day = _DAY.fullmatch(text.upper())
    try:
        begins = date.fromisoformat(day[1]) if day else datetime.now().date()
        if day and day[2] is None:
            return _epoch(begins), _epoch(begins + timedelta(days=1)) - _epoch(begins)
        hour = _HOUR.fullmatch(day[2] if day else text)
        if hour is not None:
            start = datetime(begins.year, begins.month, begins.day, int(hour[1]), int(hour[2]), int(hour[3] or 0))
            return start.timestamp(), 60.0 if hour[3] is None else 1.0
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(f"{text} is no time: {error}") from None
    raise ValueError(f"{text} is no time, as 14:30, 2026-01-31, 2026-01-31T14:30 and -10m are")


def _epoch(day: date) -> float:
    return datetime(day.year, day.month, day.day).timestamp()
